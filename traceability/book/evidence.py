"""How the water was: shares, excursions and gaps of one channel, from a stream of readings.

Pure and streaming: memory grows with the number of gaps, never with the readings. A
reading stands for the time until the next one of its probe, if that comes within
``HOLD_MS``; a longer silence is a gap and counts for nothing.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Final

from msgspec import Struct

from greenwater.derived.unit_water import Held, Made
from greenwater.reference.limits import Bounds
from traceability.book.locality import Locality

HOLD_MS: Final = 30 * 60 * 1000

Interval = tuple[int, int]
"""``[from, to)`` in milliseconds since 1970."""


class Excursion(Struct, frozen=True):
    """The longest stretch outside limits: ``[from_ms, to_ms)``, and its worst value."""

    from_ms: int
    to_ms: int
    worst: float


class ChannelEvidence(Struct, frozen=True):
    """One channel over a crop.

    ``inside_share`` is of the time that was measured; ``gap_share`` of all the time;
    ``hand_share`` of the readings, as are ``salted_share``, of which oxygen was put right for
    salt, and ``derived_share``, worked out of what a probe sent. ``limit`` is what "inside"
    means, with what it rests on. All times in milliseconds.
    """

    channel: str
    limit: Bounds
    basis: str
    source: str
    verified: bool
    readings: int
    inside_share: float | None
    minimum: float | None
    mean: float | None
    maximum: float | None
    longest_excursion: Excursion | None
    gap_share: float
    longest_gap: Interval | None
    hand_share: float
    salted_share: float = 0.0
    derived_share: float = 0.0


class AeratorHours(Struct, frozen=True):
    """How long aerators ran, in hours of one aerator, over the share that is known."""

    hours: float
    covered: float


class Evidence(Struct, frozen=True):
    """How the water of a crop was, ``[from_ms, to_ms)``, how long aerators ran, and where.

    ``place`` None: the lot is older than the map.
    """

    from_ms: int
    to_ms: int
    channels: tuple[ChannelEvidence, ...]
    is_simulated: bool
    aerators: AeratorHours | None = None
    place: Locality | None = None


class Tally:
    """One probe's readings of one channel, taken in order of time."""

    def __init__(self, bounds: Bounds, end_ms: int) -> None:
        self._bounds, self._end_ms = bounds, end_ms
        self.readings, self.inside_ms, self.measured_ms = 0, 0, 0
        self.made: Counter[Made] = Counter()
        self.weighted = 0.0
        self.minimum: float | None = None
        self.maximum: float | None = None
        self.longest: Excursion | None = None
        self.covered: list[Interval] = []
        self._last: tuple[int, float] | None = None
        self._out: Excursion | None = None

    def take(self, held: Held) -> None:
        """Take in the next reading; one without a value leaves a hole."""
        reading = held.reading
        if reading.value is None:
            return
        self._until(reading.taken_ms)
        self.readings += 1
        self.made[held.made] += 1
        value = reading.value
        self.minimum = value if self.minimum is None else min(self.minimum, value)
        self.maximum = value if self.maximum is None else max(self.maximum, value)
        self._last = (reading.taken_ms, value)

    def close(self) -> None:
        """There are no more readings."""
        self._until(self._end_ms)
        self._out = None

    def _until(self, at_ms: int) -> None:
        if self._last is None:
            return
        from_ms, value = self._last
        held_ms = at_ms - from_ms
        if held_ms > HOLD_MS:
            self._out = None
            return
        self.measured_ms += held_ms
        self.weighted += value * held_ms
        self._cover(from_ms, at_ms)
        if self._bounds.holds(value):
            self.inside_ms += held_ms
            self._out = None
            return
        out = self._out or Excursion(from_ms, from_ms, value)
        is_low = self._bounds.low is not None and value < self._bounds.low
        worst = min(out.worst, value) if is_low else max(out.worst, value)
        self._out = Excursion(out.from_ms, at_ms, worst)
        longest = self.longest
        if longest is None or _length(self._out) > _length(longest):
            self.longest = self._out

    def _cover(self, from_ms: int, to_ms: int) -> None:
        if self.covered and self.covered[-1][1] == from_ms:
            self.covered[-1] = (self.covered[-1][0], to_ms)
        else:
            self.covered.append((from_ms, to_ms))


def _length(one: Excursion) -> int:
    return one.to_ms - one.from_ms


def tallied(readings: Iterable[Held], bounds: Bounds, end_ms: int) -> Tally:
    """Return the tally of one probe's readings of one channel, in order of time."""
    tally = Tally(bounds, end_ms)
    for reading in readings:
        tally.take(reading)
    tally.close()
    return tally


def gaps_between(covered: Iterable[Interval], whole: Interval) -> list[Interval]:
    """Return the stretches of ``whole`` that no interval covers."""
    found: list[Interval] = []
    at_ms = whole[0]
    for from_ms, to_ms in sorted(covered):
        if from_ms > at_ms:
            found.append((at_ms, min(from_ms, whole[1])))
        at_ms = max(at_ms, to_ms)
    if at_ms < whole[1]:
        found.append((at_ms, whole[1]))
    return found


def joined(
    tallies: Sequence[tuple[Tally, bool]],
    whole: Interval,
    *,
    channel: str,
    limit: Bounds,
    basis: str,
    source: str,
    verified: bool,
) -> ChannelEvidence:
    """Return the evidence of one channel from its probes: (tally, is it by hand).

    Time at several probes counts for each of them; it is a gap only where none measured.
    """
    known = [tally for tally, _ in tallies if tally.readings]
    measured_ms = sum(tally.measured_ms for tally in known)
    gaps = gaps_between([one for tally in known for one in tally.covered], whole)
    readings = sum(tally.readings for tally in known)
    by_hand = sum(tally.readings for tally, is_hand in tallies if is_hand)
    return ChannelEvidence(
        channel=channel,
        limit=limit,
        basis=basis,
        source=source,
        verified=verified,
        readings=readings,
        inside_share=_share(sum(t.inside_ms for t in known), measured_ms),
        minimum=min((t.minimum for t in known if t.minimum is not None), default=None),
        mean=_rounded(sum(t.weighted for t in known), measured_ms),
        maximum=max((t.maximum for t in known if t.maximum is not None), default=None),
        longest_excursion=max(
            (t.longest for t in known if t.longest), key=_length, default=None
        ),
        gap_share=_share(sum(b - a for a, b in gaps), whole[1] - whole[0]) or 0.0,
        longest_gap=max(gaps, key=lambda gap: gap[1] - gap[0], default=None),
        hand_share=_share(by_hand, readings) or 0.0,
        salted_share=_share(sum(t.made[Made.SALTED] for t in known), readings) or 0.0,
        derived_share=_share(sum(t.made[Made.DERIVED] for t in known), readings) or 0.0,
    )


def _share(part: float, whole: float) -> float | None:
    return round(part / whole, 4) if whole else None


def _rounded(total: float, weight: float) -> float | None:
    return round(total / weight, 3) if weight else None
