"""A probe that hangs alone, held to its own days: what the rule of ``days`` finds by itself.

On sondes and rivers, whose people marked days as bad, and in simulated ponds and cages of forty
days in which oxygen is fouled, its answer slowed, or pH drifts, from the twentieth day on. The
constants were chosen on these very recordings: read the rates as in-sample.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import pairwise
from typing import Final, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from analytics.score.table import Table, read_table
from analytics.water.days import DayState, day_taken, is_due, percent_of
from analytics.water.events import Span, stretches
from benchmarks.evaluate.water import DATA, RIVERS, SONDES
from firmware_sim.run import ScenarioRun
from firmware_sim.scenarios import load_scenario
from greenwater.kernel.clock import ManualClock
from greenwater.kernel.reading import DAY_MS
from greenwater.reference.quality import is_possible

Floats = NDArray[np.float64]
Marks = NDArray[np.bool_]
Times = NDArray[np.int64]
OXYGEN, PH = "oxygen_saturation", "ph"
STEP_S: Final = 1800
DAYS: Final = 40
BEGINS: Final = 20
ENDS: Final = 32
NEAR_MS: Final = 2 * DAY_MS
DAYS_AFTER_MS: Final = 4 * DAY_MS
"""Three days are looked at, and a day is judged when it is over."""
PLACES: Final = (
    ("sim-van-hung-1", "ao-1-day"),
    ("sim-van-hung-1", "ao-2"),
    ("sim-be-xuan-tu-1", "long-1-mat"),
)


class Days(NamedTuple):
    """Ends of days that were said to be odd, of all that were judged."""

    odd_ms: Times
    judged: int


def main() -> None:
    """Print what the days alone say."""
    if DATA.is_dir():
        _print_recordings()
    _print_simulated()


def judged(channel: str, times_ms: Times, values: Floats) -> Days:
    """Put one channel through its days."""
    state, odd, count = DayState(), [], 0
    for at_ms, value in zip(times_ms.tolist(), values.tolist(), strict=True):
        if not is_possible(channel, value) or not is_due(state, at_ms):
            continue
        said = day_taken(state, channel, value, at_ms)
        if said is not None:
            count += 1
            odd += [at_ms] if said.share >= 1 else []
    return Days(np.array(odd, np.int64), count)


def _print_recordings() -> None:
    print("A lone probe's days (`water/days.py` alone), on people's verdicts\n")
    print(
        "| recording | channel | days judged | said odd | of them within two days of "
        "what people marked | other stretches said, a day |"
    )
    print("|---|---|---|---|---|---|")
    for name, channel, table, values, marks in _recordings():
        days = judged(channel, table.times_ms, values)
        bad = stretches(table.times_ms, marks, DAY_MS)
        near = sum(_is_near(int(one), bad) for one in days.odd_ms)
        others = [int(one) for one in days.odd_ms if not _is_near(int(one), bad)]
        apart = [b for a, b in pairwise([-(10**15), *others]) if b - a > NEAR_MS]
        print(
            f"| {name} | {channel} | {days.judged} | {len(days.odd_ms)} | {near} | "
            f"{len(apart) / max(days.judged, 1):.4f} ({len(apart)}) |"
        )
    print()


def _is_near(at_ms: int, spans: Sequence[Span]) -> bool:
    return any(
        one.start_ms - NEAR_MS <= at_ms <= one.end_ms + DAYS_AFTER_MS for one in spans
    )


def _recordings() -> Iterator[tuple[str, str, Table, Floats, Marks]]:
    for name in SONDES:
        table = read_table(DATA / "sondes" / f"apalachicola_{name}_2012_2013.csv.gz")
        for channel in (OXYGEN, PH):
            own = table.find(channel) or ""
            codes = np.array(table.texts[f"{own}_qc"])
            marks = (np.char.find(codes, "<-3>") >= 0) | (
                np.char.find(codes, "<1>") >= 0
            )
            yield name, channel, table, table.numbers[own], marks
    for name in RIVERS:
        table = read_table(DATA / "technician_labels" / f"logan_river_{name}.csv.gz")
        celsius = table.numbers["temperature_c"].tolist()
        oxygen = table.numbers["dissolved_oxygen_mg_l"].tolist()
        percent = [
            found[1] if (found := percent_of(mg_l, {"temperature": warm})) else np.nan
            for mg_l, warm in zip(oxygen, celsius, strict=True)
        ]
        yield (
            name,
            OXYGEN,
            table,
            np.array(percent),
            _labels(table, "dissolved_oxygen_mg_l"),
        )
        yield name, PH, table, table.numbers["ph"], _labels(table, "ph")


def _labels(table: Table, channel: str) -> Marks:
    marks = table.numbers.get(f"{channel}_label")
    return np.zeros(len(table), bool) if marks is None else ~np.isnan(marks)


def _print_simulated() -> None:
    scenario = msgspec.structs.replace(
        load_scenario("healthy-farm"), duration_h=24.0 * DAYS, faults=()
    )
    run = ScenarioRun(scenario, ManualClock(scenario.start))
    count = DAYS * 86_400 // STEP_S
    at_s = [scenario.start_s + number * STEP_S for number in range(count)]
    rows = {
        place: [run.sources[place].values_at(at) for at in at_s] for place in PLACES
    }
    times_ms = np.array(at_s, np.float64).astype(np.int64) * 1000
    print(
        f"Simulated, {DAYS} days, from day {BEGINS} to {ENDS} a fault: days until it is "
        "said (– never), and days said odd without one\n"
    )
    print("| fault | " + " | ".join(probe for _, probe in PLACES) + " |")
    print("|---|" + "---|" * len(PLACES))
    for title, channel, fault in _faults():
        cells = []
        for place in PLACES:
            told = np.array([row[channel] or np.nan for row in rows[place]], np.float64)
            days = judged(channel, times_ms, fault(told))
            cells.append(_after(days, int(times_ms[0])))
        print(f"| {title} | " + " | ".join(cells) + " |")
    print()


def _after(days: Days, start_ms: int) -> str:
    at = (days.odd_ms - start_ms) / DAY_MS
    during = at[(at > BEGINS) & (at <= ENDS + 3)]
    others = len(at) - len(during)
    first = f"{during[0] - BEGINS:.0f}" if len(during) else "–"
    return f"{first}, {others}"


def _faults() -> Iterator[tuple[str, str, Callable[[Floats], Floats]]]:
    day = np.arange(DAYS * 86_400 // STEP_S) * STEP_S / 86_400
    since = np.where(day < ENDS, np.maximum(day - BEGINS, 0), 0)
    yield "none", OXYGEN, lambda values: values
    yield "none", PH, lambda values: values
    for share in (0.02, 0.03, 0.06):
        yield (
            f"oxygen fouled, {100 * share:.0f} % a day",
            OXYGEN,
            partial(np.multiply, (1 - share) ** since),
        )
    for step in (0.05, 0.1, 0.25):
        yield (
            f"pH drifts, {step} a day",
            PH,
            partial(np.add, step * since),
        )
    yield (
        "oxygen answers slower, 40 min more each day",
        OXYGEN,
        lambda v: _slowed(v, since),
    )


def _slowed(values: Floats, since: Floats) -> Floats:
    """Return values behind growth that lets oxygen through ever more slowly."""
    shown, found = float(values[0]), []
    for value, days in zip(values.tolist(), since.tolist(), strict=True):
        tau_s = 2400 * days
        shown += (STEP_S / (STEP_S + tau_s)) * (value - shown)
        found.append(shown)
    return np.array(found)


if __name__ == "__main__":
    main()
