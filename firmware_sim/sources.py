"""What a virtual probe serves: values or positions as functions of time.

Time is seconds since 1970, UTC, as ``float``. Any instant may be asked for, in any
order; the same instant gives the same answer, also after a restart.
"""

from collections.abc import Mapping
from typing import NamedTuple, Protocol

Values = Mapping[str, float | None]
"""Channel name to value in the channel's canonical unit; None: no valid value."""


class ValueSource(Protocol):
    """What one probe would measure."""

    def values_at(self, t_s: float) -> Values:
        """Return one value for each channel the probe has.

        Raises:
            UnavailableError: the probe does not answer at all (a cut cable).
        """
        ...


class Fix(NamedTuple):
    """Where a vessel is, over ground. ``course_deg`` is in [0, 360)."""

    latitude: float
    longitude: float
    speed_kn: float
    course_deg: float


class PositionSource(Protocol):
    """What one receiver would report."""

    def fix_at(self, t_s: float) -> Fix | None:
        """Return the fix, or None where the receiver has none (status void)."""
        ...
