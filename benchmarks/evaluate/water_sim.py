"""Anomalies in simulated ponds, cages and probes, where every fault is known.

``fouled-probe`` has two probes in one pond and most of what a probe can do wrong; the others have
sound probes in troubled water, where a sensor's episode would be a false one.
"""

from collections import Counter
from collections.abc import Sequence
from typing import Final, NamedTuple

from analytics.water.episodes import Episode
from analytics.water.watch import Beside, Point, Watcher, WatchState
from firmware_sim.run import ScenarioRun
from firmware_sim.scenarios import (
    DeviceSpec,
    ProbeKind,
    ProbeSpec,
    Scenario,
    load_scenario,
)
from firmware_sim.sources import Values
from greenwater.kernel.clock import ManualClock
from greenwater.kernel.errors import UnavailableError
from greenwater.kernel.reading import HOUR_MS
from greenwater.reference.causes import Kind

STEP_S: Final = 300
DAY_S: Final = 86_400
NEAR_MS: Final = HOUR_MS
TROUBLED: Final = ("healthy-farm", "oxygen-crash", "flood", "aerator-failure")


class Watched(NamedTuple):
    """A probe's episodes and its sensor-days."""

    device: str
    probe: str
    episodes: Sequence[Episode]
    days: float


def main() -> None:
    """Print what was found in the simulated scenarios."""
    print("Simulated faults (`fouled-probe`), each once\n")
    print("| fault | channel | found | named |")
    print("|---|---|---|---|")
    scenario = load_scenario("fouled-probe")
    watched = watch_scenario(scenario)
    for fault in scenario.faults:
        start_ms = round((scenario.start_s + fault.from_h * 3600) * 1000)
        end_ms = round((scenario.start_s + fault.to_h * 3600) * 1000)
        near = [
            one
            for probe in watched
            if probe.probe == fault.probe
            for one in probe.episodes
            if one.end_ms >= start_ms
            and one.start_ms <= end_ms + NEAR_MS
            and fault.channel in (None, one.channel)
            and one.kind is Kind.SENSOR
        ]
        named = Counter(one.cause for one in near).most_common(3)
        first = min((one.start_ms for one in near), default=0)
        after = f"yes, after {max(first - start_ms, 0) / 3.6e6:.1f} h" if near else "no"
        print(
            f"| {fault.kind} | {fault.channel or 'all'} | {after} | "
            f"{', '.join(f'{cause} {count}' for cause, count in named)} |"
        )
    print("\nTroubled water, sound probes\n")
    print("| scenario | sensor episodes a sensor-day (all false) | water episodes |")
    print("|---|---|---|")
    for name in TROUBLED:
        print(_troubled_line(name))
    print()


def _troubled_line(name: str) -> str:
    watched = watch_scenario(load_scenario(name))
    days = sum(one.days for one in watched)
    episodes = [one for probe in watched for one in probe.episodes]
    sensor = Counter(one.cause for one in episodes if one.kind is Kind.SENSOR)
    water = Counter(one.cause for one in episodes if one.kind is Kind.WATER)
    return (
        f"| {name} | {sensor.total() / max(days, 1):.3f} {dict(sensor)} | "
        f"{dict(water)} |"
    )


class _Probe:
    """A probe of a scenario, its watcher, and what that has found."""

    def __init__(self, device: DeviceSpec, probe: ProbeSpec) -> None:
        self.place, self.water = (device.id, probe.id), (probe.unit, probe.depth_m)
        self.episodes: dict[str, Episode] = {}
        self.readings = 0
        self._watcher = Watcher(WatchState(device=device.id, probe=probe.id))

    def take(self, at_ms: int, values: Values, beside: Values | None) -> None:
        """Take in what it says, beside what its neighbour does."""
        points = [Point(at_ms, channel, value) for channel, value in values.items()]
        self.readings += len(points)
        changes = self._watcher.take(points).changes
        if beside is not None:
            changes += self._watcher.compare(_pairs(at_ms, values, beside))
        self.episodes |= {change.episode.id: change.episode for change in changes}


def watch_scenario(scenario: Scenario, *, step_s: int = STEP_S) -> list[Watched]:
    """Put every water probe of a scenario through a watcher, beside its neighbour."""
    run = ScenarioRun(scenario, ManualClock(scenario.start))
    probes = [
        _Probe(device, probe)
        for device in scenario.devices
        for probe in device.probes
        if (device.id, probe.id) in run.sources and probe.kind is ProbeKind.WATER
    ]
    at_s, end_s = scenario.start_s, scenario.start_s + scenario.duration_h * 3600
    while at_s < end_s:
        rows = {one.place: _values(run, one.place, at_s) for one in probes}
        for one in probes:
            others = (
                rows[other.place]
                for other in probes
                if other.water == one.water and other is not one
            )
            one.take(round(at_s * 1000), rows[one.place], next(others, None))
        at_s += step_s
    return [
        Watched(*one.place, list(one.episodes.values()), one.readings * step_s / DAY_S)
        for one in probes
    ]


def _values(run: ScenarioRun, place: tuple[str, str], at_s: float) -> Values:
    try:
        return run.sources[place].values_at(at_s)
    except UnavailableError:
        return {}


def _pairs(at_ms: int, mine: Values, others: Values) -> list[Beside]:
    return [
        Beside(at_ms, channel, value, other)
        for channel, value in mine.items()
        if value is not None and (other := others.get(channel)) is not None
    ]


if __name__ == "__main__":
    main()
