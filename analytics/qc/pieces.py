"""What one pass flags of one site: a pure function of it, fit for any executor.

A piece is a stretch of one channel of one probe with the state its stream was left in.
Short ones go reading by reading, long ones at once; both say the same.
"""

from collections import defaultdict
from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np

from analytics.qc import bulk, joint, stream
from analytics.qc.digits import AGREES, NEAR, rolled
from analytics.qc.digits import LOCATION as LOCATED
from analytics.qc.location import locating
from analytics.qc.stream import FlagState, Verdict
from analytics.qc.stretch import Point
from greenwater.kernel.channels import Channel
from greenwater.reference.quality import LOCATION, QualityLimits

SHORT: Final = 24
_AXES: Final = {
    Channel.LATITUDE: Channel.LONGITUDE,
    Channel.LONGITUDE: Channel.LATITUDE,
}
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
    before = [piece.state.last for piece in pieces]
    found = [_alone(piece) for piece in pieces]
    _join(pieces, found)
    for piece, verdicts, last in zip(pieces, found, before, strict=True):
        if piece.channel in _AXES and piece.points:
            _add(piece, verdicts, _located(piece, last))
    return [
        Done(piece.state, _counting(piece, verdicts))
        for piece, verdicts in zip(pieces, found, strict=True)
    ]


def _counting(piece: Piece, verdicts: list[Verdict]) -> list[Verdict]:
    if piece.from_ms == -ALWAYS_MS and piece.until_ms == ALWAYS_MS:
        return verdicts
    return [one for one in verdicts if piece.from_ms <= one.taken_ms < piece.until_ms]


def _alone(piece: Piece) -> list[Verdict]:
    """Return the flags of the tests on one channel."""
    if not piece.points:
        return []
    if len(piece.points) == 1:
        return list(stream.flagged(piece.state, piece.points[0], piece.limits))
    return _one_by_one(piece) if len(piece.points) <= SHORT else _at_once(piece)


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


def _join(pieces: Sequence[Piece], found: Sequence[list[Verdict]]) -> None:
    """Add the tests that look beyond one channel; what agrees, for all pieces at once."""
    asked: defaultdict[Channel, list[int]] = defaultdict(list)
    for number, piece in enumerate(pieces):
        if piece.near and piece.limits.neighbor_suspect is not None:
            flags = joint.neighboring(
                np.array(_times(piece), np.int64),
                np.array([one.value for one in piece.points], np.float64),
                piece.near,
                piece.limits,
            )
            _add(piece, found[number], (flags * np.int64(NEAR)).tolist())
        if piece.beside and joint.has_partners(piece.channel, piece.beside):
            asked[piece.channel].append(number)
    for channel, numbers in asked.items():
        some = [pieces[number] for number in numbers]
        flags = joint.agreeing(
            channel,
            np.array([one.value for piece in some for one in piece.points], np.float64),
            joint.aligned(
                channel, [(_times(piece), piece.beside or {}) for piece in some]
            ),
        )
        digits = (flags * np.int64(AGREES)).tolist()
        start = 0
        for number, piece in zip(numbers, some, strict=True):
            end = start + len(piece.points)
            _add(piece, found[number], digits[start:end])
            start = end


def _located(piece: Piece, before: Point | None) -> list[int]:
    """Return the location test's digits, of whichever axis the piece is."""
    points = piece.points if before is None else [before, *piece.points]
    other = (piece.beside or {}).get(_AXES[piece.channel], {})
    own = np.array([one.value for one in points], np.float64)
    others = np.array([other.get(one.taken_ms, np.nan) for one in points], np.float64)
    is_north = piece.channel is Channel.LATITUDE
    flags = locating(
        np.array([one.taken_ms for one in points], np.int64),
        own if is_north else others,
        others if is_north else own,
        LOCATION,
    )
    digits = (flags * np.int64(LOCATED)).tolist()
    return list(digits[-len(piece.points) :])


def _times(piece: Piece) -> list[int]:
    return [one.taken_ms for one in piece.points]


def _add(piece: Piece, verdicts: list[Verdict], digits: Sequence[int]) -> None:
    """Add digits to the verdicts of a piece's readings, and to its state's last."""
    if not digits:
        return
    piece.state.tests += digits[-1]
    before = len(verdicts) - len(digits)  # a former reading's, perhaps
    for place, digit in enumerate(digits, before):
        tests = verdicts[place].tests + digit
        verdicts[place] = Verdict(verdicts[place].taken_ms, rolled(tests), tests)
