"""Photos on records of any book: what a form brings, where they lie, how one is shown."""

from collections.abc import Mapping
from typing import Final

from fastapi import Request
from fastapi.responses import Response

from greenwater.kernel.errors import InputError
from traceability.book.photos import MAX_BYTES, Album
from web.ports import Services

_FORM_BYTES: Final = MAX_BYTES + 64 * 1024
_MOST_FIELDS: Final = 200
"""A catch has a line of fields for each species."""


async def photo_form(request: Request) -> tuple[Mapping[str, str], bytes]:
    """Return a form's fields, and the photo (empty: none) that it brings.

    Raises:
        InputError: it is larger than a photo may be, or does not say how large it is.
    """
    length = request.headers.get("content-length", "")
    if not length.isdecimal() or int(length) > _FORM_BYTES:
        raise InputError(
            f"a photo has at most {MAX_BYTES // 2**20} MB, and says how long it is",
            "photo_large",
            mb=MAX_BYTES // 2**20,
        )
    async with request.form(max_files=1, max_fields=_MOST_FIELDS) as form:
        part = form.get("photo")
        raw = b"" if part is None or isinstance(part, str) else await part.read()
        fields = {key: one for key, one in form.items() if isinstance(one, str)}
        return fields, raw


async def photo_in(request: Request) -> tuple[str, bytes]:
    """Return the form token and the photo (empty: none) that a form brings.

    Raises: as ``photo_form``.
    """
    fields, raw = await photo_form(request)
    return fields.get("csrf", ""), raw


def album_of(services: Services) -> Album:
    """Return where photos lie.

    Raises:
        InputError: this server keeps none.
    """
    folder = services.photos
    if folder is None:
        raise InputError("this server has no place for photos", "photo_no_place")
    return Album(services.registry, services.clock, folder)


def shown_photo(services: Services, digest: str) -> Response:
    """Return a photo as a phone shows it and keeps it; who may see it was asked before.

    Raises:
        MissingError: its file is not there.
    """
    return Response(
        album_of(services).read(digest),
        media_type="image/jpeg",
        headers={"Cache-Control": "private, max-age=86400, immutable"},
    )
