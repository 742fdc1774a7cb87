"""Records from a CSV file or an Excel workbook: tried first, each bad row with its reason, then confirmed."""

from typing import Final

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response

from greenwater.reference.records import KINDS, get_kind
from traceability.book.importing import Importer, titles_of
from traceability.book.tables import Names, plain
from web.door.doors import Doors
from web.door.forms import TableForm
from web.pages import Renderer, lang_of
from web.ports import Services
from web.views.imports import (
    NO_FILE,
    Book,
    ImportView,
    column_title,
    import_view,
    names_by,
)
from web.words import Lang, say
from web.workbooks import csv_answer, workbook_answer

_HEADS: Final = ("column_", "field_")


def names_of(lang: Lang) -> Names:
    """Return how people call columns and choices, in both languages."""
    kinds = {
        plain(say(one, f"record_{kind}")): kind
        for one in (lang.other, lang)
        for kind in KINDS
    }
    return Names(names_by(lang, _HEADS), names_by(lang, ("choice_",)) | kinds)


def title_of(lang: Lang, kind: str, column: str) -> str:
    """Return a column's title in a template: the field's words, with its unit."""
    units = {one.name: one.unit for one in get_kind(kind).fields}
    return column_title(lang, _HEADS, column, units.get(column, ""))


class ImportPages:
    """The page for files."""

    def __init__(self, services: Services, render: Renderer, doors: Doors) -> None:
        self._services, self._render, self._doors = services, render, doors
        self._books = services.books

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
        return csv_answer(f"greenwater-{kind}", titles, [])

    def try_out(self, request: Request, sent: TableForm) -> Response:
        """Try a file; with ``sure`` keep its good rows."""
        asked, raw = sent
        self._doors.check_form(request, asked.get("csrf", ""))
        person, mine = self._doors.writer(request), self._doors.mine(request)
        lang, crop = lang_of(request), asked.get("crop", "")
        if crop:
            mine.seen.get_crop(crop)
        importer = Importer(self._services.registry, self._books.recording, mine.seen)
        kind = asked.get("kind", "")
        book = Book(
            names_of(lang),
            lambda text, names, number: importer.try_out(
                person, text, kind=kind, crop=crop, names=names, number=number
            ),
            lambda trial: importer.take_in(person, trial),
        )
        return self._page(request, import_view(lang, asked, raw, book), kind, crop)

    def _page(
        self,
        request: Request,
        tried: ImportView = NO_FILE,
        kind: str = "",
        crop: str = "",
    ) -> HTMLResponse:
        mine, lang = self._doors.mine(request), lang_of(request)
        return self._render.page(
            request,
            "import.html",
            status=422 if tried.trouble else 200,
            title=say(lang, "import_title"),
            lead=say(lang, "import_lead"),
            back=("/records", say(lang, "records_title")),
            address="/records/import",
            kinds=[(kind, say(lang, f"record_{kind}")) for kind in KINDS],
            has_csv=True,
            crops=[one for one in mine.seen.crops() if one.ended_ms is None],
            kind=kind,
            crop=crop,
            tried=tried,
        )
