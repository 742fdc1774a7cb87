"""What a probe can say at all, and how fast and how smoothly water changes, by channel.

The parameters of the quality tests, in canonical units; ``quality.toml`` has them with
their sources. What differs where a species lives is a row of its own (``quality_of``).
"""

import datetime as dt
from collections.abc import Mapping
from typing import Any, Final, Literal

from msgspec import Struct, convert, to_builtins

from greenwater.kernel.channels import Channel
from greenwater.reference.limits import Basis, Bounds
from greenwater.reference.tables import read_table


class ClimateSpan(Struct, frozen=True, forbid_unknown_fields=True):
    """What is usual in some months (1-12) or hours (0-23) of UTC, both ends included.

    Outside ``fail`` 4, outside ``usual`` 3. Of several that hold an instant the last
    one says (as ``ioos_qc.qartod.ClimatologyConfig`` does).
    """

    period: Literal["month", "hour"]
    first: int
    last: int
    usual: Bounds
    fail: Bounds | None = None


class QualityLimits(Struct, frozen=True, forbid_unknown_fields=True):
    """The parameters of one channel's tests; None: that test is not run.

    Outside ``fail`` no sound probe answers, outside ``suspect`` no water here is. A spike
    is the distance from the mean of both neighbours; a rate is per hour; a line is flat
    when nothing in so many seconds was ``flat_tolerance`` away from anything else; a
    signal is attenuated when the range of ``attenuated_s`` stays below a threshold. After
    ``gap_s`` without a reading the tests begin anew. A neighbour is another probe of the
    box in the same unit, with a reading not older than ``neighbor_s``.
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
    attenuated_s: float | None = None
    attenuated_suspect: float = 0.0
    attenuated_fail: float = 0.0
    climate: tuple[ClimateSpan, ...] = ()
    neighbor_suspect: float | None = None
    neighbor_s: float = 900.0
    gap_s: float = 7200.0

    @property
    def reach_ms(self) -> int:
        """How far behind itself a reading may still change flags."""
        longest_s = max(self.flat_fail_s or 0, self.flat_suspect_s or 0)
        return round((max(longest_s, self.attenuated_s or 0) + 2 * self.gap_s) * 1000)


class Agreement(Struct, frozen=True, forbid_unknown_fields=True):
    """How far two channels of one probe may be apart from what chemistry says of them.

    ``channel`` is suspect when it is further from what ``of`` gives than ``offset`` (its
    own unit) and ``share`` (of the greater of both) together.
    """

    channel: Channel
    of: tuple[Channel, ...]
    offset: float
    share: float
    source: str


class LocationLimits(Struct, frozen=True, forbid_unknown_fields=True):
    """Where a position may be, and how fast it may move (None: anywhere on Earth)."""

    speed_kn: float
    source: str
    latitude: Bounds | None = None
    longitude: Bounds | None = None


class HandTolerance(Struct, frozen=True, forbid_unknown_fields=True):
    """How far a probe and a farmer's own meter may be apart."""

    channel: Channel
    apart: float
    source: str


class _Tables(Struct, frozen=True, forbid_unknown_fields=True):
    as_of: dt.date
    basis: Basis
    verified: bool
    quality: tuple[QualityLimits, ...]
    where: tuple[dict[str, Any], ...]
    agreement: tuple[Agreement, ...]
    location: LocationLimits
    hand: tuple[HandTolerance, ...]


_TABLES: Final = read_table("quality.toml", _Tables)

QUALITY: Final[Mapping[Channel, QualityLimits]] = {
    one.channel: one for one in _TABLES.quality
}
"""The channels that are tested; for contacts, speeds and courses there is no test."""

AGREEMENTS: Final = _TABLES.agreement
LOCATION: Final = _TABLES.location
HAND: Final[Mapping[str, float]] = {one.channel: one.apart for one in _TABLES.hand}
"""How far a probe may be from a hand meter, by channel, in its units."""


def _overridden(row: Mapping[str, Any]) -> QualityLimits:
    changes = {
        name: value for name, value in row.items() if name not in ("species", "channel")
    }
    base = to_builtins(QUALITY[Channel(row["channel"])])
    return convert({**base, **changes}, QualityLimits)


_ANYWHERE: Final[Mapping[str, QualityLimits]] = {
    one.channel: one for one in _TABLES.quality
}
_WHERE: Final[Mapping[tuple[str, str], QualityLimits]] = {
    (species, Channel(row["channel"])): _overridden(row)
    for row in _TABLES.where
    for species in row["species"]
}


def is_possible(channel: str, value: float) -> bool:
    """Return whether a sound probe can say a value of a channel at all.

    Anything may be said of a channel that is not tested, or none of ours.
    """
    limits = _ANYWHERE.get(channel)
    return limits is None or limits.fail.holds(value)


def quality_of(channel: str, species: str | None = None) -> QualityLimits | None:
    """Return a channel's parameters where a species lives; None: it is not tested."""
    return _WHERE.get((species or "", channel)) or _ANYWHERE.get(channel)
