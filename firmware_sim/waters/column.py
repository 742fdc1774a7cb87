"""A column of water as a pure function of time, its seed and what was switched.

The state is stepped on a fixed grid of five minutes from a fixed beginning and kept each
hour, so that any instant costs at most eleven steps and the piece that is left.
"""

import math
from threading import Lock
from typing import Final, Protocol

from firmware_sim.waters.inputs import Inputs
from firmware_sim.waters.layers import Solutes, State, blend

STEP_S: Final = 300.0
_STEPS_KEPT: Final = 12
_EDGE_M: Final = 0.15  # half the height over which one layer passes into the other


class Model(Protocol):
    """How one kind of water changes."""

    def initial(self) -> State:
        """Return the state at the beginning."""
        ...

    def step(self, state: State, t_s: float, length_s: float) -> State:
        """Return the state ``length_s`` after ``t_s``; at most ``STEP_S``."""
        ...

    def level_m(self, t_s: float, state: State) -> float:
        """Return the water level as a gauge on the spot shows it."""
        ...


class Column:
    """One unit's water. Before ``origin_s`` it stands still. Safe in several threads."""

    def __init__(self, model: Model, *, origin_s: float, inputs: Inputs) -> None:
        self.model, self._inputs = model, inputs
        self._first = math.floor(origin_s / STEP_S)
        self._kept = [model.initial()]
        self._last = (self._first, self._kept[0])
        self._revisions_seen = 0
        self._lock = Lock()

    def state_at(self, t_s: float) -> State:
        """Return the state at ``t_s``."""
        with self._lock:
            self._forget_revised()
            number = math.floor(t_s / STEP_S)
            if number < self._first:
                return self._kept[0]
            state = self._on_grid(number)
            rest = t_s - number * STEP_S
            if rest <= 0:
                return state
            return self.model.step(state, number * STEP_S, rest)

    def water_at(self, t_s: float, depth_m: float) -> tuple[Solutes, float]:
        """Return solutes and pH at a depth below the surface."""
        upper, lower = self.state_at(t_s)
        below = (depth_m - upper.thickness_m) / _EDGE_M
        share = min(max((below + 1) / 2, 0.0), 1.0)
        water = blend(upper.water, lower.water, share)
        return water, upper.ph + (lower.ph - upper.ph) * share

    def _on_grid(self, number: int) -> State:
        at, state = self._nearest(number)
        while at < number:
            state = self.model.step(state, at * STEP_S, STEP_S)
            at += 1
            passed = at - self._first
            if passed % _STEPS_KEPT == 0 and passed // _STEPS_KEPT == len(self._kept):
                self._kept.append(state)
        self._last = (number, state)
        return state

    def _nearest(self, number: int) -> tuple[int, State]:
        kept = min((number - self._first) // _STEPS_KEPT, len(self._kept) - 1)
        at = self._first + kept * _STEPS_KEPT
        return self._last if at <= self._last[0] <= number else (at, self._kept[kept])

    def _forget_revised(self) -> None:
        for t_s in self._inputs.revised[self._revisions_seen :]:
            grid = math.floor(t_s / STEP_S)
            hours = max((grid - self._first) // _STEPS_KEPT, 0)
            del self._kept[hours + 1 :]
            if self._last[0] > grid:
                self._last = (self._first, self._kept[0])
        self._revisions_seen = len(self._inputs.revised)
