"""One value of one channel at one instant, and what may be said beside it."""

from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Final

from msgspec import Struct

from greenwater.kernel.channels import Channel
from greenwater.kernel.clock import VIETNAM
from greenwater.kernel.ids import DeviceId, ProbeId

MINUTE_MS: Final = 60_000
HOUR_MS: Final = 60 * MINUTE_MS
DAY_MS: Final = 24 * HOUR_MS

LARGEST: Final = 3.4028234663852886e38
"""No value is further from 0: a float32's end, the widest that probes speak. A mean, a
sum or a square of such values is finite in every store; InfluxDB does not answer at all
where one is not."""


class ClockQuality(StrEnum):
    """Where the box's time came from when it took a reading."""

    GPS = "gps"
    NTP = "ntp"
    RTC = "rtc"  # a battery-backed clock, not checked since boot
    UNSYNCED = "unsynced"  # stamped while the clock was plainly wrong
    RETIMED = "retimed"  # taken unsynced, corrected after the clock was set


class Source(StrEnum):
    """How a probe's readings came to be; a property of the probe, in the registry."""

    PROBE = "probe"
    HAND = "hand"
    IMPORT = "import"
    VMS = "vms"
    BOX = "box"
    VOICE = "voice"


class Reading(Struct, frozen=True, gc=False):
    """One value of one channel at one instant, in the channel's canonical unit.

    ``(device, probe, channel, taken_ms)`` is its identity. ``value`` is None where the
    probe answered and the answer was bad; a channel that does not exist has no reading.
    ``is_compensated`` says whether dissolved oxygen was corrected for salinity by the
    probe (None: not known).
    """

    device: DeviceId
    probe: ProbeId
    channel: Channel
    taken_ms: int
    value: float | None
    clock: ClockQuality | None = None
    is_compensated: bool | None = None

    @property
    def fault(self) -> str:
        """Why no store takes it, in a sentence that names it; empty: it is taken."""
        why = "" if self.value is None else unsayable(self.value)
        name = f"{self.channel} of {self.device}/{self.probe} at {self.taken_ms}"
        return why and f"{name}: {why}"


class Gap(Struct, frozen=True, gc=False):
    """Readings that existed and are gone: ``[start_ms, end_ms)`` of one probe.

    ``count`` is how many readings were given up, ``reason`` why (``thinned``: the box's
    byte budget; ``torn``: a damaged file; ``clock``: could not be timed).
    """

    device: DeviceId
    probe: ProbeId
    start_ms: int
    end_ms: int
    count: int
    reason: str


def unsayable(value: float) -> str:
    """Return why a value is none that a probe can say; empty: it is one."""
    if -LARGEST <= value <= LARGEST:
        return ""
    if abs(value) < float("inf"):
        return f"value {value} is beyond ±{LARGEST:.3g}, which no probe can say"
    return f"value {value} is not finite"


def instant(ms: int) -> datetime:
    """Return milliseconds since 1970 as an aware datetime in UTC."""
    return datetime.fromtimestamp(ms / 1000, UTC)


def local(ms: int) -> datetime:
    """Return milliseconds since 1970 in the time people go by here."""
    return instant(ms).astimezone(VIETNAM)


def day_of(ms: int) -> date:
    """Return the day here of milliseconds since 1970."""
    return local(ms).date()


def milliseconds(at: datetime) -> int:
    """Return an aware instant as milliseconds since 1970, rounded to the nearest."""
    return round(at.timestamp() * 1000)
