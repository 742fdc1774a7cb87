"""How the water was, of goods of one origin or of each of several. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from traceability.book.evidence import Evidence
from traceability.label.passport import MOST_ROOTS, Passport
from web.views.evidence import EvidenceView, evidence_views
from web.views.formats import day
from web.words import Lang, say


@dataclass(frozen=True)
class WaterView:
    """One origin's water: whose (empty: there is one origin), over which days, channels."""

    name: str
    span: str
    channels: Sequence[EvidenceView]


def water_views(lang: Lang, found: Passport | None) -> Sequence[WaterView]:
    """Return the water of each farm that goods came from; of wild fish none."""
    if found is None:
        return ()
    if found.evidence is not None:
        return [_view(lang, "", found.evidence)]
    farmed = [one for one in found.origins if one.unit][:MOST_ROOTS]
    if len(farmed) > 1:
        return [
            _view(lang, f"{one.lot} ({one.producer})", one.evidence) for one in farmed
        ]
    return () if found.catches else [_view(lang, "", None)]


def _view(lang: Lang, name: str, evidence: Evidence | None) -> WaterView:
    if evidence is None:
        return WaterView(name, say(lang, "passport_no_water"), ())
    span = {"from": day(evidence.from_ms), "to": day(evidence.to_ms)}
    text = say(lang, "passport_water_from", **span)
    return WaterView(name, text, evidence_views(lang, evidence))
