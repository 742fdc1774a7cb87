"""The detector of one probe: its channels together, reading by reading.

``Watcher.take`` is what both the platform and ``greenwater score water`` run. The state is a
struct that msgspec can store; nothing in it is newer than the readings taken.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple

from msgspec import Struct, field

from analytics.water import belief, budget, days, episodes
from analytics.water.belief import NOTHING, Around
from analytics.water.days import DayState
from analytics.water.drift import (
    BELOW,
    DriftState,
    drift_cause,
    drift_share,
    hand_share,
)
from analytics.water.episodes import Change, Episode, Odd
from analytics.water.falls import FallState, fall_share
from analytics.water.follow import FOLLOWED, judged_as
from analytics.water.front import Front, may_be_water, told_with
from analytics.water.gone import (
    NEVER,
    Gone,
    fresh_gone,
    is_lifted,
    remember_gone,
    stays_dry,
)
from analytics.water.signs import ChannelState, Signs, lost, signs_of
from analytics.water.together import TogetherState, together_share
from greenwater.kernel.channels import Channel
from greenwater.kernel.reading import DAY_MS, instant
from greenwater.reference.causes import CAUSES, Kind
from greenwater.reference.quality import is_possible

SALT: Final = frozenset(
    {"conductivity", "specific_conductivity", "specific_conductivity_us_cm", "salinity"}
)
DRY: Final = SALT | {"depth"}
FALLING: Final = (Channel.SALINITY,)
MOST_VALUE: Final = 1e15
"""No instrument says more: such a value is none, and its squares would overflow."""
ICE_C: Final = 0.1
"""So near to freezing, fresh water rests under ice for hours: such a value is not stuck."""
HELD_MS: Final = DAY_MS
"""A probe that was held to another instrument so lately is not alone."""


class Point(NamedTuple):
    """One reading of one channel; no value: the probe answered without one."""

    at_ms: int
    channel: str
    value: float | None


class Scored(NamedTuple):
    """What is said of a reading, for good: its score and its episode's id ("" if none)."""

    at_ms: int
    channel: str
    value: float | None
    score: float
    event: str
    signs: Signs


class Beside(NamedTuple):
    """A reading of a channel and what another instrument said in the same water.

    ``is_hand``: by a person with a meter of his own; else by another probe. ``by`` names
    the instrument: with another one the comparison begins anew.
    """

    at_ms: int
    channel: str
    value: float
    other: float
    is_hand: bool = False
    by: str = ""


class WatchState(Struct):
    """All that is remembered of one probe."""

    device: str = ""
    probe: str = ""
    channels: dict[str, ChannelState] = field(default_factory=dict)
    gone: dict[str, Gone] = field(default_factory=dict)
    falls: dict[str, FallState] = field(default_factory=dict)
    drifts: dict[str, DriftState] = field(default_factory=dict)
    days: dict[str, DayState] = field(default_factory=dict)
    fronts: dict[str, Front] = field(default_factory=dict)
    told: dict[str, budget.Told] = field(default_factory=dict)
    together: TogetherState = field(default_factory=TogetherState)
    opened: dict[str, Episode] = field(default_factory=dict)


class Taken(NamedTuple):
    """The readings scored, and what became of episodes."""

    scored: list[Scored]
    changes: list[Change]


class Watcher:
    """Watches one probe. ``names`` says which of its channels mean which of ours."""

    def __init__(
        self, state: WatchState, *, names: Mapping[str, str] | None = None
    ) -> None:
        self.state = state
        self._names = names or {}

    def take(self, points: Iterable[Point]) -> Taken:
        """Take in readings in order of time; those of one instant belong together."""
        taken = Taken([], [])
        instant: list[Point] = []
        for point in points:
            if instant and point.at_ms != instant[0].at_ms:
                self._take_instant(instant, taken)
                instant = []
            instant.append(point)
        if instant:
            self._take_instant(instant, taken)
        return taken

    def compare(self, pairs: Iterable[Beside]) -> list[Change]:
        """Hold this probe to another in the same water, or to a hand meter.

        Of two probes the lower one is the fouled one, for oxygen; for other channels
        the pair alone cannot say which of the two drifts, and the probability says so.
        """
        changes: list[Change] = []
        for pair in pairs:
            held = self._held(pair)
            if held is not None:
                one, score = held
                changes += episodes.held_to(self.state.opened, one, score)
        return changes

    def _held(self, pair: Beside) -> tuple[Episode, float] | None:
        """Return what a comparison may open, and its score; None: it was made before."""
        if not abs(pair.value) + abs(pair.other) < MOST_VALUE:
            return None
        meaning = self._meaning(pair.channel)
        how = episodes.BY_HAND if pair.is_hand else episodes.BY_PROBE
        drifts = self._drifts(f"{pair.channel}/{how}", pair)
        if pair.at_ms <= drifts.last_ms and drifts.count:
            return None
        rule = hand_share if pair.is_hand else drift_share
        share = rule(drifts, meaning, pair.at_ms, pair.value, pair.other)
        score, cause = belief.scored(abs(share)), drift_cause(meaning, share)
        if not pair.is_hand and cause == "drift":
            score = 0.0 if meaning in BELOW else min(score, belief.EITHER)
        beside = f"{how} {pair.by} {instant(pair.at_ms):%Y-%m-%dT%H:%MZ}"
        return self._beside(pair.channel, pair.at_ms, cause, score, beside), score

    def _beside(
        self, channel: str, at_ms: int, cause: str, score: float, beside: str
    ) -> Episode:
        """Return the episode that begins if a comparison opens one."""
        state, kind = self.state, Kind.SENSOR
        name = f"{channel}/{beside.partition(' ')[0]}"
        return Episode(
            id=episodes.episode_id(state.device, state.probe, name, kind, at_ms),
            device=state.device,
            probe=state.probe,
            channel=channel,
            kind=kind,
            cause=cause,
            start_ms=at_ms,
            end_ms=at_ms,
            probability=score,
            channels=[channel],
            beside=beside,
        )

    def _drifts(self, key: str, pair: Beside) -> DriftState:
        drifts = self.state.drifts.get(key)
        if drifts is None or drifts.by != pair.by:
            drifts = self.state.drifts[key] = DriftState(by=pair.by)
        return drifts

    def _take_instant(self, instant: list[Point], taken: Taken) -> None:
        at_ms = instant[0].at_ms
        state = self.state
        if state.opened:
            taken.changes.extend(episodes.closed(state.opened, at_ms))
        found = {one.channel: self._signs(one) for one in instant}
        gone = [name for name, one in found.items() if one.is_dead or one.is_lost]
        for name in gone:
            one = state.gone.setdefault(name, Gone())
            remember_gone(one, at_ms, is_none=found[name].is_lost)
        fresh = fresh_gone(state.gone, at_ms) if state.gone else []
        jumped = [name for name, one in found.items() if one.jump >= 0.8]
        is_dry = bool(gone) and self._is_dry(instant, found, fresh)
        is_blind = bool(gone) and self._is_blind(found)
        odd_one, odd_share = together_share(state.together, at_ms, found)
        if not is_dry:
            taken.changes.extend(self._days(instant, found))
        for point in instant:
            name = point.channel
            around = NOTHING
            if fresh or jumped or is_blind or is_dry:
                around = Around(
                    tuple(one for one in fresh if one != name),
                    tuple(one for one in jumped if one != name),
                    is_dry,
                    is_lifted(state.gone, name, fresh, at_ms),
                    is_blind and self._meaning(name) in SALT,
                )
            odds = self._odds(point, found[name], around, instant)
            if name == odd_one:
                odds.append(
                    Odd(belief.scored(belief.TOGETHER * odd_share), "odd_combination")
                )
            if not found[name].is_dead:
                odds = self._waited(point, odds)
            taken.scored.append(self._settle(point, found[name], odds, taken.changes))

    def _days(
        self, instant: Sequence[Point], found: Mapping[str, Signs]
    ) -> list[Change]:
        """Remember the day of each channel; at its end hold it to the days before."""
        changes: list[Change] = []
        for point in instant:
            if self._meaning(point.channel) not in days.WATCHED:
                continue
            state = self.state.days.setdefault(point.channel, DayState())
            if found[point.channel].is_dead or not days.is_due(state, point.at_ms):
                continue
            alike = self._alike(point, instant)
            said = alike and days.day_taken(state, *alike, point.at_ms)
            if not said:
                continue
            score = 0.0
            if not self._is_held(point.channel, point.at_ms):
                score = min(belief.scored(said.share), belief.ALONE)
            beside = f"{episodes.BY_DAYS} {said.grounds}"
            one = self._beside(point.channel, point.at_ms, said.cause, score, beside)
            changes += episodes.held_to(self.state.opened, one, score)
        return changes

    def _alike(
        self, point: Point, instant: Sequence[Point]
    ) -> tuple[str, float] | None:
        """Return what of a reading is alike from day to day: of mg/L the per cent.

        None: it has no value, an impossible one, or its temperature is missing.
        """
        meaning, value = self._meaning(point.channel), point.value
        if value is None or not is_possible(meaning, value):
            return None
        if meaning != Channel.DISSOLVED_OXYGEN:
            return meaning, value
        values = {self._meaning(one.channel): one.value for one in instant}
        if Channel.TEMPERATURE in values:
            return days.percent_of(value, values)
        is_known = Channel.TEMPERATURE in map(self._meaning, self.state.channels)
        return None if is_known else (meaning, value)

    def _is_held(self, channel: str, at_ms: int) -> bool:
        """Return whether another instrument said lately what this one should say."""
        return any(
            at_ms - drifts.last_ms <= HELD_MS
            for how in (episodes.BY_PROBE, episodes.BY_HAND)
            if (drifts := self.state.drifts.get(f"{channel}/{how}")) is not None
        )

    def _signs(self, point: Point) -> Signs:
        state = self.state.channels.get(point.channel)
        if state is None:
            state = self.state.channels[point.channel] = ChannelState()
        if point.value is None or not abs(point.value) < MOST_VALUE:
            return lost(state)
        meaning = self._meaning(point.channel)
        found = signs_of(state, point.at_ms, point.value, is_salt=meaning in SALT)
        if found.held and meaning == Channel.TEMPERATURE and abs(point.value) <= ICE_C:
            return found._replace(held=0.0)
        return found

    def _is_dry(
        self, instant: Sequence[Point], found: Mapping[str, Signs], fresh: list[str]
    ) -> bool:
        """Return whether salt went, just now or into the air: no channel measures water.

        If the temperature went with it, it is the cable: air has a temperature.
        """
        values = {self._meaning(one.channel): one.value for one in instant}
        salts: dict[str, Gone] = {}
        for name, signs in found.items():
            meaning = self._meaning(name)
            if (signs.is_dead or signs.is_lost) and meaning == Channel.TEMPERATURE:
                return False
            if signs.is_dead and meaning in DRY:
                salts[name] = self.state.gone[name]
        at_ms, gone = instant[0].at_ms, list(salts.values())
        is_new = not salts.keys().isdisjoint(fresh)
        is_dry = is_new or stays_dry(gone, at_ms, values)
        for one in gone:
            one.dry_ms = at_ms if is_dry else NEVER
        return is_dry

    def _is_blind(self, found: Mapping[str, Signs]) -> bool:
        """Return whether temperature has no value.

        It and conductivity are one probe, and what is told of salt is made of both: a
        number of salt that comes again beside it is no measurement.
        """
        return any(
            signs.is_lost and self._meaning(name) == Channel.TEMPERATURE
            for name, signs in found.items()
        )

    def _odds(
        self, point: Point, signs: Signs, around: Around, instant: Sequence[Point]
    ) -> list[Odd]:
        odds = [belief.sensor_odd(signs, around)]
        if point.value is None or point.value != point.value:
            return odds
        meaning, value = self._meaning(point.channel), point.value
        if not is_possible(meaning, value):
            return [*odds, Odd(belief.IMPOSSIBLE, "impossible")]  # no water's doing
        if meaning in FOLLOWED:
            said = {self._meaning(one.channel): one.value for one in instant}
            sent = set(map(self._meaning, self.state.channels))
            meaning, value = judged_as(meaning, value, said, sent)
        if meaning == Channel.DISSOLVED_OXYGEN and value < belief.CRASH_MG_L:
            odds.append(Odd(belief.CRASH, "oxygen_crash"))
        if meaning in FALLING and not signs.is_dead:
            falls = self.state.falls.setdefault(point.channel, FallState())
            share = fall_share(falls, point.at_ms, value)
            odds.append(Odd(belief.scored(share), "freshwater_lens"))
        return odds

    def _waited(self, point: Point, odds: list[Odd]) -> list[Odd]:
        """Hold back what may be other water coming by, until the next reading tells."""
        front = self.state.fronts.get(point.channel)
        is_salt = self._meaning(point.channel) in SALT
        if front is None:
            if not any(may_be_water(one, is_salt=is_salt) for one in odds):
                return odds
            front = self.state.fronts[point.channel] = Front()
        if point.value is None or point.value != point.value:
            return odds
        went = self.state.channels[point.channel].went
        return told_with(front, point.at_ms, went, odds, is_salt=is_salt)

    def _settle(
        self, point: Point, signs: Signs, odds: list[Odd], changes: list[Change]
    ) -> Scored:
        state = self.state
        best, event = 0.0, ""
        for found in odds:
            odd = found
            is_bound = odd.cause in budget.SORTS and not odd.is_certain
            if odd.score >= episodes.OPEN_AT and is_bound:
                odd = self._within_budget(point, odd)
            best = max(best, odd.score)
            if odd.score < episodes.OPEN_AT:
                continue
            changes += episodes.taken(
                state.opened, state.device, state.probe, point.channel, point.at_ms, odd
            )
            kind = CAUSES[odd.cause].kind
            if not event or kind is Kind.WATER:
                event = state.opened[f"{point.channel}/{kind}"].id
        for one in state.opened.values():
            if one.beside and one.channel == point.channel:
                best, event = max(best, one.probability), event or one.id
        return Scored(point.at_ms, point.channel, point.value, best, event, signs)

    def _within_budget(self, point: Point, odd: Odd) -> Odd:
        """Return what is left of an oddness after what was told lately."""
        sort = budget.SORTS[odd.cause]
        told = self.state.told.setdefault(f"{point.channel}/{sort}", budget.Told())
        share = belief.share_of(odd.score)
        left = budget.share_left(told, sort, point.at_ms, share)
        return odd if left == share else odd._replace(score=belief.scored(left))

    def _meaning(self, name: str) -> str:
        return self._names.get(name, name)
