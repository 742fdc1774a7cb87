"""Episodes of a stretch of the past, found anew from the store: what came in behind.

After an outage a box sends what is live first, so that days of readings come in behind what
the live watchers have seen. They are put through a watcher of their own, warmed up on the
fortnight before them: the same class, half hour by half hour, held to the probes beside as
live ones are. No alarm follows. Where an episode is known already, nothing is added to it.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Final, Protocol

from analytics.comparing import APART_MS, beside_probes, by_channel, put_right
from analytics.places import Places
from analytics.water.episodes import Change
from analytics.water.episodes import Episode as Found
from analytics.water.watch import Point, Watcher, WatchState
from greenwater.derived.stretches import Told
from greenwater.kernel.channels import SENT, SPECS, Channel, Measurement
from greenwater.kernel.findings import Episode, EpisodeKind
from greenwater.kernel.ids import DeviceId, ProbeId
from greenwater.kernel.reading import DAY_MS, MINUTE_MS, Reading
from greenwater.storage.telemetry.ports import Findings, Series, Span

WATCHED: Final = frozenset(
    channel for channel in SENT if SPECS[channel].measurement is Measurement.WATER
)
WARM_MS: Final = 14 * DAY_MS
"""What a watcher sees before the stretch whose episodes count."""
COMPARE_MS: Final = 30 * MINUTE_MS
"""How often a probe is held to its neighbours; less than an episode's pause."""
SETTLED_MS: Final = 10 * MINUTE_MS
"""After so long without more of it, what came in behind is all there."""


class Telemetry(Told, Protocol):
    """What is asked of the telemetry store."""

    @property
    def findings(self) -> Findings:
        """Where episodes are."""
        ...

    def read_many(self, spans: Sequence[Span]) -> Sequence[Reading]:
        """Return all readings of many spans."""
        ...


def kept_of(one: Found, *, is_open: bool) -> Episode:
    """Return an episode as the store keeps it."""
    return Episode(
        device=DeviceId(one.device),
        probe=ProbeId(one.probe),
        id=one.id,
        kind=EpisodeKind(str(one.kind)),
        cause=one.cause,
        start_ms=one.start_ms,
        end_ms=one.end_ms,
        is_open=is_open,
        probability=round(one.probability, 4),
        channels=tuple(Channel(name) for name in one.channels),
        compared_with=one.compared,
    )


def look_back(
    telemetry: Telemetry, places: Places, span: Span
) -> Iterator[Sequence[Episode]]:
    """Yield, day by day, what was found of a probe's stretch; all of it once, at the end.

    A day at a time, so that whoever asks may do other things between.

    Raises:
        UnavailableError: the store did not answer; begin anew.
    """
    series = span.series
    watcher = Watcher(WatchState(device=series.device, probe=series.probe))
    found: dict[str, Found] = {}
    for start_ms in range(span.start_ms - WARM_MS, span.end_ms, DAY_MS):
        end_ms = min(start_ms + DAY_MS, span.end_ms)
        for change in _day(telemetry, places, watcher, Span(series, start_ms, end_ms)):
            found[change.episode.id] = change.episode
        yield ()
    counting = [one for one in found.values() if one.start_ms >= span.start_ms]
    known = telemetry.findings.episodes(span)
    episodes = [kept_of(one, is_open=False) for one in counting]
    yield [one for one in episodes if not any(_is_same(one, other) for other in known)]


def find_again(
    telemetry: Telemetry,
    places: Places,
    series: Sequence[Series],
    from_ms: int,
    to_ms: int,
    *,
    progress: Callable[[int, int], None] = lambda done, of: None,
) -> int:
    """Find and write what ``look_back`` finds of some probes in a stretch; return how many.

    Raises:
        UnavailableError: the store did not answer; do it all again.
    """
    count, measuring = 0, set(places.measuring())
    probes = [one for one in series if one in measuring]
    for number, one in enumerate(probes, 1):
        for episodes in look_back(telemetry, places, Span(one, from_ms, to_ms)):
            if episodes:
                telemetry.findings.write(episodes=episodes)
                count += len(episodes)
        progress(number, len(probes))
    return count


def _day(
    telemetry: Telemetry, places: Places, watcher: Watcher, span: Span
) -> Iterator[Change]:
    series = span.series
    others = places.beside(series, span.end_ms - 1)
    wide = span._replace(
        start_ms=span.start_ms - APART_MS, end_ms=span.end_ms + APART_MS
    )
    readings = telemetry.read_many([span])
    around: Sequence[Reading] = ()
    if others:
        around = telemetry.read_many([wide._replace(series=one) for one in others])
    right = partial(put_right, telemetry, places, series, span.end_ms - 1)
    beside = by_channel(right(around), WATCHED)
    slots: defaultdict[int, list[Reading]] = defaultdict(list)
    for one in sorted(readings, key=lambda one: (one.taken_ms, one.channel)):
        if one.channel in WATCHED:
            slots[one.taken_ms // COMPARE_MS].append(one)
    for slot in sorted(slots):
        some = slots[slot]
        points = (Point(one.taken_ms, str(one.channel), one.value) for one in some)
        yield from watcher.take(points).changes
        if beside:
            mine = by_channel(right(some), WATCHED).get(series, {})
            yield from watcher.compare(beside_probes(mine, beside))


def _is_same(one: Episode, other: Episode) -> bool:
    """Return whether another episode, found before, tells of the same trouble."""
    return (
        one.kind == other.kind
        and one.channels[:1] == other.channels[:1]
        and one.start_ms <= other.end_ms
        and other.start_ms <= one.end_ms
    )
