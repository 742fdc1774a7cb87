"""Registries to test on: a fresh one per test, on SQLite and on PostgreSQL."""

import shutil
from collections.abc import Callable
from itertools import count
from pathlib import Path

import psycopg

from greenwater.kernel.ids import DeviceId
from greenwater.kernel.wire.messages import Reply
from greenwater.storage.registry import Registry, migrate
from tests.servers import Postgres

NOW = 1_780_000_000_000
HOUR = 3_600_000

_NUMBERS = count()


class Databases:
    """Hands out URLs of empty databases of one kind, migrated or bare."""

    def __init__(
        self, kind: str, folder: Path, postgres: Callable[[], Postgres]
    ) -> None:
        self.kind, self._folder, self._postgres = kind, folder, postgres
        self._template: str | None = None

    def bare(self) -> str:
        """Return the URL of a database with nothing in it."""
        name = f"r{next(_NUMBERS)}"
        if self.kind == "sqlite":
            return f"sqlite:///{self._folder}/{name}.db"
        self._sql(f"CREATE DATABASE {name}")
        return self._postgres().url(name)

    def migrated(self) -> str:
        """Return the URL of a database with the newest schema and no rows."""
        if self._template is None:
            self._template = self.bare()
            migrate(self._template)
        if self.kind == "sqlite":
            url = self.bare()
            shutil.copyfile(_file(self._template), _file(url))
            return url
        name, template = f"r{next(_NUMBERS)}", self._template.rsplit("/", 1)[1]
        self._sql(f"CREATE DATABASE {name} TEMPLATE {template}")
        return self._postgres().url(name)

    def _sql(self, statement: str) -> None:
        url = self._postgres().url().replace("+psycopg", "")
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(statement.encode())


def _file(url: str) -> str:
    return url.removeprefix("sqlite:///")


def a_farm(registry: Registry, name: str = "hoa") -> str:
    """Add a household with a site and a pond; return the pond's id.

    Ids begin with ``name``: ``hoa-farm`` and ``hoa-ao-1``.
    """
    registry.add_organisation(name, f"Hộ {name}")
    registry.add_site(
        f"{name}-farm", organisation=name, name=f"Trại {name}", commune="22411"
    )
    registry.add_unit(f"{name}-ao-1", site=f"{name}-farm", name="Ao 1")
    return f"{name}-ao-1"


def a_box(registry: Registry, name: str = "hoa", probes: str = "top") -> DeviceId:
    """Add a household's farm and a box with probes on it; return the box's id."""
    a_farm(registry, name)
    registry.add_device(f"{name}-box", site=f"{name}-farm", now_ms=NOW)
    for probe in probes.split():
        registry.add_probe(f"{name}-box", probe)
    return DeviceId(f"{name}-box")


def replies(registry: Registry) -> dict[str, Reply | None]:
    """Return what was replied to every command, by its id; None: it is open."""
    return {
        one.command.id: one.reply
        for device in registry.devices()
        for one in registry.list_commands(device)
    }
