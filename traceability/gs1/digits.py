"""Check digits and check characters of GS1's keys: pure."""

from typing import Final

CHARSET_82: Final = "!\"%&'()*+,-./0123456789:;<=>?ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz"
"""What text in an element may hold, in the order that check characters count it."""

CHARSET_39: Final = "#-/0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_CHARSET_32: Final = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
_PRIMES: Final = (
    2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79,
    83, 89, 97, 101, 103, 107, 109, 113, 127, 131, 137, 139, 149, 151, 157, 163, 167, 173,
)  # fmt: skip


def check_digit(digits: str) -> int:
    """Return GS1's check digit of the digits before it (General Specifications §7.9)."""
    weighted = sum(
        int(digit) * (3 if place % 2 == 0 else 1)
        for place, digit in enumerate(reversed(digits))
    )
    return -weighted % 10


def check_pair(text: str) -> str:
    """Return the two check characters of a text of at most 40 of charset 82 before them."""
    total = sum(
        CHARSET_82.index(one) * prime
        for one, prime in zip(reversed(text), _PRIMES, strict=False)
    )
    high, low = divmod(total % 1021, 32)
    return _CHARSET_32[high] + _CHARSET_32[low]


def is_iban(text: str) -> bool:
    """Return whether a text of digits and capitals has an IBAN's checksum (ISO 13616)."""
    turned = text[4:] + text[:4]
    return int("".join(str(int(one, 36)) for one in turned)) % 97 == 1
