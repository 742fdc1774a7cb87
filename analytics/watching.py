"""A probe's watcher at work: what is kept of it, and when it is kept and compared again."""

from typing import Final
from zlib import crc32

from msgspec import Struct

from analytics.comparing import APART_MS
from analytics.past import COMPARE_MS
from analytics.water.watch import Watcher, WatchState
from greenwater.kernel.reading import MINUTE_MS
from greenwater.storage.telemetry.ports import Series

SNAPSHOT_MS: Final = 30 * MINUTE_MS


class Kept(Struct):
    """A watcher as it is kept, and the newest reading it has taken.

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
