"""Writes that may be repeated.

A write under ``/api/`` or ``/epcis/`` that comes with ``Idempotency-Key`` is done once: the
same key with the same request gets the first answer again, with another request 422.
"""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from typing import Any, Final

from fastapi import Request, Response
from starlette.concurrency import run_in_threadpool
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

from greenwater.kernel.errors import (
    ConflictError,
    InputError,
    InvariantError,
    PlatformError,
)
from greenwater.storage.registry.writes import KeptAnswer
from web.api.problems import is_program, problem_response
from web.door.doors import Doors, token_of
from web.door.programs import is_known, secret_of
from web.ports import Services

WAITS_S: Final = (0.02, 0.05, 0.1, 0.2, 0.4, 0.8, 1.5, 2.0)
"""How long a request waits, bit by bit, for the answer to its twin that came before it."""

MAX_BODY: Final = 8_000_000
_WRITES: Final = frozenset({"POST", "PUT", "PATCH", "DELETE"})
_KEPT: Final = ("content-type", "location", "link", "etag")
Next = Callable[[Request], Awaitable[Response]]


class OnlyKeyed:
    """Middleware around ``Once``: what has no key goes on as it is, and sooner."""

    def __init__(self, app: ASGIApp, once: "Once") -> None:
        self._app, self._keyed = app, BaseHTTPMiddleware(app, once)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass one request on."""
        headers = scope.get("headers", ())
        is_keyed = any(name == b"idempotency-key" for name, _ in headers)
        await (self._keyed if is_keyed else self._app)(scope, receive, send)


class Once:
    """Middleware: writes with a key are done once."""

    def __init__(self, services: Services, doors: Doors) -> None:
        self._services, self._doors = services, doors
        self._registry = services.registry

    async def __call__(self, request: Request, call_next: Next) -> Response:
        """Answer, from what is kept if this was answered before."""
        key = request.headers.get("idempotency-key")
        path = request.url.path
        if key is None or request.method not in _WRITES or not is_program(path):
            return await call_next(request)
        try:
            length = _length(request, key)
        except InputError as exc:
            return problem_response(path, 422, str(exc))
        if length is None:
            return problem_response(path, 411, "send Content-Length with this key")
        if length > MAX_BODY or not await run_in_threadpool(
            is_known, self._services, self._doors, request
        ):
            return await call_next(request)
        return await self._once(request, call_next, key)

    async def _once(self, request: Request, call_next: Next, key: str) -> Response:
        body = await request.body()
        who = secret_of(request) or token_of(request)
        id_ = _digest("key", who, key)
        address = f"{request.url.path}?{request.url.query}"
        digest = _digest(request.method, address, body.decode("latin-1"))
        now_ms = self._services.now_ms()
        try:
            kept = await self._begun(id_, digest, now_ms)
        except PlatformError as exc:
            return _refused(request.url.path, exc)
        if kept is not None:
            headers = {**kept.headers, "Idempotency-Replayed": "true"}
            return Response(kept.body, kept.status, headers)
        return await self._do(request, call_next, id_)

    async def _begun(self, id_: str, digest: str, now_ms: int) -> KeptAnswer | None:
        """Return what ``begin_write`` does, once nobody else is at this very write.

        Raises: as ``begin_write``; ConflictError only after ``WAITS_S``.
        """
        for wait_s in (*WAITS_S, None):
            try:
                return await run_in_threadpool(
                    lambda: self._registry.begin_write(id_, digest, now_ms=now_ms)
                )
            except ConflictError:
                if wait_s is None:
                    raise
            await asyncio.sleep(wait_s)
        raise InvariantError("the last wait is none")

    async def _do(self, request: Request, call_next: Next, id_: str) -> Response:
        answer = await call_next(request)
        streamed: Any = answer  # what call_next returns always streams
        body = b"".join([part async for part in streamed.body_iterator])
        if answer.status_code >= 500 or answer.status_code in (401, 403, 429):
            await run_in_threadpool(self._registry.forget_write, id_)
        else:
            headers = {
                name: value
                for name, value in answer.headers.items()
                if name in _KEPT or name.startswith("gs1-")
            }
            kept = KeptAnswer(answer.status_code, headers, body)
            await run_in_threadpool(self._registry.finish_write, id_, kept)
        return Response(body, answer.status_code, dict(answer.headers))


def _length(request: Request, key: str) -> int | None:
    """Return the length of the body; None: it does not say.

    Raises:
        InputError: the key is none.
    """
    if not 0 < len(key) <= 200 or not key.isprintable():
        raise InputError("an Idempotency-Key has 1 to 200 visible characters")
    text = request.headers.get("content-length")
    if text is None:
        is_chunked = "transfer-encoding" in request.headers
        return None if is_chunked else 0
    return int(text) if text.isdecimal() else None


def _digest(*parts: str) -> str:
    whole = "\n".join(f"{len(part)}:{part}" for part in parts)
    return hashlib.sha256(whole.encode("utf-8", "surrogatepass")).hexdigest()


def _refused(path: str, error: PlatformError) -> Response:
    if isinstance(error, InputError):
        return problem_response(path, 422, str(error))
    if isinstance(error, ConflictError):
        return problem_response(path, 409, str(error), {"Retry-After": "1"})
    return problem_response(path, 503, "see the log", {"Retry-After": "10"})
