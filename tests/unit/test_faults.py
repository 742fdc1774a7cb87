"""Faults: what each does, only when it is on, and the truth about it."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from cli.main import build
from cli.sim_probe import parse_values
from firmware_sim.faults import (
    POSITION,
    PROCESS,
    SIGNAL,
    WIRE,
    WORLD,
    FaultKind,
    FaultSpec,
)
from firmware_sim.faulty_sources import FaultyProbe, FaultyReceiver
from firmware_sim.run import ScenarioRun
from firmware_sim.scenarios import load_scenario
from firmware_sim.sources import Fix, Values
from firmware_sim.truth import Truth, as_csv
from firmware_sim.vessels.chart import distance_nm
from greenwater.kernel.channels import Channel
from greenwater.kernel.clock import ManualClock
from greenwater.kernel.errors import InputError

ON_S, OFF_S = 10_000.0, 900_000.0


class Ramp:
    """A probe whose every value tells the time."""

    def values_at(self, t_s: float) -> Values:
        return {
            "temperature": 28.0,
            "dissolved_oxygen": 6.0 + t_s / 1e6,
            "oxygen_saturation": 90.0,
            "ph": 8.0 + t_s / 1e7,
            "salinity": 30.0,
            "turbidity": 10.0,
            "orp": None,
        }


class Anchored:
    """A receiver that stays."""

    def fix_at(self, t_s: float) -> Fix | None:
        return Fix(12.0, 110.0, 5.0, 90.0)


def faulty(
    kind: FaultKind,
    *,
    amount: float = 0.0,
    channel: Channel | None = None,
    every_s: float = 60.0,
) -> FaultyProbe:
    spec = FaultSpec(
        kind,
        1,
        9,
        device="d",
        probe="p",
        channel=channel,
        amount=amount,
        every_s=every_s,
    )
    return FaultyProbe(Ramp(), spec, start_s=ON_S, end_s=OFF_S, seed=1, name="d/p")


def shown(probe: FaultyProbe, t_s: float, channel: str) -> float:
    value = probe.values_at(t_s)[channel]
    assert value is not None
    return value


@pytest.mark.parametrize("kind", sorted(SIGNAL))
@given(t_s=st.floats(0, 2e6))
def test_outside_its_interval_a_fault_is_not_there(kind: FaultKind, t_s: float) -> None:
    probe = faulty(kind, amount=0.5)
    if not ON_S <= t_s < OFF_S:
        assert probe.values_at(t_s) == Ramp().values_at(t_s)


@pytest.mark.parametrize("kind", sorted(SIGNAL))
@given(t_s=st.floats(ON_S, OFF_S))
def test_a_fault_invents_no_channel_and_revives_no_value(
    kind: FaultKind, t_s: float
) -> None:
    values = faulty(kind, amount=0.5).values_at(t_s)
    assert values.keys() == Ramp().values_at(t_s).keys()
    assert values["orp"] is None
    assert values == faulty(kind, amount=0.5).values_at(t_s)


@pytest.mark.parametrize("kind", sorted(SIGNAL - {FaultKind.OUT_OF_WATER}))
def test_a_fault_of_one_channel_leaves_the_others(kind: FaultKind) -> None:
    channel = Channel.DISSOLVED_OXYGEN
    probe, differs = faulty(kind, amount=0.9, channel=channel), False
    for step in range(200):
        t_s = ON_S + 7 + step * 60
        values, true = probe.values_at(t_s), Ramp().values_at(t_s)
        assert all(values[c] == true[c] for c in true if c != channel)
        differs = differs or values[channel] != true[channel]
    assert differs


def test_drift_grows_with_the_days() -> None:
    probe = faulty(FaultKind.DRIFT, amount=0.25, channel=Channel.PH)
    after_s = ON_S + 2 * 86_400
    true = Ramp().values_at(after_s)["ph"]
    assert true is not None
    assert shown(probe, after_s, "ph") == pytest.approx(true + 0.5)


def test_a_stuck_probe_shows_what_it_had() -> None:
    probe = faulty(FaultKind.STUCK)
    assert probe.values_at(ON_S + 5e5) == Ramp().values_at(ON_S)


def test_one_slot_in_ten_spikes_up_or_down_by_no_more_than_the_amount() -> None:
    probe = faulty(FaultKind.SPIKES, amount=50, channel=Channel.TURBIDITY)
    off = [shown(probe, ON_S + 60 * n, "turbidity") - 10 for n in range(3000)]
    spikes = [x for x in off if x]
    assert 200 < len(spikes) < 400
    assert all(25 <= abs(x) <= 50 for x in spikes)
    assert min(spikes) < 0 < max(spikes)


def test_dropout_takes_its_share_of_values() -> None:
    probe = faulty(FaultKind.DROPOUT, amount=0.33)
    gone = sum(probe.values_at(ON_S + 60 * n)["ph"] is None for n in range(2000))
    assert 0.28 < gone / 2000 < 0.38


def test_a_probe_in_the_air_shows_saturation_and_no_salt() -> None:
    values = faulty(FaultKind.OUT_OF_WATER).values_at(ON_S + 3)
    assert values["oxygen_saturation"] == pytest.approx(101, abs=3)
    assert values["dissolved_oxygen"] == pytest.approx(7.9, abs=0.3)
    assert values["salinity"] == 0
    assert values["temperature"] == 28.0


def test_fouling_takes_oxygen_day_by_day() -> None:
    probe = faulty(FaultKind.FOULING, amount=0.1)
    after_s = ON_S + 3 * 86_400
    assert shown(probe, after_s, "oxygen_saturation") == pytest.approx(90 * 0.9**3)
    assert shown(probe, after_s, "turbidity") > 15
    assert shown(probe, after_s, "salinity") == 30


def test_a_void_receiver_has_no_fix_and_a_jumping_one_a_wrong_one() -> None:
    def receiver(kind: FaultKind) -> FaultyReceiver:
        spec = FaultSpec(kind, 1, 9, device="d", probe="gps", amount=25)
        return FaultyReceiver(Anchored(), spec, start_s=ON_S, end_s=OFF_S, seed=1)

    void, jumping = receiver(FaultKind.GPS_VOID), receiver(FaultKind.GPS_JUMP)
    assert void.fix_at(ON_S) is None
    assert void.fix_at(ON_S - 1) == void.fix_at(OFF_S) == Anchored().fix_at(0)
    fixes = [jumping.fix_at(ON_S + 60 * n) for n in range(2000)]
    off = [distance_nm((12.0, 110.0), fix[:2]) for fix in fixes if fix is not None]
    far = [x for x in off if x > 0]
    assert 130 < len(far) < 280
    assert far == pytest.approx([25.0] * len(far), rel=0.01)


def test_every_kind_belongs_to_one_who_applies_it() -> None:
    groups = (SIGNAL, POSITION, WORLD, WIRE, PROCESS)
    assert sum(len(group) for group in groups) == len(FaultKind)
    assert frozenset[FaultKind]().union(*groups) == frozenset(FaultKind)


def test_active_faults_are_told_to_whoever_applies_them() -> None:
    scenario = load_scenario("tuna-trip")
    run = ScenarioRun(scenario, ManualClock(scenario.start))
    at = scenario.start_s + 50 * 3600
    (outage,) = run.active("sim-tau-95123", t_s=at)
    assert outage.kind is FaultKind.MODEM_OUTAGE
    assert run.active("sim-tau-95123", t_s=scenario.start_s) == ()

    scenario = load_scenario("aerator-failure")
    run = ScenarioRun(scenario, ManualClock(scenario.start))
    (cut,) = run.active("sim-cam-ranh-1", t_s=scenario.start_s + 50 * 3600)
    assert cut.kind is FaultKind.POWER_CUT
    assert run.active("sim-cam-ranh-1", t_s=scenario.start_s + 52 * 3600) == ()

    scenario = load_scenario("fouled-probe")
    run = ScenarioRun(scenario, ManualClock(scenario.start))
    at = scenario.start_s + 226.5 * 3600
    (silent,) = run.active("sim-van-ninh-1", "ao-4-b", t_s=at)
    assert silent.kind is FaultKind.SILENT_UNIT
    assert run.active("sim-van-ninh-1", "ao-4-a", t_s=at) == ()


def test_history_has_a_hole_where_a_unit_was_silent() -> None:
    scenario = load_scenario("fouled-probe")
    run = ScenarioRun(scenario, ManualClock(scenario.start))
    at = scenario.start_s + 225.9 * 3600
    rows = list(run.history(at, at + 1.2 * 3600, 120))
    per_probe = {
        probe: [row.taken_ms for row in rows if row.probe == probe]
        for probe in ("ao-4-a", "ao-4-b")
    }
    assert len(per_probe["ao-4-a"]) == 36
    assert len(per_probe["ao-4-b"]) == 6
    assert all(ms % 120_000 == 0 for ms in per_probe["ao-4-a"])


def test_the_truth_lists_every_fault_and_every_activity() -> None:
    scenario = load_scenario("tuna-trip")
    truths = ScenarioRun(scenario, ManualClock(scenario.start)).truth()
    kinds = {truth.kind for truth in truths}
    assert {"modem_outage", "gps_void", "gps_jump", "activity.set"} <= kinds
    assert sum(truth.kind == "activity.haul" for truth in truths) == 10
    assert truths == sorted(truths)
    start_ms = round(scenario.start_s * 1000)
    void = next(truth for truth in truths if truth.kind == "gps_void")
    hour_ms = 3_600_000
    assert (void.start_ms, void.end_ms) == (
        start_ms + 100 * hour_ms,
        start_ms + 101 * hour_ms,
    )
    assert (void.device, void.probe) == ("sim-tau-95123", "gps")


def test_truth_is_a_table() -> None:
    truths = [
        Truth(1, 2, "stuck", "d", "p", "ph"),
        Truth(3, 4, "power_cut", site="Cam Ranh, ao 3"),
    ]
    rows = list(csv.DictReader(io.StringIO(as_csv(truths))))
    assert rows[0]["channel"] == "ph"
    assert rows[1]["site"] == "Cam Ranh, ao 3"


def test_the_command_tells_the_truth_of_a_scenario() -> None:
    words = ["sim", "truth", "aerator-failure"]
    done = CliRunner().invoke(build(words), words)
    assert done.exit_code == 0, done.output
    kinds = [row["kind"] for row in csv.DictReader(io.StringIO(done.stdout))]
    assert kinds == ["aerator_failure", "power_cut"]
    with pytest.raises(InputError, match="--below 'ph': write channel=number"):
        parse_values(["ph"], "--below")


def test_low_oxygen_is_known_to_the_truth_and_not_to_the_fouled_probe() -> None:
    crash = load_scenario("oxygen-crash")
    run = ScenarioRun(crash, ManualClock(crash.start))
    low = run.low("dissolved_oxygen", 2.0, every_s=900)
    first = {
        probe: min(t.start_ms for t in low if t.probe == probe) / 1000 - crash.start_s
        for probe in ("ao-7-tren", "ao-7-day")
    }
    assert 42 < first["ao-7-day"] / 3600 < first["ao-7-tren"] / 3600 < 52
    assert first["ao-7-tren"] / 3600 > 47
    fouled = load_scenario("fouled-probe")
    run = ScenarioRun(fouled, ManualClock(fouled.start))
    assert run.low("dissolved_oxygen", 4.0, every_s=3600) == []
