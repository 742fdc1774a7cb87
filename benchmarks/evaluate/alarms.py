"""Alarms replayed over the recordings: how many were false, and whether any chattered.

Each recording is replayed twice through the production watch: as the probe sent it, and as
a human left it (rejected values away, corrected ones in their place). An alarm of the first
that no alarm of the second about the same condition touches within an hour is *false*; one
of the second that none of the first touches is *missed*. *Chattering* is one condition
raised three times within an hour.

Estuary sondes have the limits of whiteleg shrimp. Rivers have no species of ours: their
limits are what a technician would set on the first three tenths of the recording (its
quantiles, from corrected values), and only the rest is judged.
"""

import csv
import gzip
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, NamedTuple

from analytics.alarms.replaying import Replayed, Row, replayed
from analytics.flagging import is_believable
from greenwater.kernel.channels import Channel
from greenwater.reference.limits import Bounds, SpeciesLimits, species_limits

DATA: Final = Path(__file__).resolve().parents[3] / "shared" / "data"
NEAR_MS: Final = 3_600_000
LEARN: Final = 0.3
COLUMNS: Final = {
    "temperature_c": (Channel.TEMPERATURE, 1.0),
    "specific_conductivity_ms_cm": (Channel.SPECIFIC_CONDUCTIVITY, 1.0),
    "specific_conductivity_us_cm": (Channel.SPECIFIC_CONDUCTIVITY, 0.001),
    "salinity_psu": (Channel.SALINITY, 1.0),
    "dissolved_oxygen_mg_l": (Channel.DISSOLVED_OXYGEN, 1.0),
    "ph": (Channel.PH, 1.0),
    "turbidity_ntu": (Channel.TURBIDITY, 1.0),
}
RIVER: Final = "RIV"
QUANTILES: Final = {"warn": (0.005, 0.995), "critical": (0.001, 0.999)}

Limits = Mapping[Channel, SpeciesLimits]


class Score(NamedTuple):
    """What one recording gave."""

    name: str
    days: float
    alarms: int
    told: int
    false: int
    missed: int
    chattering: int

    @property
    def false_a_day(self) -> float:
        """False alarms per sensor-day."""
        return self.false / self.days if self.days else 0.0


def read(path: Path) -> Iterator[tuple[Row, Row]]:
    """Yield each row as it was measured, and as a human left it."""
    with gzip.open(path, "rt", encoding="utf-8-sig", newline="") as file:
        for row in csv.DictReader(file):
            at = datetime.fromisoformat(row["time"].replace("Z", "+00:00"))
            at = at if at.tzinfo else at.replace(tzinfo=UTC)
            at_ms = round(at.timestamp() * 1000)
            raw, true = {}, {}
            for name, (channel, scale) in COLUMNS.items():
                if name not in row:
                    continue
                value = _number(row[name], scale)
                raw[channel] = value
                true[channel] = _left(row, name, value, scale)
            yield (at_ms, raw), (at_ms, true)


def _number(text: str, scale: float) -> float | None:
    return float(text) * scale if text.strip() else None


def _left(
    row: Mapping[str, str], name: str, value: float | None, scale: float
) -> float | None:
    """Return what a human left of a value: rejected is none, corrected another one."""
    if f"{name}_qc" in row:
        found = re.match(r"<(-?\d+)>", row[f"{name}_qc"])
        return None if found is None or int(found[1]) < 0 else value
    return _number(row[f"{name}_corrected"], scale)


def site_limits(rows: list[tuple[Row, Row]]) -> Limits:
    """Return limits from a recording's first values, as a technician would set them."""
    found = {}
    for channel in sorted({one for _, (_, true) in rows for one in true}):
        values = sorted(
            value for _, (_, true) in rows if (value := true.get(channel)) is not None
        )
        if len(values) < 1000:
            continue
        found[channel] = SpeciesLimits(
            RIVER,
            channel,
            "quantiles of the first three tenths",
            warn=_bounds(values, *QUANTILES["warn"]),
            critical=_bounds(values, *QUANTILES["critical"]),
        )
    return found


def _bounds(values: list[float], low: float, high: float) -> Bounds:
    last = len(values) - 1
    return Bounds(values[int(low * last)], values[int(high * last)])


def judged(name: str, raw: Replayed, true: Replayed, days: float) -> Score:
    """Return how the alarms of what was sent compare with those of what is true."""
    false = sum(not _touched(one, true) for one in _spans(raw))
    missed = sum(not _touched(one, raw) for one in _spans(true))
    alarms = len(raw.alarms)
    return Score(name, days, alarms, raw.told, false, missed, raw.chattering())


def _spans(found: Replayed) -> list[tuple[str, int, int]]:
    return [
        (one.condition, one.began_ms, one.returned_ms or one.taken_ms or one.raised_ms)
        for one in found.alarms.values()
    ]


def _touched(span: tuple[str, int, int], by: Replayed) -> bool:
    condition, from_ms, to_ms = span
    return any(
        condition == other
        and from_ms <= end_ms + NEAR_MS
        and start_ms <= to_ms + NEAR_MS
        for other, start_ms, end_ms in _spans(by)
    )


def evaluated(path: Path) -> Score:
    """Return the score of one recording."""
    rows = list(read(path))
    name, species, limits_of = path.name.partition(".")[0], "PNV", species_limits
    if not any(column.endswith("_qc") for column in _header(path)):
        cut = int(LEARN * len(rows))
        limits = site_limits(rows[:cut])
        rows, species = rows[cut:], RIVER

        def limits_of(species: str | None, channel: Channel) -> SpeciesLimits | None:
            return limits.get(channel)

    raw, true = (
        replayed(some, species=species, believes=is_believable, limits_of=limits_of)
        for some in ((one for one, _ in rows), (one for _, one in rows))
    )
    values = sum(value is not None for (_, row), _ in rows for value in row.values())
    return judged(name, raw, true, values / 96)


def _header(path: Path) -> list[str]:
    with gzip.open(path, "rt", encoding="utf-8-sig", newline="") as file:
        return next(csv.reader(file))


def main() -> None:
    """Print the table."""
    if not DATA.is_dir():
        print(f"skipped: {DATA} is not there")
        return
    paths = sorted((*DATA.glob("sondes/*.gz"), *DATA.glob("technician_labels/*.gz")))
    print(
        "| recording | sensor-days | alarms | calls | false | false per sensor-day "
        "| missed | chattering |\n|---|---|---|---|---|---|---|---|"
    )
    scores = []
    for path in paths:
        one = evaluated(path)
        scores.append(one)
        print(_line(one), flush=True)
    sums = [sum(column) for column in zip(*(one[1:] for one in scores), strict=True)]
    print(_line(Score("all", sums[0], *(int(one) for one in sums[1:]))))


def _line(one: Score) -> str:
    return (
        f"| {one.name} | {one.days:.0f} | {one.alarms} | {one.told} | {one.false} "
        f"| {one.false_a_day:.3f} | {one.missed} | {one.chattering} |"
    )


if __name__ == "__main__":
    main()
