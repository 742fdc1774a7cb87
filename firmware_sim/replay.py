"""Recordings instead of models: rows of CSV files, in lockstep on the system's clock.

A row is served until it has been read: the clock stands at the row's time until every
probe has been asked. A probe that has a row must have all its values read; one that has
none at this instant answers "busy", once, which counts as asked. Then the clock moves to
the next time at which any file has a row.
"""

import csv
import gzip
import math
import zlib
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import IO

from firmware_sim.devices.probe import NoSampleError, ProbeMap, VirtualProbe, carrying
from greenwater.kernel.channels import Channel
from greenwater.kernel.clock import SteppedClock
from greenwater.kernel.errors import InputError

COLUMNS: dict[str, str] = {
    "temperature_c": "temperature",
    "specific_conductivity_ms_cm": "specific_conductivity",
    "conductivity_ms_cm": "conductivity",
    "salinity_psu": "salinity",
    "oxygen_saturation_pct": "oxygen_saturation",
    "dissolved_oxygen_mg_l": "dissolved_oxygen",
    "depth_m": "depth",
    "turbidity_ntu": "turbidity",
    "chlorophyll_ug_l": "chlorophyll",
    "orp_mv": "orp",
}
"""Names of columns that are not a channel's own."""

Row = tuple[float, dict[str, float | None]]


class Recording:
    """One CSV file (``.gz`` too): ``time`` and columns that are channels; read once, in order."""

    def __init__(self, path: Path, *, rows: int | None = None) -> None:
        self.path, self._most = path, rows
        header = next(self._lines(), [])
        if "time" not in header:
            raise InputError(f"{path}: there is no column 'time'")
        known = set(Channel)
        self.columns = {
            name: COLUMNS.get(name, name)
            for name in header
            if COLUMNS.get(name, name) in known
        }
        if not self.columns:
            raise InputError(
                f"{path}: no column is a channel; there are {', '.join(header)}"
            )
        if len(set(self.columns.values())) < len(self.columns):
            raise InputError(
                f"{path}: two columns are one channel: {', '.join(self.columns)}"
            )
        self._header = header

    @property
    def channels(self) -> list[str]:
        """The channels in the order of the columns."""
        return list(self.columns.values())

    def _open(self) -> IO[str]:
        # A table from a spreadsheet begins with a byte order mark.
        if self.path.suffix == ".gz":
            return gzip.open(self.path, "rt", encoding="utf-8-sig", newline="")
        return self.path.open(encoding="utf-8-sig", newline="")

    def _lines(self) -> Iterator[list[str]]:
        try:
            with self._open() as file:
                yield from csv.reader(file)
        except (OSError, EOFError, UnicodeDecodeError, csv.Error, zlib.error) as exc:
            raise InputError(f"{self.path} cannot be read: {exc}") from exc

    def rows(self) -> Iterator[Row]:
        """Yield (seconds since 1970, values); an empty cell is None.

        Raises:
            InputError: a time or value cannot be read, or a time does not follow the
                one before it; named by its line.
        """
        before_s = -math.inf
        for line, cells in enumerate(islice(self._lines(), 1, None), 2):
            if self._most is not None and line - 2 >= self._most:
                return
            try:
                at_s, values = self._row(dict(zip(self._header, cells, strict=False)))
            except (ValueError, KeyError) as exc:
                raise InputError(f"{self.path}, line {line}: {exc}") from exc
            if at_s <= before_s:
                raise InputError(f"{self.path}, line {line}: time does not go forward")
            before_s = at_s
            yield at_s, values

    def _row(self, row: Mapping[str, str]) -> Row:
        at = datetime.fromisoformat(row["time"])
        at = at if at.tzinfo else at.replace(tzinfo=UTC)
        values = {
            channel: _number(row.get(name, ""))
            for name, channel in self.columns.items()
        }
        return at.timestamp(), values


def _number(text: str) -> float | None:
    number = float(text) if text.strip() else math.nan
    return number if math.isfinite(number) else None


class _Track:
    """One recording behind one probe: the ``ValueSource`` of the row at hand."""

    def __init__(self, recording: Recording) -> None:
        self._rows = recording.rows()
        self.ahead: Row | None = next(self._rows, None)
        self.now: Row | None = None
        self.error: InputError | None = None

    def values_at(self, t_s: float) -> Mapping[str, float | None]:
        if self.now is None:
            raise NoSampleError
        return self.now[1]

    def step_to(self, t_s: float) -> None:
        if self.ahead is not None and self.ahead[0] == t_s:
            self.now, self.ahead = self.ahead, self._next()
        else:
            self.now = None

    def _next(self) -> Row | None:
        # We are in the middle of a probe's answer: kept for whoever runs the replay.
        try:
            return next(self._rows, None)
        except InputError as exc:
            self.error = exc
            return None


class Replay:
    """Probes that serve recordings, and the clock that waits for their readers.

    A recording ends at its last row, or before one that cannot be read: ``error``.
    """

    def __init__(self, recordings: Sequence[Recording], clock_path: Path) -> None:
        self._tracks = [_Track(recording) for recording in recordings]
        self.probes = [
            VirtualProbe(self._map(recording), track, unit=unit)
            for unit, (recording, track) in enumerate(
                zip(recordings, self._tracks, strict=True), 1
            )
        ]
        first = min((t.ahead[0] for t in self._tracks if t.ahead), default=0.0)
        self.clock = SteppedClock(clock_path, start=datetime.fromtimestamp(first, UTC))
        self.served = 0
        self.is_done = False
        self._unread: dict[int, set[int]] = {}
        self._step()

    @staticmethod
    def _map(recording: Recording) -> ProbeMap:
        return carrying(recording.channels)

    @property
    def error(self) -> InputError | None:
        """Why a recording ended too early, if one did."""
        errors = (track.error for track in self._tracks)
        return next((error for error in errors if error is not None), None)

    def now_s(self) -> float:
        """Return the time the replay has reached."""
        return self.clock.now().timestamp()

    def on_read(self, probe: VirtualProbe, first: int, count: int) -> None:
        """Note a read; when all have been asked, go on to the next row."""
        unread = self._unread.get(probe.unit)
        if unread is None:
            return
        unread.difference_update(range(first, first + count))
        if not probe.source.now:  # type: ignore[attr-defined]
            unread.clear()
        if not unread:
            del self._unread[probe.unit]
            if not self._unread:
                self._step()

    def _step(self) -> None:
        times = [track.ahead[0] for track in self._tracks if track.ahead is not None]
        if not times:
            self.is_done = True
            return
        now_s = min(times)
        for track in self._tracks:
            track.step_to(now_s)
        self.served += sum(track.now is not None for track in self._tracks)
        self._unread = {
            probe.unit: {value.register for value in probe.map.values}
            for probe in self.probes
        }
        self.clock.set(datetime.fromtimestamp(now_s, UTC))
