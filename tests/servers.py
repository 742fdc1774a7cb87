"""Real servers for tests: started on free ports in folders of their own, stopped again.

Plain classes, usable outside pytest too (``benchmarks/``). ``kill`` is SIGKILL; ``start``
brings the same server back on the same port with the same folder.
"""

import contextlib
import os
import pwd
import shutil
import socket
import subprocess
import sysconfig
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SERVERS = ROOT / ".servers"
READY_S = 30.0


class NoServerError(Exception):
    """The program is not here; the sentence says what to do."""


def free_port() -> int:
    """Return a port nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def program(package: str, path: str) -> tuple[str, dict[str, str]]:
    """Return a program of .servers/ and the environment it needs to find its libraries."""
    found = SERVERS / package / path
    if not found.exists():
        raise NoServerError(
            f"{path.rsplit('/', 1)[-1]} is not in .servers/: run make servers"
        )
    folders = [
        str(folder)
        for part in ("usr/lib/x86_64-linux-gnu", "lib/x86_64-linux-gnu",
                     "usr/lib/aarch64-linux-gnu", "lib/aarch64-linux-gnu", "usr/lib", "lib")
        if (folder := SERVERS / package / part).is_dir()
    ]  # fmt: skip
    return str(found), {**os.environ, "LD_LIBRARY_PATH": ":".join(folders)}


def listens(port: int) -> bool:
    """Return whether somebody accepts connections on a port."""
    with (
        contextlib.suppress(OSError),
        socket.create_connection(("127.0.0.1", port), 0.2),
    ):
        return True
    return False


class Server:
    """One process; subclasses say which and when it is ready."""

    name = "server"

    def __init__(self, folder: Path, port: int | None = None) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder, self.port = folder, port or free_port()
        self._process: subprocess.Popen[bytes] | None = None

    def argv(self) -> tuple[Sequence[str], dict[str, str]]:
        """Return the command line and environment."""
        raise NotImplementedError

    def is_ready(self) -> bool:
        """Return whether it answers."""
        return listens(self.port)

    def start(self) -> None:
        """Start it and wait until it answers; it may be running already."""
        if self._process is not None and self._process.poll() is None:
            return
        argv, environ = self.argv()
        with (self.folder / f"{self.name}.log").open("ab") as log:
            self._process = subprocess.Popen(
                argv,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=environ,
                cwd=self.folder,
                **self.as_user(),  # type: ignore[call-overload]
            )
        deadline = time.monotonic() + READY_S
        while not self.is_ready():
            if self._process.poll() is not None or time.monotonic() > deadline:
                text = (self.folder / f"{self.name}.log").read_text(errors="replace")
                self.kill()
                raise RuntimeError(f"{self.name} does not start: {text[-2000:]}")
            time.sleep(0.02)

    def as_user(self) -> dict[str, object]:
        """Return who it runs as."""
        return {}

    def kill(self) -> None:
        """SIGKILL."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def stop(self) -> None:
        """SIGTERM, and SIGKILL where that takes too long."""
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(10)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            self._process = None

    def reload(self) -> None:
        """SIGHUP: read permissions anew."""
        if self._process is not None:
            self._process.send_signal(1)

    @property
    def pid(self) -> int:
        """Its process id."""
        assert self._process is not None
        return self._process.pid

    def __enter__(self) -> "Server":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


class Mosquitto(Server):
    """Mosquitto; ``lines`` go into its configuration behind the listener."""

    name = "mosquitto"

    def __init__(
        self,
        folder: Path,
        port: int | None = None,
        *,
        lines: Sequence[str] = (),
        config: Path | None = None,
    ) -> None:
        super().__init__(folder, port)
        self._lines, self._config = lines, config

    def argv(self) -> tuple[Sequence[str], dict[str, str]]:
        path, environ = program("mosquitto", "usr/sbin/mosquitto")
        config = self._config
        if config is None:
            config = self.folder / "mosquitto.conf"
            text = [
                "per_listener_settings false",
                f"listener {self.port} 127.0.0.1",
                *(self._lines or ["allow_anonymous true"]),
                f"persistence_location {self.folder}/",
                *(["user root"] if os.getuid() == 0 else []),
            ]
            config.write_text("\n".join(text) + "\n")
        return [path, "-c", str(config)], environ

    def wipe(self) -> None:
        """Lose what it stored; only while it is down."""
        for path in self.folder.glob("*.db*"):
            path.unlink()

    @property
    def url(self) -> str:
        """Where boxes and ingest find it."""
        return f"mqtt://127.0.0.1:{self.port}"


class Nats(Server):
    """nats-server with its MQTT listener, from the wheel."""

    name = "nats"

    def __init__(
        self, folder: Path, port: int | None = None, *, config: Path | None = None
    ) -> None:
        super().__init__(folder, port)
        self._config = config

    def argv(self) -> tuple[Sequence[str], dict[str, str]]:
        path = Path(sysconfig.get_path("scripts")) / "nats-server"
        if not path.exists():
            raise NoServerError("nats-server is not installed: run make venv")
        config = self._config
        if config is None:
            config = self.folder / "nats.conf"
            config.write_text(
                f'server_name: test\nlisten: "127.0.0.1:{free_port()}"\n'
                f'jetstream {{ store_dir: "{self.folder}/store" }}\n'
                f'mqtt {{ listen: "127.0.0.1:{self.port}" }}\n'
            )
        return [str(path), "-c", str(config)], dict(os.environ)

    def wipe(self) -> None:
        """Lose what it stored; only while it is down."""
        shutil.rmtree(self.folder / "store", ignore_errors=True)

    @property
    def url(self) -> str:
        """Where boxes and ingest find it."""
        return f"mqtt://127.0.0.1:{self.port}"


class Influx(Server):
    """InfluxDB 1.6.7; its data in ``folder/data``."""

    name = "influxd"

    def argv(self) -> tuple[Sequence[str], dict[str, str]]:
        path, environ = program("influxdb", "usr/bin/influxd")
        config = self.folder / "influxdb.conf"
        data = self.folder / "data"
        config.write_text(
            f'reporting-disabled = true\nbind-address = "127.0.0.1:{free_port()}"\n'
            f'[meta]\n dir = "{data}/meta"\n'
            f'[data]\n dir = "{data}/data"\n wal-dir = "{data}/wal"\n'
            ' query-log-enabled = false\n index-version = "inmem"\n'
            " max-series-per-database = 0\n max-values-per-tag = 0\n"
            f'[http]\n bind-address = "127.0.0.1:{self.port}"\n log-enabled = false\n'
            '[monitor]\n store-enabled = false\n[logging]\n level = "warn"\n'
        )
        return [path, "-config", str(config)], environ

    def is_ready(self) -> bool:
        ping = f"http://127.0.0.1:{self.port}/ping"
        with (
            contextlib.suppress(urllib.error.URLError, OSError),
            urllib.request.urlopen(ping, timeout=1) as answer,
        ):
            return bool(answer.status == 204)
        return False

    def url(self, database: str) -> str:
        """Return the telemetry URL of one of its databases."""
        return f"influxdb://127.0.0.1:{self.port}/{database}"

    def copy_to(self, folder: Path) -> None:
        """Copy the data (a backup); only while it is down."""
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(self.folder / "data", folder)

    def restore_from(self, folder: Path) -> None:
        """Put a copy back; only while it is down."""
        shutil.rmtree(self.folder / "data", ignore_errors=True)
        shutil.copytree(folder, self.folder / "data")


class Postgres(Server):
    """PostgreSQL 15, run as ``nobody`` where the tests run as root (it refuses root)."""

    name = "postgres"

    def _bin(self, name: str) -> tuple[str, dict[str, str]]:
        return program("postgresql-15", f"usr/lib/postgresql/15/bin/{name}")

    def as_user(self) -> dict[str, object]:
        if os.getuid() != 0:
            return {}
        nobody = pwd.getpwnam("nobody")
        return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}

    def argv(self) -> tuple[Sequence[str], dict[str, str]]:
        data = self.folder / "data"
        share = SERVERS / "postgresql-15" / "usr/share/postgresql/15"
        if not data.exists():
            who = self.as_user()
            if who:
                os.chown(self.folder, int(str(who["user"])), int(str(who["group"])))
                for parent in (self.folder, *self.folder.parents):
                    with contextlib.suppress(PermissionError):
                        parent.chmod(parent.stat().st_mode | 0o011)
            path, environ = self._bin("initdb")
            subprocess.run(
                [path, "-D", str(data), "-U", "greenwater", "-A", "trust",
                 "-E", "UTF8", "--no-locale", "--no-sync", "-L", str(share)],
                check=True, capture_output=True, env=environ, cwd=self.folder, **who,  # type: ignore[call-overload]
            )  # fmt: skip
        path, environ = self._bin("postgres")
        return [
            path, "-D", str(data), "-p", str(self.port), "-h", "127.0.0.1",
            "-k", str(self.folder), "-F",
        ], environ  # fmt: skip

    def is_ready(self) -> bool:
        path, environ = self._bin("pg_isready")
        done = subprocess.run(
            [path, "-h", "127.0.0.1", "-p", str(self.port), "-q"],
            env=environ,
            check=False,
        )
        return done.returncode == 0

    def url(self, database: str = "postgres") -> str:
        """Return the registry URL of one of its databases."""
        return f"postgresql+psycopg://greenwater@127.0.0.1:{self.port}/{database}"


@contextlib.contextmanager
def running(server: Server) -> Iterator[Server]:
    """Start a server and stop it on the way out."""
    server.start()
    try:
        yield server
    finally:
        server.stop()
