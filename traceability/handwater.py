"""Readings of a farmer's own meter, from the book into the telemetry store.

A record ``water_measure`` becomes readings of a probe with source ``hand`` in its unit:
one such probe for each depth, on a device of its own at each site (a book, not a box:
nobody listens to it, and it is never silent). What a reading says follows from the records
alone, in whatever order they came: it is the one that counts of a record and its
corrections, and its time carries the milliseconds of the first one's id, so that two
people who measure in the same minute do not overwrite each other.
"""

import hashlib
import uuid
from collections.abc import Callable, Iterator, Sequence
from typing import Final

from greenwater.kernel.channels import Channel
from greenwater.kernel.ids import DeviceId, ProbeId
from greenwater.kernel.reading import Reading, Source
from greenwater.storage.registry import Registry
from greenwater.storage.registry.books import Record
from greenwater.storage.telemetry.ports import Series, Span
from traceability.corrections import Family, family_of, is_fitting
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

Identity = tuple[Series, Channel, int]


def book_device(site: str) -> DeviceId:
    """Return the device that stands for a site's book."""
    return DeviceId(f"so-{hashlib.sha256(site.encode()).hexdigest()[:16]}")


def book_probe(unit: str, depth_m: float | None) -> ProbeId:
    """Return the probe that stands for what is measured by hand in a unit, at a depth."""
    where = f"{unit}/{'' if depth_m is None else f'{depth_m:g}'}"
    return ProbeId(f"tay-{hashlib.sha256(where.encode()).hexdigest()[:16]}")


def _taken_ms(happened_ms: int, root: str) -> int:
    return happened_ms // 1000 * 1000 + uuid.UUID(root).int % 1000


def _series(record: Record) -> Series:
    depth_m = record.fields.get("depth_m")
    return Series(
        book_device(record.site or ""), book_probe(record.unit or "", depth_m)
    )


def readings_of(record: Record, root: str) -> list[Reading]:
    """Return what a record says as readings; ``root`` is the first of its corrections."""
    device, probe = _series(record)
    taken_ms = _taken_ms(record.happened_ms, root)
    return [
        Reading(device, probe, channel, taken_ms, float(record.fields[channel.value]))
        for channel in CHANNELS
        if channel.value in record.fields
    ]


def _identity(one: Reading) -> Identity:
    return Series(one.device, one.probe), one.channel, one.taken_ms


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
        wanted = readings_of(family.chosen, family.root)
        self._hang(family.chosen)
        kept = set(map(_identity, wanted)) | self._beside(family)
        void = [
            Reading(series.device, series.probe, channel, taken_ms, None)
            for series, channel, taken_ms in sorted(set(_told(family)) - kept)
            if self._has_value(series, channel, taken_ms)
        ]
        new = [one for one in wanted if not self._is_there(one)]
        if new or void:
            self._take_in([*new, *void])

    def _beside(self, family: Family) -> set[Identity]:
        """Return what records say that are named as corrected, and are not."""
        own = {one.id for one in family.members}
        named = {one.corrects for one in family.members if one.corrects} - own
        found: set[Identity] = set()
        for name in named:
            record = self._registry.find_record(name)
            if record is not None and record.kind == KIND:
                other = family_of(self._registry, record)
                found.update(map(_identity, readings_of(other.chosen, other.root)))
        return found

    def _read(self, series: Series, channel: Channel, taken_ms: int) -> list[Reading]:
        span = Span(series, taken_ms, taken_ms + 1)
        return list(self._telemetry.read(span, [channel]))

    def _has_value(self, series: Series, channel: Channel, taken_ms: int) -> bool:
        return any(
            one.value is not None for one in self._read(series, channel, taken_ms)
        )

    def _is_there(self, wanted: Reading) -> bool:
        series = Series(wanted.device, wanted.probe)
        held = self._read(series, wanted.channel, wanted.taken_ms)
        return any(one.value == wanted.value for one in held)

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


def _told(family: Family) -> Iterator[Identity]:
    """Yield every identity that the family may have had a reading under before.

    Before a record came that another one corrects, the lowest known was the first.
    """
    roots = {family.root, *(one.id for one in family.members)}
    roots |= {one.corrects for one in family.members if one.corrects}
    for one in family.members:
        for root in roots:
            yield from map(_identity, readings_of(one, root))
