"""Species by the FAO's ASFIS alpha-3 code, which GS1's AI (7008) carries too."""

from collections.abc import Mapping
from typing import Final

from msgspec import Struct

from greenwater.kernel.errors import MissingError
from greenwater.reference.tables import read_table


class Species(Struct, frozen=True, forbid_unknown_fields=True):
    """What a species is called: Vietnamese, English, scientific."""

    vi: str
    en: str
    latin: str


SPECIES: Final[Mapping[str, Species]] = read_table("species.toml", dict[str, Species])


def get_species(code: str) -> Species:
    """Return a species.

    Raises:
        MissingError: the code is not on the list.
    """
    try:
        return SPECIES[code]
    except KeyError:
        raise MissingError(
            f"species {code!r} is not one of {', '.join(SPECIES)} (ASFIS alpha-3)"
        ) from None
