"""What alarms may be about, and what may happen to one: closed lists that types read."""

from collections.abc import Mapping
from typing import Final, Literal

AlarmKind = Literal[
    "limit",
    "forecast",
    "episode",
    "silence",
    "site_silence",
    "blind",
    "mains",
    "battery",
    "aerator",
    "zone",
    "monitoring",
    "contact",
]
"""What alarms are about: all there is. Whoever adds one gives it words and advice."""

Hiding = Literal["out_of_service", "suppressed"]
"""Why nobody is told of an alarm for now, though nobody put it off."""

StepKind = (
    Literal[
        "raised",
        "again",
        "escalated",
        "eased",
        "came_true",
        "live",
        "late",
        "returned",
        "cleared",
        "acknowledged",
        "shelved",
        "unshelved",
        "shown",
        "notified",
        "not_notified",
        "given_up",
        "running",
        "stopped",
        "command_on",
        "command_off",
    ]
    | Hiding
)
"""What may happen to an alarm: all lines that its history can have."""

ACTS: Final[Mapping[str, StepKind]] = {
    "acknowledge": "acknowledged",
    "shelve": "shelved",
    "unshelve": "unshelved",
}
"""What people do to an alarm, and the step that it makes."""
