"""How odd must it be to be rare here: the highest peaks of a channel's own last weeks.

What is usual differs between a river and a pond, between a probe that rounds to tenths and
one that does not. So a threshold is not a number of ours but the peak that this channel
reached as often as it may give false episodes. Pure.
"""

from typing import Final

from msgspec import Struct, field

from greenwater.kernel.reading import DAY_MS, HOUR_MS

KEPT: Final = 12
MEMORY_MS: Final = 60 * DAY_MS
A_DAY: Final = 0.04
"""Peaks a day above the threshold that a channel may show in its usual life."""
ABOVE: Final = 1.75
"""How much more than what was usual is unusual."""
MOST: Final = 4.0
"""The highest threshold, in floors: what is odder is odd however often it was so."""


class Peak(Struct, array_like=True):
    """The oddest of a stretch without an hour's pause."""

    at_ms: int
    value: float


class Peaks(Struct, array_like=True):
    """The highest peaks of the last weeks; ``bound`` is what they make the threshold."""

    floor: float
    since_ms: int = 0
    bound: float = 0.0
    kept: list[Peak] = field(default_factory=list)
    newest: Peak = field(default_factory=lambda: Peak(0, 0.0))
    pause_ms: int = HOUR_MS
    made: float = 0.0
    made_ms: int = -(10**15)

    def threshold(self, at_ms: int) -> float:
        """Return what must be exceeded now; higher while little is known."""
        if at_ms - self.made_ms > HOUR_MS:
            days = (at_ms - self.since_ms) / DAY_MS
            young = 1.0 + 1.0 / (1.0 + days)
            self.made = max(self.floor, self.bound) * young
            self.made_ms = at_ms
        return self.made

    def take(self, at_ms: int, value: float) -> None:
        """Remember a value: as a peak once ``pause_ms`` has passed without a higher one.

        So what is going on now does not yet count as usual.
        """
        if self.since_ms == 0:
            self.since_ms = at_ms
        near = self.newest
        if near.value and at_ms - near.at_ms > self.pause_ms:
            self.kept.append(near)
            self.newest = near = Peak(0, 0.0)
            self._settle(at_ms)
        if value > near.value and value >= self.floor / 2:
            near.at_ms, near.value = at_ms, value

    def _settle(self, at_ms: int) -> None:
        oldest = at_ms - MEMORY_MS
        self.kept = [one for one in self.kept if one.at_ms > oldest]
        self.kept.sort(key=_height)
        if len(self.kept) > KEPT:
            self.kept = self.kept[:KEPT]
        days = min(at_ms - self.since_ms, MEMORY_MS) / DAY_MS
        self.made_ms = -(10**15)
        allowed = int(A_DAY * days)
        usual = self.kept[allowed].value if allowed < len(self.kept) else 0.0
        self.bound = min(ABOVE * usual, MOST * self.floor)


def _height(peak: Peak) -> float:
    return -peak.value
