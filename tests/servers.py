"""Real servers for tests: started on free ports in folders of their own, stopped again.

Plain classes, usable outside pytest too (``benchmarks/``). ``kill`` is SIGKILL; ``start``
brings the same server back on the same port with the same folder. What still runs when
the interpreter ends is killed.
"""

import atexit
import contextlib
import os
import pwd
import shutil
import signal
import subprocess
import sysconfig
import tempfile
import urllib.error
import urllib.request
from collections.abc import Sequence
from pathlib import Path

import psutil

from tests.server_process import (
    SERVERS,
    STOP_S,
    NoServerError,
    Server,
    free_port,
    listens,
    program,
    running,
    with_libraries,
)

__all__ = [
    "Influx", "Mosquitto", "Nats", "NoServerError", "Postgres", "Server",
    "free_port", "listens", "program", "running",
]  # fmt: skip


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

    def wipe(self) -> None:
        """Lose what it stored; only while it is down."""
        shutil.rmtree(self.folder / "data", ignore_errors=True)

    def copy_to(self, folder: Path) -> None:
        """Copy the data (a backup); only while it is down."""
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(self.folder / "data", folder)

    def restore_from(self, folder: Path) -> None:
        """Put a copy back; only while it is down."""
        self.wipe()
        shutil.copytree(folder, self.folder / "data")


class Postgres(Server):
    """PostgreSQL 15; it refuses to be root, so root runs it as ``nobody``.

    What ``nobody`` cannot reach (a clone in root's own folder, a private temporary folder)
    is then kept in a folder that it can, until the interpreter ends.
    """

    name = "postgres"
    stop_signal = signal.SIGINT  # "fast": does not wait for its clients to leave

    def __init__(self, folder: Path, port: int | None = None) -> None:
        super().__init__(folder, port)
        self._place = folder
        self._package = SERVERS / "postgresql-15"

    def _bin(self, name: str) -> str:
        return str(self._package / "usr/lib/postgresql/15/bin" / name)

    def as_user(self) -> dict[str, object]:
        if os.getuid() != 0:
            return {}
        nobody = pwd.getpwnam("nobody")
        return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}

    def workplace(self) -> Path:
        return self._place

    def argv(self) -> tuple[Sequence[str], dict[str, str]]:
        program("postgresql-15", "usr/lib/postgresql/15/bin/postgres")
        if os.getuid() == 0 and self._place == self.folder:
            self._move_within_reach()
        if not (self._place / "data").exists():
            self._make_data()
        return [
            self._bin("postgres"), "-D", str(self._place / "data"),
            "-p", str(self.port), "-h", "127.0.0.1", "-k", str(self._place),
            "-F", "-c", "jit=off",
        ], with_libraries(self._package)  # fmt: skip

    def _move_within_reach(self) -> None:
        self._place = Path(tempfile.mkdtemp(prefix="postgres-", dir=open_folder()))
        atexit.register(shutil.rmtree, self._place, ignore_errors=True)
        self._place.chmod(0o755)
        if not is_open(self._package):
            unpacked, self._package = self._package, self._place / "package"
            shutil.copytree(unpacked, self._package, symlinks=True)
        who = pwd.getpwnam("nobody")
        os.chown(self._place, who.pw_uid, who.pw_gid)

    def _make_data(self) -> None:
        done = subprocess.run(
            [self._bin("initdb"), "-D", str(self._place / "data"), "-U", "greenwater",
             "-A", "trust", "-E", "UTF8", "--no-locale", "--no-sync",
             "-L", str(self._package / "usr/share/postgresql/15")],
            check=False, capture_output=True, text=True, cwd=self._place,
            env=with_libraries(self._package), **self.as_user(),  # type: ignore[call-overload]
        )  # fmt: skip
        if done.returncode:
            raise RuntimeError(f"initdb failed: {done.stderr[-2000:]}")

    def kill(self) -> None:
        """SIGKILL to all of its processes, as a power cut would."""
        if self._process is None:
            return
        with contextlib.suppress(psutil.NoSuchProcess):
            backends = psutil.Process(self._process.pid).children(recursive=True)
            self._process.kill()
            for backend in backends:
                with contextlib.suppress(psutil.NoSuchProcess):
                    backend.kill()
            psutil.wait_procs(backends, timeout=STOP_S)
        self._ended()

    def wipe(self) -> None:
        """Lose what it stored; only while it is down."""
        shutil.rmtree(self._place / "data", ignore_errors=True)

    def is_ready(self) -> bool:
        done = subprocess.run(
            [self._bin("pg_isready"), "-h", "127.0.0.1", "-p", str(self.port), "-q"],
            env=with_libraries(self._package),
            check=False,
        )
        return done.returncode == 0

    def url(self, database: str = "postgres") -> str:
        """Return the registry URL of one of its databases."""
        return f"postgresql+psycopg://greenwater@127.0.0.1:{self.port}/{database}"


def is_open(folder: Path) -> bool:
    """Return whether every user may go into a folder."""
    return all(one.stat().st_mode & 0o001 for one in (folder, *folder.parents))


def open_folder() -> Path:
    """Return a folder for temporary files that every user may go into."""
    for folder in (Path(tempfile.gettempdir()), Path("/var/tmp")):
        if folder.is_dir() and is_open(folder):
            return folder
    raise NoServerError("no temporary folder is open to all users: set TMPDIR")
