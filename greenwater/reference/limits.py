"""Limits of water quality: what a species bears, what the law asks for, how long to wait.

Values are in the channels' canonical units and stand in ``limits.toml`` with their
sources. The levels of operation are ours and are shown so; legal values carry their
instrument and whether a person has held them against its text.
"""

import datetime as dt
from collections.abc import Mapping, Sequence
from enum import StrEnum
from functools import cache
from typing import Final

from msgspec import Struct

from greenwater.kernel.channels import Channel
from greenwater.reference.tables import read_table


class Severity(StrEnum):
    """How urgent: look when convenient, look now, act now."""

    WATCH = "watch"
    WARN = "warn"
    CRITICAL = "critical"

    @property
    def rank(self) -> int:
        """Its place in the order of urgency, from 0."""
        return list(Severity).index(self)


class Basis(StrEnum):
    """What a limit rests on."""

    LAW = "law"
    STANDARD = "standard"
    PRACTICE = "practice"


class Bounds(Struct, frozen=True, forbid_unknown_fields=True):
    """From ``low`` to ``high``, both inside; None: no limit on that side."""

    low: float | None = None
    high: float | None = None

    def holds(self, value: float) -> bool:
        """Return whether a value is inside."""
        return (self.low is None or value >= self.low) and (
            self.high is None or value <= self.high
        )


class SpeciesLimits(Struct, frozen=True, forbid_unknown_fields=True):
    """What a species bears of one channel; None: no such level is known."""

    species: str
    channel: Channel
    source: str
    optimal: Bounds | None = None
    warn: Bounds | None = None
    critical: Bounds | None = None
    note: str = ""
    basis: Basis = Basis.PRACTICE
    verified: bool = False

    def bounds(self, severity: Severity) -> Bounds | None:
        """Return what must be left for an alarm of this severity."""
        levels = {
            Severity.WATCH: self.optimal,
            Severity.WARN: self.warn,
            Severity.CRITICAL: self.critical,
        }
        return levels[severity]

    @property
    def outermost(self) -> Bounds | None:
        """What counts as inside limits in evidence: the warning level, else the optimum."""
        return self.warn or self.optimal


class LegalLimit(Struct, frozen=True, forbid_unknown_fields=True):
    """One value of a regulation; a reference value while it is not ``verified``."""

    instrument: str
    table: str
    date: dt.date
    species: tuple[str, ...]
    channel: Channel
    bounds: Bounds
    verified: bool
    note: str = ""


class Timing(Struct, frozen=True, forbid_unknown_fields=True):
    """When an alarm begins and ends.

    It begins after ``delay_s`` beyond the limit, or after ``samples`` consecutive
    readings beyond it if that is sooner (0: time alone counts). It is over after
    ``clear_s`` at least ``hysteresis`` (the channel's unit) inside.
    """

    delay_s: float
    hysteresis: float
    clear_s: float
    samples: int = 0
    channel: Channel | None = None
    severity: Severity | None = None


class _Tables(Struct, frozen=True, forbid_unknown_fields=True):
    as_of: dt.date
    operating: tuple[SpeciesLimits, ...]
    legal: tuple[LegalLimit, ...]
    timing: tuple[Timing, ...]


TABLES: Final = read_table("limits.toml", _Tables)
_OPERATING: Final[Mapping[tuple[str, Channel], SpeciesLimits]] = {
    (row.species, row.channel): row for row in TABLES.operating
}


def species_limits(species: str | None, channel: Channel) -> SpeciesLimits | None:
    """Return what a species bears of a channel; None where nothing is known."""
    return None if species is None else _OPERATING.get((species, channel))


def legal_limits(species: str | None, channel: Channel) -> Sequence[LegalLimit]:
    """Return the legal limits that speak of a species and channel."""
    return [
        row for row in TABLES.legal if species in row.species and row.channel is channel
    ]


@cache
def timing(channel: Channel, severity: Severity) -> Timing:
    """Return when an alarm of this channel and severity begins and ends.

    The first row that fits decides; the last one of the table fits everything.
    """
    return next(
        row
        for row in TABLES.timing
        if row.channel in (None, channel) and row.severity in (None, severity)
    )
