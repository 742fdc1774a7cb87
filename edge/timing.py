"""Is the box's clock to be believed, and what is the time if it is not. Pure.

A gateway without a battery clock boots in 1970 or at its last shutdown. What is taken
then is stamped with the boot's monotonic clock and timed when the time is known
(``edge.untimed``): from a time server, from a satellite fix, or, where the box has been
online for a while and nothing better came, from a clock that is at least possible.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, NamedTuple

from greenwater.kernel.reading import ClockQuality, milliseconds

EARLIEST_MS: Final = milliseconds(datetime(2026, 11, 1, tzinfo=UTC))
"""When this was written: no clock that is right shows less (weewx does the same)."""
BACK_MS: Final = 24 * 3600 * 1000
"""How far before the newest confirmed reading an unsynchronised clock may stand: what
was stamped by a clock running fast must not make a right one look wrong."""
JUMP_MS: Final = 5_000
FIX_FRESH_MS: Final = 300_000
FIX_KEEPS_MS: Final = 24 * 3600 * 1000
"""A monotonic clock drifts some 50 ppm, four seconds a day: far better than a clock
that is plainly wrong."""
FIX_AGREES_MS: Final = 2_000
PATIENCE_S: Final = 600.0
FIX_APART_MS: Final = 24 * 3600 * 1000
"""How far a fix may be from a clock that a time server has set: further off its date is
wrong, of a week counter that rolled over or of a receiver that does not know it yet."""
FIX_AHEAD_MS: Final = 366 * 24 * 3600 * 1000
"""How far it may be ahead of a battery clock that nobody has checked."""


class Fix(NamedTuple):
    """A satellite's time, and the monotonic clock when it came."""

    at_ms: int
    mono_ms: int


@dataclass(frozen=True)
class Facts:
    """What is known about the time.

    ``online_s`` is for how long the box has been connected without a break;
    ``has_battery`` whether the clock runs on while the power is off.
    """

    wall_ms: int
    mono_ms: int
    newest_ms: int = 0
    is_synced: bool = False
    has_battery: bool = True
    online_s: float = 0.0
    fix: Fix | None = None


class Instant(NamedTuple):
    """An instant and where it comes from; UNSYNCED ones are of the monotonic clock."""

    ms: int
    quality: ClockQuality


def judge(facts: Facts) -> Instant:
    """Return the best that can be said about now."""
    by_fix_ms, age_ms = _by_fix(facts)
    if by_fix_ms is not None and age_ms <= FIX_FRESH_MS:
        agrees = abs(by_fix_ms - facts.wall_ms) <= FIX_AGREES_MS
        return Instant(facts.wall_ms if agrees else by_fix_ms, ClockQuality.GPS)
    if facts.is_synced and facts.wall_ms >= EARLIEST_MS:
        return Instant(facts.wall_ms, ClockQuality.NTP)
    if _is_plausible(facts):
        return Instant(facts.wall_ms, ClockQuality.RTC)
    if by_fix_ms is not None and age_ms <= FIX_KEEPS_MS:
        return Instant(by_fix_ms, ClockQuality.GPS)
    if facts.wall_ms >= EARLIEST_MS and facts.online_s >= PATIENCE_S:
        return Instant(facts.wall_ms, ClockQuality.RTC)
    return Instant(facts.mono_ms, ClockQuality.UNSYNCED)


def is_dated_right(facts: Facts, fix_ms: int) -> bool:
    """Say whether a satellite's date can be, beside what else is known of the time.

    One wrong date that was believed would stamp all the box's readings, and make the
    true clock look wrong after it.
    """
    if facts.is_synced and facts.wall_ms >= EARLIEST_MS:
        return abs(fix_ms - facts.wall_ms) <= FIX_APART_MS
    if _is_plausible(facts):
        return fix_ms - facts.wall_ms <= FIX_AHEAD_MS
    return True


def _by_fix(facts: Facts) -> tuple[int | None, int]:
    if facts.fix is None or facts.fix.at_ms < EARLIEST_MS:
        return None, 0
    age_ms = facts.mono_ms - facts.fix.mono_ms
    return facts.fix.at_ms + age_ms, age_ms


def _is_plausible(facts: Facts) -> bool:
    return (
        facts.has_battery
        and facts.wall_ms >= EARLIEST_MS
        and facts.wall_ms > facts.newest_ms - BACK_MS
    )


class Jumps:
    """Notices a clock that moves other than time does."""

    def __init__(self) -> None:
        self.count = 0
        self.last_ms = 0
        self._before: tuple[int, int] | None = None

    def look(self, wall_ms: int, mono_ms: int) -> int:
        """Return by how many milliseconds the clock jumped since the last look, or 0."""
        before, self._before = self._before, (wall_ms, mono_ms)
        if before is None:
            return 0
        jump_ms = (wall_ms - before[0]) - (mono_ms - before[1])
        if abs(jump_ms) < JUMP_MS:
            return 0
        self.count, self.last_ms = self.count + 1, jump_ms
        return jump_ms
