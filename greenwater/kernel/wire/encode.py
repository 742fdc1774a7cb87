"""Readings to bytes: SenML JSON, deflated where that is shorter."""

import zlib
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from greenwater.kernel.channels import SPECS
from greenwater.kernel.reading import Gap, Reading
from greenwater.kernel.wire.senml import GAP

_JSON = msgspec.json.Encoder()


def encode(
    readings: Sequence[Reading], gaps: Sequence[Gap] = (), *, deflate: bool = True
) -> bytes:
    """Return one pack holding ``readings`` and ``gaps``, in their order.

    The caller keeps a pack under the limits of ``senml`` (5,000 records, 256 KiB).
    """
    text = _JSON.encode([*_records(readings), *_gap_records(gaps)])
    if not deflate:
        return text
    packed = zlib.compress(text, 6)
    return packed if len(packed) < len(text) else text


def _seconds(ms: int) -> float | int:
    return ms // 1000 if ms % 1000 == 0 else ms / 1000


def _records(readings: Sequence[Reading]) -> Iterable[dict[str, Any]]:
    probe, taken_ms, clock = None, None, None
    for reading in readings:
        record: dict[str, Any] = {}
        if reading.probe != probe:
            probe = reading.probe
            record["bn"] = f"{probe}/"
        if reading.taken_ms != taken_ms:
            taken_ms = reading.taken_ms
            record["bt"] = _seconds(taken_ms)
        if reading.clock != clock:
            clock = reading.clock
            record["bgwq"] = clock or ""  # "": not known from here on
        record["n"] = reading.channel
        record["u"] = SPECS[reading.channel].code
        record["v"] = reading.value
        if reading.is_compensated is not None:
            record["gwc"] = reading.is_compensated
        yield record


def _gap_records(gaps: Sequence[Gap]) -> Iterable[dict[str, Any]]:
    for gap in gaps:
        yield {
            "bn": f"{gap.probe}/",
            "bt": _seconds(gap.start_ms),
            "n": GAP,
            "u": "s",
            "v": (gap.end_ms - gap.start_ms) / 1000,
            "gwn": gap.count,
            "gwr": gap.reason,
        }
