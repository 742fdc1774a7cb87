"""What the machine itself says: its boot, its clocks, its disk."""

import ctypes
import os
import time
from pathlib import Path
from typing import Final

_ADJTIMEX_ERROR: Final = 5
_TIMEX_BYTES: Final = 512  # struct timex has 208 on 64-bit Linux
_BOOT_ID: Final = Path("/proc/sys/kernel/random/boot_id")
_CLOCKS: Final = Path("/sys/class/rtc")


def boot_id() -> str:
    """Return what names this boot of the machine, or "" where nothing does."""
    try:
        return _BOOT_ID.read_text(encoding="ascii").strip()
    except OSError:
        return ""


def boot_ms() -> int:
    """Return milliseconds since the machine was started, sleep included."""
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1_000_000


def is_clock_synced() -> bool:
    """Return whether the kernel says that a time server disciplines its clock."""
    try:
        state = ctypes.CDLL(None).adjtimex(ctypes.create_string_buffer(_TIMEX_BYTES))
    except (OSError, AttributeError):
        return False
    return state not in (-1, _ADJTIMEX_ERROR)


def has_battery_clock() -> bool:
    """Return whether the clock runs on while the power is off.

    A kernel without any notion of such clocks is a virtual machine's or a container's:
    its host sees to the time.
    """
    try:
        return not _CLOCKS.exists() or any(_CLOCKS.iterdir())
    except OSError:
        return True


def disk_free_bytes(path: Path) -> int | None:
    """Return how much of the disk under a path is free, or None where nobody can say."""
    try:
        figures = os.statvfs(path)
    except OSError:
        return None
    return figures.f_bavail * figures.f_frsize
