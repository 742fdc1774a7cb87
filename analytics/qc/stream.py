"""The tests on one channel of one probe, reading by reading.

The same flags as ``ioos_qc.qartod`` gives for equal parameters on a whole array
(``gross_range_test``, ``spike_test`` by the average, ``rate_of_change_test``,
``flat_line_test``, ``qartod_compare``), with two differences, where there is no right
answer in an array: after ``gap_s`` without a reading a stream begins anew, and a line is
flat for so many seconds, not for as many readings as usually make up so many seconds.
"""

from typing import Final, NamedTuple

from msgspec import Struct

from greenwater.kernel.quality import Flag, QualityTest, packed
from greenwater.reference.quality import QualityLimits

_SEVERITY: Final = (
    Flag.MISSING,
    Flag.NOT_EVALUATED,
    Flag.GOOD,
    Flag.SUSPECT,
    Flag.FAIL,
)
"""What rolls up over what, the weakest first (``ioos_qc.qartod.qartod_compare``)."""
_RANK: Final = {flag: rank for rank, flag in enumerate(_SEVERITY)}

ROLLED_UP: Final = (
    QualityTest.GROSS_RANGE,
    QualityTest.SPIKE,
    QualityTest.RATE_OF_CHANGE,
    QualityTest.FLAT_LINE,
)
"""The gap test is not: a reading after a silence is as good as any other."""


class Point(NamedTuple):
    """One reading as the tests see it; None: the probe answered badly."""

    taken_ms: int
    value: float | None


class Verdict(NamedTuple):
    """The flags of one reading."""

    taken_ms: int
    flag: Flag
    tests: int


class FlagState(Struct):
    """What is remembered of a stream: its last two readings, and how long it is flat.

    ``lows`` and ``highs`` are the readings of the flat stretch that may yet be its
    lowest and highest: of an ordinary probe a handful. ``moved_ms`` is the newest
    reading that does not belong to the stretch, ``since_ms`` where the stream began.
    """

    last: Point | None = None
    before: Point | None = None
    tests: dict[QualityTest, Flag] = {}
    since_ms: int = 0
    moved_ms: int | None = None
    lows: list[Point] = []
    highs: list[Point] = []


def flagged(
    state: FlagState, point: Point, limits: QualityLimits
) -> tuple[Verdict, ...]:
    """Take in the next reading; return its verdict after that of the one before it.

    The one before is there only where the new reading says more of it. ``state`` is
    changed. ``point`` must be newer than all before it.
    """
    is_gap = (
        state.last is not None
        and point.taken_ms - state.last.taken_ms > limits.gap_s * 1000
    )
    begins = state.last is None or is_gap
    if begins:
        state.last = state.before = state.moved_ms = None
        state.since_ms, state.lows, state.highs = point.taken_ms, [], []
    former = () if begins else _revised(state, point, limits)
    tests = {
        QualityTest.GAP: Flag.SUSPECT
        if is_gap
        else (Flag.NOT_EVALUATED if begins else Flag.GOOD),
        QualityTest.GROSS_RANGE: gross_range(point, limits),
        QualityTest.RATE_OF_CHANGE: rate_of_change(state.last, point, limits),
        QualityTest.FLAT_LINE: _flat_line(state, point, limits),
    }
    if limits.spike_suspect is not None:
        is_missing = point.value is None
        tests[QualityTest.SPIKE] = Flag.MISSING if is_missing else Flag.NOT_EVALUATED
    state.before, state.last, state.tests = state.last, point, tests
    return (*former, _verdict(point, tests))


def _revised(
    state: FlagState, point: Point, limits: QualityLimits
) -> tuple[Verdict, ...]:
    """Return what the next reading makes of the one before: whether it was a spike."""
    if state.last is None or state.before is None:
        return ()
    flag = spike(state.before, state.last, point, limits)
    if flag is None or flag is state.tests.get(QualityTest.SPIKE):
        return ()
    return (_verdict(state.last, {**state.tests, QualityTest.SPIKE: flag}),)


def _verdict(point: Point, tests: dict[QualityTest, Flag]) -> Verdict:
    rolled = [tests[test] for test in ROLLED_UP if tests.get(test)]
    worst = max(rolled, key=_RANK.__getitem__, default=Flag.NOT_EVALUATED)
    return Verdict(point.taken_ms, worst, packed(tests))


def gross_range(point: Point, limits: QualityLimits) -> Flag:
    """Return whether a probe can have measured this, and water here can be so."""
    if point.value is None:
        return Flag.MISSING
    if not limits.fail.holds(point.value):
        return Flag.FAIL
    if limits.suspect is not None and not limits.suspect.holds(point.value):
        return Flag.SUSPECT
    return Flag.GOOD


def spike(
    before: Point, point: Point, after: Point, limits: QualityLimits
) -> Flag | None:
    """Return whether a reading stands out between its neighbours."""
    if limits.spike_suspect is None:
        return None
    if point.value is None:
        return Flag.MISSING
    if before.value is None or after.value is None:
        return Flag.NOT_EVALUATED
    off = abs(point.value - (before.value + after.value) / 2)
    if limits.spike_fail is not None and off > limits.spike_fail:
        return Flag.FAIL
    return Flag.SUSPECT if off > limits.spike_suspect else Flag.GOOD


def rate_of_change(before: Point | None, point: Point, limits: QualityLimits) -> Flag:
    """Return whether water can have changed so fast."""
    if point.value is None:
        return Flag.MISSING
    if before is None or before.value is None or limits.rate_per_h is None:
        return Flag.GOOD
    seconds = (point.taken_ms - before.taken_ms) / 1000
    is_fast = abs((point.value - before.value) / seconds) > limits.rate_per_h / 3600
    return Flag.SUSPECT if is_fast else Flag.GOOD


def _flat_line(state: FlagState, point: Point, limits: QualityLimits) -> Flag:
    """Return whether nothing moved for long, and remember what matters for the next."""
    if point.value is None:
        return Flag.MISSING
    if limits.flat_tolerance <= 0:
        return Flag.GOOD
    _lengthen(state, point, point.value, limits.flat_tolerance)
    moved_ms = state.since_ms - 1 if state.moved_ms is None else state.moved_ms
    for flag, flat_s in (
        (Flag.FAIL, limits.flat_fail_s),
        (Flag.SUSPECT, limits.flat_suspect_s),
    ):
        if flat_s is None:
            continue
        from_ms = point.taken_ms - flat_s * 1000
        if state.since_ms <= from_ms and moved_ms < from_ms:
            return flag
    return Flag.GOOD


def _lengthen(state: FlagState, point: Point, value: float, tolerance: float) -> None:
    """Add a reading to the flat stretch; what is too far from it ends the stretch.

    Both lists stay in order of time, ``lows`` rising and ``highs`` falling: the classic
    sliding minimum and maximum, whose window here is as long as its range is small.
    """
    lows, highs = state.lows, state.highs
    while lows and _value(lows[-1]) >= value:
        lows.pop()
    while highs and _value(highs[-1]) <= value:
        highs.pop()
    lows.append(point)
    highs.append(point)
    while _value(highs[0]) - _value(lows[0]) >= tolerance:
        older = lows if lows[0].taken_ms < highs[0].taken_ms else highs
        state.moved_ms = older.pop(0).taken_ms
        state.lows = lows = [one for one in lows if one.taken_ms > state.moved_ms]
        state.highs = highs = [one for one in highs if one.taken_ms > state.moved_ms]


def _value(point: Point) -> float:
    assert point.value is not None, "only values are remembered"
    return point.value
