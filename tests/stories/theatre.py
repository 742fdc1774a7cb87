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

from cli.home import SERVICE, Home, HomeSettings, write_mosquitto
from cli.run import free_port, platform_parts
from cli.stage import Casting, Stage
from cli.supervisor import Supervisor
from greenwater.kernel.clock import Clock, ScaledClock, parse_clock
from greenwater.storage.registry import Registry, open_registry
from tests.servers import Mosquitto


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

    def take_down(self) -> None:
        """Stop it."""
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

    def take_down(self) -> None:
        return


class Distributed:
    """Mosquitto, InfluxDB, PostgreSQL."""

    name = "distributed"

    def __init__(self, influx_url: str, postgres_url: str) -> None:
        self._influx_url, self._postgres_url = influx_url, postgres_url
        self.broker_port, self._device_port = free_port(), free_port()
        self.box_url = f"mqtt://127.0.0.1:{self._device_port}"
        self._mosquitto: Mosquitto | None = None

    def settings(self, folder: Path) -> HomeSettings:
        # The service's login is made by the home, which needs settings to be opened.
        secret = Home(HomeSettings(home=folder)).secret()
        return HomeSettings(
            home=folder,
            broker_url=f"mqtt://{SERVICE}:{secret.password}@127.0.0.1:{self.broker_port}",
            telemetry_url=self._influx_url,
            registry_url=self._postgres_url,
        )

    def put_up(self, home: Home, registry: Registry) -> None:
        folder = home.path / "mosquitto"
        folder.mkdir()
        config, _ = write_mosquitto(
            home,
            registry,
            folder,
            service_port=self.broker_port,
            device_port=self._device_port,
        )
        if os.getuid() == 0:
            with config.open("a") as text:
                text.write("user root\n")
        self._mosquitto = Mosquitto(folder, self.broker_port, config=config)
        self._mosquitto.start()

    def take_down(self) -> None:
        if self._mosquitto is not None:
            self._mosquitto.stop()


@dataclass
class Theatre:
    """A platform that plays. ``clock`` is the whole system's."""

    home: Home
    stage: Stage
    supervisor: Supervisor
    clock: Clock
    page_url: str

    def kill_all(self, *but: str) -> None:
        """SIGKILL to every process of ours but those whose name begins so."""
        for name, pid in self.supervisor.pids().items():
            if not name.startswith(but):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)

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
    casting: Sequence[Casting],
    *,
    opens: datetime,
    speed: float,
    prepare: Callable[[Registry, Home, Stage], None],
) -> Iterator[Theatre]:
    """Raise the curtain: everything runs, tended, until left.

    ``prepare`` adds people, goods and what else the story needs before it begins.
    """
    home = Home(backing.settings(folder))
    stage, page_port, stop = Stage(home, casting, opens), free_port(), threading.Event()
    with open_registry(home.registry_url) as registry:
        stage.enrol(registry, backing.box_url)
        stage.fill_history(registry, stop)
        prepare(registry, home, stage)
        backing.put_up(home, registry)
    clock = str(ScaledClock(opens, speed, time.time() + 1.0))
    parts = platform_parts(
        home,
        page_port=page_port,
        page_host="127.0.0.1",
        broker_port=backing.broker_port,
        clock=clock,
    )
    parts += stage.parts(clock)
    supervisor = Supervisor(parts, home.path / "logs")
    tending = threading.Thread(target=supervisor.run, args=(stop,), name="tending")
    theatre = Theatre(
        home, stage, supervisor, parse_clock(clock), f"http://127.0.0.1:{page_port}"
    )
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
