"""Cells of tables that go out: no text is a formula on somebody's desk.

As OWASP has it (CSV injection): what begins as a formula does gets a quote before it, by
which a spreadsheet takes it for text; quoting and doubled quotes are the CSV writer's.
"""

import re
from typing import Final

BEGINS: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")  # fmt: skip
"""How formulae begin: the full-width ones too, which some spreadsheets take for the same."""

_NUMBER: Final = re.compile(r"[+-]?[0-9 .,]+(e[+-]?[0-9]+)?", re.ASCII)


def plain_cell(text: str) -> str:
    """Return a text as a cell that no spreadsheet takes for a formula; numbers stay."""
    is_formula = text.startswith(BEGINS) and _NUMBER.fullmatch(text) is None
    return f"'{text}" if is_formula else text


def harmless(value: object) -> object:
    """Return what a cell holds: of text ``plain_cell``; numbers and None as they are."""
    return plain_cell(value) if isinstance(value, str) else value
