"""A simulated farm through the watches of analytics, as a careless world delivers it.

Readings come in as a box's batches do: some late, some twice, all of an outage behind what is
live, some by a wrong clock. Here and there the watches are ended and begun anew from what is
kept of them. No database: what they ask of one is answered from memory.
"""

from bisect import bisect_left, insort
from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from itertools import groupby
from random import Random
from typing import Any, Final, NamedTuple

import msgspec
from msgspec.structs import replace

from analytics.alarms.life import AGAIN_MS
from analytics.alarms.tracked import Watched
from analytics.alarms.watch import LATE_MS, Watch
from analytics.flagging import is_believable
from analytics.oddities import Oddities
from analytics.pastalarms import PastAlarms
from cli.demo.simulation import measured, readings_of
from firmware_sim.run import ScenarioRun
from firmware_sim.scenarios import Scenario
from greenwater.kernel.clock import ManualClock
from greenwater.kernel.ids import DeviceId, WorkerId
from greenwater.kernel.reading import Reading
from greenwater.storage.registry.alarms import Alarm, AlarmState, AlarmStep
from greenwater.storage.telemetry.ports import Intake, Series, Span
from tests.unit.test_alarm_scenarios import places_of

LAG_MS: Final = 1_000
MINUTE_MS: Final = 60_000
LATE_SHARE: Final = 0.03
TWICE_SHARE: Final = 0.02
KILL_SHARE: Final = 0.01


class Batch(NamedTuple):
    """What a box sent at once, and when it came in."""

    recorded_ms: int
    device: DeviceId
    readings: Sequence[Reading]


class Seen(NamedTuple):
    """What people saw: alarms by id as they ended, their steps, and every call.

    ``calls`` are the alarm as it was, the step, and when.
    """

    alarms: dict[str, Alarm]
    steps: list[AlarmStep]
    calls: list[tuple[Alarm, str, int]]


class Memory:
    """What the watches ask of both databases."""

    def __init__(self) -> None:
        self._readings: defaultdict[Series, list[tuple[int, str, Reading]]]
        self._readings = defaultdict(list)
        self._there: set[tuple[Series, str, int]] = set()
        self.alarms: dict[str, Alarm] = {}

    @property
    def findings(self) -> "Memory":
        """Where episodes go."""
        return self

    def write(self, **found: Any) -> None:
        """Forget them."""

    def episodes(self, span: Span) -> Sequence[Any]:
        """Return none."""
        return ()

    def put(self, readings: Sequence[Reading]) -> int:
        """Keep readings; return how many are new."""
        count = 0
        for one in readings:
            series = Series(one.device, one.probe)
            key = series, str(one.channel), one.taken_ms
            if key not in self._there:
                self._there.add(key)
                count += 1
                insort(self._readings[series], (one.taken_ms, str(one.channel), one))
        return count

    def read_many(self, spans: Sequence[Span]) -> Sequence[Reading]:
        """Return all readings of many spans."""
        found: list[Reading] = []
        for series, start_ms, end_ms in spans:
            rows = self._readings.get(series, [])
            first, last = bisect_left(rows, (start_ms,)), bisect_left(rows, (end_ms,))
            found += (one for _, _, one in rows[first:last])
        return found

    def alarms_about(
        self, conditions: Collection[str], from_ms: int, to_ms: int
    ) -> Sequence[Alarm]:
        """Return the alarms about some conditions that held in a stretch of time."""
        return [
            one
            for one in self.alarms.values()
            if one.condition in conditions
            and one.began_ms <= to_ms
            and (one.returned_ms is None or one.returned_ms >= from_ms)
        ]


class Playing:
    """The watches of one worker over one scenario."""

    def __init__(self, scenario: Scenario, *, has_watchers: bool) -> None:
        self._has_watchers = has_watchers
        self.places = places_of(scenario)
        self._memory: Any = Memory()
        self.seen = Seen(self._memory.alarms, [], [])
        self._states: dict[str, bytes] = {}
        self._devices: dict[DeviceId, bytes] = {}
        self.begin_anew(0)

    def begin_anew(self, now_ms: int) -> None:
        """Go on from what is kept, as after a kill."""
        devices = {
            name: msgspec.json.decode(kept, type=Watched)
            for name, kept in self._devices.items()
        }
        alarms = self.seen.alarms.values()
        past = [
            one for one in alarms if (one.cleared_ms or 0) >= max(now_ms - AGAIN_MS, 1)
        ]
        self._watch = Watch(
            devices,
            [one for one in alarms if one.state is not AlarmState.CLEARED],
            sorted(past, key=lambda one: one.cleared_ms or 0),
        )
        self._oddities = Oddities(self._memory, self._states)
        self._past = PastAlarms(self._memory, self._memory)

    def take(self, batch: Batch) -> None:
        """Take in a batch as ``Runs`` does."""
        stored = self._memory.put(batch.readings)
        readings = sorted(batch.readings, key=lambda one: (one.taken_ms, one.channel))
        times = [one.taken_ms for one in readings]
        row = Intake(
            WorkerId("w1"), 1, batch.device, "a", 1, 0, stored, len(times) - stored,
            0, 0, times[0], times[-1], batch.recorded_ms,
        )  # fmt: skip
        believed = [one for one in readings if is_believable(one)]
        self._watch.take(believed, row.recorded_ms, self.places)
        if not self._has_watchers:
            return
        claims = self._oddities.take(row, readings, self.places)
        is_late = row.recorded_ms - row.max_ms > LATE_MS
        self._watch.claim(claims, self.places, is_late=is_late)

    def tick(self, now_ms: int, *, is_up_to_date: bool) -> None:
        """Let the time pass, and keep what there is to keep."""
        self._watch.tick(now_ms, 0, self.places, is_up_to_date=is_up_to_date)
        if is_up_to_date:
            self._oddities.look_back(now_ms, self.places)
            self._past.look_back(self._watch, now_ms, self.places)
        changes = self._watch.taken()
        self.seen.alarms.update(changes.alarms)
        self.seen.steps.extend(changes.steps)
        self.seen.calls.extend(changes.calls)
        self._devices |= {
            one: msgspec.json.encode(self._watch.devices[one])
            for one in changes.devices
        }
        self._states |= self._oddities.taken()


def played(scenario: Scenario, every_s: float, random: Random | None = None) -> Seen:
    """Return what people see of a scenario measured every so many seconds.

    ``random``: what is late, sent twice and killed; None: nothing is, and nobody watches
    for episodes.
    """
    batches = sorted(sent(scenario, every_s, random), key=lambda one: one.recorded_ms)
    start_ms = round(scenario.start_s * 1000)
    end_ms = start_ms + round(scenario.duration_h * 3_600_000)
    playing = Playing(scenario, has_watchers=random is not None)
    at = grace_ms = 0
    for now_ms in range(start_ms + LAG_MS, end_ms, round(every_s * 1000)):
        if random is not None and random.random() < KILL_SHARE:
            playing.begin_anew(now_ms)
            grace_ms = now_ms + 2 * MINUTE_MS
        while at < len(batches) and batches[at].recorded_ms <= now_ms:
            playing.take(batches[at])
            at += 1
        playing.tick(now_ms, is_up_to_date=now_ms >= grace_ms)
    return playing.seen


def sent(scenario: Scenario, every_s: float, random: Random | None) -> Iterator[Batch]:
    """Yield each box's rounds as batches: late, twice, or with a wrong clock."""
    run = ScenarioRun(scenario, ManualClock(scenario.start))
    waiting: dict[str, list[Batch]] = {}
    is_late = False
    for taken_ms, name, readings in _rounds(run, every_s):
        state = run.conditions(name, t_s=taken_ms / 1000)
        off_ms = round(state.skew_s * 1000)
        stamped = [replace(one, taken_ms=one.taken_ms + off_ms) for one in readings]
        batch = Batch(taken_ms + LAG_MS, DeviceId(name), stamped)
        if not state.has_network:
            waiting.setdefault(name, []).append(batch)
            continue
        if random is not None:
            # Two late ones in a row would be a silence, and truly so.
            is_late = not is_late and random.random() < LATE_SHARE
            by_ms = random.randrange(LAG_MS, round(2000 * every_s)) if is_late else 0
            batch = batch._replace(recorded_ms=batch.recorded_ms + by_ms)
            if random.random() < TWICE_SHARE:
                again_ms = batch.recorded_ms + random.randrange(90) * MINUTE_MS
                yield batch._replace(recorded_ms=again_ms)
        yield batch
        for back in waiting.pop(name, ()):  # what is live goes first
            yield back._replace(recorded_ms=batch.recorded_ms + LAG_MS)


def _rounds(
    run: ScenarioRun, every_s: float
) -> Iterator[tuple[int, str, Sequence[Reading]]]:
    """Yield what each box measures of all its probes at an instant, where it has power."""
    scenario, known = run.scenario, measured(run.scenario)
    end_s = scenario.start_s + scenario.duration_h * 3600
    rows = run.history(scenario.start_s, end_s, every_s)
    for taken_ms, at_once in groupby(rows, key=lambda row: row.taken_ms):
        of: dict[str, list[Reading]] = {}
        for row in at_once:
            of.setdefault(row.device, []).extend(readings_of(row, known))
        for name, readings in of.items():
            if run.conditions(name, t_s=taken_ms / 1000).is_powered and readings:
                yield taken_ms, name, readings
