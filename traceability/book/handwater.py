"""Readings of a farmer's own meter, from the book into the telemetry store.

A record ``water_measure`` becomes readings of a probe with source ``hand`` in its unit:
one such probe for each depth, on a device of its own at each site (a book, not a box:
nobody listens to it, and it is never silent). What the store holds of a second follows from
the records of that second alone, in whatever order they came. Each record that counts has a
millisecond of its own, so that two people who measure at once do not overwrite each other:
its family's first id chooses one, and of two that choose alike the lower id has it, and the
other the next that is free.
"""

import hashlib
import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final

from greenwater.kernel.channels import Channel
from greenwater.kernel.ids import DeviceId, ProbeId
from greenwater.kernel.reading import Reading, Source
from greenwater.storage.registry import Registry
from greenwater.storage.registry.books import Record
from greenwater.storage.telemetry.ports import Series, Span
from traceability.book.families import family_of
from traceability.corrections import is_fitting
from traceability.ports import Telemetry

KIND: Final = "water_measure"
SINCE_MS: Final = 946_684_800_000
"""Probes of the book have hung since 2000: what is entered late counts as well."""

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

SECOND_MS: Final = 1000
Identity = tuple[Channel, int]
Counting = tuple[str, Record]
"""A record that counts, behind the first id of its family."""


def book_device(site: str) -> DeviceId:
    """Return the device that stands for a site's book."""
    return DeviceId(f"so-{hashlib.sha256(site.encode()).hexdigest()[:16]}")


def book_probe(unit: str, depth_m: float | None) -> ProbeId:
    """Return the probe that stands for what is measured by hand in a unit, at a depth."""
    where = f"{unit}/{'' if depth_m is None else f'{depth_m:g}'}"
    return ProbeId(f"tay-{hashlib.sha256(where.encode()).hexdigest()[:16]}")


def _series(record: Record) -> Series:
    depth_m = record.fields.get("depth_m")
    return Series(
        book_device(record.site or ""), book_probe(record.unit or "", depth_m)
    )


def _second(record: Record) -> int:
    return record.happened_ms // SECOND_MS * SECOND_MS


def _identity(one: Reading) -> Identity:
    return one.channel, one.taken_ms


def readings_of(record: Record, taken_ms: int) -> list[Reading]:
    """Return what a record says as readings of an instant."""
    device, probe = _series(record)
    return [
        Reading(device, probe, channel, taken_ms, float(record.fields[channel.value]))
        for channel in CHANNELS
        if channel.value in record.fields
    ]


def instants(
    second_ms: int, counting: Iterable[Counting]
) -> Iterator[tuple[Record, int]]:
    """Yield the records that count in a second with an instant for each, all different.

    The order in which they are given changes nothing. A second has a thousand places:
    more records than that are left out, those of the highest ids.
    """
    taken: set[int] = set()
    for root, record in sorted(counting, key=lambda one: (one[0], one[1].id))[
        :SECOND_MS
    ]:
        place = uuid.UUID(root).int % SECOND_MS
        while place in taken:
            place = (place + 1) % SECOND_MS
        taken.add(place)
        yield record, second_ms + place


class HandWater:
    """Keeps the readings as the records say."""

    def __init__(
        self,
        registry: Registry,
        telemetry: Telemetry,
        take_in: Callable[[Sequence[Reading]], object],
    ) -> None:
        self._registry, self._telemetry, self._take_in = registry, telemetry, take_in

    def settle(self, record: Record) -> None:
        """Bring the readings of a record and its corrections up to date; twice is once.

        What no longer counts becomes a reading without a value: the store keeps that
        something was said there.

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
        self._hang(family.chosen)
        places = {(_series(one), _second(one)) for one in family.members}
        for series, second_ms in sorted(places):
            self._bring(record.unit, series, second_ms)

    def _bring(self, unit: str, series: Series, second_ms: int) -> None:
        """Have the store say of one second of a probe what the records say."""
        wanted = {
            _identity(one): one
            for record, taken_ms in instants(
                second_ms, self._counting(unit, series, second_ms)
            )
            for one in readings_of(record, taken_ms)
        }
        span = Span(series, second_ms, second_ms + SECOND_MS)
        held = {_identity(one): one for one in self._telemetry.read(span)}
        void = [
            Reading(one.device, one.probe, one.channel, one.taken_ms, None)
            for identity, one in held.items()
            if one.value is not None and identity not in wanted
        ]
        new = [
            one
            for identity, one in wanted.items()
            if identity not in held or held[identity].value != one.value
        ]
        if new or void:
            self._take_in([*new, *void])

    def _counting(
        self, unit: str, series: Series, second_ms: int
    ) -> Iterator[Counting]:
        """Yield the records that count in a second, each with its family's first id."""
        within = (second_ms, second_ms + SECOND_MS)
        for one in self._registry.records(unit=unit, kinds=(KIND,), within=within):
            if _series(one) == series:
                family = family_of(self._registry, one)
                if family.chosen.id == one.id:
                    yield family.root, one

    def _hang(self, record: Record) -> None:
        site, unit = record.site or "", record.unit or ""
        device, probe = _series(record)
        known = {(one.device, one.id) for one in self._registry.list_probes(device)}
        if (device, probe) in known and self._registry.where(
            device, probe, record.happened_ms
        ):
            return
        self._registry.add_device(
            device, site=site, name="Sổ tay", now_ms=record.entered_ms
        )
        self._registry.add_probe(device, probe, source=Source.HAND)
        self._registry.deploy(
            device,
            probe,
            unit=unit,
            depth_m=record.fields.get("depth_m"),
            from_ms=SINCE_MS,
            now_ms=record.entered_ms,
        )
