"""Photos on records of any book: what a form brings, where they lie, how one is shown."""

from collections.abc import Mapping
from typing import Annotated, Final

from fastapi import Depends, Request
from fastapi.responses import Response

from greenwater.kernel.errors import InputError
from traceability.book.photos import MAX_BYTES, Album
from web.door.forms import file_form
from web.ports import Services

_FORM_BYTES: Final = MAX_BYTES + 64 * 1024


async def photo_form(request: Request) -> tuple[Mapping[str, str], bytes]:
    """Return a form's fields, and the photo (empty: none) that it brings.

    Raises:
        InputError: it is larger than a photo may be, or does not say how large it is.
    """
    mb = MAX_BYTES // 2**20
    sentence = f"a photo has at most {mb} MB, and says how long it is"
    too_large = InputError(sentence, "photo_large", mb=mb)
    fields, raw = await file_form(request, "photo", _FORM_BYTES, too_large)
    return fields, raw or b""


async def photo_in(request: Request) -> tuple[str, bytes]:
    """Return the form token and the photo (empty: none) that a form brings.

    Raises: as ``photo_form``.
    """
    fields, raw = await photo_form(request)
    return fields.get("csrf", ""), raw


PhotoForm = Annotated[tuple[Mapping[str, str], bytes], Depends(photo_form)]
"""A form with a photo, for a route that takes it as it is."""

PhotoIn = Annotated[tuple[str, bytes], Depends(photo_in)]
"""The form token and the photo of a form that has nothing else."""


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
