"""One-time codes by time (RFC 6238: HMAC-SHA-1, 30 s, six digits), and recovery codes."""

import base64
import hashlib
import hmac
from collections.abc import Callable
from typing import Final
from urllib.parse import quote

STEP_MS: Final = 30_000
DIGITS: Final = 6
DRIFT: Final = (0, -1, 1)
"""Steps by which a phone's clock may be off."""

RECOVERY_CODES: Final = 8
Randomness = Callable[[int], bytes]


def make_secret(randomness: Randomness) -> str:
    """Return a new secret: 160 bits in base 32."""
    return base64.b32encode(randomness(20)).decode()


def code_at(secret: str, step: int) -> str:
    """Return the six digits of a time step (RFC 4226, section 5.3)."""
    key = base64.b32decode(secret)
    digest = hmac.digest(key, step.to_bytes(8, "big"), hashlib.sha1)
    at = digest[-1] & 15
    number = int.from_bytes(digest[at : at + 4], "big") & 0x7FFFFFFF
    return f"{number % 10**DIGITS:0{DIGITS}}"


def step_of(secret: str, code: str, now_ms: int) -> int | None:
    """Return the time step that a code is of, now or one step off; None: it is none.

    It takes as long for a wrong code as for a right one. That a step is taken once only
    is for whoever keeps the steps to see to.
    """
    given, found = "".join(code.split()).encode(), None
    for drift in DRIFT:
        step = max(0, now_ms // STEP_MS + drift)
        is_it = hmac.compare_digest(code_at(secret, step).encode(), given)
        found = step if is_it and found is None else found
    return found


def provisioning_uri(secret: str, name: str, issuer: str) -> str:
    """Return what an authenticator scans (Google's key URI format)."""
    label = f"{quote(issuer)}:{quote(name)}"
    return f"otpauth://totp/{label}?secret={secret}&issuer={quote(issuer)}"


def make_recovery_codes(randomness: Randomness) -> list[str]:
    """Return codes for when the phone is lost: 136 bits each, seven groups of four."""
    codes = []
    for _ in range(RECOVERY_CODES):
        text = base64.b32encode(randomness(17)).decode().lower().rstrip("=")
        codes.append("-".join(text[at : at + 4] for at in range(0, 28, 4)))
    return codes
