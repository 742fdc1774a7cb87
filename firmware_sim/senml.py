"""The device side's own SenML writer (RFC 8428 as docs/wire.md narrows it).

Independent of the platform's encoder on purpose (docs/adr/0007): the table of unit codes
is a copy of the document's, and bytes are put together here.
"""

import struct
from collections.abc import Callable, Iterable, Mapping
from typing import Final, NamedTuple

import cbor2
import msgspec

UNIT_CODES: Final[Mapping[str, str]] = {
    "temperature": "Cel",
    "dissolved_oxygen": "mg/L",
    "oxygen_saturation": "%",
    "ph": "pH",
    "salinity": "PSU",
    "conductivity": "mS/cm",
    "specific_conductivity": "mS/cm",
    "orp": "mV",
    "turbidity": "NTU",
    "ammonia_total": "mg/L",
    "nitrite": "mg/L",
    "alkalinity": "mg/L",
    "transparency": "cm",
    "chlorophyll": "ug/L",
    "water_level": "m",
    "depth": "m",
    "current": "A",
    "contact": "/",
    "latitude": "lat",
    "longitude": "lon",
    "speed": "kn",
    "course": "deg",
    "battery": "V",
    "supply": "V",
    "signal": "dBm",
}

_CBOR_LABELS: Final = {"bn": -2, "bt": -3, "n": 0, "u": 1, "v": 2, "t": 6}


class Sent(NamedTuple):
    """One reading as a device sends it."""

    probe: str
    channel: str
    taken_ms: int
    value: float | None
    clock: str | None = None
    is_compensated: bool | None = None


def as_json(readings: Iterable[Sent]) -> bytes:
    """Return a pack in SenML JSON."""
    return msgspec.json.encode(list(_records(readings)))


def as_cbor(readings: Iterable[Sent]) -> bytes:
    """Return a pack in SenML CBOR."""
    return cbor2.dumps(
        [
            {_CBOR_LABELS.get(label, label): value for label, value in record.items()}
            for record in _records(readings)
        ]
    )


def _records(readings: Iterable[Sent]) -> Iterable[dict[str, object]]:
    probe, base_ms, clock = "", 0, None
    for reading in readings:
        record: dict[str, object] = {}
        if reading.probe != probe:
            probe = reading.probe
            record["bn"] = f"{probe}/"
        if not base_ms:
            base_ms = reading.taken_ms
            record["bt"] = _seconds(base_ms)
        if reading.clock != clock:
            clock = reading.clock
            record["bgwq"] = clock or ""
        record |= {"n": reading.channel, "u": UNIT_CODES[reading.channel]}
        if reading.taken_ms != base_ms:
            record["t"] = _seconds(reading.taken_ms - base_ms)
        record["v"] = reading.value
        if reading.is_compensated is not None:
            record["gwc"] = reading.is_compensated
        yield record


def _seconds(ms: int) -> int | float:
    return ms // 1000 if ms % 1000 == 0 else ms / 1000


class Template(NamedTuple):
    """A pack with holes: for its base time and for each value.

    ``number`` writes a value as it goes into a hole.
    """

    text: bytes
    base_time: Callable[[int], bytes]
    number: Callable[[float], bytes]

    def filled(self, base_ms: int, numbers: tuple[bytes, ...]) -> bytes:
        """Return the pack."""
        return self.text % (self.base_time(base_ms), *numbers)


def json_template(probe: str, offsets_ms: Iterable[tuple[str, int]]) -> Template:
    """Return a JSON pack of (channel, time after the base) with holes."""
    parts: list[bytes] = []
    for channel, offset_ms in offsets_ms:
        head = b"" if parts else b'"bn":"%b/","bt":%%b,' % probe.encode()
        later = b',"t":%g' % (offset_ms / 1000) if offset_ms else b""
        unit = UNIT_CODES[channel].replace("%", "%%")
        name = f'"n":"{channel}","u":"{unit}"'.encode()
        parts.append(b"{" + head + name + later + b',"v":%b}')
    return Template(
        b"[" + b",".join(parts) + b"]",
        lambda ms: b"%d.%03d" % divmod(ms, 1000),
        lambda value: b"%.3f" % value,
    )


def cbor_template(probe: str, offsets_ms: Iterable[tuple[str, int]]) -> Template:
    """Return the same pack in CBOR; all numbers are 64-bit floats."""
    entries = list(offsets_ms)
    parts = [_cbor_head(0x80, len(entries))]
    for index, (channel, offset_ms) in enumerate(entries):
        labels = 3 + (2 if index == 0 else 0) + (1 if offset_ms else 0)
        part = _cbor_head(0xA0, labels)
        if index == 0:
            part += b"\x21" + cbor2.dumps(f"{probe}/")
        fixed = cbor2.dumps(channel), cbor2.dumps(UNIT_CODES[channel])
        part += b"\x00" + fixed[0] + b"\x01" + fixed[1]
        if offset_ms:
            part += b"\x06" + _double(offset_ms / 1000)
        part = part.replace(b"%", b"%%")
        if index == 0:
            part += b"\x22%b"
        parts.append(part + b"\x02%b")
    return Template(b"".join(parts), lambda ms: _double(ms / 1000), _double)


def _cbor_head(major: int, count: int) -> bytes:
    if count < 24:
        return bytes([major | count])
    if count < 256:
        return bytes([major | 24, count])
    return bytes([major | 25]) + struct.pack(">H", count)


def _double(value: float) -> bytes:
    return b"\xfb" + struct.pack(">d", value)
