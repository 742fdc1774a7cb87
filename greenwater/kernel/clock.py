"""One clock for the whole system, given to whoever needs the time.

``GREENWATER_CLOCK`` is one of

* unset or ``system``: the machine's clock;
* ``2026-06-01T00:00:00Z*60@1764000000.5``: it was the first instant when the machine's
  clock said the number behind ``@`` (seconds since 1970), and runs 60 times as fast.
  Without ``@…`` it starts when parsed; a supervisor hands its children the full form.
  ``@/PATH`` stands at the first instant until that file has the number, so that time
  begins when every process is there;
* ``step:PATH``: lockstep. The file's first eight bytes are milliseconds since 1970,
  little-endian; whoever replays a recording advances it, everyone else reads it.

Timeouts, backoff and keep-alives are network matters: they use monotonic time in the
adapters, never this clock.
"""

import math
import mmap
import os
import struct
import time
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Final, Protocol

from greenwater.kernel.errors import ConfigError

VIETNAM: Final = timezone(timedelta(hours=7), "Asia/Ho_Chi_Minh")
"""The time people go by here: one offset since 1975, so that no tzdata is needed."""


class Clock(Protocol):
    """Tells the time."""

    def now(self) -> datetime:
        """Return the current instant, aware and in UTC."""
        ...

    def real_seconds(self, simulated: float) -> float:
        """Return for how long to really wait until ``simulated`` seconds have passed.

        A stepped clock cannot know: it answers a short polling interval.
        """
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """Return the machine's idea of now."""
        return datetime.fromtimestamp(time.time(), UTC)

    def real_seconds(self, simulated: float) -> float:
        """Return ``simulated``: this clock is the real one."""
        return simulated


class ManualClock:
    """A clock that moves only when told to."""

    def __init__(self, start: datetime) -> None:
        self._now = start

    def now(self) -> datetime:
        """Return the instant it was last set to."""
        return self._now

    def advance(self, by: timedelta) -> None:
        """Move the clock (backwards too: a box's clock may jump)."""
        self._now += by

    def real_seconds(self, simulated: float) -> float:
        """Return a polling interval of at most 2 ms."""
        return min(simulated, 0.002)


class ScaledClock:
    """A clock that started at ``start`` when the machine's said ``anchor_s``."""

    def __init__(self, start: datetime, speed: float, anchor_s: float) -> None:
        if not 0 < speed <= 1e6:
            raise ConfigError(f"clock speed {speed} is not between 0 and 1,000,000")
        if not math.isfinite(anchor_s):
            raise ConfigError(f"clock anchor {anchor_s} is not a number of seconds")
        self.start, self.speed, self.anchor_s = start, speed, anchor_s

    def now(self) -> datetime:
        """Return the start plus the real time passed, times the speed."""
        passed_s = (time.time() - self.anchor_s) * self.speed
        return self.start + timedelta(seconds=passed_s)

    def real_seconds(self, simulated: float) -> float:
        """Return ``simulated`` divided by the speed."""
        return simulated / self.speed

    def __str__(self) -> str:
        return f"{self.start.isoformat()}*{self.speed:g}@{self.anchor_s!r}"


class HeldClock(ScaledClock):
    """A clock that stands at its start until it is released, then runs as fast as told."""

    def __init__(self, start: datetime, speed: float, path: Path) -> None:
        super().__init__(start, speed, 0.0)
        self.path, self._is_held = path, True

    def now(self) -> datetime:
        """Return the start; once released, that plus the real time passed, times the speed."""
        if self._is_held:
            self._look()
        return self.start if self._is_held else super().now()

    def _look(self) -> None:
        if self.path.exists():
            self.anchor_s = float(self.path.read_text("ascii"))
            self._is_held = False

    def release(self) -> None:
        """Have every process's clock of this file run from now on."""
        new = self.path.with_suffix(".new")
        new.write_text(repr(time.time()), "ascii")
        new.replace(self.path)

    def __str__(self) -> str:
        return f"{self.start.isoformat()}*{self.speed:g}@{self.path}"


class SteppedClock:
    """A clock that one process advances and every process reads (ADR 4)."""

    def __init__(self, path: Path, *, start: datetime | None = None) -> None:
        flags = os.O_RDWR | os.O_CREAT if start is not None else os.O_RDWR
        try:
            handle = os.open(path, flags, 0o644)
        except OSError as exc:
            raise ConfigError(f"cannot open the stepped clock {path}: {exc}") from exc
        try:
            if os.fstat(handle).st_size not in (0, 8):
                raise ValueError("it holds more than eight bytes")
            if start is not None:
                os.pwrite(handle, _packed(start), 0)
            self._map = mmap.mmap(handle, 8)
        except (ValueError, OSError) as exc:
            raise ConfigError(f"{path} is not a stepped clock: {exc}") from exc
        finally:
            os.close(handle)

    def now(self) -> datetime:
        """Return the instant the replay has reached."""
        (ms,) = struct.unpack("<q", self._map[:8])
        return datetime.fromtimestamp(ms / 1000, UTC)

    def set(self, at: datetime) -> None:
        """Move every process's clock to ``at``."""
        self._map[:8] = _packed(at)

    def real_seconds(self, simulated: float) -> float:
        """Return a polling interval of at most 2 ms: the next step may come any time."""
        return min(max(simulated, 0.0), 0.002)


def _packed(at: datetime) -> bytes:
    return struct.pack("<q", round(at.timestamp() * 1000))


def parse_clock(text: str) -> Clock:
    """Return the clock that ``GREENWATER_CLOCK`` describes.

    Raises:
        ConfigError: the text has none of the three forms.
    """
    if text in ("", "system"):
        return SystemClock()
    if text.startswith("step:"):
        return SteppedClock(Path(text.removeprefix("step:")))
    head, _, anchor = text.partition("@")
    start, _, speed = head.partition("*")
    try:
        began = datetime.fromisoformat(start)
        if began.tzinfo is None:
            raise ValueError("the start has no time zone, write ...Z")
        began, times = began.astimezone(UTC), float(speed or "1")
        if anchor.startswith("/"):
            return HeldClock(began, times, Path(anchor))
        return ScaledClock(began, times, float(anchor) if anchor else time.time())
    except ValueError as exc:
        raise ConfigError(
            f"GREENWATER_CLOCK={text!r}: {exc}; write system, START*SPEED or step:PATH"
        ) from exc


def open_clock() -> Clock:
    """Return the clock that this process's environment asks for.

    Raises:
        ConfigError: ``GREENWATER_CLOCK`` is malformed.
    """
    return parse_clock(os.environ.get("GREENWATER_CLOCK", ""))
