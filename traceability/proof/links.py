"""The address on a label: a GS1 Digital Link with our signature. Pure.

    {base}/01/{gtin14}/10/{lot}[/21/{serial}]?[{facts}&]s={key}.{signature}

Signed is everything before the last point, host included, so that no other address can
carry the signature (GS1's own AI 8030 cannot ride on GTIN + lot: standards.md §1). The
facts are GS1 identifiers of what a person can hold the goods against, in rising order;
without a serial it is the label of a whole lot. Only this one spelling is a label: what a
parser would forgive, a forger would use. The first labels, ``…/21/{serial}?k={key}&s={signature}``,
stay valid.
"""

import base64
import re
from collections.abc import Mapping
from typing import Final

from msgspec import Struct

from greenwater.kernel.errors import InputError
from traceability.gs1.digits import check_digit

DOMAIN: Final = b"greenwater-label-1\n"
"""What stands before the signed text, so that the key's other signatures are no labels."""

SERIAL_ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's base 32: nothing in it is taken for something else."""

SERIAL_LENGTH: Final = 12
_THING: Final = (
    r"(?P<base>https?://[0-9A-Za-z.\-]+(?::[0-9]{1,5})?(?:/[0-9A-Za-z._~\-]+)*)"
    r"/01/(?P<gtin>[0-9]{14})/10/(?P<lot>[0-9A-Za-z.\-]{1,20})"
)
_SERIAL: Final = r"/21/(?P<serial>[0-9A-HJKMNP-TV-Z]{12})"
_FACTS: Final = (
    r"(?P<facts>(?:17=[0-9]{6}&)?(?:310[0-5]=[0-9]{6}&)?(?:7005=[0-9A-Z.]{1,12}&)?"
    r"(?:7007=[0-9]{6}(?:[0-9]{6})?&)?(?:7008=[0-9A-Z]{3}&)?(?:7009=[0-9A-Z.]{1,10}&)?"
    r"(?:7010=[0-9]{2}&)?)"
)
_KEY: Final = r"(?P<key>[a-z2-7]{8})"
_SIGNATURE: Final = r"(?P<signature>[0-9A-Za-z_\-]{86})"
_LABEL: Final = re.compile(
    rf"(?P<signed>{_THING}(?:{_SERIAL})?\?{_FACTS}s={_KEY})\.{_SIGNATURE}", re.ASCII
)
_FIRST: Final = re.compile(
    rf"(?P<signed>{_THING}{_SERIAL}\?k={_KEY})&s={_SIGNATURE}", re.ASCII
)
_LIKE: Final = re.compile(r"/01/|[?&]s=|[?&]k=")


class LabelLink(Struct, frozen=True):
    """A label's address, taken apart; ``serial`` empty: it is a whole lot's.

    ``facts`` are values by application identifier, ``signed`` the text that was signed.
    """

    base: str
    gtin: str
    lot: str
    serial: str
    key: str
    signed: str
    signature: bytes
    facts: dict[str, str] = {}

    @property
    def handle(self) -> str:
        """What the published list calls the label: its serial, or its goods and lot."""
        return self.serial or f"{self.gtin}/{self.lot}"


def parse_gtin(text: str) -> str:
    """Return a GTIN as 14 digits.

    Raises:
        InputError: it is none.
    """
    if not re.fullmatch(r"[0-9]{8}|[0-9]{12,14}", text, re.ASCII):
        raise InputError(
            f"GTIN {text!r} does not have 8, 12, 13 or 14 digits",
            "gtin_digits",
            gtin=text[:40],
        )
    gtin = text.zfill(14)
    expected = check_digit(gtin[:-1])
    if int(gtin[-1]) != expected:
        raise InputError(
            f"GTIN {text!r} ends with {gtin[-1]}, its check digit would be {expected}",
            "gtin_check",
            gtin=text[:40],
        )
    return gtin


def unsigned(
    base: str,
    gtin: str,
    lot: str,
    serial: str | None,
    key: str,
    facts: Mapping[str, str] | None = None,
) -> str:
    """Return the text to sign; ``facts`` in the order that ``label_facts`` gives them."""
    item = f"/21/{serial}" if serial else ""
    told = "".join(f"{ai}={value}&" for ai, value in (facts or {}).items())
    return f"{base.rstrip('/')}/01/{gtin}/10/{lot}{item}?{told}s={key}"


def with_signature(text: str, signature: bytes) -> str:
    """Return the address for the label."""
    return f"{text}.{to_text(signature)}"


def is_like_a_label(text: str) -> bool:
    """Return whether a text that is no label looks as if it had been one."""
    return _LIKE.search(text) is not None


def parse_label(text: str) -> LabelLink:
    """Return a label's address, taken apart.

    Raises:
        InputError: it is not spelt as a label is.
    """
    found = _LABEL.fullmatch(text) or _FIRST.fullmatch(text)
    if found is None:
        raise InputError(f"{text[:200]!r} is not the address of a label")
    parts = found.groupdict()
    parse_gtin(parts["gtin"])
    return LabelLink(
        parts["base"],
        parts["gtin"],
        parts["lot"],
        parts["serial"] or "",
        parts["key"],
        parts["signed"],
        from_text(parts["signature"]),
        _facts(parts.get("facts") or ""),
    )


def _facts(text: str) -> dict[str, str]:
    pairs = (one.partition("=") for one in text.split("&") if one)
    return {ai: value for ai, _, value in pairs}


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
