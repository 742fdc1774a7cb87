"""The name by which a browser that is told of alarms is known: a cookie, and nothing else.

It opens nothing. By it signing out there ends what is told there, though the session is
another one than when it was added.
"""

import re
import secrets
from typing import Final

from fastapi import Request, Response

COOKIE: Final = "gw_phone"
KEPT_S: Final = 400 * 24 * 3600
"""As long as browsers keep any cookie (RFC 6265bis, section 5.5)."""

_NAME: Final = re.compile(r"[\w-]{16,64}", re.ASCII)


def phone_of(request: Request) -> str:
    """Return what the browser is called; "": it never was told of anything."""
    found = request.cookies.get(_cookie(request), "")
    return found if _NAME.fullmatch(found) else ""


def new_phone() -> str:
    """Return a name that nobody guesses."""
    return secrets.token_urlsafe(16)


def name_phone(request: Request, response: Response, name: str) -> None:
    """Have the browser keep its name."""
    response.set_cookie(
        _cookie(request),
        name,
        max_age=KEPT_S,
        httponly=True,
        samesite="lax",
        secure=request.url.scheme == "https",
    )


def _cookie(request: Request) -> str:
    return f"__Host-{COOKIE}" if request.url.scheme == "https" else COOKIE
