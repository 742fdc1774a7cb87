"""Deadlines of vessel monitoring, dated rows that nobody has verified yet."""

from typing import Final

from msgspec import Struct

from greenwater.reference.tables import read_table


class Deadline(Struct, frozen=True, forbid_unknown_fields=True):
    """How long after the last position something is due, and who says so."""

    hours: float
    basis: str
    instrument: str
    article: str
    source: str
    verified: bool

    @property
    def ms(self) -> int:
        """The same in milliseconds."""
        return round(self.hours * 3_600_000)


class Deadlines(Struct, frozen=True, forbid_unknown_fields=True):
    """All of them; monitoring is asked of vessels from ``required_from_lmax_m`` on."""

    required_from_lmax_m: float
    interval: Deadline
    late: Deadline
    report: Deadline
    port: Deadline
    contact: Deadline
    contact_without_vms: Deadline


DEADLINES: Final = read_table("monitoring.toml", Deadlines)


def is_required(lmax_m: float | None) -> bool:
    """Return whether a vessel of this length (m) must be monitored; unknown: no."""
    return lmax_m is not None and lmax_m >= DEADLINES.required_from_lmax_m
