"""SenML records to readings and gaps: base labels, names, units, times, values.

RFC 8428 §4, narrowed to this wire (docs/wire.md). Pure; the one loop of the kernel that
has to be fast.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

import msgspec
from msgspec import UnsetType

from greenwater.kernel.channels import SPECS, Channel
from greenwater.kernel.errors import InputError
from greenwater.kernel.ids import DeviceId, ProbeId, parse_probe
from greenwater.kernel.reading import (
    LARGEST,
    ClockQuality,
    Gap,
    Reading,
    unsayable,
)
from greenwater.kernel.wire.senml import (
    EARLIEST_S,
    GAP,
    MAX_AHEAD_S,
    MAX_GAP_S,
    MAX_REASON,
    MAX_VERSION,
    Record,
)

_NAMES_KEPT: Final = 50_000
_MILLISECONDS: Final = 1e11  # a time beyond it (the year 5138) was not meant in seconds


class _Known(NamedTuple):
    """What a full name and a unit stand for."""

    probe: ProbeId
    channel: Channel
    scale: float
    offset: float
    is_canonical: bool


_names: dict[tuple[str, str | None], _Known] = {}


def _known(name: str, unit: str | None) -> _Known | str:
    """Return what a record's full name and unit stand for, or the reason for refusal."""
    probe_text, slash, channel_text = name.rpartition("/")
    if not slash:
        return f"name {name[:80]!r} is not probe/channel"
    try:
        probe = parse_probe(probe_text[:80])
    except InputError as exc:
        return str(exc)
    try:
        channel = Channel(channel_text)
    except ValueError:
        return f"unknown channel {channel_text[:80]!r}"
    accepts = SPECS[channel].accepts
    if not accepts:  # derived, never sent
        return f"unknown channel {channel_text!r}"
    if unit is None:
        return f"{channel} has no unit; send one of {', '.join(accepts)}"
    conversion = accepts.get(unit)
    if conversion is None:
        return f"unit {unit[:20]!r} is not accepted for {channel}; send one of {', '.join(accepts)}"
    scale, offset = conversion
    known = _Known(probe, channel, scale, offset, scale == 1.0 and offset == 0.0)
    if len(_names) >= _NAMES_KEPT:
        _names.clear()
    _names[name, unit] = known  # good names only: their length is bounded
    return known


class _Base:
    """The base labels in force (RFC 8428 §4.1)."""

    __slots__ = ("clock", "fault", "name", "unit", "value")

    def __init__(self) -> None:
        self.name = ""
        self.unit: str | None = None
        self.value = 0.0
        self.clock: ClockQuality | None = None
        self.fault: str | None = None

    def take(self, record: Record) -> None:
        """Let the record's base labels hold from here on; its time is the caller's."""
        if record.bn is not None:
            self.name = record.bn
        if record.bu is not None:
            self.unit = record.bu
        if record.bv is not None:
            self.value = record.bv
        if record.bgwq is not None:
            self.clock = _clock_quality(record.bgwq)
        if record.bver is not None and record.bver > MAX_VERSION:  # RFC 8428 §4.4
            self.fault = f"SenML version {record.bver} is newer than {MAX_VERSION}"


def _clock_quality(text: str) -> ClockQuality | None:
    try:
        return ClockQuality(text)
    except ValueError:
        return None  # a newer box may know more kinds; the reading stands


_Near = tuple[str | None, ProbeId, Channel]
"""A unit as it was sent, and what a name in it stands for, canonical as it is."""


def _met(
    near: dict[str, _Near], base: _Base, name: str, unit: str | None
) -> _Near | None:
    """Return what a bare name and unit stand for under these base labels, if that was
    met before and needs no conversion; and keep it near."""
    known = _names.get((base.name + name, base.unit if unit is None else unit))
    if known is None or not known.is_canonical:
        return None
    found = near[name] = (unit, known.probe, known.channel)
    return found


def resolve(
    records: Sequence[Record], device: DeviceId, now_s: float
) -> tuple[list[Reading], list[Gap], list[tuple[int, str]]]:
    """Return the readings, the gaps, and the faults by the records' indexes.

    The branch in the loop is the ordinary reading of our own boxes, and is all that is
    fast; everything else is judged at leisure.
    """
    readings: list[Reading] = []
    gaps: list[Gap] = []
    faults: list[tuple[int, str]] = []
    base, base_s, latest_s = _Base(), 0.0, now_s + MAX_AHEAD_S
    near: dict[str, _Near] = {}  # by the bare name: good until a base label changes
    clock, base_value, is_sound = None, 0.0, True
    for index, record in enumerate(records):
        if record.bt is not None:
            base_s = record.bt
        if (
            record.bn is not None
            or record.bgwq is not None
            or record.bu is not None
            or record.bv is not None
            or record.bver is not None
        ):
            base.take(record)
            near.clear()
            clock, base_value, is_sound = base.clock, base.value, base.fault is None
        name, unit, value = record.n, record.u, record.v
        found = near.get(name)
        if found is None or found[0] != unit:
            found = _met(near, base, name, unit)
        taken_s = base_s + record.t
        if (
            found is not None
            and type(value) is float
            and EARLIEST_S <= taken_s <= latest_s
            and -LARGEST <= (value := value + base_value) <= LARGEST
            and is_sound
        ):
            _, probe, channel = found
            taken_ms = round(taken_s * 1000)
            readings.append(
                Reading(device, probe, channel, taken_ms, value, clock, record.gwc)
            )
            continue
        fault = _sorted_out(
            _judged(record, base, device, taken_s, latest_s), readings, gaps
        )
        if fault is not None:
            faults.append((index, fault))
    return readings, gaps, faults


def _sorted_out(
    judged: Reading | Gap | str | None, readings: list[Reading], gaps: list[Gap]
) -> str | None:
    """Add a reading to the readings, a gap to the gaps; hand back a fault."""
    if isinstance(judged, str):
        return judged
    if isinstance(judged, Gap):
        gaps.append(judged)
    elif judged is not None:
        readings.append(judged)
    return None


def _judged(
    record: Record, base: _Base, device: DeviceId, taken_s: float, latest_s: float
) -> Reading | Gap | str | None:
    """Return what a record stands for, why it stands for nothing, or None if it claims
    nothing and only sets base labels.
    """
    if base.fault is not None:
        return base.fault
    if _is_base_only(record):
        return None
    if not EARLIEST_S <= taken_s <= latest_s:
        return _time_fault(taken_s)
    name = base.name + record.n
    unit = record.u if record.u is not None else base.unit
    if name.rpartition("/")[2] == GAP:
        return _gap(name, record, base, unit, device, taken_s, latest_s)
    known = _known(name, unit)
    if isinstance(known, str):
        return known
    value = _value(record, known, base.value)
    if isinstance(value, str):
        return value
    taken_ms = round(taken_s * 1000)
    return Reading(
        device, known.probe, known.channel, taken_ms, value, base.clock, record.gwc
    )


_EMPTY: Final = Record()


def _is_base_only(record: Record) -> bool:
    return (
        msgspec.structs.replace(
            record, bn=None, bt=None, bu=None, bv=None, bver=None, bgwq=None
        )
        == _EMPTY
    )


def _time_fault(taken_s: float) -> str:
    if taken_s < EARLIEST_S:
        return f"time {taken_s} is before 2000 (relative times are not accepted)"
    if taken_s < float("inf"):
        why = "; are these milliseconds?" if taken_s > _MILLISECONDS else ""
        return f"time {taken_s} is more than 24 h ahead{why}"
    return f"time {taken_s} is not a number of seconds"


def _value(record: Record, known: _Known, base_value: float) -> float | str | None:
    """Return the canonical value, None where the probe answered badly, or the fault."""
    value = record.v
    if value is None:
        return None
    if isinstance(value, UnsetType):
        if record.vb is not None and known.channel is Channel.CONTACT:
            return float(record.vb)
        return _value_fault(record, known.channel)
    value = (value + base_value) * known.scale + known.offset
    return unsayable(value) or value


def _value_fault(record: Record, channel: Channel) -> str:
    """Return why a record without ``v`` is no reading."""
    if record.vb is not None:
        return f"{channel} is a number, not true or false"
    if record.vs is not None or record.vd is not None:
        return f"{channel} is a number, not text"
    if record.s is not None:
        return "a sum without a value is not a reading"
    return f"{channel} has no value; send null where the probe answered badly"


def _gap(
    name: str,
    record: Record,
    base: _Base,
    unit: str | None,
    device: DeviceId,
    start_s: float,
    latest_s: float,
) -> Gap | str:
    """Return the gap a record stands for, or why it is none."""
    if unit != "s" or not isinstance(record.v, float):
        return f"a gap needs a length in s, not {record.v} {(unit or '')[:20]!r}"
    length_s = record.v + base.value
    if not 0 <= length_s <= MAX_GAP_S:
        return f"a gap of {length_s} s is not from 0 to {MAX_GAP_S:g} s"
    if start_s + length_s > latest_s:
        return f"the gap ends at {start_s + length_s}, more than 24 h ahead"
    try:
        probe = parse_probe(name.rpartition("/")[0][:80])
    except InputError as exc:
        return str(exc)
    start_ms, end_ms = round(start_s * 1000), round((start_s + length_s) * 1000)
    return Gap(device, probe, start_ms, end_ms, record.gwn or 0, _printable(record.gwr))


def _printable(reason: str | None) -> str:
    text = (reason or "")[:MAX_REASON]
    return "".join(c if c.isprintable() else "?" for c in text) or "unknown"
