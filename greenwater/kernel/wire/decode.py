"""Bytes to readings, or a refusal; nothing else, whatever the bytes.

The law of this module:

1. The first byte selects the format: ``[`` JSON, 0x80-0x9f CBOR, 0x78 zlib around one
   of the two. Inflating stops at the limit, so a zip bomb never unfolds.
2. A pack that cannot be split into records is refused whole (``InputError``).
3. A record that is wrong is refused alone, with its bytes and a reason; the others
   stand. A wrong record that sets a base label takes down those that rely on it.
4. What comes out is in canonical units, timed in milliseconds, finite, and from
   2000-01-01 until 24 h ahead of ``now``.

The fast path decodes straight into ``Record``; whatever it cannot take is decoded again,
record by record, on the slow path, whose only duty is to be right.
"""

import io
import json
import math
import zlib
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

import cbor2
import msgspec
from msgspec import UnsetType

from greenwater.kernel.channels import SPECS, Channel
from greenwater.kernel.errors import InputError
from greenwater.kernel.ids import DeviceId, ProbeId, parse_probe
from greenwater.kernel.reading import ClockQuality, Gap, Reading
from greenwater.kernel.wire.senml import (
    CBOR_LABELS,
    EARLIEST_S,
    GAP,
    MAX_AHEAD_S,
    MAX_INFLATED_BYTES,
    MAX_RECORDS,
    Record,
)

_BASE_LABELS = ("bver", "bn", "bt", "bu", "bv", "bgwq")
_NAMES_KEPT = 50_000

_json_records = msgspec.json.Decoder(list[Record])
_json_raw = msgspec.json.Decoder(list[msgspec.Raw])


class Refusal(NamedTuple):
    """A record that is not a reading: its bytes and the reason."""

    raw: bytes
    reason: str


class Pack(NamedTuple):
    """What a payload held."""

    readings: list[Reading]
    gaps: list[Gap]
    refused: list[Refusal]


class _Resolved(NamedTuple):
    probe: ProbeId
    channel: Channel
    scale: float
    offset: float
    is_identity: bool


_Raw = Callable[[], bytes]
_Slow = tuple[Record | None, dict[str, Any], _Raw, str]


def decode(payload: bytes, *, device: DeviceId, now_s: float) -> Pack:
    """Return the readings, gaps and refusals in ``payload``.

    ``now_s`` is the platform's clock in seconds since 1970.

    Raises:
        InputError: the payload is no pack at all, or is over a limit.
    """
    text = _inflated(payload)
    if text[:1] == b"[":
        if b'_"' not in text:  # RFC 8428 §4.4: a label ending in _ must be understood
            try:
                records = _json_records.decode(text)
            except msgspec.MsgspecError:
                pass  # the slow path finds out which record, and why
            except RecursionError as exc:
                raise InputError("the pack is nested too deeply") from exc
            else:
                _check_count(len(records))
                return _resolve(((r, _Encoded(r)) for r in records), device, now_s)
        return _resolve_slow(_json_slow(text), device, now_s)
    if text[:1] and 0x80 <= text[0] <= 0x9F:
        return _resolve_slow(_cbor_slow(text), device, now_s)
    raise InputError(f"unknown format: first byte is {text[:1].hex() or 'missing'}")


def _inflated(payload: bytes) -> bytes:
    if payload[:1] != b"\x78":
        if len(payload) > MAX_INFLATED_BYTES:
            raise InputError(f"the pack has {len(payload)} bytes, over 256 KiB")
        return payload
    stream = zlib.decompressobj()
    try:
        text = stream.decompress(payload, MAX_INFLATED_BYTES + 1)
    except zlib.error as exc:
        raise InputError(f"not a zlib stream: {exc}") from exc
    if len(text) > MAX_INFLATED_BYTES:
        raise InputError("the pack inflates to more than 256 KiB")
    if not stream.eof:
        raise InputError("the zlib stream is cut short")
    return text


def _check_count(count: int) -> None:
    if count > MAX_RECORDS:
        raise InputError(f"the pack has {count} records, over {MAX_RECORDS}")


class _Encoded:
    """The bytes of a record that was decoded whole; made only when it is refused."""

    __slots__ = ("record",)

    def __init__(self, record: Record) -> None:
        self.record = record

    def __call__(self) -> bytes:
        return msgspec.json.encode(self.record)


# --- the slow path: one record at a time -------------------------------------------


def _json_slow(text: bytes) -> list[_Slow]:
    try:
        raws = _json_raw.decode(text)
        _check_count(len(raws))
        pairs = [(msgspec.json.decode(raw), bytes(raw)) for raw in raws]
        return [_taken_apart(doc, lambda r=raw: r) for doc, raw in pairs]  # type: ignore[misc]
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
        pass  # NaN and Infinity are not JSON, but Python's writers send them
    try:
        documents = json.loads(text)
    except (ValueError, RecursionError) as exc:
        raise InputError(f"not JSON: {str(exc)[:200]}") from exc
    if not isinstance(documents, list):
        raise InputError("not a list of records")
    _check_count(len(documents))
    return [
        _taken_apart(doc, lambda d=doc: json.dumps(d).encode())  # type: ignore[misc]
        for doc in documents
    ]


def _cbor_slow(text: bytes) -> list[_Slow]:
    stream = io.BytesIO(text)
    try:
        documents = cbor2.CBORDecoder(stream, max_depth=8).decode()
        rest = stream.tell() != len(text)
    except Exception as exc:  # noqa: BLE001  (cbor2 lets many kinds through on hostile bytes)
        raise InputError(f"not CBOR: {str(exc)[:200]}") from exc
    if rest:
        raise InputError("bytes follow the CBOR pack")
    if not isinstance(documents, list):
        raise InputError("not a list of records")
    _check_count(len(documents))
    return [_taken_apart(_named(doc), _cbor_bytes(doc)) for doc in documents]


def _cbor_bytes(document: object) -> _Raw:
    def raw() -> bytes:
        try:
            return bytes(cbor2.dumps(document))
        except Exception:  # noqa: BLE001  (a tag that decodes may not encode)
            return repr(document)[:1000].encode()

    return raw


def _named(document: object) -> object:
    if not isinstance(document, Mapping):
        return document
    return {
        CBOR_LABELS.get(label, label) if type(label) is int else label: value
        for label, value in document.items()
    }


def _taken_apart(document: object, raw: _Raw) -> _Slow:
    """Return the record (None if wrong), its readable base labels, its bytes, why."""
    if not isinstance(document, Mapping):
        return None, {}, raw, "a record is not an object"
    if any(isinstance(key, str) and key.endswith("_") for key in document):
        return None, dict(document), raw, "a label that must be understood is not"
    known = {k: v for k, v in document.items() if isinstance(k, str)}
    if known.get("n", "") is None or known.get("t", 0) is None:
        return None, known, raw, "n or t is null"
    try:
        return msgspec.convert(known, Record), known, raw, ""
    except (msgspec.ValidationError, OverflowError, ValueError) as exc:
        return None, known, raw, str(exc)[:200]


def _resolve_slow(parts: list[_Slow], device: DeviceId, now_s: float) -> Pack:
    refused: list[Refusal] = []

    def standing() -> Iterable[tuple[Record, _Raw]]:
        for record, base, raw, reason in parts:
            if record is not None:
                yield record, raw
                continue
            refused.append(Refusal(raw(), reason))
            carried = {k: base[k] for k in _BASE_LABELS if k in base}
            if carried:
                yield _base_only(carried), _NOTHING

    pack = _resolve(standing(), device, now_s)
    return Pack(pack.readings, pack.gaps, refused + pack.refused)


def _base_only(base: dict[str, Any]) -> Record:
    """Return a record that hands on a refused record's base labels.

    A base label that is itself unreadable becomes one that no later record can use.
    """
    try:
        return msgspec.convert(base, Record)
    except (msgspec.ValidationError, OverflowError, ValueError):
        return Record(bver=_BROKEN)


_BROKEN = -1


def _NOTHING() -> bytes:  # noqa: N802  (a constant that happens to be a function)
    return b""


# --- names, units, times, values -----------------------------------------------------

_names: dict[tuple[str, str | None], _Resolved | str] = {}


def _named_channel(name: str, unit: str | None) -> _Resolved | str:
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
    if unit is None:
        return f"{channel} has no unit; send one of {', '.join(accepts)}"
    conversion = accepts.get(unit)
    if conversion is None:
        return f"unit {unit[:20]!r} is not accepted for {channel}; send one of {', '.join(accepts)}"
    scale, offset = conversion
    return _Resolved(probe, channel, scale, offset, scale == 1.0 and offset == 0.0)


def _resolve(
    records: Iterable[tuple[Record, _Raw]], device: DeviceId, now_s: float
) -> Pack:
    """Apply the base labels (RFC 8428 §4.1) and sort records into readings and refusals."""
    readings: list[Reading] = []
    gaps: list[Gap] = []
    refused: list[Refusal] = []
    base_name, base_time, base_unit, base_value = "", 0.0, None, 0.0
    broken: str | None = None
    clock: ClockQuality | None = None
    latest_s = now_s + MAX_AHEAD_S
    names = _names
    for record, raw in records:
        if record.bn is not None:
            base_name = record.bn
        if record.bt is not None:
            base_time = record.bt
        if record.bu is not None:
            base_unit = record.bu
        if record.bv is not None:
            base_value = record.bv
        if record.bver is not None:
            broken = _version_fault(record.bver)
        if record.bgwq is not None:
            clock = _clock_quality(record.bgwq)
        if raw is _NOTHING:
            continue
        unit = record.u if record.u is not None else base_unit
        key = (base_name + record.n, unit)
        known = names.get(key)
        if known is None:
            if len(names) >= _NAMES_KEPT:
                names.clear()
            known = names[key] = _named_channel(*key)
        taken_s = base_time + record.t
        if broken is not None:
            refused.append(Refusal(raw(), broken))
        elif not EARLIEST_S <= taken_s <= latest_s:
            refused.append(Refusal(raw(), _time_fault(taken_s)))
        elif type(known) is _Resolved:
            value = record.v
            if isinstance(value, UnsetType):
                if record.vb is None or known.channel is not Channel.CONTACT:
                    refused.append(Refusal(raw(), _value_fault(record, known.channel)))
                    continue
                value = float(record.vb)
            elif value is not None:
                value += base_value
                if not known.is_identity:
                    value = value * known.scale + known.offset
                if not math.isfinite(value):
                    refused.append(Refusal(raw(), f"value {value} is not finite"))
                    continue
            readings.append(
                Reading(
                    device,
                    known.probe,
                    known.channel,
                    round(taken_s * 1000),
                    value,
                    clock,
                    record.gwc,
                )
            )
        else:
            gap = _gap(key[0], record, unit, device, taken_s)
            if isinstance(gap, Gap):
                gaps.append(gap)
            elif gap is not None or record.n or not _is_base_only(record):
                refused.append(Refusal(raw(), gap or str(known)))
    return Pack(readings, gaps, refused)


def _is_base_only(record: Record) -> bool:
    values = (record.vb, record.vs, record.vd, record.s)
    return isinstance(record.v, UnsetType) and values == (None, None, None, None)


def _version_fault(version: int) -> str | None:
    if version == _BROKEN:
        return "an earlier record's base labels cannot be read"
    if version > 10:  # RFC 8428 §4.4
        return f"SenML version {version} is newer than 10"
    return None


def _clock_quality(text: str) -> ClockQuality | None:
    try:
        return ClockQuality(text)
    except ValueError:
        return None  # a newer box may know more kinds; the reading stands


def _time_fault(taken_s: float) -> str:
    if taken_s < EARLIEST_S:
        return f"time {taken_s} is before 2000 (relative times are not accepted)"
    return f"time {taken_s} is more than 24 h ahead"


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
    name: str, record: Record, unit: str | None, device: DeviceId, start_s: float
) -> Gap | str | None:
    """Return the gap a record stands for, why it is none, or None if it claims nothing."""
    probe_text, _, last = name.rpartition("/")
    if last != GAP:
        return None
    if unit != "s" or not isinstance(record.v, float) or not 0 <= record.v <= 1e9:
        return f"a gap needs a length from 0 to 1e9 in s, not {record.v} {unit}"
    if record.gwn is not None and not 0 <= record.gwn <= 10**12:
        return f"a gap cannot have lost {record.gwn} readings"
    try:
        probe = parse_probe(probe_text[:80])
    except InputError as exc:
        return str(exc)
    start_ms = round(start_s * 1000)
    return Gap(
        device,
        probe,
        start_ms,
        start_ms + round(record.v * 1000),
        record.gwn or 0,
        (record.gwr or "unknown")[:40],
    )
