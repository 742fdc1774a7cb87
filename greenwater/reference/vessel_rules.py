"""What is asked of a vessel's papers, notices and weights: dated rows, none verified."""

from collections.abc import Mapping
from typing import Final, Literal

from msgspec import Struct

from greenwater.reference.limits import Basis
from greenwater.reference.tables import read_table


class Rule(Struct, frozen=True, forbid_unknown_fields=True):
    """One value with what it rests on."""

    value: float
    unit: str
    basis: Basis
    instrument: str
    article: str
    source: str
    verified: bool


class Warnings(Struct, frozen=True, forbid_unknown_fields=True):
    """How many days before its end a paper is spoken of."""

    days: tuple[int, ...]
    basis: Basis
    source: str


class PaperRule(Struct, frozen=True, forbid_unknown_fields=True):
    """One kind of a vessel's papers: from which Lmax (m) on, and what the gate does."""

    letter: str
    least_m: float
    if_missing: Literal["refuse", "warn"]
    basis: Basis
    source: str
    verified: bool
    is_lasting: bool = False


class VesselRules(Struct, frozen=True, forbid_unknown_fields=True):
    """All of it."""

    fao_area: str
    flag: str
    economic_zone: str
    notice: Rule
    tolerance: Rule
    hold: Rule
    square: Rule
    card: Rule
    warnings: Warnings
    papers: Mapping[str, PaperRule]


RULES: Final = read_table("vessel_rules.toml", VesselRules)


def papers_asked(length_m: float | None) -> Mapping[str, PaperRule]:
    """Return the papers that are asked of a vessel of this Lmax; unknown: all."""
    return {
        kind: rule
        for kind, rule in RULES.papers.items()
        if length_m is None or length_m >= rule.least_m
    }
