"""Bytes to readings, or a refusal; nothing else, whatever the bytes.

The law of this module:

1. The first byte selects the format: ``[`` JSON, 0x80-0x9f CBOR, 0x78 zlib around one
   of the two. Inflating stops at the limit, so a zip bomb never unfolds.
2. A pack that cannot be split into records is refused whole (``InputError``).
3. A record that is wrong is refused alone, with its bytes and a reason; the others
   stand. A base label that cannot be read takes down those that rely on it, until a
   later record sets it again.
4. What comes out is in canonical units, timed in milliseconds, finite, and from
   2000-01-01 until 24 h ahead of ``now``.

The fast path decodes straight into ``Record``; a pack that holds anything it cannot
take is decoded again, record by record, by ``formats``. ``resolve`` judges the records.
"""

import zlib
from collections.abc import Sequence
from typing import Any, NamedTuple

import msgspec

from greenwater.kernel.errors import InputError
from greenwater.kernel.ids import DeviceId
from greenwater.kernel.reading import Gap, Reading
from greenwater.kernel.wire import formats
from greenwater.kernel.wire.formats import Part
from greenwater.kernel.wire.resolve import resolve
from greenwater.kernel.wire.senml import BASE_LABELS, MAX_INFLATED_BYTES, Record

_json_records = msgspec.json.Decoder(list[Record])


class Refusal(NamedTuple):
    """A record that is not a reading, and the reason.

    ``raw`` is a pack of that record alone, behind the base labels that were in force.
    """

    raw: bytes
    reason: str


class Pack(NamedTuple):
    """What a payload held."""

    readings: list[Reading]
    gaps: list[Gap]
    refused: list[Refusal]


def decode(payload: bytes, *, device: DeviceId, now_s: float) -> Pack:
    """Return the readings, gaps and refusals in ``payload``.

    ``now_s`` is the platform's clock in seconds since 1970.

    Raises:
        InputError: the payload is no pack at all, or is over a limit.
    """
    text = _inflated(payload)
    first = text[0] if text else -1
    if first == 0x5B:
        pack = _fast(text, device, now_s)
        return pack or _slow(formats.split_json(text), device, now_s)
    if 0x80 <= first <= 0x9F:
        from greenwater.kernel.wire.cbor import split_cbor  # a gateway has no cbor2

        return _slow(split_cbor(text), device, now_s)
    raise InputError(
        f"unknown format: first byte is {text[:1].hex() or 'missing'}; "
        "a pack begins with 5b, 78, or 80 to 9f"
    )


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
    if stream.unused_data:
        raise InputError(f"{len(stream.unused_data)} bytes follow the zlib stream")
    return text


def _fast(text: bytes, device: DeviceId, now_s: float) -> Pack | None:
    """Return the whole pack if there is nothing to refuse in it."""
    if b'_"' in text or b"\\" in text:  # a label that must be understood, maybe escaped
        return None
    try:
        records = _json_records.decode(text)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
        return None
    formats.check_count(len(records))
    readings, gaps, faults = resolve(records, device, now_s)
    return None if faults else Pack(readings, gaps, [])


def _slow(parts: Sequence[Part], device: DeviceId, now_s: float) -> Pack:
    """Resolve what can be read; refuse the rest, in the order of the pack."""
    bases = _Bases()
    contexts = []
    records = []
    faults: dict[int, str] = {}
    for index, part in enumerate(parts):
        contexts.append(bases.context)
        record, fault = bases.taken(part)
        records.append(record)
        if fault:
            faults[index] = fault
    readings, gaps, others = resolve(records, device, now_s)
    faults = dict(others) | faults
    refused = [
        Refusal(parts[index].packed(contexts[index]), faults[index])
        for index in sorted(faults)
    ]
    return Pack(readings, gaps, refused)


class _Bases:
    """Which base labels are in force on the slow path, and which cannot be read."""

    def __init__(self) -> None:
        self.context: dict[str, Any] = {}
        self._unreadable: set[str] = set()

    def taken(self, part: Part) -> tuple[Record, str]:
        """Return a part's record to resolve, and why the part is refused, if it is.

        A refused part's record only hands on the base labels that could be read.
        """
        own = {label: part.labels[label] for label in part.labels.keys() & BASE_LABELS}
        good = {label: v for label, v in own.items() if _is_readable(label, v)}
        self._unreadable = (self._unreadable - good.keys()) | (own.keys() - good.keys())
        if own:
            self.context = self.context | {
                label: None if value is msgspec.UNSET else value
                for label, value in own.items()
            }
        fault = part.fault
        if part.record is not None and (relied := self._unreadable_for(part.record)):
            fault = f"an earlier record's {relied} cannot be read"
        if fault or part.record is None:
            return formats.converted(good)[0] or Record(), fault
        return part.record, ""

    def _unreadable_for(self, record: Record) -> str | None:
        relied = {"bver", "bn", "bt", "bv"} | ({"bu"} if record.u is None else set())
        return next(iter(sorted(relied & self._unreadable)), None)


def _is_readable(label: str, value: object) -> bool:
    return (
        value is not msgspec.UNSET and formats.converted({label: value})[0] is not None
    )
