"""A pond's oxygen for the oxygen forecast's tests: days, tides, noise, no file."""

import numpy as np
from numpy.typing import NDArray

from analytics.oxygen.forecaster import History

STEP_MS = 900_000
START_MS = 1_700_006_400_000


def a_pond(
    days: float, *, seed: int = 1, noise: float = 0.15, step_ms: int = STEP_MS
) -> History:
    """Return a history of oxygen that follows sun, weather and temperature."""
    rng = np.random.default_rng(seed)
    size = int(days * 86_400_000 / step_ms)
    times = START_MS + step_ms * np.arange(size, dtype=np.int64)
    hours = (times - START_MS) / 3_600_000
    weather = _wandering(rng, size, 72 * 3_600_000 / step_ms)
    swing = 2.0 + 0.4 * weather
    oxygen = 6 + swing * np.sin(2 * np.pi * (hours - 9) / 24) + 0.6 * weather
    oxygen += rng.normal(0, noise, size)
    temperature = 28 + 1.5 * np.sin(2 * np.pi * (hours - 10) / 24) + weather
    return History(times, np.maximum(oxygen, 0.0), {"temperature": temperature})


def _wandering(
    rng: np.random.Generator, size: int, memory: float
) -> NDArray[np.float64]:
    values, now = np.empty(size), 0.0
    for at, push in enumerate(rng.normal(0, (2 / memory) ** 0.5, size)):
        now += push - now / memory
        values[at] = now
    return values


def cut(history: History, at_ms: int) -> History:
    """Return the history as it stood at an instant."""
    until = int(np.searchsorted(history.times_ms, at_ms, side="right"))
    return History(
        history.times_ms[:until],
        history.oxygen[:until],
        {name: values[:until] for name, values in history.inputs.items()},
    )
