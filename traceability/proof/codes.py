"""QR codes: modules, SVG, PNG. Error level, module and quiet zone as measured.

``make readback`` reads codes back after printing and harm; its table is in
docs/labels.md, and what is set here was chosen from it.
"""

import re
from collections.abc import Sequence
from functools import lru_cache
from io import BytesIO
from typing import Final

import qrcode
from PIL import Image
from qrcode.constants import (
    ERROR_CORRECT_H,
    ERROR_CORRECT_L,
    ERROR_CORRECT_M,
    ERROR_CORRECT_Q,
)
from qrcode.exceptions import DataOverflowError

from traceability.proof.qrquick import QuickCode

LEVELS: Final = {
    "L": ERROR_CORRECT_L,
    "M": ERROR_CORRECT_M,
    "Q": ERROR_CORRECT_Q,
    "H": ERROR_CORRECT_H,
}
LEVEL: Final = "Q"
"""Where there is room. A torn label stays torn, an unsharp picture is taken again: M is read a
little better unsharp, Q far better soiled (docs/labels.md, "Read back")."""

SMALL_LEVEL: Final = "M"
"""Where Q's modules would be smaller than ``ENOUGH_MM``."""

ENOUGH_MM: Final = 0.36
"""A module from which on Q is read as well as M but for much blur (the same table)."""

QUIET_MODULES: Final = 4
"""ISO/IEC 18004 asks for four modules around."""

CODE_MM: Final = 25.0
"""How wide a code is where there is room, without its quiet zone."""

LEAST_MODULE_MM: Final = 0.3
"""The smallest module: with 0.25 mm more than half of the codes fail that are a little unsharp,
turned and pressed at once (the same table)."""

PNG_MODULE_PX: Final = 8
ALIKE: Final = 50
"""So many characters of a label in a row are written in fewer bits (GTIN, lot, serial)."""

_MASK: Final = 3
"""Any mask can be read. A signature looks random under each of them, and weighing all eight
takes six times as long."""
_DARK: Final = re.compile(rb"\x01+")

Modules = Sequence[Sequence[bool]]
"""A code row by row, without quiet zone; True is dark."""


@lru_cache(maxsize=64)
def modules(text: str, level: str = LEVEL) -> Modules:
    """Return a code's modules, row by row, without quiet zone."""
    code = QuickCode(
        _version_of(len(text), level),
        error_correction=LEVELS[level],
        border=0,
        mask_pattern=_MASK,
    )
    code.add_data(text)
    # What is as long needs as much room, but for how much of it is capitals and digits.
    try:
        code.make(fit=False)
    except DataOverflowError:
        code.make(fit=True)
    return tuple(map(tuple, code.get_matrix()))


@lru_cache(maxsize=1024)
def _version_of(length: int, level: str) -> int:
    """Return the least version for a label of such a length: asked once, not each time."""
    code = qrcode.QRCode(error_correction=LEVELS[level], border=0, mask_pattern=_MASK)
    # A label's path is capitals, digits and strokes, its host and signature are not.
    code.add_data("a" * max(0, length - ALIKE) + "A" * min(length, ALIKE))
    return int(code.best_fit())


def runs(row: Sequence[bool]) -> list[tuple[int, int]]:
    """Return the dark runs of a row: (start, length)."""
    return [
        (run.start(), run.end() - run.start()) for run in _DARK.finditer(bytes(row))
    ]


def code_svg(text: str, title: str) -> str:
    """Return a code with its quiet zone; the code itself is 25 mm wide."""
    rows = modules(text)
    size = len(rows) + 2 * QUIET_MODULES
    wide_mm = round(CODE_MM * size / len(rows), 2)
    path = "".join(
        f"M{x + QUIET_MODULES} {y + QUIET_MODULES}h{width}v1h-{width}z"
        for y, row in enumerate(rows)
        for x, width in runs(row)
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{wide_mm}mm" '
        f'height="{wide_mm}mm" viewBox="0 0 {size} {size}" '
        f'shape-rendering="crispEdges"><title>{title}</title>'
        f'<path fill="#fff" d="M0 0h{size}v{size}H0z"/><path d="{path}"/></svg>'
    )


def code_image(text: str, module_px: int, level: str = LEVEL) -> Image.Image:
    """Return a code with its quiet zone, each module so many pixels."""
    rows = modules(text, level)
    size = len(rows) + 2 * QUIET_MODULES
    picture = Image.new("1", (size, size), 1)
    for y, row in enumerate(rows):
        for x, is_dark in enumerate(row):
            if is_dark:
                picture.putpixel((x + QUIET_MODULES, y + QUIET_MODULES), 0)
    wide = size * module_px
    return picture.resize((wide, wide), Image.Resampling.NEAREST)


def code_png(text: str) -> bytes:
    """Return a code with its quiet zone; printed as it says, the code is 25 mm wide."""
    dpi = PNG_MODULE_PX * len(modules(text)) / CODE_MM * 25.4
    out = BytesIO()
    code_image(text, PNG_MODULE_PX).save(out, "PNG", dpi=(dpi, dpi))
    return out.getvalue()
