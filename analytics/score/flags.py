"""QARTOD flags of a whole table: each channel by itself, then what its neighbours say.

Known channels have the limits of ``quality.toml`` (a species' where there are any). A channel
nobody knows has limits from its own first week: what lies far outside that is suspect,
never failed, and it is not evaluated before a day of it was seen. The flag of a reading is
final when the next one is there (a spike shows only then); all else looks back only.
"""

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
from msgspec.structs import replace
from numpy.typing import NDArray

from analytics.qc import bulk, joint
from analytics.qc.digits import GOOD, MISSING, SUSPECT, UNKNOWN
from analytics.score.probes import probes_of
from analytics.score.table import Floats, Instants, Table, canonical
from greenwater.kernel.channels import Channel
from greenwater.kernel.reading import DAY_MS
from greenwater.reference.quality import QualityLimits, quality_of

Flags = NDArray[np.uint8]
_LOCAL: Final = (Channel.TEMPERATURE, Channel.SALINITY)
"""What is odd of these is odd on this coast: without a species it is not asked."""
FAR: Final = 8.0
"""How many half-widths of the first week's middle half are far outside."""


def flags_of(table: Table, names: list[str], species: str | None) -> dict[str, Flags]:
    """Return one flag a row of each named channel; an empty cell has 9."""
    found: dict[str, Flags] = {}
    for mine in probes_of(names).values():
        found |= _of_probe(table, mine, species)
    return found


def _of_probe(
    table: Table, names: Sequence[str], species: str | None
) -> dict[str, Flags]:
    known = {name: _limits(name, species) for name in names}
    beside = {
        Channel(canonical(name)): table.numbers[name]
        for name, limits in known.items()
        if limits is not None
    }
    found = {}
    for name, limits in known.items():
        values = table.numbers[name]
        if limits is None:
            found[name] = _generic(table.times_ms, values)
        else:
            found[name] = _known(table.times_ms, values, limits, beside)
    return found


def _limits(name: str, species: str | None) -> QualityLimits | None:
    meaning = canonical(name)
    if meaning not in set(Channel):
        return None
    limits = quality_of(Channel(meaning), species)
    if limits is not None and species is None and limits.channel in _LOCAL:
        return replace(limits, suspect=None)
    return limits


def _known(
    times_ms: Instants,
    values: Floats,
    limits: QualityLimits,
    beside: Mapping[Channel, Floats],
) -> Flags:
    is_first = np.concatenate([[True], np.diff(times_ms) > 0])
    flags = np.full(len(values), UNKNOWN, np.uint8)
    flags[is_first] = bulk.flag_array(
        times_ms[is_first], values[is_first], limits
    ).flags
    agrees = joint.agreeing(limits.channel, values, beside)
    flags[(agrees == SUSPECT) & (flags <= UNKNOWN)] = SUSPECT
    flags[np.isnan(values)] = MISSING
    return flags


def _generic(times_ms: Instants, values: Floats) -> Flags:
    """Return the flags of a channel without limits: what the first week tells."""
    flags = np.full(len(values), UNKNOWN, np.uint8)
    flags[np.isnan(values)] = MISSING
    start = int(times_ms[0])
    for day in range(1, 8):
        is_now = times_ms >= start + day * DAY_MS
        if day < 7:
            is_now &= times_ms < start + (day + 1) * DAY_MS
        seen = values[(times_ms < start + day * DAY_MS) & ~np.isnan(values)]
        if len(seen) < 24 or not is_now.any():
            continue
        low, middle, high = np.quantile(seen, [0.05, 0.5, 0.95])
        width = FAR * max(high - middle, middle - low, abs(middle) * 0.01, 1e-9)
        is_far = np.abs(values - middle) > width
        is_there = is_now & ~np.isnan(values)
        flags[is_there] = np.where(is_far[is_there], SUSPECT, GOOD)
    return flags
