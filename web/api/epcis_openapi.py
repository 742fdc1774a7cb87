"""How EPCIS's addresses are described in OpenAPI: parameters, bodies, answers."""

from collections.abc import Mapping
from typing import Any, Final

_ANY: Final = {"type": "object", "additionalProperties": True}
_COLLECTION: Final = {
    "type": "object",
    "required": ["type", "member"],
    "properties": {
        "type": {"const": "Collection"},
        "member": {"type": "array", "items": {"type": "string"}},
    },
}
_EVENTS: Final = {
    "type": "object",
    "required": ["@context", "type", "schemaVersion", "creationDate", "epcisBody"],
    "properties": {
        "type": {"const": "EPCISQueryDocument"},
        "schemaVersion": {"const": "2.0"},
        "epcisBody": {"type": "object", "required": ["queryResults"]},
    },
}
_JOB: Final = {
    "type": "object",
    "required": ["captureID", "createdAt", "running", "success", "errors"],
    "properties": {
        "captureID": {"type": "string"},
        "createdAt": {"type": "string", "format": "date-time"},
        "finishedAt": {"type": "string", "format": "date-time"},
        "running": {"type": "boolean"},
        "success": {"type": "boolean"},
        "captureErrorBehaviour": {"enum": ["rollback", "proceed"]},
        "captured": {"type": "integer", "minimum": 0},
        "errors": {"type": "array", "items": _ANY},
        "warnings": {"type": "array", "items": _ANY},
    },
}
_DEFINITION: Final = {
    "type": "object",
    "required": ["name", "query"],
    "additionalProperties": False,
    "properties": {
        "name": {
            "type": "string",
            "minLength": 1,
            "maxLength": 200,
            "pattern": "^[^/]+$",
        },
        "query": {
            "description": "Parameters of the query language; a list is alternatives.",
            "type": "object",
        },
    },
}
_RECORDED: Final = {
    "type": "object",
    "required": ["eventID"],
    "properties": {
        "eventID": {"type": "string"},
        "warnings": {"type": "array", "items": _ANY},
    },
}
_ANSWERS: Final[Mapping[str, Any]] = {
    "events": _EVENTS,
    "events_of_query": _EVENTS,
    "events_of_type": _EVENTS,
    "event": _ANY,
    "jobs": {"type": "array", "items": _JOB},
    "job": _JOB,
    "capture": _JOB,
    "capture_event": _RECORDED,
    "queries": {"type": "array", "items": _DEFINITION},
    "query": _DEFINITION,
    "add_query": _DEFINITION,
}
_STATUS: Final = {
    "capture": 202,
    "capture_event": 201,
    "add_query": 201,
    "delete_query": 204,
    "release": 204,
}
_BODIES: Final[Mapping[str, Any]] = {
    "capture": {
        **_ANY,
        "description": "An EPCISDocument or EPCISQueryDocument, EPCIS 2.0 JSON-LD.",
        "required": ["@context", "type", "schemaVersion", "creationDate", "epcisBody"],
    },
    "capture_event": {
        **_ANY,
        "description": "One event with its @context, EPCIS 2.0 JSON-LD.",
        "required": ["@context", "type", "eventTime", "eventTimeZoneOffset"],
    },
    "add_query": _DEFINITION,
}


def _asked(name: str, schema: Mapping[str, Any], told: str = "") -> dict[str, Any]:
    return {"name": name, "in": "query", "schema": schema, "description": told}


def _header(name: str, schema: Mapping[str, Any]) -> dict[str, Any]:
    return {"name": name, "in": "header", "schema": schema}


_TYPES: Final = {
    "enum": [
        *("ObjectEvent", "AggregationEvent", "TransactionEvent"),
        *("TransformationEvent", "AssociationEvent"),
    ]
}
_TEXT: Final = {"type": "string"}
_WHEN: Final = {"type": "string", "format": "date-time"}
_PER_PAGE: Final = _asked(
    "perPage", {"type": "integer", "minimum": 1}, "At most so many; never over 1000."
)
_TOKEN: Final = _asked(
    "nextPageToken",
    {"type": "string"},
    "Of the Link header before; opaque.",
)
_FORMAT: Final = _header(
    "GS1-EPC-Format",
    {
        "enum": [
            "No_Preference",
            "Always_GS1_Digital_Link",
            "Always_EPC_URN",
            "Never_Translates",
        ]
    },
)
_PROFILE: Final = _asked(
    "profile",
    {"enum": ["gdst"]},
    "Hold the events to GDST 1.2 too; what breaks a rule is refused by its name.",
)
_QUERY: Final = (
    _asked(
        "eventType",
        _TYPES,
        "Alternatives are parted by a comma, here and in all others.",
    ),
    *(
        _asked(f"{op}_{time}", _WHEN)
        for time in ("eventTime", "recordTime")
        for op in ("GE", "LT")
    ),
    *(
        _asked(name, _TEXT)
        for name in (
            *("EQ_bizStep", "EQ_disposition", "EQ_readPoint", "EQ_bizLocation"),
            *("WD_readPoint", "WD_bizLocation", "MATCH_epc", "MATCH_anyEPC"),
            *("MATCH_epcClass", "MATCH_anyEPCClass", "EQ_eventID"),
        )
    ),
    _asked("EQ_action", {"enum": ["ADD", "OBSERVE", "DELETE"]}),
    _asked("orderBy", {"enum": ["eventTime", "recordTime"]}),
    _asked("orderDirection", {"enum": ["ASC", "DESC"]}),
)
_PAGES: Final = frozenset({"queries", "events_of_query"})


def described(method: str, path: str, name: str, told: str | None) -> Mapping[str, Any]:
    """Return what FastAPI is told of a route."""
    status = _STATUS.get(name, 200)
    answer = _ANSWERS.get(
        name, _EVENTS if name.startswith("events_of") else _COLLECTION
    )
    good: dict[str, Any] = {"description": "So it is."}
    if status != 204:
        good["content"] = {"application/json": {"schema": answer}}
    extra: dict[str, Any] = {"parameters": _parameters(name, path, method)}
    if name in _BODIES:
        body = {"schema": _BODIES[name]}
        content = {"application/json": body, "application/ld+json": body}
        extra["requestBody"] = {"required": True, "content": content}
    return {
        # Subscriptions are not there yet: they answer 501, as EPCIS has it.
        "include_in_schema": not name.startswith("no_subscriptions"),
        "operation_id": f"epcis_{name}",
        "summary": (told or "").split(".")[0],
        "description": _MORE.get(name, ""),
        "status_code": status,
        "responses": {status: good},
        "openapi_extra": extra,
    }


_MORE: Final = {
    "events": (
        "The query language of EPCIS 2.0: beside the parameters listed here also "
        "`EQ_source_…`, `GE_quantity_UOM`, `EQ_ILMD_ns:name`, `EXISTS_…`, `HASATTR_…` and "
        "the others of the standard (docs/epcis.md)."
    ),
}


def _parameters(name: str, path: str, method: str) -> list[dict[str, Any]]:
    if name in ("capture", "capture_event"):
        behaviour = {"enum": ["rollback", "proceed"]}
        more = [_PROFILE, _header("GS1-Capture-Error-Behaviour", behaviour)]
        return more if name == "capture" else [_PROFILE]
    if name in ("events", "events_of_type") or name.startswith("events_of_"):
        listed = () if name in _PAGES else _QUERY
        return [*_typed(path), *listed, _PER_PAGE, _TOKEN, _FORMAT]
    if name == "event":
        return [_FORMAT]
    is_list = method == "GET" and "{" not in path and name not in ("top", "types")
    return [_PER_PAGE, _TOKEN] if is_list and name != "jobs" else _typed(path)


def _typed(path: str) -> list[dict[str, Any]]:
    """Return the parameter of an address that names a type of event."""
    if not path.startswith("/eventTypes/{name}"):
        return []
    return [{"name": "name", "in": "path", "required": True, "schema": _TYPES}]
