"""Readings of a farmer's own meter, from the book into the telemetry store.

A record ``water_measure`` becomes readings of a probe with source ``hand`` in its unit:
one such probe for each depth, on its site's book (``traceability.told``).
"""

import hashlib
from collections.abc import Iterator
from typing import Final

from greenwater.kernel.channels import Channel
from greenwater.kernel.ids import ProbeId
from greenwater.kernel.reading import Reading, Source
from greenwater.storage.registry import Registry
from greenwater.storage.registry.books import Record
from greenwater.storage.telemetry.ports import Series
from traceability.book.families import family_of
from traceability.corrections import is_fitting
from traceability.ports import Telemetry
from traceability.told import SECOND_MS, Book, TakeIn, book_device, instants, second_of

KIND: Final = "water_measure"
CHANNELS: Final = (
    Channel.DISSOLVED_OXYGEN,
    Channel.TEMPERATURE,
    Channel.PH,
    Channel.SALINITY,
    Channel.ALKALINITY,
    Channel.TRANSPARENCY,
    Channel.AMMONIA_TOTAL,
    Channel.NITRITE,
)


def book_probe(unit: str, depth_m: float | None) -> ProbeId:
    """Return the probe that stands for what is measured by hand in a unit, at a depth."""
    where = f"{unit}/{'' if depth_m is None else f'{depth_m:g}'}"
    return ProbeId(f"tay-{hashlib.sha256(where.encode()).hexdigest()[:16]}")


def _series(record: Record) -> Series:
    depth_m = record.fields.get("depth_m")
    return Series(
        book_device(record.site or ""), book_probe(record.unit or "", depth_m)
    )


def readings_of(record: Record, taken_ms: int) -> list[Reading]:
    """Return what a record says as readings of an instant."""
    device, probe = _series(record)
    return [
        Reading(device, probe, channel, taken_ms, float(record.fields[channel.value]))
        for channel in CHANNELS
        if channel.value in record.fields
    ]


class HandWater:
    """Keeps the readings as the records say."""

    def __init__(
        self, registry: Registry, telemetry: Telemetry, take_in: TakeIn
    ) -> None:
        self._registry = registry
        self._book = Book(registry, telemetry, take_in)

    def settle(self, record: Record) -> None:
        """Bring the readings of a record and its corrections up to date; twice is once.

        Raises:
            UnavailableError: a store did not answer; the same again later does it.
        """
        self._settle(record)
        # What was taken for its corrections, until it came, may be none of them.
        for one in self._registry.corrections_of({record.id}):
            if not is_fitting(one, record):
                self._settle(one)

    def _settle(self, record: Record) -> None:
        if record.kind != KIND or record.unit is None or record.site is None:
            return
        family = family_of(self._registry, record)
        chosen = family.chosen
        self._book.hang(
            _series(chosen),
            Source.HAND,
            "Sổ tay",
            at_ms=chosen.happened_ms,
            now_ms=chosen.entered_ms,
            site=record.site,
            unit=record.unit,
            depth_m=chosen.fields.get("depth_m"),
        )
        places = {(_series(one), second_of(one)) for one in family.members}
        for series, second_ms in sorted(places):
            counting = self._counting(record.unit, series, second_ms)
            self._book.bring(
                series,
                second_ms,
                (
                    reading
                    for one, taken_ms in instants(second_ms, counting)
                    for reading in readings_of(one, taken_ms)
                ),
            )

    def _counting(
        self, unit: str, series: Series, second_ms: int
    ) -> Iterator[tuple[str, Record]]:
        """Yield the records that count in a second, each with its family's first id."""
        within = (second_ms, second_ms + SECOND_MS)
        for one in self._registry.records(unit=unit, kinds=(KIND,), within=within):
            if _series(one) == series:
                family = family_of(self._registry, one)
                if family.chosen.id == one.id:
                    yield family.root, one
