"""Positions that a boat told by voice, from its book into the telemetry store.

A record ``position`` becomes a reading of latitude and longitude of a probe with source
``voice``, on a device that stands for the boat's book (nobody listens to it). What the store
holds follows from the records that count, in whatever order they came: each family of
corrections has a millisecond of its own in the second that it is about.
"""

import hashlib
import uuid
from collections.abc import Callable, Iterable, Sequence
from typing import Final

from greenwater.kernel.channels import Channel
from greenwater.kernel.ids import DeviceId, ProbeId
from greenwater.kernel.reading import Reading, Source
from greenwater.storage.registry import Registry
from greenwater.storage.registry.vessel_books import VesselRecord
from greenwater.storage.telemetry.ports import Series, Span
from traceability.ports import Telemetry
from traceability.sea.trip_book import in_force

KIND: Final = "position"
PROBE: Final = ProbeId("voice")
SINCE_MS: Final = 946_684_800_000
"""The book has hung aboard since 2000: what is entered late counts as well."""
SECOND_MS: Final = 1000


def book_aboard(vessel: str) -> DeviceId:
    """Return the device that stands for a boat's book."""
    return DeviceId(f"so-{hashlib.sha256(vessel.encode()).hexdigest()[:16]}")


class VoicePositions:
    """Keeps the readings as the records say."""

    def __init__(
        self,
        registry: Registry,
        telemetry: Telemetry,
        take_in: Callable[[Sequence[Reading]], object],
    ) -> None:
        self._registry, self._telemetry, self._take_in = registry, telemetry, take_in

    def settle(self, record: VesselRecord) -> None:
        """Bring the readings of a record and its corrections up to date; twice is once.

        Raises:
            UnavailableError: a store did not answer; the same again later does it.
        """
        if record.kind != KIND:
            return
        known = self._registry.vessel_records(vessel=record.vessel, kind=KIND)
        family = _family(record, known)
        counting = [one for one in in_force(known) if one.record.id in family]
        series = Series(book_aboard(record.vessel), PROBE)
        wanted = {
            (reading.channel, reading.taken_ms): reading
            for one in counting
            for reading in _readings(series, one.root, one.record)
        }
        self._hang(record)
        held = self._held(series, (one for one in known if one.id in family))
        new = [one for key, one in wanted.items() if held.get(key) != one.value]
        places = {
            uuid.UUID(one.id).int % SECOND_MS for one in known if one.id in family
        }
        void = [
            Reading(*series, channel, taken_ms, None)
            for (channel, taken_ms), value in held.items()
            if value is not None and taken_ms % SECOND_MS in places
            if (channel, taken_ms) not in wanted
        ]
        if new or void:
            self._take_in([*new, *void])

    def _held(
        self, series: Series, records: Iterable[VesselRecord]
    ) -> dict[tuple[Channel, int], float | None]:
        spans = {_second(one) for one in records}
        return {
            (one.channel, one.taken_ms): one.value
            for second_ms in sorted(spans)
            for one in self._telemetry.read(
                Span(series, second_ms, second_ms + SECOND_MS)
            )
        }

    def _hang(self, record: VesselRecord) -> None:
        device = book_aboard(record.vessel)
        if self._registry.where(device, PROBE, record.happened_ms):
            return
        self._registry.add_device(
            device, vessel=record.vessel, name="Sổ tàu", now_ms=record.received_ms
        )
        self._registry.add_probe(device, PROBE, source=Source.VOICE)
        self._registry.deploy(
            device,
            PROBE,
            vessel=record.vessel,
            depth_m=None,
            from_ms=SINCE_MS,
            now_ms=record.received_ms,
        )


def _family(record: VesselRecord, known: Iterable[VesselRecord]) -> set[str]:
    """Return the ids of a record, of what it corrects and of what corrects it."""
    links = [(one.id, one.corrects) for one in known if one.corrects is not None]
    family, size = {record.id}, 0
    while size < len(family):
        size = len(family)
        family |= {end for link in links if family & {*link} for end in link}
    return family


def _readings(series: Series, root: str, record: VesselRecord) -> list[Reading]:
    taken_ms = _second(record) + uuid.UUID(root).int % SECOND_MS
    return [
        Reading(*series, channel, taken_ms, float(record.fields[channel.value]))
        for channel in (Channel.LATITUDE, Channel.LONGITUDE)
    ]


def _second(record: VesselRecord) -> int:
    return record.happened_ms // SECOND_MS * SECOND_MS
