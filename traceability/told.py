"""Readings that people told, from a book into the telemetry store.

A book is a device of its own (nobody listens to it, and it is never silent), which holds a
probe for each thing that is told. What the store holds of a second follows from the records
of that second alone, in whatever order they came. Each record that counts has a millisecond
of its own, so that two who tell something at once do not overwrite each other: its family's
first id chooses one, and of two that choose alike the lower id has it, and the other the
next that is free.
"""

import hashlib
import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final, Protocol, TypeVar

from greenwater.kernel.ids import DeviceId
from greenwater.kernel.reading import Reading, Source
from greenwater.storage.registry import Registry
from greenwater.storage.telemetry.ports import Series, Span
from traceability.ports import Telemetry

SINCE_MS: Final = 946_684_800_000
"""Probes of a book have hung since 2000: what is entered late counts as well."""
SECOND_MS: Final = 1000

TakeIn = Callable[[Sequence[Reading]], object]


class Said(Protocol):
    """What is asked of a record, of whatever book."""

    @property
    def id(self) -> str:
        """Its id, a UUID."""
        ...

    @property
    def happened_ms(self) -> int:
        """When it was so."""
        ...


R = TypeVar("R", bound=Said)


def book_device(place: str) -> DeviceId:
    """Return the device that stands for the book of a site or a vessel."""
    return DeviceId(f"so-{hashlib.sha256(place.encode()).hexdigest()[:16]}")


def second_of(record: Said) -> int:
    """Return the second that a record is about (ms)."""
    return record.happened_ms // SECOND_MS * SECOND_MS


def instants(
    second_ms: int, counting: Iterable[tuple[str, R]]
) -> Iterator[tuple[R, int]]:
    """Yield the records that count in a second with an instant for each, all different.

    ``counting`` are they, each behind the first id of its family; the order in which they
    are given changes nothing. A second has a thousand places: more records than that are
    left out, those of the highest ids.
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


class Book:
    """The store's side of a book: where it hangs, and what it holds."""

    def __init__(
        self, registry: Registry, telemetry: Telemetry, take_in: TakeIn
    ) -> None:
        self._registry, self._telemetry, self._take_in = registry, telemetry, take_in

    def bring(self, series: Series, second_ms: int, wanted: Iterable[Reading]) -> None:
        """Have the store say of one second of a probe what is wanted, and nothing else.

        What is wanted no longer becomes a reading without a value: the store keeps that
        something was said there.

        Raises:
            UnavailableError: a store did not answer; the same again later does it.
        """
        told = {(one.channel, one.taken_ms): one for one in wanted}
        span = Span(series, second_ms, second_ms + SECOND_MS)
        held = {
            (one.channel, one.taken_ms): one.value for one in self._telemetry.read(span)
        }
        new = [one for key, one in told.items() if held.get(key) != one.value]
        void = [
            Reading(*series, channel, taken_ms, None)
            for (channel, taken_ms), value in held.items()
            if value is not None and (channel, taken_ms) not in told
        ]
        if new or void:
            self._take_in([*new, *void])

    def hang(
        self,
        series: Series,
        source: Source,
        name: str,
        *,
        at_ms: int,
        now_ms: int,
        site: str | None = None,
        unit: str | None = None,
        vessel: str | None = None,
        depth_m: float | None = None,
    ) -> None:
        """Have a probe of a site's or vessel's book hang in a unit or aboard, if at ``at_ms`` it does not."""
        if self._registry.where(*series, at_ms):
            return
        self._registry.add_device(
            series.device, site=site, vessel=vessel, name=name, now_ms=now_ms
        )
        self._registry.add_probe(*series, source=source)
        self._registry.deploy(
            *series,
            unit=unit,
            vessel=vessel,
            depth_m=depth_m,
            from_ms=SINCE_MS,
            now_ms=now_ms,
        )
