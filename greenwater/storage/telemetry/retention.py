"""How long what is kept, and how roll-ups join with raw readings. Pure.

Positions: NĐ 41/2026/NĐ-CP asks the provider of vessel monitoring to keep full tracks
for at least 36 months (reference value, not verified against the legal text); we keep
37 for them, whatever their source. Water: VietGAP records are kept at least 24 months
(QĐ 3824/QĐ-BNN-TCTS; reference value), which hourly roll-ups and frozen lot evidence
serve; raw water readings are kept 13 months, so that a year can be compared with the
last. Power says how a box lives; a quarter of it is enough. Roll-ups: ten years.
"""

from collections.abc import Iterable, Mapping
from itertools import groupby
from types import MappingProxyType
from typing import Final, NamedTuple

from greenwater.kernel.channels import Measurement
from greenwater.storage.telemetry.ports import Bucket

HOUR_MS: Final = 3_600_000
DAY_MS: Final = 24 * HOUR_MS
LEGAL_POSITION_DAYS: Final = 1_096
"""36 months, at their longest."""

ROLLUP_DAYS: Final = 3_653
RAW_DAYS: Final[Mapping[Measurement, int]] = MappingProxyType(
    {
        Measurement.WATER: 400,
        Measurement.POSITION: 1_127,
        Measurement.POWER: 90,
    }
)


class Cut(NamedTuple):
    """What may go: raw readings and roll-ups older than these instants."""

    raw_ms: int
    rollup_ms: int


def cut(measurement: Measurement, now_ms: int) -> Cut:
    """Return what of a measurement may go at an instant."""
    return Cut(
        now_ms - RAW_DAYS[measurement] * DAY_MS,
        now_ms - ROLLUP_DAYS * DAY_MS,
    )


def hour_of(ms: int) -> int:
    """Return the start of the UTC hour an instant lies in."""
    return ms - ms % HOUR_MS


def merged(parts: Iterable[Bucket], every_ms: int) -> list[Bucket]:
    """Return buckets of ``every_ms``, each the sum of the parts that start in it.

    Exact where each part lies within one such bucket.
    """
    aligned = sorted(
        part._replace(start_ms=part.start_ms - over_ms) if over_ms else part
        for part in parts
        for over_ms in (part.start_ms % every_ms,)
    )
    return [
        _sum(start_ms, list(group))
        for start_ms, group in groupby(aligned, key=lambda bucket: bucket.start_ms)
    ]


def _sum(start_ms: int, parts: list[Bucket]) -> Bucket:
    if len(parts) == 1:
        return parts[0]
    number = sum(part.number for part in parts)
    return Bucket(
        start_ms,
        number,
        min(part.minimum for part in parts),
        sum(part.mean * part.number for part in parts) / number,
        max(part.maximum for part in parts),
    )
