"""Which batches a fleet sent, and what became of each. No I/O but ``save``."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import msgspec
from msgspec import Struct


class Ranges:
    """A set of whole numbers that mostly come in order: a mark, and what is beyond it."""

    __slots__ = ("_beyond", "below")

    def __init__(self) -> None:
        self.below = 0
        self._beyond: set[int] = set()

    def add(self, number: int) -> bool:
        """Add a number from 0 on; False if it was there."""
        if number in self:
            return False
        self._beyond.add(number)
        while self.below in self._beyond:
            self._beyond.remove(self.below)
            self.below += 1
        return True

    def __contains__(self, number: int) -> bool:
        return number < self.below or number in self._beyond

    def __len__(self) -> int:
        return self.below + len(self._beyond)

    def __iter__(self) -> Iterator[int]:
        yield from range(self.below)
        yield from sorted(self._beyond)


class Entry(Struct, frozen=True):
    """What became of one box's batches, numbered from 0; ``sent`` were published."""

    device: str
    number: int
    outbox: str
    sent: int
    stored: tuple[int, ...]
    refused: Mapping[int, str] = {}

    @property
    def unsettled(self) -> tuple[int, ...]:
        """Batches published and neither stored nor refused, as far as the box knows."""
        settled = set(self.stored) | set(self.refused)
        return tuple(n for n in range(self.sent) if n not in settled)


class Ledger(Struct, frozen=True):
    """All boxes of a run."""

    entries: tuple[Entry, ...]

    def save(self, path: Path) -> None:
        """Write one JSON line a box."""
        lines = [msgspec.json.encode(entry) for entry in self.entries]
        path.write_bytes(b"\n".join(lines) + b"\n")

    @classmethod
    def load(cls, path: Path) -> "Ledger":
        """Read what ``save`` wrote."""
        lines = path.read_bytes().splitlines()
        return cls(tuple(msgspec.json.decode(line, type=Entry) for line in lines))
