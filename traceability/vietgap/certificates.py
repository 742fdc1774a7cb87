"""Certificates: their codes, what they are of, whether they are valid. Pure."""

import calendar
import re
import unicodedata
from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import Final

from msgspec import Struct

from greenwater.kernel.errors import InputError
from greenwater.kernel.letters import has_odd
from greenwater.kernel.reading import day_of, local, milliseconds
from greenwater.reference.procedures import TABLES, get_procedure
from greenwater.storage.registry.certification import (
    Certificate,
    CertificateAct,
    Claim,
    Sanction,
)

_BODY: Final = re.compile(r"VIETGAP-(TS|TT|CN)-(\d{2})-(\d{2}(?:-\d{2})?)")
_CERTIFICATE: Final = re.compile(
    r"VIETGAP-(TS|TT|CN)-(\d{2})-(\d{2}(?:-\d{2})?)-([A-ZĐ0-9]{2,4})-(\d{3,5})"
)
_REGISTRATION: Final = re.compile(r"[A-ZĐ0-9]+(?:[-./][A-ZĐ0-9]+){1,6}")
MOST_MEMBERS: Final = 500
MAY_NOT_GRANT: Final = 2
"""From this level of sanction on a certification body gives no new codes."""
LEVELS: Final = range(4)


class CertificateState(StrEnum):
    """Whether a certificate is good; to shoppers only ``valid`` is."""

    NOT_YET = "not_yet"
    VALID = "valid"
    GRACE = "grace"
    EXPIRED = "expired"
    SUSPENDED = "suspended"
    WITHDRAWN = "withdrawn"

    @property
    def for_shoppers(self) -> "CertificateState":
        """What is told to shoppers: over is over, whether it may be renewed or not."""
        return CertificateState.EXPIRED if self is CertificateState.GRACE else self


class CertifiedSite(Struct, frozen=True, forbid_unknown_fields=True):
    """A place that a certificate is of: what is grown there, on how much, how much."""

    site: str
    name: str
    commune: str
    species: str
    units: tuple[str, ...]
    area_m2: float | None
    expected_kg: float | None


class Member(Struct, frozen=True, forbid_unknown_fields=True):
    """A member of a group that holds one certificate."""

    name: str
    address: str
    product: str
    area_m2: float | None
    expected_kg: float | None


class CertificateScope(Struct, frozen=True, forbid_unknown_fields=True):
    """All that a certificate is of."""

    sites: tuple[CertifiedSite, ...]
    members: tuple[Member, ...] = ()


def _plain(text: str) -> str:
    """Return a code as people write it in one spelling: capitals, one kind of dash."""
    composed = unicodedata.normalize("NFC", text).strip().upper()
    return re.sub(r"\s*[-‐‑‒–—−_]\s*|\s+", "-", composed)


def parse_body_code(text: str) -> str:
    """Return a certification body's number as it is compared: ``VIETGAP-TS-13-01``.

    Raises:
        InputError: it is none.
    """
    code = _plain(text)
    if _BODY.fullmatch(code) is None:
        raise InputError(
            f"{text[:60]!r} is no number of a certification body such as VietGAP-TS-13-01",
            "body_number",
        )
    return code


def parse_certificate_code(text: str) -> str:
    """Return a VietGAP certificate's code as it is compared, however it was written.

    Raises:
        InputError: it is none.
    """
    code = _plain(text)
    if _CERTIFICATE.fullmatch(code) is None:
        raise InputError(
            f"{text[:60]!r} is no code of a certificate such as VietGAP-TS-13-01-KH-0001",
            "certificate_code",
        )
    return code


def parse_registration_code(text: str) -> str:
    """Return a registration's number as it is compared; its form was never fixed here.

    Raises:
        InputError: it cannot be one.
    """
    code = _plain(text)
    if len(code) > 40 or _REGISTRATION.fullmatch(code) is None:
        raise InputError(
            f"{text[:60]!r} is no registration number such as 56-22561-0001",
            "registration_code",
        )
    return code


def issuer_of(code: str) -> str:
    """Return the number of the body that issued a certificate, from its code."""
    return code.rsplit("-", 2)[0]


def shown_code(code: str) -> str:
    """Return a VietGAP code as it is printed."""
    return re.sub(r"^VIETGAP-", "VietGAP-", code)


def next_code(body: str, taken: Iterable[str]) -> str:
    """Return the next free code of a certification body in this province."""
    stem = f"{body}-{TABLES.province_symbol}-"
    return f"{stem}{_next_number(stem, taken):04}"


def next_registration(commune: str, taken: Iterable[str]) -> str:
    """Return the next free registration number of a commune."""
    stem = f"{TABLES.province}-{commune}-"
    return f"{stem}{_next_number(stem, taken):04}"


def _next_number(stem: str, taken: Iterable[str]) -> int:
    used = [
        int(one.removeprefix(stem))
        for one in taken
        if one.startswith(stem) and one.removeprefix(stem).isdecimal()
    ]
    return max(used, default=0) + 1


def add_months(at_ms: int, months: int) -> int:
    """Return the same day and time so many months later, or the month's last day."""
    at = local(at_ms)
    year, month = divmod(at.year * 12 + at.month - 1 + months, 12)
    day = min(at.day, calendar.monthrange(year, month + 1)[1])
    return milliseconds(at.replace(year=year, month=month + 1, day=day))


def certificate_state(
    certificate: Certificate, acts: Sequence[CertificateAct], now_ms: int
) -> CertificateState:
    """Return whether a certificate is good at an instant, given what was done to it."""
    done = [one.kind for one in acts if one.at_ms <= now_ms]
    if "withdrawn" in done:
        return CertificateState.WITHDRAWN
    if now_ms < certificate.issued_ms:
        return CertificateState.NOT_YET
    lapse = _lapse(certificate, now_ms)
    if lapse is CertificateState.EXPIRED:
        return lapse
    if done and done[-1] == "suspended":
        return CertificateState.SUSPENDED
    return lapse


def _lapse(certificate: Certificate, now_ms: int) -> CertificateState:
    until_ms = certificate.until_ms
    if until_ms is None or now_ms < until_ms:
        return CertificateState.VALID
    procedure = get_procedure(certificate.procedure, day_of(certificate.issued_ms))
    if now_ms < add_months(until_ms, procedure.grace_months):
        return CertificateState.GRACE
    return CertificateState.EXPIRED


def sanction_level(sanctions: Sequence[Sanction], now_ms: int) -> int:
    """Return the level of sanction against a certification body now; 0: none."""
    known = [one.level for one in sanctions if one.at_ms <= now_ms]
    return known[-1] if known else 0


def claimed_at(claims: Sequence[Claim], at_ms: int) -> str | None:
    """Return the certificate that a product claims at an instant; None: none."""
    known = [one.certificate for one in claims if one.at_ms <= at_ms]
    return known[-1] if known else None


def parse_members(text: str) -> tuple[Member, ...]:
    """Return a group's members, one a line: ``name; address; product; m²; kg``.

    Raises:
        InputError: a line cannot be read; the sentence names it.
    """
    lines = [line for line in text.splitlines() if line.strip()]
    if len(lines) > MOST_MEMBERS:
        raise InputError(
            f"{len(lines)} members are more than {MOST_MEMBERS}",
            "members_many",
            most=MOST_MEMBERS,
        )
    return tuple(_member(number, line) for number, line in enumerate(lines, 1))


def _member(number: int, line: str) -> Member:
    parts = [part.strip() for part in unicodedata.normalize("NFC", line).split(";")]
    parts += [""] * (5 - len(parts))
    is_long = len(parts) > 5 or max(len(part) for part in parts) > 200
    if is_long or not parts[0] or has_odd(line):
        raise InputError(
            f"line {number} of the members is not: name; address; product; m²; kg",
            "member_line",
            line=number,
        )
    area, kg = (_amount(number, part) for part in parts[3:])
    return Member(parts[0], parts[1], parts[2], area, kg)


def _amount(number: int, text: str) -> float | None:
    if not text:
        return None
    try:
        found = float(text.replace(" ", "").replace(",", "."))
    except ValueError:
        found = -1.0
    if not 0 < found < 1e9:
        raise InputError(
            f"line {number} of the members: {text[:20]!r} is not a number such as 3000",
            "member_number",
            line=number,
        )
    return found


def validity(issued_ms: int, months: int, procedure: str) -> int | None:
    """Return the end of a certificate's validity; None: it has none.

    Raises:
        InputError: that is longer than the procedure allows.
    """
    most = get_procedure(procedure, day_of(issued_ms)).months
    if not most:
        return None
    if not 1 <= months <= most:
        raise InputError(
            f"{months} months of validity is not from 1 to {most}",
            "months_wrong",
            most=most,
        )
    return add_months(issued_ms, months)
