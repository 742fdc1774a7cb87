"""What an event can be found by: its entries, named as the query language names them."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from greenwater.kernel.errors import InputError
from greenwater.storage.registry.trace_events.ledger import Entry
from traceability.epcis.forms import parse_time
from traceability.epcis.hashing import namespaces
from traceability.epcis.naming import name_of
from traceability.epcis.shapes import FIELDS, NUMBERS
from traceability.epcis.units import normal
from traceability.epcis.vocabulary import (
    ALERT,
    BIZ_STEP,
    COMPONENT,
    DISPOSITION,
    ERROR_REASON,
    MEASUREMENT,
    PARTY,
    TRANSACTION,
    Vocabulary,
    bare,
)

Event = Mapping[str, Any]
WORDS: Final[Mapping[str, Vocabulary]] = {
    "bizStep": BIZ_STEP,
    "disposition": DISPOSITION,
    "persistentDisposition_set": DISPOSITION,
    "persistentDisposition_unset": DISPOSITION,
    "errorReason": ERROR_REASON,
    "type": MEASUREMENT,
    "exception": ALERT,
    "component": COMPONENT,
}
"""Names whose texts are words of CBV."""

_LISTS: Final[Mapping[str, tuple[str, ...]]] = {
    "epcList": ("epc", "anyEPC"),
    "childEPCs": ("epc", "anyEPC"),
    "inputEPCList": ("inputEPC", "anyEPC"),
    "outputEPCList": ("outputEPC", "anyEPC"),
}
_QUANTITIES: Final[Mapping[str, tuple[str, ...]]] = {
    "quantityList": ("epcClass", "anyEPCClass"),
    "childQuantityList": ("epcClass", "anyEPCClass"),
    "inputQuantityList": ("inputEPCClass", "anyEPCClass"),
    "outputQuantityList": ("outputEPCClass", "anyEPCClass"),
}
_TEXTS: Final = ("action", "transformationID")
_PARTIES: Final = (
    ("bizTransactionList", "bizTransaction", TRANSACTION),
    ("sourceList", "source", PARTY),
    ("destinationList", "destination", PARTY),
)
_SENSOR: Final = (
    *("type", "exception", "deviceID", "dataProcessingMethod", "microorganism"),
    *("chemicalSubstance", "bizRules", "component", "stringValue", "booleanValue"),
    *("hexBinaryValue", "uriValue", "coordinateReferenceSystem", "rawData"),
    "deviceMetadata",
)


def entries_of(event: Event, context: Any = None) -> tuple[Entry, ...]:
    """Return an event's entries, each once; ``context`` is its document's."""
    spaces = namespaces(context) | namespaces(event.get("@context"))
    if event.get("type") not in FIELDS:  # somebody's own: its fields were not checked
        own = {key: value for key, value in event.items() if ":" in key}
        return tuple(
            dict.fromkeys(
                [
                    *_named(event),
                    *_error(event, spaces),
                    *_own("", own, frozenset(), spaces),
                ]
            )
        )
    found = [
        *_plain(event),
        *_goods(event),
        *_parties(event),
        *_error(event, spaces),
        *_sensors(event, spaces),
        *_own("ILMD_", event.get("ilmd"), frozenset(), spaces),
    ]
    known = FIELDS.get(str(event.get("type")), {})
    found += _own("", event, frozenset(known) | {"type"}, spaces)
    return tuple(dict.fromkeys(found))


def word(name: str, text: str) -> str:
    """Return a text as it stands in the entries of a name."""
    vocabulary = WORDS.get(name)
    return name_of(text) if vocabulary is None else bare(vocabulary, text)


def _named(event: Event) -> Iterator[Entry]:
    yield Entry("eventType", str(event.get("type")))
    if "eventID" in event:
        yield Entry("eventID", event["eventID"])


def _plain(event: Event) -> Iterator[Entry]:
    yield from _named(event)
    for name in (*_TEXTS, "bizStep", "disposition"):
        if name in event:
            yield Entry(name, word(name, event[name]))
    for name in ("readPoint", "bizLocation"):
        if name in event:
            yield Entry(name, name_of(event[name]["id"]))
    for change, words in event.get("persistentDisposition", {}).items():
        name = f"persistentDisposition_{change}"
        yield from (Entry(name, word(name, one)) for one in words)


def _goods(event: Event) -> Iterator[Entry]:
    if "parentID" in event:
        parent = name_of(event["parentID"])
        yield from (Entry("parentID", parent), Entry("anyEPC", parent))
    for field, names in _LISTS.items():
        for epc in event.get(field, ()):
            yield from (Entry(name, name_of(epc)) for name in names)
    for field, names in _QUANTITIES.items():
        for one in event.get(field, ()):
            yield from (Entry(name, name_of(one["epcClass"])) for name in names)
            if "quantity" in one:
                yield Entry("quantity", None, float(one["quantity"]))
                if "uom" in one:
                    yield _measured("quantity", one["quantity"], one["uom"])


def _measured(name: str, value: float, code: str) -> Entry:
    full, number = normal(name, float(value), code)
    return Entry(full, None, number)


def _parties(event: Event) -> Iterator[Entry]:
    for field, name, words in _PARTIES:
        for one in event.get(field, ()):
            kind = bare(words, one["type"]) if "type" in one else ""
            yield Entry(f"{name}_{kind}", name_of(one[name]))


def _error(event: Event, spaces: Mapping[str, str]) -> Iterator[Entry]:
    error = event.get("errorDeclaration")
    if error is None:
        return
    yield Entry("errorDeclaration")
    at_ms = parse_time(error["declarationTime"])
    yield Entry("errorDeclarationTime", None, float(at_ms))
    if "reason" in error:
        yield Entry("errorReason", word("errorReason", error["reason"]))
    for one in error.get("correctiveEventIDs", ()):
        yield Entry("correctiveEventID", one)
    known = frozenset({"declarationTime", "reason", "correctiveEventIDs"})
    yield from _own("ERROR_DECLARATION_", error, known, spaces)


def _sensors(event: Event, spaces: Mapping[str, str]) -> Iterator[Entry]:
    for element in event.get("sensorElementList", ()):
        metadata = element.get("sensorMetadata", {})
        own = frozenset({"sensorMetadata", "sensorReport"})
        yield from _own("SENSORELEMENT_", element, own, spaces)
        yield from _own("SENSORMETADATA_", metadata, frozenset(), spaces)
        yield from _described(metadata)
        for report in element["sensorReport"]:
            yield from _own("SENSORREPORT_", report, frozenset(), spaces)
            yield from _described(report)
            yield from _values(report)


def _described(part: Event) -> Iterator[Entry]:
    for name in _SENSOR:
        if name in part:
            value = part[name]
            text = str(value).lower() if isinstance(value, bool) else str(value)
            yield Entry(name, word(name, text))
    for name in ("time", "startTime", "endTime"):
        if name in part:
            yield Entry(name, None, float(parse_time(part[name])))


def _values(report: Event) -> Iterator[Entry]:
    for name in NUMBERS:
        if name in report:
            yield Entry(name, None, float(report[name]))
            if "uom" in report:
                yield _measured(name, report[name], report["uom"])


def _own(
    prefix: str, fields: Any, known: frozenset[str], spaces: Mapping[str, str]
) -> Iterator[Entry]:
    """Yield the fields with a namespace: themselves, and inner ones under INNER_."""
    if not isinstance(fields, dict):
        return
    for key, value in fields.items():
        if key not in known and ":" in key:
            yield from _field(prefix, key, value, spaces)
            yield from _inner(f"INNER_{prefix}", value, spaces)


def _inner(prefix: str, value: Any, spaces: Mapping[str, str]) -> Iterator[Entry]:
    if isinstance(value, list):
        for one in value:
            yield from _inner(prefix, one, spaces)
    elif isinstance(value, dict):
        for key, one in value.items():
            if key != "@context":
                yield from _field(prefix, key, one, spaces)
                yield from _inner(prefix, one, spaces)


def _field(
    prefix: str, key: str, value: Any, spaces: Mapping[str, str]
) -> Iterator[Entry]:
    space, _, local = key.partition(":")
    names = [f"{prefix}{key}"]
    if space in spaces:
        names.append(f"{prefix}{spaces[space].rstrip('#')}#{local}")
    for one in value if isinstance(value, list) else [value]:
        text, number = _simple(one)
        yield from (Entry(name, text, number) for name in names)


def _simple(value: Any) -> tuple[str | None, float | None]:
    if isinstance(value, bool):
        return str(value).lower(), None
    if isinstance(value, int | float):
        return f"{value:g}", float(value)
    if not isinstance(value, str):
        return None, None
    try:
        return value, float(parse_time(value))
    except InputError:
        return name_of(value), None
