"""A probe's watcher at work: what is kept of it, and when it is kept and compared again."""

from collections.abc import Iterable, Iterator
from typing import Final
from zlib import crc32

from msgspec import Struct

from analytics.comparing import APART_MS
from analytics.past import COMPARE_MS
from analytics.water.signs import ChannelState
from analytics.water.watch import Point, Watcher, WatchState
from greenwater.kernel.reading import MINUTE_MS, Reading
from greenwater.storage.telemetry.ports import Series

SNAPSHOT_MS: Final = 30 * MINUTE_MS


class Kept(Struct):
    """A watcher as it is kept, and the newest instant it has taken.

    ``compared_ms`` is until when it was held to its neighbours, ``slot`` the stretch of
    COMPARE_MS that it is in, ``claimed`` the episode that each channel's alarm is about.
    ``behind`` is the stretch of what came in behind the newest, ``behind_ms`` when the
    last of it was recorded.
    """

    state: WatchState
    newest_ms: int = 0
    compared_ms: int = 0
    slot: int = 0
    claimed: dict[str, str] = {}
    behind: tuple[int, int] | None = None
    behind_ms: int = 0


class Probe:
    """One probe's watcher at work."""

    def __init__(self, series: Series, kept: Kept | None) -> None:
        self.is_behind = kept is not None
        self.kept = kept or Kept(WatchState(device=series.device, probe=series.probe))
        self.watcher = Watcher(self.kept.state)
        self.saved_ms = self.kept.newest_ms
        # Ten thousand probes must not all be kept with the same pass.
        self._offset_ms = crc32("/".join(series).encode()) % SNAPSHOT_MS
        self._waiting: dict[str, Reading] = {}
        self._waiting_ms = self.kept.newest_ms

    def has_passed(self, at_ms: int) -> bool:
        """Return whether a reading of an instant comes too late for this watcher."""
        return at_ms <= self.kept.newest_ms or at_ms < self._waiting_ms

    def whole(self, readings: Iterable[Reading]) -> Iterator[tuple[int, list[Point]]]:
        """Take readings in order of time; yield each instant, once all of it is here.

        That is when every channel known of the probe has come, or a later instant has
        begun: batches may cut an instant anywhere. What waits is not kept: the store has
        it. A channel is known from its first instant on, and watched from its second.
        """
        known = self.kept.state.channels
        for one in readings:
            if self._waiting and one.taken_ms > self._waiting_ms:
                yield self._ended()
            if one.taken_ms == self.kept.newest_ms:
                known.setdefault(str(one.channel), ChannelState())
            if self.has_passed(one.taken_ms):
                continue
            self._waiting_ms = one.taken_ms
            self._waiting[str(one.channel)] = one
            if known.keys() <= self._waiting.keys():
                yield self._ended()

    def _ended(self) -> tuple[int, list[Point]]:
        known, at_ms = self.kept.state.channels, self._waiting_ms
        points = [
            Point(at_ms, name, one.value)
            for name, one in sorted(self._waiting.items())
            if name in known
        ]
        for name in self._waiting:
            known.setdefault(name, ChannelState())
        self._waiting, self.kept.newest_ms = {}, at_ms
        return at_ms, points

    @property
    def is_due(self) -> bool:
        """Whether it is to be kept again."""
        return self.slot(self.kept.newest_ms) != self.slot(self.saved_ms)

    def slot(self, at_ms: int, every_ms: int = SNAPSHOT_MS) -> int:
        """Return the stretch of time that an instant is in."""
        return (at_ms + self._offset_ms) // every_ms

    def compare_until_ms(self) -> int:
        """Return until when neighbours' readings should be there by now."""
        return self.kept.slot * COMPARE_MS - self._offset_ms - APART_MS
