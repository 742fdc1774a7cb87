"""The telemetry store's part of a backup: a SQLite file, whatever store it came from.

So readings may also move from one store into the other.
"""

import contextlib
import itertools
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from greenwater.kernel.errors import ConflictError, UnavailableError
from greenwater.kernel.ids import WorkerId
from greenwater.kernel.reading import Reading
from greenwater.storage.backup.archive import Told
from greenwater.storage.backup.sqlite_copy import copy_sqlite, put_sqlite
from greenwater.storage.telemetry import open_telemetry
from greenwater.storage.telemetry.ports import Series, Span, Telemetry
from greenwater.storage.telemetry.sqlite import SqliteTelemetry
from greenwater.storage.telemetry.urls import SqliteUrl, parse_url

READINGS_AT_ONCE: Final = 5_000
INTAKE_AT_ONCE: Final = 5_000
FURTHEST_MS: Final = 9_223_372_036_000
"""Further than any time that either store can hold."""


def telemetry_path(url: str) -> Path | None:
    """Return the file that a telemetry URL names; None: it is a server's."""
    parsed = parse_url(url)
    return parsed.path if isinstance(parsed, SqliteUrl) else None


def save_telemetry(url: str, to: Path, told: Told) -> None:
    """Write the store into a new SQLite file.

    Of another SQLite file it is the state at one instant. Of InfluxDB, which has no
    snapshots, intake is read first: each batch it speaks of was stored before, so all of
    its readings are read after it.

    Raises:
        ConfigError: there is no such store.
        UnavailableError: it does not answer, or gave up old readings meanwhile.
    """
    path = telemetry_path(url)
    if path is not None:
        copy_sqlite(path, to, told, "telemetry store")
        return
    to.unlink(missing_ok=True)
    with _opened(url) as source, contextlib.closing(SqliteTelemetry(to)) as target:
        copy_intake(source, target, told)
        before = {one: source.rolled.given_up(one) for one in source.rolled.series()}
        copy_all_but_intake(source, target, told)
        if any(source.rolled.given_up(one) != known for one, known in before.items()):
            raise UnavailableError(
                "the telemetry store gave up old readings meanwhile: back up once more"
            )


def put_telemetry(part: Path, url: str, told: Told) -> None:
    """Make the store hold what a part holds; done again, it changes nothing.

    Intake comes last: a batch is not said to be stored before its readings are.

    Raises:
        UnavailableError: the store does not answer; do it again.
    """
    path = telemetry_path(url)
    if path is not None:
        put_sqlite(part, path)
        return
    with contextlib.closing(SqliteTelemetry(part)) as source, _opened(url) as target:
        copy_all_but_intake(source, target, told)
        copy_intake(source, target, told)


def refuse_used_telemetry(url: str) -> None:
    """Say so if the store has readings or intake.

    Raises:
        ConflictError: a restore would mix two platforms' readings.
    """
    path = telemetry_path(url)
    if path is not None and not path.exists():
        return
    with _opened(url) as store:
        if store.rolled.series() or store.intake_after({}, 1):
            where = path or "behind GREENWATER_TELEMETRY_URL"
            raise ConflictError(
                f"the telemetry store {where} is not empty: move it away, or name an "
                "empty one, then restore"
            )


def counts_in(part: Path) -> dict[str, int]:
    """Return how many readings and batches a part holds."""
    with contextlib.closing(sqlite3.connect(part)) as file:
        asked = {
            "readings": "SELECT count(*) FROM reading WHERE channel > 0",
            "batches": "SELECT count(*) FROM intake",
        }
        return {
            name: int(file.execute(sql).fetchone()[0]) for name, sql in asked.items()
        }


def last_sequences(part: Path) -> dict[WorkerId, int]:
    """Return the number of each worker's last batch in a part."""
    with contextlib.closing(sqlite3.connect(part)) as file:
        rows = file.execute("SELECT worker, max(sequence) FROM intake GROUP BY worker")
        return {WorkerId(worker): int(last) for worker, last in rows}


def copy_intake(source: Telemetry, target: Telemetry, told: Told) -> None:
    """Copy the inbox, in each worker's order."""
    cursor: dict[WorkerId, int] = {}
    done = 0
    while rows := source.intake_after(cursor, INTAKE_AT_ONCE):
        target.record(rows)
        for row in rows:
            cursor[row.worker] = row.sequence
        done += len(rows)
        told("batches", done)


def copy_all_but_intake(source: Telemetry, target: Telemetry, told: Told) -> None:
    """Copy readings with their flags, gaps, findings and roll-ups, series by series."""
    done = 0
    for series in source.rolled.series():
        everything = Span(series, -FURTHEST_MS, FURTHEST_MS)
        for some in _pages(source.read(everything)):
            target.write(some)
            about = Span(series, some[0].taken_ms, some[-1].taken_ms + 1)
            channels = {one.channel for one in some}
            target.write_flags(source.flags(about, channels))
            done += len(some)
            told("readings", done)
        target.write((), source.gaps(everything))
        target.findings.write(
            source.findings.forecasts(everything), source.findings.episodes(everything)
        )
        _copy_rolled(source, target, series)


def _copy_rolled(source: Telemetry, target: Telemetry, series: Series) -> None:
    for measurement, given_up_ms in source.rolled.given_up(series).items():
        hours = source.rolled.hours(series, measurement)
        while some := list(itertools.islice(hours, READINGS_AT_ONCE)):
            target.rolled.put(series, measurement, some, given_up_ms)


def _pages(readings: Iterator[Reading]) -> Iterator[list[Reading]]:
    while some := list(itertools.islice(readings, READINGS_AT_ONCE)):
        yield some


@contextlib.contextmanager
def _opened(url: str) -> Iterator[Telemetry]:
    store = open_telemetry(url)
    try:
        yield store
    finally:
        store.close()


def refuse_newer(part: Path) -> None:
    """Say so if a newer program wrote this part.

    Raises:
        ConfigError: it did, or the part is no telemetry.
    """
    SqliteTelemetry(part).close()
