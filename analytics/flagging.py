"""Quality flags of what became readable, in whatever order it came.

A stream that goes on is flagged reading by reading from what is remembered of it. What
comes in behind it, or was written over, is flagged with its surroundings read again: so
that in the end flags are what the stored readings give in order of their times, however
they came in. Flags are written before the pass is kept; a pass done again writes the
same ones.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import msgspec

from analytics.alarms.tracked import AHEAD_MS
from analytics.ports import Telemetry
from analytics.qc.stream import FlagState, Point, Verdict, flagged
from greenwater.kernel.channels import Channel
from greenwater.kernel.ids import DeviceId
from greenwater.kernel.quality import Flagged
from greenwater.kernel.reading import Reading
from greenwater.reference.quality import QUALITY, QualityLimits
from greenwater.storage.telemetry.ports import Intake, Series, Span

Streams = dict[str, FlagState]
"""What is remembered of a device's channels, by ``probe/channel``."""

_NEVER: Final = -(2**62)


def is_believable(reading: Reading) -> bool:
    """Return whether alarms may look at a reading.

    Only what no sound probe can answer is kept from them. A suspect reading is not: the
    oxygen of a crash is a spike, a fast change and out of the ordinary, all of it.
    """
    limits = QUALITY.get(reading.channel)
    if reading.value is None:
        return False
    return limits is None or limits.fail.holds(reading.value)


class Flagging:
    """The streams of one worker. Used by one thread."""

    def __init__(
        self, telemetry: Telemetry, streams: Mapping[DeviceId, Streams]
    ) -> None:
        self._telemetry = telemetry
        self.streams = dict(streams)
        self._pending: list[Flagged] = []

    def take(self, row: Intake, readings: Iterable[Reading]) -> None:
        """Flag what lies in a batch's stretch of time."""
        channels: defaultdict[tuple[Series, Channel], list[Point]] = defaultdict(list)
        for one in readings:
            key = Series(one.device, one.probe), one.channel
            channels[key].append(Point(one.taken_ms, one.value))
        for (series, channel), points in channels.items():
            limits = QUALITY.get(channel)
            if limits is not None:
                points.sort()
                self._take(row, series, channel, points, limits)

    def _take(
        self,
        row: Intake,
        series: Series,
        channel: Channel,
        points: Sequence[Point],
        limits: QualityLimits,
    ) -> None:
        streams = self.streams.setdefault(row.device, {})
        key = f"{series.probe}/{channel}"
        state = streams.setdefault(key, FlagState())
        if state.last is not None and state.last.taken_ms > row.recorded_ms + AHEAD_MS:
            state = streams[key] = FlagState()  # a clock far ahead made that one
        last_ms = _NEVER if state.last is None else state.last.taken_ms
        behind = [one for one in points if one.taken_ms <= last_ms]
        if behind:
            span = Span(series, behind[0].taken_ms, behind[-1].taken_ms + 1)
            from_ms = (
                span.start_ms if row.overwritten else self._unflagged(span, channel)
            )
            if from_ms is not None:
                again = Span(series, from_ms, span.end_ms)
                known = self._flag_again(again, channel, limits, last_ms)
                state = streams[key] = known or state
        for point in points[len(behind) :]:
            self._keep(series, channel, flagged(state, point, limits))

    def write(self) -> None:
        """Write what was found.

        Raises:
            UnavailableError: the store did not answer.
        """
        if self._pending:
            self._telemetry.write_flags(self._pending)
            self._pending = []

    def _keep(
        self, series: Series, channel: Channel, verdicts: Iterable[Verdict]
    ) -> None:
        self._pending += [
            Flagged(*series, channel, one.taken_ms, one.flag, one.tests)
            for one in verdicts
        ]

    def _flag_again(
        self, behind: Span, channel: Channel, limits: QualityLimits, last_ms: int
    ) -> FlagState | None:
        """Flag a stretch of a stream again, with all whose flags it may change.

        Returns the stream's state if that is another now.
        """
        from_ms = behind.start_ms
        reach_ms = limits.reach_ms
        end_ms = min(last_ms + 1, behind.end_ms + reach_ms)
        around = Span(behind.series, from_ms - reach_ms, end_ms)
        points = [
            Point(one.taken_ms, one.value)
            for one in self._telemetry.read(around, {channel})
        ]
        state = FlagState()
        first_ms = max((at for at, _ in points if at < from_ms), default=from_ms)
        is_to_the_end = end_ms > last_ms
        # Whether the last one is a spike, what stands behind it says, and has said.
        until_ms = end_ms if is_to_the_end else points[-1].taken_ms
        for point in points:
            verdicts = flagged(state, point, limits)
            news = [one for one in verdicts if first_ms <= one.taken_ms < until_ms]
            self._keep(behind.series, channel, news)
        return state if is_to_the_end else None

    def _unflagged(self, span: Span, channel: Channel) -> int | None:
        """Return the first reading that was never flagged; what is merely seen again has."""
        self.write()
        known = {one.taken_ms for one in self._telemetry.flags(span, {channel})}
        readings = self._telemetry.read(span, {channel})
        return next(
            (one.taken_ms for one in readings if one.taken_ms not in known), None
        )


def decode_streams(document: bytes) -> Streams:
    """Return what ``encode_streams`` kept."""
    return msgspec.json.decode(document, type=Streams)


def encode_streams(streams: Streams) -> bytes:
    """Return a device's streams as they are kept beside the cursor."""
    return msgspec.json.encode(streams)
