"""Readings, gaps, intake and roll-ups as InfluxDB line protocol: text, no network.

How a reading lies in its measurement (``water``, ``position`` or ``power``; tags
``device`` and ``probe``; time in ms), all laws of this file:

* ``<channel>`` is the value, a float.
* A bad answer (None) where no value stands is ``<channel>_bad=1i`` and no value; a
  value written there later simply appears, so a first write never costs more.
* A bad answer that replaces a value is ``VOID`` in the value's place. So the last write
  wins in the store itself, whatever the order, with nothing to read before a value.
* ``clock`` is the row's, ``<channel>_compensated`` is the reading's.
* ``<channel>_flag`` and ``<channel>_tests`` are analytics': writing values leaves them.

This is the hot path: hundreds of thousands of readings a second pass through
``reading_lines``, which is why it is one loop.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from hashlib import blake2b
from typing import Final

from greenwater.kernel.channels import SPECS, Channel, Measurement
from greenwater.kernel.errors import InputError
from greenwater.kernel.ids import DeviceId, ProbeId, WorkerId
from greenwater.kernel.quality import Flagged
from greenwater.kernel.reading import LARGEST, ClockQuality, Gap, Reading
from greenwater.storage.telemetry.ports import Intake

VOID: Final = -1e300
"""Stands where a value was replaced by None. No reading comes near it (``LARGEST``), and
a server that sums a hundred million of them stays finite (an infinite sum it could not
even answer)."""

Identity = tuple[DeviceId, ProbeId, Channel, int]

_FIELDS: Final = {
    channel: (spec.measurement.value, f"{channel.value}=", f"{channel.value}_bad=1i")
    for channel, spec in SPECS.items()
}
_CLOCKS: Final = {quality: f'clock="{quality.value}"' for quality in ClockQuality}


def identity(reading: Reading) -> Identity:
    """Return what makes a reading that one and no other."""
    return (reading.device, reading.probe, reading.channel, reading.taken_ms)


def reading_lines(
    readings: Iterable[Reading], voided: Collection[Identity] = frozenset()
) -> list[str]:
    """Return one line for each row (series, measurement, instant), later values winning.

    ``voided`` names the bad answers that replace a stored value.

    Raises:
        InputError: a value is beyond ``LARGEST`` or no number; the sentence names it.
    """
    rows: dict[tuple[str, int], dict[str, str]] = {}
    fields: dict[str, str] = {}
    device = probe = measurement = taken_ms = None
    for reading in readings:
        measured, name, bad = _FIELDS[reading.channel]
        if (
            reading.taken_ms != taken_ms
            or measured is not measurement
            or reading.probe != probe
            or reading.device != device
        ):
            device, probe, measurement = reading.device, reading.probe, measured
            taken_ms = reading.taken_ms
            fields = rows.setdefault((tagged(measured, device, probe), taken_ms), {})
        value = reading.value
        if value is not None:
            if not -LARGEST <= value <= LARGEST:  # NaN too
                raise InputError(reading.fault)
            fields[name] = f"{name}{value!r}"
        elif voided and identity(reading) in voided:
            fields[name] = f"{name}{VOID!r},{bad}"
        else:
            fields[name] = bad
        if reading.clock is not None:
            fields["clock"] = _CLOCKS[reading.clock]
        if reading.is_compensated is not None:
            beside = f"{reading.channel}_compensated"
            fields[beside] = f"{beside}={'t' if reading.is_compensated else 'f'}"
    return [
        f"{head}{','.join(texts.values())} {at}" for (head, at), texts in rows.items()
    ]


@lru_cache(maxsize=16_384)
def tagged(measurement: str, device: str, probe: str) -> str:
    """Return a line's measurement and tags, up to its fields."""
    return f"{measurement},device={_tag(device)},probe={_tag(probe)} "


def _tag(text: str) -> str:
    return text.replace(",", "\\,").replace("=", "\\=").replace(" ", "\\ ")


def string(text: str) -> str:
    """Return a string field's value."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def flag_lines(flags: Iterable[Flagged]) -> list[str]:
    """Return one line for each row that has flags, beside its values; times in ms."""
    rows: dict[tuple[str, int], dict[Channel, str]] = {}
    for one in flags:
        measurement = SPECS[one.channel].measurement.value
        head = tagged(measurement, one.device, one.probe)
        fields = rows.setdefault((head, one.taken_ms), {})
        fields[one.channel] = (
            f"{one.channel}_flag={int(one.flag)}i,{one.channel}_tests={one.tests}i"
        )
    return [
        f"{head}{','.join(texts.values())} {at}" for (head, at), texts in rows.items()
    ]


def gap_lines(gaps: Iterable[Gap]) -> list[str]:
    """Return one line for each gap, **times in nanoseconds**.

    A gap's identity is all of it, a point's only series and time: what else it says is
    hashed into the nanoseconds below its start's millisecond.
    """
    lines = []
    for gap in gaps:
        said = f"{gap.end_ms} {gap.count} {gap.reason}".encode()
        hashed = int.from_bytes(blake2b(said, digest_size=8).digest()) % 1_000_000
        lines.append(
            f"gap,device={_tag(gap.device)},probe={_tag(gap.probe)} "
            f"end={gap.end_ms}i,count={gap.count}i,reason={string(gap.reason)} "
            f"{gap.start_ms * 1_000_000 + hashed}"
        )
    return lines


def intake_lines(rows: Iterable[Intake]) -> list[str]:
    """Return one line for each row; the worker's sequence is its time.

    All of a row is the one field ``row``: the fields of a point become readable one
    after another, and nobody may ever see half a row.
    """
    return [
        f"intake,worker={_tag(row.worker)} row={string(_intake_text(row))},"
        f"recorded_ms={row.recorded_ms}i {row.sequence}"
        for row in rows
    ]


def _intake_text(row: Intake) -> str:
    return (
        f"{row.device},{row.outbox},{row.batch},{row.digest},{row.stored},"
        f"{row.repeated},{row.overwritten},{row.quarantined},{row.min_ms},"
        f"{row.max_ms},{row.recorded_ms}"
    )


def parse_intake(worker: WorkerId, sequence: int, text: str) -> Intake:
    """Return the row that the field ``row`` holds."""
    device, outbox, *numbers = text.split(",")
    return Intake(worker, sequence, DeviceId(device), outbox, *map(int, numbers))


def rollup_line(
    measurement: Measurement,
    tags: Mapping[str, str],
    hour_ms: int,
    sums: Mapping[str, tuple[int, float, float, float]],
) -> str:
    """Return the line of one series' hour: channel to (count, min, sum, max)."""
    fields = ",".join(
        f"{channel}_count={count}i,{channel}_min={low!r},"
        f"{channel}_sum={total!r},{channel}_max={high!r}"
        for channel, (count, low, total, high) in sums.items()
    )
    head = tagged(f"{measurement.value}_hourly", tags["device"], tags["probe"])
    return f"{head}{fields} {hour_ms}"


def bodies(lines: Sequence[str], max_lines: int) -> Iterator[bytes]:
    """Yield request bodies of at most ``max_lines`` lines."""
    for start in range(0, len(lines), max_lines):
        yield "\n".join(lines[start : start + max_lines]).encode()
