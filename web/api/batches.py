"""Records in batches from phones that were offline, for the farm's book and a vessel's alike.

A batch may be sent again, in parts and in any order: each record has an id that the phone
made, and an answer of its own. What is refused is refused for a reason of its own, and
holds nothing else up.
"""

import re
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Annotated, Any, Final, TypeVar

import msgspec
from fastapi import Depends, Response
from msgspec import Struct

from greenwater.kernel.errors import ConflictError, InputError, MissingError
from greenwater.kernel.reading import milliseconds
from traceability.records import FieldError
from web.api.answers import MOST, fresh
from web.door.bodies import up_to
from web.views.refused import refused
from web.words import Lang

MAX_BYTES: Final = 1_000_000
Body = Annotated[bytes, Depends(up_to(MAX_BYTES))]
_UNREADABLE: Final = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
Sent = TypeVar("Sent", bound=Struct)
Facts = dict[str, Any]


class _Batch(Struct, frozen=True, forbid_unknown_fields=True):
    """Records as they came: one that is wrong keeps no other back."""

    records: list[msgspec.Raw]


def batch_answer(
    body: bytes, lang: Lang, pages: str, take: Callable[[msgspec.Raw], Facts]
) -> Response:
    """Answer a batch: of each record that ``take`` says ``stored`` or ``same``, or why not.

    ``pages`` is the address beneath which each record has its page.

    Raises:
        InputError: it is no batch, or too large a one.
    """
    return fresh(
        {"results": [_answer(one, lang, pages, take) for one in _records(body)]}
    )


def _records(body: bytes) -> Sequence[msgspec.Raw]:
    if len(body) > MAX_BYTES:
        raise InputError(f"a batch has at most {MAX_BYTES} bytes: send it in parts")
    try:
        batch = msgspec.json.decode(body, type=_Batch)
    except _UNREADABLE as exc:
        raise InputError(f"this is no batch of records: {exc}") from None
    if len(batch.records) > MOST:
        raise InputError(f"a batch has at most {MOST} records: send it in parts")
    return batch.records


def _answer(
    raw: msgspec.Raw, lang: Lang, pages: str, take: Callable[[msgspec.Raw], Facts]
) -> Facts:
    """Take one record in; why not is said to whoever reads it on his phone."""
    named = _id_in(raw)
    try:
        taken = take(raw)
    except ConflictError as exc:
        taken = {"status": "conflict", "reason": refused(lang, exc)}
    except (InputError, MissingError) as exc:
        field = exc.field if isinstance(exc, FieldError) else None
        reason = refused(lang, exc)
        return {"id": named, "status": "refused", "field": field, "reason": reason}
    told = {"id": named, **taken}
    return {**told, "href": f"{pages}/{told['id']}"}


def _id_in(raw: msgspec.Raw) -> str:
    """Return the id that a record says it has, however wrong the rest of it is."""
    try:
        found = msgspec.json.decode(raw)
    except _UNREADABLE:
        return ""
    named = found.get("id") if isinstance(found, dict) else None
    return named[:64] if isinstance(named, str) else ""


def sent_as(raw: msgspec.Raw, shape: type[Sent]) -> Sent:
    """Return a record as it was sent.

    Raises:
        FieldError: it has not that shape.
    """
    try:
        return msgspec.json.decode(raw, type=shape)
    except _UNREADABLE as exc:
        found = re.search(r"`\$\.?([a-z_.]*)", str(exc))
        raise FieldError(found[1] if found else "", str(exc)) from None


def instant_in(name: str, text: str) -> int:
    """Return what a field of something sent says, ISO 8601 with a zone, in ms since 1970.

    Raises:
        FieldError: it is no instant, or has no zone.
    """
    try:
        at = datetime.fromisoformat(text)
        if at.tzinfo is not None:
            return milliseconds(at)
    except (ValueError, OverflowError):
        pass
    raise FieldError(
        name, f"{name} {text[:40]!r} is no instant such as 2026-11-23T07:30+07:00"
    )
