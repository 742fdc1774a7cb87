"""Ponds and cages as wholes: what domain.md §2.4 says of them must be seen."""

import statistics
from datetime import datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firmware_sim.waters.aeration import Aerator, Bank
from firmware_sim.waters.cage import Cage, CageWater
from firmware_sim.waters.chemistry import oxygen_saturation_mg_l
from firmware_sim.waters.column import STEP_S, Column
from firmware_sim.waters.inputs import InputLog, Inputs, Switching
from firmware_sim.waters.layers import State
from firmware_sim.waters.pond import Pond, PondWater
from firmware_sim.waters.probes import AeratorProbe, BoxProbe, WaterProbe
from firmware_sim.waters.sky import Climate, Sky, Spell, Weather
from greenwater.kernel.channels import Channel
from greenwater.kernel.errors import ConfigError
from tests.examples import examples

START_S = datetime.fromisoformat("2026-06-01T00:00:00+07:00").timestamp()
HOUR_S = 3600.0
DAYS = 3


def a_sky(*spells: Spell, seed: int = 1) -> Sky:
    return Sky(Climate(), 12.65, 109.16, seed=seed, start_s=START_S, spells=spells)


def a_pond(
    *,
    water: PondWater | None = None,
    aerators: tuple[Aerator, ...] = (),
    spells: tuple[Spell, ...] = (),
    inputs: Inputs | None = None,
    outages: tuple[tuple[float, float], ...] = (),
    failures: tuple[tuple[str, tuple[float, float]], ...] = (),
    seed: int = 1,
) -> Column:
    switched = inputs if inputs is not None else Inputs()
    bank = Bank(aerators, switched, outages=outages, failures=failures)
    pond = Pond(
        water or PondWater(biomass_kg=800, chlorophyll_ug_l=100),
        area_m2=3000,
        depth_m=1.4,
        sky=a_sky(*spells, seed=seed),
        bank=bank,
    )
    return Column(pond, origin_s=START_S, inputs=switched)


def a_cage(*spells: Spell, water: CageWater | None = None) -> Column:
    cage = Cage(water or CageWater(), depth_m=6, sky=a_sky(*spells), seed=2)
    return Column(cage, origin_s=START_S, inputs=Inputs())


def oxygen(column: Column, hour: float, depth_m: float = 0.4) -> float:
    return column.water_at(START_S + hour * HOUR_S, depth_m)[0].oxygen


def by_day(column: Column, depth_m: float = 0.4) -> list[list[float]]:
    """Return the oxygen of each day from the second on, each ten minutes."""
    return [
        [oxygen(column, day * 24 + step / 6, depth_m) for step in range(144)]
        for day in range(1, DAYS + 1)
    ]


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_ponds_oxygen_is_least_around_dawn_and_most_in_the_afternoon(
    seed: int,
) -> None:
    for day in by_day(a_pond(seed=seed)):
        assert 4 <= day.index(min(day)) / 6 <= 7
        assert 13 <= day.index(max(day)) / 6 <= 17.5
        assert max(day) - min(day) > 2.5


def test_a_pond_rich_in_plankton_passes_saturation_in_the_afternoon() -> None:
    water = PondWater(
        chlorophyll_ug_l=220, most_chlorophyll_ug_l=240, biomass_kg=300, mud_mg_m2_h=40
    )
    column = a_pond(water=water)
    shares = []
    for step in range(144):
        there, _ = column.water_at(START_S + 86_400 + step * 600, 0.3)
        full = oxygen_saturation_mg_l(there.temperature_c, there.salinity)
        shares.append(there.oxygen / full)
    assert max(shares) > 1.5


@pytest.mark.parametrize("day", [1, 2])
def test_without_aerators_the_night_falls_in_a_nearly_straight_line(day: int) -> None:
    """Madenjian 1987: from dusk and three hours to dawn, 0.4 mg/L mean deviation."""
    column = a_pond()
    hours = [day * 24 + 20 + step / 4 for step in range(35)]  # 20:00 to 04:30
    night = [oxygen(column, hour) for hour in hours]
    slope, start = statistics.linear_regression(hours, night)
    off = [abs(start + slope * h - o) for h, o in zip(hours, night, strict=True)]
    assert -0.8 < slope < -0.15
    assert statistics.fmean(off) < 0.2
    first, second = oxygen(column, day * 24 + 19), oxygen(column, day * 24 + 22)
    dawn = day * 24 + 29.0
    projected = first + (second - first) / 3 * (dawn - day * 24 - 19)
    assert abs(projected - oxygen(column, dawn)) < 1.5  # Boyd's projection is worse


def test_a_sea_cage_swings_by_a_milligram_at_most() -> None:
    for depth_m in (1.0, 5.0):
        for day in by_day(a_cage(), depth_m):
            assert 0.1 < (max(day) - min(day)) / 2 < 1.0


def test_slack_tide_lets_the_oxygen_of_a_dense_raft_sag() -> None:
    water = CageWater(kg_m3=4.0)
    column, tide = a_cage(water=water), water.tide
    nights = [
        START_S + (24 * day + 21 + step / 4) * HOUR_S
        for day in range(12)
        for step in range(32)
    ]
    streams = [tide.stream_m_s(t_s) for t_s in nights]
    there = [column.water_at(t_s, 4.0)[0].oxygen for t_s in nights]
    assert statistics.correlation(streams, there) > 0.5


def test_ph_follows_the_carbon_and_swings_with_the_light() -> None:
    column = a_pond()
    noon = column.water_at(START_S + 39 * HOUR_S, 0.3)[1]
    dawn = column.water_at(START_S + 29.5 * HOUR_S, 0.3)[1]
    assert 7.2 < dawn < noon < 9.2
    assert 0.2 < noon - dawn < 1.2


def test_aerators_hold_the_night_up() -> None:
    four = tuple(Aerator(f"q{n}", timer=((18, 8),)) for n in range(4))
    assert oxygen(a_pond(aerators=four), 53) > oxygen(a_pond(), 53) + 1


def test_a_die_off_takes_the_oxygen() -> None:
    dying = PondWater(biomass_kg=800, chlorophyll_ug_l=100, die_off_h=((42, 54),))
    ordinary = oxygen(a_pond(), 53)
    assert oxygen(a_pond(water=dying), 53) < ordinary - 1.5


def test_rain_leaves_a_fresher_layer_on_top_of_a_pond() -> None:
    column = a_pond(spells=(Spell(Weather.RAIN, 26, 32, 25),))
    at = START_S + 31.5 * HOUR_S
    upper, lower = column.water_at(at, 0.1)[0], column.water_at(at, 1.2)[0]
    assert upper.salinity < lower.salinity - 0.3
    assert upper.salinity < 16.5


def test_a_flood_lays_a_lens_on_the_sea_and_the_depth_stays_salt() -> None:
    spell = Spell(Weather.RAIN, 20, 36, 15)
    column = a_cage(spell, water=CageWater(river_half_mm_h=3.5))

    def salinity(hour: float, depth_m: float) -> float:
        return column.water_at(START_S + hour * HOUR_S, depth_m)[0].salinity

    assert salinity(19, 1) > 32.5
    worst = min(salinity(hour, 1) for hour in range(20, 72))
    assert worst < 15
    assert min(salinity(hour, 5) for hour in range(20, 72)) > 28
    drop = max(salinity(hour, 1) - salinity(hour + 6, 1) for hour in range(20, 40))
    assert drop > 3
    assert salinity(120, 1) > 32


@settings(max_examples=examples(15))
@given(
    st.lists(st.floats(0, 60), min_size=1, max_size=8),
    st.integers(0, 2**20),
)
def test_any_order_of_questions_gets_the_same_answers(
    hours: list[float], seed: int
) -> None:
    def asked(order: list[float]) -> dict[float, State]:
        column = a_pond(seed=seed)
        return {hour: column.state_at(START_S + hour * HOUR_S) for hour in order}

    forward, backward = asked(sorted(hours)), asked(sorted(hours, reverse=True))
    assert forward == backward == asked(hours)


def test_between_the_steps_the_water_changes_without_a_jump() -> None:
    column, at = a_pond(), START_S + 34 * HOUR_S
    before = column.state_at(at - 1e-3).surface.water
    after = column.state_at(at + 1e-3).surface.water
    middle = column.state_at(at + STEP_S / 2).surface.water
    assert after.oxygen == pytest.approx(before.oxygen, abs=1e-4)
    end = column.state_at(at + STEP_S).surface.water
    assert middle.oxygen == pytest.approx((after.oxygen + end.oxygen) / 2, abs=0.01)


def test_before_its_beginning_the_water_stands_still() -> None:
    column = a_pond()
    assert column.state_at(START_S - 9e6) == column.state_at(START_S)


def test_a_switched_aerator_changes_the_water_from_then_on_only() -> None:
    inputs = Inputs()
    two = (Aerator("a", sotr_kg_h=4), Aerator("b", sotr_kg_h=4))
    column, plain = a_pond(aerators=two, inputs=inputs), a_pond(aerators=two)
    assert oxygen(column, 53) == oxygen(plain, 53)  # computed before the switching
    at = START_S + 44 * HOUR_S + 17
    inputs.record(Switching(at, "a", True))
    assert oxygen(column, 44) == oxygen(plain, 44)
    assert oxygen(column, 44 + 17 / 3600) == oxygen(plain, 44 + 17 / 3600)
    assert oxygen(column, 53) > oxygen(plain, 53) + 0.5
    inputs.record(Switching(START_S + 48 * HOUR_S, "a", False))
    assert oxygen(column, 53) < oxygen(column, 48) - 0.2


def test_a_restart_with_the_same_history_is_in_the_same_water(tmp_path: Path) -> None:
    path, aerators = tmp_path / "inputs.jsonl", (Aerator("a"), Aerator("b"))
    first = Inputs()
    log = InputLog({"ao": first}, path)
    live = a_pond(aerators=aerators, inputs=first)
    for hour, name, is_on in ((20.0, "a", True), (26.3, "b", True), (30.1, "a", False)):
        oxygen(live, hour)
        log.record("ao", Switching(START_S + hour * HOUR_S, name, is_on))
    path.write_bytes(path.read_bytes() + b'["ao",17')  # the power went while writing
    again = Inputs()
    InputLog({"ao": again}, path)
    restarted = a_pond(aerators=aerators, inputs=again)
    assert [oxygen(restarted, h) for h in (21, 30, 40)] == [
        oxygen(live, h) for h in (21, 30, 40)
    ]
    InputLog({"ao": Inputs()}, path).record("ao", Switching(9.0, "b", True))
    assert path.read_bytes().count(b"\n") == 4


def test_an_input_file_of_another_scenario_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "inputs.jsonl"
    path.write_text('["elsewhere",1.0,"a",true]\n')
    with pytest.raises(ConfigError, match="elsewhere"):
        InputLog({"ao": Inputs()}, path)


@given(
    st.lists(st.tuples(st.integers(0, 50), st.booleans()), max_size=20),
    st.integers(-1, 51),
)
def test_a_coil_is_as_it_was_last_switched(
    switchings: list[tuple[int, bool]], at: int
) -> None:
    inputs, model = Inputs(), [False] * 52
    for t_s, is_on in sorted(switchings, key=lambda switching: switching[0]):
        inputs.record(Switching(float(t_s), "a", is_on))
        model[t_s:] = [is_on] * (52 - t_s)
    assert inputs.is_on("a", float(at)) == (model[at] if at >= 0 else False)
    assert not inputs.is_on("b", float(at))


def test_an_aerator_runs_by_timer_or_coil_with_mains_and_without_a_defect() -> None:
    inputs = Inputs()
    night = Aerator("a", timer=((22, 6),), current_a=3.0)
    hour = START_S
    bank = Bank(
        (night,),
        inputs,
        outages=[(hour + 3600, hour + 7200)],
        failures=[("a", (hour + 4 * 3600, hour + 5 * 3600))],
    )
    probe = AeratorProbe(bank, night, seed=1, name="x")

    def current(at_h: float) -> float:
        value = probe.values_at(hour + at_h * 3600)[Channel.CURRENT]
        assert value is not None
        return value

    assert current(0.5) == pytest.approx(3.0, abs=0.2)
    assert current(1.5) < 0.05
    assert probe.values_at(hour + 1.5 * 3600)[Channel.CONTACT] == 0
    assert current(4.5) < 0.05
    assert probe.values_at(hour + 4.5 * 3600)[Channel.CONTACT] == 1
    assert current(12) < 0.05
    inputs.record(Switching(hour + 11 * 3600, "a", True))
    assert current(12) == pytest.approx(3.0, abs=0.2)
    assert bank.oxygen_kg_h(hour, hour + 2 * 3600) == pytest.approx(1.0)


def test_two_depths_are_two_waters_on_a_still_afternoon() -> None:
    column = a_pond(spells=(Spell(Weather.WIND, 24, 48, 0.3),))
    assert oxygen(column, 39, 0.3) > oxygen(column, 39, 1.2) + 1.5


def test_a_probe_serves_what_it_has_and_the_same_again() -> None:
    def a_probe() -> WaterProbe:
        return WaterProbe(
            a_pond(),
            depth_m=0.5,
            seed=4,
            name="d/p",
            channels=("temperature", "dissolved_oxygen"),
        )

    at = START_S + 1e5
    assert set(a_probe().values_at(at)) == {"temperature", "dissolved_oxygen"}
    assert a_probe().values_at(at) == a_probe().values_at(at)
    assert a_probe().values_at(at) != a_probe().values_at(at + 5)


def test_an_uncompensated_probe_reads_a_fifth_too_high_in_the_sea() -> None:
    at, column = START_S + 1e5, a_cage()
    right, wrong = (
        WaterProbe(column, depth_m=2, seed=4, name="p", is_compensated=is_compensated)
        for is_compensated in (True, False)
    )
    true, shown = right.values_at(at), wrong.values_at(at)
    truly, high = (v[Channel.DISSOLVED_OXYGEN] for v in (true, shown))
    assert truly is not None
    assert high == pytest.approx(truly * 1.20, rel=0.01)
    assert shown[Channel.OXYGEN_SATURATION] == true[Channel.OXYGEN_SATURATION]


def test_noise_has_the_size_it_says() -> None:
    column, channel = a_cage(), Channel.TEMPERATURE
    noisy = WaterProbe(column, depth_m=2, seed=4, name="p", channels=(channel,))
    clean = WaterProbe(
        column, depth_m=2, seed=4, name="p", channels=(channel,), noise=0
    )
    off = []
    for step in range(400):
        at = START_S + 5 * step
        shown, true = noisy.values_at(at)[channel], clean.values_at(at)[channel]
        assert shown is not None
        assert true is not None
        off.append(shown - true)
    assert statistics.pstdev(off) == pytest.approx(0.01, rel=0.15)


def test_a_box_without_mains_lives_on_its_battery() -> None:
    probe = BoxProbe(seed=1, name="b", outages=[(START_S, START_S + 4 * HOUR_S)])
    late, after = (probe.values_at(START_S + hour * HOUR_S) for hour in (3.9, 4.1))
    assert late["supply"] == pytest.approx(0, abs=0.3)
    assert late["battery"] == pytest.approx(12.35, abs=0.1)
    assert after["supply"] == pytest.approx(24, abs=0.3)
    assert after["battery"] == pytest.approx(13.5, abs=0.1)


def test_a_closed_pond_keeps_its_salt_through_sun_and_rain() -> None:
    water = PondWater(renewal_per_day=0)
    column = a_pond(water=water, spells=(Spell(Weather.RAIN, 30, 34, 20),))

    def salt(hour: float) -> float:
        layers = column.state_at(START_S + hour * HOUR_S)
        return sum(layer.water.salinity * layer.thickness_m for layer in layers)

    assert salt(72) == pytest.approx(salt(0), rel=1e-9)
    assert column.water_at(START_S + 72 * HOUR_S, 0.5)[0].salinity < 17.5


def test_a_season_stays_within_what_water_can_be() -> None:
    """Sixty days at random instants: no quantity leaves the range of real ponds."""
    column = a_pond(
        aerators=tuple(Aerator(f"q{n}", timer=((21, 7),)) for n in range(3)),
        spells=(
            Spell(Weather.RAIN, 300, 340, 20),
            Spell(Weather.OVERCAST, 600, 700, 1),
        ),
    )
    for day in range(60):
        for layer in column.state_at(START_S + day * 86_400 + day * 1433):
            water = layer.water
            assert all(value >= 0 for value in water)
            assert 22 < water.temperature_c < 36
            assert 3 < water.salinity < 24
            assert water.oxygen < 20
            assert 6.5 < layer.ph < 9.6
            assert water.tan < 4
            assert 0.3 < layer.thickness_m < 1.2
