"""Aerators: what they are told, whether they run, what they give and what they draw."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Final

from msgspec import Struct

from firmware_sim.waters.inputs import Inputs
from firmware_sim.waters.sky import local_hour

FRESH_SATURATION_20_C: Final = 9.092
"""Saturation at which a standard oxygen transfer rate is stated, mg/L."""

Interval = tuple[float, float]
"""``[from, to)`` in seconds since 1970."""


class Aerator(Struct, frozen=True, forbid_unknown_fields=True):
    """A paddle wheel or blower.

    ``sotr_kg_h`` is its standard oxygen transfer rate (a 1.5 kW paddle wheel: about 2).
    ``timer`` lists local hours ``[from, to)`` in which it runs by itself; the coil runs
    it too. ``current_a`` is what it draws.
    """

    id: str
    sotr_kg_h: float = 2.0
    current_a: float = 3.2
    timer: tuple[tuple[int, int], ...] = ()


class Bank:
    """The aerators of one unit, with the mains behind them.

    ``outages`` is when the mains is off, ``failures`` when an aerator does not run
    though it should (a seized gearbox, a blown fuse).
    """

    def __init__(
        self,
        aerators: Sequence[Aerator],
        inputs: Inputs,
        *,
        outages: Sequence[Interval] = (),
        failures: Sequence[tuple[str, Interval]] = (),
    ) -> None:
        self.aerators = tuple(aerators)
        self._inputs, self._outages = inputs, tuple(outages)
        self._failures = {
            aerator.id: tuple(i for name, i in failures if name == aerator.id)
            for aerator in aerators
        }

    def has_mains(self, t_s: float) -> bool:
        """Return whether there is mains at the starter."""
        return not _within(t_s, self._outages)

    def is_running(self, aerator: Aerator, t_s: float) -> bool:
        """Return whether it turns."""
        return (
            self.is_commanded(aerator, t_s)
            and self.has_mains(t_s)
            and not _within(t_s, self._failures[aerator.id])
        )

    def is_commanded(self, aerator: Aerator, t_s: float) -> bool:
        """Return whether timer or coil want it on."""
        hour = local_hour(t_s)
        timed = any(_in_hours(hour, start, end) for start, end in aerator.timer)
        return timed or self._inputs.is_on(aerator.id, t_s)

    def oxygen_kg_h(self, from_s: float, to_s: float) -> float:
        """Return the standard transfer rate of what runs, averaged over the interval.

        Timers switch on full hours, which no step of the water straddles.
        """
        return sum(
            aerator.sotr_kg_h * self._share(aerator, from_s, to_s)
            for aerator in self.aerators
        )

    def _share(self, aerator: Aerator, from_s: float, to_s: float) -> float:
        edges = {from_s, to_s, *self._inputs.times(aerator.id, from_s, to_s)}
        for start, end in (*self._outages, *self._failures[aerator.id]):
            edges.update(t for t in (start, end) if from_s < t < to_s)
        ordered = sorted(edges)
        on_s = sum(
            end - start
            for start, end in pairwise(ordered)
            if self.is_running(aerator, start)
        )
        return on_s / (to_s - from_s)


def _within(t_s: float, intervals: Sequence[Interval]) -> bool:
    return any(start <= t_s < end for start, end in intervals)


def _in_hours(hour: float, start: int, end: int) -> bool:
    if start <= end:
        return start <= hour < end
    return hour >= start or hour < end
