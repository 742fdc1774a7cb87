"""Delay and hysteresis: when a value beyond a limit is worth an alarm, and when it is over.

Pure, and moved by the readings' own times alone: the same readings give the same latches
however they are handed over, and a restart in the middle of a delay changes nothing.
"""

from msgspec import Struct

from greenwater.reference.limits import Timing


class Latch(Struct, frozen=True):
    """One limit at one probe.

    Off: ``since_ms`` is the first of the ``count`` readings beyond the limit that came
    without one inside between them. On: ``since_ms`` is the first reading that was back
    inside by the hysteresis, with none between that was not. None: no such reading.
    ``began_ms`` is where the readings began that turned it on, beyond ``limit``.
    """

    is_on: bool = False
    since_ms: int | None = None
    count: int = 0
    began_ms: int = 0
    limit: float | None = None


OFF = Latch()


def halted(latch: Latch) -> Latch:
    """Return a latch whose clock was wrong: it stays on or off, and waits anew."""
    if not latch.is_on:
        return OFF
    return Latch(is_on=True, began_ms=latch.began_ms, limit=latch.limit)


def beyond(value: float, limit: float, side: str) -> bool:
    """Return whether a value is beyond a limit on its low or high side."""
    return value < limit if side == "low" else value > limit


def back(value: float, limit: float, side: str, hysteresis: float) -> bool:
    """Return whether a value is inside a limit by the hysteresis."""
    if side == "low":
        return value > limit + hysteresis if hysteresis else value >= limit
    return value < limit - hysteresis if hysteresis else value <= limit


def moved(
    latch: Latch, at_ms: int, value: float, limit: float, side: str, timing: Timing
) -> Latch:
    """Return the latch after one more reading.

    Where the limit has been changed since it turned on, it stays on only if the value is
    beyond the new one: hysteresis is about a limit that was left.
    """
    is_left = latch.limit in (None, limit) or beyond(value, limit, side)
    if latch.is_on and is_left:
        return _held(latch, at_ms, value, limit, side, timing)
    if not beyond(value, limit, side):
        return OFF
    since_ms = at_ms if latch.since_ms is None else latch.since_ms
    count = latch.count + 1
    is_long = at_ms - since_ms >= timing.delay_s * 1000
    is_often = 0 < timing.samples <= count
    if is_long or is_often:
        return Latch(is_on=True, began_ms=since_ms, limit=limit)
    return Latch(since_ms=since_ms, count=count)


def _held(
    latch: Latch, at_ms: int, value: float, limit: float, side: str, timing: Timing
) -> Latch:
    if not back(value, limit, side, timing.hysteresis):
        return Latch(is_on=True, began_ms=latch.began_ms, limit=limit)
    since_ms = at_ms if latch.since_ms is None else latch.since_ms
    if at_ms - since_ms >= timing.clear_s * 1000:
        return OFF
    return Latch(is_on=True, since_ms=since_ms, began_ms=latch.began_ms, limit=limit)
