"""The box's time, for every thread that takes readings."""

import threading
import time
from collections.abc import Callable

import structlog

from edge import machine
from edge.timing import Facts, Fix, Instant, Jumps, is_dated_right, judge
from edge.untimed import Present
from greenwater.kernel.clock import Clock
from greenwater.kernel.reading import ClockQuality, milliseconds

log = structlog.get_logger()

SYNC_ASKED_EVERY_S = 5.0
_SURE = (ClockQuality.NTP, ClockQuality.GPS)


class Timekeeper:
    """Knows the instant and how good it is. Any thread may ask.

    A simulated clock is believed as it is; so is the machine's where the installer says
    so (``is_trusted``).
    """

    def __init__(
        self,
        clock: Clock,
        *,
        is_simulated: bool,
        is_trusted: bool,
        boot: str,
        mono_ms: Callable[[], int] = machine.boot_ms,
        is_synced: Callable[[], bool] = machine.is_clock_synced,
        has_battery: bool = True,
    ) -> None:
        self._clock, self._is_simulated = clock, is_simulated
        self._is_trusted = is_trusted or is_simulated
        self.boot, self._mono_ms, self._ask_synced = boot, mono_ms, is_synced
        self._has_battery = has_battery
        self._lock = threading.Lock()
        self._fix: Fix | None = None
        self._online_since_s: float | None = None
        self._synced: tuple[float, bool] | None = None
        self.newest_ms = 0
        self.jumps = Jumps()

    def now(self) -> Instant:
        """Return now; where it cannot be known, of the boot's monotonic clock."""
        wall_ms = milliseconds(self._clock.now())
        if self._is_trusted:
            return Instant(wall_ms, ClockQuality.NTP)
        with self._lock:
            return judge(self._facts(wall_ms, self._mono_ms()))

    def _facts(self, wall_ms: int, mono_ms: int) -> Facts:
        now_s = time.monotonic()
        if self._synced is None or now_s - self._synced[0] > SYNC_ASKED_EVERY_S:
            self._synced = (now_s, self._ask_synced())
        since_s = self._online_since_s
        return Facts(
            wall_ms,
            mono_ms,
            self.newest_ms,
            self._synced[1],
            self._has_battery,
            0.0 if since_s is None else now_s - since_s,
            self._fix,
        )

    def wall_ms(self) -> int:
        """Return what the clock shows, right or wrong."""
        return milliseconds(self._clock.now())

    def known_ms(self) -> int | None:
        """Return now, or None while it is not known."""
        instant = self.now()
        return None if instant.quality is ClockQuality.UNSYNCED else instant.ms

    def sure_ms(self) -> int | None:
        """Return now where a time server or satellites say so; None for a mere clock."""
        instant = self.now()
        return instant.ms if instant.quality in _SURE else None

    def steady_ms(self) -> int:
        """Return milliseconds that never jump: a simulated clock's, or since the boot."""
        return self.wall_ms() if self._is_simulated else self._mono_ms()

    def met_fix(self, at_ms: int) -> Instant:
        """Note the time in a satellite fix that has just come; return when that was.

        A date that cannot be is not believed: the fix is then of now.
        """
        with self._lock:
            mono_ms = self._mono_ms()
            wall_ms = milliseconds(self._clock.now())
            if self._is_simulated or is_dated_right(
                self._facts(wall_ms, mono_ms), at_ms
            ):
                self._fix = Fix(at_ms, mono_ms)
                return Instant(at_ms, ClockQuality.GPS)
        return self.now()

    def went_online(self, is_online: bool) -> None:
        """Note whether the box is connected."""
        if not is_online:
            self._online_since_s = None
        elif self._online_since_s is None:
            self._online_since_s = time.monotonic()

    def watch(self) -> None:
        """Notice jumps of the clock; to be called every second or so."""
        if self._is_simulated:
            return
        jump_ms = self.jumps.look(self.wall_ms(), self._mono_ms())
        if jump_ms:
            self._synced = None
            log.warning("clock.jumped", by_s=jump_ms / 1000)

    def present(self) -> Present | None:
        """Return now by both clocks, or None while the time is not known."""
        instant = self.now()
        if instant.quality is ClockQuality.UNSYNCED:
            return None
        return Present(instant.ms, self.boot, self._mono_ms())
