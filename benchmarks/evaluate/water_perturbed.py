"""How far the figures of the rivers and sondes go: the same recordings, changed.

Nothing is chosen here. Each change (``water_changed``) keeps what people marked true; what the
built-in constants then find is printed river by river, and the worst beside the base.
"""

from collections.abc import Iterable, Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from analytics.score.table import parse_instant
from analytics.score.water import score_table
from analytics.water.events import count_false, count_near, stretches
from benchmarks.evaluate.water import (
    CHANNELS,
    DATA,
    RIVERS,
    SONDES,
    Labelled,
    Tally,
    read_river,
    read_sonde,
    silent,
)
from benchmarks.evaluate.water_changed import CHANGES, DAY_MS, PERCENT, Change, Marked

OXYGEN: Final = "dissolved_oxygen_mg_l"
FLOORS: Final = dict(zip(CHANNELS, (0.95, 0.60, 0.35, 0.40), strict=True))
MOST_FALSE: Final = 0.05
ON_SONDES: Final = (
    "as it is",
    "all × 1.6",
    "more noise",
    "every 60 min",
    "a tenth of rows lost",
    "channels alone",
    "oxygen in %",
)
SEASON: Final = (
    parse_instant("2013-03-01", "season"),
    parse_instant("2013-10-01", "season"),
)
"""Most crashes of both sondes are in these months."""

Tallies = Mapping[str, Tally]


def main() -> None:
    """Print the tables."""
    if not DATA.is_dir():
        print(f"{DATA} is not here: nothing to change\n")
        return
    print_rivers({name: marked(read_river(name)) for name in RIVERS}, CHANGES)
    sondes = {name: in_season(marked(read_sonde(name))) for name in SONDES}
    print_sondes(sondes, {name: CHANGES[name] for name in ON_SONDES})


def marked(labelled: Labelled) -> Marked:
    """Return a recording that can be changed."""
    table, names, labels = labelled
    return Marked(table.times_ms, {name: table.numbers[name] for name in names}, labels)


def in_season(one: Marked) -> Marked:
    """Return the months of a sonde in which oxygen crashes."""
    return one.rows((one.times_ms >= SEASON[0]) & (one.times_ms < SEASON[1]))


def print_rivers(rivers: Mapping[str, Marked], changes: Mapping[str, Change]) -> None:
    """Print what is found and what is false of each change, river and channel."""
    print("Recall of labelled episodes | false a sensor-day; ! beyond a floor\n")
    print("| change | river | " + " | | ".join(CHANNELS) + " | |")
    print("|---|---|" + "---|---|" * len(CHANNELS))
    found_by: dict[str, Tallies] = {}
    for what, change in changes.items():
        whole = dict.fromkeys(CHANNELS, Tally())
        for name, one in rivers.items():
            found = tallies(change(one))
            _print_row(f"{what} | {name}", found)
            for channel in CHANNELS:
                whole[channel] = whole[channel].plus(found.get(channel, Tally()))
        _print_row(f"**{what}** | **all**", whole)
        found_by[what] = whole
    print()
    _print_worst(found_by)


def _print_row(what: str, found: Tallies) -> None:
    cells = []
    for channel in CHANNELS:
        tally = found.get(channel, Tally())
        low = "!" if _recall(tally) < FLOORS[channel] else ""
        high = "!" if _rate(tally) > MOST_FALSE else ""
        recall, false = str(tally).split(" | ")
        cells.append(f"{recall}{low} | {false}{high}" if tally.days else "– | –")
    print(f"| {what} | " + " | ".join(cells) + " |", flush=True)


def _print_worst(found_by: Mapping[str, Tallies]) -> None:
    print("| channel | first | | least found | | most false | |")
    print("|---|---|---|---|---|---|---|")
    for channel in CHANNELS:
        there = {what: all_of[channel] for what, all_of in found_by.items()}
        there = {what: tally for what, tally in there.items() if tally.days}
        least = min(there, key=lambda what: _recall(there[what]))
        most = max(there, key=lambda what: _rate(there[what]))
        print(
            f"| {channel} | {next(iter(there.values()))} | {_recall(there[least]):.2f} "
            f"| {least} | {_rate(there[most]):.3f} | {most} |"
        )
    print(flush=True)


def _recall(tally: Tally) -> float:
    return tally.recalled / tally.true if tally.true else 1.0


def _rate(tally: Tally) -> float:
    return tally.false / tally.days if tally.days else 0.0


def tallies(parts: Iterable[Marked]) -> Tallies:
    """Score stretches, each anew, and count; oxygen in per cent counts as oxygen."""
    whole: dict[str, Tally] = {}
    for part in parts:
        names = list(part.values)
        scores = score_table(part.table(), names, silent).scores
        for name in names:
            channel = OXYGEN if name == PERCENT else name
            found = _tally(part, name, scores[name] >= 0.5)
            whole[channel] = whole.get(channel, Tally()).plus(found)
    return whole


def _tally(part: Marked, name: str, said: NDArray[np.bool_]) -> Tally:
    true = stretches(part.times_ms, part.labels[name])
    spans = stretches(part.times_ms, said)
    rows = float((~np.isnan(part.values[name])).sum())
    return Tally(
        len(true),
        count_near(true, spans),
        count_false(spans, true),
        rows * part.step_ms / DAY_MS,
    )


def print_sondes(sondes: Mapping[str, Marked], changes: Mapping[str, Change]) -> None:
    """Print rejected oxygen found, false episodes, crashes that were not told as such."""
    print("Sondes, March to September 2013: oxygen (crashes are not false)\n")
    print("| change | sonde | found | false a day | crash readings | suppressed |")
    print("|---|---|---|---|---|---|")
    for what, change in changes.items():
        for name, one in sondes.items():
            whole, crashed, suppressed = Tally(), 0, 0
            for part in change(one):
                if OXYGEN in part.values or PERCENT in part.values:
                    found, low, hidden = _on_sonde(part, one)
                    whole = whole.plus(found)
                    crashed, suppressed = crashed + low, suppressed + hidden
            row = f"{what} | {name} | {whole} | {crashed} | {suppressed}"
            print(f"| {row} |", flush=True)
    print()


def _on_sonde(part: Marked, one: Marked) -> tuple[Tally, int, int]:
    """Return the tally of a stretch, its readings of a crash, those not told as one.

    ``one``: the sonde as it was; what is low in per cent is what was low in mg/L.
    """
    name = OXYGEN if OXYGEN in part.values else PERCENT
    low = part.values.get(OXYGEN, one.values[OXYGEN]) < 2
    scored = score_table(part.table(), list(part.values), silent)
    said, labels = scored.scores[name] >= 0.5, part.labels[name]
    is_none = np.isnan(part.values[name])
    sensor = stretches(part.times_ms, said & ~low & ~is_none)
    judged = stretches(part.times_ms, labels | is_none)
    false = count_false(sensor, [*judged, *stretches(part.times_ms, low)])
    is_told = np.array([event.startswith("w") for event in scored.events[name]])
    crashed = low & ~labels
    return (
        _tally(part, name, said)._replace(false=false),
        int(crashed.sum()),
        int((crashed & ~is_told).sum()),
    )


if __name__ == "__main__":
    main()
