"""Opening the registry's database, on SQLite or PostgreSQL, and translating its errors."""

import contextlib
from collections.abc import Iterator
from importlib import resources
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, Engine, create_engine, event, make_url
from sqlalchemy import exc as sa
from sqlalchemy.orm import Session, sessionmaker

from greenwater.kernel.errors import ConfigError, ConflictError, UnavailableError

BUSY_MS = 30_000


@contextlib.contextmanager
def translated() -> Iterator[None]:
    """Turn SQLAlchemy's errors into the six families.

    A broken constraint contradicts what is recorded; a URL or statement that cannot be
    is the operator's; everything else of the database may be better later.
    """
    try:
        yield
    except sa.IntegrityError as exc:
        raise ConflictError(f"registry: {exc.orig}") from exc
    except (sa.ArgumentError, sa.NoSuchModuleError) as exc:
        raise ConfigError(f"registry URL: {exc}") from exc
    except sa.SQLAlchemyError as exc:
        reason = getattr(exc, "orig", None) or exc
        raise UnavailableError(f"registry: {str(reason).strip()[:300]}") from exc


def open_engine(url: str) -> Engine:
    """Return an engine for ``sqlite:///FILE`` or ``postgresql+psycopg://…``.

    Raises:
        ConfigError: the URL is not one of the two.
    """
    with translated():
        parsed = make_url(url)
    if parsed.drivername in ("postgresql", "postgres"):
        parsed = parsed.set(drivername="postgresql+psycopg")
    if parsed.drivername == "postgresql+psycopg":
        return create_engine(
            parsed,
            pool_pre_ping=True,
            connect_args={
                "connect_timeout": 5,
                "options": "-c statement_timeout=60000",
            },
        )
    if not parsed.drivername.startswith("sqlite"):
        raise ConfigError(
            f"registry URL starts with {parsed.drivername!r}: "
            "write sqlite:///FILE or postgresql://…"
        )
    if parsed.database:
        Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(parsed, connect_args={"timeout": BUSY_MS / 1000})
    event.listen(engine, "connect", _sqlite_connected)
    event.listen(engine, "begin", _sqlite_begins)
    return engine


def _sqlite_connected(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # we begin ourselves, see below
    cursor = connection.cursor()
    for pragma in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _sqlite_begins(connection: Connection) -> None:
    # A deferred BEGIN that turns into a write fails as busy without waiting.
    is_reading = connection.get_execution_options().get("greenwater_reads", False)
    connection.exec_driver_sql("BEGIN" if is_reading else "BEGIN IMMEDIATE")


def migrate(engine: Engine) -> None:
    """Bring the schema up to date; several processes may do it at once.

    Raises:
        UnavailableError: the database does not answer.
    """
    config = Config()
    folder = resources.files("greenwater.storage.registry") / "migrations"
    config.set_main_option("script_location", str(folder))
    with translated(), engine.begin() as connection:
        if connection.dialect.name == "postgresql":
            # One migrates, the others wait and find it done.
            connection.exec_driver_sql("SELECT pg_advisory_xact_lock(7238410295)")
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


class Sessions:
    """Short transactions on one engine."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._make = sessionmaker(engine, expire_on_commit=False)

    @contextlib.contextmanager
    def writing(self) -> Iterator[Session]:
        """One transaction that may write."""
        with translated(), self._make.begin() as session:
            yield session

    @contextlib.contextmanager
    def reading(self) -> Iterator[Session]:
        """One transaction that only reads."""
        with translated(), self._make() as session:
            session.connection(execution_options={"greenwater_reads": True})
            yield session
