"""What a form says: its fields as text, whatever the browser sent."""

from collections.abc import Mapping

from fastapi import Request


async def fields_of(request: Request) -> Mapping[str, str]:
    """Return a form's fields by name; of one that stands there twice the last counts."""
    return {key: str(value) for key, value in (await request.form()).items()}
