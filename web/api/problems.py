"""Errors for programs, as RFC 9457 has them."""

from collections.abc import Mapping
from typing import Any, Final

import msgspec
from fastapi import Response

from web.api.epcis_problems import KIND_OF

_PROGRAMS: Final = ("/api/", "/epcis/")
PROBLEM: Final = "application/problem+json"
TYPES: Final[Mapping[int, tuple[str, str]]] = {
    400: ("bad-request", "The request cannot be read"),
    401: ("sign-in-needed", "Sign in, or show a token"),
    403: ("refused", "Not yours to do"),
    404: ("not-found", "There is nothing here"),
    405: ("method-not-allowed", "That cannot be done here"),
    409: ("conflict", "It contradicts what stands here"),
    411: ("length-required", "Say how long the body is"),
    413: ("too-large", "That is too much at once"),
    422: ("invalid", "Something in the request is wrong"),
    421: ("misdirected", "This site has another name"),
    429: ("too-many-requests", "Too often"),
    503: ("unavailable", "Try again later"),
}
"""The stable types of problems, as ``urn:greenwater:problem:…``, with their titles."""


def type_of(path: str, status: int) -> tuple[str, str]:
    """Return a problem's type and title at an address."""
    if path.startswith("/epcis/"):
        kind = KIND_OF.get(status, "ImplementationException")
        return f"epcisException:{kind}", "EPCIS exception"
    name, title = TYPES.get(status, ("fault", "Something went wrong here"))
    return f"urn:greenwater:problem:{name}", title


def problem_response(
    path: str,
    status: int,
    reason: str,
    headers: Mapping[str, str] | None = None,
    more: Mapping[str, Any] | None = None,
) -> Response:
    """Return an error for a program; ``more`` are members beside the standard's."""
    kind, title = type_of(path, status)
    document: dict[str, Any] = {
        "type": kind,
        "title": title,
        "status": status,
        "detail": reason,
        **(more or {}),
    }
    kept = {"Cache-Control": "no-store", **(headers or {})}
    if status == 401:
        kept["WWW-Authenticate"] = "Bearer"
    return Response(msgspec.json.encode(document), status, kept, PROBLEM)


def is_program(path: str) -> bool:
    """Return whether programs ask at an address, not people."""
    return path.startswith(_PROGRAMS)
