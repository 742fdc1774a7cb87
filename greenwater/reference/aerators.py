"""Aerators: the monitor on each one's motor, and what its current proves.

A motor starter says what it was told; the current says whether the motor turns. A paddle
wheel's motor takes amperes even unloaded; a current clamp on a dead cable shows
hundredths.
"""

from typing import Final

MONITOR: Final = "aerator_monitor"
"""The profile of a probe that watches one aerator; its id is the box's rule's name."""

RUNNING_A: Final = 0.2
"""Amperes from which on an aerator runs."""


def is_running(current_a: float) -> bool:
    """Return whether a motor that takes this current turns."""
    return current_a >= RUNNING_A
