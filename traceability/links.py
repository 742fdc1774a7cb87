"""The address on a label: a GS1 Digital Link with our key and signature. Pure.

    {base}/01/{gtin14}/10/{lot}/21/{serial}?k={key}&s={signature}

Signed is everything up to ``&s=``, host included, so that no other address can carry the
signature (GS1's own AI 8030 cannot ride on GTIN + lot: standards.md §1). Only this one
spelling is a label: what a parser would forgive, a forger would use.
"""

import base64
import re
from typing import Final

from msgspec import Struct

from greenwater.kernel.errors import InputError
from traceability.gs1.digits import check_digit

DOMAIN: Final = b"greenwater-label-1\n"
"""What stands before the signed text, so that the key's other signatures are no labels."""

SERIAL_ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's base 32: nothing in it is taken for something else."""

SERIAL_LENGTH: Final = 12
_LABEL: Final = re.compile(
    r"(?P<signed>(?P<base>https?://[0-9A-Za-z.\-]+(?::[0-9]{1,5})?(?:/[0-9A-Za-z._~\-]+)*)"
    r"/01/(?P<gtin>[0-9]{14})/10/(?P<lot>[0-9A-Za-z.\-]{1,20})"
    r"/21/(?P<serial>[0-9A-HJKMNP-TV-Z]{12})\?k=(?P<key>[a-z2-7]{8}))"
    r"&s=(?P<signature>[0-9A-Za-z_\-]{86})",
    re.ASCII,
)
_LIKE: Final = re.compile(r"/01/|[?&]s=|[?&]k=")


class LabelLink(Struct, frozen=True):
    """A label's address, taken apart. ``signed`` is the text that was signed."""

    base: str
    gtin: str
    lot: str
    serial: str
    key: str
    signed: str
    signature: bytes


def parse_gtin(text: str) -> str:
    """Return a GTIN as 14 digits.

    Raises:
        InputError: it is none.
    """
    if not re.fullmatch(r"[0-9]{8}|[0-9]{12,14}", text, re.ASCII):
        raise InputError(f"GTIN {text!r} does not have 8, 12, 13 or 14 digits")
    gtin = text.zfill(14)
    expected = check_digit(gtin[:-1])
    if int(gtin[-1]) != expected:
        raise InputError(
            f"GTIN {text!r} ends with {gtin[-1]}, its check digit would be {expected}"
        )
    return gtin


def unsigned(base: str, gtin: str, lot: str, serial: str, key: str) -> str:
    """Return the text to sign."""
    return f"{base.rstrip('/')}/01/{gtin}/10/{lot}/21/{serial}?k={key}"


def with_signature(text: str, signature: bytes) -> str:
    """Return the address for the label."""
    return f"{text}&s={to_text(signature)}"


def is_like_a_label(text: str) -> bool:
    """Return whether a text that is no label looks as if it had been one."""
    return _LIKE.search(text) is not None


def parse_label(text: str) -> LabelLink:
    """Return a label's address, taken apart.

    Raises:
        InputError: it is not spelt as a label is.
    """
    found = _LABEL.fullmatch(text)
    if found is None:
        raise InputError(f"{text[:200]!r} is not the address of a label")
    parts = found.groupdict()
    parse_gtin(parts["gtin"])
    signature = from_text(parts["signature"])
    return LabelLink(
        parts["base"],
        parts["gtin"],
        parts["lot"],
        parts["serial"],
        parts["key"],
        parts["signed"],
        signature,
    )


def to_text(raw: bytes) -> str:
    """Return bytes as base64url without padding."""
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def from_text(text: str) -> bytes:
    """Return the bytes of base64url; each has one spelling only.

    Raises:
        InputError: it is another spelling of the same bytes, or none at all.
    """
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), b"-_", validate=True)
    except ValueError as exc:
        raise InputError(f"{text[:20]!r}… is not base64url") from exc
    if to_text(raw) != text:
        raise InputError(f"{text[:20]!r}… is another spelling of its bytes")
    return raw
