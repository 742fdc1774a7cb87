"""The registry: people, places, devices, and what operators keep."""

import secrets
from types import TracebackType

from sqlalchemy import Engine

from greenwater.storage.registry.desk import Desk
from greenwater.storage.registry.devices import Devices
from greenwater.storage.registry.places import Places
from greenwater.storage.registry.session import Sessions, migrate, open_engine

__all__ = ["Registry", "open_registry"]


class Registry(Devices, Places, Desk):
    """One registry, open. Every call is its own transaction; any thread may call.

    Raises (every method):
        UnavailableError: the database did not answer.
    """

    def __init__(self, engine: Engine) -> None:
        self._sessions = Sessions(engine)

    def new_epoch(self) -> str:
        """Begin a new ingest epoch and return its id."""
        epoch = secrets.token_hex(8)
        self.add_epoch(epoch)
        return epoch

    def close(self) -> None:
        """Release the connections."""
        self._sessions.engine.dispose()

    def __enter__(self) -> "Registry":
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self.close()


def open_registry(url: str) -> Registry:
    """Open the registry behind a URL and bring its schema up to date.

    Raises:
        ConfigError: the URL is neither SQLite's nor PostgreSQL's.
        UnavailableError: the database does not answer.
    """
    engine = open_engine(url)
    try:
        migrate(engine)
    except BaseException:
        engine.dispose()
        raise
    return Registry(engine)
