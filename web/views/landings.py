"""What the page of a trip shows of its landings: goods, the gate, lots, papers."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from greenwater.storage.registry.books import Lot, Product
from greenwater.storage.registry.overrides import Override
from traceability.gate.overriding import LIFTABLE
from traceability.sea.drawing import Balance
from traceability.sea.gate import subject_of
from traceability.sea.trip_book import Standing
from traceability.sea.trip_case import Asked
from web.views.formats import exact
from web.views.refused import refusal_texts
from web.views.seawords import kilograms_text, species_name
from web.words import Lang, say


@dataclass(frozen=True)
class RefusalView:
    """One refusal; ``subject`` is given where two people may lift it."""

    code: str
    text: str
    cure: str
    subject: str = ""


@dataclass(frozen=True)
class OverrideView:
    """An override that waits, or is in force."""

    id: str
    text: str
    by: str
    is_agreed: bool
    may_agree: bool


@dataclass(frozen=True)
class GoodsView:
    """One species of a landing: what was weighed, drawn, what stands against a lot."""

    species: str
    name: str
    landed: str
    left: str
    left_kg: float
    refusals: Sequence[RefusalView]
    warnings: Sequence[tuple[str, str]]
    overrides: Sequence[OverrideView]
    products: Sequence[tuple[str, str]]
    lot: str


@dataclass(frozen=True)
class PaperBalanceView:
    """The landing or a paper of it: what is on it, and what is left."""

    id: str
    kind: str
    name: str
    holder: str
    has: str
    left: str
    next_kind: str
    next_name: str
    is_short: bool


@dataclass(frozen=True)
class LandingView:
    """One landing."""

    id: str
    title: str
    receiver: str
    goods: Sequence[GoodsView]
    lots: Sequence[tuple[str, str]]
    papers: Sequence[PaperBalanceView] = field(default_factory=tuple)


def refusal_views(lang: Lang, landing: str, asked: Asked) -> list[RefusalView]:
    """Return the gate's refusals; those that two people may lift with their subject."""
    texts = refusal_texts(lang, asked.standing)
    return [
        RefusalView(
            one.code, text, cure,
            subject_of(landing, one) if one.code in LIFTABLE else "",
        )
        for one, (text, cure) in zip(asked.standing, texts, strict=True)
    ]  # fmt: skip


def override_views(
    lang: Lang, asked: Asked, names: Mapping[str, str], person: str | None
) -> list[OverrideView]:
    """Return the overrides that wait, and those in force."""

    def view(one: Override, *, is_agreed: bool) -> OverrideView:
        by = names.get(one.person, one.person)
        if one.second is not None:
            by += f", {names.get(one.second, one.second)}"
        return OverrideView(
            one.id, f"{say(lang, f'sea_override_{one.code}')}: {one.reason}", by,
            is_agreed, not is_agreed and person is not None and person != one.person,
        )  # fmt: skip

    return [
        *(view(one, is_agreed=False) for one in asked.asked),
        *(view(one, is_agreed=True) for one in asked.lifted),
    ]


Ask = Callable[[str, str], Asked]


def goods_views(
    lang: Lang,
    landing: Standing,
    drawn: Mapping[str, float],
    ask: Ask,
    products: Sequence[Product],
    new_lot: Callable[[], str],
    names: Mapping[str, str],
    person: str | None,
) -> list[GoodsView]:
    """Return a landing's species, each with the gate's answer."""
    found = []
    for species, kg in landing.kilograms.items():
        asked = ask(landing.root, species)
        left = round(kg - drawn.get(species, 0.0), 3)
        ours = [one for one in products if one.species == species]
        found.append(
            GoodsView(
                species,
                species_name(lang, species),
                exact(lang, kg),
                exact(lang, left),
                max(0.0, left),
                refusal_views(lang, landing.root, asked),
                refusal_texts(lang, asked.warnings),
                override_views(lang, asked, names, person),
                [(one.id, one.name_vi) for one in ours],
                new_lot(),
            )
        )
    return found


_NEXT = {"": "receipt", "receipt": "sc", "sc": "cc", "cc": ""}


def balance_views(lang: Lang, balances: Sequence[Balance]) -> list[PaperBalanceView]:
    """Return a landing's balance and that of each of its papers."""
    found = []
    for one in balances:
        kind = "" if one.paper is None else one.paper.kind
        title = say(lang, f"sea_paper_kind_{kind or 'landing'}")
        found.append(
            PaperBalanceView(
                "" if one.paper is None else one.paper.id,
                kind,
                title if one.paper is None else f"{title} {one.paper.number}",
                "" if one.paper is None else one.paper.holder,
                kilograms_text(lang, one.has),
                kilograms_text(lang, one.left),
                _NEXT[kind],
                say(lang, f"sea_paper_kind_{_NEXT[kind]}") if _NEXT[kind] else "",
                any(kg < 0 for kg in one.left.values()),
            )
        )
    return found


def lot_links(lang: Lang, lots: Sequence[Lot]) -> list[tuple[str, str]]:
    """Return lots as (address, name)."""
    return [
        (f"/lots/{one.id}", f"{one.code}, {exact(lang, one.kg)} kg") for one in lots
    ]
