"""How long what is kept, and how roll-ups join with raw readings. Pure.

Positions: NĐ 41/2026/NĐ-CP asks the provider of vessel monitoring to keep full tracks
for at least 36 months (reference value, not verified against the legal text); we keep
37 for them, whatever their source. Water: VietGAP records are kept at least 24 months
(QĐ 3824/QĐ-BNN-TCTS; reference value), which hourly roll-ups and frozen lot evidence
serve; raw water readings are kept 13 months, so that a year can be compared with the
last.
"""

from collections.abc import Iterable, Sequence
from itertools import groupby

from greenwater.kernel.channels import Measurement
from greenwater.storage.telemetry.ports import Bucket

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS

RAW_DAYS: dict[Measurement, int] = {
    Measurement.WATER: 400,
    Measurement.POSITION: 1_127,
    Measurement.POWER: 90,
}
ROLLUP_DAYS = 3_653


def raw_cut_ms(measurement: Measurement, now_ms: int) -> int:
    """Return the instant before which raw readings may go."""
    return now_ms - RAW_DAYS[measurement] * DAY_MS


def merged(
    rolled: Iterable[Bucket], raw: Sequence[Bucket], every_ms: int
) -> list[Bucket]:
    """Return roll-ups and raw buckets as buckets of ``every_ms``.

    The two do not overlap in time; a bucket that both touch is their sum. Exact where
    ``every_ms`` is a multiple of an hour.
    """
    both = [
        *(one._replace(start_ms=one.start_ms // every_ms * every_ms) for one in rolled),
        *raw,
    ]
    both.sort(key=lambda bucket: bucket.start_ms)
    return [
        _sum(start, list(group))
        for start, group in groupby(both, key=lambda bucket: bucket.start_ms)
    ]


def _sum(start_ms: int, parts: Sequence[Bucket]) -> Bucket:
    number = sum(part.number for part in parts)
    return Bucket(
        start_ms,
        number,
        min(part.minimum for part in parts),
        sum(part.mean * part.number for part in parts) / number,
        max(part.maximum for part in parts),
    )
