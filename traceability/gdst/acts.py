"""GDST's critical tracking events, and by which business step one is known.

The vocabulary is brought to its normal form first: a step written as a web address is the
same step. GDST's own words are told apart by case, so one in another case is misspelt.
"""

import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Final

from traceability.epcis.forms import is_uri
from traceability.epcis.vocabulary import BIZ_STEP, bare

Event = Mapping[str, Any]


class Act(StrEnum):
    """The critical tracking events."""

    FISHING = "fishing"
    TRANSSHIPMENT = "transshipment"
    LANDING = "landing"
    HATCHING = "hatching"
    FEED = "feed mill"
    FARM_HARVEST = "farm harvest"
    PROCESSING = "processing"
    COMMINGLING = "commingling"
    AGGREGATION = "aggregation"
    DISAGGREGATION = "disaggregation"
    SHIPPING = "shipping"
    RECEIVING = "receiving"
    OTHER = "other"


_OWN: Final = "urn:gdst:bizStep:"
_SPELT: Final = re.compile(
    r"(?:gdst:|urn:gdst:|https?://traceability-dialogue\.org/epcis[/#:]?)bizStep[-:/#]"
)
"""How GDST's steps are met: by URN, by prefix, by the address behind the prefix."""

_BY_STEP: Final[Mapping[str, Act]] = {
    f"{_OWN}fishingEvent": Act.FISHING,
    f"{_OWN}transshipment": Act.TRANSSHIPMENT,
    f"{_OWN}landing": Act.LANDING,
    f"{_OWN}hatching": Act.HATCHING,
    f"{_OWN}farmHarvest": Act.FARM_HARVEST,
    f"{_OWN}commingling": Act.COMMINGLING,
    "packing": Act.AGGREGATION,
    "unpacking": Act.DISAGGREGATION,
    "shipping": Act.SHIPPING,
    "receiving": Act.RECEIVING,
}
_BY_FOLDED: Final = {step.casefold(): step for step in _BY_STEP}


def step_of(event: Event) -> str:
    """Return an event's business step in normal form; empty: it has none."""
    found = bare(BIZ_STEP, str(event.get("bizStep", "")))
    return _SPELT.sub(_OWN, found, count=1)


def why_no_step(event: Event) -> str | None:
    """Return what is wrong with an event's business step; None: it may be one."""
    if "bizStep" not in event:
        return "bizStep is missing"
    found = step_of(event)
    meant = _BY_FOLDED.get(found.casefold(), found)
    if meant != found:
        return f"bizStep is written {meant!r}"
    is_word = isinstance(event["bizStep"], str) and (
        found in BIZ_STEP.words or is_uri(found)
    )
    return None if is_word else f"bizStep {found[:60]!r} is no word of CBV and no URI"


def act_of(event: Event) -> Act:
    """Return which critical tracking event it is."""
    found = step_of(event)
    if found != "commissioning":
        return _BY_STEP.get(found, Act.OTHER)
    ilmd = event.get("ilmd")
    is_transformed = event.get("type") == "TransformationEvent"
    if isinstance(ilmd, dict) and "gdst:proteinSource" in ilmd:
        return Act.FEED
    if is_transformed and "gdst:humanWelfarePolicy" not in event:
        return Act.PROCESSING
    # Of the acts that begin goods of a lot so, only a feed mill's names its welfare.
    return Act.FEED if is_transformed or "ilmd" in event else Act.OTHER
