"""The registry's database: opening it, short transactions, its errors in our words."""

import contextlib
import sqlite3
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import msgspec
from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy import exc as sa
from sqlalchemy.orm import ORMExecuteState, Session, sessionmaker
from sqlalchemy.orm import exc as orm

from greenwater.kernel.errors import (
    ConfigError,
    ConflictError,
    InputError,
    InvariantError,
    PlatformError,
    UnavailableError,
)

BUSY_S: Final = 15.0
"""How long a writer waits for another one's transaction on SQLite."""
WAL_PAUSE_S: Final = 0.02
_OPTIONS: Final = "greenwater_options"

_POSTGRES: Final = {
    "connect_timeout": 5,
    # A statement that hangs, and a peer that is gone without a word, end by themselves.
    "options": "-c statement_timeout=60000 -c idle_in_transaction_session_timeout=60000",
    "keepalives_idle": 30,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,
}

FAMILY_OF: Final[tuple[tuple[type[Exception], type[PlatformError]], ...]] = (
    (sa.IntegrityError, ConflictError),
    (orm.StaleDataError, ConflictError),
    (sa.DataError, InputError),
    (sa.ProgrammingError, ConfigError),  # no such table, permission denied
    (sa.NotSupportedError, ConfigError),
    (sa.OperationalError, UnavailableError),
    (sa.InterfaceError, UnavailableError),
    (sa.InternalError, UnavailableError),
    (sa.TimeoutError, UnavailableError),
    (sa.DisconnectionError, UnavailableError),
    (sa.DatabaseError, ConfigError),  # SQLite: the file is no database, or damaged
    (sa.DBAPIError, UnavailableError),
    (sa.SQLAlchemyError, InvariantError),  # we used the library wrongly
    # The drivers raise these themselves for text and numbers that cannot be stored.
    (UnicodeError, InputError),
    (OverflowError, InputError),
)
"""What a caller should do about each error of the library; the first match counts."""


@contextlib.contextmanager
def translated() -> Iterator[None]:
    """Turn the errors of SQLAlchemy and its drivers into the six families."""
    try:
        yield
    except tuple(foreign for foreign, _ in FAMILY_OF) as exc:
        reason = getattr(exc, "orig", None) or exc
        # A bare StatementError wraps what went wrong before the driver was asked.
        judged = reason if type(exc) is sa.StatementError else exc
        families = (ours for foreign, ours in FAMILY_OF if isinstance(judged, foreign))
        family = next(families, InvariantError)
        raise family(f"registry: {' '.join(str(reason).split())[:300]}") from exc


def open_engine(url: str) -> Engine:
    """Return an engine for ``sqlite:///FILE`` or ``postgresql://…``.

    Raises:
        ConfigError: the URL is neither, or the file's folder cannot be made.
    """
    try:
        parsed = make_url(url)
    except (sa.ArgumentError, ValueError) as exc:
        raise ConfigError(
            "the registry's URL cannot be read: write sqlite:///FILE or postgresql://…"
        ) from exc
    if parsed.drivername in ("postgresql", "postgres", "postgresql+psycopg"):
        return create_engine(
            parsed.set(drivername="postgresql+psycopg"),
            pool_pre_ping=True,
            hide_parameters=True,  # hashes and telephone numbers stay out of logs
            connect_args=_POSTGRES,
            json_serializer=_to_json,
            json_deserializer=msgspec.json.decode,
        )
    if parsed.drivername != "sqlite":
        raise ConfigError(
            f"the registry's URL begins with {parsed.drivername!r}: "
            "write sqlite:///FILE or postgresql://…"
        )
    return _sqlite_engine(parsed)


def _sqlite_engine(url: URL) -> Engine:
    if not url.database or url.database == ":memory:":
        raise ConfigError("the registry's URL names no file: write sqlite:///FILE")
    folder = Path(url.database).parent
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as exc:
        raise ConfigError(f"cannot make the registry's folder {folder}: {exc}") from exc
    engine = create_engine(
        url,
        connect_args={"timeout": BUSY_S},
        hide_parameters=True,
        json_serializer=_to_json,
        json_deserializer=msgspec.json.decode,
    )
    event.listen(engine, "connect", _sqlite_connected)
    event.listen(engine, "begin", _sqlite_begins)
    return engine


def _to_json(document: Any) -> str:
    return msgspec.json.encode(document).decode()


def _sqlite_connected(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # we begin ourselves, see below
    _into_wal(connection)
    for pragma in ("synchronous = FULL", "foreign_keys = ON"):
        connection.execute(f"PRAGMA {pragma}")


def _into_wal(connection: Any) -> None:
    # A new file is turned to WAL once; others who come at that moment are told "locked"
    # at once, whatever their timeout (sqlite.org/wal.html, "Sometimes Queries Return
    # SQLITE_BUSY In WAL Mode"), so they ask again.
    deadline_s = time.monotonic() + BUSY_S
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as exc:
            if "locked" not in str(exc) or time.monotonic() > deadline_s:
                raise
            threading.Event().wait(WAL_PAUSE_S)
        else:
            return


def _sqlite_begins(connection: Connection) -> None:
    # A deferred BEGIN that turns into a write fails as busy without waiting.
    is_reading = connection.get_execution_options().get("greenwater_reads", False)
    connection.exec_driver_sql("BEGIN" if is_reading else "BEGIN IMMEDIATE")


class Sessions:
    """Short transactions on one engine; any thread may begin one.

    ``options`` are loader criteria that narrow every query read through it.
    """

    def __init__(
        self,
        engine: Engine,
        *options: Any,
        make: sessionmaker[Session] | None = None,
    ) -> None:
        self.engine, self._options = engine, options
        self._make = make or _maker(engine)
        self._shared = threading.local()
        # SQLite reads of one moment; PostgreSQL would have each statement read of its own.
        self._reads: dict[str, Any] = {"greenwater_reads": True}
        if engine.dialect.name == "postgresql":
            self._reads["isolation_level"] = "REPEATABLE READ"

    def narrowed(self, *options: Any) -> "Sessions":
        """Return the same database, seen through ``options`` as well."""
        return Sessions(self.engine, *self._options, *options, make=self._make)

    @contextlib.contextmanager
    def writing(self) -> Iterator[Session]:
        """One transaction that may write."""
        if self._options:
            raise RuntimeError("a narrowed view of the registry does not write")
        with translated(), self._make.begin() as session:
            yield session

    @contextlib.contextmanager
    def reading(self) -> Iterator[Session]:
        """One transaction that only reads, all of one moment."""
        shared: Session | None = getattr(self._shared, "session", None)
        if shared is not None:
            with translated():
                yield shared
            return
        with translated(), self._make(info={_OPTIONS: self._options}) as session:
            session.connection(execution_options=self._reads)
            yield session

    @contextlib.contextmanager
    def together(self) -> Iterator[None]:
        """Have all that this thread reads meanwhile be read in one transaction.

        What it writes meanwhile it does not see: for pages that only show.
        """
        with self.reading() as session:
            outer = getattr(self._shared, "session", None)
            self._shared.session = session
            try:
                yield
            finally:
                self._shared.session = outer


def _maker(engine: Engine) -> sessionmaker[Session]:
    # One for each database: sessionmaker makes a class, and what SQLAlchemy notes of a
    # class or a listener is never forgotten. One for each visitor would eat the memory.
    make = sessionmaker(engine, expire_on_commit=False)
    event.listen(make, "do_orm_execute", _narrow)
    return make


def _narrow(state: ORMExecuteState) -> None:
    options = state.session.info.get(_OPTIONS)
    if options:
        state.statement = state.statement.options(*options)
