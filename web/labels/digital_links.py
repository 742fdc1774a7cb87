"""What there is to tell of a Digital Link, as links to pages and programs of this site."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final
from urllib.parse import quote, urlencode

from greenwater.kernel.errors import MissingError
from greenwater.storage.registry import Registry
from greenwater.storage.registry.books import Lot
from traceability.epcis.query import parse_query
from traceability.gs1.digital_link import DigitalLink, make_link
from traceability.gs1.elements import Element
from traceability.gs1.resolving import Level, Link
from web.views.goods import product_name
from web.words import Lang, say

PAGE, JSON = "text/html", "application/json"
_BOTH: Final = (Lang.VI.value, Lang.EN.value)
_QUESTIONS: Final[Mapping[str, tuple[str, ...]]] = {
    "414": ("EQ_readPoint", "EQ_bizLocation"),
    "417": ("EQ_source_owning_party", "EQ_destination_owning_party"),
}
"""How trace events are asked about a key; all others are things: ``MATCH_anyEPC…``."""


def public_lot(registry: Registry, gtin: str, code: str) -> Lot | None:
    """Return a lot that anybody may know of: labels were issued for it."""
    lot = registry.find_lot(gtin, code)
    return lot if lot is not None and registry.labels(lot=lot.id) else None


class Linker:
    """Levels of links for the things that this site knows."""

    def __init__(self, registry: Registry, base: str) -> None:
        self._registry, self._base = registry, base

    def levels(self, link: DigitalLink, lang: Lang) -> Sequence[Level]:
        """Return the levels from the key down; what is unknown is walked past."""
        found: list[Level] = []
        for end in range(1, len(link.path) + 1):
            path = link.path[:end]
            pages = [*self._pages(path, lang)]
            links = [*pages, *self._events(path, lang)]
            if links:
                # A page, or else the first that there is: never a list before a page.
                default = links[0] if pages or not found else None
                anchor = make_link(path, self._base)
                found.append(
                    Level(anchor, self._name(path, lang), tuple(links), default)
                )
        return found

    def _name(self, path: Sequence[Element], lang: Lang) -> str:
        title = " ".join(f"({one.ai}) {one.value}" for one in path)
        product = self._product(path, lang)
        return f"{product}, {title}" if product else title

    def _product(self, path: Sequence[Element], lang: Lang) -> str:
        """Return the name of the product that a path is about; empty: none of ours."""
        if path[0].ai != "01":
            return ""
        try:
            return product_name(lang, self._registry.get_product(path[0].value))
        except MissingError:
            return ""

    def _pages(self, path: Sequence[Element], lang: Lang) -> Iterator[Link]:
        values = {one.ai: one.value for one in path}
        gtin, code, serial = (values.get(ai) for ai in ("01", "10", "21"))
        product = self._product(path, lang)
        if gtin is None or not product:
            return
        if len(path) == 1:
            yield self._page("pip", f"/passport/{gtin}", lang, product)
            yield self._page("verificationService", "/check", lang, "")
            return
        lot = self._lot(gtin, code, serial, path[-1].ai)
        if lot is not None:
            yield from self._of_lot(lot, lang)

    def _lot(
        self, gtin: str, code: str | None, serial: str | None, last: str
    ) -> Lot | None:
        """Return the lot that a path's last step names: by its code, or a serial of it."""
        if last == "10" and code is not None:
            return public_lot(self._registry, gtin, code)
        label = self._registry.find_label(serial) if serial and code is None else None
        lot = None if label is None else self._registry.get_lot(label.lot)
        return lot if lot is not None and lot.product == gtin else None

    def _of_lot(self, lot: Lot, lang: Lang) -> Iterator[Link]:
        place = f"{lot.product}/{quote(lot.code, safe='')}"
        yield self._page("traceability", f"/passport/{place}", lang, lot.code)
        yield Link(
            "traceability",
            f"{self._base}/api/v1/passports/{place}",
            say(lang, "link_traceability", name=lot.code),
            JSON,
        )
        yield Link(
            "recallStatus",
            f"{self._base}/api/v1/labels/status.json",
            say(lang, "link_recallStatus"),
            JSON,
        )

    def _page(self, relation: str, path: str, lang: Lang, name: str) -> Link:
        title = say(lang, f"link_{relation}", name=name)
        return Link(relation, f"{self._base}{path}", title, PAGE, _BOTH)

    def _events(self, path: Sequence[Element], lang: Lang) -> Iterator[Link]:
        """Yield where to ask for trace events, if there are any."""
        about = make_link(path)
        for question in _questions(path):
            asked = parse_query([(question, about)], lambda _place: (), most=1)
            if self._registry.find_events(asked.query, limit=1):
                yield Link(
                    "epcis",
                    f"{self._base}/epcis/events?{urlencode({question: about})}",
                    say(lang, "link_epcis"),
                    JSON,
                    needs_token=True,
                    # EPCIS refuses parameters that it does not know.
                    passes_query=False,
                    interface=f"{self._base}/epcis",
                )
                return


def _questions(path: Sequence[Element]) -> tuple[str, ...]:
    return _QUESTIONS.get(path[0].ai, ("MATCH_anyEPC", "MATCH_anyEPCClass"))
