"""Backup and restore by their commands, while real boxes send and ingest takes in."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.live.chaos import World
from tests.live.system import Service, wait_until
from tests.servers import NoServerError, program

pytestmark = [pytest.mark.live, pytest.mark.slow]


class Saved(World):
    """Two boxes whose platform is lost, and made again out of a backup."""

    def command(self, name: str, *words: str) -> str:
        """Run a command of the platform to its end; return what it said."""
        done = Service(name, [name, *words], self.folder, self._environ).start()
        wait_until(f"{name} is done", lambda: not done.is_running, 120)
        return done.text()

    def lines(self) -> int:
        """Return how many readings the boxes call confirmed."""
        return sum(1 for device in self.devices for _ in self._ledger(device))

    def lose_all(self) -> None:
        """Have ingest, registry, telemetry and the platform's folder gone."""
        self.ingest.kill()
        (self.folder / "home").rename(self.folder / "lost")
        self.store = "again"
        home = self.folder / "home"
        home.mkdir()
        self._environ |= {"GREENWATER_TELEMETRY_URL": self.influx.url(self.store)}
        self.ingest = Service("ingest-again", ["ingest"], self.folder, self._environ)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[Saved]:
    try:
        program("influxdb", "usr/bin/influxd")
        program("mosquitto", "usr/sbin/mosquitto")
    except NoServerError as exc:
        pytest.skip(str(exc))
    made = Saved(tmp_path, devices=2, seed=7)
    try:
        made.start()
        yield made
    finally:
        made.close()


def test_nothing_that_boxes_call_confirmed_is_missing_after_a_restore(
    world: Saved, tmp_path: Path
) -> None:
    file, before = tmp_path / "kept.zip", world.lines()
    said = world.command("backup", str(file))
    assert "checked" in said, said
    during = world.lines()
    time.sleep(3.0)  # what the backup knows nothing of
    after = world.lines()
    assert before < during < after, "boxes were heard all the time"

    world.lose_all()
    time.sleep(1.0)
    said = world.command("restore", str(file), "--without-status")
    assert "WARNING: without --status" in said, said
    world.heal()
    verdict = world.compare()
    assert verdict.confirmed > after
    assert verdict.missing == []
    assert verdict.different == []
