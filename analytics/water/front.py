"""Other water coming by: salt jumps, or channels do together, and they go on. Pure.

At the jump nobody can know. One reading later it shows: what came with a shower or the tide
goes on the way it went, while a probe that was knocked stays where it is or comes back. So
when salt jumps, or channels together, none is lost and it is not much at once, what is odd
is told one reading later, unless it goes on.
"""

from collections.abc import Collection, Sequence
from typing import Final

from msgspec import Struct

from analytics.water.belief import scored
from analytics.water.episodes import OPEN_AT, Odd
from analytics.water.signs import OFF_MS

TOGETHER: Final = "water_change"
CAUSES: Final = frozenset(
    {TOGETHER, "spike", "level_shift", "noisy", "odd_combination"}
)
"""What a front may be taken for."""
LEVEL: Final = frozenset({"level_shift"})
"""All that is a front's when it comes back by more than its longest step."""
GOES_ON: Final = 0.25
"""How much of its first step the water goes on by, at least."""
SUDDEN: Final = 5.0
"""A jump of so many thresholds is told at once: mixing leaves no such front."""
UNTOLD: Final = 0.4
"""The score while it is not known, and of a front."""


class Front(Struct, array_like=True):
    """The last jump that may be water: its longest step, and what it is told as if not.

    ``goes_on``: whether the reading after it went on the same way; None: not yet known.
    """

    at_ms: int = -(10**15)
    went: float = 0.0
    score: float = 0.0
    cause: str = TOGETHER
    near: tuple[str, ...] = ()
    goes_on: bool | None = False


def may_be_water(odd: Odd, *, is_salt: bool) -> bool:
    """Return whether a jump may be other water: not if a channel was lost beside it."""
    is_alone = is_salt and odd.cause == "spike" and not odd.near
    is_faint = OPEN_AT <= odd.score < scored(SUDDEN)
    return is_faint and (odd.cause == TOGETHER or is_alone)


def told_with(
    front: Front, at_ms: int, went: float, odds: Sequence[Odd], *, is_salt: bool
) -> list[Odd]:
    """Return what is odd about a reading as far as it may be told now.

    ``went``: how far the value went since the last one (a channel's units).
    """
    is_near = at_ms - front.at_ms <= OFF_MS
    if front.goes_on is None:
        same_way = went * front.went > 0
        front.goes_on = same_way and abs(went) >= GOES_ON * abs(front.went)
        if not front.goes_on and is_near:
            return [*odds, Odd(front.score, front.cause, front.near)]
    if front.goes_on and is_near:
        is_back = went * front.went < 0
        if is_back and abs(went) > abs(front.went):
            return _untold(odds, LEVEL)
        if not is_back and abs(went) > abs(front.went):
            front.went = went
        return _untold(odds, CAUSES)
    jumped = [one for one in odds if may_be_water(one, is_salt=is_salt)]
    if is_near or not jumped:
        return list(odds)
    front.at_ms, front.went, front.goes_on = at_ms, went, None
    front.score, front.cause, front.near = (
        jumped[0].score,
        jumped[0].cause,
        jumped[0].near,
    )
    return _untold(odds, CAUSES)


def _untold(odds: Sequence[Odd], causes: Collection[str]) -> list[Odd]:
    return [
        one._replace(score=min(one.score, UNTOLD))
        if one.cause in causes and not one.is_certain
        else one
        for one in odds
    ]
