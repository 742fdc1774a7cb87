"""Compressed Digital Links (GS1 Digital Link URI Compression 1.0): read, never made here.

The last step of the path is a row of bits in URL-safe base64: AIs, four bits a digit, each
with its value by the AI's own format; two hexadecimal digits with a letter stand for several
AIs at once. The key may stand before it in clear. How an AI's format becomes bits follows
from the table of AIs, so that the 541 of them are read; ``SHORTCUTS`` are GS1's.
"""

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from msgspec import Struct

from greenwater.kernel.errors import InputError
from greenwater.reference.identifiers import IDENTIFIERS, Part
from traceability.gs1.digital_link import make_link
from traceability.gs1.elements import MOST, Element, make_element

ALPHABET: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
COMPRESSED: Final = re.compile(r"[A-Za-z0-9_-]{3,2000}", re.ASCII)
"""What may be a compressed step; whether it is one, reading it shows."""

_BASIC: Final = (
    "0A=01,22 0B=01,10 0C=01,21 0D=01,17 0E=01,7003 0F=01,30 1A=01,10,21,17 1B=01,15 "
    "1C=01,11 1D=01,16 1E=01,91 1F=01,10,15 9A=8010,8011 9B=8017,8019 9C=8018,8019 "
    "9D=414,254"
)
_SERIES: Final = (
    ("2", "ABCDEF", "01", "310"),
    ("3", "ABCDEF", "01", "320"),
    ("A", "0123456789", "01", "392"),
    ("C", "0123456789", "255", "390"),
    ("C", "ABCD", "255", "394"),
)
SHORTCUTS: Final[Mapping[str, tuple[str, ...]]] = {
    **{
        code: tuple(ais.split(","))
        for code, _, ais in (one.partition("=") for one in _BASIC.split())
    },
    **{
        f"{first}{second}": (key, f"{head}{number}")
        for first, seconds, key, head in _SERIES
        for number, second in enumerate(seconds)
    },
}
_HEX: Final = "0123456789abcdef"
_CHARACTERS: Final = {1: (_HEX, 4), 2: (_HEX.upper(), 4), 3: (ALPHABET, 6)}


class Run(Struct, frozen=True):
    """A stretch of a value that is written as one: digits or characters, how many."""

    is_digits: bool
    longest: int
    is_fixed: bool


class _Bits:
    """Bits, read from the left; what is not there is refused."""

    def __init__(self, text: str) -> None:
        places = (ALPHABET.index(one) for one in text)
        self._bits = "".join(f"{place:06b}" for place in places)
        self._at = 0

    def take(self, count: int) -> int:
        end = self._at + count
        if end > len(self._bits):
            raise InputError("a compressed link ends before its last value does")
        taken = self._bits[self._at : end]
        self._at = end
        return int(taken, 2) if taken else 0

    @property
    def is_over(self) -> bool:
        """Whether nothing but the filling of the last character is left."""
        left = self._bits[self._at :]
        return len(left) < 8 and "1" not in left


def runs_of(parts: Sequence[Part]) -> Iterator[Run]:
    """Yield how a value of these parts is written: alike neighbours together."""
    waiting: Run | None = None
    for part in parts:
        is_fixed = part.shortest == part.longest and not part.is_optional
        one = Run(part.charset == "N", part.longest, is_fixed)
        joined = None if waiting is None else _joined(waiting, one)
        if joined is None and waiting is not None:
            yield waiting
        waiting = one if joined is None else joined
    if waiting is not None:
        yield waiting


def _joined(before: Run, one: Run) -> Run | None:
    if before.is_digits is not one.is_digits:
        return None
    if one.is_digits and before.is_fixed is not one.is_fixed:
        return None
    is_fixed = before.is_fixed and one.is_fixed
    return Run(one.is_digits, before.longest + one.longest, is_fixed)


def expand(text: str) -> tuple[tuple[Element, ...], tuple[str, ...]]:
    """Return the elements of a compressed step, and parameters that are no AIs.

    Raises:
        InputError: it is none.
    """
    if not COMPRESSED.fullmatch(text):
        raise InputError(f"{text[:60]!r} is no compressed Digital Link")
    bits, found, others = _Bits(text), list[Element](), list[str]()
    while not bits.is_over:
        code = f"{bits.take(4):X}{bits.take(4):X}"
        if code[0] == "F":
            others.append(_other(bits, int(code[1], 16)))
        else:
            found += [make_element(ai, _value(bits, ai)) for ai in _ais(bits, code)]
        if len(found) + len(others) > MOST:
            raise InputError(f"a link of more than {MOST} elements")
    return tuple(found), tuple(others)


def expand_path(steps: Sequence[str], stem: str) -> tuple[str, tuple[str, ...]]:
    """Return the address that a compressed path stands for, and its other parameters.

    ``steps`` are those of the path: a key with its value in clear, or nothing, and then
    the compressed one.

    Raises:
        InputError: it is none, or what it says is no Digital Link.
    """
    *clear, compressed = steps
    if len(clear) not in (0, 2):
        raise InputError(
            "before what is compressed stands a key and its value, or nothing"
        )
    elements, others = expand(compressed)
    key = (make_element(clear[0], clear[1]),) if clear else ()
    return make_link((*key, *elements), stem), others


def _ais(bits: _Bits, code: str) -> Sequence[str]:
    if not code.isdecimal():
        if code not in SHORTCUTS:
            raise InputError(f"{code} stands for no application identifiers")
        return SHORTCUTS[code]
    ai = code
    while ai not in IDENTIFIERS:
        if len(ai) == 4 or not any(one.startswith(ai) for one in IDENTIFIERS):
            raise InputError(f"({ai}) is no application identifier of GS1")
        ai += f"{bits.take(4):X}"
    return [ai]


def _value(bits: _Bits, ai: str) -> str:
    return "".join(_run(bits, ai, run) for run in runs_of(IDENTIFIERS[ai].parts))


def _run(bits: _Bits, ai: str, run: Run) -> str:
    encoding = 0 if run.is_digits else bits.take(3)
    length = run.longest if run.is_fixed else bits.take(_length_bits(run.longest))
    if length > run.longest:
        raise InputError(f"({ai}) has {length} characters: {run.longest} are the most")
    return _text(bits, encoding, length)


def _text(bits: _Bits, encoding: int, length: int) -> str:
    if encoding == 0:
        digits = str(bits.take(_digit_bits(length))) if length else _empty(bits)
        if len(digits) > max(length, 0):
            raise InputError(f"{digits[:40]} has more than {length} digits")
        return digits.rjust(length, "0")
    if encoding == 4:
        return "".join(chr(bits.take(7)) for _ in range(length))
    if encoding not in _CHARACTERS:
        raise InputError(
            f"{encoding} is no way to write characters in a compressed link"
        )
    alphabet, width = _CHARACTERS[encoding]
    return "".join(alphabet[bits.take(width)] for _ in range(length))


def _empty(bits: _Bits) -> str:
    """Pass over what stands for no digits at all: GS1's own writers spend a bit on it."""
    bits.take(_digit_bits(0))
    return ""


def _other(bits: _Bits, high: int) -> str:
    """Return a parameter that is no AI, as it stands in a query."""
    key_length = 1 + (high << 3 | bits.take(3))
    key = "".join(ALPHABET[bits.take(6)] for _ in range(key_length))
    encoding = bits.take(3)
    return f"{key}={_text(bits, encoding, bits.take(7))}"


def _length_bits(longest: int) -> int:
    return math.ceil(math.log2(longest) + 0.01)


def _digit_bits(count: int) -> int:
    return math.ceil(count * math.log2(10) + 0.01)
