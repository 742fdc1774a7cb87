"""Positions that a boat told by voice, from its book into the telemetry store.

A record ``position`` becomes a reading of latitude and longitude of a probe with source
``voice``, on the boat's book (``traceability.told``).
"""

from collections.abc import Iterable
from typing import Final

from greenwater.kernel.channels import Channel
from greenwater.kernel.ids import ProbeId
from greenwater.kernel.reading import Reading, Source
from greenwater.storage.registry import Registry
from greenwater.storage.registry.vessel_books import VesselRecord
from greenwater.storage.telemetry.ports import Series
from traceability.ports import Telemetry
from traceability.sea.trip_book import in_force
from traceability.told import Book, TakeIn, book_device, instants, second_of

KIND: Final = "position"
PROBE: Final = ProbeId("voice")


class VoicePositions:
    """Keeps the readings as the records say."""

    def __init__(
        self, registry: Registry, telemetry: Telemetry, take_in: TakeIn
    ) -> None:
        self._registry = registry
        self._book = Book(registry, telemetry, take_in)

    def settle(self, record: VesselRecord) -> None:
        """Bring the readings of a record and its corrections up to date; twice is once.

        Raises:
            UnavailableError: a store did not answer; the same again later does it.
        """
        if record.kind != KIND:
            return
        known = self._registry.vessel_records(vessel=record.vessel, kind=KIND)
        counting = in_force(known)
        series = Series(book_device(record.vessel), PROBE)
        self._book.hang(
            series,
            Source.VOICE,
            "Sổ tàu",
            at_ms=record.happened_ms,
            now_ms=record.received_ms,
            vessel=record.vessel,
        )
        family = _family(record, known)
        for second_ms in sorted({second_of(one) for one in known if one.id in family}):
            here = (
                (one.root, one.record)
                for one in counting
                if second_of(one.record) == second_ms
            )
            self._book.bring(
                series,
                second_ms,
                (
                    reading
                    for one, taken_ms in instants(second_ms, here)
                    for reading in _readings(series, one, taken_ms)
                ),
            )


def _family(record: VesselRecord, known: Iterable[VesselRecord]) -> set[str]:
    """Return the ids of a record, of what it corrects and of what corrects it."""
    links = [(one.id, one.corrects) for one in known if one.corrects is not None]
    family, size = {record.id}, 0
    while size < len(family):
        size = len(family)
        family |= {end for link in links if family & {*link} for end in link}
    return family


def _readings(series: Series, record: VesselRecord, taken_ms: int) -> list[Reading]:
    return [
        Reading(*series, channel, taken_ms, float(record.fields[channel.value]))
        for channel in (Channel.LATITUDE, Channel.LONGITUDE)
    ]
