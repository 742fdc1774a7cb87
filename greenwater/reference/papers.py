"""Paper for labels: sheets and rolls, in millimetres. Not verified."""

from typing import Final

from msgspec import Struct

from greenwater.kernel.errors import MissingError
from greenwater.reference.limits import Basis
from greenwater.reference.tables import read_table


class Paper(Struct, frozen=True, forbid_unknown_fields=True):
    """One kind of paper; ``dpi`` of a printer whose dots a module must be whole ones of."""

    name: str
    title: str
    page: tuple[float, float]
    label: tuple[float, float]
    columns: int
    rows: int
    margin: tuple[float, float]
    pitch: tuple[float, float]
    dpi: int | None = None

    @property
    def per_page(self) -> int:
        """How many labels a page has."""
        return self.columns * self.rows

    def place(self, number: int) -> tuple[float, float]:
        """Return the left top corner of a page's label, counted from 0, row by row."""
        row, column = divmod(number, self.columns)
        return (
            self.margin[0] + column * self.pitch[0],
            self.margin[1] + row * self.pitch[1],
        )


class _Table(Struct, frozen=True, forbid_unknown_fields=True):
    basis: Basis
    source: str
    verified: bool
    paper: tuple[Paper, ...]


PAPERS: Final = read_table("papers.toml", _Table).paper


def get_paper(name: str) -> Paper:
    """Return a paper.

    Raises:
        MissingError: there is none of that name.
    """
    for one in PAPERS:
        if one.name == name:
            return one
    known = ", ".join(one.name for one in PAPERS)
    raise MissingError(f"paper {name[:40]!r} is not one of {known}")
