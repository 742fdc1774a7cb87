"""A text with a signature behind it: what labels, trip cards and inspections share. Pure.

    {text}{key}.{signature}

``key`` is the id of the key (8 characters), ``signature`` 64 bytes as base64url. What is
signed is a word for the kind of text (the *domain*, with a line break) and everything
before the last point, so that a signature of one kind is worth nothing for another.
"""

import re
from typing import Final

from msgspec import Struct

from greenwater.kernel.errors import InputError
from traceability.proof.keys import PublicKey, Signer, is_signed
from traceability.proof.links import from_text, to_text

_SEALED: Final = re.compile(
    r"(?P<signed>(?P<text>.*)(?P<key>[a-z2-7]{8}))\.(?P<signature>[0-9A-Za-z_\-]{86})",
    re.ASCII | re.DOTALL,
)


class Seal(Struct, frozen=True):
    """A sealed text, taken apart; whether the signature is right was not asked yet."""

    text: str
    key: str
    signed: str
    signature: bytes


def seal(text: str, signer: Signer, domain: bytes) -> str:
    """Return a text with key and signature behind it."""
    signed = text + signer.kid
    return f"{signed}.{to_text(signer.sign(domain + signed.encode()))}"


def parse_seal(sealed: str) -> Seal:
    """Return a sealed text, taken apart.

    Raises:
        InputError: it is not spelt as one.
    """
    found = _SEALED.fullmatch(sealed)
    if found is None:
        raise InputError(f"{sealed[:80]!r} ends with no signature")
    raw = from_text(found["signature"])
    return Seal(found["text"], found["key"], found["signed"], raw)


def is_sealed(one: Seal, key: PublicKey, domain: bytes) -> bool:
    """Return whether this key sealed it, as this kind of text."""
    return is_signed(domain + one.signed.encode(), one.signature, key)
