"""Errors of EPCIS as RFC 9457 has them, and its answers with GS1's headers."""

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote

import msgspec
from fastapi import Response

from greenwater.kernel.errors import (
    ConflictError,
    InputError,
    MissingError,
    PlatformError,
    UnavailableError,
)
from greenwater.storage.registry.trace_events.epcis import DuplicateEventError
from traceability.epcis.faults import EpcisError, Fault
from traceability.epcis.query import QueryError
from web.door.doors import RefusedError, SignInNeededError

MAX_EVENTS: Final = 500
MAX_BYTES: Final = 4_000_000
MAX_URL: Final = 8000
LIMITS: Final = {
    "GS1-EPCIS-Capture-Limit": str(MAX_EVENTS),
    "GS1-EPCIS-Capture-File-Size-Limit": str(MAX_BYTES),
}
VERSIONS: Final = {
    "GS1-EPCIS-Version": "2.0.0",
    "GS1-EPCIS-Min": "2.0.0",
    "GS1-EPCIS-Max": "2.0.0",
    "GS1-CBV-Version": "2.0.0",
    "GS1-CBV-Min": "2.0.0",
    "GS1-CBV-Max": "2.0.0",
    "GS1-Extensions": "gdst=https://traceability-dialogue.org/epcis",
    "GS1-Vendor-Version": "greenwater/1",
}


class TooLargeError(InputError):
    """More than is taken at once."""


class TooLongError(InputError):
    """An address that is longer than is read."""


class NotAcceptableError(InputError):
    """A version or format is wanted that there is not."""


class MediaTypeError(InputError):
    """A body that is no JSON by its own word."""


class NotBuiltError(PlatformError):
    """A part of the standard that is not there yet."""


_KINDS: Final[tuple[tuple[type[PlatformError], str, int], ...]] = (
    (TooLargeError, "QueryTooLargeException", 413),
    (TooLongError, "URITooLongException", 414),
    (NotAcceptableError, "NotAcceptableException", 406),
    (MediaTypeError, "UnsupportedMediaTypeException", 415),
    (NotBuiltError, "ImplementationException", 501),
    (QueryError, "QueryParameterException", 400),
    (EpcisError, "ValidationException", 400),
    (SignInNeededError, "SecurityException", 401),
    (RefusedError, "SecurityException", 403),
    (MissingError, "NoSuchResourceException", 404),
    (ConflictError, "ResourceAlreadyExistsException", 409),
    (InputError, "QueryValidationException", 400),
    (UnavailableError, "ImplementationException", 503),
)
KIND_OF: Final = {status: kind for _, kind, status in reversed(_KINDS)} | {
    405: "NotAcceptableException",
    422: "ValidationException",
}
"""What EPCIS calls an answer of a status."""


def problem(error: PlatformError) -> Response:
    """Return an error as RFC 9457 has it; faults name event and pointer."""
    kinds = (one for one in _KINDS if isinstance(error, one[0]))
    _, kind, status = next(kinds, (PlatformError, "ImplementationException", 500))
    document: dict[str, Any] = {
        "type": f"epcisException:{kind}",
        "title": "EPCIS exception",
        "status": status,
        "detail": str(error) if status not in (500, 503) else "see the log",
    }
    if isinstance(error, EpcisError):
        document["errors"] = [fault_of(fault) for fault in error.faults[:100]]
    if isinstance(error, DuplicateEventError):
        document["instance"] = f"/epcis/events/{quote(error.event_id, safe='')}"
        document["existing"] = document["instance"]
    headers = LIMITS if status == 413 else {}
    if status == 401:
        headers = {"WWW-Authenticate": "Bearer"}
    return as_json(document, status, headers, media="application/problem+json")


def fault_of(fault: Fault) -> dict[str, Any]:
    """Return a fault: the event's index, the JSON pointer, what is wrong."""
    told = {"event": fault.event, "pointer": fault.pointer, "detail": fault.reason}
    return told | _named(fault)


def _named(fault: Fault) -> dict[str, str]:
    return {"rule": fault.rule} if fault.rule else {}


def as_json(
    document: Any,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
    *,
    media: str = "application/json",
) -> Response:
    """Return a document with GS1's version headers; never kept by caches."""
    kept = {**VERSIONS, "Cache-Control": "no-store", **(headers or {})}
    body = msgspec.json.encode(document)
    return Response(body, status, kept, media_type=media)


def problem_of(fault: Fault) -> dict[str, Any]:
    """Return a fault as a capture job lists it."""
    return {
        "type": "epcisException:ValidationException",
        "title": "EPCIS exception",
        "status": 400,
        "detail": str(fault),
        "event": fault.event,
        "pointer": fault.pointer,
        **_named(fault),
    }


def duplicate_of(index: int, event_id: str) -> dict[str, Any]:
    """Return what a capture job says of an event that stands there already."""
    return {
        "type": "epcisException:ResourceAlreadyExistsException",
        "title": "EPCIS exception",
        "status": 409,
        "detail": f"event {index}: {event_id} was captured before",
        "event": index,
        "existing": f"/epcis/events/{quote(event_id, safe='')}",
    }
