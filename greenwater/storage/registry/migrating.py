"""Bringing the schema up to date, with Alembic, from inside the installed package."""

from importlib import resources
from typing import Final

from sqlalchemy import Connection, Engine, inspect, text

from greenwater.kernel.errors import ConfigError, InvariantError
from greenwater.storage.registry.session import open_engine, translated

HEAD: Final = "0032"
"""The newest migration. Knowing it here spares every start from loading Alembic."""

_LOCK: Final = 7_238_410_295


def migrate(url: str) -> None:
    """Bring the schema behind a URL up to date; several processes may do it at once.

    Raises:
        ConfigError: the URL cannot be, or a newer program has been at work there.
        UnavailableError: the database does not answer.
    """
    engine = open_engine(url)
    try:
        migrate_engine(engine)
    finally:
        engine.dispose()


def migrate_engine(engine: Engine) -> None:
    """Do what ``migrate`` does on an engine that is open."""
    with translated(), engine.connect() as connection:
        reading = connection.execution_options(greenwater_reads=True)
        if revision_of(reading) == HEAD:
            return
    with translated(), engine.connect() as connection:
        if connection.dialect.name == "postgresql":
            _upgrade(connection)
        else:
            _upgrade_sqlite(connection)


def revision_of(connection: Connection) -> str | None:
    """Return the migration that a database is at, None before the first."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    number = connection.scalar(text("SELECT version_num FROM alembic_version"))
    return None if number is None else str(number)


def _upgrade_sqlite(connection: Connection) -> None:
    # Changing a table on SQLite rebuilds it, which the references to it would forbid.
    # The pragma does nothing inside a transaction, hence on the driver's connection.
    driver = connection.connection.driver_connection
    if driver is None:
        raise InvariantError("registry: no connection to migrate on")
    driver.execute("PRAGMA foreign_keys = OFF")
    try:
        _upgrade(connection)
        broken = driver.execute("PRAGMA foreign_key_check").fetchall()
        if broken:
            raise InvariantError(f"registry: migration broke references: {broken[:3]}")
    finally:
        driver.execute("PRAGMA foreign_keys = ON")


def _upgrade(connection: Connection) -> None:
    from alembic import command
    from alembic.config import Config
    from alembic.util import CommandError

    config = Config()
    folder = resources.files("greenwater.storage.registry") / "migrations"
    config.set_main_option("script_location", str(folder).replace("%", "%%"))
    config.attributes["connection"] = connection
    with connection.begin():
        if connection.dialect.name == "postgresql":
            # One migrates, the others wait here and find it done.
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_LOCK})")
        try:
            command.upgrade(config, "head")
        except CommandError as exc:
            raise ConfigError(
                f"the registry was migrated by a newer greenwater ({exc}): "
                "update this one, or restore a backup"
            ) from exc
