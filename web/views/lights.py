"""A unit's light: one word for how it stands, never a colour alone. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass

from greenwater.reference.limits import Severity
from greenwater.storage.registry.alarms import Alarm

MARKS = {"ok": "●", "look": "▲", "act": "■", "lost": "○"}


@dataclass(frozen=True)
class Light:
    """``name`` is a CSS class and the key of the word ``light_{name}``.

    ``word`` stands for the name where that would say too much: nothing is lost where
    nothing was ever heard.
    """

    name: str
    word: str = ""

    @property
    def key(self) -> str:
        """The key of its word."""
        return f"light_{self.word or self.name}"

    @property
    def mark(self) -> str:
        """The shape that stands with the word."""
        return MARKS[self.name]


def light_of(alarms: Iterable[Alarm], state: str, *, is_beyond: bool = False) -> Light:
    """Return the light of a unit by its open alarms, its card's state and its water.

    ``is_beyond``: a newest reading is past a limit (``beyond``). That is no alarm yet, or
    one that nobody is to hear of; it is never well.
    """
    active = [one for one in alarms if one.is_active and one.hidden is None]
    if state == "silent" or any(alarm.kind == "silence" for alarm in active):
        return Light("lost")
    is_blind = any(alarm.kind == "blind" for alarm in active)
    ranks = {Severity(one.severity) for one in active if one.kind != "blind"}
    if Severity.CRITICAL in ranks:
        return Light("act")
    if is_blind:
        return Light("lost")
    if ranks:
        return Light("look")
    if state == "stale":
        return Light("lost")
    return Light("look" if is_beyond else "ok")
