"""Pictures of pages: on a phone and on a desktop, by day and by night."""

import io
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

from PIL import Image
from playwright.sync_api import BrowserContext, Page

from tests.chromium import DESKTOP

COLOURS = 40
FINE_COLOURS = 96
FINE = {
    "farm-alarm-phone-light",
    "alarm-taken-phone-dark",
    "passport-phone-light",
    "fleet-desktop-dark",
    "check-valid-phone-light",
    "demo-alarm-desktop-light",
}
"""The README's pictures; `tests/docs` holds the whole folder to eight megabytes."""
SIZES = {"phone": (390, 844), "desktop": (1280, 900)}
LONGEST = {"phone": 1500, "desktop": 1150}
"""How much of a long page is shown, in pixels."""
DESK: Mapping[str, Any] = {
    **DESKTOP,
    "is_mobile": False,
    "has_touch": False,
    "device_scale_factor": 1,
}
TOP = "() => { document.activeElement?.blur(); scrollTo(0, 0); }"
UP = "(at) => document.querySelector(at).scrollIntoView()"
HEIGHT = "() => document.documentElement.scrollHeight"
PATIENCE_MS = 90_000
DRAWN_MS = 600
INK_MS = 150


class Album:
    """Two browsers side by side, and a folder for what they see."""

    def __init__(
        self, folder: Path, base: str, phone: BrowserContext, desk: BrowserContext
    ) -> None:
        self.base, self._folder = base, folder
        self.phone, self.desk = phone.new_page(), desk.new_page()
        self.titles: dict[str, str] = {}

    @property
    def both(self) -> tuple[tuple[str, Page], tuple[str, Page]]:
        """The two pages, with what they stand for."""
        return (("phone", self.phone), ("desktop", self.desk))

    def take(
        self, name: str, path: str = "", *, wait: str = "main", at: str = ""
    ) -> None:
        """Take all pictures of a page, or of what stands ``at`` a place far down on it;
        without a path, of what is there."""
        for device, page in self.both:
            if path:
                page.goto(urljoin(self.base, path), timeout=PATIENCE_MS)
            page.wait_for_selector(wait, timeout=PATIENCE_MS)
            page.wait_for_timeout(DRAWN_MS)  # charts and maps draw themselves
            page.evaluate(TOP)
            if at:
                page.evaluate(UP, at)
            self._keep(name, device, page, is_tall=not at)
        self.titles[name] = self.phone.title().partition(" – ")[0]

    def _keep(self, name: str, device: str, page: Page, *, is_tall: bool) -> None:
        width, least = SIZES[device]
        height = min(max(page.evaluate(HEIGHT), least), LONGEST[device])
        if is_tall:
            page.set_viewport_size({"width": width, "height": height})
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
            page.wait_for_timeout(INK_MS)
            picture = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
            title = f"{name}-{device}-{scheme}"
            colours = FINE_COLOURS if title in FINE else COLOURS
            few = picture.quantize(colours).convert("RGB")
            few.save(
                self._folder / f"{title}.webp", lossless=True, method=4, quality=100
            )
        page.emulate_media(color_scheme="light")
        page.set_viewport_size({"width": width, "height": least})

    def write_index(self) -> None:
        """Write the page that shows them all."""
        lines = [
            "# Every page, on a phone and on a desktop, by day and by night",
            "",
            "Made by `make screenshots`: the demo's night is played, and each kind of page that",
            "a link leads to is taken once. Nothing compares them; they are for people.",
            "",
            "| page | phone | | desktop | |",
            "|---|---|---|---|---|",
        ]
        for name, title in sorted(self.titles.items()):
            shown = " | ".join(
                f"[{scheme}]({name}-{device}-{scheme}.webp)"
                for device in ("phone", "desktop")
                for scheme in ("light", "dark")
            )
            lines.append(f"| `{name}` {title} | {shown} |")
        (self._folder / "README.md").write_text("\n".join(lines) + "\n")


def name_of(kind: str) -> str:
    """Return a kind of page as a file's name: ``crops-one-readiness``."""
    return (
        re.sub(r"[^a-z]+", "-", kind.replace("*", "one").lower()).strip("-") or "home"
    )
