"""What of a group of batches is new, what is there already, what replaces a value.

Pure but for one question, "what is stored in these spans?", asked once per group and
only where a batch reaches back to or before the newest reading its series is known to
have. In-order live data never asks. With several workers on shared subscriptions the
newest reading may be another worker's: then every group asks (``always_ask``).
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from greenwater.kernel.channels import Channel
from greenwater.kernel.ids import ProbeId
from greenwater.kernel.reading import Reading
from greenwater.storage.telemetry.ports import Series, Span

Identity = tuple[str, ProbeId, Channel, int]
_UNKNOWN = object()

SERIES_KEPT: Final = 100_000
"""Series whose newest reading is remembered; beyond, the store is asked anew."""


@dataclass(slots=True)
class Merged:
    """The readings of one batch, sorted by what must be done with them.

    ``len(stored) + repeated`` is the number of readings in the batch; ``replaced`` are
    the values that stood under identities which ``stored`` gives another value;
    ``taken`` are the identities of those. ``extent`` is the first and last time of each
    series in the batch.
    """

    stored: list[Reading]
    extent: Mapping[Series, tuple[int, int]] = field(default_factory=dict)
    repeated: int = 0
    replaced: list[Reading] = field(default_factory=list)
    taken: set[Identity] = field(default_factory=set)

    @property
    def added(self) -> list[Reading]:
        """The stored readings whose identity was free."""
        if not self.taken:
            return self.stored
        return [one for one in self.stored if identity(one) not in self.taken]

    @property
    def replacing(self) -> list[Reading]:
        """The stored readings that replace another value."""
        return [
            one for one in self.stored if self.taken and identity(one) in self.taken
        ]


class Merger:
    """Knows the newest stored reading of every series it has met."""

    def __init__(
        self,
        newest: Callable[[Sequence[Series]], Mapping[Series, int]],
        read_many: Callable[[Sequence[Span]], Iterable[Reading]],
        *,
        always_ask: bool = False,
        series_kept: int = SERIES_KEPT,
    ) -> None:
        self._ask_newest, self._read_many = newest, read_many
        self._always_ask, self._series_kept = always_ask, series_kept
        self._newest: dict[Series, int] = {}

    def forget(self) -> None:
        """Forget what is stored: after a restore it may be less."""
        self._newest.clear()

    def merge(self, batches: Sequence[Sequence[Reading]]) -> list[Merged]:
        """Return one ``Merged`` for each batch, in order.

        Raises:
            UnavailableError: the store did not answer; nothing is remembered.
        """
        if len(self._newest) > self._series_kept:
            self.forget()  # what a box calls its probes is its own affair
        extents = [_extents(batch) for batch in batches]
        newest = self._learn({series for extent in extents for series in extent})
        spans, checked = self._to_check(batches, extents, newest)
        stored = {identity(r): r.value for r in self._read_many(spans)} if spans else {}
        return [
            _compare(batch, extent, stored)
            if checked and not checked.isdisjoint(extent)
            else Merged(list(batch), extent)
            for batch, extent in zip(batches, extents, strict=True)
        ]

    def stored(self, merged: Merged) -> None:
        """Remember that these are stored now."""
        for series, (_, last) in merged.extent.items():
            if last > self._newest.get(series, -1):
                self._newest[series] = last

    def _learn(self, series: set[Series]) -> dict[Series, int]:
        unknown = [one for one in series if one not in self._newest]
        if unknown:
            found = self._ask_newest(unknown)
            for one in unknown:
                self._newest[one] = found.get(one, -1)
        return {one: self._newest[one] for one in series}

    def _to_check(
        self,
        batches: Sequence[Sequence[Reading]],
        extents: Sequence[Mapping[Series, tuple[int, int]]],
        newest: dict[Series, int],
    ) -> tuple[list[Span], set[Series]]:
        spans: list[Span] = []
        checked: set[Series] = set()
        for batch, extent in zip(batches, extents, strict=True):
            if _has_twins(batch):
                checked.update(extent)
            for series, (first, last) in extent.items():
                if self._always_ask or first <= newest[series]:
                    checked.add(series)
                    spans.append(Span(series, first, last + 1))
                newest[series] = max(newest[series], last)
        return _joined(spans), checked


def identity(reading: Reading) -> Identity:
    """Return what makes a reading that one and no other."""
    return (reading.device, reading.probe, reading.channel, reading.taken_ms)


def _extents(readings: Iterable[Reading]) -> dict[Series, tuple[int, int]]:
    extents: dict[Series, tuple[int, int]] = {}
    probe, series, first, last = None, None, 0, 0
    for reading in readings:
        taken_ms = reading.taken_ms
        if reading.probe != probe:
            if series is not None:
                extents[series] = (first, last)
            probe = reading.probe
            series = Series(reading.device, probe)
            first, last = extents.get(series, (taken_ms, taken_ms))
        if taken_ms > last:
            last = taken_ms
        elif taken_ms < first:
            first = taken_ms
    if series is not None:
        extents[series] = (first, last)
    return extents


def _has_twins(batch: Sequence[Reading]) -> bool:
    return len({(r.probe, r.channel, r.taken_ms) for r in batch}) < len(batch)


def _joined(spans: list[Span]) -> list[Span]:
    """Return one span per series where they overlap, so that few are asked for."""
    joined: list[Span] = []
    for span in sorted(spans):
        if (
            joined
            and joined[-1].series == span.series
            and span.start_ms <= joined[-1].end_ms
        ):
            joined[-1] = joined[-1]._replace(end_ms=max(joined[-1].end_ms, span.end_ms))
        else:
            joined.append(span)
    return joined


def _compare(
    batch: Sequence[Reading],
    extent: Mapping[Series, tuple[int, int]],
    stored: dict[Identity, float | None],
) -> Merged:
    """Sort one batch against what is stored, and add it to that."""
    writes: dict[Identity, Reading] = {}
    merged = Merged([], extent)
    superseded = 0
    for reading in batch:
        key = identity(reading)
        before = stored.get(key, _UNKNOWN)
        if before is not _UNKNOWN:
            if before == reading.value:
                merged.repeated += 1
                continue
            old = before if isinstance(before, float) else None
            merged.replaced.append(_with_value(reading, old))
            merged.taken.add(key)
            superseded += key in writes
        writes[key] = reading
        stored[key] = reading.value
    merged.stored = list(writes.values())
    merged.repeated += superseded
    return merged


def _with_value(reading: Reading, value: float | None) -> Reading:
    return Reading(
        reading.device, reading.probe, reading.channel, reading.taken_ms, value
    )
