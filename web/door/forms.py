"""What a form says: its fields as text, whatever the browser sent; and a file with them."""

from collections.abc import Mapping
from typing import Annotated, Final

from fastapi import Depends, Request

from greenwater.kernel.errors import InputError
from traceability.book.workbooks import MAX_BYTES

_TABLE_BYTES: Final = 3 * MAX_BYTES
"""A form's escapes make text longer."""

_MOST_FIELDS: Final = 200
"""A catch has a line of fields for each species."""


async def fields_of(request: Request) -> Mapping[str, str]:
    """Return a form's fields by name; of one that stands there twice the last counts."""
    return {key: str(value) for key, value in (await request.form()).items()}


async def file_form(
    request: Request, name: str, most: int, too_large: InputError
) -> tuple[Mapping[str, str], bytes | None]:
    """Return a form's texts and the file with it, None where there is none.

    Raises:
        InputError: ``too_large``: it has more bytes, or does not say how many it has.
    """
    length = request.headers.get("content-length", "")
    if not length.isdecimal() or int(length) > most:
        raise too_large
    async with request.form(
        max_files=1, max_fields=_MOST_FIELDS, max_part_size=most
    ) as form:
        part = form.get(name)
        raw = None if part is None or isinstance(part, str) else await part.read()
        return {key: one for key, one in form.items() if isinstance(one, str)}, raw


async def table_form(request: Request) -> tuple[Mapping[str, str], bytes | None]:
    """Return a form's texts and the table of records with it, None where there is none.

    Raises:
        InputError: it is too large.
    """
    mb = MAX_BYTES // 2**20
    sentence = f"a file has at most {mb} MB: split it"
    too_large = InputError(sentence, "file_large", mb=mb)
    return await file_form(request, "file", _TABLE_BYTES, too_large)


Fields = Annotated[Mapping[str, str], Depends(fields_of)]
"""What a form says, for a route that takes it as it is."""

TableForm = Annotated[tuple[Mapping[str, str], bytes | None], Depends(table_form)]
"""A form with a table of records."""
