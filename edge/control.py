"""Local alarms with no network: hard limits that switch an output. Pure.

Fail-safe is ON: a probe that is silent or answers badly for ``stale_s``, and a program
that ends, leave the aerator running. Commanded but not running, and mains lost, are
noticed within the grace of the feedback, 30 s unless set otherwise (60 s at most).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, NamedTuple

from msgspec import Meta, Struct

from greenwater.kernel.channels import Channel

Latest = Mapping[tuple[str, Channel], tuple[int, float | None]]
"""(probe, channel) → (taken_ms, value)."""


class Rule(Struct, frozen=True, forbid_unknown_fields=True):
    """Switch ``output`` on while a channel is outside its limits.

    ``low`` and ``high`` are in the channel's canonical unit; the output goes off again
    ``hysteresis`` inside the limit, after ``min_run_s`` at the earliest.
    """

    name: str
    output: str
    probe: str
    channel: Channel
    low: float | None = None
    high: float | None = None
    hysteresis: Annotated[float, Meta(ge=0)] = 0.5
    delay_s: Annotated[float, Meta(ge=0)] = 0.0
    min_run_s: Annotated[float, Meta(ge=0)] = 600.0
    stale_s: Annotated[float, Meta(gt=0)] = 900.0
    feedback_probe: str = ""
    feedback_min_a: float = 0.5
    feedback_grace_s: Annotated[float, Meta(gt=0, le=60)] = 30.0


class Decision(NamedTuple):
    """What the output should be, why, and what is wrong with it."""

    is_on: bool
    reason: str
    faults: tuple[str, ...] = ()


@dataclass
class Controller:
    """One rule's memory. ``step`` is called every second or so."""

    rule: Rule
    started_ms: int
    is_on: bool = False
    on_since_ms: int = 0
    beyond_since_ms: int | None = None
    override: bool | None = None
    override_until_ms: int = 0
    not_running_since_ms: int | None = None
    mains_lost_since_ms: int | None = None

    def step(self, now_ms: int, latest: Latest) -> Decision:
        """Return what the output should be now."""
        wanted, reason = self._wanted(now_ms, latest)
        if wanted and not self.is_on:
            self.on_since_ms = now_ms
        self.is_on = wanted
        return Decision(wanted, reason, self._faults(now_ms, latest))

    def set_override(self, is_on: bool, until_ms: int) -> None:
        """Let a person decide until an instant; then the rule decides again."""
        self.override, self.override_until_ms = is_on, until_ms

    def _wanted(self, now_ms: int, latest: Latest) -> tuple[bool, str]:
        if self.override is not None and now_ms < self.override_until_ms:
            return self.override, "by hand"
        self.override = None
        taken_ms, value = latest.get(
            (self.rule.probe, self.rule.channel), (self.started_ms, None)
        )
        if value is None or now_ms - taken_ms > self.rule.stale_s * 1000:
            if now_ms - taken_ms > self.rule.stale_s * 1000:
                return True, f"no {self.rule.channel} from {self.rule.probe}: fail-safe"
            return self.is_on, "waiting for a value"
        return self._by_limit(now_ms, value)

    def _by_limit(self, now_ms: int, value: float) -> tuple[bool, str]:
        rule = self.rule
        if not _is_beyond(value, rule.low, rule.high):
            self.beyond_since_ms = None
        elif self.beyond_since_ms is None:
            self.beyond_since_ms = now_ms
        if self.is_on:
            margin = rule.hysteresis
            low = None if rule.low is None else rule.low + margin
            high = None if rule.high is None else rule.high - margin
            ran_s = (now_ms - self.on_since_ms) / 1000
            stays = _is_beyond(value, low, high) or ran_s < rule.min_run_s
            return stays, f"{rule.channel} {value:g}"
        since_ms = self.beyond_since_ms
        is_due = since_ms is not None and now_ms - since_ms >= rule.delay_s * 1000
        return is_due, f"{rule.channel} {value:g}"

    def _faults(self, now_ms: int, latest: Latest) -> tuple[str, ...]:
        rule = self.rule
        if not rule.feedback_probe:
            return ()
        faults = []
        current = latest.get((rule.feedback_probe, Channel.CURRENT))
        is_dead = current is not None and (current[1] or 0.0) < rule.feedback_min_a
        self.not_running_since_ms = _since(
            self.not_running_since_ms, self.is_on and is_dead, now_ms
        )
        if _lasted(self.not_running_since_ms, now_ms, rule.feedback_grace_s):
            faults.append(f"{rule.output}: commanded on, not running")
        mains = latest.get((rule.feedback_probe, Channel.CONTACT))
        self.mains_lost_since_ms = _since(
            self.mains_lost_since_ms, mains is not None and mains[1] == 0.0, now_ms
        )
        if _lasted(self.mains_lost_since_ms, now_ms, rule.feedback_grace_s):
            faults.append(f"{rule.feedback_probe}: mains lost")
        return tuple(faults)


def _is_beyond(value: float, low: float | None, high: float | None) -> bool:
    return (low is not None and value < low) or (high is not None and value > high)


def _since(since_ms: int | None, holds: bool, now_ms: int) -> int | None:
    if not holds:
        return None
    return now_ms if since_ms is None else since_ms


def _lasted(since_ms: int | None, now_ms: int, grace_s: float) -> bool:
    return since_ms is not None and now_ms - since_ms >= grace_s * 1000
