"""The box's state in a small file, written atomically, read by ``greenwater edge status``."""

import os
from pathlib import Path

import msgspec
from msgspec import Struct

from greenwater.kernel.errors import InputError, MissingError


class ProbeStatus(Struct, frozen=True):
    """One probe's health. ``missed`` is slots without a reading since the start."""

    probe: str
    ok_s_ago: float | None
    failures: int
    missed: int
    is_left_alone: bool
    message: str


class BoxStatus(Struct, frozen=True):
    """What ``edge status`` shows. Ages are seconds before ``written_ms``.

    ``days_left`` is for how long the outbox holds everything if nothing is
    acknowledged, at the rate since the start; None where that is not known yet.
    ``thinned`` and ``dropped`` are readings given up since the start: confirmed ones
    for want of space, and unconfirmed ones for want of memory while the disk failed.
    ``untimed`` readings wait for the clock to be set.
    """

    device: str
    written_ms: int
    version: str
    outbox: str
    waiting_readings: int
    waiting_bytes: int
    bytes: int
    budget_bytes: int
    days_left: float | None
    confirmed_readings: int
    thinned: int
    dropped: int
    in_memory: int
    untimed: int
    slowest_commit_ms: float
    disk_error: str | None
    disk_free_bytes: int | None
    is_online: bool
    connection_trouble: str
    ack_s_ago: float | None
    in_flight: int
    refused: int
    bad_messages: int
    clock: str
    jumps: int
    last_jump_s: float
    faults: tuple[str, ...]
    probes: tuple[ProbeStatus, ...]


def write_status(path: Path, status: BoxStatus) -> None:
    """Replace the file in one step; a reader never sees half of it."""
    part = path.with_suffix(".part")
    part.write_bytes(msgspec.json.encode(status))
    os.replace(part, path)


def read_status(path: Path) -> BoxStatus:
    """Return what the agent last wrote.

    Raises:
        MissingError: there is no such file; the agent has not run here.
        InputError: it is not a status file.
    """
    try:
        return msgspec.json.decode(path.read_bytes(), type=BoxStatus)
    except FileNotFoundError as exc:
        raise MissingError(f"{path} is not there: has the agent run?") from exc
    except OSError as exc:
        raise InputError(f"cannot read {path}: {exc.strerror}") from exc
    except (msgspec.MsgspecError, UnicodeDecodeError) as exc:
        raise InputError(f"{path} is not a status file: {exc}") from exc


def days_left(
    *, waiting_bytes: int, room_bytes: int, bytes_per_s: float | None
) -> float | None:
    """Return how many days until what waits fills the room, at this rate. Pure."""
    if bytes_per_s is None or bytes_per_s <= 0:
        return None
    return round(max(0.0, room_bytes - waiting_bytes) / bytes_per_s / 86_400, 1)
