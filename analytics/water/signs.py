"""What is odd about a reading, from its own channel's past alone. Pure, streaming.

Each sign is a number that grows with the oddness: how far a reading is from where the last
ones were heading, how restless the last hour was, for how many readings the very same
value came. They are counted in the channel's own usual steps, so that a channel nobody
knows is judged like any other.
"""

from typing import Final, NamedTuple

from msgspec import Struct, field

from analytics.water.peaks import Peaks
from greenwater.kernel.reading import DAY_MS, HOUR_MS

SETTLED: Final = 48
"""Readings after which a channel's usual step is believed."""
CLIPPED: Final = 4.0
"""What counts most of one reading in the usual step, in usual steps."""
YOUNG: Final = 8
"""Readings before which all of a step counts."""
REMEMBERED_MS: Final = 2 * DAY_MS
"""How slowly the usual step and size follow: weather comes and goes in days."""
MOST_OF_ONE: Final = 0.5
"""What one reading counts most in them."""
SLOPE: Final = 0.4
"""What the last step counts in where a channel is heading."""
DAMPED: Final = 0.7
"""So much of that is expected of the next step, for two intervals at most."""
STRAYED: Final = 8.0
"""A step of so many usual ones is no heading: the channel has none after it."""
FLOORS: Final = {"jump": 10.0, "burst": 4.0, "held": 12.0}
"""The least thresholds: usual steps, usual steps, readings with one value."""
MOST_IN_BURST: Final = 3.0
"""What one jump counts most in a burst, in floors of a jump: one is no restlessness."""
MOST_OF_PEAK: Final = 2.0
"""What is remembered most of a peak, in thresholds: a fault must not raise its own."""
COARSER: Final = 1.001
"""What the smallest step that was seen (the grain) grows by at each: it is not for ever."""
OFTEN_THERE: Final = 0.002
"""What one answer counts in whether a channel usually has a value: five days of quarters."""
PACE: Final = 0.05
"""What one interval counts in the usual interval, and it counts as two of those at most."""
FAR_FROM_ZERO: Final = 20.0
SHARE_OF_TYPICAL: Final = 0.3
"""Zero comes out of nothing where the last value was so many usual steps away from it, and
so much of its usual size."""
BACK: Final = 5.0
"""Within so many usual steps of the level before, and as many more for each interval since,
it is that level again."""
LEAST_STEP: Final = 1e-9
"""So that a channel that never moved is not divided by zero."""
WAVE: Final = 2.0
"""How much farther than at the last reading a wave of the water goes at the next, at most."""
LATELY: Final = 4
"""Readings that make up a burst."""
OFF_MS: Final = 2 * HOUR_MS
"""How long a new level is odd before it is the level."""
OFTEN_MS: Final = HOUR_MS // 12
"""Where readings come faster than every five minutes, a value held counts in those."""
USUALLY_THERE: Final = 0.8
IN_AIR: Final = 0.05
"""The share of its usual level that conductivity keeps in air, at most."""


class Signs(NamedTuple):
    """What is odd about one reading, each over the threshold of this channel.

    ``jump``, ``burst`` and ``held`` are shares of the threshold: 1 is as odd as may be.
    ``is_dead``: a value that no running probe shows here (zero out of nothing). ``step``:
    how far off its course it is in usual steps, waves of the water among them.
    """

    jump: float = 0.0
    burst: float = 0.0
    held: float = 0.0
    repeats: int = 0
    is_dead: bool = False
    is_lost: bool = False
    step: float = 0.0
    off: float = 0.0


class ChannelState(Struct, array_like=True):
    """What is remembered of a channel: under two kilobytes."""

    seen: int = 0
    last_ms: int = 0
    last: float = 0.0
    slope: float = 0.0
    usual: float = 0.0
    grain: float = 0.0
    typical: float = 0.0
    cadence_ms: float = 0.0
    there: float = 1.0
    repeats: int = 0
    lately: list[float] = field(default_factory=list)
    off_ms: int = 0
    off_by: float = 0.0
    before: float = 0.0
    dead: float | None = None
    jumps: Peaks = field(default_factory=lambda: Peaks(FLOORS["jump"]))
    bursts: Peaks = field(default_factory=lambda: Peaks(FLOORS["burst"]))
    runs: Peaks = field(default_factory=lambda: Peaks(FLOORS["held"]))
    went: float = 0.0


def lost(state: ChannelState) -> Signs:
    """Return the signs of an answer without a value."""
    is_lost = state.there > USUALLY_THERE and state.seen >= SETTLED
    state.there -= OFTEN_THERE * state.there
    return Signs(is_lost=is_lost)


def signs_of(
    state: ChannelState, at_ms: int, value: float, *, is_salt: bool = False
) -> Signs:
    """Return what is odd about the next reading, and remember it.

    ``is_salt``: the channel is next to nothing in air, not exactly zero.
    """
    state.there += OFTEN_THERE * (1 - state.there)
    if state.seen == 0:
        _begin(state, at_ms, value)
        return Signs()
    steps = _steps(state, at_ms)
    if _is_dead(state, value, is_salt=is_salt):
        state.repeats = state.repeats + 1 if value == state.last else 0
        state.dead, state.last_ms = value, at_ms
        return Signs(is_dead=True)
    off = value - state.last - DAMPED * state.slope * min(steps, 2.0)
    usual = max(state.usual, state.grain / 2, LEAST_STEP)
    unit = usual * max(steps, 1.0) ** 0.5
    jump = _unheralded(state, value, off, steps) / unit
    found = _compared(state, at_ms, value, jump, abs(off) / unit, usual)
    _learn(state, at_ms, value, off, steps)
    return found


def _unheralded(state: ChannelState, value: float, off: float, steps: float) -> float:
    """Return how far it is off its course, less what a wave of the water may have done.

    Mixing rounds what flows by: a front has a foot, and each reading goes on where the
    last one went, farther by a measure. A fault is there, and gone, at once.
    """
    went, before = value - state.last, state.went
    if went * before <= 0:
        return abs(off)
    left = abs(went) - WAVE * abs(before) * (steps if steps > 1 else 1.0)
    return min(abs(off), left) if left > 0 else 0.0


def _begin(state: ChannelState, at_ms: int, value: float) -> None:
    state.seen, state.last_ms, state.last, state.typical = 1, at_ms, value, abs(value)
    for peaks in (state.jumps, state.bursts, state.runs):
        peaks.since_ms = at_ms


def _steps(state: ChannelState, at_ms: int) -> float:
    passed = float(max(at_ms - state.last_ms, 1))
    if state.cadence_ms == 0:
        state.cadence_ms = passed
    state.cadence_ms += PACE * (min(passed, 2 * state.cadence_ms) - state.cadence_ms)
    return passed / state.cadence_ms


def _is_dead(state: ChannelState, value: float, *, is_salt: bool) -> bool:
    """Return whether it is zero (salt: next to it) all at once, where nothing near is."""
    least = IN_AIR * state.typical if is_salt else 0.0
    if abs(value) > least or state.seen < SETTLED:
        return False
    return state.dead is not None or (
        abs(state.last) > FAR_FROM_ZERO * state.usual
        and abs(state.last) > SHARE_OF_TYPICAL * state.typical
    )


def _compared(
    state: ChannelState,
    at_ms: int,
    value: float,
    jump: float,
    step: float,
    usual: float,
) -> Signs:
    is_same = value == state.last
    often = min(state.cadence_ms / OFTEN_MS, 1.0)
    if is_same:
        state.repeats += 1
    elif state.repeats:
        state.runs.take(at_ms, often * state.repeats)
        state.repeats = 0
    lately, most = state.lately, MOST_IN_BURST * state.jumps.floor
    lately.append(jump if jump < most else most)
    if len(lately) > LATELY:
        del lately[0]
    burst = sum(lately) / LATELY if len(lately) == LATELY else 0.0
    if state.seen < SETTLED:
        return Signs(repeats=state.repeats)
    jumps, bursts = state.jumps, state.bursts
    jump_bound, burst_bound = jumps.threshold(at_ms), bursts.threshold(at_ms)
    jumps.take(at_ms, min(jump, MOST_OF_PEAK * jump_bound))
    bursts.take(at_ms, min(burst, MOST_OF_PEAK * burst_bound))
    share = jump / jump_bound
    is_off = share >= 1 or state.off_ms != 0
    held = often * state.repeats
    return Signs(
        jump=share,
        burst=burst / burst_bound,
        held=held / state.runs.threshold(at_ms) if state.repeats else 0.0,
        repeats=state.repeats,
        step=step,
        off=_off(state, at_ms, value, share, usual) if is_off else 0.0,
    )


def _off(
    state: ChannelState, at_ms: int, value: float, share: float, usual: float
) -> float:
    """Return how far it still is from the level before the last jump; 0 when back."""
    if share >= 1 and state.off_ms == 0:
        state.off_ms, state.before, state.off_by = at_ms, state.last, share
        return share
    passed = at_ms - state.off_ms
    is_back = abs(value - state.before) < BACK * usual * (
        1 + passed / max(state.cadence_ms, 1)
    )
    if is_back or passed > OFF_MS:
        state.off_ms = 0
        return 0.0
    return state.off_by * (1 - passed / OFF_MS)


def _learn(
    state: ChannelState, at_ms: int, value: float, off: float, steps: float
) -> None:
    rate = steps * state.cadence_ms / REMEMBERED_MS
    rate = min(rate if rate * state.seen > 1 else 1 / state.seen, MOST_OF_ONE)
    last, grain, far = state.last, state.grain, abs(off)
    step = abs(value - last)
    if step > 0:
        grain *= COARSER
        state.grain = grain = step if grain == 0 or step < grain else grain
    clipped = far
    if state.seen > YOUNG:
        most = CLIPPED * (state.usual if state.usual > grain / 2 else grain / 2)
        clipped = far if far < most else most
    state.usual += rate * (clipped - state.usual)
    state.typical += rate * (abs(value) - state.typical)
    state.went = (value - last) / (steps if steps > 1 else 1.0)
    if far < STRAYED * (state.usual if state.usual > grain else grain):
        state.slope += SLOPE * (state.went - state.slope)
    else:
        state.slope = 0.0
    state.seen += 1
    state.last, state.last_ms, state.dead = value, at_ms, None
