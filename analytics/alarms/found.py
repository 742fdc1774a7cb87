"""A latch that is on, and what the alarm about it says. Pure."""

from collections.abc import Iterable
from typing import Any, NamedTuple

from analytics.alarms import life
from analytics.alarms.signals import fell_from, latch_name
from analytics.alarms.tracked import Tracked
from analytics.places import Place
from greenwater.kernel.channels import Channel
from greenwater.kernel.ids import DeviceId, ProbeId
from greenwater.kernel.reading import Reading
from greenwater.reference.alarm_rules import RULES, ChangeRule, about, change_rules
from greenwater.reference.limits import Bounds, Severity, SpeciesLimits
from greenwater.reference.own_limits import is_looser, on_side, own_of
from greenwater.storage.registry.alarms import Alarm, AlarmState


class Found(NamedTuple):
    """A latch that is on, where it is, and the probe beside it that contradicts it."""

    severity: Severity
    device: DeviceId
    key: str
    name: str
    tracked: Tracked
    against: Tracked | None = None

    @property
    def probe(self) -> ProbeId:
        """The probe's id."""
        return ProbeId(self.key.partition("/")[0])


def gravest(among: Iterable[Found]) -> Found | None:
    """Return the gravest of them, then the one farthest beyond; None of none."""

    def place(one: Found) -> tuple[int, float, DeviceId, str]:
        sign = 1 if one.name.startswith("low") else -1
        return one.severity.rank, -sign * one.tracked.value, one.device, one.key

    return max(among, key=place, default=None)


def contradicting(
    side: str, tracked: Tracked, records: Iterable[Tracked]
) -> Tracked | None:
    """Return a fresh probe at the same depth that is well, where this one is not."""
    rule = RULES.neighbour
    for one in records:
        if one is tracked or one.depth_m is None or tracked.depth_m is None:
            continue
        is_near = abs(one.depth_m - tracked.depth_m) <= rule.apart_m
        is_fresh = abs(one.taken_ms - tracked.taken_ms) <= rule.fresh_s * 1000
        is_well = not any(
            latch.is_on or latch.since_ms is not None
            for name, latch in one.latches.items()
            if name.startswith(f"{side}/")
        )
        if is_near and is_fresh and is_well:
            return one
    return None


def rule_of(found: Found, place: Place) -> ChangeRule | None:
    """Return the rule whose latch it is; None for a level."""
    channel = Channel(found.key.partition("/")[2])
    rules = change_rules(place.species, channel)
    return next((one for one in rules if latch_name(one) == found.name), None)


def limit_of(
    found: Found, rule: ChangeRule | None, limits: SpeciesLimits | None
) -> float | None:
    """Return the limit that was left, in the channel's unit."""
    if rule is not None:
        return rule.limit
    side, severity = found.name.split("/")[:2]
    bounds = (limits.bounds(Severity(severity)) if limits else None) or Bounds()
    return bounds.low if side == "low" else bounds.high


def detail_of(
    found: Found, rule: ChangeRule | None, limits: SpeciesLimits | None
) -> dict[str, Any]:
    """Return what the alarm rests on, and what of the past and beside it explains it."""
    tracked = found.tracked
    detail: dict[str, Any] = {}
    if limits is not None:
        detail = {
            "basis": limits.basis,
            "source": limits.source,
            "verified": limits.verified,
            "species": limits.species,
        }
    if rule is not None:
        detail |= {**about(rule), "rule": rule.kind, "over_s": rule.over_s}
    names = [name.rpartition("/")[2] for name in tracked.signals]
    if any(name.startswith("fall") for name in names):
        value, from_ms = fell_from(tracked.slots, tracked.taken_ms, 24 * 3600.0)
        detail |= {"from": round(value, 3), "from_ms": from_ms}
    if "lens" in names:
        detail["lens"] = next(
            value for name, value in tracked.signals.items() if name.endswith("/lens")
        )
    if found.against is not None:
        detail["against"] = found.against.value
    return detail


def own_detail(
    place: Place,
    reference: SpeciesLimits | None,
    channel: Channel,
    severity: Severity,
    side: str,
) -> dict[str, Any]:
    """Return who set a place's level, when, why, and what its species' is.

    Empty: nobody did, it is the species' level (``reference``).
    """
    ours = own_of(place.own, place.species, channel)
    value = None if ours is None else ours.level(severity, side)
    if ours is None or value is None:
        return {}
    return {
        "own": {
            "person": ours.person,
            "set_ms": ours.set_ms,
            "reason": ours.reason,
            "species_limit": on_side(
                reference.bounds(severity) if reference else None, side
            ),
            "is_looser": is_looser(reference, severity, side, value),
        }
    }


def new_alarm(
    condition: str,
    place: Place,
    reading: Reading,
    side: str,
    found: Found,
    *,
    is_late: bool,
) -> Alarm:
    """Return the alarm that begins with a reading."""
    began_ms = found.tracked.latches[found.name].began_ms
    return Alarm(
        id=life.alarm_id(condition, began_ms),
        organisation=place.organisation,
        condition=condition,
        kind="limit",
        severity=found.severity,
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
