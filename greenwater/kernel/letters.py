"""Letters that no word needs: controls, halves of pairs, and what turns a text's direction.

A name with a turned direction would turn the page, and the message, that it stands in.
"""

import re
import unicodedata
from typing import Final

TURNS: Final = re.compile("[\u202a-\u202e\u2066-\u2069]")
"""Embeddings, overrides and isolates. Joiners stay: emoji are made with them."""


def has_odd(text: str) -> bool:
    """Return whether a text has letters in it that nobody types."""
    is_control = any(unicodedata.category(one) in ("Cc", "Cs") for one in text)
    return is_control or TURNS.search(text) is not None
