"""Readings from CSV files: a farmer's own meter, and positions of vessel monitoring.

Lines that cannot be read rest in quarantine with their text and their line's number;
the others are stored. Importing a file twice changes nothing.
"""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from greenwater.kernel.channels import SPECS, Channel
from greenwater.kernel.clock import Clock
from greenwater.kernel.csvrows import rows_of
from greenwater.kernel.errors import InputError
from greenwater.kernel.ids import (
    DeviceId,
    DeviceState,
    ProbeId,
    parse_device,
    parse_probe,
)
from greenwater.kernel.quarantine import Quarantined
from greenwater.kernel.reading import Reading, unsayable
from greenwater.storage.telemetry.ports import Telemetry
from ingest.intake import taken_ms_of
from ingest.pipeline import Taken
from ingest.ports import Registry, Worker
from ingest.replay import take_in_readings

Row = Mapping[str, str]
POSITION = {
    "latitude": Channel.LATITUDE,
    "longitude": Channel.LONGITUDE,
    "speed_kn": Channel.SPEED,
    "course_deg": Channel.COURSE,
}
NEEDED = {
    "hand": ("time", "device", "probe", "channel", "value", "unit"),
    "vms": ("time", "device", "latitude", "longitude"),
}
VMS_PROBE = ProbeId("vms")


def import_csv(
    path: Path,
    kind: str,
    registry: Registry,
    telemetry: Telemetry,
    clock: Clock,
    *,
    worker: Worker,
) -> Taken:
    """Take in a file of ``hand`` readings or ``vms`` positions.

    The caller holds ``worker`` (``ingest.workers.by_hand``).

    Raises:
        InputError: the file cannot be read, or lacks a column.
        UnavailableError: a store did not answer; import again.
    """
    now_s = clock.now().timestamp()
    states = registry.device_states()
    readings: list[Reading] = []
    aside: list[Quarantined] = []
    for line, row in rows_of(path, NEEDED[kind]):
        try:
            device = _device(row, states)
            found = (
                _hand(row, device, now_s)
                if kind == "hand"
                else _vms(row, device, now_s)
            )
            readings += found
        except InputError as exc:
            raw = ",".join(row.values()).encode()
            reason = f"{path.name}, line {line}: {exc}"
            aside.append(
                Quarantined(
                    row["device"][:64],
                    "",
                    "line",
                    raw,
                    reason,
                    round(now_s * 1000),
                )
            )
    if aside:
        registry.quarantine(aside)
    taken = take_in_readings(readings, registry, telemetry, clock, worker=worker)
    taken.received += len(aside)
    taken.quarantined += len(aside)
    return taken


def _device(row: Row, states: Mapping[DeviceId, DeviceState]) -> DeviceId:
    device = parse_device(row["device"])
    if device not in states:
        raise InputError(f"device {device} is not registered")
    return device


def _taken_ms(text: str, now_s: float) -> int:
    try:
        at = datetime.fromisoformat(text)
    except ValueError as exc:
        raise InputError(f"time {text!r}: {exc}") from exc
    return taken_ms_of(at, text, now_s)


def _number(name: str, text: str) -> float:
    try:
        # A farmer's spreadsheet writes 4,2.
        value = float(text.replace(",", "."))
    except ValueError as exc:
        raise InputError(f"{name} {text!r} is not a number") from exc
    if why := unsayable(value):
        raise InputError(f"{name} {text!r}: {why}")
    return value


def _hand(row: Row, device: DeviceId, now_s: float) -> list[Reading]:
    try:
        channel = Channel(row["channel"])
    except ValueError as exc:
        raise InputError(f"unknown channel {row['channel']!r}") from exc
    accepts = SPECS[channel].accepts
    conversion = accepts.get(row["unit"])
    if conversion is None:
        raise InputError(
            f"unit {row['unit']!r} is not accepted for {channel}; write {', '.join(accepts)}"
        )
    value = _number("value", row["value"]) * conversion.scale + conversion.offset
    probe = parse_probe(row["probe"])
    return [Reading(device, probe, channel, _taken_ms(row["time"], now_s), value)]


def _vms(row: Row, device: DeviceId, now_s: float) -> list[Reading]:
    taken_ms = _taken_ms(row["time"], now_s)
    latitude = _number("latitude", row["latitude"])
    longitude = _number("longitude", row["longitude"])
    if not -90 <= latitude <= 90 or not -180 <= longitude <= 180:
        raise InputError(f"position {latitude}, {longitude} is not on Earth")
    return [
        Reading(device, VMS_PROBE, channel, taken_ms, _number(column, row[column]))
        for column, channel in POSITION.items()
        if row.get(column)
    ]
