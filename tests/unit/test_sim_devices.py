"""Golden registers of every simulated probe, written by hand from the vendors' tables."""

import math
import struct
from collections.abc import Mapping
from pathlib import Path

import pytest

from firmware_sim.devices.modbus import Bench
from firmware_sim.devices.probe import (
    NoSampleError,
    ProbeMap,
    Refusal,
    Value,
    VirtualProbe,
    carrying,
    load_map,
    packed,
)
from greenwater.kernel.errors import ConfigError

SEA: dict[str, float | None] = {
    "temperature": 28.5,
    "dissolved_oxygen": 5.25,
    "oxygen_saturation": 81.25,
    "turbidity": 12.5,
    "conductivity": 50.0,
    "ph": 8.0,
    "orp": -12.5,
    "chlorophyll": 6.5,
    "current": 4.2,
    "contact": 1.0,
}


class Still:
    """The same values at any time."""

    def __init__(self, values: Mapping[str, float | None]) -> None:
        self.values = dict(values)

    def values_at(self, t_s: float) -> Mapping[str, float | None]:
        return self.values


class Nothing:
    def values_at(self, t_s: float) -> Mapping[str, float | None]:
        raise NoSampleError


def a_probe(
    name: str, *, is_awake: bool = True, **values: float | None
) -> VirtualProbe:
    probe = VirtualProbe(load_map(name), Still(SEA | values))
    if is_awake and probe.map.start is not None:
        assert probe.write(probe.map.start.register, [0], -100.0) is None
    return probe


def in_hex(probe: VirtualProbe, first: int, count: int, t_s: float = 0.0) -> str:
    answer = probe.read("holding", first, count, t_s)
    assert not isinstance(answer, Refusal), answer
    return " ".join(f"{word:04x}" for word in answer)


GOLDEN = [
    # 28.5 is 41 e4 00 00, 0.8125 is 3f 50 00 00, 5.25 is 40 a8 00 00: low byte first.
    ("yosemitech_y504", 0x2600, "0000 e441 0000 503f 0000 a840"),
    ("yosemitech_y504", 0x0900, "5931 3430 3030 3032"),
    ("yosemitech_y504", 0x3000, "0100"),
    # oxygen, turbidity 12.5 (41 48), conductivity 50 (42 48), pH 8 (41 00), temperature,
    # ORP -12.5 (c1 48), chlorophyll 6.5 (40 d0), then blue-green algae: none, NaN.
    (
        "yosemitech_y4000",
        0x2601,
        "0000 a840 0000 4841 0000 4842 0000 0041 0000 e441 0000 48c1 0000 d040 0000 c07f",
    ),
    ("yosemitech_y4000", 0x0800, "0000"),
    ("yosemitech_y520", 0x2600, "0000 e441 0000 4842"),
    ("yosemitech_y532", 0x2800, "0000 0041"),
    ("yosemitech_y532", 0x2400, "0000 e441"),
    ("yosemitech_y533", 0x1200, "0000 48c1"),
    # 28.5 °C x10 = 285, 5.25 mg/L x100 = 525, 81.25 % x10 = 812 (half to even)
    ("supmea_do7013", 0, "011d 020d 032c"),
    # 40002: 28.5 x100 = 2850; 40012: 81 %; 40013, 40014: 0 from the factory
    ("hach_ldo", 1, "0b22"),
    ("hach_ldo", 11, "0051 0000 0000"),
    ("hach_ldo", 9997, "00f7"),
    # value, parameter 20, mg/L is 117, quality 0, sentinel 0.0, units available 0x30
    ("insitu_rdo_pro", 37, "40a8 0000 0014 0075 0000 0000 0000 0030"),
    ("insitu_rdo_pro", 45, "41e4 0000 0001 0001 0000 0000 0000 0003"),
    ("insitu_rdo_pro", 53, "42a2 8000 0015 00b1 0000 0000 0000 0001"),
    ("insitu_rdo_pro", 9000, "000c"),
]


@pytest.mark.parametrize(("name", "first", "expected"), GOLDEN)
def test_registers_are_the_vendors(name: str, first: int, expected: str) -> None:
    assert in_hex(a_probe(name), first, len(expected.split())) == expected


def test_the_plain_map_carries_any_channels_high_byte_first() -> None:
    source = Still({"ph": 8.0, "depth": None, "temperature": 28.5})
    probe = VirtualProbe(carrying(["ph", "depth", "temperature"]), source)
    assert in_hex(probe, 0, 6) == "4100 0000 7fc0 0000 41e4 0000"


def test_the_aerator_monitor_has_inputs_and_one_coil() -> None:
    probe = a_probe("aerator_monitor")
    assert probe.read("input", 0, 1, 0.0) == [420]
    assert probe.read("discrete", 0, 1, 0.0) == [1]
    assert probe.read("coil", 0, 1, 0.0) == [0]
    assert probe.read("coil", 1, 1, 0.0) is Refusal.ILLEGAL_ADDRESS


@pytest.mark.parametrize(
    ("name", "first", "count", "expected"),
    [
        ("yosemitech_y504", 0x2604, 2, "0000 c07f"),
        ("supmea_do7013", 1, 1, "8000"),
        ("hach_ldo", 0, 1, "8000"),
        ("insitu_rdo_pro", 37, 5, "0000 0000 0014 0075 0003"),
    ],
)
def test_a_probe_without_a_value_says_so_in_its_own_way(
    name: str, first: int, count: int, expected: str
) -> None:
    assert in_hex(a_probe(name, dissolved_oxygen=None), first, count) == expected


@pytest.mark.parametrize("name", ["yosemitech_y504", "yosemitech_y520"])
def test_no_value_before_it_was_woken_and_has_settled(name: str) -> None:
    probe = a_probe(name, is_awake=False)
    start = probe.map.start
    assert start is not None
    none, temperature = "0000 c07f", "0000 e441"
    assert in_hex(probe, 0x2600, 2, 1000.0) == none
    probe.write(start.register, [0], 1000.0)
    assert in_hex(probe, 0x2600, 2, 1000.0 + start.settle_s - 0.1) == none
    assert in_hex(probe, 0x2600, 2, 1000.0 + start.settle_s) == temperature
    # Woken again while it measures: it does not settle once more.
    probe.write(start.register, [0], 1100.0)
    assert in_hex(probe, 0x2600, 2, 1100.0) == temperature
    probe.write(0x2E00, [0], 1200.0)
    assert in_hex(probe, 0x2600, 2, 1300.0) == none


def test_y520_has_its_own_start_register() -> None:
    probe = a_probe("yosemitech_y520", is_awake=False)
    assert probe.write(0x2500, [0], 0.0) is Refusal.ILLEGAL_ADDRESS
    assert probe.write(0x1C00, [0], 0.0) is None


def test_a_stale_probe_shows_the_last_value_it_had_when_stopped(tmp_path: Path) -> None:
    path = tmp_path / "stale.toml"
    path.write_text(
        'model = "stale"\n'
        "start = { register = 100, stops_at = 101, settle_s = 5.0, is_stale = true }\n"
        'values = [{ channel = "time", register = 0, kind = "u16" }]\n'
    )

    class Clockwork:
        def values_at(self, t_s: float) -> Mapping[str, float | None]:
            return {"time": t_s}

    probe = VirtualProbe(load_map(str(path)), Clockwork())
    assert in_hex(probe, 0, 1, 3.0) == "0000"
    probe.write(100, [0], 10.0)
    probe.write(101, [0], 50.0)
    assert in_hex(probe, 0, 1, 4000.0) == f"{50:04x}"


def test_the_hach_reports_oxygen_for_the_salinity_it_was_told() -> None:
    # Domain facts §2.5: 28 °C, 33 PSU: 6.51 mg/L true, 7.83 if left at salinity 0.
    probe = a_probe("hach_ldo", temperature=28.0, oxygen_saturation=100.0)
    assert in_hex(probe, 0, 1) == f"{7828:04x}"
    assert probe.write(13, [33], 0.0) is None
    told = probe.read("holding", 0, 1, 0.0)
    assert isinstance(told, list)
    assert told[0] == pytest.approx(6510, abs=5)
    assert in_hex(probe, 13, 1) == "0021"


def test_the_hach_keeps_an_altitude_within_its_range() -> None:
    probe = a_probe("hach_ldo")
    assert probe.write(12, [1500], 0.0) is None
    assert in_hex(probe, 12, 1) == "05dc"
    assert probe.write(12, [5001], 0.0) is Refusal.ILLEGAL_VALUE
    assert in_hex(probe, 12, 1) == "05dc"


@pytest.mark.parametrize(
    ("name", "register", "word", "unit"),
    [("yosemitech_y4000", 0x3000, 0x0500, 5), ("hach_ldo", 9997, 99, 99)],
)
def test_the_unit_is_what_was_written(
    name: str, register: int, word: int, unit: int
) -> None:
    probe = a_probe(name)
    assert probe.write(register, [word], 0.0) is None
    assert probe.unit == unit
    assert in_hex(probe, register, 1) == f"{word:04x}"


@pytest.mark.parametrize(
    ("name", "register", "word"),
    [
        ("yosemitech_y4000", 0x3000, 0x0005),
        ("yosemitech_y4000", 0x3000, 248 << 8),
        ("hach_ldo", 9997, 100),
    ],
)
def test_an_impossible_unit_is_refused(name: str, register: int, word: int) -> None:
    probe = a_probe(name)
    before = probe.unit
    assert probe.write(register, [word], 0.0) is Refusal.ILLEGAL_VALUE
    assert probe.unit == before


@pytest.mark.parametrize("kind", ["i16", "u16", "f32"])
@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf, 1e300, -1e300, 7e4])
def test_no_number_breaks_a_register(kind: str, number: float) -> None:
    value = Value("ph", 0, kind)  # type: ignore[arg-type]
    words = packed(value, number)
    assert all(0 <= word <= 0xFFFF for word in words)
    if not math.isfinite(number):
        assert words == packed(value, None)


def test_without_a_sample_it_is_busy() -> None:
    probe = VirtualProbe(carrying(["ph"]), Nothing())
    assert probe.read("holding", 0, 2, 0.0) is Refusal.BUSY


def test_registers_between_others_read_as_zero_and_far_ones_are_refused() -> None:
    assert in_hex(a_probe("insitu_rdo_pro"), 40, 3) == "0075 0000 0000"
    assert a_probe("hach_ldo").read("holding", 500, 2, 0.0) is Refusal.ILLEGAL_ADDRESS


@pytest.mark.parametrize(
    "order", [[0, 1, 2, 3], [3, 2, 1, 0], [1, 0, 3, 2], [2, 3, 0, 1]]
)
def test_a_map_states_the_order_of_bytes_as_a_trace_shows_it(order: list[int]) -> None:
    words = packed(Value("ph", 0, "f32", wire=tuple(order)), 28.53)
    on_the_line = b"".join(word.to_bytes(2, "big") for word in words)
    number = struct.pack(">f", 28.53)
    assert on_the_line == bytes(number[at] for at in order)


def test_every_map_that_comes_with_us_loads_and_names_its_source() -> None:
    maps = Path(__file__).resolve().parents[2] / "firmware_sim" / "maps"
    names = sorted(path.stem for path in maps.glob("*.toml"))
    assert len(names) >= 10
    for name in names:
        found = load_map(name)
        assert isinstance(found, ProbeMap)
        assert found.source, name


def test_a_map_that_is_not_there_is_named_with_those_that_are() -> None:
    with pytest.raises(ConfigError, match=r"no simulated probe 'y9'.*hach_ldo"):
        load_map("y9")


def test_a_bench_lists_its_units() -> None:
    bench = Bench([a_probe("hach_ldo"), a_probe("yosemitech_y504")], now_s=lambda: 0.0)
    assert bench.device_ids() == [247, 1]


def test_the_map_in_the_documentation_loads(tmp_path: Path) -> None:
    page = Path(__file__).resolve().parents[2] / "docs" / "simulated-probes.md"
    text = page.read_text(encoding="utf-8")
    path = tmp_path / "own.toml"
    path.write_text(text.split("```toml\n")[1].split("```")[0], encoding="utf-8")
    probe = VirtualProbe(load_map(str(path)), Still(SEA))
    assert probe.read("input", 2, 2, 0.0) == [0x0000, 0xC07F]
    probe.write(0x2500, [0], 0.0)
    assert probe.read("input", 2, 2, 6.0) == [0x0000, 0x0041]
    assert in_hex(probe, 0, 1, 6.0) == "011d"
