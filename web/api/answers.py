"""How the API answers: JSON that nobody keeps, JSON that anybody may have, lists by the page."""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, Final, TypeVar

import msgspec
from fastapi import Query, Request, Response

from greenwater.kernel.errors import InputError

MOST: Final = 200
"""Things on one page of a list, and in one batch."""

_PLACE: Final = re.compile(r"(\d{1,15})\.([0-9A-Za-z-]{1,64})", re.ASCII)
After = Annotated[
    str | None,
    Query(
        max_length=80, description="`next` of the page before.", pattern=_PLACE.pattern
    ),
]
Limit = Annotated[int, Query(ge=1, le=MOST)]
One = TypeVar("One")


def fresh(
    document: Any, status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    """Return a document as JSON that nobody keeps: it is one visitor's, or of this moment."""
    kept = {"Cache-Control": "no-store", **(headers or {})}
    body = msgspec.json.encode(document)
    return Response(body, status, kept, "application/json")


def open_to_all(document: Any, media: str = "application/json") -> Response:
    """Return a document as JSON that any site's script may read; asked for each time."""
    headers = {"Cache-Control": "no-cache", "Access-Control-Allow-Origin": "*"}
    return Response(msgspec.json.encode(document), 200, headers, media)


def place_of(after: str | None) -> tuple[int, str] | None:
    """Return where a list goes on, as (ms, id) of the last that was shown; None: its beginning.

    Raises:
        InputError: no page gave that as its next.
    """
    if after is None:
        return None
    found = _PLACE.fullmatch(after)
    if found is None:
        raise InputError(f"after={after[:60]!r} is not what a page gave as next")
    return int(found[1]), found[2]


def page_of(
    found: Sequence[One], limit: int, place: Callable[[One], tuple[int, str]]
) -> tuple[Sequence[One], str | None]:
    """Return a page of what was asked one beyond ``limit``, and its ``next``; None: the last."""
    if len(found) <= limit:
        return found, None
    at_ms, name = place(found[limit - 1])
    return found[:limit], f"{at_ms}.{name}"


def page_answer(
    request: Request, name: str, shown: Sequence[Any], following: str | None
) -> Response:
    """Return a page of a list; ``next`` and the header ``Link`` lead on, until null."""
    headers = {}
    if following is not None:
        place = request.url.include_query_params(after=following)
        headers["Link"] = f'<{place.path}?{place.query}>; rel="next"'
    return fresh({name: shown, "next": following}, headers=headers)
