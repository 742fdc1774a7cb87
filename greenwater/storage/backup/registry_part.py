"""The registry's part of a backup: a SQLite file, whatever database it came from.

So a registry may also move: saved from SQLite, put into PostgreSQL, or back.
"""

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from sqlalchemy import (
    JSON,
    Connection,
    Engine,
    Table,
    Text,
    cast,
    make_url,
    select,
    text,
)

from greenwater.kernel.errors import ConfigError, ConflictError, InputError
from greenwater.storage.backup.archive import Told
from greenwater.storage.backup.sqlite_copy import copy_sqlite, put_sqlite
from greenwater.storage.registry.migrating import HEAD, migrate, revision_of
from greenwater.storage.registry.models import Base
from greenwater.storage.registry.session import open_engine, translated

ROWS_AT_ONCE: Final = 1_000
TABLES: Final = tuple(Base.metadata.sorted_tables)


def sqlite_path(url: str) -> Path | None:
    """Return the file that a registry's URL names; None: it is a server's."""
    parsed = make_url(url)
    return Path(parsed.database or "") if parsed.drivername == "sqlite" else None


def save_registry(url: str, to: Path, told: Told) -> None:
    """Write the registry as it is at one instant into a new SQLite file.

    Raises:
        ConfigError: there is none, or (on PostgreSQL) of another migration than ours.
        UnavailableError: it does not answer, or the file cannot be written.
    """
    path = sqlite_path(url)
    if path is not None:
        copy_sqlite(path, to, told, "registry")
        return
    to.unlink(missing_ok=True)
    migrate(f"sqlite:///{to}")
    with _opened(url) as engine, translated(), engine.connect() as connection:
        reading = connection.execution_options(isolation_level="REPEATABLE READ")
        with reading.begin():
            _take_time(reading)
            _refuse_other_revision(reading)
            _pull(reading, to, told)


def _take_time(connection: Connection) -> None:
    """Lift the limits that keep a page from hanging: a copy may take minutes."""
    for limit in ("statement_timeout", "idle_in_transaction_session_timeout"):
        connection.exec_driver_sql(f"SET LOCAL {limit} = 0")


def _refuse_other_revision(connection: Connection) -> None:
    found = revision_of(connection)
    if found != HEAD:
        raise ConfigError(
            f"the registry is at migration {found}, this Greenwater at {HEAD}: back it up "
            "with the Greenwater that runs there"
        )


def _pull(connection: Connection, to: Path, told: Told) -> None:
    with contextlib.closing(sqlite3.connect(to)) as file, file:
        for table in TABLES:
            insert = _insert(table)
            query = select(
                *(
                    cast(c, Text) if isinstance(c.type, JSON) else c
                    for c in table.columns
                )
            )
            rows = connection.execution_options(yield_per=ROWS_AT_ONCE).execute(query)
            done = 0
            for some in rows.partitions():
                file.executemany(insert, [tuple(row) for row in some])
                done += len(some)
                told(f"registry, {table.name}", done)


def _insert(table: Table) -> str:
    names = ", ".join(f'"{column.name}"' for column in table.columns)
    marks = ", ".join("?" * len(table.columns))
    return f'INSERT INTO "{table.name}" ({names}) VALUES ({marks})'


def revision_in(part: Path) -> str:
    """Return the migration of a registry's part.

    Raises:
        InputError: it is no registry.
    """
    try:
        with contextlib.closing(sqlite3.connect(part)) as file:
            (found,) = file.execute(
                "SELECT version_num FROM alembic_version"
            ).fetchone()
            return str(found)
    except (sqlite3.Error, TypeError) as exc:
        raise InputError(f"the registry in the backup is none: {exc}") from exc


def counts_in(part: Path) -> dict[str, int]:
    """Return how many rows each table of a registry's part has, those that have any."""
    with contextlib.closing(sqlite3.connect(part)) as file:
        names = [
            name
            for (name,) in file.execute(
                "SELECT name FROM sqlite_schema WHERE type = 'table' "
                "AND name NOT LIKE 'sqlite_%' AND name <> 'alembic_version'"
            )
        ]
        counts = {
            name: int(file.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0])
            for name in names
        }
    return {name: count for name, count in counts.items() if count}


def refuse_used_registry(url: str) -> None:
    """Say so if something is registered already.

    Raises:
        ConflictError: a restore would put two platforms into one.
    """
    path = sqlite_path(url)
    if path is not None:
        if path.exists() and any(counts_in(path).values()):
            raise ConflictError(
                f"the registry {path} is not empty: move it away (with its -wal and -shm), "
                "then restore"
            )
        return
    with _opened(url) as engine, translated(), engine.connect() as connection:
        if revision_of(connection) is not None:
            _refuse_rows(connection)


def _refuse_rows(connection: Connection) -> None:
    for table in TABLES:
        there = connection.scalar(
            text("SELECT to_regclass(:name) IS NOT NULL"), {"name": f'"{table.name}"'}
        )
        if there and connection.execute(select(table).limit(1)).first() is not None:
            raise ConflictError(
                f"the registry is not empty (table {table.name}): make a new database, "
                "set GREENWATER_REGISTRY_URL to it, then restore"
            )


def put_registry(part: Path, url: str, told: Told) -> None:
    """Make the registry what a part at our migration says: in one step.

    Raises:
        ConflictError: the registry is not empty (PostgreSQL).
        UnavailableError: it does not answer; it is as it was.
    """
    path = sqlite_path(url)
    if path is not None:
        put_sqlite(part, path)
        return
    migrate(url)
    with _opened(url) as engine, translated(), engine.begin() as connection:
        _take_time(connection)
        connection.exec_driver_sql(
            "LOCK TABLE alembic_version IN ACCESS EXCLUSIVE MODE"
        )
        _refuse_rows(connection)
        _push(connection, part, told)


def _push(connection: Connection, part: Path, told: Told) -> None:
    driver: Any = connection.connection.driver_connection
    with contextlib.closing(sqlite3.connect(part)) as file, driver.cursor() as cursor:
        for table in TABLES:
            names = ", ".join(f'"{column.name}"' for column in table.columns)
            # One statement a table: references within it are asked for at its end.
            with cursor.copy(f'COPY "{table.name}" ({names}) FROM STDIN') as copying:
                for done, row in enumerate(
                    file.execute(f'SELECT {names} FROM "{table.name}"'), 1
                ):
                    copying.write_row(row)
                    if done % ROWS_AT_ONCE == 0:
                        told(f"registry, {table.name}", done)
            _count_on(cursor, table)


def _count_on(cursor: Any, table: Table) -> None:
    """Have numbers that the database gives go on behind those that are there."""
    keys = list(table.primary_key.columns)
    if len(keys) == 1 and keys[0].type.python_type is int:
        name, key = table.name, keys[0].name
        cursor.execute(
            f"SELECT setval(pg_get_serial_sequence('\"{name}\"', '{key}'), "
            f'max("{key}")) FROM "{name}" HAVING max("{key}") IS NOT NULL'
        )


@contextlib.contextmanager
def _opened(url: str) -> Iterator[Engine]:
    engine = open_engine(url)
    try:
        yield engine
    finally:
        engine.dispose()
