"""Quality flags of what became readable, in whatever order it came.

A stream that goes on is flagged from what is remembered of it. What comes in behind it,
or was written over, is flagged with its surroundings read again: so that in the end flags
are what the stored readings give in order of their times, however they came in. Flags
are written before the pass is kept; a pass done again writes the same ones.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from typing import Final, NamedTuple

import msgspec

from analytics.alarms.tracked import AHEAD_MS
from analytics.places import Places
from analytics.ports import Telemetry
from analytics.qc import joint
from analytics.qc.pieces import Done, Piece, flag_site
from analytics.qc.stream import FlagState, Verdict
from analytics.qc.stretch import Point
from greenwater.kernel.channels import SPECS, Channel, Measurement
from greenwater.kernel.ids import DeviceId
from greenwater.kernel.quality import Flagged
from greenwater.kernel.reading import Reading
from greenwater.reference.quality import QualityLimits, is_possible, quality_of
from greenwater.storage.telemetry.ports import Intake, Series, Span

Streams = dict[str, FlagState]
"""What is remembered of a device's channels, by ``probe/channel``."""

Batches = Sequence[tuple[Intake, Sequence[Reading]]]

_NEVER: Final = -(2**62)


def is_believable(reading: Reading) -> bool:
    """Return whether alarms may look at a reading.

    Only what no sound probe can answer is kept from them. A suspect reading is not: the
    oxygen of a crash is a spike, a fast change and out of the ordinary, all of it.
    """
    return reading.value is not None and is_possible(reading.channel, reading.value)


class _Seen(NamedTuple):
    """What one pass saw of one device."""

    device: DeviceId
    recorded_ms: int
    is_overwritten: bool
    channels: Mapping[Series, Mapping[Channel, Mapping[int, float | None]]]


class _Part(NamedTuple):
    """Whose piece it is, and whether the stream's state is its own now."""

    series: Series
    is_kept: bool
    piece: Piece


class Flagging:
    """The streams of one worker. Used by one thread; ``executor`` may have many."""

    def __init__(
        self,
        telemetry: Telemetry,
        streams: Mapping[DeviceId, Streams],
        executor: Executor | None = None,
    ) -> None:
        self._telemetry, self._executor = telemetry, executor
        self.streams = dict(streams)
        self._pending: list[Flagged] = []

    def take(self, batches: Batches, places: Places) -> None:
        """Flag what lies in the batches' stretches of time, site by site."""
        works: defaultdict[str, list[_Part]] = defaultdict(list)
        for seen in _by_device(batches):
            info = places.devices.get(seen.device)
            works[info.place if info else ""] += self._parts(seen, places)
        pieces = [[part.piece for part in parts] for parts in works.values()]
        for parts, done in zip(works.values(), self._map(pieces), strict=True):
            for part, one in zip(parts, done, strict=True):
                self._keep(part, one)

    def write(self) -> None:
        """Write what was found.

        Raises:
            UnavailableError: the store did not answer.
        """
        if self._pending:
            self._telemetry.write_flags(self._pending)
            self._pending = []

    def _map(self, works: Sequence[Sequence[Piece]]) -> Iterable[list[Done]]:
        if self._executor is None or len(works) < 2:
            return map(flag_site, works)
        return self._executor.map(flag_site, works)

    def _keep(self, part: _Part, done: Done) -> None:
        series, channel = part.series, part.piece.channel
        if part.is_kept:
            key = f"{series.probe}/{channel}"
            self.streams[series.device][key] = done.state
        self._pending += flagged_of(series, channel, done.verdicts)

    def _parts(self, seen: _Seen, places: Places) -> Iterator[_Part]:
        streams = self.streams.setdefault(seen.device, {})
        for series, channels in seen.channels.items():
            newest_ms = max(max(points) for points in channels.values())
            place = places.at(series, newest_ms)
            species = None if place is None else place.species
            others = neighbors(series, newest_ms, places)
            for channel in channels:
                limits = quality_of(channel, species)
                if limits is None:
                    continue
                state = streams.get(f"{series.probe}/{channel}") or FlagState()
                if _is_ahead(state, seen.recorded_ms):
                    state = FlagState()
                yield from self._pieces(seen, series, channel, limits, state, others)

    def _pieces(
        self,
        seen: _Seen,
        series: Series,
        channel: Channel,
        limits: QualityLimits,
        state: FlagState,
        others: Sequence[Series],
    ) -> Iterator[_Part]:
        channels = seen.channels[series]
        last_ms = _NEVER if state.last is None else state.last.taken_ms
        times = sorted(channels[channel])
        ahead = [Point(at, channels[channel][at]) for at in times if at > last_ms]
        beside = _beside(channels, channel, self.streams[seen.device], series)
        near = [self._near(seen, other, channel) for other in others]
        if times[0] <= last_ms:
            behind_ms = [at for at in times if at <= last_ms]
            from_ms = self._from(seen, series, channel, behind_ms)
            if from_ms is not None:
                span = Span(series, from_ms, behind_ms[-1] + 1)
                again = self._again(span, channel, limits, last_ms, others)
                if again.until_ms > last_ms:
                    # To the stream's end: what is new goes on from there.
                    yield _Part(series, True, _gone_on(again, ahead, beside, near))
                    return
                yield _Part(series, False, again)
        if ahead:
            piece = Piece(channel, limits, state, ahead, beside=beside, near=near)
            yield _Part(series, True, piece)

    def _near(self, seen: _Seen, other: Series, channel: Channel) -> list[Point]:
        """Return what is at hand of a neighbour's channel."""
        state = self.streams[seen.device].get(f"{other.probe}/{channel}")
        now = seen.channels.get(other, {}).get(channel, {})
        known = {} if state is None or state.last is None else dict([state.last])
        return [Point(at, value) for at, value in sorted({**known, **now}.items())]

    def _from(
        self, seen: _Seen, series: Series, channel: Channel, behind_ms: Sequence[int]
    ) -> int | None:
        """Return the first reading behind a stream that is to be flagged again.

        All that was written over, or was never flagged, or whose partner at the same
        instant has come in only now; not what is merely seen again.
        """
        if seen.is_overwritten:
            return behind_ms[0]
        span = Span(series, behind_ms[0], behind_ms[-1] + 1)
        known = {one.taken_ms for one in self._telemetry.flags(span, {channel})}
        streams, partners = self.streams[seen.device], joint.PARTNERS.get(channel, ())
        for partner in partners:
            state = streams.get(f"{series.probe}/{partner}")
            after_ms = _NEVER if state is None or state.last is None else state.last[0]
            known -= {
                at for at in seen.channels[series].get(partner, ()) if at > after_ms
            }
        return next((at for at in behind_ms if at not in known), None)

    def _again(
        self,
        behind: Span,
        channel: Channel,
        limits: QualityLimits,
        last_ms: int,
        others: Sequence[Series],
    ) -> Piece:
        """Return a stretch of a stream with all whose flags it may change."""
        end_ms = min(last_ms + 1, behind.end_ms + limits.reach_ms)
        around = Span(behind.series, behind.start_ms - limits.reach_ms, end_ms)
        is_to_the_end = end_ms > last_ms
        return whole_piece(
            self._telemetry,
            around,
            channel,
            limits,
            others,
            from_ms=behind.start_ms,
            is_to_the_end=is_to_the_end,
        )


def whole_piece(
    telemetry: Telemetry,
    around: Span,
    channel: Channel,
    limits: QualityLimits,
    others: Sequence[Series],
    *,
    from_ms: int,
    is_to_the_end: bool,
) -> Piece:
    """Return a stretch of a stream read from the store, to be flagged from ``from_ms``.

    With the reading before: whether it is a spike, the next one says. The last one of a
    stretch that ends before its stream is left out for the same reason.
    """
    partners = joint.PARTNERS.get(channel, ())
    points: list[Point] = []
    beside: dict[Channel, dict[int, float]] = {one: {} for one in partners}
    for one in telemetry.read(around, {channel, *partners}):
        if one.channel is channel:
            points.append(Point(one.taken_ms, one.value))
        elif one.value is not None:
            beside[one.channel][one.taken_ms] = one.value
    near = [
        [
            Point(one.taken_ms, one.value)
            for one in telemetry.read(around._replace(series=other), {channel})
        ]
        for other in others
    ]
    before_ms = max((at for at, _ in points if at < from_ms), default=from_ms)
    first_ms = before_ms if from_ms - before_ms <= limits.gap_s * 1000 else from_ms
    until_ms = around.end_ms if is_to_the_end or not points else points[-1].taken_ms
    there = {one: found for one, found in beside.items() if found}
    return Piece(channel, limits, FlagState(), points, first_ms, until_ms, there, near)


def flagged_of(
    series: Series, channel: Channel, verdicts: Iterable[Verdict]
) -> list[Flagged]:
    """Return verdicts as they are stored."""
    return [
        Flagged(*series, channel, one.taken_ms, one.flag, one.tests) for one in verdicts
    ]


def neighbors(series: Series, at_ms: int, places: Places) -> list[Series]:
    """Return the other probes of the box in the same water."""
    beside = places.beside(series, at_ms)
    return [other for other in beside if other.device == series.device]


def _by_device(batches: Batches) -> Iterator[_Seen]:
    """Yield what was seen of each device, its batches laid together."""
    found: dict[DeviceId, dict[Series, dict[Channel, dict[int, float | None]]]] = {}
    recorded: dict[DeviceId, int] = {}
    overwritten: set[DeviceId] = set()
    for row, readings in batches:
        for one in readings:
            probes = found.setdefault(one.device, {})
            probe = probes.setdefault(Series(one.device, one.probe), {})
            probe.setdefault(one.channel, {})[one.taken_ms] = one.value
        for device in {one.device for one in readings}:
            recorded[device] = max(recorded.get(device, 0), row.recorded_ms)
            if row.overwritten or device != row.device:
                overwritten.add(device)
    for device, channels in found.items():
        yield _Seen(device, recorded[device], device in overwritten, channels)


def _beside(
    channels: Mapping[Channel, Mapping[int, float | None]],
    channel: Channel,
    streams: Streams,
    series: Series,
) -> joint.Beside:
    """Return what is at hand of a channel's partners; of positions the last ones too."""
    found: dict[Channel, dict[int, float]] = {}
    for one in joint.PARTNERS.get(channel, ()):
        points = list(channels.get(one, {}).items())
        if SPECS[one].measurement is Measurement.POSITION:
            state = streams.get(f"{series.probe}/{one}") or FlagState()
            ends = [end for end in (state.before, state.last) if end is not None]
            points = [*ends, *points]
        if points:
            found[one] = {at: value for at, value in points if value is not None}
    return found


def _gone_on(
    again: Piece,
    ahead: Sequence[Point],
    beside: joint.Beside,
    near: Sequence[Sequence[Point]],
) -> Piece:
    """Return a piece that reaches its stream's end, with what is new after it."""
    earlier = again.beside or {}
    both = {
        one: {**earlier.get(one, {}), **beside.get(one, {})}
        for one in (*earlier, *beside)
    }
    news = [[*a, *b] for a, b in zip(again.near, near, strict=True)]
    return again._replace(
        points=[*again.points, *ahead],
        until_ms=2**62,
        beside=both,
        near=[sorted({one.taken_ms: one for one in some}.values()) for some in news],
    )


def _is_ahead(state: FlagState, recorded_ms: int) -> bool:
    """Return whether a clock far ahead made the newest reading of a stream."""
    return state.last is not None and state.last.taken_ms > recorded_ms + AHEAD_MS


def decode_streams(document: bytes) -> Streams:
    """Return what ``encode_streams`` kept."""
    return msgspec.json.decode(document, type=Streams)


def encode_streams(streams: Streams) -> bytes:
    """Return a device's streams as they are kept beside the cursor."""
    return msgspec.json.encode(streams)
