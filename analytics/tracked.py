"""What is known of one channel of one probe, and what an alarm says of it. Pure."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from analytics.latches import Latch
from greenwater.kernel.channels import Channel
from greenwater.kernel.ids import DeviceId, ProbeId
from greenwater.reference.limits import SpeciesLimits
from greenwater.storage.registry.alarms import Alarm

SILENT_MS: Final = 10 * 60 * 1000
"""The shortest silence worth an alarm, however often a box reports."""

SILENT_INTERVALS: Final = 3
_INSTANTS: Final = 6
_TREND_EVERY_MS: Final = 5 * 60 * 1000
_TREND_MS: Final = 90 * 60 * 1000


class Tracked(Struct):
    """One channel of one probe: its newest reading, its past hour, its latches."""

    unit: str
    taken_ms: int
    value: float
    depth_m: float | None
    past: list[tuple[int, float]]
    latches: dict[str, Latch]


class Watched(Struct):
    """What is known of a device. ``instants`` are the newest times it measured at."""

    tracked: dict[str, Tracked] = {}
    instants: list[int] = []
    is_silent: bool = False


def heard(instants: Sequence[int], at_ms: int) -> list[int]:
    """Return the newest instants with one more."""
    return [*instants[1 - _INSTANTS :], at_ms]


def silent_after(instants: Sequence[int]) -> int | None:
    """Return when a device that says nothing more counts as silent.

    After three of its intervals, as the widest of its newest steps tells them: several
    probes of one box stand close together.
    """
    if len(instants) < 2:
        return None
    step_ms = max(b - a for a, b in pairwise(instants))
    return instants[-1] + max(SILENT_INTERVALS * step_ms, SILENT_MS)


def remembered(
    past: list[tuple[int, float]], at_ms: int, value: float
) -> list[tuple[int, float]]:
    """Return the past hour and a half, thinned, with one more value."""
    kept = [one for one in past if one[0] >= at_ms - _TREND_MS]
    if not kept or at_ms - kept[-1][0] >= _TREND_EVERY_MS:
        kept.append((at_ms, value))
    return kept


def trend_per_h(past: Sequence[tuple[int, float]]) -> float | None:
    """Return the least-squares slope in units an hour; None for less than 15 min."""
    if len(past) < 3 or past[-1][0] - past[0][0] < 15 * 60 * 1000:
        return None
    hours = [(at_ms - past[0][0]) / 3_600_000 for at_ms, _ in past]
    mean_h = sum(hours) / len(hours)
    mean_v = sum(value for _, value in past) / len(past)
    above = sum(
        (hour - mean_h) * (value - mean_v)
        for hour, (_, value) in zip(hours, past, strict=True)
    )
    return above / sum((hour - mean_h) ** 2 for hour in hours)


def measured(
    alarm: Alarm,
    device: DeviceId,
    key: str,
    tracked: Tracked,
    limit: float | None,
    limits: SpeciesLimits,
) -> Alarm:
    """Return the alarm with what its worst probe says now."""
    choose = min if alarm.side == "low" else max
    worst = tracked.value if alarm.worst is None else choose(alarm.worst, tracked.value)
    slope = trend_per_h(tracked.past)
    return replace(
        alarm,
        device=device,
        probe=ProbeId(key.partition("/")[0]),
        depth_m=tracked.depth_m,
        taken_ms=tracked.taken_ms,
        value=tracked.value,
        worst=worst,
        limit=limit,
        trend_per_h=None if slope is None else round(slope, 4),
        detail={
            "basis": limits.basis,
            "source": limits.source,
            "verified": limits.verified,
            "species": limits.species,
        },
    )


def last_known(alarm: Alarm, watched: Watched) -> Alarm:
    """Return a silence alarm with the oxygen that was known last, if any."""
    oxygen = [
        (tracked.taken_ms, key, tracked)
        for key, tracked in watched.tracked.items()
        if key.endswith(f"/{Channel.DISSOLVED_OXYGEN}")
    ]
    if not oxygen:
        return alarm
    lowest = min((tracked for _, _, tracked in oxygen), key=lambda one: one.value)
    slope = trend_per_h(lowest.past)
    return replace(
        alarm,
        channel=Channel.DISSOLVED_OXYGEN,
        value=lowest.value,
        taken_ms=lowest.taken_ms,
        depth_m=lowest.depth_m,
        trend_per_h=None if slope is None else round(slope, 4),
    )
