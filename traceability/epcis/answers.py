"""Answers: events as they are given out, in the spelling that was asked for. Pure."""

import base64
from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from typing import Any, Final

import msgspec

from greenwater.kernel.errors import InputError
from greenwater.storage.registry.trace_events.finding import FoundEvent
from greenwater.storage.registry.trace_events.terms import Place
from traceability.epcis.capture import CONTEXT, OWN_CONTEXT, iso
from traceability.epcis.epcs import to_link, to_urn
from traceability.epcis.shapes import FIELDS

_NAMESPACED = ("epcList", "childEPCs", "inputEPCList", "outputEPCList")
_QUANTITIES = (
    "quantityList",
    "childQuantityList",
    "inputQuantityList",
    "outputQuantityList",
)


class EpcFormat(StrEnum):
    """GS1-EPC-Format: how identifiers are spelt in an answer."""

    NO_PREFERENCE = "No_Preference"
    LINK = "Always_GS1_Digital_Link"
    URN = "Always_EPC_URN"
    NEVER = "Never_Translates"


def parse_format(text: str | None) -> EpcFormat:
    """Return the format a header asks for; links where it is silent (standard §12.7).

    Raises:
        InputError: there is no such format.
    """
    try:
        return EpcFormat.LINK if text is None else EpcFormat(text)
    except ValueError:
        raise InputError(
            f"GS1-EPC-Format {(text or '')[:40]!r} is none of {', '.join(EpcFormat)}"
        ) from None


def given_out(found: FoundEvent, spelling: EpcFormat) -> tuple[dict[str, Any], Any]:
    """Return an event with its ``recordTime``, and the context it came with."""
    event: dict[str, Any] = msgspec.json.decode(found.document)
    context = event.get("@context", [CONTEXT, OWN_CONTEXT])
    if not found.is_bare:
        event.pop("@context", None)
    event["recordTime"] = iso(found.recorded_ms)
    return translated(event, spelling), context


def translated(event: dict[str, Any], spelling: EpcFormat) -> dict[str, Any]:
    """Return an event with its identifiers spelt as asked."""
    if spelling in (EpcFormat.NEVER, EpcFormat.NO_PREFERENCE):
        return event
    if event.get("type") not in FIELDS:
        return event
    spell = to_link if spelling is EpcFormat.LINK else to_urn
    made = dict(event)
    for name in event.keys() & _SPELT.keys():
        made[name] = _SPELT[name](event[name], spell)
    return made


Spell = Callable[[str], str]


def _list(value: Any, spell: Spell) -> Any:
    return [spell(one) for one in value]


def _member(key: str) -> Callable[[Any, Spell], Any]:
    def spelt(value: Any, spell: Spell) -> Any:
        return {**value, key: spell(value[key])}

    return spelt


def _members(key: str) -> Callable[[Any, Spell], Any]:
    def spelt(value: Any, spell: Spell) -> Any:
        return [{**one, key: spell(one[key])} for one in value]

    return spelt


_SPELT: Final[Mapping[str, Callable[[Any, Spell], Any]]] = {
    **dict.fromkeys(_NAMESPACED, _list),
    **dict.fromkeys(_QUANTITIES, _members("epcClass")),
    **dict.fromkeys(("readPoint", "bizLocation"), _member("id")),
    "parentID": lambda value, spell: spell(value),
    "sourceList": _members("source"),
    "destinationList": _members("destination"),
}


def query_document(
    found: Sequence[FoundEvent], spelling: EpcFormat, now_ms: int, name: str
) -> dict[str, Any]:
    """Return an EPCISQueryDocument of events; a context that contradicts stays inside."""
    parts: list[Any] = [CONTEXT]
    prefixes: dict[str, Any] = {}
    events = []
    last: Any = None
    for one in found:
        event, context = given_out(one, spelling)
        if not one.is_bare and context != last:
            last = context if _joined(context, parts, prefixes) else None
            if last is None:
                event["@context"] = context
        events.append(event)
    return {
        "@context": parts,
        "type": "EPCISQueryDocument",
        "schemaVersion": "2.0",
        "creationDate": iso(now_ms),
        "epcisBody": {
            "queryResults": {"queryName": name, "resultsBody": {"eventList": events}}
        },
    }


def _joined(context: Any, parts: list[Any], prefixes: dict[str, Any]) -> bool:
    """Take a context into the common one; False: a prefix means something else there."""
    ours = context if isinstance(context, list) else [context]
    pairs = [pair for part in ours if isinstance(part, dict) for pair in part.items()]
    if any(prefixes.get(key, value) != value for key, value in pairs):
        return False
    if _is_torn(pairs):
        return False
    prefixes.update(pairs)
    parts += [part for part in ours if part not in parts]
    return True


def _is_torn(pairs: Sequence[tuple[str, Any]]) -> bool:
    meant: dict[str, Any] = {}
    return any(meant.setdefault(key, value) != value for key, value in pairs)


def page_token(place: Place) -> str:
    """Return what leads to the next page."""
    raw = msgspec.json.encode([place.ms, place.organisation, place.number])
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def parse_token(text: str) -> Place:
    """Return where the page before ended.

    Raises:
        InputError: that is no token of ours.
    """
    try:
        raw = base64.b64decode(f"{text}{'=' * (-len(text) % 4)}", b"-_", validate=True)
        ms, organisation, number = msgspec.json.decode(raw, type=tuple[int, str, int])
    except (ValueError, msgspec.MsgspecError):
        raise InputError(f"nextPageToken {text[:40]!r} is none of ours") from None
    return Place(ms, organisation, number)


def place_of(found: FoundEvent, *, by_recorded: bool) -> Place:
    """Return where an event stands in an order."""
    ms = found.recorded_ms if by_recorded else found.event_ms
    return Place(ms, found.organisation, found.number)


def document_of(found: FoundEvent, spelling: EpcFormat) -> Mapping[str, Any]:
    """Return one event as a document of its own, with its context."""
    event, context = given_out(found, spelling)
    return {"@context": context, **event}
