"""What was switched in the water, when: the history that makes commands reproducible.

An aerator's contactor has a coil (the edge's), and a timer in parallel with it. A world
is a pure function of time, seed and this history; keep the history in a file and a
restarted simulator continues where it was.
"""

from bisect import bisect_right
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import msgspec

from greenwater.kernel.errors import ConfigError


class Switching(NamedTuple):
    """At ``t_s`` the coil of ``aerator`` was switched."""

    t_s: float
    aerator: str
    is_on: bool


class Inputs:
    """Coil switchings of one unit, in order of time.

    ``revised`` lists from when on each change could matter, in order of recording: what
    was computed of later instants before it is out of date.
    """

    def __init__(self) -> None:
        self._by_aerator: dict[str, list[Switching]] = {}
        self.revised: list[float] = []

    def record(self, switching: Switching) -> bool:
        """Add a switching; False if the coil was already in that state then."""
        if self.is_on(switching.aerator, switching.t_s) == switching.is_on:
            return False
        history = self._by_aerator.setdefault(switching.aerator, [])
        history.insert(bisect_right(history, switching.t_s, key=_time), switching)
        self.revised.append(switching.t_s)
        return True

    def is_on(self, aerator: str, t_s: float) -> bool:
        """Return whether the coil is pulled at ``t_s``; it is off until switched."""
        history = self._by_aerator.get(aerator)
        if not history:
            return False
        index = bisect_right(history, t_s, key=_time)
        return index > 0 and history[index - 1].is_on

    def times(self, aerator: str, from_s: float, to_s: float) -> list[float]:
        """Return when the coil was switched within ``(from_s, to_s)``."""
        history = self._by_aerator.get(aerator, ())
        return [s.t_s for s in history if from_s < s.t_s < to_s]


def _time(switching: Switching) -> float:
    return switching.t_s


class InputLog:
    """Switchings of all units, in a file of JSON lines if there is one.

    A last line that a power cut tore is dropped: that switching was never confirmed.

    Raises:
        ConfigError: the file holds something else.
    """

    def __init__(self, units: Mapping[str, Inputs], path: Path | None = None) -> None:
        self._units, self._path = units, path
        if path is not None and path.exists():
            whole, _, torn = path.read_bytes().rpartition(b"\n")
            if torn:
                path.write_bytes(whole + b"\n" if whole else b"")
            for line in whole.splitlines():
                self._replay(line, path)

    def record(self, unit: str, switching: Switching) -> None:
        """Switch a coil, and remember it."""
        if self._units[unit].record(switching) and self._path is not None:
            with self._path.open("ab") as lines:
                lines.write(msgspec.json.encode((unit, *switching)) + b"\n")

    def _replay(self, line: bytes, path: Path) -> None:
        try:
            unit, t_s, aerator, is_on = msgspec.json.decode(
                line, type=tuple[str, float, str, bool]
            )
            self._units[unit].record(Switching(t_s, aerator, is_on))
        except (msgspec.MsgspecError, KeyError) as exc:
            raise ConfigError(f"{path}: {line[:80]!r} is no switching: {exc}") from exc
