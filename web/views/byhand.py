"""Readings of one water by hand that say different things: two people, or a slip of one."""

from collections.abc import Iterator
from typing import Final

from greenwater.kernel.reading import MINUTE_MS, Source
from greenwater.storage.registry.places import UnitInfo
from greenwater.storage.telemetry.ports import Series, Span
from web.ports import Services
from web.views.cards import HAND_STALE_MS, value_text
from web.views.facts import Facts, Hanging
from web.words import Lang, channel_name, say

AT_ONCE_MS: Final = 5 * MINUTE_MS
"""Readings so near to each other are of the same water."""


def disputes_of(
    services: Services, facts: Facts, unit: UnitInfo, lang: Lang
) -> list[str]:
    """Return a sentence for each channel that was lately read by hand as two values."""
    return [
        words
        for one in facts.in_units.get(unit.id, ())
        if one.source is Source.HAND
        for words in _of_probe(services, one, facts.now_ms, lang)
    ]


def _of_probe(
    services: Services, one: Hanging, now_ms: int, lang: Lang
) -> Iterator[str]:
    newest_ms = one.newest_ms
    if newest_ms is None or now_ms - newest_ms >= HAND_STALE_MS:
        return
    series = Series(one.deployed.device, one.deployed.probe)
    span = Span(series, newest_ms - AT_ONCE_MS, newest_ms + AT_ONCE_MS)
    told: dict[str, dict[str, None]] = {}
    for reading in services.telemetry.read(span):
        if reading.value is not None:
            name = channel_name(lang, reading.channel, is_short=True)
            told.setdefault(name, {})[value_text(lang, reading)] = None
    for name, values in told.items():
        if len(values) > 1:
            yield say(lang, "hand_differs", channel=name, values=" · ".join(values))
