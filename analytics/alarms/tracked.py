"""What is known of one channel of one probe, and of its device. Pure."""

from collections.abc import Sequence
from typing import Final

from msgspec import Struct

from analytics.alarms.latches import Latch
from greenwater.kernel.reading import DAY_MS, HOUR_MS, MINUTE_MS, Reading

AHEAD_MS: Final = 5 * MINUTE_MS
"""A reading further ahead of the platform's clock came from a wrong clock."""

BEHIND_MOST_MS: Final = 92 * DAY_MS
"""What is older than this when it comes in is history, or has a wrong time: nobody asks."""

_ROUND_MS: Final = MINUTE_MS
_ROUNDS: Final = 6
_TREND_EVERY_MS: Final = 5 * MINUTE_MS
_TREND_MS: Final = 90 * MINUTE_MS


class Slot(Struct, array_like=True):
    """The lowest and highest value of half an hour, and how many values it had."""

    at_ms: int
    low: float
    high: float
    count: int = 1


class Tracked(Struct):
    """One channel of one probe: its newest reading, its past hour, its latches.

    ``slots`` is its past day, kept where a rule asks for it; ``signals`` what the rules
    whose latches are on saw last, by latch.
    """

    unit: str
    taken_ms: int
    value: float
    depth_m: float | None
    past: list[tuple[int, float]]
    latches: dict[str, Latch]
    slots: list[Slot] = []
    signals: dict[str, float] = {}


class Power(Struct):
    """A box's battery or mains contact: the newest value, and its latches."""

    taken_ms: int
    value: float
    latches: dict[str, Latch] = {}


class Turning(Struct, frozen=True):
    """What an aerator's monitor said last."""

    taken_ms: int
    is_running: bool


class Watched(Struct):
    """What is known of a device.

    ``newest_ms`` is when it measured last, ``rounds`` when its newest rounds over its
    probes began. ``warmth`` is each probe's newest temperature, ``salted`` are those that
    send salinity themselves, ``oxygenated`` those that send oxygen in mg/L. ``behind`` is
    the stretch of what came in late and behind the newest (first and last instant),
    ``behind_ms`` when the last of it was recorded.
    """

    tracked: dict[str, Tracked] = {}
    newest_ms: int = 0
    rounds: list[int] = []
    is_silent: bool = False
    aerators: dict[str, Turning] = {}
    power: dict[str, Power] = {}
    warmth: dict[str, tuple[int, float]] = {}
    salted: set[str] = set()
    oxygenated: set[str] = set()
    behind: tuple[int, int] | None = None
    behind_ms: int = 0


def is_news(at_ms: int, newest_ms: int, recorded_ms: int) -> bool:
    """Return whether a reading says more than the newest one before it.

    What a clock far ahead has stamped cannot make old news of the truth after it.
    """
    return at_ms > newest_ms or newest_ms > recorded_ms + AHEAD_MS


def note_behind(
    watched: Watched, reading: Reading, recorded_ms: int, *, is_late: bool
) -> bool:
    """Note a late reading that its probe's newest ones have left behind; return if it is.

    What belongs to a stretch that is noted already need not be late itself: the last half
    hour of an outage.
    """
    if not is_late and watched.behind is None:
        return False
    at_ms, probe = reading.taken_ms, f"{reading.probe}/"
    if at_ms < recorded_ms - BEHIND_MOST_MS or not any(
        at_ms < one.taken_ms
        for key, one in watched.tracked.items()
        if key.startswith(probe)
    ):
        return False
    start_ms, end_ms = watched.behind or (at_ms, at_ms)
    watched.behind = min(start_ms, at_ms), max(end_ms, at_ms)
    if is_late:
        watched.behind_ms = recorded_ms
    return True


def heard(rounds: Sequence[int], at_ms: int) -> list[int]:
    """Return the beginnings of the newest rounds, after one more reading.

    Several probes of one box stand a little apart: that is one round, not an interval.
    """
    kept = [one for one in rounds if one <= at_ms]
    if kept and at_ms - kept[-1] < _ROUND_MS:
        return kept
    return [*kept[1 - _ROUNDS :], at_ms]


def remembered(
    past: list[tuple[int, float]], at_ms: int, value: float
) -> list[tuple[int, float]]:
    """Return the past hour and a half, thinned, with one more value."""
    kept = [one for one in past if at_ms - _TREND_MS <= one[0] < at_ms]
    if not kept or at_ms - kept[-1][0] >= _TREND_EVERY_MS:
        kept.append((at_ms, value))
    return kept


def trend_per_h(past: Sequence[tuple[int, float]]) -> float | None:
    """Return the least-squares slope in units an hour; None for less than 15 min."""
    if len(past) < 3 or past[-1][0] - past[0][0] < 15 * MINUTE_MS:
        return None
    hours = [(at_ms - past[0][0]) / HOUR_MS for at_ms, _ in past]
    mean_h = sum(hours) / len(hours)
    mean_v = sum(value for _, value in past) / len(past)
    above = sum(
        (hour - mean_h) * (value - mean_v)
        for hour, (_, value) in zip(hours, past, strict=True)
    )
    return above / sum((hour - mean_h) ** 2 for hour in hours)
