"""The tests on one channel of one probe, reading by reading.

The same flags as ``ioos_qc.qartod`` gives for equal parameters on a whole array
(``gross_range_test``, ``climatology_test``, ``spike_test`` by the average,
``rate_of_change_test``, ``flat_line_test``, ``attenuated_signal_test`` by the range,
``qartod_compare``), with two differences, where there is no right answer in an array:
after ``gap_s`` without a reading a stream begins anew, and a line is flat (a signal
attenuated) for so many seconds, not for as many readings as usually make up so many
seconds. ``bulk`` says the same of whole arrays at once.
"""

from typing import NamedTuple

from msgspec import Struct, field

from analytics.qc.climate import climate_flag
from analytics.qc.digits import (
    ATTENUATED,
    CLIMATE,
    FAIL,
    FLAT,
    GOOD,
    GROSS,
    MISSING,
    RATE,
    SPIKE,
    SUSPECT,
    SYNTAX,
    UNKNOWN,
    rolled,
)
from analytics.qc.stretch import Point, Stretch
from greenwater.kernel.quality import Flag
from greenwater.reference.quality import QualityLimits


class Verdict(NamedTuple):
    """The flags of one reading."""

    taken_ms: int
    flag: Flag
    tests: int


class FlagState(Struct):
    """What is remembered of a stream: its last two readings, and how long it is flat.

    ``tests`` are the flags of the last reading, ``since_ms`` is where the stream began,
    ``missing_ms`` its newest bad answer.
    """

    last: Point | None = None
    before: Point | None = None
    tests: int = 0
    since_ms: int = 0
    missing_ms: int | None = None
    flat: Stretch = field(default_factory=Stretch)
    quiet: Stretch = field(default_factory=Stretch)


def flagged(
    state: FlagState, point: Point, limits: QualityLimits
) -> tuple[Verdict, ...]:
    """Take in the next reading; return its verdict after that of the one before it.

    The one before is there only where the new reading says more of it. ``state`` is
    changed. ``point`` must be newer than all before it.
    """
    last = state.last
    is_gap = last is not None and point.taken_ms - last.taken_ms > limits.gap_s * 1000
    if last is None or is_gap:
        state.last = state.before = state.missing_ms = None
        state.since_ms = point.taken_ms
        state.flat, state.quiet = Stretch(), Stretch()
        former: tuple[Verdict, ...] = ()
        tests = SUSPECT if is_gap else UNKNOWN
    else:
        former = revised(state, point, limits)
        tests = GOOD
    tests += _missing(state, point, limits) if point.value is None else 0
    tests += 0 if point.value is None else _tested(state, point, point.value, limits)
    state.before, state.last, state.tests = state.last, point, tests
    return (*former, Verdict(point.taken_ms, rolled(tests), tests))


def _missing(state: FlagState, point: Point, limits: QualityLimits) -> int:
    """Return the flags of a bad answer: missing in every test that is run."""
    state.missing_ms = point.taken_ms
    run = SYNTAX + GROSS + RATE + FLAT
    if limits.climate:
        run += CLIMATE
    if limits.spike_suspect is not None:
        run += SPIKE
    if limits.attenuated_s is not None:
        run += ATTENUATED
    return MISSING * run


def _tested(state: FlagState, point: Point, value: float, limits: QualityLimits) -> int:
    tests = GOOD * SYNTAX + gross_range(value, limits) * GROSS
    if limits.climate:
        tests += climate_flag(point.taken_ms, value, limits.climate) * CLIMATE
    if limits.spike_suspect is not None:
        tests += UNKNOWN * SPIKE
    tests += _rate_of_change(state.last, point.taken_ms, value, limits) * RATE
    tests += _flat_line(state, point, value, limits) * FLAT
    if limits.attenuated_s is not None:
        tests += _attenuated(state, point, value, limits) * ATTENUATED
    return tests


def revised(
    state: FlagState, point: Point, limits: QualityLimits
) -> tuple[Verdict, ...]:
    """Return what the next reading makes of the one before: whether it was a spike."""
    last, before, after = state.last, state.before, point.value
    if last is None or before is None or last.value is None:
        return ()
    if limits.spike_suspect is None or before.value is None or after is None:
        return ()
    flag = _spike(abs(last.value - (before.value + after) / 2), limits)
    tests = state.tests + (flag - UNKNOWN) * SPIKE
    return (Verdict(last.taken_ms, rolled(tests), tests),)


def _spike(off: float, limits: QualityLimits) -> int:
    if limits.spike_fail is not None and off > limits.spike_fail:
        return FAIL
    return SUSPECT if off > (limits.spike_suspect or 0.0) else GOOD


def gross_range(value: float, limits: QualityLimits) -> int:
    """Return whether a probe can have measured this, and water here can be so."""
    if not limits.fail.holds(value):
        return FAIL
    if limits.suspect is not None and not limits.suspect.holds(value):
        return SUSPECT
    return GOOD


def _rate_of_change(
    before: Point | None, at_ms: int, value: float, limits: QualityLimits
) -> int:
    """Return whether water can have changed so fast."""
    if before is None or before.value is None or limits.rate_per_h is None:
        return GOOD
    seconds = (at_ms - before.taken_ms) / 1000
    is_fast = abs((value - before.value) / seconds) > limits.rate_per_h / 3600
    return SUSPECT if is_fast else GOOD


def _flat_line(
    state: FlagState, point: Point, value: float, limits: QualityLimits
) -> int:
    """Return whether nothing moved for long, and remember what matters for the next."""
    if limits.flat_tolerance <= 0:
        return GOOD
    moved_ms = state.flat.lengthen(point, value, limits.flat_tolerance)
    for flag, flat_s in ((FAIL, limits.flat_fail_s), (SUSPECT, limits.flat_suspect_s)):
        if flat_s is None:
            continue
        from_ms = point.taken_ms - flat_s * 1000
        if state.since_ms <= from_ms and (moved_ms is None or moved_ms < from_ms):
            return flag
    return GOOD


def _attenuated(
    state: FlagState, point: Point, value: float, limits: QualityLimits
) -> int:
    """Return whether the last so many seconds, their first instant left out, are dull.

    Not known while fewer are seen, or with a bad answer among them. So many readings
    cover as many intervals, the one before the first included.
    """
    at_ms = point.taken_ms
    moved_ms = state.quiet.lengthen(point, value, limits.attenuated_suspect)
    from_ms = at_ms - (limits.attenuated_s or 0.0) * 1000
    if state.last is None or state.since_ms > from_ms + at_ms - state.last.taken_ms:
        return UNKNOWN
    if state.missing_ms is not None and state.missing_ms > from_ms:
        return UNKNOWN
    if moved_ms is not None and moved_ms > from_ms:
        return GOOD
    return (
        FAIL if state.quiet.range_after(from_ms) < limits.attenuated_fail else SUSPECT
    )
