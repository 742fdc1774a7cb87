"""What the profile found in an event: a rule by its name, where, and how bad it is."""

from enum import StrEnum
from typing import NamedTuple


class Severity(StrEnum):
    """An error breaks the profile; a warning is what buyers ask for beside it."""

    ERROR = "error"
    WARNING = "warning"


class Finding(NamedTuple):
    """One broken rule: its name, the event's index, where, and what is wrong."""

    rule: str
    severity: Severity
    event: int
    pointer: str
    reason: str
