"""How far the figures of alarms go: the recordings changed, and farms nobody has seen.

Nothing is chosen here. Each change (``water_changed``) keeps what people marked true, so that
the same comparison as in ``alarms`` holds: as it was sent, and as a human left it. The last half
year of each recording. Then simulated farms (``alarms_farms``).
"""

from collections.abc import Iterator, Mapping
from typing import Final

import numpy as np

from analytics.alarms.replaying import Row, replayed
from analytics.flagging import is_believable
from analytics.score.table import canonical
from benchmarks.evaluate import alarms_farms
from benchmarks.evaluate.alarms import LEARN, RIVER, Score, judged, site_limits
from benchmarks.evaluate.water import DATA, RIVERS, SONDES, read_river, read_sonde
from benchmarks.evaluate.water_changed import CHANGES, DAY_MS, Marked
from benchmarks.evaluate.water_perturbed import marked
from greenwater.kernel.channels import Channel
from greenwater.reference.limits import SpeciesLimits, species_limits

HALF_YEAR_MS: Final = 182 * DAY_MS
MICRO: Final = "specific_conductivity_us_cm"
CHANNELS: Final = {
    "temperature": (Channel.TEMPERATURE, 1.0),
    MICRO: (Channel.SPECIFIC_CONDUCTIVITY, 0.001),
    "specific_conductivity": (Channel.SPECIFIC_CONDUCTIVITY, 1.0),
    "salinity": (Channel.SALINITY, 1.0),
    "dissolved_oxygen": (Channel.DISSOLVED_OXYGEN, 1.0),
    "ph": (Channel.PH, 1.0),
    "turbidity": (Channel.TURBIDITY, 1.0),
}
CHANGED: Final = (
    "as it is",
    "all × 0.6",
    "all × 1.6",
    "faults × 0.6",
    "showers",
    "another level",
    "more noise",
    "coarse figures",
    "every 60 min",
    "a tenth of rows lost",
    "a tenth lost, in days",
    "clock ± 2 min",
    "no temperature",
    "channels alone",
)
Limits = Mapping[Channel, SpeciesLimits]


def main() -> None:
    """Print the tables."""
    if DATA.is_dir():
        print_recordings()
    else:
        print(f"{DATA} is not here: nothing to change\n")
    alarms_farms.main()


def print_recordings() -> None:
    """Print each change over all recordings, and the recording where it was worst."""
    rivers = {name: marked(read_river(name)) for name in RIVERS}
    sondes = {name: marked(read_sonde(name)) for name in SONDES}
    parts = {name: _half_year(one) for name, one in (rivers | sondes).items()}
    limits = {name: _limits_of(one) for name, one in rivers.items()}
    print(
        "| change | sensor-days | alarms | calls | false | false per sensor-day | missed "
        "| chattering | most false |\n|---|---|---|---|---|---|---|---|---|"
    )
    for what in CHANGED:
        scores = [
            _score(name, part, limits.get(name))
            for name, half_year in parts.items()
            for part in CHANGES[what](half_year)
        ]
        columns = [*zip(*(one[1:] for one in scores), strict=True)]
        days, *counts = map(sum, columns)
        whole = Score(what, days, *map(int, counts))
        worst = max(scores, key=lambda one: one.false_a_day)
        print(
            f"| {what} | {days:.0f} | {whole.alarms} | {whole.told} | {whole.false} "
            f"| {whole.false_a_day:.3f} | {whole.missed} | {whole.chattering} "
            f"| {worst.name} {worst.false_a_day:.3f} |",
            flush=True,
        )
    print()


def _half_year(one: Marked) -> Marked:
    """Return the last half year of a recording."""
    return one.rows(one.times_ms > one.times_ms[-1] - HALF_YEAR_MS)


def _limits_of(river: Marked) -> Limits:
    rows = [*_rows(river)]
    return site_limits(rows[: int(LEARN * len(rows))])


def _score(name: str, part: Marked, limits: Limits | None) -> Score:
    rows = [*_rows(part)]

    def of_river(species: str | None, channel: Channel) -> SpeciesLimits | None:
        return None if limits is None else limits.get(channel)

    raw, true = (
        replayed(
            some,
            species="PNV" if limits is None else RIVER,
            believes=is_believable,
            limits_of=species_limits if limits is None else of_river,
        )
        for some in ((one for one, _ in rows), (one for _, one in rows))
    )
    values = sum(value is not None for (_, row), _ in rows for value in row.values())
    return judged(name, raw, true, values * part.step_ms / DAY_MS)


def _rows(one: Marked) -> Iterator[tuple[Row, Row]]:
    """Yield each row as it was sent, and with what a person marked away."""
    of = {
        name: known
        for name in one.values
        if (known := CHANNELS.get(name) or CHANNELS.get(canonical(name)))
    }
    for number, at_ms in enumerate(one.times_ms.tolist()):
        raw: dict[Channel, float | None] = {}
        true: dict[Channel, float | None] = {}
        for name, (channel, scale) in of.items():
            value = float(one.values[name][number])
            raw[channel] = None if np.isnan(value) else value * scale
            true[channel] = None if one.labels[name][number] else raw[channel]
        yield (at_ms, raw), (at_ms, true)


if __name__ == "__main__":
    main()
