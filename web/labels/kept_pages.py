"""Public pages that are kept for a while, and are never older than what they must follow.

Whoever scans a label sees what everybody sees who is not signed in, so that its page is
made once. Before a kept page is sent the registry is asked for its mark: if nothing at all
has changed, the page holds; if something has, the stamp of its lot is asked, and a recall,
a suspension or a revocation makes a new page at once. Names and corrections of records come
with the next page, after a minute. Phones may keep a page too, but ask each time (ETag).
"""

import asyncio
import hashlib
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from starlette.concurrency import run_in_threadpool
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from greenwater.kernel.clock import Clock
from greenwater.kernel.errors import PlatformError
from greenwater.storage.registry import Registry
from greenwater.storage.registry.change_marks import Stamp

KEPT_S: Final = 60.0
"""How long a page is kept at most, in seconds of the system's clock."""

MOST_BYTES: Final = 32 * 1024 * 1024
MOST_HEADER: Final = 400
"""A header longer than this is no browser's: such a request is answered afresh."""

MOST_ADDRESS: Final = 1_000
"""An address longer than this is no label's, whatever somebody wrote behind it."""

AROUND: Final = 2_000
"""What a page takes besides its text and its address: headers, entries in tables."""

KEEP: Final = "greenwater.keep"
PATHS: Final = ("/01/", "/passport/", "/api/v1/passports/")
VARY: Final = "Accept, Accept-Language, Accept-Encoding, Cookie, X-API-Key"
_OURS: Final = (b"", b"lang=vi", b"lang=en")

Headers = list[tuple[bytes, bytes]]
Key = tuple[Any, ...]


@dataclass
class Keep:
    """What a page says of itself while it is made: on whose standing it rests.

    ``stamp`` None: it is not to be kept. ``count`` counts a scan of the label.
    """

    lot: str = ""
    label: str | None = None
    stamp: Stamp | None = None
    count: Callable[[], None] | None = None


def is_for_all(scope: Any) -> bool:
    """Return whether a page is made for whoever comes, and may be a minute old."""
    return KEEP in scope


def may_keep(
    scope: Any,
    registry: Registry,
    lot: str,
    label: str | None = None,
    count: Callable[[], None] | None = None,
) -> Stamp | None:
    """Say, before a page is made, that it may be kept while a lot's stamp is the same.

    Returns the stamp; None: the page is not for all, and is not kept.
    """
    keep: Keep | None = scope.get(KEEP)
    if keep is None:
        return None
    keep.lot, keep.label, keep.count = lot, label, count
    keep.stamp = registry.stamp_of(lot, label)
    return keep.stamp


@dataclass
class _Kept:
    keep: Keep
    mark: str
    until_s: float
    headers: Headers = field(default_factory=list)
    body: bytes = b""
    etag: bytes = b""


class KeptPages:
    """An application around the site: answers with what it kept, else asks the site."""

    def __init__(self, app: ASGIApp, registry: Registry, clock: Clock) -> None:
        self._app, self._registry, self._clock = app, registry, clock
        self._kept: OrderedDict[Key, _Kept] = OrderedDict()
        self._making: dict[Key, asyncio.Event] = {}
        self._bytes = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        key = _key_of(scope)
        if key is None:
            await self._app(scope, receive, send)
            return
        kept = await self._good(key)
        if kept is None and key in self._making:
            # Others ask for the same page at this moment: it is made once.
            await self._making[key].wait()
            kept = await self._good(key)
        if kept is None:
            await self._make(key, scope, receive, send)
            return
        if kept.keep.count is not None:
            kept.keep.count()
        await _answer(kept, scope, send)

    async def _good(self, key: Key) -> _Kept | None:
        """Return a page that still holds, if there is one."""
        kept = self._kept.get(key)
        if kept is None:
            return None
        if time.monotonic() < kept.until_s and await run_in_threadpool(
            self._holds, kept
        ):
            self._kept.move_to_end(key)
            return kept
        self._drop(key)
        return None

    def _holds(self, kept: _Kept) -> bool:
        try:
            mark = self._registry.mark()
            if mark != kept.mark:
                keep = kept.keep
                if self._registry.stamp_of(keep.lot, keep.label) != keep.stamp:
                    return False
                kept.mark = mark
        except PlatformError:
            return False
        return True

    def _drop(self, key: Key) -> None:
        gone = self._kept.pop(key, None)
        if gone is not None:
            self._bytes -= _size(key, gone)

    async def _make(self, key: Key, scope: Scope, receive: Receive, send: Send) -> None:
        made = self._making[key] = asyncio.Event()
        keep = scope[KEEP] = Keep()
        try:
            # Before anything is read: what changes meanwhile is seen as a change.
            mark = await run_in_threadpool(self._marked)
            until_s = time.monotonic() + self._clock.real_seconds(KEPT_S)
            page = _Kept(keep, mark, until_s)

            async def heard(message: Message) -> None:
                if not mark or not _is_kept(keep, message):
                    await send(message)
                elif _is_whole(page, message):
                    self._store(key, page)
                    made.set()
                    await _answer(page, scope, send)

            await self._app(scope, receive, heard)
        finally:
            made.set()
            self._making.pop(key, None)

    def _marked(self) -> str:
        try:
            return self._registry.mark()
        except PlatformError:
            return ""

    def _store(self, key: Key, page: _Kept) -> None:
        self._drop(key)
        self._kept[key] = page
        self._bytes += _size(key, page)
        now_s = time.monotonic()
        while self._kept:
            oldest, found = next(iter(self._kept.items()))
            if self._bytes <= MOST_BYTES and now_s <= found.until_s:
                break
            self._drop(oldest)


def _size(key: Key, page: _Kept) -> int:
    _, path, query, *_ = key
    return len(page.body) + len(path) + len(query) + AROUND


def _is_kept(keep: Keep, message: Message) -> bool:
    """Return whether an answer is one that everybody may have; said with its beginning."""
    if message["type"] == "http.response.start":
        names = {name for name, _ in message["headers"]}
        if message["status"] != 200 or b"set-cookie" in names:
            keep.stamp = None
    return keep.stamp is not None


def _is_whole(page: _Kept, message: Message) -> bool:
    """Take a part of an answer in; return whether that was the last."""
    if message["type"] == "http.response.start":
        page.headers = list(message["headers"])
        return False
    page.body += message.get("body", b"")
    if message.get("more_body", False):
        return False
    page.etag = b'"' + hashlib.blake2b(page.body, digest_size=12).hexdigest().encode()
    page.etag += b'"'
    rest = [one for one in page.headers if one[0] not in _REPLACED]
    page.headers = [
        *rest,
        (b"cache-control", b"no-cache"),
        (b"vary", VARY.encode()),
        (b"etag", page.etag),
    ]
    return True


_REPLACED: Final = (b"cache-control", b"vary", b"etag")


async def _answer(kept: _Kept, scope: Scope, send: Send) -> None:
    asked = _header(scope, b"if-none-match")
    is_known = kept.etag in [one.strip() for one in asked.split(b",")]
    headers = kept.headers
    if is_known:
        left_out = (b"content-length", b"content-encoding", b"content-type")
        headers = [one for one in headers if one[0] not in left_out]
    status, body = (304, b"") if is_known else (200, kept.body)
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def _header(scope: Scope, name: bytes) -> bytes:
    return b", ".join(value for key, value in scope["headers"] if key == name)


def _key_of(scope: Scope) -> Key | None:
    """Return what tells public pages apart; None: made for this one request."""
    if scope["type"] != "http" or scope["method"] != "GET":
        return None
    if not scope["path"].startswith(PATHS):
        return None
    asked = {
        name: _header(scope, name) for name, _ in scope["headers"] if name in _TOLD
    }
    if asked.keys() & _OWN or asked.get(b"cookie", b"").strip() not in _OURS:
        return None
    if any(len(value) > MOST_HEADER for value in asked.values()):
        return None
    is_packed = b"gzip" in asked.pop(b"accept-encoding", b"")
    path = bytes(scope.get("raw_path") or scope["path"].encode())
    query, told = bytes(scope["query_string"]), tuple(sorted(asked.items()))
    if len(path) + len(query) > MOST_ADDRESS:
        return None
    return (scope["scheme"], path, query, is_packed, told)


_OWN: Final = frozenset({b"x-api-key", b"authorization"})
_TOLD: Final = _OWN | {b"cookie", b"accept", b"accept-language", b"accept-encoding"}
