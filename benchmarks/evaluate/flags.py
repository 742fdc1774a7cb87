"""Flags held to ioos-qc, with equal parameters, on every shared recording; any chunking.

    make evaluate PARTS=flags

Every channel of both sondes and the three rivers, on its regular grid of 15 min, whole and
cut at random. ioos-qc 3.0.0 calls a missing value good in its climatology test, where its
own comment says missing: there ours is 9, and compared with 9.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np
import pandas as pd
from ioos_qc import qartod

from analytics.qc import bulk
from analytics.qc.stream import FlagState
from analytics.qc.stretch import Point
from greenwater.kernel.channels import Channel
from tests.unit.test_quality_flags import STEP_MS, limits_for, theirs

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
CUTS = 200
CHANNELS: Mapping[str, tuple[Channel, float]] = {
    "temperature_c": (Channel.TEMPERATURE, 1),
    "specific_conductivity_ms_cm": (Channel.SPECIFIC_CONDUCTIVITY, 1),
    "specific_conductivity_us_cm": (Channel.SPECIFIC_CONDUCTIVITY, 0.001),
    "salinity_psu": (Channel.SALINITY, 1),
    "oxygen_saturation_pct": (Channel.OXYGEN_SATURATION, 1),
    "dissolved_oxygen_mg_l": (Channel.DISSOLVED_OXYGEN, 1),
    "depth_m": (Channel.DEPTH, 1),
    "ph": (Channel.PH, 1),
    "turbidity_ntu": (Channel.TURBIDITY, 1),
}


class Held(NamedTuple):
    """One recording held to ioos-qc: compared flags, and how many differ."""

    name: str
    channels: int
    readings: int
    compared: int
    differing: int
    cut_differing: int


def a_grid(path: Path) -> pd.DataFrame:
    """Return a recording on its regular grid; rows that were not there are empty."""
    table = pd.read_csv(path)
    at = pd.to_datetime(table["time"], utc=True)
    table.index = at.dt.tz_localize(None).astype("datetime64[ms]").astype("int64")
    table = table[~table.index.duplicated()]
    grid = np.arange(table.index.min(), table.index.max() + 1, STEP_MS)
    return table.reindex(grid)


def held(path: Path) -> Held:
    """Hold every channel of a recording to ioos-qc."""
    table = a_grid(path)
    times = table.index.to_numpy(np.int64)
    found = Held(path.name.removesuffix(".csv.gz"), 0, 0, 0, 0, 0)
    for column, (channel, scale) in CHANNELS.items():
        if column not in table:
            continue
        values = table[column].to_numpy(np.float64) * scale
        limits = limits_for(channel)
        whole = bulk.flag_array(times, values, limits)
        points = [
            Point(int(at), None if np.isnan(value) else float(value))
            for at, value in zip(times, values, strict=True)
        ]
        expected = theirs(points, limits)
        rolled = qartod.qartod_compare(list(expected.values()))
        differing = int((np.asarray(rolled) != whole.flags).sum())
        for test, flags in expected.items():
            ours = whole.tests // 10 ** (test - 1) % 10
            differing += int((np.asarray(flags) != ours).sum())
        found = Held(
            found.name,
            found.channels + 1,
            found.readings + int((~np.isnan(values)).sum()),
            found.compared + (len(expected) + 1) * len(times),
            found.differing + differing,
            found.cut_differing + cut_differing(times, values, channel, whole),
        )
    return found


def cut_differing(
    times: np.ndarray, values: np.ndarray, channel: Channel, whole: bulk.Many
) -> int:
    """Return how many flags another chunking changes: none, if all is well."""
    random = np.random.default_rng(len(times))
    cuts = np.sort(random.integers(0, len(times), CUTS))
    state, limits = FlagState(), limits_for(channel)
    flags: list[np.ndarray] = []
    tests: list[np.ndarray] = []
    for start, end in zip([0, *cuts], [*cuts, len(times)], strict=True):
        state = msgspec.json.decode(msgspec.json.encode(state), type=FlagState)
        if start == end:
            continue
        many = bulk.flag_many(state, times[start:end], values[start:end], limits)
        if many.former is not None:
            flags[-1][-1], tests[-1][-1] = many.former.flag, many.former.tests
        flags.append(many.flags)
        tests.append(many.tests)
    return int((np.concatenate(tests) != whole.tests).sum()) + int(
        (np.concatenate(flags) != whole.flags).sum()
    )


def rows() -> Iterator[str]:
    """Yield the table."""
    yield "| recording | channels | readings | flags compared | equal | cut at 200 places |"
    yield "|---|---|---|---|---|---|"
    for path in sorted(
        [*DATA.glob("sondes/*.gz"), *DATA.glob("technician_labels/*.gz")]
    ):
        one = held(path)
        equal = 100 * (1 - one.differing / one.compared)
        cut = "the same" if not one.cut_differing else f"{one.cut_differing} differ"
        yield (
            f"| {one.name} | {one.channels} | {one.readings:,} | {one.compared:,} "
            f"| {equal:.4f} % | {cut} |"
        )


def main() -> None:
    """Print the table; say so where the recordings are not there."""
    if not DATA.is_dir():
        print(f"{DATA} is not there: flags are not held to anything")
        return
    for row in rows():
        print(row, flush=True)


if __name__ == "__main__":
    main()
