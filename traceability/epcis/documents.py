"""Documents, query documents and bare events: read, checked, never changed."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec
from msgspec import Struct

from traceability.epcis.faults import EpcisError, Fault, Walk, shown, step
from traceability.epcis.forms import (
    items,
    matching,
    moment,
    prefixes_of,
    shape,
    text,
    uri,
)
from traceability.epcis.rules import check_rules
from traceability.epcis.shapes import TYPES, anything, check_event, context

MAX_DEPTH: Final = 60
_VERSION: Final = matching(r"\d+(\.\d+)*", "version such as 2.0")


class Document(Struct, frozen=True, kw_only=True):
    """A document that is EPCIS 2.0. ``events`` are as they came, in order.

    ``kind`` is its type: EPCISDocument, EPCISQueryDocument, or an event's own;
    ``pointers`` are where the events stand in it.
    """

    kind: str
    raw: Mapping[str, Any]
    context: Any
    events: tuple[Mapping[str, Any], ...]
    pointers: tuple[str, ...]
    warnings: tuple[Fault, ...]


class Judged(Struct, frozen=True):
    """A document with what is wrong; ``faults`` of events name their index."""

    document: Document
    faults: tuple[Fault, ...]

    def is_good(self, index: int) -> bool:
        """Return whether nothing is wrong with one event."""
        return not any(fault.event == index for fault in self.faults)


_attribute: Final = shape({"id": uri, "attribute": anything}, "id")
_element: Final = shape(
    {"id": uri, "attributes": items(_attribute), "children": items(uri)}, "id"
)
_vocabulary: Final = shape(
    {"type": uri, "vocabularyElementList": items(_element)}, "type"
)
_header: Final = shape(
    {"epcisMasterData": shape({"vocabularyList": items(_vocabulary)})}
)
_body: Final = shape({"eventList": anything}, "eventList")
_document: Final = shape(
    {
        "@context": context,
        "id": uri,
        "type": text,
        "schemaVersion": _VERSION,
        "creationDate": moment,
        "instanceIdentifier": text,
        "sender": text,
        "receiver": text,
        "epcisHeader": _header,
        "epcisBody": _body,
    },
    *("@context", "schemaVersion", "creationDate", "epcisBody"),
)
_results: Final = shape(
    {
        "queryName": text,
        "subscriptionID": text,
        "resultsBody": shape(
            {"eventList": anything, "vocabularyList": items(_vocabulary)}, "eventList"
        ),
    },
    *("queryName", "resultsBody"),
)
_query_document: Final = shape(
    {
        "@context": context,
        "id": uri,
        "type": text,
        "schemaVersion": _VERSION,
        "creationDate": moment,
        "epcisBody": shape({"queryResults": _results}, "queryResults"),
    },
    *("@context", "epcisBody"),
)
_PATHS: Final[Mapping[str, tuple[str, ...]]] = {
    "EPCISDocument": ("epcisBody", "eventList"),
    "EPCISQueryDocument": ("epcisBody", "queryResults", "resultsBody", "eventList"),
}


def decode(body: bytes) -> Any:
    """Return JSON as it was sent.

    Raises:
        EpcisError: it is no JSON, or nested beyond reason.
    """
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as exc:
        raise EpcisError([Fault(None, "", f"this is no JSON: {exc}")]) from exc


def read_document(raw: Any) -> Document:
    """Return a document of any of the three kinds.

    Raises:
        EpcisError: it is not EPCIS 2.0; all its faults are in it.
    """
    judged = judge(raw)
    if judged.faults:
        raise EpcisError(judged.faults)
    return judged.document


def read_event(raw: Any) -> Document:
    """Return a document of one bare event.

    Raises:
        EpcisError: it is not one.
    """
    judged = judge_event(raw)
    if judged.faults:
        raise EpcisError(judged.faults)
    return judged.document


def judge_event(raw: Any) -> Judged:
    """Return a bare event with all its faults.

    Raises:
        EpcisError: it is a whole document, or nothing can be made of it.
    """
    kind = raw.get("type") if isinstance(raw, dict) else None
    if isinstance(kind, str) and kind in _PATHS:
        raise EpcisError(
            [Fault(None, "/type", "this is a document; send it to /epcis/capture")]
        )
    return judge(raw)


def judge(raw: Any) -> Judged:
    """Return a document with all its faults.

    Raises:
        EpcisError: nothing can be made of it: no object, no type, no list of events.
    """
    walk = Walk()
    if not isinstance(raw, dict):
        raise EpcisError([Fault(None, "", f"{shown(raw)} is no object")])
    kind = raw.get("type")
    if not isinstance(kind, str):
        raise EpcisError([Fault(None, "/type", "type is missing")])
    if _depth(raw) > MAX_DEPTH:
        raise EpcisError([Fault(None, "", f"nested deeper than {MAX_DEPTH}")])
    walk.prefixes = prefixes_of(raw.get("@context")) | _KNOWN
    if kind in _PATHS:
        is_query = kind == "EPCISQueryDocument"
        (_query_document if is_query else _document)(raw, walk, "")
        events, at = _events(raw, _PATHS[kind], walk)
        pointers = tuple(step(at, index) for index in range(len(events)))
    else:
        events, pointers = [raw], ("",)
        _bare(kind, raw, walk)
    for index, event in enumerate(events):
        walk.event = index
        check_event(event, walk, pointers[index])
        check_rules(event, walk, pointers[index])
    document = Document(
        kind=kind,
        raw=raw,
        context=raw.get("@context"),
        events=tuple(events),
        pointers=pointers,
        warnings=tuple(walk.warnings),
    )
    return Judged(document, tuple(walk.faults))


_KNOWN: Final = frozenset(
    {"cbvmda", "gs1", "cbv", "epcis", "rdfs", "owl", "xsd", "rdf"}
)
"""Prefixes that GS1's own context declares."""


def _bare(kind: str, raw: Mapping[str, Any], walk: Walk) -> None:
    walk.event = 0
    if "@context" not in raw:
        walk.fault("", "@context is missing; a bare event needs it")
    if kind not in TYPES and ":" not in kind:
        walk.fault("/type", f"{shown(kind)} is no document or event of EPCIS 2.0")
    walk.event = None


def _events(
    raw: Mapping[str, Any], path: Sequence[str], walk: Walk
) -> tuple[list[Any], str]:
    found: Any = raw
    at = ""
    for name in path:
        found = found.get(name) if isinstance(found, dict) else None
        at = step(at, name)
    if isinstance(found, list):
        return found, at
    if not walk.faults or found is not None:
        walk.fault(at, "eventList is no list")
    return [], at


def _depth(value: Any) -> int:
    """Return how deep a value is nested, without recursion."""
    deepest, waiting = 0, [(value, 1)]
    while waiting:
        one, depth = waiting.pop()
        deepest = max(deepest, depth)
        inner = one.values() if isinstance(one, dict) else one
        if isinstance(one, dict | list):
            waiting.extend((each, depth + 1) for each in inner)
    return deepest
