"""What is forecast of a unit's oxygen: the next day in words, numbers and a drawing.

The honesty stands beside the number: between what it will lie, which method it comes
from, and how much better than the simple way of reckoning that has been lately.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from markupsafe import Markup, escape

from greenwater.derived.unit_water import UnitWater
from greenwater.kernel.channels import Channel
from greenwater.kernel.findings import Forecast, Outlook
from greenwater.kernel.reading import DAY_MS, HOUR_MS
from greenwater.reference.limits import Severity, SpeciesLimits
from greenwater.reference.own_limits import unit_limits
from greenwater.storage.registry.places import UnitInfo
from greenwater.storage.telemetry.ports import Bucket, Series, Span
from web.ports import Services
from web.views.cards import titles
from web.views.charts import (
    HEIGHT,
    LEFT,
    RIGHT,
    WIDTH,
    Scale,
    Window,
    axes,
    padded,
    stretch,
    stretches,
)
from web.views.facts import Facts, Hanging
from web.views.formats import amount, clock_time, moment, number
from web.views.series import water_now
from web.words import Lang, say

SHOWN_MS: Final = 6 * HOUR_MS
"""A forecast made longer ago than this says nothing of now."""
PAST_MS: Final = 12 * HOUR_MS
EVERY_MS: Final = 10 * 60_000


@dataclass(frozen=True)
class OutlookRow:
    """One hour to come."""

    at: str
    value: str
    band: str
    state: str


@dataclass(frozen=True)
class ForecastView:
    """One probe's forecast."""

    title: str
    lowest: str
    state: str
    skill: str
    made: str
    rows: tuple[OutlookRow, ...]
    svg: Markup


def forecasts_of(
    services: Services, facts: Facts, unit: UnitInfo, lang: Lang
) -> list[ForecastView]:
    """Return what is forecast at a unit, a view for each probe with a forecast."""
    hanging = [
        one
        for one in facts.in_units.get(unit.id, ())
        if any(
            r.channel is Channel.DISSOLVED_OXYGEN for r in (*one.readings, *one.derived)
        )
    ]
    water = water_now(services, facts.in_units.get(unit.id, ()))
    limits = unit_limits(unit.species, unit.limits, Channel.DISSOLVED_OXYGEN)
    found = []
    for one, title in zip(hanging, titles(lang, hanging), strict=True):
        made = _newest(services, one, facts.now_ms)
        if made is not None:
            past = _past(water, one, made.made_ms)
            label = title if len(hanging) > 1 else ""
            found.append(forecast_view(lang, made, past, limits, facts.now_ms, label))
    return found


def bulletins_of(
    services: Services, facts: Facts, unit: UnitInfo, lang: Lang
) -> list[str]:
    """Return the newest evening's and morning's sentence of a day, the newest first."""
    found = services.seen.bulletins(unit=unit.id, from_ms=facts.now_ms - DAY_MS)
    newest = {one.kind: one for one in reversed(found)}
    ordered = sorted(newest.values(), key=lambda one: -one.made_ms)
    return [lang.of(one) for one in ordered]


def forecast_view(
    lang: Lang,
    made: Forecast,
    past: Sequence[Bucket],
    limits: SpeciesLimits | None,
    now_ms: int,
    title: str = "",
) -> ForecastView:
    """Return a forecast in words and a drawing, held against a unit's limits."""
    rows = tuple(_row(lang, made, one, limits) for one in made.outlooks)
    lowest = min(made.outlooks, key=lambda one: one.value)
    told = say(
        lang,
        "forecast_lowest",
        value=amount(lang, made.channel, lowest.value),
        time=_when(lang, made, lowest, now_ms),
        low=_plain(lang, lowest.low),
        high=_plain(lang, lowest.high),
    )
    return ForecastView(
        title,
        told,
        _state(limits, lowest.value),
        _skill(lang, made),
        say(lang, "forecast_made", time=moment(lang, made.made_ms, now_ms)),
        rows,
        _drawn(lang, made, past, limits, told),
    )


def _newest(services: Services, one: Hanging, now_ms: int) -> Forecast | None:
    series = Series(one.deployed.device, one.deployed.probe)
    span = Span(series, now_ms - SHOWN_MS, now_ms + 1)
    found = services.telemetry.findings.newest_forecast(span)
    return found if found is not None and found.outlooks else None


def _past(water: UnitWater, one: Hanging, made_ms: int) -> Sequence[Bucket]:
    series = Series(one.deployed.device, one.deployed.probe)
    span = Span(series, made_ms - PAST_MS, made_ms + EVERY_MS)
    return water.downsample(span, Channel.DISSOLVED_OXYGEN, EVERY_MS)


def _row(
    lang: Lang, made: Forecast, one: Outlook, limits: SpeciesLimits | None
) -> OutlookRow:
    return OutlookRow(
        clock_time(_at_ms(made, one)),
        amount(lang, made.channel, one.value),
        f"{_plain(lang, one.low)}–{_plain(lang, one.high)}",
        _state(limits, one.value),
    )


def _at_ms(made: Forecast, one: Outlook) -> int:
    return made.made_ms + round(one.horizon_h * HOUR_MS)


def _when(lang: Lang, made: Forecast, one: Outlook, now_ms: int) -> str:
    at_ms = _at_ms(made, one)
    is_tomorrow = moment(lang, at_ms, now_ms) != clock_time(at_ms)
    key = "forecast_tomorrow" if is_tomorrow else "forecast_today"
    return say(lang, key, time=clock_time(at_ms))


def _plain(lang: Lang, value: float) -> str:
    return number(lang, max(value, 0.0), 1)


def _state(limits: SpeciesLimits | None, value: float) -> str:
    """Return ``critical``, ``warn`` or ``good``, by a unit's limits."""
    if limits is None:
        return "good"
    for severity in (Severity.CRITICAL, Severity.WARN):
        bounds = limits.bounds(severity)
        if bounds is not None and not bounds.holds(value):
            return str(severity)
    return "good"


def _skill(lang: Lang, made: Forecast) -> str:
    """Return how much better than the simple way it has been, in one sentence."""
    known = [one.skill for one in made.outlooks if one.skill is not None]
    if not made.model or not known:
        return say(lang, "forecast_simple")
    best = sum(known) / len(known)
    if best <= 0:
        return say(lang, "forecast_doubtful")
    return say(lang, "forecast_skill", share=number(lang, 100 * best))


def _drawn(
    lang: Lang,
    made: Forecast,
    past: Sequence[Bucket],
    limits: SpeciesLimits | None,
    alt: str,
) -> Markup:
    last = past[-1].mean if past else made.outlooks[0].value
    points = [(made.made_ms, last, last, last)] + [
        (_at_ms(made, one), one.value, max(one.low, 0.0), one.high)
        for one in made.outlooks
    ]
    values = [edge for point in points for edge in point[1:]] + [b.mean for b in past]
    low, high = padded(min(values), max(values))
    window = Window(made.made_ms - PAST_MS, points[-1][0], EVERY_MS)
    scale = Scale(window, max(low, 0.0), high)
    parts = axes(
        scale,
        (min(values), max(values)),
        lambda value: _plain(lang, value),
        clock_time,
    )
    parts += _limits(scale, limits)
    upper = [f"{scale.x(at):.1f},{scale.y(top):.1f}" for at, _, _, top in points]
    lower = [f"{scale.x(at):.1f},{scale.y(least):.1f}" for at, _, least, _ in points]
    middle = " ".join(
        f"{scale.x(at):.1f},{scale.y(value):.1f}" for at, value, _, _ in points
    )
    outline = " ".join((*upper, *reversed(lower)))
    parts.append(Markup('<polygon class="band" points="{}"/>').format(outline))
    parts.append(Markup('<polyline class="l0 ahead" points="{}"/>').format(middle))
    parts += [stretch(part, scale, 0) for part in stretches(past, EVERY_MS)]
    return Markup(
        '<svg viewBox="0 0 {w:g} {h:g}" role="img" aria-label="{alt}">{body}</svg>'
    ).format(w=WIDTH, h=HEIGHT, alt=escape(alt), body=Markup("").join(parts))


def _limits(scale: Scale, limits: SpeciesLimits | None) -> list[Markup]:
    """Return the limits' lines, those that lie within the drawing."""
    found = []
    for severity in (Severity.WARN, Severity.CRITICAL):
        bounds = None if limits is None else limits.bounds(severity)
        value = None if bounds is None else bounds.low
        if value is not None and scale.low < value < scale.high:
            found.append(
                Markup('<path class="limit {}" d="M{:g} {:.1f}H{:g}"/>').format(
                    severity, LEFT, scale.y(value), WIDTH - RIGHT
                )
            )
    return found
