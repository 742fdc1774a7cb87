"""What is known of one channel of one probe, and what an alarm says of it. Pure."""

from collections.abc import Sequence
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from analytics.alarms import life
from analytics.alarms.latches import Latch
from analytics.places import Place
from greenwater.kernel.ids import DeviceId, ProbeId
from greenwater.kernel.reading import Reading
from greenwater.reference.limits import Severity, SpeciesLimits
from greenwater.storage.registry.alarms import Alarm, AlarmState

AHEAD_MS: Final = 5 * 60 * 1000
"""A reading further ahead of the platform's clock came from a wrong clock."""

_ROUND_MS: Final = 60 * 1000
_ROUNDS: Final = 6
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


class Turning(Struct, frozen=True):
    """What an aerator's monitor said last."""

    taken_ms: int
    is_running: bool


class Watched(Struct):
    """What is known of a device.

    ``newest_ms`` is when it measured last, ``rounds`` when its newest rounds over its
    probes began.
    """

    tracked: dict[str, Tracked] = {}
    newest_ms: int = 0
    rounds: list[int] = []
    is_silent: bool = False
    aerators: dict[str, Turning] = {}


def is_news(at_ms: int, newest_ms: int, recorded_ms: int) -> bool:
    """Return whether a reading says more than the newest one before it.

    What a clock far ahead has stamped cannot make old news of the truth after it.
    """
    return at_ms > newest_ms or newest_ms > recorded_ms + AHEAD_MS


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


def new_alarm(
    condition: str,
    place: Place,
    reading: Reading,
    side: str,
    severity: Severity,
    began_ms: int,
    is_late: bool,
) -> Alarm:
    """Return the alarm that begins with a reading beyond a limit."""
    return Alarm(
        id=life.alarm_id(condition, began_ms),
        organisation=place.organisation,
        condition=condition,
        kind="limit",
        severity=severity,
        state=AlarmState.RAISED,
        began_ms=began_ms,
        raised_ms=reading.taken_ms,
        site=place.site,
        unit=place.unit,
        channel=reading.channel,
        side=side,
        is_late=is_late,
        is_simulated=place.is_simulated,
    )


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
