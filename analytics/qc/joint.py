"""Tests that look at more than one channel or probe. Vectorised, pure.

Multi-variate: what two channels of one probe say at one instant must agree as chemistry
has it. Neighbour: another probe of the box in the same unit, at most so old.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from analytics.qc.digits import GOOD, MISSING, SUSPECT, UNKNOWN
from analytics.qc.stretch import Point
from greenwater.derived import chemistry
from greenwater.kernel.channels import Channel
from greenwater.reference.quality import AGREEMENTS, Agreement, QualityLimits

Values = NDArray[np.float64]
Flags = NDArray[np.uint8]
Beside = Mapping[Channel, Mapping[int, float]]
"""Readings of the other channels of the same probe, by their instant."""

SALTIEST_PSU: Final = 42.0

PARTNERS: Final[Mapping[Channel, tuple[Channel, ...]]] = {
    one.channel: (*one.of, Channel.SALINITY)
    if one.channel is Channel.DISSOLVED_OXYGEN
    else one.of
    for one in AGREEMENTS
} | {
    Channel.LATITUDE: (Channel.LONGITUDE,),
    Channel.LONGITUDE: (Channel.LATITUDE,),
}
"""What a channel is held to, if it is there."""
_RULES: Final[Mapping[Channel, Agreement]] = {one.channel: one for one in AGREEMENTS}


def agreeing(
    channel: Channel, values: Values, beside: Mapping[Channel, Values]
) -> Flags:
    """Return whether values agree with what the same probe said at the same instants.

    ``beside`` holds the other channels, aligned, NaN where they have no reading. 2 where
    something needed is not there.
    """
    rule = _RULES.get(channel)
    flags = np.full(len(values), UNKNOWN, np.uint8)
    flags[np.isnan(values)] = MISSING
    if rule is None or any(one not in beside for one in rule.of):
        return flags
    with np.errstate(invalid="ignore", over="ignore"):
        low, high = _EXPECTED[channel](values, beside)
        slack = rule.offset + rule.share * np.maximum(np.abs(values), np.abs(high))
        is_off = (values < low - slack) | (values > high + slack)
    is_known = np.isfinite(low) & np.isfinite(high) & ~np.isnan(values)
    flags[is_known] = GOOD
    flags[is_known & is_off] = SUSPECT
    return flags


def has_partners(channel: Channel, beside: Beside) -> bool:
    """Return whether everything a channel is held to is there at all."""
    rule = _RULES.get(channel)
    return rule is not None and all(one in beside for one in rule.of)


def aligned(
    channel: Channel, pieces: Sequence[tuple[Sequence[int], Beside]]
) -> dict[Channel, Values]:
    """Return the partners' values at some instants, piece after piece; NaN: none."""
    return {
        one: np.array(
            [
                values.get(at, np.nan)
                for times_ms, beside in pieces
                for values in [beside.get(one, {})]
                for at in times_ms
            ],
            np.float64,
        )
        for one in PARTNERS[channel]
    }


def neighboring(
    times_ms: NDArray[np.int64],
    values: Values,
    others: Sequence[Sequence[Point]],
    limits: QualityLimits,
) -> Flags:
    """Return whether values are near the median of the other probes' newest ones.

    ``others`` are those probes' readings in order of time, the newest not after an
    instant counts, if it is not older than ``neighbor_s``; 2 where none is.
    """
    newest = np.full((len(others), len(times_ms)), np.nan)
    for row, points in enumerate(others):
        there = [one for one in points if one.value is not None]
        if not there:
            continue
        at = np.array([one.taken_ms for one in there], np.int64)
        value = np.array([one.value for one in there], np.float64)
        place = np.searchsorted(at, times_ms, side="right") - 1
        is_near = (place >= 0) & (times_ms - at[place] <= limits.neighbor_s * 1000)
        newest[row, is_near] = value[place[is_near]]
    flags = np.full(len(times_ms), UNKNOWN, np.uint8)
    is_known = ~np.isnan(newest).all(axis=0) & ~np.isnan(values)
    if is_known.any():
        middle = np.nanmedian(newest[:, is_known], axis=0)
        is_off = np.abs(values[is_known] - middle) > (limits.neighbor_suspect or 0.0)
        flags[is_known] = np.where(is_off, SUSPECT, GOOD)
    flags[np.isnan(values)] = MISSING
    return flags


def _oxygen(values: Values, beside: Mapping[Channel, Values]) -> tuple[Values, Values]:
    """Return mg/L of the per cent, for salt water and, not compensated, for fresh."""
    celsius = beside[Channel.TEMPERATURE]
    share = beside[Channel.OXYGEN_SATURATION] / 100
    psu = beside.get(Channel.SALINITY, np.full(len(values), np.nan))
    psu = np.where(np.isnan(psu), SALTIEST_PSU, np.clip(psu, 0, SALTIEST_PSU))
    low = share * np.asarray(chemistry.oxygen_saturation_mg_l(celsius, psu))
    high = share * np.asarray(chemistry.oxygen_saturation_mg_l(celsius, 0.0))
    return np.minimum(low, high), np.maximum(low, high)


def _salinity(_: Values, beside: Mapping[Channel, Values]) -> tuple[Values, Values]:
    conductivity = np.maximum(beside[Channel.CONDUCTIVITY], 0)
    psu = chemistry.salinity_psu(conductivity, beside[Channel.TEMPERATURE])
    return np.asarray(psu), np.asarray(psu)


def _specific(_: Values, beside: Mapping[Channel, Values]) -> tuple[Values, Values]:
    specific = np.asarray(
        chemistry.specific_conductivity(
            beside[Channel.CONDUCTIVITY], beside[Channel.TEMPERATURE]
        )
    )
    return specific, specific


_EXPECTED: Final[
    Mapping[
        Channel, Callable[[Values, Mapping[Channel, Values]], tuple[Values, Values]]
    ]
] = {
    Channel.DISSOLVED_OXYGEN: _oxygen,
    Channel.SALINITY: _salinity,
    Channel.SPECIFIC_CONDUCTIVITY: _specific,
}
