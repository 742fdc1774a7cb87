"""What a phone that installs the site asks for: its name and icons, and its worker."""

import re
from pathlib import Path
from typing import Any, Final

import msgspec
from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response

from web.assets import STATIC
from web.pages import Renderer
from web.ports import Services

SHELL: Final = (
    "site.css", "icon.svg", "farm.js", "live.js", "charts.js",
    "vendor/uplot/uPlot.iife.min.js", "vendor/uplot/uPlot.min.css",
)  # fmt: skip
"""Files that pages name with ``?v=``."""

MODULES: Final = (
    "keep.js", "sending.js", "numbers.js", "pictures.js", "trouble.js", "waiting.js",
    "book.js", "logbook.js", "switching.js", "push.js",
)  # fmt: skip
CHECK_MODULES: Final = (
    "check.js", "duty.js", "verify.js", "card.js", "vessels.js", "vesselcheck.js",
    "vendor/noble/ed25519.js",
)  # fmt: skip
"""Modules name each other, so that their version stands in their folder's name."""

CHECK: Final = ("vendor/zxing/reader.js", "vendor/zxing/zxing_reader.wasm")
ICONS: Final = (
    ("icon-192.png", "192x192", "any"),
    ("icon-512.png", "512x512", "any"),
    ("icon-maskable-192.png", "192x192", "maskable"),
    ("icon-maskable-512.png", "512x512", "maskable"),
)
SHORTCUTS: Final = (
    ("Ghi sổ hôm nay", "/records/today"),
    ("Cảnh báo", "/alarms"),
    ("Kiểm tra tem", "/check"),
)


_EXPORT: Final = re.compile(r"^export (?=const (\w+))", re.MULTILINE)


def as_script(name: str, module: Path) -> str:
    """Return a module that imports nothing as a script: ``name`` has what it exports.

    A worker that is itself a module is not known to every phone's browser yet.
    """
    text = module.read_text(encoding="utf-8")
    names = ", ".join(_EXPORT.findall(text))
    return f"const {name} = (() => {{\n{_EXPORT.sub('', text)}return {{ {names} }};\n}})();\n"


class InstallPages:
    """The worker, the manifest, and the page where there is no network."""

    def __init__(self, services: Services, render: Renderer) -> None:
        self._services, self._render = services, render

    def routes(self) -> APIRouter:
        """Return the routes."""
        routes = APIRouter()
        routes.get("/no-network", response_class=HTMLResponse)(self.no_network)
        routes.get("/sw.js", include_in_schema=False)(self.worker)
        routes.get("/favicon.ico", include_in_schema=False)(self.icon)
        routes.get("/manifest.webmanifest", include_in_schema=False)(self.manifest)
        return routes

    def no_network(self, request: Request) -> HTMLResponse:
        """What an installed page shows instead of one that needs a network."""
        now_ms = self._services.now_ms()
        return self._render.page(
            request, "no_network.html", now_ms=now_ms, is_simulated=False
        )

    def worker(self) -> Response:
        """The service worker that keeps pages on the phone, with what it keeps."""
        version = self._render.version
        named = [f"/static/{one}?v={version}" for one in SHELL]
        modules = [f"/static/@{version}/{one}" for one in MODULES]
        check = [f"/static/@{version}/{one}" for one in CHECK_MODULES]
        check += [f"/static/{one}" for one in CHECK]
        facts = {
            "VERSION": version,
            "PUSH_KEY": self._services.pushing.key,
            "SHELL": ["/no-network", *named, *modules],
            "CHECK": ["/check", *check],
        }
        head = "".join(
            f"const {name} = {msgspec.json.encode(value).decode()};\n"
            for name, value in facts.items()
        )
        head += as_script("SENDING", STATIC / "sending.js")
        body = head + (STATIC / "sw.js").read_text(encoding="utf-8")
        headers = {"Cache-Control": "no-cache", "Service-Worker-Allowed": "/"}
        return Response(body, 200, headers, "text/javascript")

    def icon(self) -> Response:
        """The icon that a browser asks for by itself where it shows no page of ours."""
        headers = {"Cache-Control": "public, max-age=86400"}
        return Response((STATIC / ICONS[0][0]).read_bytes(), 200, headers, "image/png")

    def manifest(self) -> Response:
        """What the site is called once it is installed, and how it looks."""
        icons: list[dict[str, Any]] = [
            {
                "src": f"/static/{name}",
                "sizes": sizes,
                "type": "image/png",
                "purpose": use,
            }
            for name, sizes, use in ICONS
        ]
        document = {
            "id": "/",
            "name": "Nước xanh – ao, lồng và tàu của tôi",
            "short_name": "Nước xanh",
            "description": "Số đo ao, lồng; cảnh báo; sổ nhật ký; kiểm tra tem.",
            "lang": "vi",
            "dir": "ltr",
            "start_url": "/",
            "scope": "/",
            "display": "standalone",
            "background_color": "#eef3f0",
            "theme_color": "#0a6b52",
            "icons": [
                *icons,
                {"src": "/static/icon.svg", "sizes": "any", "type": "image/svg+xml"},
            ],
            "shortcuts": [{"name": name, "url": url} for name, url in SHORTCUTS],
        }
        return Response(
            msgspec.json.encode(document), 200, {}, "application/manifest+json"
        )
