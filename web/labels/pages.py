"""What anybody may see of a label: the passport behind it, its check, the lists."""

from typing import Final

import msgspec
import structlog
from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response
from msgspec.structs import replace
from starlette.background import BackgroundTask

from greenwater.kernel.errors import PlatformError, UnavailableError
from greenwater.reference.records import get_kind
from greenwater.storage.registry import Registry
from greenwater.storage.registry.change_marks import Stamp
from greenwater.storage.registry.labels import Label
from traceability.goods.steps import KINDS as STEP_KINDS
from traceability.label.labels import Published
from traceability.label.linked import linked_passport
from traceability.label.passport import Passport, Stage, passport_of
from traceability.label.scanning import Scanning
from traceability.proof.keys import jwks_document
from traceability.proof.verify import Code, Verdict
from web.api.answers import fresh, open_to_all
from web.door.doors import Doors
from web.door.policies import CHECK_POLICY
from web.labels.kept_pages import is_for_all, may_keep
from web.labels.kept_passports import KeptPassports
from web.labels.notices import Notices, notices_of, told_facts
from web.labels.scan_counter import ScanCounter
from web.pages import Renderer, lang_of
from web.ports import Services
from web.views.catches import catch_views
from web.views.checkwords import MARKS, look_of, script_words
from web.views.claims import certificate_doubts, certificate_rows
from web.views.formats import day, exact, moment
from web.views.green import exception_texts, figure_views
from web.views.labelwater import water_views
from web.views.records import shown
from web.views.storymap import story_map
from web.words import Lang, said, say

log = structlog.get_logger()

NOTHING: Final = Notices()
LINKED: Final = "application/ld+json"


class LabelPages:
    """The public pages of labels."""

    def __init__(
        self,
        services: Services,
        scanning: Scanning,
        render: Renderer,
        doors: Doors,
        kept: KeptPassports,
    ) -> None:
        self._services, self._scanning, self._kept = services, scanning, kept
        self._render, self._doors = render, doors
        self._counter = ScanCounter(scanning)

    def routes(self) -> APIRouter:
        """Return the routes."""
        routes = APIRouter()
        routes.get("/api/v1/labels/keys.json")(self.keys)
        routes.get("/.well-known/jwks.json")(self.jwks)
        routes.get("/api/v1/labels/status.json")(self.status)
        routes.get("/api/v1/labels/check")(self.check)
        routes.get("/check", response_class=HTMLResponse)(self.check_page)
        return routes

    def _published(self, registry: Registry | None = None) -> Published:
        """Return what may be known of labels; ``registry`` None: the site's, as it is."""
        if self._services.signer is None:
            raise UnavailableError("this site has no key to sign labels with")
        return Published(
            registry or self._services.registry,
            self._services.signer,
            self._services.clock,
        )

    def keys(self) -> Response:
        """Return every key that ever signed a label."""
        return open_to_all(self._published().keys())

    def jwks(self) -> Response:
        """Return the same keys as a JSON Web Key Set."""
        document = jwks_document(self._services.registry.signing_keys())
        return open_to_all(document)

    def status(self) -> Response:
        """Return, signed, which labels are revoked or suspended and what is recalled."""
        return open_to_all(self._published().status_document())

    def check(self, text: str) -> Response:
        """Return what a label is worth, as the platform knows it."""
        verdict = self._published().check(text[:1000])
        label = self._services.registry.find_label_at(text.strip(" \t\r\n")[:1000])
        counted = None
        if label is not None:
            counted = BackgroundTask(self._note, label.uri)
        document = msgspec.to_builtins(verdict)
        document["at_ms"] = self._services.now_ms()
        response = fresh(document)
        response.background = counted
        return response

    def _note(self, uri: str) -> None:
        """Count a scan, when the answer is on its way: nobody waits for the count."""
        label = self._services.registry.find_label_at(uri)
        try:
            if label is not None:
                self._scanning.note(label)
        except PlatformError as exc:
            log.warning("scan.not_counted", error=str(exc))

    def passport_page(
        self, request: Request, gtin: str, lot: str, serial: str | None
    ) -> Response:
        """Show what is behind a label."""
        text = f"{self._services.public_url.rstrip('/')}{request.url.path}"
        if request.url.query:
            text += f"?{_signed_query(request)}"
        with self._services.registry.at_one_moment():
            return self._passport_page(request, gtin, lot, serial, text)

    def _passport_page(
        self, request: Request, gtin: str, lot: str, serial: str | None, text: str
    ) -> Response:
        registry = self._services.registry
        label = registry.find_label_at(text)
        stamp = None if label is None else self._may_keep(request, label)
        if label is not None and stamp is not None:
            registry = self._kept.seen(label.lot, stamp)
        verdict = self._published(registry).check_found(
            text, label, is_untouched=stamp is not None and stamp.is_untouched
        )
        is_known = verdict.code not in (Code.NOT_A_LABEL, Code.ALTERED, Code.NOT_FOUND)
        notices, found, now_ms = Notices(), None, self._services.now_ms()
        if is_known:
            verdict, notices = self._notices(request, registry, label, verdict)
            found = passport_of(
                registry,
                gtin,
                lot,
                serial,
                verdict,
                now_ms=now_ms,
                filled=self._kept.of if is_for_all(request.scope) else None,
                known=label,
            )
        accept = request.headers.get("accept", "")
        if found is not None and LINKED in accept:
            response = linked_response(found, text)
        elif "application/json" in accept:
            response = open_to_all(verdict if found is None else found)
        else:
            response = passport_view(
                self._render, request, now_ms, verdict, found, notices=notices
            )
        if label is not None and notices.uri and self._is_counted(request):
            response.background = BackgroundTask(self._counter.note, label.id)
        return response

    def _may_keep(self, request: Request, label: Label) -> Stamp | None:
        """Have the page kept for whoever scans the label next; each scan is counted."""

        def count() -> None:
            self._counter.note(label.id)

        return may_keep(
            request.scope,
            self._services.registry,
            label.lot,
            label.id,
            count=count if self._is_counted(request) else None,
        )

    def _is_counted(self, request: Request) -> bool:
        """Return whether this is a scan; the producer's own look is none."""
        visitor = self._doors.visitor(request)
        is_owner = visitor is not None and visitor.keeps_books
        return request.method == "GET" and not is_owner

    def _notices(
        self,
        request: Request,
        registry: Registry,
        label: Label | None,
        verdict: Verdict,
    ) -> tuple[Verdict, Notices]:
        """Return the verdict, and what stands beside the passport.

        Those on duty are told of a suspicion in the verdict, the public beside it.
        """
        lang = lang_of(request)
        if label is None:
            return verdict, Notices()
        visitor = self._doors.visitor(request)
        notices = notices_of(registry, self._scanning, lang, label, verdict.code)
        is_duty = visitor is not None and visitor.inspects
        if is_duty and notices.copied and verdict.code is Code.VALID:
            return replace(verdict, code=Code.COPY_SUSPECTED), notices
        return verdict, notices

    def verdict_page(
        self, request: Request, verdict: Verdict, *, status: int
    ) -> Response:
        """Show what a code is worth behind which there is nothing."""
        return passport_view(
            self._render, request, self._services.now_ms(), verdict, None, status=status
        )

    def check_page(self, request: Request, text: str = "") -> HTMLResponse:
        """Read and check labels, with a network or without."""
        lang = lang_of(request)
        response = self._render.page(
            request,
            "check.html",
            text=text[:1000],
            script_words=script_words(lang),
        )
        response.headers["Content-Security-Policy"] = CHECK_POLICY
        response.headers["Permissions-Policy"] = (
            "camera=(self), geolocation=(), microphone=()"
        )
        return response


def linked_response(found: Passport, about: str) -> Response:
    """Return a passport as linked data about an address."""
    return open_to_all(linked_passport(found, about), LINKED)


def passport_view(
    render: Renderer,
    request: Request,
    now_ms: int,
    verdict: Verdict | None,
    found: Passport | None,
    *,
    status: int = 200,
    notices: Notices = NOTHING,
) -> HTMLResponse:
    """Return the page of a label's verdict and of the passport behind it, if there is.

    Without a verdict no label was checked: the page speaks of the lot alone.
    """
    lang = lang_of(request)
    look = "" if verdict is None else look_of(verdict.code)
    return render.page(
        request,
        "passport.html",
        status=status,
        now_ms=now_ms,
        is_simulated=None if found is None else found.is_simulated,
        verdict=verdict,
        look=look,
        mark=MARKS.get(look, ""),
        passport=found,
        facts=[] if found is None else _facts(lang, found, now_ms),
        told=[] if verdict is None else told_facts(lang, verdict.facts),
        stages=[] if found is None else _stages(lang, found),
        waters=water_views(lang, found),
        exceptions=[] if found is None else exception_texts(lang, found.exceptions),
        green=[] if found is None else [figure_views(lang, one) for one in found.green],
        catches=catch_views(lang, () if found is None else found.catches),
        notices=notices,
        doubts=certificate_doubts(lang, found.certificate if found else None),
        name=_name(lang, found),
        way=story_map(lang, () if found is None else found.places),
    )


def _signed_query(request: Request) -> str:
    """Return the query without what the site itself adds (language and theme)."""
    parts = request.url.query.split("&")
    return "&".join(one for one in parts if not one.startswith(("lang=", "theme=")))


def _name(lang: Lang, found: Passport | None) -> str:
    if found is None:
        return say(lang, "passport_title")
    return lang.of(found.product)


def _facts(lang: Lang, found: Passport, now_ms: int) -> list[tuple[str, str]]:
    species = lang.of(found.species)
    kg = exact(lang, found.kg)
    issued = "" if found.issued_ms is None else moment(lang, found.issued_ms, now_ms)
    rows = [
        ("passport_species", f"{species[:1].upper()}{species[1:]} ({found.latin})"),
        ("catch_owner" if found.catches else "passport_who", found.producer),
        ("passport_unit", ", ".join(filter(None, (found.unit, found.site)))),
        (
            "catch_day" if found.catches else "passport_harvested",
            day(found.harvested_ms),
        ),
        ("passport_weight", f"{kg} kg"),
        ("passport_brand", found.brand or ""),
        ("passport_standard", ", ".join(found.standards)),
        *certificate_rows(lang, found.certificate),
        ("passport_issued", issued),
        ("check_gtin", found.gtin),
        ("check_lot", found.lot),
        ("check_serial", found.serial or ""),
    ]
    return said(lang, rows)


def _stages(lang: Lang, found: Passport) -> list[tuple[str, str, str]]:
    return [
        (day(stage.happened_ms), say(lang, f"record_{stage.kind}"), _told(lang, stage))
        for stage in found.stages
    ]


def _told(lang: Lang, stage: Stage) -> str:
    if stage.kind in STEP_KINDS:
        process = stage.facts.get("process")
        what = [say(lang, f"process_{process}")] if process else []
        return " · ".join([*what, stage.place])
    fields = {field.name: field for field in get_kind(stage.kind).fields}
    parts = []
    for name, value in stage.facts.items():
        if name in fields:
            text = shown(lang, fields[name], value)
            parts.append(f"{say(lang, f'field_{name}')}: {text}")
        elif name == "count":
            parts.append(say(lang, "times", count=value))
    return " · ".join(parts)
