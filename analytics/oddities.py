"""Episodes of every probe, found as readings come in: the rim around ``water.Watcher``.

What a watcher remembers is large, so it is kept now and then, not with every pass: when an
episode begins or ends, and every SNAPSHOT_MS. After a restart the readings since then are
taken again from the store; ids are made from what happened, so that the episodes are the
same ones. Only readings newer than what was seen move these watchers. What came in behind,
as the days of an outage do, is looked back at once no more of it comes (``past``).

Every COMPARE_MS a probe is held to those in the same water, as they are in the store, a
quarter of an hour late so that all of them are there; and to a hand meter's readings
when these come in.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

import msgspec

from analytics.alarms.claims import Claim, episode_alarm
from analytics.alarms.standing import OUT_OF_WATER
from analytics.alarms.tracked import AHEAD_MS
from analytics.alarms.watch import LATE_MS
from analytics.comparing import (
    APART_MS,
    beside_hand,
    beside_probes,
    by_channel,
    hand_span_ms,
    put_right,
)
from analytics.past import (
    COMPARE_MS,
    SETTLED_MS,
    WATCHED,
    Telemetry,
    kept_of,
    look_back,
)
from analytics.places import Places
from analytics.watching import Kept, Probe
from analytics.water.belief import EITHER
from analytics.water.episodes import Change
from analytics.water.episodes import Episode as Found
from greenwater.kernel.channels import Channel
from greenwater.kernel.findings import Episode, EpisodeKind
from greenwater.kernel.ids import DeviceId, ProbeId
from greenwater.kernel.reading import DAY_MS, MINUTE_MS, Reading
from greenwater.storage.telemetry.ports import Intake, Series, Span

STATES: Final = "water/"
CATCH_UP_MS: Final = DAY_MS
"""What a watcher missed for longer than this it goes on without."""
LASTING_MS: Final = 30 * MINUTE_MS
"""A fault of a probe that is over sooner is no alarm: a spike needs nobody."""


class Oddities:
    """The probes of one worker. Used by one thread."""

    def __init__(self, telemetry: Telemetry, states: Mapping[str, bytes]) -> None:
        self._telemetry = telemetry
        self._probes = {
            _series(name): Probe(_series(name), msgspec.json.decode(kept, type=Kept))
            for name, kept in states.items()
            if name.startswith(STATES)
        }
        self._pending: dict[str, Episode] = {}
        self._moved: set[Series] = set()
        self._behind = {
            series for series, one in self._probes.items() if one.kept.behind
        }
        self._back: tuple[Series, Iterator[Sequence[Episode]]] | None = None

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
            if places.is_meter(series):
                claims += self._take_hand(series, some, places)
                continue
            probe = self._probe(series)
            if row.stored and row.recorded_ms - row.max_ms > LATE_MS:
                self._note_behind(series, probe, some, row.recorded_ms)
            changes = self._take(series, probe, some, places)
            claims += self._settled(series, probe, changes, places)
        return claims

    def _note_behind(
        self, series: Series, probe: Probe, some: Sequence[Reading], recorded_ms: int
    ) -> None:
        """Remember the stretch of readings that the watcher has passed already."""
        kept = probe.kept
        times = [one.taken_ms for one in some if probe.has_passed(one.taken_ms)]
        if not times:
            return
        start_ms, end_ms = kept.behind or (times[0], times[-1] + 1)
        kept.behind = min(start_ms, times[0]), max(end_ms, times[-1] + 1)
        kept.behind_ms = recorded_ms
        self._moved.add(series)
        self._behind.add(series)
        if self._back is not None and self._back[0] == series:
            self._back = None  # more of it has come: from the beginning

    def look_back(self, now_ms: int, places: Places) -> bool:
        """Go a day on through what came in behind; return whether all of a probe's is done.

        To be asked when nothing is waiting: what is live goes first.

        Raises:
            UnavailableError: the store did not answer.
        """
        if self._back is None:
            settled_ms = now_ms - SETTLED_MS
            due = (
                one for one in self._behind if self._kept(one).behind_ms <= settled_ms
            )
            series = min(due, default=None)
            stretch = None if series is None else self._kept(series).behind
            if series is None or stretch is None:
                return False
            span = Span(series, *stretch)
            self._back = series, look_back(self._telemetry, places, span)
        series, going = self._back
        episodes = next(going, None)
        if episodes is not None:
            self._pending |= {one.id: one for one in episodes}
            return False
        self._back, self._kept(series).behind = None, None
        self._behind.discard(series)
        self._moved.add(series)
        return True

    def _kept(self, series: Series) -> Kept:
        return self._probes[series].kept

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

    def _probe(self, series: Series) -> Probe:
        probe = self._probes.get(series)
        if probe is None:
            probe = self._probes[series] = Probe(series, None)
        return probe

    def _take(
        self,
        series: Series,
        probe: Probe,
        readings: Sequence[Reading],
        places: Places,
    ) -> list[Change]:
        newest_ms = probe.kept.newest_ms
        fresh = [one for one in readings if one.taken_ms >= newest_ms]
        newer_ms = next(
            (one.taken_ms for one in fresh if one.taken_ms > newest_ms), None
        )
        if probe.is_behind and newer_ms is not None:
            probe.is_behind = False
            fresh = [*self._missed(series, probe.kept, newer_ms), *fresh]
        return self._take_fresh(series, probe, fresh, places)

    def _take_fresh(
        self, series: Series, probe: Probe, fresh: Iterable[Reading], places: Places
    ) -> list[Change]:
        """Take in the instants that are not behind, in order of time."""
        kept, changes = probe.kept, list[Change]()
        for at_ms, points in probe.whole(fresh):
            slot = probe.slot(at_ms, COMPARE_MS)
            if slot != kept.slot:
                kept.slot = slot
                changes += self._compare(series, probe, places)
            changes += probe.watcher.take(points).changes
        return changes

    def _compare(self, series: Series, probe: Probe, places: Places) -> list[Change]:
        """Hold a probe to those in the same water, from where this was done last."""
        kept, until_ms = probe.kept, probe.compare_until_ms()
        from_ms = max(kept.compared_ms, until_ms - CATCH_UP_MS)
        is_first = kept.compared_ms == 0
        kept.compared_ms = until_ms
        others = places.beside(series, until_ms)
        if is_first or not others:
            return []
        spans = [Span(series, from_ms, until_ms)]
        spans += [Span(one, from_ms - APART_MS, until_ms + APART_MS) for one in others]
        said = put_right(
            self._telemetry,
            places,
            series,
            until_ms,
            self._telemetry.read_many(spans),
        )
        found = by_channel(said, WATCHED)
        mine = found.pop(series, {})
        return probe.watcher.compare(beside_probes(mine, found))

    def _take_hand(
        self, meter: Series, readings: Sequence[Reading], places: Places
    ) -> list[Claim]:
        """Hold the probes around a hand meter to it; this is kept at once."""
        hand = by_channel(readings, WATCHED).get(meter)
        if hand is None:
            return []
        start_ms, end_ms = hand_span_ms(hand)
        around = places.beside(meter, readings[0].taken_ms)
        spans = [Span(series, start_ms, end_ms) for series in around]
        said = put_right(
            self._telemetry,
            places,
            meter,
            readings[0].taken_ms,
            self._telemetry.read_many(spans) if spans else (),
        )
        found = by_channel(said, WATCHED)
        claims: list[Claim] = []
        for series, mine in sorted(found.items()):
            probe = self._probe(series)
            changes: list[Change] = []
            if probe.is_behind:
                missed = self._missed(series, probe.kept, readings[0].taken_ms)
                changes += self._take_fresh(series, probe, missed, places)
            changes += probe.watcher.compare(beside_hand(meter, hand, mine))
            claims += self._settled(series, probe, changes, places)
            self._moved.add(series)
        return claims

    def _settled(
        self,
        series: Series,
        probe: Probe,
        changes: Sequence[Change],
        places: Places,
    ) -> list[Claim]:
        """Remember what is to be written and kept; return what alarms should know."""
        if changes or probe.is_due:
            self._moved.add(series)
        for change in changes:
            self._note(change)
        return _claims(series, probe.kept, changes, places)

    def _missed(self, series: Series, kept: Kept, until_ms: int) -> list[Reading]:
        """Return what came from the snapshot's instant to this one, in order of time."""
        from_ms = max(kept.newest_ms, until_ms - CATCH_UP_MS)
        if from_ms > until_ms:
            return []
        found = self._telemetry.read_many([Span(series, from_ms, until_ms + 1)])
        return sorted(
            (one for one in found if one.channel in WATCHED),
            key=lambda one: (one.taken_ms, one.channel),
        )

    def _note(self, change: Change) -> None:
        one = change.episode
        self._pending[one.id] = kept_of(one, is_open=change.what != "closed")


def _claims(
    series: Series, kept: Kept, changes: Sequence[Change], places: Places
) -> list[Claim]:
    """Return the claims of faults that last, and of those that are over.

    A channel has one alarm, whatever is wrong with it; the claimed ones are updated.
    """
    wanted = _wanted(kept.state.opened.values())
    known = {one.id: one for one in kept.state.opened.values()}
    over: dict[str, Found] = {}
    for change in changes:
        one = change.episode
        known[one.id] = one
        if change.what == "closed" and _is_sensor(one) and one.channel not in wanted:
            over[one.channel] = one
    for channel, name in kept.claimed.items():
        if channel not in wanted and name in known:
            over[channel] = known[name]
    begun = [
        one for channel, one in wanted.items() if kept.claimed.get(channel) != one.id
    ]
    kept.claimed = {channel: one.id for channel, one in wanted.items()}
    claims = [_claim(series, one, places, is_over=False) for one in begun]
    claims += [_claim(series, one, places, is_over=True) for one in over.values()]
    return [claim for claim in claims if claim is not None]


def _wanted(opened: Iterable[Found]) -> dict[str, Found]:
    """Return the episode that each channel's alarm should be about.

    What another instrument says comes first. Of two probes that merely disagree nobody
    knows which is wrong: that is an episode, and no alarm. A probe that is fouled, or out
    of the water, reads wrongly in all its channels, and is seen to once: that is one alarm.
    """
    told = sorted((one for one in opened if _is_told(one)), key=_rank)
    fouled = next((one for one in told if one.cause == "fouled"), None)
    lifted = next((one for one in told if one.cause == OUT_OF_WATER), None)
    wanted: dict[str, Found] = {}
    for one in told:
        if one.cause == OUT_OF_WATER and one is not lifted:
            continue
        if fouled is None or one is fouled or not one.beside:
            wanted.setdefault(one.channel, one)
    return wanted


def _is_told(one: Found) -> bool:
    if one.beside:
        return one.probability > EITHER
    return _is_sensor(one) and one.end_ms - one.start_ms >= LASTING_MS


def _rank(one: Found) -> tuple[bool, bool, bool, int, str]:
    is_other = one.channel != Channel.DISSOLVED_OXYGEN
    return not one.beside, one.is_alone, is_other, one.start_ms, one.id


def _claim(
    series: Series, one: Found, places: Places, *, is_over: bool
) -> Claim | None:
    place = places.at(series, one.end_ms)
    return None if place is None else episode_alarm(place, one, is_over=is_over)


def _is_sensor(one: Found) -> bool:
    return str(one.kind) == EpisodeKind.SENSOR


def _series(name: str) -> Series:
    device, _, probe = name.removeprefix(STATES).partition("/")
    return Series(DeviceId(device), ProbeId(probe))
