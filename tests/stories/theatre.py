"""A whole platform in processes, with a simulated farm, for one story.

*Embedded*: what ``greenwater up`` starts by itself. *Distributed*: the same services on
Mosquitto, InfluxDB and PostgreSQL.
"""

import contextlib
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

import psycopg
from sqlalchemy import make_url

from cli.demo.running import demo_environ
from cli.demo.simulation import ScenarioStart, Simulation
from cli.home import SERVICE, Home, HomeSettings, MosquittoPlan, write_mosquitto
from cli.processes import free_port, platform_parts
from cli.supervisor import Part, Supervisor
from greenwater.kernel.clock import Clock, ScaledClock
from greenwater.storage.registry import Registry, open_registry
from tests.servers import Influx, Mosquitto, Postgres


class Backing(Protocol):
    """Where a theatre's platform keeps things."""

    name: str
    broker_port: int
    box_url: str

    def settings(self, folder: Path) -> HomeSettings:
        """Return the home's settings."""
        ...

    def put_up(self, home: Home, registry: Registry) -> None:
        """Start what the services need."""
        ...

    def kill(self) -> None:
        """SIGKILL to the servers that are not ours, which start again."""
        ...

    def take_down(self) -> None:
        """Stop what was put up."""
        ...


class Embedded:
    """nats-server and SQLite files: nothing to start."""

    name = "embedded"

    def __init__(self) -> None:
        self.broker_port = free_port()
        self.box_url = f"mqtt://127.0.0.1:{self.broker_port}"

    def settings(self, folder: Path) -> HomeSettings:
        return HomeSettings(home=folder)

    def put_up(self, home: Home, registry: Registry) -> None:
        return

    def kill(self) -> None:
        return

    def take_down(self) -> None:
        return


class Distributed:
    """Mosquitto, InfluxDB, PostgreSQL."""

    name = "distributed"

    def __init__(self, influx: Influx, postgres: Postgres, database: str) -> None:
        self._influx, self._postgres, self._database = influx, postgres, database
        self.broker_port, self._device_port = free_port(), free_port()
        self.box_url = f"mqtt://127.0.0.1:{self._device_port}"
        self._mosquitto: Mosquitto | None = None

    def settings(self, folder: Path) -> HomeSettings:
        # The service's login is made by the home, which needs settings to be opened.
        secret = Home(HomeSettings(home=folder)).secret()
        return HomeSettings(
            home=folder,
            broker_url=f"mqtt://{SERVICE}:{secret.password}@127.0.0.1:{self.broker_port}",
            telemetry_url=self._influx.url(self._database),
            registry_url=self._made(),
        )

    def _made(self) -> str:
        url = make_url(self._postgres.url()).set(drivername="postgresql")
        with psycopg.connect(url.render_as_string(), autocommit=True) as to:
            to.execute(f"CREATE DATABASE {self._database}".encode())
        return self._postgres.url(self._database)

    def put_up(self, home: Home, registry: Registry) -> None:
        folder = home.path / "mosquitto"
        folder.mkdir()
        plan = MosquittoPlan(
            folder=folder,
            service_port=self.broker_port,
            device_port=self._device_port,
        )
        config, _ = write_mosquitto(home, registry, plan)
        if os.getuid() == 0:
            with config.open("a") as text:
                text.write("user root\n")
        self._mosquitto = Mosquitto(folder, self.broker_port, config=config)
        self._mosquitto.start()

    def kill(self) -> None:
        assert self._mosquitto is not None
        servers = (self._mosquitto, self._influx, self._postgres)
        for server in servers:
            server.kill()
        for server in servers:
            server.start()

    def take_down(self) -> None:
        if self._mosquitto is not None:
            self._mosquitto.stop()


@dataclass
class Theatre:
    """A platform that plays. ``clock`` is the whole system's."""

    home: Home
    backing: Backing
    supervisor: Supervisor
    clock: Clock
    page_url: str

    def send(self, sign: signal.Signals, name: str) -> None:
        """Send a signal to one of our processes."""
        os.kill(self.supervisor.pids()[name], sign)

    def kill_all(self) -> None:
        """SIGKILL to every process, servers too; all of them start again."""
        for pid in self.supervisor.pids().values():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.backing.kill()

    def logs(self) -> str:
        """Return the ends of all logs, for a story that went wrong."""
        return "\n".join(
            f"== {path.name}\n{path.read_text(errors='replace')[-1500:]}"
            for path in sorted((self.home.path / "logs").glob("*.log"))
        )


@contextlib.contextmanager
def playing(
    folder: Path,
    backing: Backing,
    casting: Sequence[ScenarioStart],
    *,
    opens: datetime,
    speed: float,
    prepare: Callable[[Registry, Home, Simulation], None],
    sms_via: str = "",
) -> Iterator[Theatre]:
    """Raise the curtain: everything runs, tended, until left.

    ``prepare`` adds people, goods and what else the story needs before it begins.
    """
    home = Home(backing.settings(folder))
    stage = Simulation(home, casting, opens)
    with open_registry(home.registry_url) as registry:
        stage.enrol(registry, backing.box_url)
        stage.fill_history(registry, threading.Event())
        prepare(registry, home, stage)
        backing.put_up(home, registry)
    clock = ScaledClock(opens, speed, time.time() + 1.0)
    boxes = stage.parts(str(clock))
    with raised(home, backing, boxes, clock, sms_via=sms_via) as theatre:
        yield theatre


@contextlib.contextmanager
def raised(
    home: Home,
    backing: Backing,
    boxes: Sequence[Part],
    clock: ScaledClock,
    *,
    sms_via: str = "",
) -> Iterator[Theatre]:
    """Start the boxes and the platform on what is prepared; tended, until left."""
    stop, page_port = threading.Event(), free_port()
    # Boxes first: they measure from the first minute, and keep it until they are heard.
    parts = [
        *boxes,
        *platform_parts(
            home,
            page_port=page_port,
            page_host="127.0.0.1",
            broker_port=backing.broker_port,
            # Elsewhere than in a demo those on duty set up a second factor first.
            beside=demo_environ(clock, sms_via),
        ),
    ]
    supervisor = Supervisor(parts, home.path / "logs")
    tending = threading.Thread(target=supervisor.run, args=(stop,), name="tending")
    page_url = f"http://127.0.0.1:{page_port}"
    theatre = Theatre(home, backing, supervisor, clock, page_url)
    try:
        late = supervisor.start(stop, timeout_s=90.0)
        assert not late, f"not ready: {late}\n{theatre.logs()}"
        tending.start()
        yield theatre
    finally:
        stop.set()
        if tending.is_alive():
            tending.join()
        supervisor.stop()
        backing.take_down()
