"""A long list, found in by words: the first of what fits, and how many are left. Pure."""

import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

MOST: Final = 40
"""So many lines of a list stand on one page; the others are found by a word."""

T = TypeVar("T")


@dataclass(frozen=True)
class Found(Generic[T]):
    """What is shown of a list of ``count`` lines; ``left`` fit what was asked, too."""

    shown: Sequence[T]
    asked: str
    count: int
    left: int

    @property
    def is_many(self) -> bool:
        """Whether to offer a search."""
        return self.count > MOST or bool(self.asked)


def find(every: Sequence[T], asked: str, told: Callable[[T], str]) -> Found[T]:
    """Return the lines in whose words (``told``) every word asked for occurs.

    Marks and capitals do not count: ``lan`` finds ``Nguyễn Thị Lân``.
    """
    words = folded(asked).split()
    fit = [one for one in every if all(word in folded(told(one)) for word in words)]
    left = max(0, len(fit) - MOST)
    return Found(fit[:MOST], asked.strip()[:40], len(every), left)


def folded(text: str) -> str:
    """Return a text in small letters without marks: ``Đồng Bò`` is ``dong bo``."""
    apart = unicodedata.normalize("NFD", text.casefold().replace("đ", "d"))
    return "".join(one for one in apart if not unicodedata.combining(one))
