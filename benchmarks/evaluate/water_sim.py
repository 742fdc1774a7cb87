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
from firmware_sim.scenarios import ProbeKind, Scenario, load_scenario
from firmware_sim.sources import Values
from greenwater.kernel.clock import ManualClock
from greenwater.kernel.errors import UnavailableError
from greenwater.kernel.reading import HOUR_MS
from greenwater.reference.causes import Kind

STEP_S: Final = 300
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


def watch_scenario(scenario: Scenario, *, step_s: int = STEP_S) -> list[Watched]:
    """Put every water probe of a scenario through a watcher, beside its neighbour."""
    run = ScenarioRun(scenario, ManualClock(scenario.start))
    places = [
        (device.id, probe.id, (probe.unit, probe.depth_m))
        for device in scenario.devices
        for probe in device.probes
        if (device.id, probe.id) in run.sources and probe.kind is ProbeKind.WATER
    ]
    watchers = {
        (device, probe): Watcher(WatchState(device=device, probe=probe))
        for device, probe, _ in places
    }
    found: dict[tuple[str, str], dict[str, Episode]] = {key: {} for key in watchers}
    counts = dict.fromkeys(watchers, 0)
    end_s = scenario.start_s + scenario.duration_h * 3600
    at_s = scenario.start_s
    while at_s < end_s:
        rows = {
            (device, probe): _values(run, (device, probe), at_s)
            for device, probe, _ in places
        }
        for device, probe, unit in places:
            key = device, probe
            points = [
                Point(round(at_s * 1000), channel, value)
                for channel, value in rows[key].items()
            ]
            counts[key] += len(points)
            changes = watchers[key].take(points).changes
            others = [
                rows[other, name]
                for other, name, its in places
                if its == unit and (other, name) != key
            ]
            if others:
                changes += watchers[key].compare(
                    _pairs(round(at_s * 1000), rows[key], others[0])
                )
            found[key] |= {change.episode.id: change.episode for change in changes}
        at_s += step_s
    return [
        Watched(*key, list(found[key].values()), counts[key] * step_s / 86_400)
        for key in watchers
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
