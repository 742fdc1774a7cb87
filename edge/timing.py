"""Is the box's clock to be believed, and when was something taken while it was not.

A gateway without a battery clock boots in 1970 or at its last shutdown. A reading taken
then is kept under the boot's id and monotonic time, and timed when the clock has been
set; if the box restarts before that, it can never be timed and a gap says so.
"""

import ctypes
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from greenwater.kernel.reading import ClockQuality, Gap, Reading

EARLIEST = datetime(2026, 11, 1, tzinfo=UTC)
"""When this was written: no clock that is right shows less (weewx does the same)."""
BACK_MS = 24 * 3600 * 1000
JUMP_S = 5.0
_ADJTIMEX_ERROR = 5


def is_believable(now_ms: int, newest_ms: int, *, is_simulated: bool) -> bool:
    """Return whether a clock can be right.

    It cannot if it shows a time before this program was written, or more than a day
    before the newest reading this box has confirmed. A simulated clock is right.
    """
    if is_simulated:
        return True
    return now_ms >= EARLIEST.timestamp() * 1000 and now_ms > newest_ms - BACK_MS


def machine_quality() -> ClockQuality:
    """Return NTP where the kernel says that its clock is disciplined, else RTC."""
    try:
        libc = ctypes.CDLL(None, use_errno=True)
        state = libc.adjtimex(ctypes.create_string_buffer(512))
    except (OSError, AttributeError):
        return ClockQuality.RTC
    return ClockQuality.RTC if state in (-1, _ADJTIMEX_ERROR) else ClockQuality.NTP


def jumped_s(wall_s: float, mono_s: float) -> float:
    """Return by how much the clock jumped, given what both clocks say has passed; or 0."""
    return wall_s - mono_s if abs(wall_s - mono_s) > JUMP_S else 0.0


class Retimed(NamedTuple):
    """Untimed readings, timed; and a gap for those that never can be."""

    readings: list[Reading]
    gaps: list[Gap]


def retime(
    rows: Sequence[tuple[int, str, int, Reading]],
    *,
    device: str,
    boot: str,
    now_ms: int,
    mono_ms: int,
) -> Retimed:
    """Return what untimed rows (row, boot, monotonic ms, reading) turn out to be."""
    readings: list[Reading] = []
    lost: dict[str, int] = {}
    for _, row_boot, row_mono_ms, reading in rows:
        if row_boot != boot:
            lost[reading.probe] = lost.get(reading.probe, 0) + 1
            continue
        readings.append(
            Reading(
                device,  # type: ignore[arg-type]
                reading.probe,
                reading.channel,
                now_ms - (mono_ms - row_mono_ms),
                reading.value,
                ClockQuality.RETIMED,
                reading.is_compensated,
            )
        )
    gaps = [
        Gap(device, probe, now_ms, now_ms, count, "clock")  # type: ignore[arg-type]
        for probe, count in lost.items()
    ]
    return Retimed(readings, gaps)
