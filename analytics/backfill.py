"""Flags and derived readings of a stretch of the past, worked out again from the store.

The same code as the live passes run (``qc.pieces``, ``derived``), over windows of a site:
after parameters were changed, or readings were put into the store by other means. What
streams remember is not touched, no alarm is raised. Doing it again changes nothing.
"""

from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, Future
from typing import Final, NamedTuple

from analytics.flagging import flagged_of, is_believable, neighbors
from analytics.places import Places
from analytics.ports import Telemetry
from analytics.qc import joint
from analytics.qc.pieces import Done, Piece, flag_site
from analytics.qc.stream import FlagState
from analytics.qc.stretch import Point
from greenwater.derived.ammonia import INPUTS, TAN_MS, Water, derived
from greenwater.kernel.channels import Channel
from greenwater.kernel.reading import DAY_MS, Reading
from greenwater.reference.quality import QUALITY, quality_of
from greenwater.storage.telemetry.ports import Series, Span

WINDOW_MS: Final = 14 * DAY_MS
REACH_MS: Final = max(one.reach_ms for one in QUALITY.values())
"""How far around a window readings are looked at."""

AHEAD: Final = 4
"""Windows that are under way in a pool at once."""

Progress = Callable[[int, int], None]


class Window(NamedTuple):
    """A stretch of one probe, and what is flagged in it."""

    series: Series
    pieces: Sequence[Piece]


def backfill(
    telemetry: Telemetry,
    places: Places,
    series: Sequence[Series],
    from_ms: int,
    to_ms: int,
    *,
    executor: Executor | None = None,
    progress: Progress = lambda done, of: None,
) -> int:
    """Flag ``[from_ms, to_ms)`` of some series again; return how many readings.

    Derived readings of the units they hang in come first. Memory holds a window of a
    series (two weeks) for each worker at a time.

    Raises:
        UnavailableError: the store did not answer; do it all again.
    """
    for unit in sorted(_units(series, places, from_ms, to_ms)):
        derive(telemetry, places, unit, from_ms, to_ms)
    starts = range(from_ms, to_ms, WINDOW_MS)
    flagged, done, of = 0, 0, len(series) * len(starts)
    for one in series:
        spans = [Span(one, at, min(to_ms, at + WINDOW_MS)) for at in starts]
        windows = (window(telemetry, places, span) for span in spans)
        for found, dones in _worked_out(windows, executor):
            for piece, some in zip(found.pieces, dones, strict=True):
                rows = flagged_of(one, piece.channel, some.verdicts)
                telemetry.write_flags(rows)
                flagged += len(rows)
            done += 1
            progress(done, of)
    return flagged


def derive(
    telemetry: Telemetry, places: Places, unit: str, from_ms: int, to_ms: int
) -> int:
    """Work out a unit's unionised ammonia in ``[from_ms, to_ms)``; return how many."""
    readings: list[Reading] = []
    for series in places.probes_in(unit):
        span = Span(series, from_ms - TAN_MS, to_ms)
        for one in telemetry.read(span, INPUTS):
            place = places.at(series, one.taken_ms)
            if place is not None and place.unit == unit and is_believable(one):
                readings.append(one)
    readings.sort(key=lambda one: (one.taken_ms, one.device, one.probe))
    water = Water()
    tests = [one for one in readings if one.channel is Channel.AMMONIA_TOTAL]
    found: list[Reading] = []
    # Few tests are kept at a time, so that the past is gone through test by test.
    for start in range(0, len(tests), 16):
        some = tests[start : start + 16]
        end = tests[start + 16].taken_ms if start + 16 < len(tests) else to_ms
        water.learn(some)
        now = [one for one in readings if some[0].taken_ms <= one.taken_ms < end]
        found += derived(water, now)
    found = [one for one in found if from_ms <= one.taken_ms < to_ms]
    if found:
        telemetry.write(found)
    return len(found)


def window(telemetry: Telemetry, places: Places, span: Span) -> Window:
    """Return a window read from the store, with what surrounds it."""
    around = Span(span.series, span.start_ms - REACH_MS, span.end_ms + REACH_MS)
    channels = _points(telemetry.read(around))
    # A probe that was moved in these two weeks is taken for where it hung at their end.
    newest_ms = max(
        (one[-1].taken_ms for one in channels.values()), default=span.start_ms
    )
    newest_ms = min(newest_ms, span.end_ms - 1)
    place = places.at(span.series, newest_ms)
    species = None if place is None else place.species
    others = [
        _points(telemetry.read(around._replace(series=other)))
        for other in neighbors(span.series, newest_ms, places)
    ]
    pieces = [
        Piece(
            channel,
            limits,
            FlagState(),
            points,
            span.start_ms,
            span.end_ms,
            _beside(channel, channels),
            [other.get(channel, []) for other in others],
        )
        for channel, points in channels.items()
        if (limits := quality_of(channel, species)) is not None
    ]
    return Window(span.series, pieces)


def _beside(
    channel: Channel, channels: Mapping[Channel, Sequence[Point]]
) -> joint.Beside:
    return {
        one: {at: value for at, value in channels[one] if value is not None}
        for one in joint.PARTNERS.get(channel, ())
        if one in channels
    }


def _points(readings: Iterable[Reading]) -> dict[Channel, list[Point]]:
    found: defaultdict[Channel, list[Point]] = defaultdict(list)
    for one in readings:
        found[one.channel].append(Point(one.taken_ms, one.value))
    return dict(found)


def _worked_out(
    windows: Iterable[Window], executor: Executor | None
) -> Iterator[tuple[Window, Sequence[Done]]]:
    """Yield each window with what it comes to, a few at a time under way."""
    if executor is None:
        for one in windows:
            yield one, flag_site(one.pieces)
        return
    under_way: deque[tuple[Window, Future[list[Done]]]] = deque()
    for one in windows:
        under_way.append((one, executor.submit(flag_site, one.pieces)))
        if len(under_way) >= AHEAD:
            former, future = under_way.popleft()
            yield former, future.result()
    for former, future in under_way:
        yield former, future.result()


def _units(
    series: Iterable[Series], places: Places, from_ms: int, to_ms: int
) -> set[str]:
    there = (places.at(one, at) for one in series for at in (from_ms, to_ms - 1))
    return {place.unit for place in there if place is not None and place.unit}
