"""Labels on paper: sheets and rolls as PDF, one code as SVG or PNG."""

from collections.abc import Sequence
from typing import Final

from fastapi import APIRouter, Request
from fastapi.responses import Response
from msgspec import Struct

from greenwater.kernel.errors import MissingError
from greenwater.reference.papers import PAPERS, Paper, get_paper
from greenwater.storage.registry.books import Lot
from greenwater.storage.registry.labels import Label
from traceability.label.printing import LabelText, sheet_pdf
from traceability.proof.codes import code_png, code_svg
from traceability.proof.labelfacts import Goods, read_facts
from traceability.proof.links import parse_label
from web.assets import STATIC
from web.door.doors import Doors
from web.ports import Services
from web.views.formats import day, exact
from web.words import Lang

FONTS: Final = STATIC / "vendor" / "dejavu"
PART: Final = 210
"""How many labels one PDF has at most: it is made in two seconds or so."""


class Part(Struct, frozen=True):
    """A PDF of a lot's labels: the first and last of it, counted from 1."""

    number: int
    first: int
    last: int


def parts_of(count: int) -> list[Part]:
    """Return the PDFs that so many labels are printed from."""
    starts = range(0, count, PART)
    return [
        Part(number, start + 1, min(start + PART, count))
        for number, start in enumerate(starts, 1)
    ]


class PrintPages:
    """What is sent to a printer."""

    def __init__(self, services: Services, doors: Doors) -> None:
        self._services, self._doors = services, doors

    def routes(self) -> APIRouter:
        """Return the routes."""
        routes = APIRouter()
        routes.get("/lots/{lot}/labels.pdf")(self.sheet)
        routes.get("/labels/{serial}.svg")(self.svg)
        routes.get("/labels/{serial}.png")(self.png)
        return routes

    def sheet(
        self, request: Request, lot: str, paper: str = PAPERS[0].name, part: int = 0
    ) -> Response:
        """Return a lot's labels on paper; ``part`` (from 1) of many, 0: all of them.

        The label of a whole lot fills one page.
        """
        mine = self._doors.mine(request)
        found, chosen = mine.seen.get_lot(lot), get_paper(paper)
        issued = list(reversed(mine.seen.labels(lot=lot)))
        if part:
            issued = issued[(part - 1) * PART : part * PART]
        if part < 0 or not issued:
            raise MissingError(f"lot {found.code} has no labels there")
        texts = label_texts(mine, found, issued, chosen)
        headers = {"Content-Disposition": f'inline; filename="tem-{found.code}.pdf"'}
        made = sheet_pdf(texts, FONTS, chosen)
        return Response(made, 200, headers, "application/pdf")

    def _label(self, request: Request, serial: str) -> Label:
        label = self._doors.mine(request).seen.find_label(serial)
        if label is None:
            raise MissingError(f"there is no label {serial}")
        return label

    def svg(self, request: Request, serial: str) -> Response:
        """Return one label's code, for pages."""
        label = self._label(request, serial)
        headers = {"Cache-Control": "private"}
        return Response(code_svg(label.uri, label.id), 200, headers, "image/svg+xml")

    def png(self, request: Request, serial: str) -> Response:
        """Return one label's code, for other programs."""
        label = self._label(request, serial)
        headers = {"Cache-Control": "private"}
        return Response(code_png(label.uri), 200, headers, "image/png")


def label_texts(
    services: Services, lot: Lot, labels: Sequence[Label], paper: Paper
) -> list[LabelText]:
    """Return what stands on paper beside codes; labels are Vietnamese."""
    product = services.registry.get_product(lot.product)
    producer, _ = services.registry.producer_of(lot.organisation)
    is_simulated = bool(lot.evidence.get("is_simulated"))
    found = []
    for one in labels:
        link = parse_label(one.uri)
        told = _told(read_facts(link.facts), lot)
        item = f"(21){link.serial}" if link.serial else "Tem chung cả lô"
        lines = (
            product.name_vi, f"(01){link.gtin}", f"(10){link.lot}", item, *told, producer,
            f"Đóng tem {day(one.issued_ms)}",
        )  # fmt: skip
        text = LabelText(one.uri, one.id, lines, is_simulated)
        found += [text] * (1 if link.serial else paper.per_page)
    return found


def _told(goods: Goods, lot: Lot) -> list[str]:
    verb = "Lên cá" if lot.origin == "landing" else "Thu hoạch"
    days = dict.fromkeys(f"{one:%d/%m/%Y}" for one in goods.harvested or ())
    when = " – ".join(days) or day(lot.harvested_ms)
    rows = [f"{verb} {when}"]
    if goods.net_kg is not None:
        rows.append(f"Khối lượng tịnh {exact(Lang.VI, goods.net_kg)} kg")
    if goods.use_by is not None:
        rows.append(f"Hạn sử dụng {goods.use_by:%d/%m/%Y}")
    if goods.area or goods.gear:
        rows.append(f"Vùng {goods.area or '?'}, ngư cụ {goods.gear or '?'}")
    return rows
