"""A box that says nothing: when that counts, and the alarm about it. Pure."""

from itertools import pairwise
from typing import Final

from msgspec.structs import replace

from analytics.alarms import life
from analytics.alarms.standing import Standing
from analytics.alarms.tracked import Watched, trend_per_h
from analytics.places import Places
from greenwater.kernel.channels import Channel
from greenwater.kernel.ids import DeviceId, DeviceState
from greenwater.reference.limits import Severity
from greenwater.storage.registry.alarms import Alarm, AlarmState

SILENT_MS: Final = 10 * 60 * 1000
"""The shortest silence worth an alarm, however often a box reports."""

SILENT_INTERVALS: Final = 3


def silent_after(watched: Watched) -> int | None:
    """Return when a device that says nothing more counts as silent.

    After three of its intervals, as the widest of its newest ones tells them; None for
    one that has measured once only, whose interval nobody knows.
    """
    if len(watched.rounds) < 2:
        return None
    step_ms = max(b - a for a, b in pairwise(watched.rounds))
    return watched.newest_ms + max(SILENT_INTERVALS * step_ms, SILENT_MS)


def is_expected(device: DeviceId, at_ms: int, places: Places) -> bool:
    """Return whether a device should be heard of at an instant.

    At sea silence is normal; what hangs nowhere measures nothing; people measure when
    they like.
    """
    info = places.devices.get(device)
    return (
        info is not None
        and info.site is not None
        and info.state is DeviceState.ACTIVE
        and bool(places.units_of(device, at_ms))
    )


def silenced(
    standing: Standing, device: DeviceId, watched: Watched, at_ms: int, places: Places
) -> None:
    """Raise the alarm about a device that has been silent since ``at_ms``, or again."""
    if not is_expected(device, at_ms, places):
        return
    watched.is_silent = True
    standing.changes.devices.add(device)
    alarm = standing.renewed(f"silence/{device}", at_ms)
    if alarm is not None:
        # People are told of this silence, not of the one that was over.
        alarm = replace(alarm, began_ms=watched.newest_ms, raised_ms=at_ms)
        known = last_known(alarm, watched)
        standing.apply(life.again(known, at_ms), at_ms, is_late=False)
        return
    alarm = last_known(_new(device, watched, at_ms, places), watched)
    standing.apply(life.raised(alarm), at_ms, is_late=False)


def _new(device: DeviceId, watched: Watched, at_ms: int, places: Places) -> Alarm:
    condition = f"silence/{device}"
    info, units = places.devices[device], places.units_of(device, at_ms)
    return Alarm(
        id=life.alarm_id(condition, watched.newest_ms),
        organisation=info.organisation,
        condition=condition,
        kind="silence",
        severity=Severity.CRITICAL,
        state=AlarmState.RAISED,
        began_ms=watched.newest_ms,
        raised_ms=at_ms,
        site=info.site,
        unit=units[0],
        device=device,
        is_simulated=info.is_simulated,
        detail={"units": list(units)},
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
