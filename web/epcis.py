"""EPCIS 2.0's REST binding: capture, events, jobs, and what events speak of."""

from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, Final
from urllib.parse import parse_qsl, quote, urlencode

import msgspec
from fastapi import APIRouter, Depends, Request, Response

from greenwater.kernel.errors import InputError, MissingError, PlatformError
from greenwater.kernel.reading import milliseconds
from greenwater.storage.registry.epcis import (
    MOST,
    DuplicateEventError,
    Job,
)
from greenwater.storage.registry.finding import FoundEvent
from greenwater.storage.registry.ledger import EventDraft
from greenwater.storage.registry.scope import Scope
from traceability.epcis.answers import (
    document_of,
    page_token,
    parse_format,
    parse_token,
    place_of,
    query_document,
)
from traceability.epcis.capture import draft_of, iso
from traceability.epcis.documents import Judged, decode, judge, read_event
from traceability.epcis.faults import EpcisError, Fault
from traceability.epcis.query import Asked, parse_query
from traceability.epcis.shapes import TYPES
from web.doors import Doors, RefusedError, SignInNeededError
from web.ports import Services
from web.problems import (
    LIMITS,
    MAX_BYTES,
    MAX_EVENTS,
    MAX_URL,
    VERSIONS,
    TooLargeError,
    as_json,
    duplicate_of,
    problem,
    problem_of,
)

RESOURCES: Final[Mapping[str, str]] = {
    "epcs": "anyEPC",
    "bizSteps": "bizStep",
    "bizLocations": "bizLocation",
    "readPoints": "readPoint",
    "dispositions": "disposition",
}


async def _body(request: Request) -> bytes:
    """Return the body, or what shows that it is too large."""
    taken = bytearray()
    async for part in request.stream():
        taken += part
        if len(taken) > MAX_BYTES:
            break
    return bytes(taken)


Body = Annotated[bytes, Depends(_body)]


class EpcisApi:
    """The routes; ``services`` are the whole platform's, each request sees its own."""

    def __init__(
        self, services: Services, doors: Doors, new_id: Callable[[], str]
    ) -> None:
        self._services, self._doors, self._new_id = services, doors, new_id

    def routes(self) -> APIRouter:
        """Return the routes under ``/epcis``."""
        routes = APIRouter(prefix="/epcis")
        for path, method, act in (
            ("/events", "POST", self._post_event),
            ("/capture", "POST", self._post_capture),
        ):
            routes.add_api_route(path, _posting(act), methods=[method])
        reading: tuple[tuple[str, Callable[..., Response]], ...] = (
            ("/events", self._events),
            ("/capture", self._jobs),
            ("/eventTypes", self._types),
        )
        for path, look in reading:
            routes.add_api_route(path, _reading(look), methods=["GET"])
        named: tuple[tuple[str, Callable[[Request, str], Response]], ...] = (
            ("/capture/{name}", self._job),
            ("/eventTypes/{name}/events", self._events_of_type),
            # The id of an event may hold anything, slashes too.
            ("/events/{name:path}", self._event),
        )
        for path, show in named:
            routes.add_api_route(path, _naming(show), methods=["GET"])
        for resource, entry in RESOURCES.items():
            _add_resource(routes, self, resource, entry)
        routes.add_api_route("/{rest:path}", _options, methods=["OPTIONS"])
        return routes

    def _now_ms(self) -> int:
        return milliseconds(self._services.clock.now())

    def _secret(self, request: Request) -> str | None:
        header = request.headers.get("authorization", "")
        if header.lower().startswith("bearer "):
            return header[7:].strip()
        return request.headers.get("x-api-key")

    def _scope(self, request: Request) -> Scope:
        """Return what the program or person may see."""
        secret = self._secret(request)
        if secret is None:
            return self._doors.mine(request).seen
        organisation = self._organisation(secret, "epcis:query")
        return self._services.registry.visible_to_organisation(organisation)

    def _organisation(self, secret: str, scope: str) -> str:
        token = self._services.registry.find_api_token(secret, self._now_ms())
        if token is None:
            raise SignInNeededError("this token is not known, or its time is over")
        if scope not in token.scopes:
            raise RefusedError(f"this token is not good for {scope}")
        return token.organisation

    def _writer(self, request: Request) -> str:
        """Return the organisation that captures; a program's token names it."""
        secret = self._secret(request)
        if secret is None:
            raise SignInNeededError("capture needs a token: Authorization: Bearer …")
        return self._organisation(secret, "epcis:capture")

    def _post_event(self, request: Request, body: bytes) -> Response:
        organisation = self._writer(request)
        _fits(len(body))
        document = read_event(decode(body))
        draft = draft_of(document.events[0], document.context)
        draft = msgspec.structs.replace(draft, is_bare=False)
        self._services.registry.capture(
            organisation, [draft], now_ms=self._now_ms(), is_whole=True
        )
        place = f"/epcis/events/{quote(draft.id, safe='')}"
        return as_json({"eventID": draft.id}, 201, {"Location": place})

    def _post_capture(self, request: Request, body: bytes) -> Response:
        organisation = self._writer(request)
        _fits(len(body))
        behaviour = request.headers.get("gs1-capture-error-behaviour", "rollback")
        if behaviour not in ("rollback", "proceed"):
            raise InputError(
                f"GS1-Capture-Error-Behaviour {behaviour[:40]!r}: rollback or proceed"
            )
        started_ms = self._now_ms()
        judged = judge(decode(body))
        if judged.document.kind not in ("EPCISDocument", "EPCISQueryDocument"):
            raise EpcisError(
                [Fault(None, "/type", "send a bare event to /epcis/events")]
            )
        if len(judged.document.events) > MAX_EVENTS:
            raise TooLargeError(
                f"{len(judged.document.events)} events are more than {MAX_EVENTS}"
            )
        if any(fault.event is None for fault in judged.faults):
            raise EpcisError(judged.faults)
        captured, errors = self._captured(organisation, judged, behaviour)
        job = Job(
            self._new_id(),
            organisation,
            started_ms,
            max(started_ms, self._now_ms()),
            behaviour,
            not errors,
            captured,
            tuple(errors),
        )
        self._services.registry.add_job(job, judged.document.raw.get("epcisHeader"))
        return as_json(
            _job(job), 202, {"Location": f"/epcis/capture/{job.id}", **LIMITS}
        )

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
                now_ms=self._now_ms(),
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

    def _events(
        self, request: Request, more: Sequence[tuple[str, str]] = ()
    ) -> Response:
        seen = self._scope(request)
        if len(str(request.url)) > MAX_URL:
            raise TooLargeError(f"the address is longer than {MAX_URL}")
        spelling = parse_format(request.headers.get("gs1-epc-format"))
        asked = [*parse_qsl(request.url.query, keep_blank_values=True), *more]
        query = parse_query(asked, lambda place: places_within(seen, place), most=MOST)
        found, following = _page(seen, query)
        headers = {"GS1-EPC-Format": spelling.value}
        if following is not None:
            kept = [
                pair
                for pair in asked
                if pair[0] != "nextPageToken" and pair not in more
            ]
            address = urlencode([*kept, ("nextPageToken", following)])
            headers["Link"] = f'<{request.url.path}?{address}>; rel="next"'
        document = query_document(found, spelling, self._now_ms(), "SimpleEventQuery")
        return as_json(document, 200, headers)

    def _event(self, request: Request, name: str) -> Response:
        seen = self._scope(request)
        spelling = parse_format(request.headers.get("gs1-epc-format"))
        query_text = request.url.query
        # ni:///sha-256;…?ver=CBV2.0 may arrive with its question mark unencoded.
        names = [name, f"{name}?{query_text}"] if query_text else [name]
        for one in names:
            found = seen.get_events(one)
            if found:
                return as_json(document_of(found[-1], spelling))
        raise MissingError(f"there is no event {name[:200]!r}")

    def _jobs(self, request: Request) -> Response:
        return as_json([_job(job) for job in self._scope(request).list_jobs(limit=100)])

    def _job(self, request: Request, name: str) -> Response:
        return as_json(_job(self._scope(request).get_job(name)))

    def _types(self, request: Request) -> Response:
        self._scope(request)
        return as_json(
            {"@set": list(TYPES), "type": "Collection", "member": list(TYPES)}
        )

    def _events_of_type(self, request: Request, name: str) -> Response:
        return self._events(request, [("eventType", name)])

    def listed(self, request: Request, entry: str) -> Response:
        """Return the different values of one entry, a page of them."""
        seen = self._scope(request)
        asked = dict(parse_qsl(request.url.query))
        size = parse_query(
            [pair for pair in asked.items() if pair[0] == "perPage"],
            lambda _place: (),
            most=MOST,
        ).per_page
        texts = list(
            seen.entry_texts(
                entry, after=asked.get("nextPageToken", ""), limit=size + 1
            )
        )
        headers = {}
        if len(texts) > size:
            texts = texts[:size]
            address = urlencode({"perPage": size, "nextPageToken": texts[-1]})
            headers["Link"] = f'<{request.url.path}?{address}>; rel="next"'
        return as_json({"type": "Collection", "member": texts}, 200, headers)

    def events_of(self, request: Request, entry: str, value: str) -> Response:
        """Return the events that speak of one value."""
        kind = "MATCH" if entry == "anyEPC" else "EQ"
        return self._events(request, [(f"{kind}_{entry}", value)])


def places_within(seen: Scope, place: str) -> Sequence[str]:
    """Return the places within one of ours: commune → site → unit."""
    head, _, name = place.rpartition(":")
    sites = {site.id: site for site in seen.sites()}
    if head == "urn:greenwater:commune":
        inside = {one.id for one in sites.values() if one.commune == name}
    elif head == "urn:greenwater:site":
        inside = {name} & set(sites)
    else:
        return ()
    units = [unit.id for unit in seen.units() if unit.site in inside]
    return [
        *(f"urn:greenwater:site:{one}" for one in sorted(inside)),
        *(f"urn:greenwater:unit:{one}" for one in units),
    ]


def _page(seen: Scope, asked: Asked) -> tuple[Sequence[FoundEvent], str | None]:
    """Return the events of one page and what leads to the next."""
    after = None if asked.token is None else parse_token(asked.token)
    if asked.max_count is not None:
        held = seen.find_events(asked.query, limit=min(asked.max_count, MOST) + 1)
        if len(held) > asked.max_count:
            raise TooLargeError(f"more than maxEventCount={asked.max_count} events")
    if asked.count_limit is not None:
        size = min(asked.count_limit, MOST)
        return seen.find_events(asked.query, limit=size, after=after), None
    found = seen.find_events(asked.query, limit=asked.per_page + 1, after=after)
    if len(found) <= asked.per_page:
        return found, None
    found = found[: asked.per_page]
    place = place_of(found[-1], by_recorded=asked.query.by_recorded)
    return found, page_token(place)


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


def _options(request: Request) -> Response:
    is_capture = request.url.path in ("/epcis/capture", "/epcis/events")
    allowed = "OPTIONS, GET, POST" if is_capture else "OPTIONS, GET"
    return Response(None, 204, {**VERSIONS, **LIMITS, "Allow": allowed})


def _posting(act: Callable[[Request, bytes], Response]) -> Callable[..., Response]:
    def answer(request: Request, body: Body) -> Response:
        try:
            return act(request, body)
        except PlatformError as exc:
            return problem(exc)

    answer.__name__ = act.__name__.strip("_")
    return answer


def _reading(look: Callable[..., Response]) -> Callable[..., Response]:
    def answer(request: Request) -> Response:
        try:
            return look(request)
        except PlatformError as exc:
            return problem(exc)

    answer.__name__ = look.__name__.strip("_")
    return answer


def _naming(show: Callable[[Request, str], Response]) -> Callable[..., Response]:
    def answer(request: Request, name: str) -> Response:
        try:
            return show(request, name)
        except PlatformError as exc:
            return problem(exc)

    answer.__name__ = show.__name__.strip("_")
    return answer


def _add_resource(routes: APIRouter, api: EpcisApi, resource: str, entry: str) -> None:
    def listed(request: Request) -> Response:
        return api.listed(request, entry)

    def events_of(request: Request, name: str) -> Response:
        return api.events_of(request, entry, name)

    listed.__name__, events_of.__name__ = resource, f"events_of_{resource}"
    routes.add_api_route(f"/{resource}", _reading(listed), methods=["GET"])
    path = f"/{resource}/{{name:path}}/events"
    routes.add_api_route(path, _naming(events_of), methods=["GET"])
