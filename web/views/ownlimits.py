"""A unit's limits as a page says them: what holds, whose it is, what it was before. Pure."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from greenwater.kernel.channels import Channel
from greenwater.reference.limits import Bounds, Severity, SpeciesLimits, species_limits
from greenwater.reference.own_limits import (
    LEVELS,
    SETTABLE,
    SIDES,
    OwnLimits,
    field_of,
    is_looser,
    law_of,
    on_side,
    own_of,
    range_of,
    unit_limits,
)
from greenwater.storage.registry.places import UnitInfo
from greenwater.storage.registry.unit_limits import LimitChange
from web.views.changes import ChangeView, change_view
from web.views.formats import day, limit_amount, limit_number, unit_of
from web.views.seawords import species_name
from web.words import Lang, channel_name, say

_MARKS: Final = {Severity.WARN: "▲", Severity.CRITICAL: "■"}


@dataclass(frozen=True)
class LimitsView:
    """One channel's limits: what holds, and ``whose`` it is; ``looser`` says so plainly.

    ``brief`` are the levels as a list shows them, ``▲ dưới 4,0 mg/L``; ``tag`` is whose.
    """

    channel: str
    name: str
    brief: tuple[str, ...]
    tag: str
    levels: tuple[str, ...]
    whose: str
    reason: str
    looser: tuple[str, ...]
    is_own: bool


@dataclass(frozen=True)
class LimitField:
    """One field of the form: a level on one side, and what it is if nothing is typed."""

    name: str
    label: str
    hint: str


def limits_views(
    lang: Lang, unit: UnitInfo, measured: Iterable[Channel], names: Mapping[str, str]
) -> list[LimitsView]:
    """Return the limits of the channels that are measured at a unit or have some.

    What is measured stands first, in its order.
    """
    here = [one for one in measured if one in SETTABLE]
    others = (one for one in SETTABLE if one not in here)
    return [
        limits_view(lang, unit, channel, names)
        for channel in (*here, *others)
        if channel in here
        or unit_limits(unit.species, unit.limits, channel) is not None
    ]


def limits_view(
    lang: Lang, unit: UnitInfo, channel: Channel, names: Mapping[str, str]
) -> LimitsView:
    """Return one channel's limits at a unit; ``names`` are people's."""
    limits = unit_limits(unit.species, unit.limits, channel)
    ours = own_of(unit.limits, unit.species, channel)
    levels = () if limits is None else _levels(lang, channel, limits.bounds)
    looser = _looser(lang, channel, ours, species_limits(unit.species, channel))
    tag = "limits_as_species" if ours is None else "limits_tag_own"
    return LimitsView(
        str(channel),
        channel_name(lang, channel),
        () if limits is None else _brief(lang, channel, limits),
        say(
            lang,
            "limits_tag_looser" if looser else tag if levels else "limits_tag_none",
        ),
        levels or (say(lang, "limits_none"),),
        _whose(lang, unit, ours, names, limits if levels else None),
        "" if ours is None else ours.reason,
        looser,
        ours is not None,
    )


def limit_fields(lang: Lang, unit: UnitInfo, channel: Channel) -> Sequence[LimitField]:
    """Return the form's fields: low sides first, as each is left first."""
    reference = species_limits(unit.species, channel)
    return [
        LimitField(
            field_of(severity, side),
            say(lang, f"limits_{side}_{severity}"),
            _hint(lang, channel, reference, severity, side),
        )
        for side in SIDES
        for severity in LEVELS
    ]


def typed_limits(lang: Lang, own: OwnLimits | None) -> dict[str, str]:
    """Return what stands in the form's fields before anybody types."""
    found = {field_of(one, side): "" for side in SIDES for one in LEVELS}
    if own is None:
        return {**found, "reason": ""}
    for side in SIDES:
        for severity in LEVELS:
            value = own.level(severity, side)
            if value is not None:
                text = limit_number(lang, own.channel, value)
                found[field_of(severity, side)] = text
    return {**found, "reason": own.reason}


def limit_rules(lang: Lang, unit: UnitInfo, channel: Channel) -> list[str]:
    """Return what bounds the limits of a channel: the law's values, what a probe can say."""
    found = []
    for side in SIDES:
        law = law_of(unit.species, channel, side)
        value = on_side(law.bounds, side) if law else None
        if law is not None and value is not None:
            known = "" if law.verified else say(lang, "limits_unverified")
            told = {"source": law.instrument, "known": known}
            amount = limit_amount(lang, channel, value)
            found.append(say(lang, f"limits_law_{side}", value=amount, **told).strip())
    low, high = (limit_amount(lang, channel, one) for one in range_of(channel))
    found.append(say(lang, "limits_between", low=low, high=high))
    return found


def limit_change_views(
    lang: Lang, changes: Iterable[LimitChange], names: Mapping[str, str], now_ms: int
) -> list[ChangeView]:
    """Return what pages say of changes of a unit's own limits."""
    return [
        change_view(
            lang,
            one.became.set_ms,
            names.get(one.became.person),
            (change_words(lang, one),),
            now_ms,
        )
        for one in changes
    ]


def change_words(lang: Lang, one: LimitChange) -> str:
    """Return one change in words: from what to what, and why."""
    before = one.was or OwnLimits(channel=one.became.channel)
    was, became = _told(lang, before), _told(lang, one.became)
    name = channel_name(lang, one.became.channel)
    said = f"{name}: {was} → {became}"
    return f"{said} ({one.became.reason})" if one.became.reason else said


def _told(lang: Lang, own: OwnLimits) -> str:
    if own.is_empty:
        return say(lang, "limits_as_species")
    levels = {Severity.WARN: own.warn, Severity.CRITICAL: own.critical}
    return ", ".join(_levels(lang, own.channel, levels.get))


def _levels(
    lang: Lang, channel: Channel, bounds_of: Callable[[Severity], Bounds | None]
) -> tuple[str, ...]:
    found = []
    for severity in LEVELS:
        bounds = bounds_of(severity)
        sides = [
            say(lang, f"limits_at_{side}", value=limit_amount(lang, channel, value))
            for side in SIDES
            if (value := on_side(bounds, side)) is not None
        ]
        if sides:
            told = f" {say(lang, 'limits_or')} ".join(sides)
            found.append(say(lang, f"limits_level_{severity}", when=told))
    return tuple(found)


def _brief(lang: Lang, channel: Channel, limits: SpeciesLimits) -> tuple[str, ...]:
    found = []
    for severity in LEVELS:
        bounds = limits.bounds(severity)
        low, high = (on_side(bounds, side) for side in SIDES)
        if low is not None and high is not None:
            least, most = (
                limit_number(lang, channel, low),
                limit_amount(lang, channel, high),
            )
            told = say(lang, "limits_at_both", low=least, high=most)
        elif low is not None:
            told = say(lang, "limits_at_low", value=limit_amount(lang, channel, low))
        elif high is not None:
            told = say(lang, "limits_at_high", value=limit_amount(lang, channel, high))
        else:
            continue
        found.append(f"{_MARKS[severity]} {told}")
    return tuple(found)


def _whose(
    lang: Lang,
    unit: UnitInfo,
    ours: OwnLimits | None,
    names: Mapping[str, str],
    limits: SpeciesLimits | None,
) -> str:
    if ours is not None:
        return say(
            lang,
            "limits_own",
            where=say(lang, f"limits_where_{unit.kind}"),
            name=names.get(ours.person, say(lang, "somebody")),
            day=day(ours.set_ms),
        )
    if limits is None or unit.species is None:
        return ""
    told = {
        "species": species_name(lang, unit.species),
        "basis": say(lang, f"limits_basis_{limits.basis}"),
        "known": "" if limits.verified else say(lang, "limits_unverified"),
    }
    return say(lang, "limits_of_species", **told).strip()


def _looser(
    lang: Lang,
    channel: Channel,
    ours: OwnLimits | None,
    reference: SpeciesLimits | None,
) -> tuple[str, ...]:
    """Return, level by level, what is looser than the species' own."""
    found = []
    for severity in LEVELS if ours is not None and reference is not None else ():
        for side in SIDES:
            mine = ours.level(severity, side) if ours else None
            theirs = on_side(reference.bounds(severity) if reference else None, side)
            if mine is None or theirs is None:
                continue
            if is_looser(reference, severity, side, mine):
                told = {
                    "mine": limit_amount(lang, channel, mine),
                    "theirs": limit_amount(lang, channel, theirs),
                }
                found.append(say(lang, f"limits_looser_{severity}", **told))
    return tuple(found)


def _hint(
    lang: Lang,
    channel: Channel,
    reference: SpeciesLimits | None,
    severity: Severity,
    side: str,
) -> str:
    theirs = on_side(reference.bounds(severity) if reference else None, side)
    unit = unit_of(channel)
    measure = f"{unit}; " if unit else ""
    if theirs is None:
        return measure + say(lang, "limits_hint_none")
    value = limit_number(lang, channel, theirs)
    return measure + say(lang, "limits_hint", value=value)
