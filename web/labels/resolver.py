"""GS1 Digital Links at this site: a conformant resolver, and the passport of a label at once.

A signed label's address shows its passport itself, without a detour: a phone at sea pays
every round trip. Everything else is redirected, or answered with lists of links.
"""

from collections.abc import Sequence
from typing import Any, Final
from urllib.parse import parse_qsl

import msgspec
from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response
from starlette.convertors import Convertor, register_url_convertor

from greenwater.kernel.errors import InputError, MissingError
from greenwater.reference.identifiers import IDENTIFIERS
from traceability.gs1.compression import expand_path
from traceability.gs1.digital_link import DigitalLink, make_link, parse_link
from traceability.gs1.resolving import (
    CONTEXT,
    VOCABULARY,
    Level,
    Link,
    Wanted,
    array_of,
    choose,
    linkset_of,
    named_quality,
    relation_of,
    target_of,
    with_query,
)
from traceability.proof.verify import Code, Verdict
from web.labels.digital_links import PAGE, Linker
from web.labels.pages import LabelPages
from web.pages import lang_of
from web.ports import Services

KEYS: Final = tuple(ai for ai, one in IDENTIFIERS.items() if one.sequences is not None)
LINKSET: Final = "application/linkset+json"
METHODS: Final = "GET, HEAD, OPTIONS"
HEADERS: Final = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Methods": METHODS,
    "Access-Control-Allow-Headers": "Accept, Accept-Language, Authorization, X-API-Key",
    "Access-Control-Expose-Headers": "Link, Location",
    "Cache-Control": "no-cache",
    "Vary": "Accept, Accept-Language, X-API-Key",
}
SAME_AS: Final = "owl:sameAs http://www.w3.org/2002/07/owl#sameAs"


class _Short(Convertor[str]):
    """A step of an address that may be a compressed link: the shortest key has eight."""

    regex = "[A-Za-z0-9_-]{8,2000}"

    def convert(self, value: str) -> str:
        return value

    def to_string(self, value: str) -> str:
        return value


register_url_convertor("compressed", _Short())
SHORT: Final = "/{short:compressed}"
_LABELS: Final = (("01", "10", "21"), ("01", "10"))


class Resolver:
    """The routes of Digital Links."""

    def __init__(self, services: Services, labels: LabelPages) -> None:
        self._base = services.public_url.rstrip("/")
        self._linker = Linker(services.registry, self._base)
        self._labels = labels

    def routes(self) -> APIRouter:
        """Return the routes: one for each of GS1's keys, and the description file."""
        routes, hidden = APIRouter(), APIRouter(include_in_schema=False)
        reading, described = ["GET", "HEAD"], "/.well-known/gs1resolver"
        routes.get(described)(self._describe)
        hidden.head(described)(self._describe)
        for key in KEYS:
            path = f"/{key}/{{rest:path}}"
            hidden.add_api_route(path, self._resolve, methods=reading)
            hidden.add_api_route(path, self._options, methods=["OPTIONS"])
        hidden.add_api_route(SHORT, self._resolve_short, methods=reading)
        routes.include_router(hidden)
        return routes

    def _describe(self) -> Response:
        """What this resolver knows, as GS1 wants to be told."""
        return JSONResponse(
            {
                "name": "Greenwater",
                "resolverRoot": self._base,
                "supportedPrimaryKeys": list(KEYS),
                "supportedLinkType": [{"namespace": VOCABULARY, "prefix": "gs1:"}],
                "linkTypeDefaultCanBeLinkset": False,
                "jsonLdContextLocation": CONTEXT,
            },
            headers=HEADERS,
        )

    def _options(self) -> Response:
        return Response(status_code=204, headers={**HEADERS, "Allow": METHODS})

    def _resolve_short(self, request: Request, short: str) -> Response:
        """Answer what may be a compressed link with nothing before it; else there is none."""
        try:
            expand_path([short], self._base)
        except InputError:
            raise MissingError(f"there is no page /{short[:100]}") from None
        return self._resolve(request)

    def _resolve(self, request: Request) -> Response:
        response = self._answer(request)
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        return response

    def _answer(self, request: Request) -> Response:
        wanted = _wanted(request)
        try:
            link, is_short = self._link(request)
            if link.stem != self._base:
                raise InputError(f"{link.stem[:100]!r} is not where links begin here")
        except InputError as refused:
            return self._refuse(request, wanted, 400, str(refused))
        if not is_short and _is_label(link, wanted):
            gtin, lot, *item = (one.value for one in link.path)
            serial = item[0] if item else None
            page = self._labels.passport_page(request, gtin, lot, serial)
            page.headers["Link"] = self._shown(link)
            return page
        levels = self._linker.levels(link, lang_of(request))
        answer = self._of_levels(request, wanted, link, levels)
        if is_short and answer.status_code < 400:
            # Of a compressed link it is told what it is the same as, in clear.
            plain = f'<{make_link(link.elements, self._base)}>; rel="{SAME_AS}"'
            told = answer.headers.get("Link")
            answer.headers["Link"] = plain if told is None else f"{told}, {plain}"
        return answer

    def _link(self, request: Request) -> tuple[DigitalLink, bool]:
        """Return the link that is asked, and whether it came compressed.

        Raises:
            InputError: it is none.
        """
        address = self._address(request)
        try:
            return parse_link(address), False
        except InputError as refused:
            path = address.removeprefix(self._base).partition("?")[0]
            steps = path.removeprefix("/").split("/")
            if len(steps) not in (1, 3):
                raise
            try:
                plain, others = expand_path(steps, self._base)
            except InputError:
                raise refused from None
            query = "&".join(filter(None, (request.url.query, *others)))
            joint = "&" if "?" in plain else "?"
            return parse_link(f"{plain}{joint}{query}" if query else plain), True

    def _address(self, request: Request) -> str:
        raw = request.scope.get("raw_path") or request.url.path.encode()
        path = bytes(raw).partition(b"?")[0].decode("latin-1")
        path = path[:-1] if path.endswith("/") else path
        return f"{self._base}{path}?{request.url.query}"

    def _of_levels(
        self,
        request: Request,
        wanted: Wanted,
        link: DigitalLink,
        levels: Sequence[Level],
    ) -> Response:
        if wanted.is_linkset and levels:
            return _linkset(linkset_of(levels), 200)
        if wanted.is_json or "x-api-key" in request.headers:
            found = array_of(levels, wanted.relation)
            if found:
                return JSONResponse(found)
        else:
            links = choose(levels, wanted)
            if links:
                return self._go(request, link, links)
        return self._refuse(request, wanted, 404, _nothing(wanted, link, levels))

    def _go(
        self, request: Request, asked: DigitalLink, links: Sequence[Link]
    ) -> Response:
        if len(links) > 1:
            about = make_link(asked.path, self._base)
            relation = f"{VOCABULARY}{links[0].relation}"
            choices = {"anchor": about, relation: [target_of(one) for one in links]}
            return _linkset({"linkset": [choices]}, 300)
        place = with_query(links[0], request.url.query)
        headers = {"Location": place, "Link": self._shown(asked)}
        return Response(status_code=307, headers=headers)

    def _shown(self, asked: DigitalLink) -> str:
        """Return the header that tells where all links are."""
        about = make_link(asked.path, self._base)
        return f'<{about}?linkType=linkset>; rel="linkset"; type="{LINKSET}"'

    def _refuse(
        self, request: Request, wanted: Wanted, status: int, reason: str
    ) -> Response:
        if named_quality(wanted.accept, PAGE) > 0:
            code = Code.NOT_FOUND if status == 404 else Code.NOT_A_LABEL
            return self._labels.verdict_page(request, Verdict(code), status=status)
        title = "Not Found" if status == 404 else "Bad Request"
        document = {"title": title, "status": status, "detail": reason}
        return JSONResponse(document, status, media_type="application/problem+json")


def _wanted(request: Request) -> Wanted:
    """Return what is wanted, by headers and parameters; of a parameter its first."""
    asked = dict(reversed(parse_qsl(request.url.query, keep_blank_values=True)))
    named = asked.get("linkType")
    return Wanted(
        None if named is None else relation_of(named),
        request.headers.get("accept", ""),
        asked.get("lang") or request.headers.get("accept-language", ""),
        asked.get("mediaType"),
    )


def _is_label(link: DigitalLink, wanted: Wanted) -> bool:
    """Return whether this is what a label's code says, and nothing else is asked."""
    is_item = tuple(one.ai for one in link.path) in _LABELS
    is_signed = any(one.startswith(("k=", "s=")) for one in link.others)
    return is_item and is_signed and wanted.relation is None and not wanted.is_linkset


def _nothing(wanted: Wanted, link: DigitalLink, levels: Sequence[Level]) -> str:
    key = link.path[0]
    if not levels:
        return f"nothing is known of ({key.ai}) {key.value}"
    return (
        f"({key.ai}) {key.value} has no link of type {(wanted.relation or '')[:60]!r}"
    )


def _linkset(document: dict[str, Any], status: int) -> Response:
    context = (
        f'<{CONTEXT}>; rel="http://www.w3.org/ns/json-ld#context"; '
        'type="application/ld+json"'
    )
    body = msgspec.json.encode(document)
    return Response(body, status, {"Link": context}, LINKSET)
