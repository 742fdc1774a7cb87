"""Alarms that other parts of analytics claim: episodes at probes, forecasts of oxygen. Pure.

``episode_alarm`` and ``forecast_alarm`` say what they have found, in the words of alarms;
``Watch.claim`` makes the alarms live as all others do.
"""

from typing import Any, Final

from msgspec import Struct
from msgspec.structs import replace

from analytics.alarms import life
from analytics.alarms.found import own_detail
from analytics.alarms.silence import hour_of
from analytics.alarms.standing import Standing
from analytics.places import Place, Places
from analytics.water.episodes import Episode
from greenwater.kernel.channels import Channel
from greenwater.kernel.reading import HOUR_MS
from greenwater.reference.alarm_rules import RULES, about, is_between_hours
from greenwater.reference.limits import Severity, species_limits
from greenwater.reference.own_limits import unit_limits
from greenwater.storage.registry.alarm_kinds import AlarmKind
from greenwater.storage.registry.alarms import Alarm, AlarmState

FORECAST_LASTS: Final = 2
"""A forecast that is not renewed for so many of its steps is no forecast any more."""


class Claim(Struct, frozen=True, kw_only=True):
    """That a condition holds, or (``is_over``) that it holds no more, since ``at_ms``.

    ``began_ms`` is when it began: with ``condition`` it makes the alarm's id, so that the
    same claim made twice is one alarm.
    """

    condition: str
    kind: AlarmKind
    severity: Severity
    place: Place
    began_ms: int
    at_ms: int
    is_over: bool = False
    device: str | None = None
    probe: str | None = None
    channel: str | None = None
    side: str | None = None
    value: float | None = None
    limit: float | None = None
    detail: dict[str, Any] = {}


def episode_alarm(place: Place, one: Episode, *, is_over: bool = False) -> Claim:
    """Return what a fault of a probe means for people: to be watched, nobody is woken.

    While it stands, what its channel says is not believed where a probe beside it says
    otherwise, and only there: it hides no crash. Where nothing but the probe's own past
    speaks against it (``is_alone``), it is believed all the same.
    """
    return Claim(
        condition=f"episode/{one.device}/{one.probe}/{one.channel}",
        kind="episode",
        severity=Severity.WATCH,
        place=place,
        began_ms=one.start_ms,
        at_ms=one.end_ms,
        is_over=is_over,
        device=one.device,
        probe=one.probe,
        channel=one.channel,
        detail={
            "basis": "practice",
            "source": "note: detectors of greenwater, docs/analytics.md",
            "verified": False,
            "cause": one.cause,
            "is_sensor": not one.is_alone,
            "probability": round(one.probability, 3),
            "vi": one.words_vi,
            "en": one.words_en,
            "compared_with": one.compared,
        },
    )


def is_forecast_hour(at_ms: int) -> bool:
    """Return whether forecasts of an instant may make alarms: dusk + 3 h until dawn."""
    rule = RULES.forecast
    return is_between_hours(hour_of(at_ms), rule.from_h, rule.to_h)


def forecast_alarm(
    place: Place,
    at_ms: int,
    value: float,
    low: float,
    lead_h: float,
    *,
    probability: float | None = None,
    is_warned: bool = False,
) -> Claim | None:
    """Return what a forecast of oxygen means for people; None: nothing to say.

    ``value`` mg/L is expected in ``lead_h`` hours from ``at_ms``, and hardly less than
    ``low``. Below what the unit's species bears (critical) it is a warning, critical when
    near; otherwise the warning that stood before is over, unless ``is_warned``: the chance
    of a crash is worth a call all the same. The unit's own limit counts. Ask at every
    ``every_s`` of ``alarm_rules.toml``, at the hours of ``is_forecast_hour``.
    """
    channel = Channel.DISSOLVED_OXYGEN
    limits = unit_limits(place.species, place.own, channel)
    if limits is None or limits.critical is None or limits.critical.low is None:
        return None
    rule, limit = RULES.forecast, limits.critical.low
    if place.unit is None or not is_forecast_hour(at_ms):
        return None
    is_near = lead_h <= rule.critical_lead_h
    return Claim(
        condition=f"limit/{place.unit}/{channel}/low",
        kind="forecast",
        severity=Severity.CRITICAL if is_near else Severity.WARN,
        place=place,
        began_ms=at_ms,
        at_ms=at_ms,
        is_over=value >= limit and not is_warned,
        channel=channel,
        side="low",
        value=round(value, 3),
        limit=limit,
        detail={
            **about(rule),
            "for_ms": at_ms + round(lead_h * HOUR_MS),
            "low": round(low, 3),
            "lead_h": round(lead_h, 2),
            "probability": probability,
            **_own(place, channel),
        },
    )


def _own(place: Place, channel: Channel) -> dict[str, Any]:
    species = species_limits(place.species, channel)
    return own_detail(place, species, channel, Severity.CRITICAL, "low")


def claimed(standing: Standing, claim: Claim, places: Places, *, is_late: bool) -> None:
    """Raise, continue or end the alarm that a claim is about."""
    alarm = standing.get(claim.condition)
    if claim.is_over:
        if alarm is not None and alarm.is_active and alarm.kind == claim.kind:
            standing.over(alarm, claim.at_ms)
        return
    alarm = standing.renewed(claim.condition, claim.at_ms)
    if alarm is None:
        out = places.out_of_service(
            claim.at_ms, claim.place.unit, claim.device, claim.probe
        )
        if out is None:
            standing.begin(_new(claim, is_late=is_late), is_late=is_late)
        return
    if alarm.kind != claim.kind:
        return  # it is measured already: a forecast has nothing to add
    known = replace(
        alarm, value=claim.value, worst=claim.value, limit=claim.limit,
        taken_ms=claim.at_ms, detail=claim.detail,
    )  # fmt: skip
    standing.go_on(known, claim.severity, claim.at_ms, is_late=is_late, is_real=False)


def is_kept_up(alarm: Alarm, now_ms: int) -> bool:
    """Return whether a forecast's alarm is still being renewed."""
    lasts_ms = FORECAST_LASTS * RULES.forecast.every_s * 1000
    return now_ms - (alarm.taken_ms or alarm.raised_ms) <= lasts_ms


def _new(claim: Claim, *, is_late: bool) -> Alarm:
    place = claim.place
    return Alarm(
        id=life.alarm_id(claim.condition, claim.began_ms),
        organisation=place.organisation,
        condition=claim.condition,
        kind=claim.kind,
        severity=claim.severity,
        state=AlarmState.RAISED,
        began_ms=claim.began_ms,
        raised_ms=claim.at_ms,
        site=place.site,
        unit=place.unit,
        device=claim.device,
        probe=claim.probe,
        channel=claim.channel,
        side=claim.side,
        depth_m=place.depth_m,
        taken_ms=claim.at_ms,
        value=claim.value,
        worst=claim.value,
        limit=claim.limit,
        is_late=is_late,
        is_simulated=place.is_simulated,
        detail=claim.detail,
    )
