"""The ``qrcode`` package's code, with its two slow loops done in fewer steps.

What the words become, how they are cut into blocks and where patterns lie is the package's.
Ours are the error correction (a byte at a time over one long number, instead of a list of
logarithms) and the laying of bits (along a way that is the same for every code of a size).
Tests hold both to the package's own modules, bit by bit.
"""

from collections.abc import Sequence
from functools import lru_cache
from itertools import chain, repeat, zip_longest
from typing import Any, Final

import qrcode
from qrcode import base, util
from qrcode.exceptions import DataOverflowError

_MODE_BITS: Final = 4
_PADS: Final = (util.PAD0, util.PAD1)

Cell = tuple[int, int, bool]
"""A row, a column, and whether the mask turns the module there."""


class QuickCode(qrcode.QRCode):  # type: ignore[misc]
    """A code, made faster."""

    data_cache: list[int] | None

    def makeImpl(self, test: bool, mask_pattern: int) -> None:
        """Make the modules.

        Raises:
            DataOverflowError: the version has no room for the data.
        """
        if self.data_cache is None:
            self.data_cache = _codewords(
                self.version, self.error_correction, self.data_list
            )
        super().makeImpl(test, mask_pattern)

    def map_data(self, data: Sequence[int], mask_pattern: int) -> None:
        """Lay the bits along the way; what is left over is light before the mask."""
        if self.version not in _WAYS:
            _WAYS[self.version] = _way(self.modules)
        way = _masked(self.version, mask_pattern)
        bits = f"{int.from_bytes(bytes(data), 'big'):0{8 * len(data)}b}"
        for (row, column, turns), bit in zip(
            way, chain(bits, repeat("0")), strict=False
        ):
            self.modules[row][column] = (bit == "1") is not turns


class _Bits(util.BitBuffer):  # type: ignore[misc]
    """Bits as one long number."""

    def __init__(self) -> None:
        super().__init__()
        self.value = 0

    def put(self, num: int, length: int) -> None:
        """Put the lowest bits of a number behind the others."""
        self.value = self.value << length | num
        self.length += length


def _codewords(version: int, level: int, parts: Sequence[util.QRData]) -> list[int]:
    """Return the bytes of a code, data and error correction, as they are laid."""
    bits = _Bits()
    for part in parts:
        bits.put(part.mode, _MODE_BITS)
        bits.put(len(part), util.length_in_bits(part.mode, version))
        part.write(bits)
    blocks = base.rs_blocks(version, level)
    room = 8 * sum(block.data_count for block in blocks)
    if bits.length > room:
        raise DataOverflowError(f"{bits.length} bits are more than {room}")
    bits.put(0, min(room - bits.length, 4))
    bits.put(0, -bits.length % 8)
    for place in range((room - bits.length) // 8):
        bits.put(_PADS[place % 2], 8)
    return _interleaved(bits.value.to_bytes(room // 8, "big"), blocks)


def _interleaved(data: bytes, blocks: Sequence[Any]) -> list[int]:
    held, checks, at = [], [], 0
    for block in blocks:
        part = data[at : at + block.data_count]
        at += block.data_count
        held.append(part)
        checks.append(_check(part, block.total_count - block.data_count))
    turns = chain(zip_longest(*held), zip(*checks, strict=True))
    return [one for turn in turns for one in turn if one is not None]


def _check(data: bytes, count: int) -> bytes:
    """Return the Reed-Solomon bytes of a block: the rest of a division."""
    multiples, left, top = _multiples(count), 0, 8 * (count - 1)
    low = (1 << top) - 1
    for byte in data:
        left = (left & low) << 8 ^ multiples[byte ^ left >> top]
    return left.to_bytes(count, "big")


@lru_cache(maxsize=64)
def _multiples(count: int) -> Sequence[int]:
    """Return the generator's multiples by 0…255, without its first term."""
    generator = base.Polynomial([1], 0)
    for power in range(count):
        generator = generator * base.Polynomial([1, base.gexp(power)], 0)
    logs = [base.glog(one) for one in generator][1:]
    times = [bytes(count)]
    for factor in range(1, 256):
        log = base.glog(factor)
        times.append(bytes(base.gexp(one + log) for one in logs))
    return [int.from_bytes(one, "big") for one in times]


_WAYS: dict[int, Sequence[tuple[int, int]]] = {}
"""By version: the modules that are free for data, as the standard goes through them."""


def _way(modules: Sequence[Sequence[bool | None]]) -> Sequence[tuple[int, int]]:
    size, found, is_up = len(modules), [], True
    for right in range(size - 1, 0, -2):
        column = right - 1 if right <= 6 else right
        rows = range(size - 1, -1, -1) if is_up else range(size)
        found += [
            (row, one)
            for row in rows
            for one in (column, column - 1)
            if modules[row][one] is None
        ]
        is_up = not is_up
    return found


@lru_cache(maxsize=64)
def _masked(version: int, mask_pattern: int) -> Sequence[Cell]:
    turns = util.mask_func(mask_pattern)
    return [(row, column, turns(row, column)) for row, column in _WAYS[version]]
