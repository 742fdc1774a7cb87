"""Pictures of the demo's products, drawn here: nobody's photo is copied."""

import io
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeAlias

from cli.demo import shrimp_farm, tuna_boat
from greenwater.kernel.clock import Clock
from greenwater.storage.registry import Registry
from traceability.label.pictures import Pictures

if TYPE_CHECKING:
    from PIL.ImageDraw import ImageDraw

SIZE: Final = (1280, 960)
WATER: Final = "#dcefe9"
SHELL: Final = "#e79b7d"
JOINT: Final = "#b45f43"
EYE: Final = "#12231e"
BACK: Final = "#2b4b63"
BELLY: Final = "#c9d6dc"
FIN: Final = "#e2b82f"

Drawing: TypeAlias = Callable[["ImageDraw"], None]


def give_pictures(registry: Registry, clock: Clock, folder: Path) -> None:
    """Give both products the picture that their passports show."""
    pictures = Pictures(registry, clock, folder)
    pictures.put(shrimp_farm.FARMER, shrimp_farm.GTIN, picture_of(_shrimp))
    pictures.put(tuna_boat.OWNER, tuna_boat.GTIN, picture_of(_tuna))


def picture_of(draw: Drawing) -> bytes:
    """Return a drawing as PNG."""
    from PIL import Image, ImageDraw

    image = Image.new("RGB", SIZE, WATER)
    draw(ImageDraw.Draw(image))
    out = io.BytesIO()
    image.save(out, "PNG")
    return out.getvalue()


def _shrimp(pen: "ImageDraw") -> None:
    box = (330, 200, 930, 800)
    pen.arc(box, 150, 400, fill=SHELL, width=170)
    for angle in range(195, 391, 28):
        pen.arc(box, angle, angle + 2, fill=JOINT, width=170)
    pen.polygon([(880, 690), (730, 720), (700, 850), (860, 800)], fill=JOINT)
    pen.polygon([(335, 560), (500, 560), (450, 690), (250, 740)], fill=SHELL)
    pen.ellipse((345, 590, 385, 630), fill=EYE)
    for end in (180, 320, 460):
        pen.line([(300, 700), (170, 560), (90, end)], fill=JOINT, width=7)
    for start in range(470, 760, 60):
        pen.line(
            [(start, 400), (start - 20, 480), (start - 60, 520)], fill=JOINT, width=10
        )


def _tuna(pen: "ImageDraw") -> None:
    pen.polygon([(1010, 480), (1210, 250), (1150, 480), (1210, 710)], fill=BACK)
    pen.ellipse((110, 300, 1080, 660), fill=BACK)
    pen.chord((110, 300, 1080, 660), 8, 172, fill=BELLY)
    pen.polygon([(560, 310), (700, 130), (690, 305)], fill=FIN)
    pen.polygon([(600, 650), (730, 830), (730, 640)], fill=FIN)
    pen.polygon([(380, 480), (600, 560), (400, 540)], fill=EYE)
    for along in range(790, 1000, 45):
        deep = 180 * (1 - ((along - 595) / 485) ** 2) ** 0.5
        for edge, out in ((480 - deep, -30), (480 + deep, 30)):
            pen.polygon(
                [(along, edge), (along + 34, edge + out), (along + 30, edge)], fill=FIN
            )
    pen.ellipse((205, 430, 245, 470), fill="white")
    pen.ellipse((215, 440, 237, 462), fill=EYE)
    pen.arc((90, 440, 230, 580), 290, 360, fill=EYE, width=6)
