"""A unit's light: one word for how it stands, never a colour alone. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass

from greenwater.reference.limits import Severity
from greenwater.storage.registry.alarms import Alarm

MARKS = {"ok": "●", "look": "▲", "act": "■", "lost": "○"}


@dataclass(frozen=True)
class Light:
    """``name`` is a CSS class and the key of the word ``light_{name}``."""

    name: str

    @property
    def mark(self) -> str:
        """The shape that stands with the word."""
        return MARKS[self.name]


def light_of(alarms: Iterable[Alarm], state: str) -> Light:
    """Return the light of a unit by its open alarms and its card's state."""
    active = [one for one in alarms if one.is_active and one.hidden is None]
    if state == "silent" or any(alarm.kind == "silence" for alarm in active):
        return Light("lost")
    ranks = {Severity(alarm.severity) for alarm in active}
    if Severity.CRITICAL in ranks:
        return Light("act")
    if ranks:
        return Light("look")
    return Light("lost" if state == "stale" else "ok")
