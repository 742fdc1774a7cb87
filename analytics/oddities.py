"""Episodes of every probe, found as readings come in: the rim around ``water.Watcher``.

What a watcher remembers is large, so it is kept now and then, not with every pass: when an
episode begins or ends, and every SNAPSHOT_MS. After a restart the readings since then are
taken again from the store; ids are made from what happened, so that the episodes are the
same ones. Only readings newer than what was seen move anything: what comes late is
flagged, and can be looked at again by ``greenwater analytics backfill``.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, Protocol
from zlib import crc32

import msgspec
from msgspec import Struct

from analytics.alarms.claims import Claim, episode_alarm
from analytics.alarms.tracked import AHEAD_MS
from analytics.places import Places
from analytics.water.episodes import Change
from analytics.water.episodes import Episode as Found
from analytics.water.watch import Point, Watcher, WatchState
from greenwater.kernel.channels import SENT, SPECS, Channel, Measurement
from greenwater.kernel.findings import Episode, EpisodeKind
from greenwater.kernel.ids import DeviceId, ProbeId
from greenwater.kernel.reading import Reading
from greenwater.storage.telemetry.ports import Findings, Intake, Series, Span

STATES: Final = "water/"
SNAPSHOT_MS: Final = 30 * 60 * 1000
CATCH_UP_MS: Final = 24 * 3600 * 1000
"""What a watcher missed for longer than this it goes on without."""
LASTING_MS: Final = 30 * 60 * 1000
"""A fault of a probe that is over sooner is no alarm: a spike needs nobody."""

WATCHED: Final = frozenset(
    channel for channel in SENT if SPECS[channel].measurement is Measurement.WATER
)


class Telemetry(Protocol):
    """What is asked of the telemetry store."""

    @property
    def findings(self) -> Findings:
        """Where episodes go."""
        ...

    def read_many(self, spans: Sequence[Span]) -> Sequence[Reading]:
        """Return all readings of many spans."""
        ...


class Kept(Struct):
    """A watcher as it is kept, and the newest reading it has taken."""

    state: WatchState
    newest_ms: int = 0


class _Probe:
    """One probe's watcher at work."""

    def __init__(self, series: Series, kept: Kept | None) -> None:
        self.is_behind = kept is not None
        self.kept = kept or Kept(WatchState(device=series.device, probe=series.probe))
        self.watcher = Watcher(self.kept.state)
        self.saved_ms = self.kept.newest_ms
        self.claimed: set[str] = set()
        # Ten thousand probes must not all be kept with the same pass.
        self._offset_ms = crc32("/".join(series).encode()) % SNAPSHOT_MS

    @property
    def is_due(self) -> bool:
        """Whether it is to be kept again."""
        return self._slot(self.kept.newest_ms) != self._slot(self.saved_ms)

    def _slot(self, at_ms: int) -> int:
        return (at_ms + self._offset_ms) // SNAPSHOT_MS


class Oddities:
    """The probes of one worker. Used by one thread."""

    def __init__(self, telemetry: Telemetry, states: Mapping[str, bytes]) -> None:
        self._telemetry = telemetry
        self._probes = {
            _series(name): _Probe(_series(name), msgspec.json.decode(kept, type=Kept))
            for name, kept in states.items()
            if name.startswith(STATES)
        }
        self._pending: dict[str, Episode] = {}
        self._moved: set[Series] = set()

    def take(
        self, row: Intake, readings: Iterable[Reading], places: Places
    ) -> list[Claim]:
        """Take in a batch's readings in order of time; return what alarms should know."""
        by_probe: defaultdict[Series, list[Reading]] = defaultdict(list)
        for one in readings:
            if one.channel in WATCHED and one.taken_ms <= row.recorded_ms + AHEAD_MS:
                by_probe[Series(one.device, one.probe)].append(one)
        claims: list[Claim] = []
        for series, some in by_probe.items():
            probe = self._probes.get(series)
            if probe is None:
                probe = self._probes[series] = _Probe(series, None)
            self._take(series, probe, some, places, claims)
        return claims

    def write(self) -> None:
        """Write the episodes that changed, before the pass is kept."""
        if self._pending:
            self._telemetry.findings.write(episodes=list(self._pending.values()))
            self._pending = {}

    def taken(self) -> dict[str, bytes]:
        """Return what is to be kept now."""
        states = {
            f"{STATES}{series.device}/{series.probe}": msgspec.json.encode(
                self._probes[series].kept
            )
            for series in self._moved
        }
        for series in self._moved:
            self._probes[series].saved_ms = self._probes[series].kept.newest_ms
        self._moved = set()
        return states

    def _take(
        self,
        series: Series,
        probe: _Probe,
        readings: Sequence[Reading],
        places: Places,
        claims: list[Claim],
    ) -> None:
        kept = probe.kept
        if probe.is_behind:
            probe.is_behind = False
            readings = [*self._missed(series, kept, readings[0].taken_ms), *readings]
        fresh = [one for one in readings if one.taken_ms > kept.newest_ms]
        if not fresh:
            return
        changes = probe.watcher.take(
            Point(one.taken_ms, str(one.channel), one.value) for one in fresh
        ).changes
        kept.newest_ms = fresh[-1].taken_ms
        if changes or probe.is_due:
            self._moved.add(series)
        for change in changes:
            self._note(change)
        claims += self._claims(series, probe, changes, places)

    def _missed(self, series: Series, kept: Kept, until_ms: int) -> list[Reading]:
        """Return what came between the snapshot and now, in order of time."""
        from_ms = max(kept.newest_ms + 1, until_ms - CATCH_UP_MS)
        if from_ms >= until_ms:
            return []
        found = self._telemetry.read_many([Span(series, from_ms, until_ms)])
        return sorted(
            (one for one in found if one.channel in WATCHED),
            key=lambda one: (one.taken_ms, one.channel),
        )

    def _note(self, change: Change) -> None:
        one = change.episode
        self._pending[one.id] = Episode(
            DeviceId(one.device),
            ProbeId(one.probe),
            one.id,
            EpisodeKind(str(one.kind)),
            one.cause,
            one.start_ms,
            one.end_ms,
            change.what != "closed",
            round(one.probability, 4),
            tuple(Channel(name) for name in one.channels),
            one.compared,
        )

    def _claims(
        self, series: Series, probe: _Probe, changes: Sequence[Change], places: Places
    ) -> list[Claim]:
        """Return the claims of faults that last, and of those that are over."""
        found = []
        for one in probe.kept.state.opened.values():
            lasts = one.end_ms - one.start_ms >= LASTING_MS
            if lasts and _is_sensor(one) and one.id not in probe.claimed:
                probe.claimed.add(one.id)
                found.append(_claim(series, one, places, is_over=False))
        for change in changes:
            one = change.episode
            if change.what == "closed" and _is_sensor(one):
                probe.claimed.discard(one.id)
                found.append(_claim(series, one, places, is_over=True))
        return [claim for claim in found if claim is not None]


def _claim(
    series: Series, one: Found, places: Places, *, is_over: bool
) -> Claim | None:
    place = places.at(series, one.end_ms)
    if place is None:
        return None
    return episode_alarm(
        place,
        series.device,
        series.probe,
        Channel(one.channel),
        cause=one.cause,
        words_vi=one.words_vi,
        words_en=one.words_en,
        began_ms=one.start_ms,
        at_ms=one.end_ms,
        probability=one.probability,
        is_over=is_over,
        compared_with=one.compared,
    )


def _is_sensor(one: Found) -> bool:
    return str(one.kind) == EpisodeKind.SENSOR


def _series(name: str) -> Series:
    device, _, probe = name.removeprefix(STATES).partition("/")
    return Series(DeviceId(device), ProbeId(probe))
