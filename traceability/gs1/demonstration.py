"""Numbers of GS1's prefix 952, which is for demonstrations: for whom GS1 gave none yet. Pure."""

import hashlib
from collections.abc import Iterator
from typing import Final

from traceability.gs1.digits import check_digit

PREFIX: Final = "0952"
"""How such a GTIN-14 begins."""

TURNS: Final = 8


def demonstration_gtins(*about: str) -> Iterator[str]:
    """Yield a few GTIN-14s for a product, the same ones for the same product each time."""
    for turn in range(TURNS):
        text = "\n".join((*about, str(turn)))
        number = int.from_bytes(hashlib.sha256(text.encode()).digest()) % 10**9
        digits = f"{PREFIX}{number:09}"
        yield f"{digits}{check_digit(digits)}"


def is_demonstration(gtin: str) -> bool:
    """Return whether a GTIN-14 is nobody's: good for trying, not for goods in shops."""
    return gtin.startswith(PREFIX)
