"""What a label's page says beside its passport: copies, recalls, inspections, what the label tells."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from markupsafe import Markup

from greenwater.reference.production import find_method
from greenwater.reference.provinces import PROVINCES
from greenwater.reference.species import SPECIES
from greenwater.storage.registry import Registry
from greenwater.storage.registry.labels import Label
from traceability.label.scanning import Scanning
from traceability.proof.copies import Suspicion, Why
from traceability.proof.labelfacts import read_facts
from traceability.proof.verify import Code
from web.views.formats import day, exact
from web.views.seawords import gear_name
from web.words import Lang, said, say

NONE: Final = Markup("")
# The same for every page: made once.
OPTIONS: Final = Markup("").join(
    Markup('<option value="{}">{}</option>').format(one.id, one.name)
    for one in PROVINCES.values()
)


@dataclass(frozen=True)
class Notices:
    """What is said beside a passport; empty where nothing is.

    ``uri`` is the label's address, ``copied`` what is said of a suspicion, with care,
    ``recalled`` of a recall where the verdict is another. ``inspections`` are days with
    results, ``places`` the provinces that one may say one is in, as options.
    """

    uri: str = ""
    copied: str = ""
    recalled: str = ""
    inspections: Sequence[tuple[str, str, str]] = ()
    places: Markup = NONE


def inspected(registry: Registry, lang: Lang, lot: str) -> list[tuple[str, str, str]]:
    """Return a lot's inspections as the public sees them: day, result, its words."""
    return [
        (day(one.happened_ms), one.result, say(lang, f"inspection_{one.result}"))
        for one in registry.inspections(lot=lot)
    ]


def notices_of(
    registry: Registry, scanning: Scanning, lang: Lang, label: Label, verdict: Code
) -> Notices:
    """Return what stands beside the passport of a label of that verdict."""
    return Notices(
        label.uri,
        say(lang, "passport_copied") if scanning.against(label) else "",
        "" if verdict is Code.RECALLED else _recalled(registry, lang, label.lot),
        inspected(registry, lang, label.lot),
        OPTIONS,
    )


def _recalled(registry: Registry, lang: Lang, lot: str) -> str:
    """Return that a lot is called back; empty: it is not."""
    found = next(iter(registry.recalls_upon(lot)), None)
    if found is None:
        return ""
    why = say(lang, "verdict_recalled_why", reason=found.reason, phone=found.phone)
    return f"{say(lang, 'verdict_recalled')}. {why}"


def suspicion_text(lang: Lang, one: Suspicion) -> str:
    """Return a suspicion in words for those on duty."""
    if one.why is Why.FAR:
        places = [PROVINCES[p].name if p in PROVINCES else p for p in one.places]
        facts = {"one": places[0], "other": places[1], "hours": one.hours, "km": one.km}
        return say(lang, "suspicion_far", **facts)
    return say(lang, f"suspicion_{one.why}", count=one.count)


def told_facts(lang: Lang, facts: Mapping[str, str]) -> list[tuple[str, str]]:
    """Return what a signed label says of the goods: (word, text)."""
    goods = read_facts(facts)
    code = goods.species or ""
    species, method = SPECIES.get(code), find_method(goods.method or "")
    named = "" if species is None else lang.of(species)
    way = "" if method is None else lang.of(method)
    days = dict.fromkeys(f"{one:%d/%m/%Y}" for one in goods.harvested or ())
    rows = (
        ("check_species", f"{named} ({code})".strip() if code else ""),
        ("check_net_weight", _kg(lang, goods.net_kg)),
        ("check_harvested", " – ".join(days)),
        ("check_method", way or goods.method or ""),
        ("check_area", goods.area or ""),
        ("check_gear", gear_name(lang, goods.gear) if goods.gear else ""),
        ("check_use_by", f"{goods.use_by:%d/%m/%Y}" if goods.use_by else ""),
    )
    return said(lang, rows)


def _kg(lang: Lang, kg: float | None) -> str:
    return "" if kg is None else f"{exact(lang, kg)} kg"
