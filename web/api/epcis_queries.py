"""EPCIS asked: events, what they speak of, and queries that have a name."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final
from urllib.parse import parse_qsl, quote, urlencode

from fastapi import Request, Response

from greenwater.kernel.errors import ConflictError, InputError, MissingError
from greenwater.storage.registry.scope import Scope
from greenwater.storage.registry.trace_events.epcis import MOST
from greenwater.storage.registry.trace_events.epcis_kept import NamedQuery
from greenwater.storage.registry.trace_events.finding import FoundEvent
from traceability.epcis.answers import (
    document_of,
    page_token,
    parse_format,
    parse_token,
    place_of,
    query_document,
)
from traceability.epcis.documents import decode
from traceability.epcis.entries import word
from traceability.epcis.naming import place_spelt
from traceability.epcis.places import own_attributes, sites_within, uris_of
from traceability.epcis.query import (
    MAX_ELEMENTS,
    Asked,
    QueryError,
    pairs_of,
    parse_query,
)
from traceability.epcis.shapes import TYPES
from traceability.epcis.vocabulary import words
from web.api.epcis_problems import (
    MAX_URL,
    NotBuiltError,
    TooLargeError,
    TooLongError,
    as_json,
)
from web.door.programs import Programs
from web.ports import Services

SIMPLE: Final = "SimpleEventQuery"
RESOURCES: Final[Mapping[str, str]] = {
    "epcs": "anyEPC",
    "bizSteps": "bizStep",
    "bizLocations": "bizLocation",
    "readPoints": "readPoint",
    "dispositions": "disposition",
}
TOP: Final = ("capture", "events", "eventTypes", *RESOURCES, "queries")
_PAGE: Final = ("perPage", "nextPageToken")
_STREAM: Final = words(
    "stream second minute hour dayOfMonth month dayOfWeek reportIfEmpty initialRecordTime"
)
MAX_DEEP: Final = 6
"""So deep may places of master data lie in each other."""

Pairs = Sequence[tuple[str, str]]


class EpcisQueries:
    """What answers; every program and person sees his own organisation's."""

    def __init__(self, services: Services, programs: Programs) -> None:
        self._services, self._programs = services, programs

    def scope(self, request: Request) -> Scope:
        """Return what the program or person may see."""
        return self._programs.seen(request, "epcis:query")

    def events(self, request: Request) -> Response:
        """Return events that fit the address's parameters, a page of them."""
        return self._answer(request, self.scope(request), _asked(request))

    def event(self, request: Request, name: str) -> Response:
        """Return one event by its id; where it was declared an error, that."""
        seen = self.scope(request)
        spelling = parse_format(request.headers.get("gs1-epc-format"))
        query_text = request.url.query
        # ni:///sha-256;…?ver=CBV2.0 may arrive with its question mark unencoded.
        names = [name, f"{name}?{query_text}"] if query_text else [name]
        for one in names:
            found = seen.get_events(one)
            if found:
                return as_json(document_of(found[-1], spelling))
        raise MissingError(f"there is no event {name[:200]!r}")

    def _answer(
        self,
        request: Request,
        seen: Scope,
        own: Pairs,
        more: Pairs = (),
        name: str = SIMPLE,
    ) -> Response:
        """Return a page: ``own`` parameters are the address's, ``more`` are added."""
        if len(str(request.url)) > MAX_URL:
            raise TooLongError(f"the address is longer than {MAX_URL}")
        spelling = parse_format(request.headers.get("gs1-epc-format"))
        query = self._parsed(seen, [*own, *more])
        found, following = _page(seen, query)
        headers = {"GS1-EPC-Format": spelling.value}
        if following is not None:
            kept = [pair for pair in own if pair[0] != "nextPageToken"]
            headers["Link"] = _next(request, [*kept, ("nextPageToken", following)])
        document = query_document(found, spelling, self._services.now_ms(), name)
        return as_json(document, 200, headers)

    def _parsed(self, seen: Scope, pairs: Pairs) -> Asked:
        return parse_query(
            pairs,
            lambda place: descendants(seen, place),
            most=MOST,
            having=lambda names, texts: elements(seen, names, texts),
        )

    def top(self, request: Request) -> Response:
        """Return the names of what there is to ask."""
        self.scope(request)
        return _collection(TOP)

    def types(self, request: Request) -> Response:
        """Return the types of events."""
        self.scope(request)
        return _collection(TYPES)

    def type(self, request: Request, name: str) -> Response:
        """Return what there is to ask of one type."""
        self.scope(request)
        if name not in TYPES:
            raise MissingError(f"there is no event type {name[:100]!r}")
        return _collection(["events"])

    def events_of_type(self, request: Request, name: str) -> Response:
        """Return the events of one type."""
        return self._answer(
            request, self.scope(request), _asked(request), [("eventType", name)]
        )

    def listed(self, entry: str) -> Callable[[Request], Response]:
        """Return what answers with the different values of one entry, a page of them."""

        def answer(request: Request) -> Response:
            seen = self.scope(request)
            size, after = _page_asked(request)
            texts = list(seen.entry_texts(entry, after=after, limit=size + 1))
            headers = {}
            if len(texts) > size:
                texts = texts[:size]
                page = [("perPage", str(size)), ("nextPageToken", texts[-1])]
                headers["Link"] = _next(request, page)
            return _collection([place_spelt(one) for one in texts], headers)

        return answer

    def named(self, entry: str) -> Callable[[Request, str], Response]:
        """Return what answers with what there is to ask of one value."""

        def answer(request: Request, name: str) -> Response:
            value = word(entry, name)
            texts = self.scope(request).entry_texts(entry, after=value[:-1], limit=MOST)
            if value not in texts:
                raise MissingError(f"no event speaks of {name[:200]!r}")
            return _collection(["events"])

        return answer

    def events_of(self, entry: str) -> Callable[[Request, str], Response]:
        """Return what answers with the events that speak of one value."""
        kind = "MATCH" if entry == "anyEPC" else "EQ"

        def answer(request: Request, name: str) -> Response:
            more = [(f"{kind}_{entry}", name)]
            return self._answer(request, self.scope(request), _asked(request), more)

        return answer

    def release(self, request: Request, name: str) -> Response:
        """Let a page's token go. It holds nothing here, so that is no work."""
        self.scope(request)
        try:
            parse_token(name)
        except InputError:
            raise MissingError(f"nextPageToken {name[:60]!r} is none of ours") from None
        return Response(None, 204)

    def queries(self, request: Request) -> Response:
        """Return the queries that have a name, a page of them."""
        seen = self.scope(request)
        size, after = _page_asked(request)
        found = list(seen.named_queries(after=after, limit=size + 1))
        headers = {}
        if len(found) > size:
            found = found[:size]
            page = [("perPage", str(size)), ("nextPageToken", found[-1].name)]
            headers["Link"] = _next(request, page)
        return as_json([_definition(one) for one in found], 200, headers)

    def query(self, request: Request, name: str) -> Response:
        """Return one query as it was given."""
        return as_json(_definition(self.scope(request).get_named_query(name)))

    def add_query(self, request: Request, body: bytes) -> Response:
        """Keep a query under a name; it is tried first."""
        organisation = self._programs.token(request, "epcis:query").organisation
        name, parameters = _parse_definition(decode(body))
        if name == SIMPLE:
            raise ConflictError(f"{SIMPLE} is the query that everybody has")
        seen = self._services.registry.visible_to_organisation(organisation)
        self._parsed(seen, pairs_of(parameters))
        self._services.registry.add_named_query(
            NamedQuery(organisation, name, self._services.now_ms(), parameters)
        )
        place = f"/epcis/queries/{quote(name, safe='')}"
        return as_json({"name": name, "query": parameters}, 201, {"Location": place})

    def delete_query(self, request: Request, name: str) -> Response:
        """Forget a query."""
        organisation = self._programs.token(request, "epcis:query").organisation
        self._services.registry.delete_named_query(organisation, name)
        return Response(None, 204)

    def events_of_query(self, request: Request, name: str) -> Response:
        """Return the events of a named query; of the address only pages are taken."""
        seen = self.scope(request)
        asked = _asked(request)
        if "upgrade" in request.headers or any(key in _STREAM for key, _ in asked):
            raise NotBuiltError("streaming and schedules are not built; ask again")
        wrong = [key for key, _ in asked if key not in _PAGE]
        if wrong:
            raise QueryError(f"{wrong[0][:100]!r} is no parameter of a named query")
        kept: list[tuple[str, str]] = []
        if name != SIMPLE:
            stored = pairs_of(seen.get_named_query(name).parameters)
            mine = {key for key, _ in asked}
            kept = [pair for pair in stored if pair[0] not in mine]
        return self._answer(request, seen, asked, kept, name)

    def no_subscriptions(self, request: Request, name: str) -> Response:
        """Refuse: subscriptions wait."""
        self.scope(request)
        raise NotBuiltError(f"subscriptions are not built: ask {name[:100]!r} again")


def descendants(seen: Scope, place: str) -> Sequence[str]:
    """Return the places within one: of ours, and of the master data that came along."""
    sites = sites_within(place, seen.site_communes())
    ours = [] if sites is None else uris_of(place, sites, seen.units_at(sites))
    found = dict.fromkeys(ours)
    layer: Sequence[str] = [place, *found]
    for _ in range(MAX_DEEP):
        layer = [one for one in seen.children_of(layer) if one not in found]
        if not layer:
            break
        found.update(dict.fromkeys(layer))
    return list(found)


def elements(
    seen: Scope, names: Sequence[str], texts: Sequence[str] | None
) -> Sequence[str]:
    """Return what has an attribute: of our places, and of master data that came along."""
    own = (
        one.element
        for one in own_attributes(seen.sites(), seen.units())
        if one.name in names and (texts is None or one.text in texts)
    )
    foreign = seen.elements_with(names, texts, limit=MAX_ELEMENTS + 1)
    return list(dict.fromkeys([*own, *foreign]))


def _asked(request: Request) -> list[tuple[str, str]]:
    return parse_qsl(request.url.query, keep_blank_values=True)


def _page_asked(request: Request) -> tuple[int, str]:
    """Return how many are wanted, and behind which."""
    asked = dict(_asked(request))
    wrong = [key for key in asked if key not in _PAGE]
    if wrong:
        raise QueryError(f"{wrong[0][:100]!r} is no parameter here")
    size = [pair for pair in asked.items() if pair[0] == "perPage"]
    parsed = parse_query(size, lambda _place: (), most=MOST)
    return parsed.per_page, asked.get("nextPageToken", "")


def _next(request: Request, pairs: Pairs) -> str:
    return f'<{request.url.path}?{urlencode(pairs)}>; rel="next"'


def _collection(
    members: Sequence[str], headers: Mapping[str, str] | None = None
) -> Response:
    return as_json({"type": "Collection", "member": list(members)}, 200, headers)


def _definition(one: NamedQuery) -> dict[str, Any]:
    return {"name": one.name, "query": one.parameters}


def _parse_definition(raw: Any) -> tuple[str, dict[str, Any]]:
    if not isinstance(raw, dict) or raw.keys() - {"name", "query", "@context"}:
        raise InputError("a query is an object of a name and a query, nothing else")
    name, parameters = raw.get("name"), raw.get("query")
    if not isinstance(name, str) or not isinstance(parameters, dict):
        raise InputError("a query is an object of a name and a query")
    if not 0 < len(name) <= 200 or "/" in name or not name.isprintable():
        raise InputError(
            "a query's name has 1 to 200 characters, no slash and no control characters"
        )
    return name, parameters


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
