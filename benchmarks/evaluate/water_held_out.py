"""What the choice of constants is worth on a river that had no part in it.

The few constants that matter are chosen on two rivers and tried on the third, three times: the
figures that a new river may expect, beside those of the constants that are built in.
"""

from collections.abc import Mapping
from contextlib import ExitStack
from types import ModuleType
from typing import Final, NamedTuple
from unittest.mock import patch

from analytics.water import belief, budget, front, peaks, signs
from benchmarks.evaluate.water import CHANNELS, DATA, RIVERS, Tally, river, tally

BUDGET: Final = 0.05
COST: Final = 10.0
"""What a false episode a sensor-day above the budget costs, in recall."""


class Constants(NamedTuple):
    """One choice; the defaults are those built in. ``wave`` 0: a wave is a jump too."""

    above: float = peaks.ABOVE
    most: float = peaks.MOST
    wave: float = signs.WAVE
    burst: float = belief.WEIGHTS["burst"]
    held: float = belief.WEIGHTS["held"]


CHOICES: Final = (
    Constants(),
    Constants(most=3.0),
    Constants(most=6.0),
    Constants(wave=0.0),
    Constants(wave=0.0, most=6.0),
)

NEAR: Final[Mapping[str, tuple[ModuleType, str]]] = {
    "a wave's next step (2)": (signs, "WAVE"),
    "over the usual peak (1.75)": (peaks, "ABOVE"),
    "cap, in floors (4)": (peaks, "MOST"),
    "peaks a day (0.04)": (peaks, "A_DAY"),
    "a front's next step (0.25)": (front, "GOES_ON"),
    "always told, in thresholds (1.25)": (budget, "LOUD"),
    "days of the budget (80)": (budget, "WINDOW_MS"),
}
"""Constants that are tried a third lower and higher than they are built in."""
THIRDS: Final = (0.7, 1.3)
LOOKED_AT: Final = "blacksmithfork2015"
"""The river whose plots had been looked at when the rule of waves was written."""

Tallies = Mapping[str, Tally]


def main() -> None:
    """Print, for each channel, what was reached in-sample and on the river held out."""
    if not DATA.is_dir():
        print(f"{DATA} is not here: no river is held out\n")
        return
    reached = {(name, one): _tallies(name, one) for one in CHOICES for name in RIVERS}
    print("Constants chosen on two rivers, tried on the third (recall | false a day)\n")
    print("| channel | held out | chosen on the others | | built in | |")
    print("|---|---|---|---|---|---|")
    whole = {channel: (Tally(), Tally()) for channel in CHANNELS}
    notes = []
    for out in RIVERS:
        others = [name for name in RIVERS if name != out]
        best = max(
            CHOICES,
            key=lambda one: _worth([reached[name, one] for name in others]),
        )
        notes.append(f"- {out}: {best}")
        for channel in CHANNELS:
            both = reached[out, best][channel], reached[out, CHOICES[0]][channel]
            whole[channel] = (
                whole[channel][0].plus(both[0]),
                whole[channel][1].plus(both[1]),
            )
            print(f"| {channel} | {out} | {both[0]} | {both[1]} |")
    for channel, sums in whole.items():
        print(f"| **{channel}** | **all three** | {sums[0]} | {sums[1]} |")
    print("\nChosen without the river:\n\n" + "\n".join(notes) + "\n")
    _print_near({name: reached[name, CHOICES[0]] for name in RIVERS})


def _print_near(built_in: Mapping[str, Tallies]) -> None:
    """Print what every constant is worth a third lower and higher, all else as it is."""
    print(
        "Constants a third lower and higher (all rivers; then without "
        + LOOKED_AT
        + ")\n"
    )
    print("| constant | × | " + " | | ".join(CHANNELS) + " | |")
    print("|---|---|" + "---|---|" * len(CHANNELS))
    _print_both("as built in", 1.0, built_in)
    for what, (module, name) in NEAR.items():
        for times in THIRDS:
            with patch.object(module, name, getattr(module, name) * times):
                found = {one: _found(one) for one in RIVERS}
            _print_both(what, times, found)
    print()


def _print_both(what: str, times: float, found: Mapping[str, Tallies]) -> None:
    for out, note in (("", what), (LOOKED_AT, "… without it")):
        cells = []
        for channel in CHANNELS:
            whole = Tally()
            for name, tallies in found.items():
                whole = whole if name == out else whole.plus(tallies[channel])
            cells.append(str(whole))
        print(f"| {note} | {times} | " + " | ".join(cells) + " |", flush=True)


def _tallies(name: str, one: Constants) -> Tallies:
    weights = {**belief.WEIGHTS, "burst": one.burst, "held": one.held}
    with ExitStack() as stack:
        stack.enter_context(patch.object(peaks, "ABOVE", one.above))
        stack.enter_context(patch.object(peaks, "MOST", one.most))
        stack.enter_context(patch.object(signs, "WAVE", one.wave))
        stack.enter_context(patch.object(belief, "WEIGHTS", weights))
        return _found(name)


def _found(name: str) -> Tallies:
    """Return what is found of a river by the constants as they stand."""
    found = river(name)
    return {
        channel: tally(
            found.table.times_ms,
            found.scored.scores[channel] >= 0.5,
            found.labels[channel],
            found.table.numbers[channel],
        )
        for channel in CHANNELS
    }


def _worth(rivers: list[Tallies]) -> float:
    """Return the mean recall of the channels, less what is over the budget."""
    worth = 0.0
    for channel in CHANNELS:
        both = Tally()
        for one in rivers:
            both = both.plus(one[channel])
        over = max(both.false / max(both.days, 1.0) - BUDGET, 0.0)
        recall = both.recalled / both.true if both.true else 1.0
        worth += recall - COST * over
    return worth


if __name__ == "__main__":
    main()
