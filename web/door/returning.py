"""Ways back for whoever sent a form: the page it was filled in on, and what he wrote in it.

What answers a form has no address of its own that could be opened again, and a form that
comes too late (the session ended meanwhile) must not cost the words that stood in it.
"""

from typing import Final
from urllib.parse import parse_qsl, urlencode, urlsplit

from fastapi import Request
from starlette.exceptions import HTTPException

LOOKING: Final = ("GET", "HEAD")
FORMS: Final = ("application/x-www-form-urlencoded", "multipart/form-data")
SECRETS: Final = frozenset({"csrf", "secret", "again", "old", "code", "next"})
"""Fields of forms that are shown to nobody again."""

MOST: Final = 20


def page_behind(request: Request) -> str:
    """Return the page with the form that was sent, with its query.

    What browsers do not say (``Referer``), or another site says, is the first page.
    """
    asked = urlsplit(request.headers.get("referer", ""))
    is_ours = asked.netloc == request.headers.get("host", "")
    if not is_ours or not asked.path.startswith("/") or asked.path.startswith("//"):
        return "/"
    return f"{asked.path}?{asked.query}" if asked.query else asked.path


def same_with(request: Request, name: str, value: str) -> str:
    """Return where the page that is looked at stands, with a parameter in it, once.

    The page of an answered form stands where the form stood.
    """
    if request.method in LOOKING:
        path, given = "", request.query_params.multi_items()
    else:
        path, _, query = page_behind(request).partition("?")
        given = parse_qsl(query, keep_blank_values=True)
    others = [one for one in given if one[0] != name]
    return f"{path}?{urlencode([*others, (name, value)])}"


async def words_in(request: Request) -> tuple[str, ...]:
    """Return what a person wrote in a form, so that a page may give it back to him.

    Words, not codes: what has a space or is not ASCII. Numbers and choices are quickly
    made again, and a secret is never shown.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if request.method in LOOKING or kind not in FORMS:
        return ()
    try:
        form = await request.form()
    except (RuntimeError, HTTPException):  # it was read as something else, or is broken
        return ()
    written = [
        text.strip()
        for name, text in form.multi_items()
        if isinstance(text, str) and name not in SECRETS
    ]
    return tuple(one for one in written if " " in one or not one.isascii())[:MOST]
