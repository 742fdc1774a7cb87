"""What a probe can say at all, and how fast and how smoothly water changes, by channel.

The parameters of the quality tests, in canonical units; ``quality.toml`` has them with
their sources.
"""

import datetime as dt
from collections.abc import Mapping
from typing import Final

from msgspec import Struct

from greenwater.kernel.channels import Channel
from greenwater.reference.limits import Bounds
from greenwater.reference.tables import read_table


class QualityLimits(Struct, frozen=True, forbid_unknown_fields=True):
    """The parameters of one channel's tests; None: that test is not run.

    Outside ``fail`` no sound probe answers, outside ``suspect`` no water here is. A spike
    is the distance from the mean of both neighbours; a rate is per hour; a line is flat
    when nothing in so many seconds was ``flat_tolerance`` away from anything else. After
    ``gap_s`` without a reading the tests begin anew.
    """

    channel: Channel
    source: str
    fail: Bounds
    suspect: Bounds | None = None
    spike_suspect: float | None = None
    spike_fail: float | None = None
    rate_per_h: float | None = None
    flat_tolerance: float = 0.0
    flat_suspect_s: float | None = None
    flat_fail_s: float | None = None
    gap_s: float = 7200.0


class _Tables(Struct, frozen=True, forbid_unknown_fields=True):
    as_of: dt.date
    quality: tuple[QualityLimits, ...]


_TABLES: Final = read_table("quality.toml", _Tables)

QUALITY: Final[Mapping[Channel, QualityLimits]] = {
    one.channel: one for one in _TABLES.quality
}
"""The channels that are tested; positions and contacts have no such tests."""
