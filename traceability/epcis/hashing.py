"""The hash of an event as CBV 2.0 §8.9 makes it: the same event, the same id.

The text before hashing is returned too, so that two systems that disagree can compare.
Left out are eventID, recordTime, errorDeclaration (an error declaration is about the same
event), certificationInfo (as GS1's tool since 2026) and JSON-LD's own words.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import msgspec

from greenwater.kernel.errors import InputError
from greenwater.kernel.reading import instant
from traceability.epcis.epcs import to_link
from traceability.epcis.forms import parse_time
from traceability.epcis.shapes import FIELDS
from traceability.epcis.vocabulary import (
    ALERT,
    BIZ_STEP,
    COMPONENT,
    DISPOSITION,
    MEASUREMENT,
    PARTY,
    TRANSACTION,
    Vocabulary,
    web_form,
)

_LEFT_OUT: Final = frozenset(
    {
        "@context",
        "type",
        "eventID",
        "recordTime",
        "errorDeclaration",
        "certificationInfo",
    }
    | {"rdfs:comment"}
)
_QUANTITY: Final = ("epcClass", "quantity", "uom")
_METADATA: Final = (
    *("time", "startTime", "endTime", "deviceID", "deviceMetadata", "rawData"),
    *("dataProcessingMethod", "bizRules"),
)
_REPORT: Final = (
    *("type", "exception", "deviceID", "deviceMetadata", "rawData"),
    *("dataProcessingMethod", "bizRules", "time", "microorganism", "chemicalSubstance"),
    *(
        "value",
        "component",
        "stringValue",
        "booleanValue",
        "hexBinaryValue",
        "uriValue",
    ),
    *("minValue", "maxValue", "meanValue", "sDev", "percRank", "percValue", "uom"),
    "coordinateReferenceSystem",
)
_ORDER: Final = (
    *("eventTime", "eventTimeZoneOffset", "epcList", "parentID", "inputEPCList"),
    *("childEPCs", "quantityList", "childQuantityList", "inputQuantityList"),
    *("outputEPCList", "outputQuantityList", "action", "transformationID", "bizStep"),
    *("disposition", "persistentDisposition", "readPoint", "bizLocation"),
    *("bizTransactionList", "sourceList", "destinationList", "sensorElementList"),
)
_WORDS: Final[Mapping[str, Vocabulary]] = {
    "bizStep": BIZ_STEP,
    "disposition": DISPOSITION,
    "set": DISPOSITION,
    "unset": DISPOSITION,
    "exception": ALERT,
    "component": COMPONENT,
}
_TYPES: Final[Mapping[str, Vocabulary]] = {
    "bizTransactionList": TRANSACTION,
    "sourceList": PARTY,
    "destinationList": PARTY,
    "sensorElementList": MEASUREMENT,
}
_TIMES: Final = ("eventTime", "time", "startTime", "endTime")


def hash_id(prehash: str) -> str:
    """Return the eventID of a text before hashing."""
    digest = hashlib.sha256(prehash.encode()).hexdigest()
    return f"ni:///sha-256;{digest}?ver=CBV2.0"


def prehash(event: Mapping[str, Any], context: Any = None) -> str:
    """Return the text that is hashed; ``context`` is the document's."""
    spaces = namespaces(context) | namespaces(event.get("@context"))
    text = f"eventType={event.get('type')}"
    if event.get("type") not in FIELDS:  # somebody's own: its fields were not checked
        return text + "".join(sorted(_parts(event, spaces)))
    for name in _ORDER:
        if name in event:
            text += _field(name, event[name])
    text += "".join(sorted(_foreign(event, spaces, _ORDER)))
    if "ilmd" in event:
        inner = _extensions(event["ilmd"], spaces, ())
        text += f"ilmd{inner}" if inner else ""
    return text


def namespaces(context: Any) -> dict[str, str]:
    """Return prefix → namespace as a JSON-LD context declares them, GS1's own beside."""
    found = {
        "cbvmda": "urn:epcglobal:cbv:mda",
        "gs1": "https://gs1.org/voc/",
        "cbv": "https://ref.gs1.org/cbv/",
    }
    for part in context if isinstance(context, list) else [context]:
        for key, value in part.items() if isinstance(part, dict) else ():
            if isinstance(value, str):
                found[key] = value
    return found


def _field(name: str, value: Any) -> str:
    if name.endswith(("EPCList", "epcList", "EPCs")):
        return _listed(name, (f"epc={to_link(one)}" for one in value))
    if name.lower().endswith("quantitylist"):
        parts = ("quantityElement" + _members(one, _QUANTITY) for one in value)
        return _listed(name, parts)
    if name == "persistentDisposition":
        return name + "".join(
            "".join(sorted(_pair(key, one) for one in value.get(key, ())))
            for key in ("set", "unset")
        )
    if name in ("readPoint", "bizLocation"):
        return name + _members(value, ("id",))
    if name == "sensorElementList":
        return _listed(name, (_sensor(one) for one in value))
    if name in _TYPES:
        key = {"bizTransactionList": "bizTransaction"}.get(name, name[:-4])
        return _listed(name, (_typed(one, key, _TYPES[name]) for one in value))
    return _pair(name, value)


def _typed(one: Mapping[str, Any], key: str, words: Vocabulary) -> str:
    kind = f"type={web_form(words, one['type'])}" if "type" in one else ""
    return kind + _pair(key, one[key])


def _sensor(element: Mapping[str, Any]) -> str:
    text = "sensorElement"
    if "sensorMetadata" in element:
        text += "sensorMetadata" + _members(element["sensorMetadata"], _METADATA)
    reports = ("sensorReport" + _report(one) for one in element["sensorReport"])
    return text + "".join(sorted(reports))


def _report(report: Mapping[str, Any]) -> str:
    kind = report.get("type")
    text = "" if kind is None else f"type={web_form(MEASUREMENT, kind)}"
    return text + _members(report, _REPORT[1:])


def _listed(name: str, parts: Iterable[str]) -> str:
    inner = "".join(sorted(parts))
    return name + inner if inner else ""


def _members(value: Mapping[str, Any], names: Sequence[str]) -> str:
    return "".join(_pair(name, value[name]) for name in names if name in value)


def _pair(name: str, value: Any) -> str:
    if name in _TIMES:
        return f"{name}={_time(value)}"
    if name in _WORDS and isinstance(value, str):
        return f"{name}={web_form(_WORDS[name], value)}"
    return f"{name}={_scalar(value)}"


def _time(text: str) -> str:
    at = instant(parse_time(text)).isoformat(timespec="milliseconds")
    return at.replace("+00:00", "Z")


def _scalar(value: Any) -> str:
    if isinstance(value, bool) or value is None:
        return msgspec.json.encode(value).decode()
    if isinstance(value, int | float):
        is_whole = value == int(value) and abs(value) < 1e15
        return str(int(value)) if is_whole else repr(value)
    text = str(value).strip()
    try:
        return _time(text) if "T" in text and text[:1].isdigit() else to_link(text)
    except InputError:
        return text


def _foreign(
    event: Mapping[str, Any], spaces: Mapping[str, str], skip: Sequence[str]
) -> Iterable[str]:
    """Yield what an event has of its own, and its places and sensors have."""
    own = {k: v for k, v in event.items() if k not in skip and k != "ilmd"}
    yield from _parts(own, spaces)
    for place in ("readPoint", "bizLocation"):
        inner = _extensions(event.get(place), spaces, ("id",))
        if inner:
            yield place + inner
    for element in event.get("sensorElementList", ()):
        inner = _extensions(element, spaces, ("sensorMetadata", "sensorReport"))
        inner += _extensions(element.get("sensorMetadata"), spaces, _METADATA)
        for report in element.get("sensorReport", ()):
            inner += _extensions(report, spaces, _REPORT)
        if inner:
            yield "sensorElementList" + inner


def _extensions(value: Any, spaces: Mapping[str, str], skip: Sequence[str]) -> str:
    if not isinstance(value, dict):
        return ""
    own = {k: v for k, v in value.items() if k not in skip}
    return "".join(sorted(_parts(own, spaces)))


def _parts(fields: Mapping[str, Any], spaces: Mapping[str, str]) -> Iterable[str]:
    for key, value in fields.items():
        if key not in _LEFT_OUT:
            for one in value if isinstance(value, list) else [value]:
                yield _expanded(key, spaces) + _inner(one, spaces)


def _inner(value: Any, spaces: Mapping[str, str]) -> str:
    if isinstance(value, dict):
        return "".join(sorted(_parts(value, spaces)))
    if isinstance(value, list):
        return "".join(sorted(_inner(one, spaces) for one in value))
    return f"={_scalar(value)}"


def _expanded(key: str, spaces: Mapping[str, str]) -> str:
    prefix, _, name = key.partition(":")
    return f"{{{spaces[prefix]}}}{name}" if name and prefix in spaces else key
