"""Parts are ended in the order of who needs whom, and an ill one is started again."""

import os
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from cli.home import BrokerPlan, Home, HomeSettings, write_nats
from cli.processes import broker_part
from cli.supervisor import Part, Supervisor
from greenwater.kernel.errors import ConfigError
from greenwater.kernel.ids import DeviceId, OutboxId
from greenwater.kernel.topics import Up, up
from greenwater.storage.registry import open_registry
from ingest.brokers import nats
from tests.live.clients import Client, closing_all, wait_for
from tests.live.system import a_farm
from tests.servers import free_port, listens

LINGERS = """
import signal, sys, time
name, path, lingers_s = sys.argv[1], sys.argv[2], float(sys.argv[3])
def say(what):
    with open(path, "a") as file:
        file.write(f"{what} {name}\\n")
def end(*_):
    say("told")
    time.sleep(lingers_s)
    say("ended")
    sys.exit()
signal.signal(signal.SIGTERM, end)
say("started")
while True:
    time.sleep(1)
"""


def a_part(
    name: str, told: Path, stage: int, lingers_s: float = 0.2, **more: object
) -> Part:
    argv = [sys.executable, "-c", LINGERS, name, str(told), str(lingers_s)]
    started = f"started {name}\n"
    return Part(
        name, argv, stage=stage,
        is_ready=lambda: told.exists() and started in told.read_text(),
        **more,  # type: ignore[arg-type]
    )  # fmt: skip


def words(told: Path) -> list[str]:
    return told.read_text().splitlines() if told.exists() else []


def test_who_serves_others_ends_after_them(tmp_path: Path) -> None:
    told = tmp_path / "told"
    parts = [
        a_part(name, told, stage)
        for name, stage in (("broker", 0), ("ingest", 1), ("web", 1), ("box", 2))
    ]
    supervisor = Supervisor(parts, tmp_path)
    assert supervisor.start(threading.Event(), timeout_s=90) == []
    supervisor.stop()
    ending = words(told)[4:]
    assert ending[:2] == ["told box", "ended box"]
    assert sorted(ending[2:4]) == ["told ingest", "told web"], "together"
    assert sorted(ending[4:6]) == ["ended ingest", "ended web"]
    assert ending[6:] == ["told broker", "ended broker"]


def test_a_part_that_does_not_end_is_killed_and_holds_up_nobody_else(
    tmp_path: Path,
) -> None:
    told = tmp_path / "told"
    parts = [a_part("broker", told, 0), a_part("stuck", told, 1, lingers_s=600)]
    supervisor = Supervisor(parts, tmp_path, grace_s=0.5)
    assert supervisor.start(threading.Event(), timeout_s=90) == []
    pids = supervisor.pids()
    supervisor.stop()
    assert words(told)[2:] == ["told stuck", "told broker", "ended broker"]
    for pid in pids.values():
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


@contextmanager
def tended(parts: Sequence[Part], folder: Path, look_s: float) -> Iterator[Supervisor]:
    """Start parts and have them tended in a thread until left."""
    stop, supervisor = threading.Event(), Supervisor(parts, folder, look_s=look_s)
    late = supervisor.start(stop, timeout_s=90)
    tending = threading.Thread(target=supervisor.run, args=(stop,))
    tending.start()
    try:
        assert late == []
        yield supervisor
    finally:
        stop.set()
        tending.join()
        supervisor.stop()


def test_an_ill_part_is_ended_prepared_and_started_again(tmp_path: Path) -> None:
    told, ill = tmp_path / "told", tmp_path / "ill"

    def heal() -> None:
        ill.unlink(missing_ok=True)
        with told.open("a") as file:
            file.write("prepared\n")

    part = a_part("broker", told, 0, prepare=heal, is_ill=ill.exists)
    again = ["prepared", "started broker"]
    with tended([part], tmp_path, look_s=0.1):
        assert words(told) == again
        ill.touch()
        expected = [*again, "told broker", "ended broker", *again]
        wait_for("it is started again", lambda: words(told) == expected)


def test_a_part_that_cannot_be_prepared_is_started_nevertheless(tmp_path: Path) -> None:
    def fail() -> None:
        raise ConfigError("the store cannot be deleted")

    told = tmp_path / "told"
    with tended([a_part("broker", told, 0, prepare=fail)], tmp_path, look_s=9):
        assert words(told) == ["started broker"]


@pytest.mark.live
def test_a_brokers_store_that_fills_while_it_runs_is_dropped_and_boxes_get_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(nats, "STORE_BYTES", 2 * 1024**2)
    home, port = Home(HomeSettings(home=tmp_path)), free_port()
    with open_registry(home.registry_url) as registry:
        a_farm(registry, [])
        passwords = {
            name: registry.add_device(name, site="site", now_ms=1)
            for name in ("box-a", "box-b")
        }
        config = write_nats(home, registry, BrokerPlan(port, free_port()))
    part = broker_part(home, config, port)
    secret = home.secret().password
    to = up(*Up(DeviceId("box-b"), OutboxId("0" * 16), 1))
    with tended([part], tmp_path, look_s=0.5) as supervisor, closing_all() as clients:

        def client(user: str, password: str | None, **more: object) -> Client:
            clients.append(Client(port, user, password, **more))  # type: ignore[arg-type]
            return clients[-1]

        first = supervisor.pids()["broker"]
        away = client("gw-ingest", secret, client_id="ingest-1", lasting=True)
        assert away.subscribe("gw/1/+/up/+/+", 1)
        away.close()
        box = client("box-a", passwords["box-a"])
        number = 0
        while supervisor.pids().get("broker") == first and number < 400:
            number += 1
            if box.is_in:
                full = up(*Up(DeviceId("box-a"), OutboxId("0" * 16), number))
                box.publish(full, os.urandom(100 * 1024))
            else:
                threading.Event().wait(0.1)
        wait_for("it is up again", lambda: listens(port))
        back = client("gw-ingest", secret, client_id="ingest-1", lasting=True)
        assert back.is_in
        assert back.subscribe("gw/1/+/up/+/+", 1)
        client("box-b", passwords["box-b"]).publish(to, b"fresh")
        back.heard(b"fresh")
