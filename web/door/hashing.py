"""PINs and passwords: what is strong enough, what is kept, whether one is right."""

import functools
from collections.abc import Sequence
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from greenwater.kernel.errors import InputError

MIN_PASSWORD: Final = 10
PIN_DIGITS: Final = 6

PLAIN_WORDS: Final = (
    "greenwater", "nuocxanh", "nướcxanh", "khanhhoa", "khánhhòa", "ninhhoa", "camranh",
    "nhatrang", "vietnam", "saigon", "vietgap", "tomhum", "tomthe", "cangu", "matkhau",
    "mậtkhẩu", "anhyeuem", "emyeuanh", "yeuem", "iloveyou", "loveyou", "password",
    "passw0rd", "admin", "administrator", "root", "welcome", "letmein", "login", "secret",
    "changeme", "default", "dragon", "monkey", "football", "baseball", "basketball",
    "princess", "sunshine", "superman", "batman", "starwars", "pokemon", "naruto",
    "michael", "jennifer", "jessica", "charlie", "shadow", "master", "freedom", "whatever",
    "trustno", "computer", "internet", "samsung", "iphone", "google", "facebook",
    "youtube", "zalo", "liverpool", "chelsea", "arsenal", "barcelona", "realmadrid",
    "chocolate", "butterfly", "cookie", "flower", "lovely", "forever", "friends",
    "family", "hello", "abc", "test", "pass", "user", "love", "baby", "angel", "lucky",
)  # fmt: skip
"""What is tried first: words of this house, of the province, and of everywhere."""

ROWS: Final = (
    "01234567890123456789", "qwertyuiop", "asdfghjkl", "zxcvbnm",
    "1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik9ol0p", "1q2w3e4r5t6y7u8i9o0p", "qazwsxedcrfvtgbyhnujmikolp",
    "abcdefghijklmnopqrstuvwxyz", "qweasdzxc", "zaq12wsxcde34rfvbgt56yhnmju78",
)  # fmt: skip
"""Ways along a keyboard, which are tried early too; backwards as well."""

RUN: Final = 4
"""From how many keys on a way along the keyboard counts as one."""

LEAST_LEFT: Final = 5
"""How many different characters a password has beside such words and ways."""

MOST_DIGITS: Final = 16
"""Below so many characters, digits alone are a telephone number or a date."""

_DISGUISE: Final = str.maketrans("@4301!5$7", "aaeolisst")

# RFC 9106's second recommendation, so that a small machine can check ten at once.
_HASHER: Final = PasswordHasher(time_cost=3, memory_cost=64 * 1024, parallelism=2)


@functools.cache
def _nobody() -> str:
    return _HASHER.hash("nobody has this")


def hash_secret(secret: str, *, is_pin: bool, about: Sequence[str] = ()) -> str:
    """Return what is kept of a PIN or password; ``about`` are its owner's name and number.

    Raises:
        InputError: it is too weak to be one.
    """
    if is_pin:
        if not is_pin_shaped(secret) or is_plain_pin(secret, about):
            raise InputError(
                f"a PIN has {PIN_DIGITS} digits, and not 111111 or 123456: choose another"
            )
    elif len(secret) < MIN_PASSWORD or is_plain_password(secret, about):
        raise InputError(
            f"a password has at least {MIN_PASSWORD} characters, and is no word that is "
            "tried first: choose another"
        )
    return _HASHER.hash(secret)


def is_pin_shaped(secret: str) -> bool:
    """Return whether a secret is six digits."""
    return len(secret) == PIN_DIGITS and secret.isascii() and secret.isdecimal()


def is_plain_pin(pin: str, about: Sequence[str] = ()) -> bool:
    """Return whether six digits are among those that are tried first."""
    return (
        len(set(pin)) < 3
        or pin in "0123456789876543210"
        or pin[:3] == pin[3:]
        or pin == pin[::-1]
        or pin[::2] == pin[1::2]
        or any(pin in _digits(one) for one in about)
    )


def is_plain_password(password: str, about: Sequence[str] = ()) -> bool:
    """Return whether little is left of a password without what is tried first."""
    plain = "".join(one for one in password.casefold() if one not in " -_.")
    if plain.isdecimal() and len(plain) < MOST_DIGITS:
        return True
    own = [part for one in about for part in one.casefold().split() if len(part) > 2]
    return any(
        len(set(_without(text, [*own, *PLAIN_WORDS]))) < LEAST_LEFT
        for text in (plain, plain.translate(_DISGUISE))
    )


def _without(text: str, words: Sequence[str]) -> str:
    """Return what is left of a text without words, and without ways along a keyboard."""
    for word in sorted(words, key=len, reverse=True):
        text = text.replace(word, "")
    left, at = "", 0
    while at < len(text):
        run = max(_run(text[at:], row) for row in (*ROWS, *(one[::-1] for one in ROWS)))
        left += text[at] if run < RUN else ""
        at += run if run >= RUN else 1
    return left


def _run(text: str, row: str) -> int:
    """Return how many characters at the beginning of a text follow a row of keys."""
    length = 0
    while length < len(text) and text[: length + 1] in row:
        length += 1
    return length


def _digits(text: str) -> str:
    return "".join(one for one in text if one.isdecimal())


def is_secret(secret: str, secret_hash: str | None) -> bool:
    """Return whether a secret is the one; it takes as long where there is none."""
    nobody = _nobody()
    try:
        _HASHER.verify(secret_hash or nobody, secret)
    except (VerificationError, InvalidHashError):
        return False
    return secret_hash is not None
