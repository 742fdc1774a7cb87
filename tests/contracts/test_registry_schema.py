"""The registry's database: its migrations, its errors, several processes at once."""

import inspect
import multiprocessing
import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from importlib import resources
from pathlib import Path

import pytest
import sqlalchemy.exc
import sqlalchemy.orm.exc
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import exc, text

from greenwater.kernel.errors import (
    FAMILIES,
    ConfigError,
    ConflictError,
    InputError,
    InvariantError,
    MissingError,
    UnavailableError,
)
from greenwater.storage.registry import Registry, migrate, open_registry
from greenwater.storage.registry.devices import NewDevice
from greenwater.storage.registry.migrating import HEAD
from greenwater.storage.registry.session import open_engine, translated
from tests.contracts.registries import NOW, Databases, a_box, a_farm
from tests.servers import Postgres


def alembic_config() -> Config:
    folder = resources.files("greenwater.storage.registry") / "migrations"
    config = Config()
    config.set_main_option("script_location", str(folder))
    return config


def test_migrations_and_models_say_the_same(databases: Databases) -> None:
    url = databases.bare()
    migrate(url)
    engine, config = open_engine(url), alembic_config()

    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.check(config)  # raises where they differ
    engine.dispose()


def test_the_newest_migration_is_the_one_the_program_knows() -> None:
    assert ScriptDirectory.from_config(alembic_config()).get_heads() == [HEAD]


def test_migrating_twice_changes_nothing(databases: Databases) -> None:
    url = databases.bare()
    migrate(url)
    with open_registry(url) as registry:
        a_farm(registry)

    migrate(url)

    with open_registry(url) as registry:
        assert len(registry.sites()) == 1


def test_processes_that_start_at_once_migrate_once(databases: Databases) -> None:
    url = databases.bare()

    with ThreadPoolExecutor(5) as pool:
        list(pool.map(migrate, [url] * 5))

    with open_registry(url) as registry:
        a_farm(registry)


def test_a_registry_of_a_newer_program_is_not_touched(databases: Databases) -> None:
    url = databases.migrated()
    engine = open_engine(url)
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    engine.dispose()

    with pytest.raises(ConfigError, match=r"newer greenwater.*9999"):
        open_registry(url)


def test_references_are_held_after_opening(databases: Databases) -> None:
    url = databases.bare()
    orphan = (
        "INSERT INTO site (id, organisation, name, kind) "
        "VALUES ('s', 'nobody', 'S', 'farm')"
    )
    with (
        open_registry(url) as registry,
        pytest.raises(ConflictError, match=r"(?i)foreign key"),
        registry._sessions.writing() as session,
    ):
        session.execute(text(orphan))


def test_what_fails_half_way_leaves_nothing(registry: Registry) -> None:
    a_farm(registry)
    boxes = [
        NewDevice(id="box-1", site="hoa-farm"),
        NewDevice(id="box-2", site="nowhere"),
    ]
    with pytest.raises(MissingError):
        registry.add_devices(boxes, now_ms=NOW)

    assert registry.devices() == []


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("mysql://localhost/x", "begins with 'mysql'"),
        ("sqlite://", "names no file"),
        ("sqlite:///:memory:", "names no file"),
        ("registry.db", "cannot be read"),
        ("postgresql://host:port/x", "cannot be read"),
        ("sqlite:////proc/no/registry.db", "folder /proc/no"),
    ],
)
def test_a_url_that_cannot_be_is_the_operators(url: str, sentence: str) -> None:
    with pytest.raises(ConfigError, match=sentence):
        open_registry(url)


def test_a_url_that_is_refused_does_not_show_its_password() -> None:
    with pytest.raises(ConfigError) as caught:
        open_registry("mysql://greenwater:geheim@localhost/x")
    assert "geheim" not in str(caught.value)


def test_a_file_that_is_no_database_is_the_operators(tmp_path: Path) -> None:
    path = tmp_path / "registry.db"
    path.write_bytes(b"this is a letter to my grandmother" * 100)

    with pytest.raises(ConfigError, match="not a database"):
        open_registry(f"sqlite:///{path}")


@pytest.mark.live
def test_a_postgresql_that_does_not_answer_is_unavailable(postgres: Postgres) -> None:
    with pytest.raises(UnavailableError, match="registry: "):
        open_registry("postgresql://greenwater@127.0.0.1:9/nowhere")
    with pytest.raises(UnavailableError, match="does not exist"):
        open_registry(postgres.url("nowhere"))


@pytest.mark.live
def test_a_connection_that_was_cut_is_replaced(
    tmp_path: Path, postgres: Postgres
) -> None:
    databases = Databases("postgresql", tmp_path, lambda: postgres)
    with open_registry(databases.bare()) as registry:
        a_farm(registry)
        other = open_engine(str(registry._sessions.engine.url))
        with other.connect() as connection:
            connection.execute(
                text(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                    "WHERE datname = current_database() AND pid <> pg_backend_pid()"
                )
            )
        other.dispose()

        assert len(registry.sites()) == 1


def everything_foreign() -> Iterator[type[Exception]]:
    for module in (sqlalchemy.exc, sqlalchemy.orm.exc):
        for _, kind in inspect.getmembers(module, inspect.isclass):
            if issubclass(kind, exc.SQLAlchemyError):
                yield kind


EXPECTED: dict[type[Exception], type[Exception]] = {
    exc.IntegrityError: ConflictError,
    exc.DataError: InputError,
    exc.ProgrammingError: ConfigError,
    exc.NotSupportedError: ConfigError,
    exc.DatabaseError: ConfigError,
    exc.OperationalError: UnavailableError,
    exc.InterfaceError: UnavailableError,
    exc.InternalError: UnavailableError,
    exc.TimeoutError: UnavailableError,
    exc.DisconnectionError: UnavailableError,
    exc.InvalidatePoolError: UnavailableError,
    exc.DBAPIError: UnavailableError,
    sqlalchemy.orm.exc.StaleDataError: ConflictError,
}
"""The rest are faults of ours."""


@pytest.mark.parametrize("kind", sorted(set(everything_foreign()), key=str))
def test_every_error_of_the_library_becomes_one_of_ours(kind: type[Exception]) -> None:
    why = Exception("why")
    if issubclass(kind, exc.DBAPIError):
        error: Exception = kind("SELECT 1", {}, why)
    elif issubclass(kind, exc.StatementError):
        error = kind("why", "SELECT 1", {}, why)
    else:
        error = kind.__new__(kind)
        Exception.__init__(error, "why")

    with pytest.raises(FAMILIES, match="why") as caught, translated():
        raise error

    assert type(caught.value) is EXPECTED.get(kind, InvariantError)


def test_a_locked_file_is_unavailable_not_a_crash(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from greenwater.storage.registry import session

    monkeypatch.setattr(session, "BUSY_S", 0.1)
    with open_registry(f"sqlite:///{tmp_path}/registry.db") as registry:
        other = sqlite3.connect(tmp_path / "registry.db", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")

        with pytest.raises(UnavailableError, match="locked"):
            registry.new_epoch()
        assert registry.sites() == []  # reading goes on
        other.close()
        registry.new_epoch()


def test_a_number_no_database_takes_is_refused(registry: Registry) -> None:
    a_farm(registry)

    with pytest.raises(InputError, match="registry: "):
        registry.add_device("box-1", site="hoa-farm", now_ms=2**70)


def _write_from_a_process(url: str, name: str) -> None:
    with open_registry(url) as registry:
        for number in range(20):
            registry.add_unit(
                f"{name}-{number}", site="hoa-farm", name=f"Ao {name} {number}"
            )
            registry.device_states()


@pytest.mark.live
def test_several_processes_write_at_once_and_none_is_turned_away(
    databases: Databases,
) -> None:
    url = databases.migrated()
    with open_registry(url) as registry:
        a_box(registry)
    context = multiprocessing.get_context("spawn")
    workers = [
        context.Process(target=_write_from_a_process, args=(url, f"w{number}"))
        for number in range(3)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)

    assert [worker.exitcode for worker in workers] == [0, 0, 0]
    with open_registry(url) as registry:
        assert len(registry.units()) == 61


def test_text_no_database_takes_is_refused(registry: Registry) -> None:
    box = a_box(registry)

    for args in ({"note": "half a \ud800 pair"}, {"half a \ud800 pair": 1}):
        with pytest.raises(InputError, match="registry: "):
            registry.add_command("c", box, "on", args, now_ms=NOW, expires_ms=NOW)
    with pytest.raises(InputError, match="registry: "):
        registry.add_probe(box, "top-2", note="half a \ud800 pair")
