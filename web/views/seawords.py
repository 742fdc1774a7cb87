"""Words of vessels' books: kinds, choices, species, gears, ports, papers, refusals."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from greenwater.kernel.reading import MINUTE_MS, local
from greenwater.reference.closed_areas import AREAS
from greenwater.reference.isscfg import GEAR_CODES
from greenwater.reference.ports import PORTS
from greenwater.reference.species import SPECIES
from greenwater.reference.vessel_records import VesselField, VesselFieldType
from greenwater.storage.registry.vessel_books import Kilograms
from traceability.sea.vessel_papers import PaperStanding, PaperState
from web.views.formats import day, duration, east, exact, north, unit_words
from web.words import WORDS, Lang, say

_PORT_NAMES: Final = {port.code: port.name for port in PORTS.port}


def species_name(lang: Lang, code: str) -> str:
    """Return what a species is called."""
    known = SPECIES.get(code)
    if known is None:
        return code
    return lang.of(known)


def gear_name(lang: Lang, code: str) -> str:
    """Return what a gear is called, with its number on FAO's list."""
    known = GEAR_CODES.get(code)
    if known is None:
        return code
    return f"{lang.of(known)} ({code}, {known.number})"


def port_name(code: str | None) -> str:
    """Return a port's name."""
    return _PORT_NAMES.get(code or "", code or "")


def choice_name(lang: Lang, list_name: str, value: str) -> str:
    """Return what a choice of a list is called."""
    if list_name == "ports":
        return port_name(value)
    if list_name == "gears":
        return gear_name(lang, value)
    return say(lang, f"sea_{list_name}_{value}")


def kilograms_text(lang: Lang, kilograms: Kilograms) -> str:
    """Return ``cá ngừ vây vàng 760 kg, cá ngừ mắt to 78 kg``."""
    return ", ".join(kilograms_lines(lang, kilograms))


def kilograms_lines(lang: Lang, kilograms: Kilograms) -> list[str]:
    """Return the same, each species by itself."""
    return [
        f"{species_name(lang, species)} {exact(lang, kg)}\N{NO-BREAK SPACE}kg"
        for species, kg in kilograms.items()
    ]


def lines_text(lang: Lang, lines: Sequence[Mapping[str, Any]]) -> str:
    """Return a record's species and kilograms, discards beside."""
    parts = []
    for line in lines:
        text = f"{species_name(lang, line['species'])} {exact(lang, line['kg'])} kg"
        if line.get("discards_kg"):
            kg = exact(lang, line["discards_kg"])
            text += f" ({say(lang, 'sea_discards', kg=kg)})"
        parts.append(text)
    return ", ".join(parts)


DEGREES: Final = {"latitude": north, "longitude": east}
"""Fields that are a position's, as pages say them."""


def field_text(lang: Lang, field: VesselField, value: Any) -> str:
    """Return a field's value as the book shows it."""
    if field.type is VesselFieldType.CHOICE:
        return choice_name(lang, field.list, value)
    if field.type is VesselFieldType.INSTANT:
        return local(value).strftime("%H:%M %d/%m/%Y")
    if field.type is VesselFieldType.LINES:
        return lines_text(lang, value)
    if field.type is VesselFieldType.DAY:
        return iso_day(value)
    if field.name in DEGREES:
        return DEGREES[field.name](lang, value)
    if field.type is VesselFieldType.NUMBER:
        return f"{exact(lang, value)} {unit_words(lang, field.unit)}".strip()
    return str(value)


def iso_day(text: str | None) -> str:
    """Return an ISO day as ``23/11/2026``."""
    if not text:
        return ""
    year, month, number = text.split("-")
    return f"{number}/{month}/{year}"


def day_time(ms: int) -> str:
    """Return ``05:30 23/11/2026``."""
    return local(ms).strftime("%H:%M %d/%m/%Y")


def span_text(from_ms: int, until_ms: int) -> str:
    """Return ``00:30 – 09:30 23/11/2026``; the day stands twice where there are two."""
    until = day_time(until_ms)
    began = local(from_ms)
    is_one = began.strftime("%d/%m/%Y") == until[6:]
    return f"{began.strftime('%H:%M') if is_one else day_time(from_ms)} – {until}"


def paper_text(lang: Lang, state: PaperState) -> str:
    """Return how a paper stands, in words."""
    name = say(lang, f"sea_papers_{state.paper}")
    until = iso_day(state.until_day)
    if state.standing is PaperStanding.MISSING:
        return say(lang, "sea_paper_missing", name=name)
    is_lasting = not until and state.standing is PaperStanding.VALID
    key = "sea_paper_lasting" if is_lasting else f"sea_paper_{state.standing}"
    return say(lang, key, name=name, until=until, days=state.days, number=state.number)


def gate_facts(lang: Lang, facts: Mapping[str, Any]) -> dict[str, Any]:
    """Return the facts of a gate's refusal as its sentence shows them."""
    told = {name: _told(lang, name, value) for name, value in facts.items()}
    if "until_ms" in facts:
        told["until"] = day(int(facts["until_ms"]))
    if "began_ms" in facts:
        told["day"] = day(int(facts["began_ms"]))
    return told


def _told(lang: Lang, name: str, value: Any) -> Any:
    if name.endswith("kg") and isinstance(value, float | int):
        return exact(lang, float(value))
    if name == "minutes":
        return duration(lang, round(float(value)) * MINUTE_MS)
    if name == "until_day":
        return iso_day(str(value))
    if name == "differs":
        return drift_text(lang, str(value).split(", "))
    if name == "species":
        return species_name(lang, str(value))
    if name == "zone":
        return zone_name(lang, str(value))
    key = {"paper": f"sea_papers_{value}"}.get(name, "")
    return say(lang, key) if key in WORDS[lang] else value


def zone_name(lang: Lang, zone: str) -> str:
    """Return the name of a zone, or of a closed area by its code."""
    area = AREAS.get(zone)
    if area is None:
        return say(lang, f"sea_zone_{zone}")
    return lang.of(area)


def drift_text(lang: Lang, drift: Sequence[str]) -> str:
    """Return in what positions differ from a confirmation, in words."""
    return ", ".join(say(lang, f"sea_drift_{one}") for one in drift)
