"""Whatever is killed, wiped, frozen, filled or restored: no confirmed reading is lost."""

from pathlib import Path

import pytest

from tests.live.chaos import World, run_chaos
from tests.servers import NoServerError, program

pytestmark = [pytest.mark.live, pytest.mark.slow]

FAULTS = 32


@pytest.fixture
def world(tmp_path: Path) -> World:
    import os

    try:
        program("influxdb", "usr/bin/influxd")
        program("mosquitto", "usr/sbin/mosquitto")
    except NoServerError as exc:
        if os.environ.get("REQUIRE_LIVE"):
            pytest.fail(str(exc))
        pytest.skip(str(exc))
    return World(tmp_path, seed=20261123, say=print)


def test_every_confirmed_reading_is_in_the_store_exactly_once(world: World) -> None:
    verdict = run_chaos(world, FAULTS)
    print(verdict.table())
    assert verdict.faults.total() >= 30
    assert verdict.confirmed > 20 * len(world.devices)
    assert verdict.missing == []
    assert verdict.different == []
    # Four channels a second and box; a kill can cost a ledger at most a few lines.
    kills = sum(verdict.faults[name] for name in ("edge killed", "outbox disk full"))
    assert verdict.unledgered <= 3 * kills * 4 * 2
