"""Green growth figures in words, and exceptions that were granted to a crop."""

from collections.abc import Sequence
from dataclasses import dataclass

from traceability.book.green import Basis, Figure, GreenFigures
from traceability.label.exceptions import ExceptionShown
from web.views.formats import day, exact, number, unit_words
from web.words import Lang, say


@dataclass(frozen=True)
class FigureView:
    """One figure as a line."""

    name: str
    text: str
    basis: str
    note: str


def figure_views(lang: Lang, green: GreenFigures) -> list[FigureView]:
    """Return the figures of a crop in words."""
    return [_view(lang, one, green.is_so_far) for one in green.figures]


def _view(lang: Lang, one: Figure, is_so_far: bool) -> FigureView:
    if one.value is None:
        text = "–"
    else:
        text = f"{exact(lang, one.value)} {unit_words(lang, one.unit)}".strip()
    notes = []
    if one.covered is not None:
        share = number(lang, 100 * one.covered, 0)
        notes.append(say(lang, "green_covered", share=share))
    if is_so_far and one.basis is not Basis.UNKNOWN:
        notes.append(say(lang, "green_so_far"))
    return FigureView(
        say(lang, f"green_{one.name}"),
        text,
        say(lang, f"green_{one.basis}"),
        ", ".join(notes),
    )


def exception_texts(lang: Lang, exceptions: Sequence[ExceptionShown]) -> list[str]:
    """Return the exceptions that two people granted, in words."""
    return [
        say(
            lang,
            "passport_exception",
            what=say(lang, f"crop_lift_{one.code}"),
            reason=one.reason,
            day=day(one.agreed_ms),
        )
        for one in exceptions
    ]
