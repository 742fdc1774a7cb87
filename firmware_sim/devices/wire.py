"""Faults of the cable and of the units on it, and the truth about each that struck.

What they are is data (``firmware_sim.faults``); here is what they do to a frame. On a
serial line a wrong byte spoils the checksum; a TCP gateway has checked it already, so it
throws the answer away and says that the unit did not answer (exception 0x0B).
"""

from collections.abc import Callable, Iterable

from msgspec import Struct

from firmware_sim.faults import FaultKind, FaultSpec
from firmware_sim.noise import uniform

NO_ANSWER = 0x0B
MBAP = 7
"""Bytes before the function code on TCP: transaction, protocol, length, unit."""


class Struck(Struct, frozen=True):
    """A fault that struck one answer of a unit."""

    at_s: float
    unit: int
    kind: FaultKind


class BadWire:
    """Says for each answer of a unit how late it is and what becomes of its bytes.

    Chance is repeatable: it depends on the seed, the unit and the answer's number.
    """

    def __init__(
        self,
        active: Callable[[int], Iterable[FaultSpec]],
        *,
        now_s: Callable[[], float],
        seed: int = 0,
        on_struck: Callable[[Struck], None] = lambda struck: None,
    ) -> None:
        self._active, self._now_s, self._seed = active, now_s, seed
        self._on_struck = on_struck
        self._answers: dict[int, int] = {}

    def delay_s(self, unit: int) -> float | None:
        """Return the seconds until the unit answers; None: it never does."""
        delay_s = 0.0
        for fault in self._active(unit):
            if fault.kind is FaultKind.SILENT_UNIT:
                self._note(unit, fault)
                return None
            if fault.kind is FaultKind.SLOW_UNIT:
                self._note(unit, fault)
                delay_s += fault.amount
        return delay_s

    def on_serial(self, frame: bytes) -> bytes:
        """Return what arrives of an RTU answer."""
        return self._sent(frame, frame[0], spoilt)

    def on_tcp(self, frame: bytes) -> bytes:
        """Return what a gateway passes on of an answer."""
        return self._sent(frame, frame[MBAP - 1], unanswered)

    def _sent(
        self, frame: bytes, unit: int, wrong: Callable[[bytes, float], bytes]
    ) -> bytes:
        number = self._answers[unit] = self._answers.get(unit, 0) + 1
        for fault in self._active(unit):
            chance = uniform(self._seed, f"wire/{fault.kind}/{unit}", number)
            if fault.kind is FaultKind.WRONG_BYTE and chance < fault.amount:
                self._note(unit, fault)
                frame = wrong(frame, chance / fault.amount)
            elif fault.kind is FaultKind.DUPLICATE_FRAMES and chance < fault.amount:
                self._note(unit, fault)
                frame += frame
        return frame

    def _note(self, unit: int, fault: FaultSpec) -> None:
        self._on_struck(Struck(self._now_s(), unit, fault.kind))


def spoilt(frame: bytes, where: float) -> bytes:
    """Return a frame with the byte at ``where`` in [0, 1) turned; its checksum stays."""
    at = min(int(where * len(frame)), len(frame) - 1)
    return frame[:at] + bytes([frame[at] ^ 0xFF]) + frame[at + 1 :]


def unanswered(frame: bytes, _where: float = 0.0) -> bytes:
    """Return what a gateway says in place of a TCP answer: the target is not there."""
    function = frame[MBAP] | 0x80
    return frame[:4] + b"\x00\x03" + bytes([frame[MBAP - 1], function, NO_ANSWER])
