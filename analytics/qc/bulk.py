"""The tests on one channel of one probe, on whole arrays at once.

Held to ``stream``: the same flags for the same readings, however they are cut, and the
same state after them, so that a stream may go on by either.
"""

from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from analytics.qc.climate import climate_flags
from analytics.qc.digits import (
    ATTENUATED,
    CLIMATE,
    FAIL,
    FLAT,
    GAP,
    GOOD,
    GROSS,
    MISSING,
    NEAR,
    OF_RANK,
    RANK,
    RATE,
    SPIKE,
    SUSPECT,
    SYNTAX,
    UNKNOWN,
)
from analytics.qc.ranges import ends_within, windowed_ranges
from analytics.qc.stream import FlagState, Verdict, revised
from analytics.qc.stretch import Point, Stretch, Value
from greenwater.kernel.quality import Flag
from greenwater.reference.quality import QualityLimits

Times = NDArray[np.int64]
Values = NDArray[np.float64]
Flags = NDArray[np.uint8]

PIECE: Final = 65_536
"""Readings that are looked at in one go: their arrays stay near the processor."""

_RANK: Final = np.array(RANK, np.uint8)
_OF_RANK: Final = np.array([int(flag) for flag in OF_RANK], np.uint8)


class Many(NamedTuple):
    """The flags of an array of readings; ``former`` is the one before them, if revised."""

    former: Verdict | None
    flags: Flags
    tests: Times


def flag_many(
    state: FlagState, times_ms: Times, values: Values, limits: QualityLimits
) -> Many:
    """Take in the next readings of a stream, as ``stream.flagged`` takes them one by one.

    ``times_ms`` must rise and be newer than all before; NaN: the probe answered badly.
    ``state`` is changed.
    """
    former: Verdict | None = None
    flags: list[Flags] = []
    tests: list[Times] = []
    for start in range(0, len(times_ms), PIECE):
        piece = slice(start, start + PIECE)
        found = _flag_piece(state, times_ms[piece], values[piece], limits)
        if start == 0:
            former = found.former
        elif found.former is not None:
            flags[-1][-1], tests[-1][-1] = found.former.flag, found.former.tests
        flags.append(found.flags)
        tests.append(found.tests)
    if not flags:
        return Many(None, np.empty(0, np.uint8), np.empty(0, np.int64))
    return Many(former, np.concatenate(flags), np.concatenate(tests))


def flag_array(times_ms: Times, values: Values, limits: QualityLimits) -> Many:
    """Return the flags of a whole recording (see ``flag_many``)."""
    return flag_many(FlagState(), times_ms, values, limits)


class _Piece(NamedTuple):
    """What the tests look at; ``begins`` is where a stream begins (anew)."""

    times_ms: Times
    values: Values
    before_ms: Times
    before: Values
    begins: NDArray[np.bool_]
    since_ms: Times
    is_missing: NDArray[np.bool_]


def _flag_piece(
    state: FlagState, times_ms: Times, values: Values, limits: QualityLimits
) -> Many:
    last = state.last
    before_ms = np.empty_like(times_ms)
    before_ms[1:] = times_ms[:-1]
    before_ms[0] = times_ms[0] if last is None else last.taken_ms
    before = np.empty_like(values)
    before[1:] = values[:-1]
    before[0] = np.nan if last is None or last.value is None else last.value
    is_gap = times_ms - before_ms > limits.gap_s * 1000
    begins = is_gap.copy()
    begins[0] |= last is None
    before[begins] = np.nan
    if begins[0]:
        state.since_ms = int(times_ms[0])
        state.last = state.before = state.missing_ms = None
        state.flat, state.quiet = Stretch(), Stretch()
    since_ms = np.maximum.accumulate(np.where(begins, times_ms, state.since_ms))
    piece = _Piece(
        times_ms, values, before_ms, before, begins, since_ms, np.isnan(values)
    )
    digits = {
        GAP: np.where(is_gap, SUSPECT, np.where(begins, UNKNOWN, GOOD)).astype(np.uint8)
    }
    digits |= _simple(piece, limits)
    digits[FLAT] = _flat_line(state, piece, limits)
    if limits.attenuated_s is not None:
        digits[ATTENUATED] = _attenuated(state, piece, limits)
    for place, flags in digits.items():
        if place != GAP:
            flags[piece.is_missing] = MISSING
    former = None
    if limits.spike_suspect is not None:
        digits[SPIKE], former = _spikes(state, piece, limits)
    tests = _packed(digits)
    _remember(state, piece, int(tests[-1]), limits)
    return Many(former, _rolled(digits), tests)


def _simple(piece: _Piece, limits: QualityLimits) -> dict[int, Flags]:
    """Return the tests that look at a reading and the one before it."""
    values = piece.values
    digits = {
        SYNTAX: np.full(len(values), GOOD, np.uint8),
        GROSS: _gross_range(values, limits),
        RATE: np.full(len(values), GOOD, np.uint8),
    }
    if limits.climate:
        digits[CLIMATE] = climate_flags(piece.times_ms, values, limits.climate)
    if limits.rate_per_h is not None:
        seconds = (piece.times_ms - piece.before_ms) / 1000
        seconds[piece.begins] = 1.0
        rates = np.abs((values - piece.before) / seconds)
        digits[RATE][rates > limits.rate_per_h / 3600] = SUSPECT
    return digits


def _gross_range(values: Values, limits: QualityLimits) -> Flags:
    flags = np.full(len(values), GOOD, np.uint8)
    for bounds, flag in ((limits.suspect, SUSPECT), (limits.fail, FAIL)):
        if bounds is not None and bounds.low is not None:
            flags[values < bounds.low] = flag
        if bounds is not None and bounds.high is not None:
            flags[values > bounds.high] = flag
    return flags


def _spikes(
    state: FlagState, piece: _Piece, limits: QualityLimits
) -> tuple[Flags, Verdict | None]:
    """Return whether each stands out; of the last one nothing is known yet."""
    values, begins = piece.values, piece.begins
    flags = np.full(len(values), UNKNOWN, np.uint8)
    middle = _off(piece.before[:-1], values[:-1], values[1:], limits)
    middle[begins[1:]] = UNKNOWN
    flags[:-1] = middle
    flags[piece.is_missing] = MISSING
    former = revised(state, Point(int(piece.times_ms[0]), _value(values[0])), limits)
    return flags, former[0] if former else None


def _off(before: Values, at: Values, after: Values, limits: QualityLimits) -> Flags:
    off = np.abs(at - (before + after) / 2)
    flags = np.full(len(off), GOOD, np.uint8)
    flags[off > (limits.spike_suspect or 0.0)] = SUSPECT
    if limits.spike_fail is not None:
        flags[off > limits.spike_fail] = FAIL
    flags[np.isnan(off)] = UNKNOWN
    return flags


def _flat_line(state: FlagState, piece: _Piece, limits: QualityLimits) -> Flags:
    flags = np.full(len(piece.values), GOOD, np.uint8)
    tolerance = limits.flat_tolerance
    if tolerance <= 0:
        return flags
    for flag, flat_s in (
        (SUSPECT, limits.flat_suspect_s),
        (FAIL, limits.flat_fail_s),
    ):
        if flat_s is not None:
            from_ms = piece.times_ms - flat_s * 1000
            is_long = (piece.since_ms <= from_ms) & ~piece.is_missing
            ranges = _ranges(state.flat, piece, from_ms, is_long, "left", tolerance)
            flags[ranges < tolerance] = flag
    return flags


def _attenuated(state: FlagState, piece: _Piece, limits: QualityLimits) -> Flags:
    flags = np.full(len(piece.values), UNKNOWN, np.uint8)
    from_ms = piece.times_ms - (limits.attenuated_s or 0.0) * 1000
    missing_ms = np.where(piece.is_missing, piece.times_ms, np.iinfo(np.int64).min)
    if state.missing_ms is not None:
        missing_ms[0] = max(missing_ms[0], state.missing_ms)
    missing_ms = np.maximum.accumulate(missing_ms)
    step_ms = piece.times_ms - piece.before_ms
    is_long = (piece.since_ms <= from_ms + step_ms) & ~piece.begins
    is_known = is_long & ((missing_ms <= from_ms) | (missing_ms < piece.since_ms))
    tolerance = limits.attenuated_suspect
    ranges = _ranges(state.quiet, piece, from_ms, is_known, "right", tolerance)
    flags[is_known] = GOOD
    flags[ranges < tolerance] = SUSPECT
    flags[ranges < limits.attenuated_fail] = FAIL
    return flags


def _ranges(
    stretch: Stretch,
    piece: _Piece,
    from_ms: NDArray[np.floating[Any]],
    is_asked: NDArray[np.bool_],
    side: str,
    tolerance: float,
) -> Values:
    """Return the range of each window up to a reading; infinite where it is not asked.

    Only exact below ``tolerance``. ``from_ms`` is in the window (``left``) or not.
    """
    found = np.full(len(piece.values), np.inf)
    if not is_asked.any():
        return found
    earlier = sorted({*stretch.lows, *stretch.highs})
    times = np.concatenate([[one.taken_ms for one in earlier], piece.times_ms])
    values = np.concatenate([[one.value for one in earlier], piece.values])
    asked = np.flatnonzero(is_asked)
    first = np.searchsorted(
        times, from_ms[asked], side="left" if side == "left" else "right"
    )
    if stretch.moved_ms is not None:
        moved = stretch.moved_ms
        is_in = from_ms[asked] > moved if side == "left" else from_ms[asked] >= moved
        asked, first = asked[is_in], first[is_in]
    found[asked] = windowed_ranges(values, first, asked + len(earlier), tolerance)
    return found


def _packed(digits: dict[int, Flags]) -> Times:
    low, high = None, None
    for place, flags in digits.items():
        if place < ATTENUATED:  # ten digits are more than 32 bits hold
            part = flags.astype(np.uint32)
            part *= np.uint32(place)
            low = part if low is None else low + part
        else:
            high = flags.astype(np.int64) * place
    assert low is not None
    return low.astype(np.int64) if high is None else high + low


def _rolled(digits: dict[int, Flags]) -> Flags:
    worst = None
    for place, flags in digits.items():
        if GAP < place < NEAR:
            rank = _RANK[flags]
            worst = rank if worst is None else np.maximum(worst, rank)
    assert worst is not None
    return _OF_RANK[worst]


def _remember(
    state: FlagState, piece: _Piece, tests: int, limits: QualityLimits
) -> None:
    """Bring the state to the end of the piece."""
    times_ms, values = piece.times_ms, piece.values
    starts = np.flatnonzero(piece.begins)
    start = int(starts[-1]) if len(starts) else 0
    if start > 0:
        state.flat, state.quiet, state.missing_ms = Stretch(), Stretch(), None
    missing = np.flatnonzero(piece.is_missing[start:])
    if len(missing):
        state.missing_ms = int(times_ms[start + int(missing[-1])])
    if limits.flat_tolerance > 0:
        _lengthen(state.flat, times_ms[start:], values[start:], limits.flat_tolerance)
    if limits.attenuated_s is not None:
        quiet = limits.attenuated_suspect
        _lengthen(state.quiet, times_ms[start:], values[start:], quiet)
    ends = [
        Point(int(times_ms[i]), _value(values[i]))
        for i in range(-2, 0)
        if len(times_ms) + i >= start
    ]
    state.before = ends[0] if len(ends) == 2 else state.last if start == 0 else None
    state.last, state.tests = ends[-1], tests
    state.since_ms = int(piece.since_ms[-1])


def _lengthen(
    stretch: Stretch, times_ms: Times, values: Values, tolerance: float
) -> None:
    """Bring a stretch to the end of an array that follows it."""
    is_there = ~np.isnan(values)
    earlier = sorted({*stretch.lows, *stretch.highs})
    times = np.concatenate([[one.taken_ms for one in earlier], times_ms[is_there]])
    values = np.concatenate([[one.value for one in earlier], values[is_there]])
    if len(values) == len(earlier):
        return
    start = ends_within(values, tolerance)
    if start:
        stretch.moved_ms = int(times[start - 1])
    times, values = times[start:], values[start:]
    stretch.lows = _extremes(times, values, 1.0)
    stretch.highs = _extremes(times, values, -1.0)


def _extremes(times: NDArray[np.float64], values: Values, sign: float) -> list[Value]:
    """Return the readings lower (or higher) than all after them, in order of time."""
    signed = values * sign
    if not len(signed):
        return []
    after = np.minimum.accumulate(signed[::-1])[::-1]
    is_kept = np.ones(len(signed), bool)
    is_kept[:-1] = signed[:-1] < after[1:]
    return [
        Value(int(at), float(value))
        for at, value in zip(times[is_kept], values[is_kept], strict=True)
    ]


def _value(value: float) -> float | None:
    return None if np.isnan(value) else float(value)


def verdicts_of(times_ms: Times, many: Many) -> list[Verdict]:
    """Return the verdicts one by one, the revised former one first."""
    former = [] if many.former is None else [many.former]
    return former + [
        Verdict(at, Flag(flag), tests)
        for at, flag, tests in zip(
            times_ms.tolist(), many.flags.tolist(), many.tests.tolist(), strict=True
        )
    ]
