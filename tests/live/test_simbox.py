"""What a scenario does to a box is done to the real agent: power, network, clock."""

import json
import time
from pathlib import Path

import pytest

from cli.demo.registration import write_box
from cli.processes import free_port
from cli.sim_box import skewed
from firmware_sim.faults import FaultKind
from firmware_sim.run import Conditions, ScenarioRun
from firmware_sim.scenarios import FOLDER, load_scenario
from firmware_sim.serve import Ports
from greenwater.kernel.clock import ManualClock, ScaledClock, SystemClock, parse_clock
from greenwater.kernel.errors import ConfigError
from greenwater.kernel.ids import DeviceId
from greenwater.kernel.reading import Reading, milliseconds
from greenwater.kernel.wire.decode import decode
from tests.live.clients import Client, wait_for
from tests.live.system import Service
from tests.servers import Mosquitto

pytestmark = pytest.mark.live

BOX = "sim-van-hung-1"
SPEED = 120.0
HOUR_MS = 3_600_000
SKEW_S = 7_200.0
OUTAGE, CUT, SKEW, END = (0.5, 0.8), (1.1, 1.4), (1.7, 2.0), 2.4


def troubled(folder: Path) -> Path:
    """Write the healthy farm with trouble for its first box, which has no battery."""
    text = (FOLDER / "healthy-farm.toml").read_text(encoding="utf-8")
    text = text.replace(f'id = "{BOX}"', f'id = "{BOX}"\nhas_battery = false')
    for kind, (start, end), more in (
        (FaultKind.MODEM_OUTAGE, OUTAGE, f'device = "{BOX}"'),
        (FaultKind.POWER_CUT, CUT, 'site = "sim-van-hung"'),
        (FaultKind.CLOCK_SKEW, SKEW, f'device = "{BOX}"\namount = {SKEW_S}'),
    ):
        text += (
            f'\n[[faults]]\nkind = "{kind}"\nfrom_h = {start}\nto_h = {end}\n{more}\n'
        )
    path = folder / "troubled.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_conditions_follow_the_faults(tmp_path: Path) -> None:
    scenario = load_scenario(str(troubled(tmp_path)))
    run = ScenarioRun(scenario, ManualClock(scenario.start))

    def at(hour: float, box: str = BOX) -> Conditions:
        return run.conditions(box, t_s=scenario.start_s + hour * 3600)

    assert at(0.2) == at(0.9) == at(2.2) == Conditions()
    assert at(0.6) == Conditions(has_network=False)
    assert at(1.2) == Conditions(is_powered=False)
    assert at(1.8) == Conditions(skew_s=SKEW_S)
    assert run.is_troubled(BOX)
    assert not run.is_troubled("sim-be-xuan-tu-1")


def test_what_a_box_could_not_measure_or_has_still_to_send_has_not_arrived(
    tmp_path: Path,
) -> None:
    scenario = load_scenario(str(troubled(tmp_path)))
    run = ScenarioRun(scenario, ManualClock(scenario.start))

    def at(hour: float) -> float:
        return scenario.start_s + hour * 3600

    rows = [row for row in run.history(at(0), at(1.6), 360) if row.device == BOX]

    def arrived(by_hour: float) -> set[float]:
        return {
            round((row.taken_ms / 1000 - scenario.start_s) / 3600, 1)
            for row in rows
            if run.has_arrived(row, at(by_hour))
        }

    whole = {round(tenth / 10, 1) for tenth in range(16)}
    powerless = {1.1, 1.2, 1.3}
    assert arrived(0.7) == whole - powerless - {0.5, 0.6, 0.7}
    assert arrived(0.9) == whole - powerless


def test_a_wrong_clock_is_wrong_by_so_much_and_nobody_elses() -> None:
    right = ScaledClock(load_scenario("flood").start, 10.0, time.time())
    wrong = parse_clock(skewed(right, -500.0))
    assert (right.now() - wrong.now()).total_seconds() == pytest.approx(500, abs=1)
    assert skewed(SystemClock(), 0.0) == "system"
    with pytest.raises(ConfigError, match="everybody's"):
        skewed(ManualClock(right.start), 5.0)


@pytest.mark.slow
@pytest.mark.long
def test_a_box_lives_through_no_network_no_power_and_a_wrong_clock(
    mosquitto: Mosquitto, tmp_path: Path
) -> None:
    scenario_file = troubled(tmp_path)
    scenario = load_scenario(str(scenario_file))
    device = next(one for one in scenario.devices if one.id == BOX)
    ports = {one.id: Ports(free_port(), free_port()) for one in scenario.devices}
    (tmp_path / "ports.json").write_text(json.dumps(ports))
    config = write_box(
        device, tmp_path / "box", broker_url=mosquitto.url, password="x", ports=ports[BOX]
    )  # fmt: skip
    listener = Client(mosquitto.port, "listener", "x")
    assert listener.subscribe(f"gw/1/{BOX}/up/+/+", 1)
    clock = ScaledClock(scenario.start, SPEED, time.time() + 4.0)  # 4 s to come up
    environ = {"GREENWATER_CLOCK": str(clock)}
    start = scenario.start.isoformat()
    sim = Service(
        "sim",
        ["sim", "run", str(scenario_file), "--start", start,
         "--ports", str(tmp_path / "ports.json"), "--folder", str(tmp_path)],
        tmp_path, environ,
    )  # fmt: skip
    box = Service(
        "box",
        ["sim", "box", BOX, "--scenario", str(scenario_file), "--config", str(config),
         "--start", start],
        tmp_path, environ,
    )  # fmt: skip
    arrived: list[tuple[float, int]] = []  # true hour of arrival, messages until then

    def hour() -> float:
        return (clock.now() - scenario.start).total_seconds() / 3600

    def is_over() -> bool:
        arrived.append((hour(), len(listener.got)))
        return hour() > END

    sim.start()
    box.start()
    try:
        wait_for("the scenario to pass", is_over, 150)
        assert box.stop() == 0, box.text()
    finally:
        box.kill()
        assert sim.stop() == 0, sim.text()
        listener.close()
    readings = taken(listener)
    start_ms = milliseconds(scenario.start)
    hours = sorted({(one.taken_ms - start_ms) / HOUR_MS for one in readings})

    def measured(start: float, end: float) -> int:
        return sum(start <= at < end for at in hours)

    quiet = [n for at, n in arrived if OUTAGE[0] + 0.05 < at < OUTAGE[1] - 0.05]
    assert quiet[0] == quiet[-1], "nothing passes without a network"
    assert measured(*OUTAGE) > 10, "what was measured meanwhile comes afterwards"
    assert measured(CUT[0] + 0.05, CUT[1] - 0.05) == 0, "no power, no readings"
    assert measured(CUT[1], SKEW[0]) > 5, "it comes up again by itself"
    ahead = SKEW_S / 3600
    assert measured(SKEW[0] + ahead, SKEW[1] + ahead) > 5, "stamped by a wrong clock"
    assert measured(SKEW[0] + 0.05, SKEW[1] - 0.05) == 0
    assert measured(SKEW[1], END) > 5, "and right again"


def taken(listener: Client) -> list[Reading]:
    found = []
    for _, payload in listener.got:
        pack = decode(payload, device=DeviceId(BOX), now_s=4e9)
        assert not pack.refused
        found += pack.readings
    return found
