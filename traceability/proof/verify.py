"""What a label is worth, by its own text, the published keys and the published list.

Pure, and the same in the browser (``web/static/verify.js``, held to the same vectors).
"""

from collections.abc import Sequence
from enum import StrEnum
from typing import Final

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from greenwater.kernel.errors import InputError
from traceability.proof.keys import KeysDocument, PublicKey, Signer, is_signed
from traceability.proof.labelfacts import ends_ms, read_facts
from traceability.proof.links import (
    DOMAIN,
    LabelLink,
    from_text,
    is_like_a_label,
    parse_label,
    to_text,
)

STATUS_DOMAIN: Final = b"greenwater-status-1\n"


class Code(StrEnum):
    """What a label is worth. ``NOT_FOUND`` and ``COPY_SUSPECTED`` need the platform.

    ``VALID`` is said of the label, never of the goods. ``EXPIRED`` is the label (its
    key is no longer good), ``PAST_DATE`` the goods, by the use-by date on it.
    """

    VALID = "valid"
    ALTERED = "altered"
    UNKNOWN_KEY = "unknown_key"
    NOT_A_LABEL = "not_a_label"
    REVOKED = "revoked"
    SUSPENDED = "suspended"
    EXPIRED = "expired"
    PAST_DATE = "past_date"
    RECALLED = "recalled"
    NOT_FOUND = "not_found"
    COPY_SUSPECTED = "copy_suspected"


class Verdict(Struct, frozen=True):
    """A verdict; ``reason`` and ``phone`` are a recall's. ``at_ms`` is the list's time.

    ``facts`` are what the label says of the goods, by GS1's application identifiers.
    ``is_key_withdrawn``: revoked with its key, not by its firm: anybody may have made it.
    """

    code: Code
    gtin: str = ""
    lot: str = ""
    serial: str = ""
    key: str = ""
    reason: str = ""
    phone: str = ""
    at_ms: int | None = None
    facts: dict[str, str] = {}
    is_key_withdrawn: bool = False


class RecalledLot(Struct, frozen=True):
    """A lot that is called back."""

    gtin: str
    lot: str
    reason: str
    phone: str
    at_ms: int


class CardsEnded(Struct, frozen=True):
    """A vessel's trip cards that were made until then are called in."""

    vessel: str
    until_ms: int


class Status(Struct, frozen=True):
    """What became of labels, at an instant: by serial (or ``gtin/lot``), and recalls.

    ``cards`` are trip cards that were called in, while they would be good otherwise.
    """

    at_ms: int
    revoked: tuple[str, ...] = ()
    suspended: tuple[str, ...] = ()
    recalled: tuple[RecalledLot, ...] = ()
    cards: tuple[CardsEnded, ...] = ()


class StatusDocument(Struct, frozen=True):
    """A status as it is published: its JSON text, the key, the signature over the text."""

    payload: str
    k: str
    s: str


def publish_status(status: Status, signer: Signer) -> StatusDocument:
    """Return a status, signed."""
    payload = msgspec.json.encode(status).decode()
    signature = signer.sign(STATUS_DOMAIN + payload.encode())
    return StatusDocument(payload, signer.kid, to_text(signature))


def read_status(document: StatusDocument | bytes, keys: KeysDocument) -> Status:
    """Return a published status.

    Raises:
        InputError: it is none, or no key of ours signed it.
    """
    try:
        if isinstance(document, bytes):
            document = msgspec.json.decode(document, type=StatusDocument)
        key = keys.find(document.k)
        message = STATUS_DOMAIN + document.payload.encode()
        if key is None or not is_signed(message, from_text(document.s), key):
            raise InputError("the list of labels is not signed by a key that is known")
        return msgspec.json.decode(document.payload, type=Status)
    except (msgspec.MsgspecError, UnicodeEncodeError) as exc:
        raise InputError(f"this is no list of labels: {exc}") from exc


def check(
    text: str, keys: KeysDocument, status: Status | None, now_ms: int | None = None
) -> Verdict:
    """Return what a label is worth; white space around it does not count.

    Without a status only the signature is checked. Dates are held against ``now_ms`` or
    the status's own time, whichever is later (a phone's clock may be wrong).
    """
    text = text.strip(" \t\r\n")
    try:
        link = parse_label(text)
    except InputError:
        return Verdict(Code.ALTERED if is_like_a_label(text) else Code.NOT_A_LABEL)
    key = keys.find(link.key)
    if key is None:
        return _verdict(Code.UNKNOWN_KEY, link, status)
    if not is_signed(DOMAIN + link.signed.encode(), link.signature, key):
        return _verdict(Code.ALTERED, link, status)
    if key.state != "active":
        return replace(_verdict(Code.REVOKED, link, status), is_key_withdrawn=True)
    return _standing(link, key, status, now_ms)


def _standing(
    link: LabelLink, key: PublicKey, status: Status | None, now_ms: int | None
) -> Verdict:
    known = Status(0) if status is None else status
    for one in known.recalled:
        if (one.gtin, one.lot) == (link.gtin, link.lot):
            return _verdict(Code.RECALLED, link, status, one.reason, one.phone)
    if link.handle in known.revoked:
        return _verdict(Code.REVOKED, link, status)
    if link.handle in known.suspended:
        return _verdict(Code.SUSPENDED, link, status)
    return _verdict(_dated(link, key, max(now_ms or 0, known.at_ms)), link, status)


def _dated(link: LabelLink, key: PublicKey, at_ms: int) -> Code:
    """Return what the dates make of a label that is good but for them."""
    if key.until_ms is not None and at_ms >= key.until_ms:
        return Code.EXPIRED
    use_by = read_facts(link.facts).use_by
    if use_by is not None and at_ms >= ends_ms(use_by):
        return Code.PAST_DATE
    return Code.VALID


def _verdict(
    code: Code,
    link: LabelLink,
    status: Status | None,
    reason: str = "",
    phone: str = "",
) -> Verdict:
    return Verdict(
        code,
        link.gtin,
        link.lot,
        link.serial,
        link.key,
        reason,
        phone,
        None if status is None else status.at_ms,
        link.facts,
    )


def worst(verdicts: Sequence[Verdict]) -> Verdict | None:
    """Return the first verdict that is not valid, else the first."""
    bad = (one for one in verdicts if one.code is not Code.VALID)
    return next(bad, verdicts[0] if verdicts else None)
