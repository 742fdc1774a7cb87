"""What one pass flags of one site: a pure function of it, fit for any executor.

A piece is a stretch of one channel of one probe with the state its stream was left in.
Short ones go reading by reading, long ones at once; both say the same.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np

from analytics.qc import bulk, joint, stream
from analytics.qc.stream import FlagState, Verdict, rolled
from analytics.qc.stretch import Point
from greenwater.kernel.channels import Channel
from greenwater.reference.quality import QualityLimits

SHORT: Final = 24
ALWAYS_MS: Final = 2**62


class Piece(NamedTuple):
    """A stretch of a stream to be flagged; verdicts in ``[from_ms, until_ms)`` count.

    ``beside`` are the other channels of the same probe at the same instants, ``near``
    the same channel of the other probes of the box in the same unit.
    """

    channel: Channel
    limits: QualityLimits
    state: FlagState
    points: Sequence[Point]
    from_ms: int = -ALWAYS_MS
    until_ms: int = ALWAYS_MS
    beside: joint.Beside | None = None
    near: Sequence[Sequence[Point]] = ()


class Done(NamedTuple):
    """The state a stream is left in, and the flags that were found, in order."""

    state: FlagState
    verdicts: Sequence[Verdict]


def flag_site(pieces: Sequence[Piece]) -> list[Done]:
    """Return what each piece comes to. Pure but for the pieces' own states."""
    return [flag_piece(piece) for piece in pieces]


def flag_piece(piece: Piece) -> Done:
    """Return the flags of one piece."""
    if not piece.points:
        return Done(piece.state, [])
    is_short = len(piece.points) <= SHORT
    verdicts = _one_by_one(piece) if is_short else _at_once(piece)
    verdicts = _joined(piece, verdicts)
    return Done(
        piece.state,
        [one for one in verdicts if piece.from_ms <= one.taken_ms < piece.until_ms],
    )


def _one_by_one(piece: Piece) -> list[Verdict]:
    found: dict[int, Verdict] = {}
    for point in piece.points:
        for one in stream.flagged(piece.state, point, piece.limits):
            found[one.taken_ms] = one
    return list(found.values())


def _at_once(piece: Piece) -> list[Verdict]:
    times = np.array([one.taken_ms for one in piece.points], np.int64)
    values = np.array([one.value for one in piece.points], np.float64)
    return bulk.verdicts_of(
        times, bulk.flag_many(piece.state, times, values, piece.limits)
    )


def _joined(piece: Piece, verdicts: list[Verdict]) -> list[Verdict]:
    """Return the verdicts with the tests that look beyond one channel."""
    times = [one.taken_ms for one in piece.points]
    beside = joint.aligned(times, piece.channel, piece.beside or {})
    is_near = bool(piece.near) and piece.limits.neighbor_suspect is not None
    if beside is None and not is_near:
        return verdicts
    values = np.array([one.value for one in piece.points], np.float64)
    digits = np.zeros(len(times), np.int64)
    if beside is not None:
        digits += joint.agreeing(piece.channel, values, beside) * np.int64(
            stream.AGREES
        )
    if is_near:
        at = np.array(times, np.int64)
        near = joint.neighboring(at, values, piece.near, piece.limits)
        digits += near * np.int64(stream.NEAR)
    piece.state.tests += int(digits[-1])
    more = dict(zip(times, digits.tolist(), strict=True))
    return [
        Verdict(one.taken_ms, rolled(tests), tests)
        for one in verdicts
        for tests in [one.tests + more.get(one.taken_ms, 0)]
    ]
