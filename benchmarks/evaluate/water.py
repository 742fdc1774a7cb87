"""Anomalies on recordings that people judged: technicians of three rivers, two sondes.

Every figure has the simple rule beside it: the QARTOD flags 3, 4 and 9 alone. Nothing of the
unsupervised detector is fitted to a file; the detector that learns from labels is tried
on the later half of each river.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from analytics.score.flags import flags_of
from analytics.score.table import Table, read_table
from analytics.score.water import ScoredTable, channels_of, score_table
from analytics.water import learned
from analytics.water.events import Span, count_false, count_near, stretches
from benchmarks.evaluate import water_sim

DATA: Final = Path(__file__).resolve().parents[3] / "shared" / "data"
RIVERS: Final = ("blacksmithfork2015", "franklinbasin2014", "tonygrove2014")
SONDES: Final = ("cat_point", "dry_bar")
CHANNELS: Final = (
    "temperature_c",
    "specific_conductivity_us_cm",
    "ph",
    "dissolved_oxygen_mg_l",
)


class Tally(NamedTuple):
    """How many true episodes there were, were recalled, false ones, and sensor-days."""

    true: int = 0
    recalled: int = 0
    false: int = 0
    days: float = 0.0

    def plus(self, other: "Tally") -> "Tally":
        """Return both together."""
        return Tally(
            self.true + other.true,
            self.recalled + other.recalled,
            self.false + other.false,
            self.days + other.days,
        )

    def __str__(self) -> str:
        share = f"{self.recalled / self.true:.2f}" if self.true else "–"
        rate = self.false / self.days if self.days else 0.0
        return f"{share} ({self.recalled}/{self.true}) | {rate:.3f} ({self.false})"


class Recording(NamedTuple):
    """One file, scored; ``labels`` by channel where a person marked rows."""

    name: str
    table: Table
    names: Sequence[str]
    scored: ScoredTable
    labels: Mapping[str, NDArray[np.bool_]]


def main() -> None:
    """Print the tables of ``docs/analytics-water.md``."""
    if DATA.is_dir():
        rivers = [river(name) for name in RIVERS]
        _print_rivers(rivers)
        _print_learned(rivers)
        _print_sondes([_scored(name, *read_sonde(name)) for name in SONDES])
    else:
        print(f"{DATA} is not here: the recordings are left out\n")
    water_sim.main()


def silent(done: int, whole: int) -> None:
    """Draw no progress."""


Labelled = tuple[Table, list[str], dict[str, NDArray[np.bool_]]]
"""A table, its channels, and by channel which rows a person marked."""


def river(name: str) -> Recording:
    """Return a technician's river, scored by the watcher as it is now."""
    return _scored(name, *read_river(name))


def read_river(name: str) -> Labelled:
    """Return a river with its technician's labels."""
    table = read_table(DATA / "technician_labels" / f"logan_river_{name}.csv.gz")
    names = channels_of(table, "")
    labels = {}
    for one in names:
        marks = table.numbers.get(f"{one}_label")
        labels[one] = np.zeros(len(table), bool) if marks is None else ~np.isnan(marks)
    return table, names, labels


def read_sonde(name: str) -> Labelled:
    """Return a sonde with the values that its keepers rejected."""
    path = DATA / "sondes" / f"apalachicola_{name}_2012_2013.csv.gz"
    table = read_table(path)
    names = channels_of(table, "")
    codes = {one: np.array(table.texts[f"{one}_qc"]) for one in names}
    labels = {
        one: (np.char.find(codes[one], "<-3>") >= 0) & ~np.isnan(table.numbers[one])
        for one in names
    }
    return table, names, labels


def _scored(
    name: str,
    table: Table,
    names: Sequence[str],
    labels: Mapping[str, NDArray[np.bool_]],
) -> Recording:
    return Recording(name, table, names, score_table(table, names, silent), labels)


def tally(
    times_ms: NDArray[np.int64],
    said: NDArray[np.bool_],
    labels: NDArray[np.bool_],
    values: NDArray[np.float64],
) -> Tally:
    """Count one channel's episodes by the definition of ``analytics.water.events``."""
    true, spans = stretches(times_ms, labels), stretches(times_ms, said)
    days = float((~np.isnan(values)).sum()) / 96
    return Tally(len(true), count_near(true, spans), count_false(spans, true), days)


def _print_rivers(rivers: Sequence[Recording]) -> None:
    print("Recall of labelled episodes (±1 h) | false episodes a sensor-day\n")
    print("| channel | river | score ≥ 0.5 | | flags 3, 4, 9 alone | |")
    print("|---|---|---|---|---|---|")
    for channel in CHANNELS:
        whole = Tally(), Tally()
        for one in rivers:
            both = _both(one, channel)
            whole = whole[0].plus(both[0]), whole[1].plus(both[1])
            print(f"| {channel} | {one.name} | {both[0]} | {both[1]} |")
        print(f"| **{channel}** | **all** | {whole[0]} | {whole[1]} |")
    print()


def _both(one: Recording, channel: str) -> tuple[Tally, Tally]:
    times_ms, values = one.table.times_ms, one.table.numbers[channel]
    flags = flags_of(one.table, [*one.names], None)[channel]
    labels = one.labels[channel]
    rule = np.isin(flags, (3, 4, 9))
    return (
        tally(times_ms, one.scored.scores[channel] >= 0.5, labels, values),
        tally(times_ms, rule, labels, values),
    )


def _print_learned(rivers: Sequence[Recording]) -> None:
    print("Learned from the first half of a river, tried on its second half\n")
    print("| channel | learned | | score without labels, same rows | |")
    print("|---|---|---|---|---|")
    for channel in CHANNELS:
        whole = Tally(), Tally()
        for one in rivers:
            times_ms = one.table.times_ms
            half = int(times_ms[len(times_ms) // 2])
            labels = one.labels[channel]
            plain = one.scored.scores[channel]
            found = learned.learn(
                times_ms, one.scored.features, labels.astype(np.float64), half, plain
            )
            scores = plain if found.scores is None else found.scores
            is_late = times_ms >= half
            values = one.table.numbers[channel][is_late]
            whole = (
                whole[0].plus(
                    tally(
                        times_ms[is_late],
                        scores[is_late] >= 0.5,
                        labels[is_late],
                        values,
                    )
                ),
                whole[1].plus(
                    tally(
                        times_ms[is_late],
                        plain[is_late] >= 0.5,
                        labels[is_late],
                        values,
                    )
                ),
            )
        print(f"| {channel} | {whole[0]} | {whole[1]} |")
    print()


def _print_sondes(sondes: Sequence[Recording]) -> None:
    print("Sondes: rejected oxygen episodes found; crashes that a person believed\n")
    print(
        "| sonde | rejected | found | by flags alone | false a day, crashes apart "
        "| crash readings | suppressed |"
    )
    print("|---|---|---|---|---|---|---|")
    channel = "dissolved_oxygen_mg_l"
    for one in sondes:
        times_ms, values = one.table.times_ms, one.table.numbers[channel]
        said = one.scored.scores[channel] >= 0.5
        both = _both(one, channel)
        low = values < 2
        believed = low & ~one.labels[channel]
        sensor = stretches(times_ms, said & ~low & ~np.isnan(values))
        judged: list[Span] = stretches(times_ms, one.labels[channel] | np.isnan(values))
        false = count_false(sensor, [*judged, *stretches(times_ms, low)])
        print(
            f"| {one.name} | {both[0].true} | {both[0].recalled} | {both[1].recalled} | "
            f"{false / both[0].days:.3f} | {int(believed.sum())} | "
            f"{int((believed & ~_shown(one, channel)).sum())} |"
        )
    print()


def _shown(one: Recording, channel: str) -> NDArray[np.bool_]:
    """Return the readings that belong to an episode of the water's own."""
    return np.array([event.startswith("w") for event in one.scored.events[channel]])


if __name__ == "__main__":
    main()
