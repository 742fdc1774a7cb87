"""EPCIS 2.0's REST binding: its addresses, and capture with jobs."""

from collections.abc import Callable
from typing import Annotated, Any, Final
from urllib.parse import quote

import msgspec
from fastapi import APIRouter, Depends, Request, Response

from greenwater.kernel.errors import InputError, PlatformError
from greenwater.storage.registry.trace_events.epcis import DuplicateEventError, Job
from greenwater.storage.registry.trace_events.ledger import EventDraft
from traceability.epcis.capture import draft_of, iso
from traceability.epcis.documents import (
    Document,
    Judged,
    decode,
    judge,
    judge_event,
)
from traceability.epcis.faults import EpcisError, Fault
from traceability.epcis.masterdata import attributes_of
from traceability.gdst import profile
from web.api.epcis_openapi import described
from web.api.epcis_problems import (
    LIMITS,
    MAX_BYTES,
    MAX_EVENTS,
    VERSIONS,
    MediaTypeError,
    NotAcceptableError,
    TooLargeError,
    as_json,
    duplicate_of,
    fault_of,
    problem,
    problem_of,
)
from web.api.epcis_queries import RESOURCES, EpcisQueries
from web.api.parameters import check_known
from web.door.bodies import up_to
from web.door.doors import Doors
from web.door.programs import Programs
from web.ports import Services

_JSON: Final = ("application/json", "application/ld+json")


Body = Annotated[bytes, Depends(up_to(MAX_BYTES))]


class EpcisApi:
    """The routes; ``services`` are the whole platform's, each request sees its own."""

    def __init__(
        self, services: Services, doors: Doors, new_id: Callable[[], str]
    ) -> None:
        self._services, self._new_id = services, new_id
        self._programs = Programs(services, doors)
        self._queries = EpcisQueries(services, self._programs)

    def routes(self) -> APIRouter:
        """Return the routes under ``/epcis``."""
        routes = APIRouter(prefix="/epcis", tags=["EPCIS"])
        asked = self._queries
        _add(routes, "POST", "/events", self.capture_event)
        _add(routes, "POST", "/capture", self.capture)
        _add(routes, "GET", "/capture", self.jobs)
        _add(routes, "GET", "/capture/{name}", self.job)
        _add(routes, "GET", "/", asked.top)
        _add(routes, "GET", "/events", asked.events)
        # The id of an event may hold anything, slashes too; so may an EPC.
        _add(routes, "GET", "/events/{name:path}", asked.event)
        _add(routes, "GET", "/eventTypes", asked.types)
        _add(routes, "GET", "/eventTypes/{name}", asked.type)
        _add(routes, "GET", "/eventTypes/{name}/events", asked.events_of_type)
        for resource, entry in RESOURCES.items():
            path = f"/{resource}/{{name:path}}"
            for at, act, called in (
                (f"/{resource}", asked.listed(entry), resource),
                (f"{path}/events", asked.events_of(entry), f"events_of_{resource}"),
                (path, asked.named(entry), f"one_of_{resource}"),
            ):
                act.__name__ = called
                _add(routes, "GET", at, act)
        _add(routes, "DELETE", "/nextPageToken/{name}", asked.release)
        self._add_queries(routes)
        routes.add_api_route(
            "/{rest:path}",
            _options_of(routes),
            methods=["OPTIONS"],
            include_in_schema=False,
        )
        return routes

    def _add_queries(self, routes: APIRouter) -> None:
        asked = self._queries
        _add(routes, "GET", "/queries", asked.queries)
        _add(routes, "POST", "/queries", asked.add_query)
        _add(routes, "GET", "/queries/{name}", asked.query)
        _add(routes, "DELETE", "/queries/{name}", asked.delete_query)
        _add(routes, "GET", "/queries/{name}/events", asked.events_of_query)
        for method in ("GET", "POST"):
            path = "/queries/{name}/subscriptions"
            _add(routes, method, path, asked.no_subscriptions)

    def capture_event(self, request: Request, body: bytes) -> Response:
        """Record one event."""
        organisation = self._programs.token(request, "epcis:capture").organisation
        _fits(len(body))
        document = _good(_profiled(request, judge_event(decode(body))))
        draft = draft_of(document.events[0], document.context)
        draft = msgspec.structs.replace(draft, is_bare=False)
        self._services.registry.capture(
            organisation, [draft], now_ms=self._services.now_ms(), is_whole=True
        )
        place = f"/epcis/events/{quote(draft.id, safe='')}"
        told = {"eventID": draft.id, **_warned(document)}
        return as_json(told, 201, {"Location": place})

    def capture(self, request: Request, body: bytes) -> Response:
        """Record the events of a document; the job says what became of each."""
        organisation = self._programs.token(request, "epcis:capture").organisation
        _fits(len(body))
        behaviour = request.headers.get("gs1-capture-error-behaviour", "rollback")
        if behaviour not in ("rollback", "proceed"):
            raise InputError(
                f"GS1-Capture-Error-Behaviour {behaviour[:40]!r}: rollback or proceed"
            )
        started_ms = self._services.now_ms()
        judged = _profiled(request, _judged(body))
        captured, errors = self._captured(organisation, judged, behaviour)
        job = Job(
            self._new_id(),
            organisation,
            started_ms,
            max(started_ms, self._services.now_ms()),
            behaviour,
            not errors,
            captured,
            tuple(errors),
        )
        self._keep(job, judged)
        told = _job(job) | _warned(judged.document)
        return as_json(told, 202, {"Location": f"/epcis/capture/{job.id}", **LIMITS})

    def _keep(self, job: Job, judged: Judged) -> None:
        """Keep a capture with its master data, unless it was rolled back."""
        raw = judged.document.raw
        self._services.registry.add_job(job, raw.get("epcisHeader"))
        attributes = attributes_of(raw)
        if attributes and (job.is_success or job.behaviour == "proceed"):
            self._services.registry.add_attributes(job.organisation, attributes)

    def _captured(
        self, organisation: str, judged: Judged, behaviour: str
    ) -> tuple[int, list[dict[str, Any]]]:
        """Record what may be; return how many, and the problems of the others."""
        is_whole = behaviour == "rollback"
        errors = [problem_of(fault) for fault in judged.faults]
        if errors and is_whole:
            return 0, errors
        drafts: dict[int, EventDraft] = {
            index: draft_of(event, judged.document.context)
            for index, event in enumerate(judged.document.events)
            if judged.is_good(index)
        }
        order = list(drafts)
        try:
            placed = self._services.registry.capture(
                organisation,
                list(drafts.values()),
                now_ms=self._services.now_ms(),
                is_whole=is_whole,
            )
        except DuplicateEventError as exc:
            return 0, [duplicate_of(order[exc.index], exc.event_id)]
        errors += [
            duplicate_of(index, drafts[index].id)
            for index, is_new in zip(order, placed, strict=True)
            if not is_new
        ]
        return sum(placed), errors

    def jobs(self, request: Request) -> Response:
        """Return the newest captures first, a hundred at most."""
        found = self._queries.scope(request).list_jobs(limit=100)
        return as_json([_job(job) for job in found])

    def job(self, request: Request, name: str) -> Response:
        """Return one capture."""
        return as_json(_job(self._queries.scope(request).get_job(name)))


def _judged(body: bytes) -> Judged:
    judged = judge(decode(body))
    document = judged.document
    if document.kind not in ("EPCISDocument", "EPCISQueryDocument"):
        raise EpcisError([Fault(None, "/type", "send a bare event to /epcis/events")])
    if len(document.events) > MAX_EVENTS:
        raise TooLargeError(f"{len(document.events)} events are more than {MAX_EVENTS}")
    if any(fault.event is None for fault in judged.faults):
        raise EpcisError(judged.faults)
    return judged


def _profiled(request: Request, judged: Judged) -> Judged:
    """Return a document held to the profile that is asked for, if one is."""
    check_known(request, frozenset({"profile"}))
    name = request.query_params.get("profile")
    if name is None:
        return judged
    if name != profile.NAME:
        raise InputError(f"profile {name[:40]!r}: there is {profile.NAME}")
    return profile.held_to_gdst(judged)


def _good(judged: Judged) -> Document:
    if judged.faults:
        raise EpcisError(judged.faults)
    return judged.document


def _warned(document: Document) -> dict[str, Any]:
    """Return what was accepted though a standard says otherwise; told once, not kept."""
    told = [fault_of(one) for one in document.warnings[:100]]
    return {"warnings": told} if told else {}


def _fits(size: int) -> None:
    if size > MAX_BYTES:
        raise TooLargeError(f"the body is larger than {MAX_BYTES} bytes")


def _job(job: Job) -> dict[str, Any]:
    return {
        "captureID": job.id,
        "createdAt": iso(job.created_ms),
        "finishedAt": iso(job.finished_ms),
        "running": False,
        "success": job.is_success,
        "captureErrorBehaviour": job.behaviour,
        "captured": job.captured,
        "errors": list(job.errors),
    }


def check_headers(request: Request, *, has_body: bool) -> None:
    """Refuse versions and formats that there are none of.

    Raises:
        NotAcceptableError: another version, or an answer that is no JSON.
        MediaTypeError: a body that is no JSON by its own word.
    """
    for name in ("GS1-EPCIS-Version", "GS1-CBV-Version"):
        wanted = request.headers.get(name, VERSIONS[name])
        if wanted not in ("2.0", "2.0.0"):
            raise NotAcceptableError(f"{name} {wanted[:20]!r}: there is 2.0.0")
    for part in ("EPCIS", "CBV"):
        least = request.headers.get(f"GS1-{part}-Min", "2.0.0")
        most = request.headers.get(f"GS1-{part}-Max", "2.0.0")
        if least > "2.0.0" or most < "2.0":
            raise NotAcceptableError(f"GS1-{part}-Min and -Max leave out 2.0.0")
    kinds = [
        one.partition(";")[0].strip().lower()
        for one in request.headers.get("accept", "*/*").split(",")
    ]
    if not {"*/*", "application/*", "application/problem+json", "", *_JSON} & {*kinds}:
        raise NotAcceptableError("there is application/json and application/ld+json")
    kind = request.headers.get("content-type", _JSON[0]).partition(";")[0].strip()
    if has_body and kind.lower() not in _JSON:
        raise MediaTypeError(f"send {_JSON[0]} or {_JSON[1]}, not {kind[:60]!r}")


def _options_of(routes: APIRouter) -> Callable[[Request], Response]:
    """Return what tells of each address what may be done there."""
    known = [
        (one.path_regex, set(one.methods or ()))
        for one in routes.routes
        if hasattr(one, "path_regex") and hasattr(one, "methods")
    ]

    def options(request: Request) -> Response:
        path = request.url.path
        found = (methods for regex, methods in known if regex.match(path))
        allowed = {"OPTIONS"}.union(*found)
        headers = {**VERSIONS, **LIMITS, "Allow": ", ".join(sorted(allowed))}
        return Response(None, 204, headers)

    return options


def _add(
    routes: APIRouter, method: str, path: str, act: Callable[..., Response]
) -> None:
    """Add a route; its errors are EPCIS's, and the description says what it takes."""
    name = act.__name__
    called = f"{name}_{method.lower()}" if name == "no_subscriptions" else name
    routes.add_api_route(
        path,
        _guarded(act, has_name="{name" in path, has_body=method == "POST"),
        methods=[method],
        name=called,
        **described(method, path, called, act.__doc__),
    )


def _guarded(
    act: Callable[..., Response], *, has_name: bool, has_body: bool
) -> Callable[..., Response]:
    def guarded(request: Request, *words: Any) -> Response:
        try:
            check_headers(request, has_body=has_body)
            return act(request, *words)
        except PlatformError as exc:
            return problem(exc)

    def plain(request: Request) -> Response:
        return guarded(request)

    def naming(request: Request, name: str) -> Response:
        return guarded(request, name)

    def posting(request: Request, body: Body) -> Response:
        return guarded(request, body)

    if has_name:
        return naming
    return posting if has_body else plain
