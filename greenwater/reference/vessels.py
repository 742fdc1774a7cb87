"""Fishing vessels of Vietnam: registration numbers, length classes, and what they do.

Sources: domain.md §3.1 (classes by Lmax, vessels that serve others) and §3.4 (formats of registration numbers seen
in the field; old numbers stay in use after the provinces merged).
"""

import math
import re
import unicodedata
from enum import StrEnum
from typing import Final

from greenwater.kernel.errors import InputError

_SEPARATORS: Final = re.compile(r"[-. ]")
_REGISTRATION: Final = re.compile(r"([A-ZĐ]{2,3})([0-9]{4,5})TS")


class VesselClass(StrEnum):
    """Classes by the greatest length (Lmax), which decide zone, licence and tracking."""

    UNDER_6 = "<6"
    FROM_6 = "6-<12"
    FROM_12 = "12-<15"
    FROM_15 = "15-<24"
    FROM_24 = ">=24"


class Trade(StrEnum):
    """What a vessel does; the law counts both as fishing vessels, and monitors both.

    The zones of the classes are those of vessels that catch. A logistics vessel has its own
    (from 15 m all waters, from 12 m coastal and inshore, below coastal; domain.md §3.1, not
    verified), in which it buys, carries or supplies: where it lies long in others, it is
    told (``zones.SERVED``).
    """

    CATCHING = "catching"
    LOGISTICS = "logistics"


_CLASSES: Final = (
    (6.0, VesselClass.UNDER_6),
    (12.0, VesselClass.FROM_6),
    (15.0, VesselClass.FROM_12),
    (24.0, VesselClass.FROM_15),
    (math.inf, VesselClass.FROM_24),
)


def parse_registration(text: str) -> str:
    """Return a registration number in the one form that is kept: ``KH-95123-TS``.

    Raises:
        InputError: it is not province letters, 4 or 5 digits and TS.
    """
    plain = _SEPARATORS.sub("", unicodedata.normalize("NFC", text).upper())
    match = _REGISTRATION.fullmatch(plain)
    if match is None:
        raise InputError(
            f"{text!r} is not a vessel's registration number: write it like KH-95123-TS",
            "registration_wrong",
        )
    return f"{match[1]}-{match[2]}-TS"


def parse_trade(text: str) -> Trade:
    """Return what a vessel does.

    Raises:
        InputError: vessels do nothing of that name.
    """
    try:
        return Trade(text)
    except ValueError:
        known = ", ".join(Trade)
        raise InputError(f"trade {text!r} is not one of {known}", "form_old") from None


def vessel_class(lmax_m: float) -> VesselClass:
    """Return the class of a vessel of this greatest length in metres.

    Raises:
        InputError: no vessel has that length (over 0, at most 150 m).
    """
    if not 0 < lmax_m <= 150:
        raise InputError(f"a vessel cannot have a Lmax of {lmax_m} m", "length_wrong")
    return next(kind for below_m, kind in _CLASSES if lmax_m < below_m)
