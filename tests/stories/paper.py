"""A printed sheet as a printer and a camera see it."""

import io
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
import pypdfium2
import zxingcpp
from PIL import Image

DPI = 300
CODE_MM = 25.0

QR: Final = zxingcpp.BarcodeFormats([zxingcpp.BarcodeFormat.QRCode])
"""To a reader of all kinds lines of small print may be a bar code."""


class Seen(NamedTuple):
    """One code on paper: what it says, how wide it is, where its picture is."""

    text: str
    width_mm: float
    picture: Image.Image


def scanned(sheet: bytes) -> list[Seen]:
    """Return every code of a PDF, printed at 300 dpi."""
    found = []
    for page in pypdfium2.PdfDocument(sheet):
        picture = page.render(scale=DPI / 72).to_pil().convert("RGB")
        for code in zxingcpp.read_barcodes(picture, formats=QR):
            at = code.position
            corners = (at.top_left, at.top_right, at.bottom_left, at.bottom_right)
            left, right = min(c.x for c in corners), max(c.x for c in corners)
            top, bottom = min(c.y for c in corners), max(c.y for c in corners)
            margin = (right - left) // 5
            box = (left - margin, top - margin, right + margin, bottom + margin)
            width_mm = (right - left) / DPI * 25.4
            found.append(Seen(code.text, width_mm, picture.crop(box)))
    return found


def tilted(picture: Image.Image) -> Image.Image:
    """Return a code as it is seen from the side: turned by 20°, its far edge a third shorter."""
    turned = picture.rotate(
        20, Image.Resampling.BICUBIC, expand=True, fillcolor="white"
    )
    wide, high = turned.size
    corners = [(0, 0), (wide, 0), (wide, high), (0, high)]
    near = [(wide / 6, high / 6), (5 * wide / 6, high / 6), (wide, high), (0, high)]
    rows, told = [], []
    for (x, y), (u, v) in zip(near, corners, strict=True):
        rows += [[x, y, 1, 0, 0, 0, -u * x, -u * y], [0, 0, 0, x, y, 1, -v * x, -v * y]]
        told += [u, v]
    way = tuple(np.linalg.solve(np.array(rows), np.array(told)))
    return turned.transform(
        turned.size,
        Image.Transform.PERSPECTIVE,
        way,
        Image.Resampling.BICUBIC,
        fillcolor="white",
    )


def film(picture: Image.Image, path: Path) -> Path:
    """Write what a camera sees that is held before a code (motion JPEG)."""
    frame = Image.new("RGB", (1280, 720), "white")
    small = picture.resize((520, 520))
    frame.paste(small, ((1280 - 520) // 2, 100))
    kept = io.BytesIO()
    frame.save(kept, "JPEG", quality=90)
    path.write_bytes(kept.getvalue() * 30)
    return path
