"""What was changed of a place or a boat, in words: who, when, from what to what. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from greenwater.reference.communes import shown_name
from greenwater.storage.registry.place_changes import PlaceChange
from web.views.formats import exact, moment
from web.views.seawords import species_name
from web.words import Lang, say

UNTOLD: Final = frozenset({"latitude", "longitude"})


@dataclass(frozen=True)
class ChangeView:
    """One change."""

    at: str
    who: str
    what: tuple[str, ...]


def change_view(
    lang: Lang, at_ms: int, who: str | None, what: tuple[str, ...], now_ms: int
) -> ChangeView:
    """Return one change; ``who`` None: nobody knows the name any more."""
    return ChangeView(moment(lang, at_ms, now_ms), who or say(lang, "somebody"), what)


def change_views(
    lang: Lang,
    changes: Iterable[PlaceChange],
    names: Mapping[str, str],
    rafts: Mapping[str, str],
    now_ms: int,
) -> list[ChangeView]:
    """Return what pages say of changes; ``names`` are people's, ``rafts`` rafts'."""
    return [
        change_view(
            lang,
            one.at_ms,
            names.get(one.person),
            tuple(
                _words(lang, field, one.was[field], became, rafts)
                for field, became in one.became.items()
                if field not in UNTOLD
            ),
            now_ms,
        )
        for one in changes
    ]


def _words(
    lang: Lang, field: str, was: Any, became: Any, rafts: Mapping[str, str]
) -> str:
    if field == "closed_ms":
        return say(lang, "change_closed" if was is None else "change_reopened")
    told = [_told(lang, field, value, rafts) for value in (was, became)]
    return f"{say(lang, f'change_{field}')}: {told[0]} → {told[1]}"


def _told(lang: Lang, field: str, value: Any, rafts: Mapping[str, str]) -> str:
    if value is None:
        return say(lang, "choice_unsaid")
    if field == "commune":
        return shown_name(value)
    if field == "species":
        return species_name(lang, value)
    if field == "raft":
        return rafts.get(value, say(lang, "unit_no_raft"))
    return exact(lang, value) if isinstance(value, float) else str(value)
