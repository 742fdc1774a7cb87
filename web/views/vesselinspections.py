"""Inspections of a vessel in words: what was found, by whom, what was weighed, photos."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from greenwater.storage.registry import Registry
from greenwater.storage.registry.scope import Scope
from greenwater.storage.registry.vessel_inspections import VesselInspection
from web.views.formats import exact, moment
from web.views.seawords import port_name, species_name
from web.words import Lang, say


@dataclass(frozen=True)
class VesselInspectionView:
    """One inspection; ``look`` is good or bad, ``lines`` what was found, in order."""

    id: str
    vessel: str
    when: str
    result: str
    words: str
    look: str
    by: str
    lines: tuple[str, ...]
    note: str
    photos: tuple[str, ...]


def inspection_views(
    lang: Lang,
    registry: Registry,
    seen: Scope,
    found: Sequence[VesselInspection],
    now_ms: int,
) -> list[VesselInspectionView]:
    """Return inspections as those see them who may see the vessel."""
    photos: dict[str, list[str]] = {}
    for one in seen.vessel_inspection_photos(*(known.id for known in found)):
        photos.setdefault(one.inspection, []).append(
            f"/inspections/{one.inspection}/photos/{one.kept}"
        )
    people = registry.names(one.person for one in found)
    offices = registry.organisation_names()
    return [
        VesselInspectionView(
            one.id,
            one.vessel,
            moment(lang, one.happened_ms, now_ms),
            one.result,
            say(lang, f"inspection_{one.result}"),
            "good" if one.result == "conformant" else "bad",
            f"{people.get(one.person, one.person)}, {offices.get(one.authority, '')}",
            tuple(_lines(lang, one)),
            one.note,
            tuple(photos.get(one.id, ())),
        )
        for one in found
    ]


def _lines(lang: Lang, one: VesselInspection) -> Iterable[str]:
    for name in ("papers", "weights"):
        if one.found[name]:
            yield say(
                lang,
                "vessel_found",
                what=say(lang, f"vessel_{name}_seen"),
                found=say(lang, f"vessel_{name}_{one.found[name]}"),
            )
    for line in one.found["weighed"]:
        key = "vessel_weighed" if line["wrote"] is None else "vessel_weighed_wrote"
        yield say(
            lang,
            key,
            species=species_name(lang, line["species"]).capitalize(),
            kg=exact(lang, line["kg"]),
            wrote=exact(lang, line["wrote"] or 0.0),
        )
    if one.found["port"]:
        yield say(lang, "vessel_at_port", port=port_name(one.found["port"]))
