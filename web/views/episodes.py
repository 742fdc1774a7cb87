"""Stretches of odd readings at a unit: is it the probe or the water, and what to do."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from greenwater.kernel.findings import Episode, EpisodeKind
from greenwater.kernel.reading import DAY_MS
from greenwater.reference.causes import CAUSES
from greenwater.storage.registry.places import UnitInfo
from greenwater.storage.telemetry.ports import Series, Span
from web.ports import Services
from web.views.cards import titles
from web.views.facts import Facts
from web.views.formats import clock_time, day, moment, number
from web.words import Lang, channel_name, say

SINCE_MS: Final = 3 * DAY_MS
LASTING_MS: Final = 30 * 60_000
SHOWN: Final = 6


@dataclass(frozen=True)
class EpisodeView:
    """One episode in words."""

    kind: str
    is_sensor: bool
    is_open: bool
    what: str
    when: str
    where: str
    compared: str


def episodes_of(
    services: Services, facts: Facts, unit: UnitInfo, lang: Lang
) -> list[EpisodeView]:
    """Return what was odd at a unit in the last days, the newest first.

    A probe's fault that was over within minutes, such as a spike, is left to the flags.
    """
    hanging = list(facts.in_units.get(unit.id, ()))
    found: list[tuple[Episode, str]] = []
    for one, title in zip(hanging, titles(lang, hanging), strict=True):
        hung = one.deployed
        start_ms = max(facts.now_ms - SINCE_MS, hung.from_ms)
        span = Span(Series(hung.device, hung.probe), start_ms, facts.now_ms + 1)
        some = services.telemetry.findings.episodes(span)
        found += [(episode, title) for episode in some if is_worth_it(episode)]
    found.sort(key=lambda pair: (pair[0].is_open, pair[0].end_ms), reverse=True)
    return [
        episode_view(lang, episode, title if len(hanging) > 1 else "", facts.now_ms)
        for episode, title in found[:SHOWN]
    ]


def is_worth_it(one: Episode) -> bool:
    """Return whether an episode is told: a spike of minutes is left to the flags."""
    lasts = one.end_ms - one.start_ms >= LASTING_MS
    return lasts or one.kind is EpisodeKind.WATER


def episode_view(lang: Lang, one: Episode, title: str, now_ms: int) -> EpisodeView:
    """Return an episode in words."""
    cause = CAUSES.get(one.cause)
    words = one.cause if cause is None else lang.of(cause)
    is_sensor = one.kind is EpisodeKind.SENSOR
    return EpisodeView(
        say(lang, "episode_sensor" if is_sensor else "episode_water"),
        is_sensor,
        one.is_open,
        f"{words[:1].upper()}{words[1:]}.",
        _when(lang, one, now_ms),
        " · ".join(filter(None, (title, _channels(lang, one)))),
        " · ".join(
            filter(
                None,
                (
                    say(
                        lang, "episode_sure", share=number(lang, 100 * one.probability)
                    ),
                    _compared(lang, one),
                ),
            )
        ),
    )


def _compared(lang: Lang, one: Episode) -> str:
    """Return what a probe was held to, where it was to more than its last readings."""
    how = one.compared_with.partition(" ")[0]
    return say(lang, f"episode_by_{how}") if how in ("days", "probe", "hand") else ""


def _when(lang: Lang, one: Episode, now_ms: int) -> str:
    start = moment(lang, one.start_ms, now_ms)
    if one.is_open:
        return say(lang, "episode_since", start=start)
    is_same_day = day(one.start_ms) == day(one.end_ms)
    end = clock_time(one.end_ms) if is_same_day else moment(lang, one.end_ms, now_ms)
    return say(lang, "stretch", start=start, end=end)


def _channels(lang: Lang, one: Episode) -> str:
    names: Sequence[str] = [
        channel_name(lang, channel, is_short=True) for channel in one.channels
    ]
    return ", ".join(dict.fromkeys(names))
