"""What happens to a printed code before a camera reads it. Seeded, so that it repeats."""

import io
from collections.abc import Callable, Mapping

import numpy as np
import zxingcpp
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

from traceability.proof.codes import QUIET_MODULES, modules

AROUND_PX = 60
CAMERA_PX_MM = 12.0
"""A phone that sees 80 mm across in a film of 1,000 pixels (``check.js`` makes it so)."""

NOISE = 6.0
Rng = np.random.Generator
Harm = Callable[[Image.Image, Rng], Image.Image]


def printed(text: str, level: str, module_mm: float, dpi: int) -> Image.Image:
    """Return a code with its quiet zone in a printer's dots, black or white.

    Where a module is no whole number of dots, edges fall on the nearest one.
    """
    rows = np.array(modules(text, level), dtype=bool)
    whole = np.pad(rows, QUIET_MODULES)
    dots = round(len(whole) * module_mm / 25.4 * dpi)
    at = (np.arange(dots) * len(whole) / dots).astype(int)
    return Image.fromarray(np.where(whole[np.ix_(at, at)], 0, 255).astype(np.uint8))


def seen(paper: Image.Image, dpi: int, rng: Rng) -> Image.Image:
    """Return what a camera sees of it: from about as far, held almost straight."""
    px_mm = CAMERA_PX_MM * float(rng.uniform(0.9, 1.1))
    wide = round(paper.width * 25.4 / dpi * px_mm)
    way = Image.Resampling.BOX if wide < paper.width else Image.Resampling.BICUBIC
    ground = Image.new("L", (wide + 2 * AROUND_PX, wide + 2 * AROUND_PX), 255)
    ground.paste(paper.resize((wide, wide), way), (AROUND_PX, AROUND_PX))
    angle = float(rng.uniform(-3, 3))
    held = ground.rotate(angle, Image.Resampling.BICUBIC, fillcolor=255)
    return held.filter(ImageFilter.GaussianBlur(0.6))


def blurred(picture: Image.Image, _rng: Rng) -> Image.Image:
    """Out of focus: a sigma of 0.15 mm."""
    return picture.filter(ImageFilter.GaussianBlur(0.15 * CAMERA_PX_MM))


def blurred_more(picture: Image.Image, _rng: Rng) -> Image.Image:
    """More out of focus: a sigma of 0.2 mm."""
    return picture.filter(ImageFilter.GaussianBlur(0.2 * CAMERA_PX_MM))


def turned(picture: Image.Image, rng: Rng) -> Image.Image:
    """Turned by any angle."""
    angle = float(rng.uniform(0, 360))
    return picture.rotate(angle, Image.Resampling.BICUBIC, expand=True, fillcolor=255)


def leaning(picture: Image.Image, rng: Rng) -> Image.Image:
    """Seen from the side: corners up to a fifth of the width out of place."""
    size = picture.width
    ends = np.array([(0, 0), (size, 0), (size, size), (0, size)], float)
    starts = ends + rng.uniform(0, 0.2, (4, 2)) * size * np.where(ends == 0, 1, -1)
    return picture.transform(
        picture.size,
        Image.Transform.PERSPECTIVE,
        _coefficients(starts, ends),
        Image.Resampling.BICUBIC,
        fillcolor=255,
    )


def _coefficients(
    starts: NDArray[np.float64], ends: NDArray[np.float64]
) -> list[float]:
    """Return what takes each of ``starts`` to where it was, as PIL wants it."""
    rows, wanted = [], []
    for (x, y), (u, v) in zip(starts, ends, strict=True):
        rows += [[x, y, 1, 0, 0, 0, -u * x, -u * y], [0, 0, 0, x, y, 1, -v * x, -v * y]]
        wanted += [u, v]
    return list(np.linalg.solve(np.array(rows), np.array(wanted)))


def glaring(picture: Image.Image, rng: Rng) -> Image.Image:
    """A lamp's reflection: a spot that whitens, and shadow on one side."""
    size = picture.width
    y, x = np.mgrid[0:size, 0:size] / size
    at = rng.uniform(0.25, 0.75, 2)
    spot = np.exp(-((x - at[0]) ** 2 + (y - at[1]) ** 2) / 0.01) * 255
    shadow = 0.35 + 0.65 * x
    values = np.asarray(picture, float) * shadow + spot
    return Image.fromarray(np.clip(values, 0, 255).astype(np.uint8))


def torn(picture: Image.Image, rng: Rng) -> Image.Image:
    """A tenth of the code gone, in one piece anywhere on it."""
    return _soiled(picture, rng, 1)


def spotted(picture: Image.Image, rng: Rng) -> Image.Image:
    """A tenth of the code gone, in ten spots anywhere on it."""
    return _soiled(picture, rng, 10)


def _soiled(picture: Image.Image, rng: Rng, spots: int) -> Image.Image:
    harmed = picture.copy()
    brush = ImageDraw.Draw(harmed)
    dark = np.argwhere(np.asarray(picture) < 128)
    (top, left), (bottom, right) = dark.min(axis=0), dark.max(axis=0)
    side = ((bottom - top) * (right - left) * 0.10 / spots) ** 0.5
    for _ in range(spots):
        x, y = rng.uniform(left, right - side), rng.uniform(top, bottom - side)
        brush.rectangle((x, y, x + side, y + side), fill=int(rng.choice([0, 255])))
    return harmed


def pressed(picture: Image.Image, _rng: Rng) -> Image.Image:
    """Saved as JPEG of quality 30."""
    kept = io.BytesIO()
    picture.save(kept, "JPEG", quality=30)
    return Image.open(kept).convert("L")


def everything(picture: Image.Image, rng: Rng) -> Image.Image:
    """Half out of focus, turned, leaning half as much, and JPEG 30."""
    soft = picture.filter(ImageFilter.GaussianBlur(0.1 * CAMERA_PX_MM))
    return pressed(turned(soft, rng), rng)


HARMS: Mapping[str, Harm] = {
    "none": lambda picture, _rng: picture,
    "blur 0.15 mm": blurred,
    "blur 0.2 mm": blurred_more,
    "rotation": turned,
    "perspective": leaning,
    "glare": glaring,
    "JPEG 30": pressed,
    "10 % torn": torn,
    "10 % in spots": spotted,
    "blur, rotation, JPEG": everything,
}


def is_read(picture: Image.Image, text: str, rng: Rng) -> bool:
    """Return whether the code can be read out of a picture, with a camera's noise."""
    noisy = np.asarray(picture, float) + rng.normal(
        0, NOISE, (picture.height, picture.width)
    )
    values = np.clip(noisy, 0, 255).astype(np.uint8)
    found = zxingcpp.read_barcodes(values)
    return any(one.text == text for one in found)
