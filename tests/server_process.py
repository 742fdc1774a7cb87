"""A server's process for tests: free ports, ready-polling, kill and start again."""

import atexit
import contextlib
import os
import random
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SERVERS = ROOT / ".servers"
READY_S = 90.0
STOP_S = 30.0
LOWEST_PORT = 10_000
_handed_out: set[int] = set()


class NoServerError(Exception):
    """The program is not here; the sentence says what to do."""


def free_port() -> int:
    """Return a port nobody listens on now, and that no connection will be given.

    It lies below the kernel's range for outgoing connections: while a server is down, a
    client's own connection could otherwise take its port, or even reach itself on it.
    """
    limits = Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()
    top = max(int(limits[0]), LOWEST_PORT + 1_000)
    while True:
        port = random.SystemRandom().randrange(LOWEST_PORT, top)
        if port in _handed_out:
            continue
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            _handed_out.add(port)
            return port


def program(package: str, path: str) -> tuple[str, dict[str, str]]:
    """Return a program of .servers/ and the environment it needs to find its libraries."""
    found = SERVERS / package / path
    if not found.exists():
        raise NoServerError(
            f"{path.rsplit('/', 1)[-1]} is not in .servers/: run make servers"
        )
    return str(found), with_libraries(SERVERS / package)


def with_libraries(folder: Path) -> dict[str, str]:
    """Return an environment in which programs find the libraries of an unpacked folder."""
    found = [*folder.glob("usr/lib/*-linux-gnu"), *folder.glob("lib/*-linux-gnu")]
    return {**os.environ, "LD_LIBRARY_PATH": ":".join(str(one) for one in found)}


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
    stop_signal = signal.SIGTERM

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
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                argv,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=environ,
                cwd=self.workplace(),
                start_new_session=True,  # Ctrl-C is for the test, which then stops it
                **self.as_user(),  # type: ignore[call-overload]
            )
        atexit.register(self.kill)
        self._await_ready()

    def _await_ready(self) -> None:
        deadline = time.monotonic() + READY_S
        while True:
            assert self._process is not None
            ended, is_late = self._process.poll(), time.monotonic() > deadline
            if ended is not None or is_late:
                text = self.log.read_text(errors="replace")
                why = (
                    f"is not ready after {READY_S:g} s"
                    if is_late
                    else f"ended ({ended})"
                )
                self.kill()
                raise RuntimeError(f"{self.name} {why}: {text[-2000:]}")
            if self.is_ready():
                return
            time.sleep(0.02)

    @property
    def log(self) -> Path:
        """What it prints, over all its starts."""
        return self.folder / f"{self.name}.log"

    def workplace(self) -> Path:
        """Return the folder it starts in."""
        return self.folder

    def as_user(self) -> dict[str, object]:
        """Return who it runs as."""
        return {}

    def kill(self) -> None:
        """SIGKILL."""
        if self._process is not None:
            self._process.kill()
            self._ended()

    def stop(self) -> None:
        """Ask it to end; SIGKILL where that takes too long."""
        if self._process is not None:
            self._process.send_signal(self.stop_signal)
            try:
                self._process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                self._process.kill()
            self._ended()

    def _ended(self) -> None:
        assert self._process is not None
        self._process.wait()
        self._process = None
        atexit.unregister(self.kill)

    def restart(self) -> None:
        """SIGKILL, then start again."""
        self.kill()
        self.start()

    def reload(self) -> None:
        """SIGHUP: read permissions anew."""
        if self._process is not None:
            self._process.send_signal(signal.SIGHUP)

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


@contextlib.contextmanager
def running(server: Server) -> Iterator[Server]:
    """Start a server and stop it on the way out."""
    server.start()
    try:
        yield server
    finally:
        server.stop()
