"""Local alarms with no network: hard limits that switch an output. Pure.

Fail-safe is ON: a probe that is silent or answers badly for ``stale_s``, and a program
that ends, leave the aerator running; one that begins leaves it as it is until a good
value has come. Commanded but not running, mains lost, and a
feedback that says nothing are noticed within 60 s.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Final, NamedTuple

from msgspec import Meta, Struct

from greenwater.kernel.channels import Channel
from greenwater.kernel.errors import ConfigError

Latest = Mapping[tuple[str, Channel], tuple[int, float | None]]
"""(probe, channel) → (taken_ms, value)."""

NOTICED_S: Final = 60.0
"""Within so many seconds a person must know that an aerator does not run."""
SLACK_S: Final = 5.0
"""What reading the feedback and looking at it may take."""


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
    feedback_grace_s: Annotated[float, Meta(gt=0, le=54)] = 30.0

    def __post_init__(self) -> None:
        """Refuse what could never switch, or never switch off again."""
        if self.low is None and self.high is None:
            raise ValueError(f"rule {self.name}: it has neither low nor high")
        if self.low is None or self.high is None:
            return
        if self.low + self.hysteresis >= self.high - self.hysteresis:
            raise ValueError(
                f"rule {self.name}: between low {self.low:g} and high {self.high:g} "
                f"there is no room for a hysteresis of {self.hysteresis:g}"
            )


class Decision(NamedTuple):
    """What the output should be, why, and what is wrong with it.

    ``is_on`` None: leave it as it is, since nothing is known yet.
    """

    is_on: bool | None
    reason: str
    faults: tuple[str, ...] = ()


@dataclass
class Controller:
    """One rule's memory. ``step`` is called every second or so.

    Times are of a clock that never jumps. ``good_ms`` is when the last good value was
    taken; until there is one, when the program began. ``by_hand`` is what a person
    decided, and until when.
    """

    rule: Rule
    started_ms: int
    is_on: bool = False
    on_since_ms: int = 0
    beyond_since_ms: int | None = None
    by_hand: tuple[bool, int] = (False, 0)
    not_running_since_ms: int | None = None
    mains_lost_since_ms: int | None = None
    has_met: bool = False
    good_ms: int = field(init=False)

    def __post_init__(self) -> None:
        """Begin."""
        self.good_ms = self.started_ms

    def step(self, now_ms: int, latest: Latest) -> Decision:
        """Return what the output should be now."""
        wanted, reason = self._wanted(now_ms, latest)
        if wanted and not self.is_on:
            self.on_since_ms = now_ms
        self.is_on = bool(wanted)
        return Decision(wanted, reason, self._faults(now_ms, latest))

    def set_override(self, is_on: bool, until_ms: int) -> None:
        """Let a person decide until an instant; then the rule decides again."""
        self.by_hand = is_on, until_ms  # at once: other threads look

    def _wanted(self, now_ms: int, latest: Latest) -> tuple[bool | None, str]:
        rule = self.rule
        taken_ms, value = latest.get((rule.probe, rule.channel), (0, None))
        if value is not None:
            self.good_ms, self.has_met = max(self.good_ms, taken_ms), True
        is_on, until_ms = self.by_hand
        if now_ms < until_ms:
            self.beyond_since_ms = None
            return is_on, "by hand"
        if now_ms - self.good_ms > rule.stale_s * 1000:
            return True, f"no {rule.channel} from {rule.probe}: fail-safe"
        if value is None:
            return self.is_on or (
                False if self.has_met else None
            ), "waiting for a value"
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
        if self._is_feedback_silent(now_ms, (current, mains)):
            faults.append(f"{rule.feedback_probe}: says nothing; has it lost power?")
        return tuple(faults)

    def _is_feedback_silent(
        self, now_ms: int, heard: tuple[tuple[int, float | None] | None, ...]
    ) -> bool:
        """Say whether feedback is too old to be believed.

        What hangs on the mains falls silent with it: the last "running" is no news.
        """
        last_ms = max((one[0] for one in heard if one), default=self.started_ms)
        return now_ms - last_ms >= (NOTICED_S - SLACK_S) * 1000


def check_feedback(rules: Sequence[Rule], intervals_s: Mapping[str, float]) -> None:
    """Refuse rules whose feedback comes too seldom to be noticed within 60 s.

    ``intervals_s`` are the probes' own. An interval of 0 is a replay's.

    Raises:
        ConfigError: it does, or there is no such probe.
    """
    for rule in rules:
        for probe in filter(None, (rule.probe, rule.feedback_probe)):
            if probe not in intervals_s:
                raise ConfigError(f"rule {rule.name}: there is no probe {probe!r}")
        most_s = NOTICED_S - SLACK_S - rule.feedback_grace_s
        every_s = intervals_s.get(rule.feedback_probe, 0.0)
        if every_s > most_s:
            raise ConfigError(
                f"rule {rule.name}: probe {rule.feedback_probe!r} is read every "
                f"{every_s:g} s; for a fault to be noticed within {NOTICED_S:g} s set "
                f"its interval_s to {most_s:g} or less, or feedback_grace_s lower"
            )


def _is_beyond(value: float, low: float | None, high: float | None) -> bool:
    return (low is not None and value < low) or (high is not None and value > high)


def _since(since_ms: int | None, holds: bool, now_ms: int) -> int | None:
    if not holds:
        return None
    return now_ms if since_ms is None else since_ms


def _lasted(since_ms: int | None, now_ms: int, grace_s: float) -> bool:
    return since_ms is not None and now_ms - since_ms >= grace_s * 1000
