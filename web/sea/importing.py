"""A vessel's records from a CSV file or an Excel workbook: tried first, then confirmed."""

from collections.abc import Iterator
from typing import Final

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response

from greenwater.kernel.errors import InputError
from greenwater.reference.vessel_records import CHOICES, VESSEL_KINDS
from traceability.book.tables import Names, plain
from traceability.sea.importing import KINDS, SeaImporter, sea_titles
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
from web.views.seaforms import SEA_SPECIES
from web.views.seawords import choice_name, species_name
from web.words import Lang, say
from web.workbooks import workbook_answer

_HEADS: Final = ("sea_column_", "column_", "sea_field_")


def sea_names(lang: Lang) -> Names:
    """Return how people call columns, kinds, choices and species, in both languages."""
    both = (lang.other, lang)
    choices = {word: name for one in both for word, name in _choices(one)}
    return Names(names_by(lang, _HEADS[::-1]), choices)


def _choices(lang: Lang) -> Iterator[tuple[str, str]]:
    for kind in KINDS:
        yield plain(say(lang, f"sea_kind_{kind}")), kind
    for name, values in CHOICES.items():
        for value in values:
            yield f"{name}/{plain(choice_name(lang, name, value))}", value
    for code in SEA_SPECIES:
        yield f"species/{plain(species_name(lang, code))}", code


def sea_title(lang: Lang, kind: str, column: str) -> str:
    """Return a column's title in a template: the field's words, with its unit."""
    units = {one.name: one.unit for one in VESSEL_KINDS[kind].fields}
    return column_title(lang, _HEADS, column, units.get(column, ""))


class SeaImportPages:
    """The page for files of a vessel."""

    def __init__(self, services: Services, render: Renderer, doors: Doors) -> None:
        self._services, self._render, self._doors = services, render, doors
        self._books = services.vessel_books

    def routes(self) -> APIRouter:
        """Return the routes."""
        routes = APIRouter()
        routes.get("/vessels/{vessel}/import", response_class=HTMLResponse)(self.page)
        routes.get("/vessels/{vessel}/import/template")(self.template)
        routes.post("/vessels/{vessel}/import")(self.try_out)
        return routes

    def page(self, request: Request, vessel: str) -> HTMLResponse:
        """Ask for a file."""
        self._doors.sailor(request)
        return self._page(request, vessel)

    def template(self, request: Request, vessel: str, kind: str = "catch") -> Response:
        """An empty workbook for one kind of record, in the page's language."""
        self._doors.sailor(request)
        self._doors.mine(request).seen.get_vessel(vessel)
        if kind not in KINDS:
            raise InputError(
                f"kind {kind[:40]!r} is none of {', '.join(KINDS)}", "form_old"
            )
        lang = lang_of(request)
        titles = sea_titles(kind, lambda column: sea_title(lang, kind, column))
        sheets = {say(lang, f"sea_kind_{kind}"): [titles]}
        return workbook_answer(f"greenwater-{kind}", sheets)

    def try_out(self, request: Request, vessel: str, sent: TableForm) -> Response:
        """Try a file; with ``sure`` keep its good rows."""
        asked, raw = sent
        self._doors.check_form(request, asked.get("csrf", ""))
        person, lang = self._doors.sailor(request), lang_of(request)
        found = self._doors.mine(request).seen.get_vessel(vessel)
        importer = SeaImporter(self._services.registry, self._books, found.id)
        kind = asked.get("kind", "")
        book = Book(
            sea_names(lang),
            lambda text, names, number: importer.try_out(
                person, text, kind=kind, names=names, number=number
            ),
            lambda trial: importer.take_in(person, trial),
        )
        return self._page(request, vessel, import_view(lang, asked, raw, book), kind)

    def _page(
        self,
        request: Request,
        vessel: str,
        tried: ImportView = NO_FILE,
        kind: str = "",
    ) -> HTMLResponse:
        lang, info = lang_of(request), self._doors.mine(request).seen.get_vessel(vessel)
        return self._render.page(
            request,
            "import.html",
            status=422 if tried.trouble else 200,
            title=say(lang, "sea_import_title"),
            lead=say(lang, "sea_import_lead"),
            back=(f"/vessels/{info.id}/book", f"{info.name} ({info.id})"),
            address=f"/vessels/{info.id}/import",
            has_csv=False,
            crops=(),
            kinds=[(one, say(lang, f"sea_kind_{one}")) for one in KINDS],
            kind=kind,
            tried=tried,
        )
