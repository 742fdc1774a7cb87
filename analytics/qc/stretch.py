"""The stretch of readings at the end of a stream that lie within a tolerance."""

from typing import NamedTuple

from msgspec import Struct


class Point(NamedTuple):
    """One reading as the tests see it; None: the probe answered badly."""

    taken_ms: int
    value: float | None


class Value(NamedTuple):
    """A reading that is there."""

    taken_ms: int
    value: float


class Stretch(Struct):
    """The longest end of a stream whose range is below a tolerance.

    ``lows`` and ``highs`` are its readings that may yet be its lowest and highest: of an
    ordinary probe a handful. Both stay in order of time, ``lows`` rising and ``highs``
    falling: the classic sliding minimum and maximum, whose window here is as long as its
    range is small. ``moved_ms`` is the newest reading before the stretch.
    """

    moved_ms: int | None = None
    lows: list[Value] = []
    highs: list[Value] = []

    def lengthen(self, point: Point, value: float, tolerance: float) -> int | None:
        """Add a reading; what is too far from it ends the stretch. Return ``moved_ms``."""
        lows, highs = self.lows, self.highs
        one = Value(point.taken_ms, value)
        while lows and lows[-1][1] >= value:
            lows.pop()
        while highs and highs[-1][1] <= value:
            highs.pop()
        lows.append(one)
        highs.append(one)
        while lows and highs[0][1] - lows[0][1] >= tolerance:
            older = lows if lows[0][0] < highs[0][0] else highs
            moved_ms = self.moved_ms = older.pop(0)[0]
            if not older:
                lows.clear()
                highs.clear()
            while lows and lows[0][0] <= moved_ms:
                lows.pop(0)
            while highs and highs[0][0] <= moved_ms:
                highs.pop(0)
        return self.moved_ms

    def range_after(self, from_ms: float) -> float:
        """Return the range of the stretch's readings after an instant before its last."""
        low = next(value for at, value in self.lows if at > from_ms)
        high = next(value for at, value in self.highs if at > from_ms)
        return high - low
