"""The picture of a product that its passport shows: an item of Circular 02/2024/TT-BKHCN."""

import io
from pathlib import Path
from typing import Final

from greenwater.kernel.clock import Clock
from greenwater.kernel.errors import MissingError
from greenwater.kernel.reading import milliseconds
from greenwater.storage.registry import Registry
from traceability.book.books import SELLERS
from traceability.book.photos import Album, Picture, drawn_anew

SIDE: Final = 640
"""Its longer side in pixels: a shopper's phone pays for every byte."""


class Pictures:
    """Pictures in the folder of photos, under the SHA-256 of their bytes."""

    def __init__(self, registry: Registry, clock: Clock, folder: Path) -> None:
        self._registry, self._clock = registry, clock
        self._album = Album(registry, clock, folder)

    def put(self, person: str, gtin: str, raw: bytes) -> None:
        """Give a product this picture, drawn anew; the one before is kept.

        Raises:
            InputError: it is no photo that can be kept.
            MissingError: there is no such product, or it is not his to sell.
        """
        product = self._registry.get_product(gtin)
        if not self._registry.get_person(person).is_any(SELLERS, product.organisation):
            raise MissingError(f"{person} sells no product {gtin}")
        picture = _small(drawn_anew(raw))
        self._album.keep(picture)
        self._registry.set_product_picture(
            gtin,
            picture.digest,
            person=person,
            at_ms=milliseconds(self._clock.now()),
        )

    def read(self, gtin: str) -> bytes:
        """Return a product's picture (JPEG).

        Raises:
            MissingError: it has none.
        """
        digest = self._registry.product_picture(gtin)
        if digest is None:
            raise MissingError(f"product {gtin[:20]} has no picture")
        return self._album.read(digest)


def _small(picture: Picture) -> Picture:
    from PIL import Image

    with Image.open(io.BytesIO(picture.data), formats=("JPEG",)) as opened:
        opened.thumbnail((SIDE, SIDE))
        out = io.BytesIO()
        opened.save(out, "JPEG", quality=80)
        return Picture(out.getvalue(), *opened.size)
