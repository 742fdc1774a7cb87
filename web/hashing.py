"""PINs and passwords: what is strong enough, what is kept, whether one is right."""

import functools
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from greenwater.kernel.errors import InputError

MIN_PASSWORD: Final = 10
PIN_DIGITS: Final = 6

PLAIN_WORDS: Final = (
    "greenwater", "nuocxanh", "nướcxanh", "khanhhoa", "khánhhòa", "ninhhoa", "camranh",
    "vietgap", "tomhum", "matkhau", "mậtkhẩu", "anhyeuem", "iloveyou", "password",
    "qwertyuiop", "qwerty", "asdfghjkl", "1234567890", "0123456789", "123456789",
    "987654321", "12345678",
)  # fmt: skip
"""What is tried first: words of this house, of the province, and of every keyboard."""

LEAST_LEFT: Final = 5
"""How many different characters a password has beside such words."""

# RFC 9106's second recommendation, so that a small machine can check ten at once.
_HASHER: Final = PasswordHasher(time_cost=3, memory_cost=64 * 1024, parallelism=2)


@functools.cache
def _nobody() -> str:
    return _HASHER.hash("nobody has this")


def hash_secret(secret: str, *, is_pin: bool) -> str:
    """Return what is kept of a PIN or password.

    Raises:
        InputError: it is too weak to be one.
    """
    if is_pin:
        is_plain = len(set(secret)) < 3 or secret in "0123456789876543210"
        if len(secret) != PIN_DIGITS or not secret.isdecimal() or is_plain:
            raise InputError(
                f"a PIN has {PIN_DIGITS} digits, and not 111111 or 123456: choose another"
            )
    elif len(secret) < MIN_PASSWORD or is_plain_password(secret):
        raise InputError(
            f"a password has at least {MIN_PASSWORD} characters, and is no word that is "
            "tried first: choose another"
        )
    return _HASHER.hash(secret)


def is_plain_password(password: str) -> bool:
    """Return whether little is left of a password without the words tried first."""
    rest = "".join(password.casefold().split()).replace("-", "").replace("_", "")
    for word in PLAIN_WORDS:
        rest = rest.replace(word, "")
    return len(set(rest)) < LEAST_LEFT


def is_secret(secret: str, secret_hash: str | None) -> bool:
    """Return whether a secret is the one; it takes as long where there is none."""
    nobody = _nobody()
    try:
        _HASHER.verify(secret_hash or nobody, secret)
    except (VerificationError, InvalidHashError):
        return False
    return secret_hash is not None
