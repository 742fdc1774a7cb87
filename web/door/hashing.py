"""PINs and passwords: what is strong enough, what is kept, whether one is right."""

import datetime as dt
import functools
import threading
from collections.abc import Callable, Sequence
from typing import Any, Final

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

LEAST_GUESSES: Final = 10**8
"""Fewer are tried in an attack on a hash that was stolen, before anything else
(zxcvbn's scores 0 to 2)."""

MOST_LOOKED_AT: Final = 72
"""Longer passwords are looked at in their first characters; the search grows with them."""

FIRST_YEAR: Final = 1925
LAST_YEAR: Final = 2029
"""Years that a PIN may tell of: births of those who live, and today."""

_DISGUISE: Final = str.maketrans("@4301!5$7", "aaeolisst")

MOST_AT_ONCE: Final = 8
"""So many are hashed at one moment, 64 MiB each; others wait for their turn."""

_TURNS: Final = threading.BoundedSemaphore(MOST_AT_ONCE)

# RFC 9106's second recommendation.
_HASHER: Final = PasswordHasher(time_cost=3, memory_cost=64 * 1024, parallelism=2)


@functools.cache
def _nobody() -> str:
    return _HASHER.hash("nobody has this")


class WeakSecretError(InputError):
    """A secret that is tried first."""


def hash_secret(secret: str, *, is_pin: bool, about: Sequence[str] = ()) -> str:
    """Return what is kept of a PIN or password; ``about`` are its owner's name and number.

    Raises:
        WeakSecretError: it is too weak to be one.
    """
    if is_pin:
        _check_pin(secret, about)
    else:
        _check_password(secret, about)
    with _TURNS:
        return _HASHER.hash(secret)


def _check_pin(pin: str, about: Sequence[str]) -> None:
    if not is_pin_shaped(pin):
        raise WeakSecretError(f"a PIN has {PIN_DIGITS} digits", "pin_weak")
    if is_own_number(pin, about):
        raise WeakSecretError(
            "these digits are your telephone number's: choose others", "pin_own"
        )
    if is_plain_pin(pin):
        raise WeakSecretError(
            "a PIN is not 111111 or 123456 or the like: choose another", "pin_plain"
        )
    if is_day(pin):
        raise WeakSecretError(
            "this may be a day of birth, which is tried first: choose another",
            "pin_day",
        )


def _check_password(password: str, about: Sequence[str]) -> None:
    if len(password) < MIN_PASSWORD:
        raise WeakSecretError(
            f"a password has at least {MIN_PASSWORD} characters", "password_short"
        )
    if is_plain_password(password, about) or is_listed(password, about):
        raise WeakSecretError(
            "this password is made of what is tried first (lists of common passwords, "
            "names, your own number): choose another, such as four words of your own",
            "password_listed",
        )


def is_pin_shaped(secret: str) -> bool:
    """Return whether a secret is six digits."""
    return len(secret) == PIN_DIGITS and secret.isascii() and secret.isdecimal()


def is_plain_pin(pin: str) -> bool:
    """Return whether six digits are a run, or a pattern of few digits."""
    return (
        len(set(pin)) < 3
        or pin in "0123456789876543210"
        or pin[:3] == pin[3:]
        or pin == pin[::-1]
        or pin[::2] == pin[1::2]
    )


def is_own_number(pin: str, about: Sequence[str]) -> bool:
    """Return whether six digits stand in a telephone number, read either way.

    Numbers are kept as +84…, and their owners know them as 0….
    """
    numbers = [_digits(one) for one in about]
    numbers += [f"0{one[2:]}" for one in numbers if one.startswith("84")]
    return any(pin in one or pin in one[::-1] for one in numbers)


def is_day(pin: str) -> bool:
    """Return whether six digits are a day (190786, 860719) or a month of a year (071986)."""
    first, second, third = pin[:2], pin[2:4], pin[4:]
    if any(
        _is_day_of(year, second, day) for year, day in ((third, first), (first, third))
    ):
        return True
    months = ((first, pin[2:]), (third, pin[:4]))
    return any("01" <= month <= "12" and _is_birth_year(year) for month, year in months)


def _is_day_of(year: str, month: str, day: str) -> bool:
    try:
        dt.date(2000 + int(year), int(month), int(day))
    except ValueError:
        return False
    return True


def _is_birth_year(year: str) -> bool:
    return FIRST_YEAR <= int(year) <= LAST_YEAR


@functools.cache
def _lists() -> Callable[[str, list[str]], dict[str, Any]]:
    """Return zxcvbn, whose lists are read when somebody first chooses a password."""
    from zxcvbn import zxcvbn

    return lambda password, about: zxcvbn(password, user_inputs=about)


def is_listed(password: str, about: Sequence[str] = ()) -> bool:
    """Return whether a password is one of the commonest, or made of such with little more.

    By zxcvbn's lists (30,000 passwords, names, words, keyboards, dates): few guesses are
    enough where it is put together from them.
    """
    own = [part for one in about for part in (one, *one.split()) if len(part) > 2]
    found = _lists()(password[:MOST_LOOKED_AT], own)
    return int(found["guesses"]) < LEAST_GUESSES


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
        with _TURNS:
            _HASHER.verify(secret_hash or nobody, secret)
    except (VerificationError, InvalidHashError):
        return False
    return secret_hash is not None
