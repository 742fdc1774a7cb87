"""Our own processes, as an operator starts them; for end-to-end and ledger tests."""

import os
import secrets
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from greenwater.storage.registry import Registry, open_registry
from greenwater.storage.registry.credentials import make_credentials

ROOT = Path(__file__).resolve().parents[2]


def clean_environ() -> dict[str, str]:
    """Return the environment without any setting of ours."""
    return {k: v for k, v in os.environ.items() if not k.startswith("GREENWATER_")}


class Service:
    """One ``greenwater …`` process; its output in a file."""

    def __init__(
        self, name: str, words: list[str], folder: Path, environ: Mapping[str, str]
    ) -> None:
        self.name, self._words, self._folder = name, words, folder
        self._environ = {**clean_environ(), **environ}
        self.log = folder / f"{name}.log"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> "Service":
        """Start it, unless it runs."""
        if self._process is None or self._process.poll() is not None:
            with self.log.open("ab") as log:
                self._process = subprocess.Popen(
                    [sys.executable, "-m", "cli", *self._words],
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    env=self._environ,
                    cwd=ROOT,
                )
        return self

    @property
    def is_running(self) -> bool:
        """Whether it has not ended."""
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int:
        """Its process id."""
        assert self._process is not None
        return self._process.pid

    def kill(self) -> None:
        """SIGKILL."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def stop(self) -> int:
        """SIGTERM; return its exit status."""
        assert self._process is not None
        self._process.terminate()
        try:
            return self._process.wait(60)
        except subprocess.TimeoutExpired:
            self._process.kill()
            return self._process.wait()

    def text(self) -> str:
        """Return what it printed."""
        return self.log.read_text(errors="replace")


def wait_until(
    what: str,
    holds: Callable[[], bool],
    timeout_s: float,
    *,
    every_s: float = 0.05,
    alive: Sequence[Service] = (),
) -> None:
    """Wait until something holds.

    Raises:
        AssertionError: it did not within the time, or one that must be alive is not.
    """
    deadline = time.monotonic() + timeout_s
    while not holds():
        for one in alive:
            assert one.is_running, f"{one.name} died: {one.text()[-2000:]}"
        assert time.monotonic() < deadline, f"not within {timeout_s:g} s: {what}"
        time.sleep(every_s)


def a_farm(registry: Registry, devices: list[str]) -> None:
    """Register one organisation, site and pond, and devices with one probe each there."""
    registry.add_organisation("org", "Hộ nuôi thử")
    registry.add_site("site", organisation="org", name="Trại thử")
    registry.add_unit("ao-1", site="site", name="Ao 1")
    for device in devices:
        registry.add_device(
            device,
            site="site",
            credentials=make_credentials(secrets.token_bytes),
            now_ms=0,
        )


def registered(url: str, devices: list[str]) -> None:
    """Open a registry, register a farm with devices, close it."""
    with open_registry(url) as registry:
        a_farm(registry, devices)
