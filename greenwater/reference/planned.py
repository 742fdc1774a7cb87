"""Sea areas planned for farming: names and hectares. Places on a map are reference values.

Source: domain.md §4.3. Nobody has published outlines where we looked, so none is held.
"""

from collections.abc import Sequence
from typing import Final

from msgspec import Struct

from greenwater.reference.limits import Basis
from greenwater.reference.tables import read_table


class PlannedPlace(Struct, frozen=True, forbid_unknown_fields=True):
    """One area by its name; ``at`` (°) is the middle of ``at_is``, not of the area."""

    name: str
    at: tuple[float, float] | None = None
    at_is: str = ""


class PlannedGroup(Struct, frozen=True, forbid_unknown_fields=True):
    """The areas of one former district, and their hectares together.

    ``areas`` is how many the plan counts there; 0: it does not say.
    """

    name: str
    hectares: float
    place: Sequence[PlannedPlace]
    areas: int = 0


class Planned(Struct, frozen=True, forbid_unknown_fields=True):
    """All of it."""

    instrument: str
    basis: Basis
    source: str
    verified: bool
    group: Sequence[PlannedGroup]


PLANNED: Final = read_table("planned.toml", Planned)
