"""A walk through the site by its own links, as each role, with one browser."""

import html
import re
from collections.abc import Sequence
from urllib.parse import parse_qsl, urljoin, urlsplit

from playwright.sync_api import (
    APIResponse,
    BrowserContext,
    Request,
    Response,
    ViewportSize,
)

from tests.axe import faults

LINK = re.compile(r'<a [^>]*?href="([^"#]+)')
THING = re.compile(
    r"/(people|sites|units|vessels|crops|lots|goods|trips|alarms|dossiers|certificates"
    r"|records|passport|labels|limits)/(?!new\b|import\b|keys\b|today\b)[^/?]+"
)
ID = re.compile(
    r"(?<=[/=])(?:hoa|binh|sim)-[\w-]+|(?<=[/=])[0-9A-Za-z-]*\d[0-9A-Za-z-]{6,}"
)
ELSEWHERE = re.compile(
    r"^(tel:|mailto:|blob:|https?:|/static/|/demo$)|[?&](lang|theme)="
)
FILE = re.compile(
    r"^/api/|^/account/data|^/labels/|\.(csv|pdf|zip|json|svg|xlsx|geojson)\b|/template\b"
)
PATIENCE_MS = 90_000
DESK: ViewportSize = {"width": 1280, "height": 900}
SEEN = """
() => [
  document.querySelector("main").innerText,
  document.documentElement.scrollWidth - document.documentElement.clientWidth,
  [...document.querySelectorAll("a.button, button, nav a, input, select, summary, main > p > a, .narrow > p > a, .entry > a")]
    .filter((one) => !["hidden", "checkbox", "file"].includes(one.type) && one.checkVisibility())
    .map((one) => [one.outerHTML.slice(0, 80), one.getBoundingClientRect().height])
    .filter(([, height]) => height > 0 && height < 43.5),
]
"""
"""What a page says, by how much it is too wide, and what is too small to touch."""

CUT = """
() => [...document.querySelectorAll("nav.ways a")]
  .filter((one) => {
    const box = one.getBoundingClientRect(), words = one.querySelector("span");
    return box.left < -.5 || box.right > innerWidth + .5 || box.bottom > innerHeight + .5
      || box.width < 44 || words.scrollWidth > one.clientWidth
      || words.getBoundingClientRect().bottom > box.bottom + .5;
  })
  .map((one) => one.textContent.trim())
"""
"""The ways at the foot of a phone's page that are cut, too small or out of sight."""

SLIP = re.compile(r"\[object|\bundefined\b|\bNaN\b|\bNone\b|\{\w+\}")
"""What a page shows by mistake: values that nobody put into words."""


def shape_of(path: str) -> str:
    """Return an address without what it is of: ``/crops/*/readiness``."""
    return ID.sub("*", THING.sub(r"/\1/*", path))


def kind_of(path: str) -> str:
    """Return what kind of page an address is: its shape, and the names of what it asks."""
    at = urlsplit(path)
    names = sorted({name for name, _ in parse_qsl(at.query)})
    return f"{shape_of(at.path)}?{'&'.join(names)}"


class Walk:
    """Asks for every address that a link leads to, and looks at one page of each kind.

    ``wrong`` is what nobody should find: (where, what).
    """

    asks_files = True
    """Whether it asks for what is not a page, too."""
    is_night = False
    """Whether pages are looked at by night, on a desk, in place of by day, on a phone."""

    def __init__(self, base: str, context: BrowserContext) -> None:
        self.base, self.context = base, context
        self.looked: set[str] = set()
        self.wrong: list[tuple[str, object]] = []
        self._page = context.new_page()
        self._page.on("console", lambda one: self._hear(one.type, one.text))
        self._page.on("pageerror", lambda one: self._hear("error", str(one)))
        self._page.on("request", self._ask)

    def go(self, person: str, starts: Sequence[str]) -> int:
        """Walk as one of the demo's people; return how many addresses were asked for."""
        self._page.goto("about:blank")  # an open page asks again, as whoever comes next
        self.context.clear_cookies()
        if person:
            answer = self.context.request.post(f"{self.base}/demo/{person}")
            assert answer.ok, person
        wait, asked = list(starts), set[str]()
        while wait:
            path = wait.pop(0)
            shape = shape_of(path)
            if shape not in asked and not ELSEWHERE.search(path):
                asked.add(shape)
                wait += self._visit(person, path)
        return len(asked)

    def look_at_ways(self, person: str, *widths: int) -> None:
        """See that every way of who walked last is whole on phones of these widths."""
        page = self._page
        page.goto(f"{self.base}/account")
        usual = page.viewport_size or {"width": 360, "height": 640}
        for width in widths:
            page.set_viewport_size({"width": width, "height": 640})
            cut = page.evaluate(CUT)
            self.wrong += [(f"{person} at {width} px", f"cut: {one}") for one in cut]
        page.set_viewport_size({"width": usual["width"], "height": usual["height"]})

    def _visit(self, person: str, path: str) -> list[str]:
        is_file = bool(FILE.search(path))
        if is_file and not self.asks_files:
            return []
        is_new = kind_of(path) not in self.looked and not is_file
        answer = self._open(path) if is_new and self.asks_files else self._ask_for(path)
        if answer.status >= 400:
            self.wrong.append((f"{person or 'a stranger'} at {path}", answer.status))
            return []
        if not answer.headers.get("content-type", "").startswith("text/html"):
            return []
        here = answer.url.removeprefix(self.base)
        kind = kind_of(here)
        if kind not in self.looked and not FILE.search(here):
            self.looked.add(kind)
            self.look(kind, here)
        return [
            urljoin(here, html.unescape(link)) for link in LINK.findall(answer.text())
        ]

    def _ask_for(self, path: str) -> APIResponse:
        return self.context.request.get(self.base + path, timeout=PATIENCE_MS)

    def _open(self, path: str) -> Response:
        """Open a page of a kind that was not looked at yet."""
        answer = self._page.goto(self.base + path, timeout=PATIENCE_MS)
        assert answer is not None, path
        return answer

    def look(self, kind: str, path: str) -> None:
        """See one page of a kind: on a narrow phone by day, or on a desk by night."""
        page = self._page
        if page.url != self.base + path:
            page.goto(self.base + path)
        if not self.is_night:
            page.emulate_media(color_scheme="light")
            text = self._fits(path)
            self.wrong += [(path, f"says {one}") for one in SLIP.findall(text)]
            self.wrong += [(path, one) for one in faults(page)]
            return
        usual = page.viewport_size or DESK
        page.set_viewport_size(DESK)
        page.emulate_media(color_scheme="dark")
        self._fits(f"{path} on a desk")
        self.wrong += [
            (f"{path} by night", one) for one in faults(page, "color-contrast")
        ]
        page.set_viewport_size({"width": usual["width"], "height": usual["height"]})

    def _fits(self, where: str) -> str:
        """See that a page is no wider than its screen, and big enough to touch."""
        text, wider, small = self._page.evaluate(SEEN)
        if wider > 0:
            self.wrong.append((where, f"{wider} px wider than the screen"))
        self.wrong += [(where, f"small: {one}") for one in small]
        return str(text)

    def _hear(self, kind: str, text: str) -> None:
        if kind in ("error", "warning"):
            self.wrong.append((self._page.url, f"{kind}: {text}"))

    def _ask(self, request: Request) -> None:
        if not request.url.startswith((self.base, "data:", "blob:")):
            self.wrong.append((self._page.url, f"asks another site: {request.url}"))
