"""What the site answers where something is wrong: a page for people, a problem for programs."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final
from urllib.parse import quote

import structlog
from fastapi import FastAPI, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.exceptions import RequestValidationError
from fastapi.responses import RedirectResponse
from starlette.datastructures import URL
from starlette.exceptions import HTTPException

from greenwater.kernel.errors import (
    ConflictError,
    InputError,
    MissingError,
    PlatformError,
    UnavailableError,
)
from greenwater.kernel.reading import milliseconds
from web.api.problems import problem_response
from web.door.doors import (
    Doors,
    RefusedError,
    SignInNeededError,
    door,
)
from web.door.returning import page_behind, words_in
from web.middleware import dressed
from web.pages import Renderer, lang_of
from web.ports import Services
from web.views.refused import refused
from web.words import WORDS, Lang, say

log = structlog.get_logger()

STATUS: Final[dict[type[PlatformError], int]] = {
    InputError: 422,
    MissingError: 404,
    ConflictError: 409,
    UnavailableError: 503,
}
RETRY_S: Final = 10
LINKS: Final = {
    "/a/": ("error_link_alarm", "/alarms", "alarms_title"),
    "/join/": ("error_link_join", "/sign-in", "sign_in"),
    "/once/": ("error_link_once", "/demo", "demo_roles"),
}
"""What a link that is over says, and where its page leads: address and word."""


def status_of(error: PlatformError) -> int:
    """Return the status of the nearest family; 500 for our own faults."""
    return next((STATUS[c] for c in type(error).__mro__ if c in STATUS), 500)


Answer = Callable[..., Response]


def _answering(services: Services, render: Renderer, doors: Doors) -> Answer:
    """Return what makes an answer of a status and a reason: a page, or JSON."""

    def answer(
        request: Request,
        status: int,
        reason: str | PlatformError,
        written: Sequence[str] = (),
    ) -> Response:
        headers = {"Retry-After": str(RETRY_S)} if status == 503 else {}
        if not _wants_page(request):
            return problem_response(request.url.path, status, str(reason), headers)
        lang, over = lang_of(request), _link_over(request, status, services)
        known = over[0] if over else _words_of(request, status, reason, doors)
        back_word = "form_again" if doors.visitor(request) else "sign_in"
        page = render.page(
            request,
            "error.html",
            now_ms=milliseconds(services.clock.now()),
            is_simulated=False,
            status=status,
            sentence=say(lang, known, reason=_told(lang, reason)),
            cure=say(lang, f"{known}_cure"),
            retry_s=RETRY_S if status == 503 and request.method == "GET" else 0,
            written=written,
            back=over[1] if over else _back(request, doors),
            back_word=over[2] if over else back_word,
        )
        page.headers.update(headers)
        return page

    return answer


def _link_over(
    request: Request, status: int, services: Services
) -> tuple[str, str, str] | None:
    """Return what is said where a link was asked for that is used up, too old or unknown."""
    begins = next((one for one in LINKS if request.url.path.startswith(one)), "")
    if status != 404 or not begins or (begins == "/once/" and not services.is_demo):
        return None
    return LINKS[begins]


def _words_of(
    request: Request, status: int, reason: str | PlatformError, doors: Doors
) -> str:
    """Return the key of an error's sentence; a form of a session that ended has its own."""
    is_stale = isinstance(reason, RefusedError) and reason.key == "form_stale"
    if is_stale and doors.visitor(request) is None:
        return "error_ended"
    known = f"error_{status}"
    return known if known in WORDS[Lang.VI] else "error_500"


def _back(request: Request, doors: Doors) -> str:
    """Return where whoever sent a form goes on: to its page, by the door if he is out."""
    if request.method != "POST":
        return ""
    page = page_behind(request)
    return page if doors.visitor(request) else f"/sign-in?next={quote(page, safe='')}"


def _told(lang: Lang, reason: str | PlatformError) -> str:
    """Return a reason as a page says it: in its language, or no more than that it is one."""
    own = reason if isinstance(reason, PlatformError) else PlatformError(reason)
    return refused(lang, own)


def answer_errors(
    app: FastAPI, services: Services, render: Renderer, doors: Doors
) -> None:
    """Have an application answer every error: people with a page, programs with a problem."""
    answer = _answering(services, render, doors)
    _answer_ours(app, answer)

    @app.exception_handler(Exception)
    def our_fault(request: Request, error: Exception) -> Response:
        # Starlette raises it again behind this answer, for the server's log.
        log.error("request.failed", path=_logged(request), error=repr(error))
        response = answer(request, 500, "see the log")
        response.raw_headers = dressed(
            response.raw_headers, request.scope["scheme"], is_demo=services.is_demo
        )
        return response

    @app.exception_handler(HTTPException)
    def http_error(request: Request, error: HTTPException) -> Response:
        if error.status_code == 405 and _is_looked_at(request):
            return RedirectResponse(_above(app.routes, request.url), 303)
        path, reason, headers = request.url.path, str(error.detail), error.headers or {}
        if error.status_code == 404:
            reason = f"there is no address {path[:100]!r}; see /api/v1/openapi.json"
        if error.status_code == 405:
            allowed = ", ".join(sorted(set(_allowed(app.routes, path))))
            reason = f"{request.method[:20]} is not for this address, only {allowed}"
            headers = {**headers, "Allow": allowed}
        response = answer(request, error.status_code, reason)
        response.headers.update(headers)
        return response

    @app.exception_handler(RequestValidationError)
    def wrong_address(request: Request, error: RequestValidationError) -> Response:
        faults = "; ".join(_fault(one) for one in error.errors())
        return answer(request, 422, faults[:500])


def _fault(fault: Mapping[str, Any]) -> str:
    """Return what is wrong with a parameter: its name, its value as it was sent, and why."""
    where, *within = map(str, fault["loc"])
    name = ".".join(within) if where == "body" else within[0]
    sent = fault["input"] if where == "query" else None
    value = f"={sent[:40]!r}" if isinstance(sent, str) else ""
    return f"{name}{value}: {fault['msg']}"


def _logged(request: Request) -> str:
    """Return an address as the log has it: a link that opens something is not in there."""
    path, token = request.url.path, request.path_params.get("token", "")
    return path.replace(token, "…") if token else path


def _answer_ours(app: FastAPI, answer: Answer) -> None:
    async def told(
        request: Request, status: int, reason: str | PlatformError
    ) -> Response:
        written = await words_in(request) if _wants_page(request) else ()
        return await run_in_threadpool(answer, request, status, reason, written)

    @app.exception_handler(SignInNeededError)
    async def sign_in_needed(request: Request, error: SignInNeededError) -> Response:
        if _wants_page(request) and request.method == "GET":
            return RedirectResponse(door(request), 303)
        return await told(request, 401, str(error))

    @app.exception_handler(RefusedError)
    async def refused(request: Request, error: RefusedError) -> Response:
        return await told(request, 403, error)

    @app.exception_handler(PlatformError)
    async def platform_error(request: Request, error: PlatformError) -> Response:
        status = status_of(error)
        if status >= 500:
            log.error("request.failed", path=_logged(request), error=str(error))
        return await told(request, status, error if status < 500 else "see the log")


def _allowed(routes: Iterable[Any], path: str) -> Iterator[str]:
    """Yield the methods of an address: each has a route of its own."""
    for one in routes:
        inner = getattr(one, "original_router", None)
        if inner is not None:
            yield from _allowed(inner.routes, path)
        elif getattr(one, "methods", None) and one.path_regex.match(path):
            yield from one.methods


def _is_looked_at(request: Request) -> bool:
    return request.method == "GET" and _wants_page(request)


def _above(routes: Iterable[Any], url: URL) -> str:
    """Return the nearest page above an address that takes forms alone, with its query."""
    parts = url.path.split("/")
    found = "/"
    for end in range(len(parts) - 1, 1, -1):
        path = "/".join(parts[:end])
        if "GET" in _allowed(routes, path):
            found = path
            break
    return f"{found}?{url.query}" if url.query else found


def _wants_page(request: Request) -> bool:
    path = request.url.path
    return not path.endswith(".json") and not path.startswith(
        ("/api/", "/epcis/", "/.well-known/", "/static/", "/healthz")
    )
