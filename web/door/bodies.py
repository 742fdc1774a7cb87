"""How large a request may be, whoever sends it: decided before anything is kept of it.

Forms are spooled to the disk while they are read, so that a door that asks nobody's name
could be used to fill it. What a page takes beyond that, it says itself (photos, files).
What programs send is read only once it is known who sends it. A page's form is read before:
whoever was signed out meanwhile gets back what he wrote.
"""

from collections.abc import Awaitable, Callable
from typing import Final

from fastapi import Request
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

MOST_BYTES: Final = 16 * 2**20
"""A photo has at most 10 MB, a capture of trace events 8 MB."""

STRANGERS_MOST: Final = 64 * 2**10
"""What a program may send before it is asked who it is."""

MOST_FIELDS: Final = 1_000
"""Fields of a form, empty ones too: sixteen million of them are seconds of the site's loop."""

_FORM: Final = b"application/x-www-form-urlencoded"
_PROGRAMS: Final = ("/api/", "/epcis/")
_TOO_LARGE: Final = f"a request has at most {MOST_BYTES // 2**20} MB: send less at once"


class LargestBody:
    """Middleware: refuses bodies that are too large, by their word and by their bytes."""

    def __init__(
        self,
        app: ASGIApp,
        is_known: Callable[[Request], bool],
        most: int = MOST_BYTES,
    ) -> None:
        self._app, self._is_known, self._most = app, is_known, most

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, counting what comes of its body."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = dict(scope["headers"])
        header = headers.get(b"content-length", b"0")
        told, read, fields = int(header) if header.isdigit() else 0, 0, 1
        is_asked = not scope["path"].startswith(_PROGRAMS)
        is_form = is_asked and headers.get(b"content-type", b"").lower().startswith(
            _FORM
        )

        async def checked(size: int) -> None:
            nonlocal is_asked
            if size > self._most:
                raise HTTPException(413, _TOO_LARGE)
            if size > STRANGERS_MOST and not is_asked:
                if not await run_in_threadpool(self._is_known, Request(scope)):
                    raise HTTPException(401, "sign in first")
                is_asked = True

        async def counted() -> Message:
            nonlocal read, fields
            await checked(told)
            message = await receive()
            body = message.get("body", b"")
            read += len(body)
            await checked(read)
            fields += body.count(b"&") if is_form else 0
            if fields > MOST_FIELDS:
                raise HTTPException(400, f"a form has at most {MOST_FIELDS} fields")
            return message

        await self._app(scope, counted, send)


def up_to(most: int) -> Callable[[Request], Awaitable[bytes]]:
    """Return what reads a body of at most ``most`` bytes, for a route's ``Depends``.

    Of a longer one it reads a little more than that, which shows that it is too long.
    """

    async def read(request: Request) -> bytes:
        taken = bytearray()
        async for part in request.stream():
            taken += part
            if len(taken) > most:
                break
        return bytes(taken)

    return read
