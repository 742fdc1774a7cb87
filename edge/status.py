"""The box's state in a small file, written atomically, read by ``greenwater edge status``."""

import os
from pathlib import Path

import msgspec
from msgspec import Struct

from greenwater.kernel.errors import InputError, MissingError


class ProbeStatus(Struct, frozen=True):
    """One probe's health."""

    probe: str
    ok_s_ago: float | None
    failures: int
    is_left_alone: bool
    message: str


class BoxStatus(Struct, frozen=True):
    """What ``edge status`` shows. Ages are seconds before ``written_ms``."""

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
    slowest_commit_ms: float
    disk_error: str | None
    is_online: bool
    ack_s_ago: float | None
    in_flight: int
    refused: int
    clock: str
    jumps: tuple[float, ...]
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
    except (msgspec.MsgspecError, UnicodeDecodeError) as exc:
        raise InputError(f"{path} is not a status file: {exc}") from exc
