"""Alarms at simulated farms nobody has seen: what was false, what chattered, what was silent.

The same water is played twice: as careless probes and boxes tell it, and as perfect ones would.
A *call* is false if nothing was there to be called for: no such trouble of the perfect play
within an hour, no limit truly come near, no fault of that box, probe, aerator or mains. One that a
faulty probe made, where no sound one hung beside it, is counted by itself: it must be believed. A
*crash* is half an hour of oxygen below critical at a probe; it is *silent* if nobody was called
about the unit's oxygen, or about not knowing it, until it was over.
"""

from collections.abc import Iterator, Sequence
from functools import reduce
from random import Random
from typing import Final, NamedTuple

from benchmarks.evaluate.alarms_played import Seen, played
from benchmarks.evaluate.alarms_worlds import HOURS, World, world_of
from firmware_sim.faults import FaultKind, FaultSpec
from firmware_sim.run import ScenarioRun
from firmware_sim.scenarios import ProbeKind
from greenwater.kernel.channels import Channel
from greenwater.kernel.clock import ManualClock
from greenwater.reference.limits import species_limits
from greenwater.storage.registry.alarms import Alarm

WORLDS: Final = 50
HOUR_MS: Final = 3_600_000
NEAR_MS: Final = HOUR_MS
GRAZING: Final = {
    Channel.DISSOLVED_OXYGEN: 0.2,
    Channel.TEMPERATURE: 0.1,
    Channel.PH: 0.06,
    Channel.SALINITY: 0.3,
    Channel.ORP: 8.0,
}
"""So near a limit the noise of a probe decides: three of its standard deviations, or more."""

LOW_MS: Final = HOUR_MS // 2
OF_BOX: Final = frozenset(
    {FaultKind.POWER_CUT, FaultKind.MODEM_OUTAGE, FaultKind.CLOCK_SKEW}
)
BLINDING: Final = frozenset(
    {FaultKind.DROPOUT, FaultKind.SILENT_UNIT, FaultKind.OUT_OF_WATER}
)
CHATTER_TIMES: Final = 3

Told = tuple[int, dict[tuple[str, Channel], float]]
"""An instant, and what the water held at each probe."""


class Judged(NamedTuple):
    """What one farm gave."""

    days: float = 0.0
    calls: int = 0
    false: Sequence[str] = ()
    by_faulty: Sequence[str] = ()
    chattering: int = 0
    crashes: int = 0
    silent: Sequence[str] = ()
    quiet: int = 0
    missed: Sequence[str] = ()

    def plus(self, other: "Judged") -> "Judged":
        """Return both together."""
        return Judged(
            self.days + other.days,
            self.calls + other.calls,
            [*self.false, *other.false],
            [*self.by_faulty, *other.by_faulty],
            self.chattering + other.chattering,
            self.crashes + other.crashes,
            [*self.silent, *other.silent],
            self.quiet + other.quiet,
            [*self.missed, *other.missed],
        )


def judged(seed: int) -> Judged:
    """Return what the farm of a seed gave."""
    world = world_of(seed)
    return Bench(world, seed).judged()


class Bench:
    """One world, as it was told and as it was."""

    def __init__(self, world: World, seed: int) -> None:
        self._world, self._seed = world, seed
        scenario = world.scenario
        self._start_ms = round(scenario.start_s * 1000)
        self._unit = scenario.sites[0].units[0]
        self._probes = {
            one.id: one
            for one in scenario.devices[0].probes
            if one.kind is ProbeKind.WATER
        }
        self._seen = played(scenario, world.every_s, Random(seed))
        self._true = played(world.sound.scenario, world.every_s)
        self._water = list(self._held())

    def _held(self) -> Iterator[Told]:
        scenario = self._world.sound.scenario
        run = ScenarioRun(scenario, ManualClock(scenario.start))
        end_s = scenario.start_s + scenario.duration_h * 3600
        at_s = scenario.start_s
        while at_s < end_s:
            yield (
                round(at_s * 1000),
                {
                    (probe, Channel(channel)): value
                    for (_, probe), source in run.sources.items()
                    if probe in self._probes
                    for channel, value in source.values_at(at_s).items()
                    if value is not None
                },
            )
            at_s += self._world.every_s

    def judged(self) -> Judged:
        """Return what there is to count."""
        called = {
            alarm.id: self._seen.alarms[alarm.id] for alarm, _, _ in self._seen.calls
        }
        wrong = [one for one in called.values() if not self._is_right(one)]
        faulty = [one for one in wrong if self._is_of_faulty_probe(one)]
        crashes = list(self._crashes())
        values = sum(len(told) for _, told in self._water)
        return Judged(
            days=values * self._world.every_s / 86_400,
            calls=len(called),
            false=[self._name(one) for one in wrong if one not in faulty],
            by_faulty=[self._name(one) for one in faulty],
            chattering=_chattering(self._seen),
            crashes=len(crashes),
            silent=[
                f"#{self._seed} {self._h(start):.1f} {probe}"
                for start, end, probe in crashes
                if not self._is_told(start, end, probe)
            ],
            quiet=sum(one.id not in called for one in self._seen.alarms.values()),
            missed=[self._name(one) for one in self._missed()],
        )

    def _h(self, at_ms: int) -> float:
        return (at_ms - self._start_ms) / HOUR_MS

    def _name(self, one: Alarm) -> str:
        what = one.condition.replace(f"{self._unit.id}/", "")
        return f"#{self._seed} {what} {one.severity} at {self._h(one.raised_ms):.1f}"

    def _is_right(self, one: Alarm) -> bool:
        if one.kind == "limit":
            return self._touched(one, self._true) or self._is_grazing(one)
        if one.kind in ("silence", "site_silence"):
            # Where all probes of a box say nothing, so does the box.
            return self._has_fault(one, OF_BOX | {FaultKind.SILENT_UNIT})
        if one.kind in ("mains", "battery"):
            return self._has_fault(one, {FaultKind.POWER_CUT})
        if one.kind == "blind":
            return self._has_fault(one, BLINDING)
        return False

    def _touched(self, one: Alarm, by: Seen) -> bool:
        start_ms, end_ms = _span(one)
        return any(
            other.condition == one.condition
            and start_ms <= _span(other)[1] + NEAR_MS
            and _span(other)[0] <= end_ms + NEAR_MS
            for other in by.alarms.values()
        )

    def _is_grazing(self, one: Alarm) -> bool:
        """Return whether a level was truly come near; a rule's own noise is its delay."""
        if "rule" in one.detail or one.limit is None or one.channel is None:
            return False
        channel = Channel(one.channel)
        start_ms = one.began_ms
        near = [
            value
            for at_ms, told in self._water
            if start_ms - NEAR_MS <= at_ms <= one.raised_ms
            for (_, name), value in told.items()
            if name is channel
        ]
        limits = species_limits(self._unit.species, channel)
        bounds = None if limits is None else limits.warn
        if not near or bounds is None:
            return False
        margin = GRAZING.get(channel, 0.0)
        if one.side == "low":
            return bounds.low is not None and min(near) < bounds.low + margin
        return bounds.high is not None and max(near) > bounds.high - margin

    def _faults(self, one: Alarm) -> Iterator[FaultSpec]:
        """Yield the faults that go on while an alarm does, or ended within an hour before."""
        start_ms, end_ms = _span(one)
        for fault in self._world.scenario.faults:
            begins_h, ends_h = fault.from_h, fault.to_h
            if begins_h <= self._h(end_ms) + 1 and self._h(start_ms) <= ends_h + 1:
                yield fault

    def _has_fault(
        self, one: Alarm, kinds: frozenset[FaultKind] | set[FaultKind]
    ) -> bool:
        return any(fault.kind in kinds for fault in self._faults(one))

    def _is_of_faulty_probe(self, one: Alarm) -> bool:
        """Return whether a faulty probe made it, and no sound one hung beside it."""
        if one.probe is None or one.kind != "limit":
            return False
        is_faulty = any(fault.probe == one.probe for fault in self._faults(one))
        return is_faulty and not self._beside(one.probe)

    def _beside(self, probe: str) -> list[str]:
        here = self._probes[probe]
        return [
            name
            for name, other in self._probes.items()
            if name != probe and abs((other.depth_m or 0) - (here.depth_m or 0)) <= 0.5
        ]

    def _crashes(self) -> Iterator[tuple[int, int, str]]:
        """Yield when oxygen was below critical for long, at which probe."""
        limits = species_limits(self._unit.species, Channel.DISSOLVED_OXYGEN)
        if limits is None or limits.critical is None or limits.critical.low is None:
            return
        least = limits.critical.low - GRAZING[Channel.DISSOLVED_OXYGEN]
        for probe in self._probes:
            since: int | None = None
            for at_ms, told in self._water:
                value = told.get((probe, Channel.DISSOLVED_OXYGEN))
                if value is not None and value < least:
                    since = at_ms if since is None else since
                    continue
                if since is not None and at_ms - since >= LOW_MS:
                    yield since, at_ms, probe
                since = None
            if since is not None and at_ms - since >= LOW_MS:
                yield since, at_ms, probe

    def _is_told(self, start_ms: int, end_ms: int, probe: str) -> bool:
        """Return whether somebody was called: before, and it still held, or meanwhile."""
        about = (
            f"limit/{self._unit.id}/{Channel.DISSOLVED_OXYGEN}/low",
            f"blind/{self._unit.id}/{Channel.DISSOLVED_OXYGEN}",
            f"silence/{self._world.scenario.devices[0].id}",
            f"site_silence/{self._world.scenario.sites[0].id}",
        )
        return any(
            alarm.condition in about
            and at_ms <= end_ms
            and (self._seen.alarms[alarm.id].returned_ms or end_ms) >= start_ms
            for alarm, _, at_ms in self._seen.calls
        )

    def _missed(self) -> Iterator[Alarm]:
        """Yield what perfect probes would have called people for, and these did not say."""
        called = {alarm.id for alarm, _, _ in self._true.calls}
        for one in self._true.alarms.values():
            is_called = one.id in called and one.kind == "limit"
            if is_called and not self._touched(one, self._seen) and _is_clear(one):
                yield one


def _is_clear(one: Alarm) -> bool:
    """Return whether it was beyond its limit by more than a probe's noise."""
    if one.worst is None or one.limit is None or "rule" in one.detail:
        return True
    margin = GRAZING.get(Channel(one.channel or ""), 0.0)
    return abs(one.worst - one.limit) > margin


def _span(one: Alarm) -> tuple[int, int]:
    return one.began_ms, one.returned_ms or one.taken_ms or one.raised_ms


def _chattering(seen: Seen) -> int:
    """Return how often a condition was raised three times within an hour."""
    raises: dict[str, list[int]] = {}
    for step in seen.steps:
        if step.kind in ("raised", "again"):
            condition = seen.alarms[step.alarm].condition
            raises.setdefault(condition, []).append(step.at_ms)
    last = CHATTER_TIMES - 1
    return sum(
        late - early <= HOUR_MS
        for times in map(sorted, raises.values())
        for early, late in zip(times, times[last:], strict=False)
    )


def main() -> None:
    """Print what the farms gave, by what happened in the water."""
    print(
        f"{WORLDS} farms of {HOURS:.0f} h each\n\n"
        "| in the water | farms | sensor-days | calls | false | a sensor-day "
        "| by a faulty probe alone | chattering | missed | crashes | silent |\n"
        "|---|---|---|---|---|---|---|---|---|---|---|"
    )
    farms: dict[str, list[Judged]] = {}
    whole = Judged()
    for seed in range(WORLDS):
        farms.setdefault(world_of(seed).water, []).append(judged(seed))
    for water, found in farms.items():
        one = reduce(Judged.plus, found)
        whole = whole.plus(one)
        print(_line(water, len(found), one))
    print(_line("all", WORLDS, whole) + "\n")
    for what, names in (
        ("false", whole.false), ("missed", whole.missed), ("silent", whole.silent),
    ):  # fmt: skip
        for name in names:
            print(f"- {what}: {name}")


def _line(what: str, farms: int, one: Judged) -> str:
    rate = len(one.false) / one.days if one.days else 0.0
    return (
        f"| {what} | {farms} | {one.days:.0f} | {one.calls} | {len(one.false)} "
        f"| {rate:.4f} | {len(one.by_faulty)} | {one.chattering} | {len(one.missed)} "
        f"| {one.crashes} | {len(one.silent)} |"
    )


if __name__ == "__main__":
    main()
