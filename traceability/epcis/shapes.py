"""The five events of EPCIS 2.0 as shapes: which may carry what (standard §7.4)."""

from collections.abc import Mapping
from typing import Any, Final

from traceability.epcis.faults import Walk, step
from traceability.epcis.forms import (
    Check,
    boolean,
    either,
    items,
    matching,
    moment,
    number,
    shape,
    text,
    uri,
    word,
)
from traceability.epcis.vocabulary import (
    ALERT,
    BIZ_STEP,
    COMPONENT,
    DISPOSITION,
    ERROR_REASON,
    MEASUREMENT,
    PARTY,
    TRANSACTION,
)


def context(value: Any, walk: Walk, at: str) -> None:
    """A JSON-LD context: an address, an object, or a list of both without doubles."""
    for index, one in enumerate(value if isinstance(value, list) else [value]):
        where = step(at, index) if isinstance(value, list) else at
        if not isinstance(one, dict):
            uri(one, walk, where)
        if isinstance(value, list) and value.index(one) != index:
            walk.fault(where, "the same context stands there twice")


def anything(_value: Any, _walk: Walk, _at: str) -> None:
    """Whatever it is."""


def _ilmd(value: Any, walk: Walk, at: str) -> None:
    shape({"@context": anything})(value, walk, at)


_error: Final = shape(
    {
        "declarationTime": moment,
        "reason": word(ERROR_REASON, "error reason"),
        "correctiveEventIDs": items(uri),
    },
    "declarationTime",
)
_quantity: Final = shape(
    {
        "epcClass": uri,
        "quantity": number,
        "uom": matching("[A-Z0-9]{2,3}", "unit code of UN/ECE Recommendation 20"),
    },
    "epcClass",
    is_open=False,
)
_dispositions: Final = items(word(DISPOSITION, "disposition"), least=1, unique=True)
_lasting_fields: Final = shape(
    {"set": _dispositions, "unset": _dispositions}, is_open=False
)


def _lasting(value: Any, walk: Walk, at: str) -> None:
    _lasting_fields(value, walk, at)
    if isinstance(value, dict) and not value:
        walk.fault(at, "persistentDisposition needs set or unset")


_place: Final = shape({"id": uri}, "id")


_transaction: Final = shape(
    {"type": word(TRANSACTION, "business transaction type"), "bizTransaction": uri},
    "bizTransaction",
    is_open=False,
)


def _party(name: str) -> Check:
    fields: dict[str, Check] = {"type": word(PARTY, f"{name} type"), name: uri}
    return shape(fields, "type", name, is_open=False)


DEVICE: Final = (
    "deviceID",
    "deviceMetadata",
    "rawData",
    "dataProcessingMethod",
    "bizRules",
)
_device: Final[dict[str, Check]] = {**dict.fromkeys(DEVICE, uri), "time": moment}
_metadata: Final = shape({**_device, "startTime": moment, "endTime": moment})
NUMBERS: Final = (
    "value",
    "minValue",
    "maxValue",
    "meanValue",
    "sDev",
    "percRank",
    "percValue",
)
_report: Final = shape(
    {
        **_device,
        **dict.fromkeys(NUMBERS, number),
        "type": word(MEASUREMENT, "measurement type"),
        "exception": word(ALERT, "sensor alert"),
        "microorganism": uri,
        "chemicalSubstance": uri,
        "coordinateReferenceSystem": uri,
        "component": word(COMPONENT, "component"),
        "stringValue": text,
        "booleanValue": boolean,
        "hexBinaryValue": matching("[A-Fa-f0-9]+", "hexadecimal text"),
        "uriValue": uri,
        "uom": text,
    }
)
_element_fields: Final = shape(
    {"sensorMetadata": _metadata, "sensorReport": items(_report, least=1)},
    "sensorReport",
)


def _element(value: Any, walk: Walk, at: str) -> None:
    _element_fields(value, walk, at)
    if not isinstance(value, dict):
        return
    metadata, reports = value.get("sensorMetadata"), value.get("sensorReport")
    for index, report in enumerate(reports if isinstance(reports, list) else []):
        where = step(step(at, "sensorReport"), index)
        if isinstance(report, dict):
            _typed(report, walk, where)
            _said_once(
                metadata if isinstance(metadata, dict) else {}, report, walk, where
            )


def _typed(report: Mapping[str, Any], walk: Walk, at: str) -> None:
    """A report has a type; one that only tells of an exception is let pass."""
    if "type" in report:
        return
    if "exception" in report and not any(name in report for name in NUMBERS):
        walk.warn(at, "type is missing; this report only tells of an exception")
    else:
        walk.fault(at, "type is missing")


def _said_once(
    metadata: Mapping[str, Any], report: Mapping[str, Any], walk: Walk, at: str
) -> None:
    """What holds for the element and is said of the report too must not contradict.

    GS1's test case TCR-53 refuses every repetition, its partners' published documents
    repeat: a contradiction is refused, a repetition is warned of. A report's own time
    within the element's is no contradiction.
    """
    for name in (*DEVICE, "time"):
        if name not in report or name not in metadata:
            continue
        if name != "time" and report[name] != metadata[name]:
            walk.fault(
                step(at, name),
                f"{name} stands in sensorMetadata too, with another value; say it once",
            )
        else:
            walk.warn(step(at, name), f"{name} stands in sensorMetadata too")


COMMON: Final[Mapping[str, Check]] = {
    "@context": context,
    "type": text,
    "eventTime": moment,
    "recordTime": moment,
    "eventTimeZoneOffset": matching(
        r"[+-](?:(?:0[0-9]|1[0-3]):[0-5][0-9]|14:00)", "zone offset such as +07:00"
    ),
    "eventID": uri,
    "certificationInfo": either(items(uri), uri, lambda value: isinstance(value, list)),
    "errorDeclaration": _error,
}
_BUSINESS: Final[Mapping[str, Check]] = {
    "bizStep": word(BIZ_STEP, "business step"),
    "disposition": word(DISPOSITION, "disposition"),
    "readPoint": _place,
    "bizLocation": _place,
    "bizTransactionList": items(_transaction),
    "sourceList": items(_party("source")),
    "destinationList": items(_party("destination")),
    "sensorElementList": items(_element),
}
_epcs, _quantities = items(uri), items(_quantity)
_action: Final = matching("OBSERVE|ADD|DELETE", "action: ADD, OBSERVE or DELETE")
_FAMILY: Final[Mapping[str, Check]] = {
    "action": _action,
    "parentID": uri,
    "childEPCs": _epcs,
    "childQuantityList": _quantities,
}
_OWN: Final[Mapping[str, Mapping[str, Check]]] = {
    "ObjectEvent": {
        "action": _action,
        "epcList": items(uri, unique=True),
        "quantityList": _quantities,
        "persistentDisposition": _lasting,
        "ilmd": _ilmd,
    },
    "AggregationEvent": _FAMILY,
    "AssociationEvent": _FAMILY,
    "TransactionEvent": {
        "action": _action,
        "parentID": uri,
        "epcList": _epcs,
        "quantityList": _quantities,
        "bizTransactionList": items(_transaction, least=1),
    },
    "TransformationEvent": {
        "inputEPCList": items(uri, unique=True),
        "inputQuantityList": _quantities,
        "outputEPCList": items(uri, unique=True),
        "outputQuantityList": _quantities,
        "transformationID": uri,
        "persistentDisposition": _lasting,
        "ilmd": _ilmd,
    },
}
TYPES: Final = tuple(_OWN)
_REQUIRED: Final = {
    "ObjectEvent": ("action",),
    "AggregationEvent": ("action",),
    "AssociationEvent": ("action", "parentID"),
    "TransactionEvent": ("action", "bizTransactionList"),
    "TransformationEvent": (),
}
FIELDS: Final[Mapping[str, Mapping[str, Check]]] = {
    kind: {**COMMON, **_BUSINESS, **own} for kind, own in _OWN.items()
}
"""Which event may carry what."""

_SHAPES: Final = {
    kind: shape(fields, "eventTime", "eventTimeZoneOffset", *_REQUIRED[kind])
    for kind, fields in FIELDS.items()
}
_own_event: Final = shape(
    {**COMMON, "type": uri}, "eventTime", "eventTimeZoneOffset", is_free=True
)


def check_event(event: Any, walk: Walk, at: str) -> None:
    """Note what is wrong with one event by its shape."""
    if not isinstance(event, dict):
        walk.fault(at, "an event is an object")
        return
    kind = event.get("type")
    if not isinstance(kind, str):
        walk.fault(step(at, "type") if "type" in event else at, "type is missing")
        return
    checked = event
    if kind == "AggregationEvent" and "persistentDisposition" in event:
        where = step(at, "persistentDisposition")
        walk.warn(where, "EPCIS 2.0 has no persistentDisposition on AggregationEvent")
        _lasting(event["persistentDisposition"], walk, where)
        checked = {k: v for k, v in event.items() if k != "persistentDisposition"}
    _SHAPES.get(kind, _own_event)(checked, walk, at)
