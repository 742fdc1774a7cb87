"""What the value of an AI may be: characters, lengths, and what each part must mean.

The rules' names are those of the GS1 Barcode Syntax Dictionary. Pure; a value that cannot
be gets one sentence with the AI, the value and the reason.
"""

import re
from collections.abc import Callable, Mapping
from typing import Final

from greenwater.kernel.errors import InputError
from greenwater.reference.identifiers import (
    COUNTRIES,
    COUNTRIES_ALPHA2,
    CURRENCIES,
    IDENTIFIERS,
    PACKAGES,
    Identifier,
    Part,
)
from traceability.gs1 import coupons, dates
from traceability.gs1.digits import (
    CHARSET_39,
    CHARSET_82,
    check_digit,
    check_pair,
    is_iban,
)

_PREFIX_DIGITS: Final = 4  # the shortest GS1 company prefix
_CHARSETS: Final = {
    "N": (re.compile(r"[0-9]*", re.ASCII), "digits only"),
    "X": (re.compile(f"[{re.escape(CHARSET_82)}]*"), "GS1's 82 characters only"),
    "Y": (re.compile(f"[{re.escape(CHARSET_39)}]*"), "GS1's 39 characters only"),
    "Z": (re.compile(r"[A-Za-z0-9_\-]*={0,2}"), "base64url only"),
}


def _checked(text: str) -> str | None:
    expected = check_digit(text[:-1])
    is_right = text[-1] == str(expected)
    return None if is_right else f"its check digit would be {expected}, not {text[-1]}"


def _pair(text: str) -> str | None:
    if len(text) < 3:
        return "it is too short for check characters"
    expected = check_pair(text[:-2])
    is_right = text[-2:] == expected
    return None if is_right else f"its check characters are not {expected}"


def _prefix(first: int) -> Callable[[str], str | None]:
    def rule(text: str) -> str | None:
        start = text[first : first + _PREFIX_DIGITS]
        is_one = len(start) == _PREFIX_DIGITS and start.isascii() and start.isdigit()
        return None if is_one else "it does not begin with a company prefix"

    return rule


def _one_of(values: frozenset[str] | str, reason: str) -> Callable[[str], str | None]:
    return lambda text: None if text in values else reason


def _like(pattern: str, reason: str) -> Callable[[str], str | None]:
    compiled = re.compile(pattern, re.ASCII)
    return lambda text: None if compiled.fullmatch(text) else reason


def _up_to(most: int, reason: str) -> Callable[[str], str | None]:
    return lambda text: None if int(text) <= most else reason


def _piece(text: str) -> str | None:
    piece, total = int(text[:2]), int(text[2:])
    return None if 0 < piece <= total else "it is no piece of a total"


def _place_in_order(text: str) -> str | None:
    found = re.fullmatch(r"([1-9][0-9]*)/([1-9][0-9]*)", text, re.ASCII)
    is_one = found is not None and int(found[1]) <= int(found[2])
    return None if is_one else "it is no place in an order, like 1/2"


def _iban(text: str) -> str | None:
    if not re.fullmatch(r"[0-9A-Z]{11,34}", text, re.ASCII):
        return "an IBAN has 11 to 34 digits and capitals"
    is_one = text[:2] in COUNTRIES_ALPHA2 and is_iban(text)
    return None if is_one else "it is no IBAN"


_MEDIA: Final = frozenset(f"{one:02}" for one in (*range(1, 11), *range(80, 100)))
_NO_COUNTRY: Final = "it is no country of ISO 3166"
RULES: Final[Mapping[str, Callable[[str], str | None]]] = {
    "csum": _checked,
    "csumalpha": _pair,
    "gcppos1": _prefix(0),
    "gcppos2": _prefix(1),
    "yymmdd": dates.why_no_date,
    "yymmd0": lambda text: dates.why_no_date(text, with_no_day=True),
    "yyyymmdd": dates.why_no_long_date,
    "hh": dates.why_no_hour,
    "mi": dates.why_no_minute,
    "ss": dates.why_no_minute,
    "hhmi": dates.why_no_time,
    "iso3166": _one_of(COUNTRIES, _NO_COUNTRY),
    "iso3166999": _one_of(COUNTRIES | {"999"}, _NO_COUNTRY),
    "iso3166alpha2": _one_of(COUNTRIES_ALPHA2, _NO_COUNTRY),
    "iso4217": _one_of(CURRENCIES, "it is no currency of ISO 4217"),
    "iso5218": _one_of("0129", "it is no sex of ISO 5218"),
    "packagetype": _one_of(PACKAGES, "it is no type of package"),
    "mediatype": _one_of(_MEDIA, "it is no type of medium"),
    "winding": _one_of("019", "it is no winding direction"),
    "yesno": _one_of("01", "it is neither 0 nor 1"),
    "zero": _like(r"0+", "it is not zero"),
    "nonzero": _like(r"[0-9]*[1-9][0-9]*", "it is zero"),
    "nozeroprefix": _like(r"0|[1-9][0-9]*", "it begins with a zero"),
    "hyphen": _like(r"-+", "only a hyphen may stand behind the figure"),
    "hasnondigit": _like(r".*[^0-9].*", "it has digits only"),
    "importeridx": _like(r"[0-9A-Za-z_\-]", "it is no importer index"),
    "pcenc": _like(r"(?:[^%]|%[0-9A-Fa-f]{2})*", "a percent sign lacks two hex digits"),
    "latitude": _up_to(1_800_000_000, "it is no latitude"),
    "longitude": _up_to(3_600_000_000, "it is no longitude"),
    "pieceoftotal": _piece,
    "posinseqslash": _place_in_order,
    "iban": _iban,
    "couponcode": coupons.why_no_coupon,
    "couponposoffer": coupons.why_no_offer,
}
"""Each says what is wrong with a part whose characters and length are right, or None."""


def get_identifier(ai: str) -> Identifier:
    """Return an AI.

    Raises:
        InputError: GS1 has none of that number.
    """
    found = IDENTIFIERS.get(ai)
    if found is None:
        raise InputError(f"({ai[:20]}) is no application identifier of GS1")
    return found


def check_value(ai: str, value: str) -> None:
    """Refuse a value that the AI cannot have.

    Raises:
        InputError: the AI is unknown, or the value is wrong; the sentence says how.
    """
    reason = _why_not(get_identifier(ai), value)
    if reason is not None:
        raise InputError(f"({ai}) cannot be {value[:100]!r}: {reason}")


def _why_not(identifier: Identifier, value: str) -> str | None:
    if not identifier.shortest <= len(value) <= identifier.longest:
        return f"it has {len(value)} characters, not {_lengths(identifier)}"
    at = 0
    for part in identifier.parts:
        text = value[at : at + part.longest]
        at += len(text)
        reason = _why_no_part(part, text)
        if reason is not None:
            return reason if text == value else f"{text!r}: {reason}"
    return None


def _lengths(identifier: Identifier) -> str:
    least, most = identifier.shortest, identifier.longest
    return str(least) if least == most else f"{least} to {most}"


def _why_no_part(part: Part, text: str) -> str | None:
    if part.is_optional and not text:
        return None
    if len(text) < part.shortest:
        return f"this part has {len(text)} characters, not {part.shortest}"
    pattern, allowed = _CHARSETS[part.charset]
    if not pattern.fullmatch(text):
        return f"it may have {allowed}"
    reasons = (RULES[rule](text) for rule in part.rules)
    return next((reason for reason in reasons if reason is not None), None)
