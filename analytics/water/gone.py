"""Which channels of a probe were lost lately, since when and how. Pure."""

from collections.abc import Mapping, Sequence
from typing import Final

from msgspec import Struct

from greenwater.kernel.reading import HOUR_MS

FRESH_MS: Final = 2 * HOUR_MS
WELL_MS: Final = 6 * HOUR_MS
"""A channel that is lost tells of the others only if it was well so long before."""


class Gone(Struct, array_like=True):
    """When a channel was last lost, and since when; ``onset_ms`` after being well.

    ``none_ms``: when it last had no value at all, not even zero.
    """

    last_ms: int = -(10**15)
    onset_ms: int = -(10**15)
    none_ms: int = -(10**15)


def remember_gone(gone: Gone, at_ms: int, *, is_none: bool) -> None:
    """Remember that a channel is lost now."""
    if at_ms - gone.last_ms > WELL_MS:
        gone.onset_ms = at_ms
    gone.last_ms = at_ms
    if is_none:
        gone.none_ms = at_ms


def fresh_gone(known: Mapping[str, Gone], at_ms: int) -> list[str]:
    """Return the channels that were lost in the last hour, and not for long."""
    return [
        name
        for name, gone in known.items()
        if at_ms - gone.last_ms <= HOUR_MS and at_ms - gone.onset_ms <= FRESH_MS
    ]


def is_lifted(
    known: Mapping[str, Gone], name: str, fresh: Sequence[str], at_ms: int
) -> bool:
    """Return whether another channel has just had no value.

    One that reads zero was measured: that is a fault of its own, nobody's visit.
    """
    return any(at_ms - known[one].none_ms <= HOUR_MS for one in fresh if one != name)
