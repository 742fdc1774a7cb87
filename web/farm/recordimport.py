"""Records from a CSV file or an Excel workbook: tried first, each bad row with its reason, then confirmed."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import HTMLResponse, Response

from greenwater.kernel.errors import InputError
from greenwater.reference.records import KINDS, get_kind
from traceability.book.books import Books
from traceability.book.importing import Importer, Trial, titles_of
from traceability.book.tables import Names, decoded, plain, template
from traceability.book.workbooks import MAX_BYTES
from web.door.doors import Doors
from web.pages import Renderer, lang_of
from web.ports import Services
from web.views.formats import typed_number
from web.views.records import unit_words
from web.views.refused import refused, refused_text
from web.words import WORDS, Lang, say
from web.workbooks import workbook_answer

SHOWN: Final = 200
"""Bad rows that are told at once."""
_FORM_BYTES: Final = 3 * MAX_BYTES
"""A form's escapes make text longer."""


async def uploaded(request: Request) -> tuple[Mapping[str, str], bytes | None]:
    """Return a form's texts and the file with it, None where there is none.

    Raises:
        InputError: it is too large.
    """
    length = request.headers.get("content-length", "")
    if not length.isdecimal() or int(length) > _FORM_BYTES:
        raise InputError(
            f"a file has at most {MAX_BYTES // 2**20} MB: split it",
            "file_large",
            mb=MAX_BYTES // 2**20,
        )
    limits = {"max_files": 1, "max_fields": 50, "max_part_size": _FORM_BYTES}
    async with request.form(**limits) as form:
        asked = {key: one for key, one in form.items() if isinstance(one, str)}
        part = form.get("file")
        raw = None if part is None or isinstance(part, str) else await part.read()
    return asked, raw


@dataclass(frozen=True)
class TroubleView:
    """A bad row in words."""

    where: str
    reason: str


def names_of(lang: Lang) -> Names:
    """Return how people call columns and choices, in both languages."""
    columns: dict[str, str] = {}
    choices: dict[str, str] = {}
    for one in (lang.other, lang):
        for key, words in WORDS[one].items():
            if key.startswith("field_"):
                columns[plain(words)] = key.removeprefix("field_")
            elif key.startswith("choice_"):
                choices[plain(words)] = key.removeprefix("choice_")
            elif key.startswith("column_"):
                columns[plain(words)] = key.removeprefix("column_")
        for kind in KINDS:
            choices[plain(say(one, f"record_{kind}"))] = kind
    return Names(columns, choices)


def title_of(lang: Lang, kind: str, column: str) -> str:
    """Return a column's title in a template: the field's words, with its unit."""
    if f"column_{column}" in WORDS[lang]:
        return say(lang, f"column_{column}")
    units = {one.name: one.unit for one in get_kind(kind).fields}
    unit = unit_words(lang, units.get(column, ""))
    title = say(lang, f"field_{column}")
    return f"{title} ({unit})" if unit else title


class ImportPages:
    """The page for files."""

    def __init__(self, services: Services, render: Renderer, doors: Doors) -> None:
        self._services, self._render, self._doors = services, render, doors
        self._books = Books(
            services.registry, services.telemetry, services.clock, services.take_in
        )

    def routes(self) -> APIRouter:
        """Return the routes; they must stand before ``/records/{record}``."""
        routes = APIRouter()
        routes.get("/records/import", response_class=HTMLResponse)(self.page)
        routes.get("/records/import/template")(self.template)
        routes.post("/records/import")(self.try_out)
        return routes

    def page(self, request: Request) -> HTMLResponse:
        """Ask for a file."""
        self._doors.known(request)
        return self._page(request)

    def template(
        self, request: Request, kind: str = "feed_use", format: str = "csv"
    ) -> Response:
        """An empty file for one kind of record, in the page's language; CSV or Excel."""
        self._doors.known(request)
        lang = lang_of(request)
        titles = titles_of(kind, lambda column: title_of(lang, kind, column))
        if format == "xlsx":
            sheets = {say(lang, f"record_{kind}"): [titles]}
            return workbook_answer(f"greenwater-{kind}", sheets)
        text = template(titles)
        name = f"greenwater-{kind}.csv"
        return Response(
            text,
            media_type="text/csv; charset=utf-8",
            headers={"Content-Disposition": f'attachment; filename="{name}"'},
        )

    async def try_out(self, request: Request) -> Response:
        """Try a file; with ``sure`` keep its good rows."""
        asked, raw = await uploaded(request)
        return await run_in_threadpool(self._try_out, request, asked, raw)

    def _try_out(
        self, request: Request, asked: Mapping[str, str], raw: bytes | None
    ) -> Response:
        self._doors.check_form(request, asked.get("csrf", ""))
        person, mine = self._doors.writer(request), self._doors.mine(request)
        lang, crop = lang_of(request), asked.get("crop", "")
        if crop:
            mine.seen.get_crop(crop)
        importer = Importer(self._services.registry, self._books.recording, mine.seen)
        try:
            point = "." if lang is Lang.EN else ","
            text = asked.get("text", "") if raw is None else decoded(raw, point=point)
            trial = importer.try_out(
                person,
                text,
                kind=asked.get("kind", ""),
                crop=crop,
                names=names_of(lang),
                number=lambda cell: typed_number(lang, cell),
            )
        except InputError as exc:
            return self._page(request, asked=asked, trouble=refused(lang, exc))
        if asked.get("sure"):
            count = importer.take_in(person, trial)
            done = say(lang, "import_done", count=count, there=trial.there)
            return self._page(request, done=done)
        return self._page(request, asked=asked, text=text, trial=trial)

    def _page(
        self,
        request: Request,
        *,
        asked: Mapping[str, str] | None = None,
        text: str = "",
        trial: Trial | None = None,
        trouble: str = "",
        done: str = "",
    ) -> HTMLResponse:
        mine, lang = self._doors.mine(request), lang_of(request)
        return self._render.page(
            request,
            "record_import.html",
            status=422 if trouble else 200,
            kinds=[(kind, say(lang, f"record_{kind}")) for kind in KINDS],
            crops=[one for one in mine.seen.crops() if one.ended_ms is None],
            asked={"kind": "", "crop": "", **(asked or {})},
            text=text,
            trial=trial,
            troubles=[] if trial is None else _views(lang, trial),
            trouble=trouble,
            done=done,
        )


def _views(lang: Lang, trial: Trial) -> list[TroubleView]:
    return [
        TroubleView(
            say(lang, "import_row", row=one.row, column=one.column or "–",
                value=one.value),
            refused_text(lang, one.key, one.facts) if one.key else one.reason,
        )
        for one in trial.troubles[:SHOWN]
    ]  # fmt: skip
