"""What every request passes: no other site's forms; acts noted; headers on each answer.

Plain ASGI: nothing is wrapped, streamed again or waited for that need not be, since each
page, file and number of the site goes through here.
"""

from typing import Final

from fastapi import Request, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from web.api.problems import is_program, problem_response
from web.door.acts import note_act
from web.door.doors import Doors, is_cross_site
from web.door.hosts import called, is_ours
from web.door.policies import PAGE_POLICY
from web.words import Lang, say

HSTS: Final = "max-age=31536000"
HEADERS: Final = {
    "Content-Security-Policy": PAGE_POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}
_LOOKING: Final = ("GET", "HEAD", "OPTIONS")
_BYTES: Final = [
    (name.lower().encode(), text.encode()) for name, text in HEADERS.items()
]
_INSISTING: Final = (b"strict-transport-security", HSTS.encode())

Headers = list[tuple[bytes, bytes]]


def dressed(headers: Headers, scheme: str, *, is_demo: bool) -> Headers:
    """Return an answer's headers with those that each has; a page's own words stay.

    A demo's certificate lasts a week: nobody's browser is to insist on it afterwards.
    """
    own = {name for name, _ in headers}
    is_held = scheme == "https" and not is_demo
    all_ = [*_BYTES, _INSISTING] if is_held else _BYTES
    return [*headers, *(one for one in all_ if one[0] not in own)]


def _at_home(name: bytes, value: bytes, scope: Scope) -> bytes:
    """Return a header's value; an address here is told without the host that was sent."""
    if name.lower() != b"location":
        return value
    stem = f"{scope['scheme']}://{called(scope)}/".encode("latin-1")
    return value[len(stem) - 1 :] if value.startswith(stem) else value


def _misdirected(path: str, host: str) -> Response:
    """Return what is told to who calls this site by another's name."""
    facts = {"host": host[:100]}
    if is_program(path):
        return problem_response(path, 421, say(Lang.EN, "wrong_host", **facts))
    told = [say(lang, "wrong_host", **facts) for lang in (Lang.VI, Lang.EN)]
    kept = {"Cache-Control": "no-store"}
    return Response("\n".join(told) + "\n", 421, kept, "text/plain; charset=utf-8")


class EveryRequest:
    """Middleware around the whole site, within what is kept for everybody."""

    def __init__(
        self, app: ASGIApp, doors: Doors, *, is_demo: bool, hosts: frozenset[str]
    ) -> None:
        self._app, self._doors, self._is_demo = app, doors, is_demo
        self._hosts = hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass one request on; an act is noted before its answer goes out."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = Request(scope)

        async def minded(message: Message) -> None:
            if message["type"] == "http.response.start":
                await note_act(self._doors, request, message["status"])
                told = [
                    (name, _at_home(name, value, scope))
                    for name, value in message["headers"]
                ]
                headers = dressed(told, scope["scheme"], is_demo=self._is_demo)
                message = {**message, "headers": headers}
            await send(message)

        host = called(scope)
        if self._hosts and host is not None and not is_ours(host, self._hosts):
            await _misdirected(scope["path"], host)(scope, receive, minded)
            return
        if scope["method"] not in _LOOKING and is_cross_site(request):
            refused = problem_response(scope["path"], 403, "sent by another site")
            await refused(scope, receive, minded)
            return
        try:
            await self._app(scope, receive, minded)
        except Exception:
            # Answered further out, as our own fault: the act was tried all the same.
            await note_act(self._doors, request, 500)
            raise
