"""Rules of alarms beyond levels: changes, power, aerators, silence, forecasts, shelving.

The values stand in ``alarm_rules.toml``, each with what it rests on; what is not law or
standard is ours and is shown so.
"""

import datetime as dt
from collections.abc import Sequence
from enum import StrEnum
from typing import Final

import msgspec
from msgspec import Struct

from greenwater.kernel.channels import Channel
from greenwater.reference.limits import Basis, Severity, Timing
from greenwater.reference.tables import read_table


class ChangeKind(StrEnum):
    """What of a channel's past is looked at."""

    FALL = "fall"
    SWING = "swing"
    LENS = "lens"


class ChangeRule(Struct, frozen=True, forbid_unknown_fields=True):
    """How far a channel may move within ``over_s`` before an alarm.

    ``limit`` and ``hysteresis`` are in the channel's unit. ``apart_m`` is how far below
    the other probe must hang (``lens`` only).
    """

    name: str
    kind: ChangeKind
    channel: Channel
    species: tuple[str, ...]
    severity: Severity
    limit: float
    over_s: float
    hysteresis: float
    delay_s: float
    clear_s: float
    basis: Basis
    source: str
    samples: int = 0
    apart_m: float = 0.0
    verified: bool = False

    @property
    def timing(self) -> Timing:
        """When an alarm of this rule begins and ends."""
        return Timing(self.delay_s, self.hysteresis, self.clear_s, self.samples)

    @property
    def side(self) -> str:
        """The side of a channel's limits that the rule stands on; a swing has its own."""
        return "swing" if self.kind is ChangeKind.SWING else "low"


class BatteryRule(
    Struct,
    frozen=True,
    forbid_unknown_fields=True,
    rename={"low": "from", "high": "to"},
):
    """Levels of a battery in V, for one whose voltage lies from ``low`` to ``high``."""

    nominal: float
    low: float
    high: float
    warn: float
    critical: float
    hysteresis: float


class PowerRule(Struct, frozen=True, forbid_unknown_fields=True):
    """When a battery is low, and when the mains is lost."""

    battery_delay_s: float
    battery_clear_s: float
    mains_delay_s: float
    mains_samples: int
    mains_clear_s: float
    basis: Basis
    source: str
    verified: bool = False


class AeratorRule(Struct, frozen=True, forbid_unknown_fields=True):
    """How soon an aerator must run once its box has switched it on."""

    within_s: float
    basis: Basis
    source: str
    verified: bool = False


class SilenceRule(Struct, frozen=True, forbid_unknown_fields=True):
    """When a silence is critical; when silences are one. Hours of the day in Vietnam.

    ``unknown_s`` is the shortest time without oxygen that counts while the box is heard.
    """

    night_from_h: float
    night_to_h: float
    stale_h: float
    together_s: float
    unknown_s: float
    basis: Basis
    source: str
    verified: bool = False


class CleaningRule(Struct, frozen=True, forbid_unknown_fields=True):
    """After how many days a probe ought to be cleaned."""

    most_days: int
    basis: Basis
    source: str
    verified: bool = False


class ForecastRule(Struct, frozen=True, forbid_unknown_fields=True):
    """When forecasts of oxygen make alarms. Hours of the day in Vietnam."""

    from_h: float
    to_h: float
    every_s: float
    critical_lead_h: float
    basis: Basis
    source: str
    verified: bool = False


class NeighbourRule(Struct, frozen=True, forbid_unknown_fields=True):
    """Which two probes should agree."""

    apart_m: float
    fresh_s: float
    basis: Basis
    source: str
    verified: bool = False


class ShelvingRule(Struct, frozen=True, forbid_unknown_fields=True):
    """For how long at most an alarm may be put off."""

    most_critical_s: float
    most_other_s: float
    morning_h: float
    basis: Basis
    source: str
    verified: bool = False

    def most_s(self, severity: str) -> float:
        """Return for how many seconds an alarm of a severity may be put off."""
        if severity == Severity.CRITICAL:
            return self.most_critical_s
        return self.most_other_s


class AlarmRules(Struct, frozen=True, forbid_unknown_fields=True):
    """All of the file."""

    as_of: dt.date
    change: tuple[ChangeRule, ...]
    battery: tuple[BatteryRule, ...]
    power: PowerRule
    aerator: AeratorRule
    silence: SilenceRule
    cleaning: CleaningRule
    forecast: ForecastRule
    neighbour: NeighbourRule
    shelving: ShelvingRule


RULES: Final = read_table("alarm_rules.toml", AlarmRules)


def change_rules(species: str | None, channel: Channel) -> Sequence[ChangeRule]:
    """Return the rules about how a channel may move where a species lives."""
    return [
        rule
        for rule in RULES.change
        if rule.channel is channel and species in rule.species
    ]


def battery_rule(volt: float) -> BatteryRule | None:
    """Return the rule of a battery that shows so many V; None: no such battery is known."""
    return next((one for one in RULES.battery if one.low <= volt <= one.high), None)


def is_between_hours(hour: float, from_h: float, to_h: float) -> bool:
    """Return whether an hour of the day lies in ``[from, to)``, over midnight too."""
    if from_h <= to_h:
        return from_h <= hour < to_h
    return hour >= from_h or hour < to_h


def about(rule: Struct) -> dict[str, str | bool]:
    """Return what a rule rests on, as an alarm keeps it."""
    facts = msgspec.structs.asdict(rule)
    return {
        "basis": str(facts["basis"]),
        "source": str(facts["source"]),
        "verified": bool(facts["verified"]),
    }
