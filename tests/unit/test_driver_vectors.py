"""Golden registers of every probe named, by hand from the vendors' tables.

``tests/unit/test_sim_probe_vectors.py`` holds the simulator to the same files.
"""

import re
import struct
from pathlib import Path
from typing import Any, get_args

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pymodbus.pdu import ModbusPDU
from pymodbus.pdu.bit_message import ReadCoilsResponse
from pymodbus.pdu.register_message import (
    ReadHoldingRegistersResponse,
    ReadInputRegistersResponse,
)

from edge.drivers.modbus import MAX_BLOCK, Bus, ModbusDriver, blocks
from edge.drivers.profile import (
    Dtype,
    Order,
    Profile,
    Register,
    decode,
    generic,
    list_profiles,
    load_profile,
)
from greenwater.kernel.channels import Channel
from greenwater.kernel.errors import UnavailableError

ROOT = Path(__file__).parents[2]
VECTORS = ROOT / "tests" / "vectors"
FILES = {path.stem[7:]: path for path in sorted(VECTORS.glob("modbus_*.json"))}
NAMED = sorted(set(list_profiles()) - {"aerator_monitor"})
PAGES = ("docs/probe-profiles.md", "docs/simulated-probes.md")


def vectors_of(name: str) -> list[dict[str, Any]]:
    text = msgspec.json.decode(FILES[name].read_bytes(), type=dict[str, Any])
    return list(text["vectors"])


def image_of(vector: dict[str, Any]) -> dict[int, int]:
    image: dict[int, int] = {}
    for first, words in vector["registers"].items():
        for at, word in enumerate(words.split(), int(first, 0)):
            image[at] = int(word, 16)
    return image


class Written(Bus):
    """A bus whose registers stand in a file; a register that does not is an error."""

    def __init__(self, image: dict[int, int]) -> None:
        super().__init__(None, "file")
        self._image = image

    def read(self, unit: int, function: int, address: int, count: int) -> list[int]:
        assert (unit, function) == (7, 3)
        return [self._image[at] for at in range(address, address + count)]


def profile_of(name: str) -> Profile:
    profile = load_profile(name)
    text = msgspec.json.decode(FILES[name].read_bytes(), type=dict[str, Any])
    channels = [Channel(one) for one in text.get("channels", ())]
    return generic(channels, profile) if channels else profile


CASES = [
    pytest.param(name, vector, id=f"{name}: {vector['is']}")
    for name in FILES
    for vector in vectors_of(name)
]


@pytest.mark.parametrize(("name", "vector"), CASES)
def test_registers_mean_what_the_vendor_says(name: str, vector: dict[str, Any]) -> None:
    driver = ModbusDriver(Written(image_of(vector)), 7, profile_of(name))
    found = {str(channel): value for channel, value in driver.read().values.items()}
    assert found == vector["values"]


@pytest.mark.parametrize("name", NAMED)
def test_every_model_has_its_vectors_its_map_and_its_rows(name: str) -> None:
    at = f"tests/vectors/modbus_{name}.json"
    assert name in FILES, f"write {at} by hand: docs/probe-profiles.md, step 5"
    values = [v for one in vectors_of(name) for v in one["values"].values()]
    assert None in values, f"{at}: write a vector without a value too"
    assert any(value is not None for value in values), f"{at}: no vector has a value"
    has_map = (ROOT / "firmware_sim" / "maps" / f"{name}.toml").exists()
    assert has_map, f"write firmware_sim/maps/{name}.toml, from the manual"
    for page in PAGES:
        words = re.findall(r"`(\w+)`", (ROOT / page).read_text())
        is_there = {name, name.removeprefix("yosemitech_")} & set(words)
        assert is_there, f"{page}: add a row for `{name}`, with what is our assumption"


def test_no_vectors_are_of_a_model_that_is_gone() -> None:
    gone = sorted(set(FILES) - set(NAMED))
    assert not gone, f"tests/vectors/modbus_….json of {gone}: no such edge/profiles/"


@pytest.mark.parametrize(
    ("order", "words"),
    [
        ("ABCD", [0x3F9D, 0xF3B6]),
        ("DCBA", [0xB6F3, 0x9D3F]),
        ("BADC", [0x9D3F, 0xB6F3]),
        ("CDAB", [0xF3B6, 0x3F9D]),
    ],
)
def test_all_four_orders_of_bytes(order: Order, words: list[int]) -> None:
    # 1.234 is 3f 9d f3 b6; BADC is the "2-1-4-3" of vendors' manuals.
    register = Register(Channel.PH, 0, "float32", order)
    assert decode(register, words) == 1.234


@pytest.mark.parametrize(
    ("dtype", "words", "expected"),
    [
        ("int16", [0xFF38], -200.0),
        ("uint16", [0xFF38], 65336.0),
        ("int32", [0xFFFF, 0xFF38], -200.0),
        ("uint32", [0x0001, 0x0000], 65536.0),
        ("float64", [0x3FF3, 0xBE76, 0xC8B4, 0x3958], 1.234),
        ("bit", [1], 1.0),
    ],
)
def test_all_kinds_of_number(dtype: Dtype, words: list[int], expected: float) -> None:
    assert decode(Register(Channel.PH, 0, dtype), words) == expected


def test_a_sentinel_is_no_value_whatever_the_scale() -> None:
    register = Register(
        Channel.PH, 0, "float32", scale=0.1, sentinels=(-9999.0, 9.9e36)
    )
    for raw, expected in ((-9999.0, None), (9.9e36, None), (80.0, 8.0)):
        words = list(struct.unpack(">HH", struct.pack(">f", raw)))
        assert decode(register, words) == expected


def test_a_result_that_is_not_finite_is_no_value() -> None:
    words = list(struct.unpack(">4H", struct.pack(">d", 1e308)))
    assert decode(Register(Channel.PH, 0, "float64", scale=100.0), words) is None


class Answering:
    """A Modbus client that is connected, and gives one answer whatever is asked."""

    connected = True

    def __init__(self, answer: ModbusPDU) -> None:
        self.answer, self.is_closed = answer, False

    def _give(self, address: int, *, count: int, device_id: int) -> ModbusPDU:
        return self.answer

    read_holding_registers = read_input_registers = _give
    read_coils = read_discrete_inputs = _give

    def close(self) -> None:
        self.is_closed = True


@pytest.mark.parametrize(
    "answer",
    [
        ReadInputRegistersResponse(registers=[1, 2]),
        ReadHoldingRegistersResponse(registers=[1, 2, 3, 4]),
        ReadHoldingRegistersResponse(registers=[1]),
        ReadHoldingRegistersResponse(registers=[]),
        ReadCoilsResponse(bits=[True] * 8),
    ],
    ids=["another function", "more", "fewer", "none", "bits"],
)
def test_an_answer_to_another_question_is_no_value(answer: ModbusPDU) -> None:
    """On a line answers carry no number: one that comes late shows in its length."""
    client = Answering(answer)
    with pytest.raises(UnavailableError, match="not to what was asked"):
        Bus(client, "line").read(7, 3, 0, 2)
    assert client.is_closed, "what else comes late is thrown away"


def test_an_answer_to_the_question_is_taken() -> None:
    whole = Answering(ReadHoldingRegistersResponse(registers=[1, 2]))
    assert Bus(whole, "line").read(7, 3, 0, 2) == [1, 2]
    relay = Answering(ReadCoilsResponse(bits=[True] * 16))
    assert Bus(relay, "line").read(7, 1, 0, 1) == [1]


@given(
    words=st.lists(st.integers(0, 0xFFFF), min_size=4, max_size=4),
    order=st.sampled_from(get_args(Order)),
    dtype=st.sampled_from(get_args(Dtype)),
)
def test_any_words_are_a_finite_number_or_none(
    words: list[int], order: Order, dtype: Dtype
) -> None:
    register = Register(Channel.PH, 0, dtype, order, valid=(0.0, 14.0))
    value = decode(register, words[: register.words])
    assert value is None or 0.0 <= value <= 14.0


@given(st.floats(-1e6, 1e6, width=32, allow_subnormal=False))
def test_a_float_comes_back_as_the_float_it_was(number: float) -> None:
    words = list(struct.unpack(">HH", struct.pack(">f", number)))
    value = decode(Register(Channel.PH, 0, "float32"), words)
    assert value is not None
    assert struct.unpack(">f", struct.pack(">f", value)) == (number,)


@given(
    st.lists(
        st.builds(
            Register,
            st.just(Channel.PH),
            st.integers(0, 300),
            st.sampled_from(("int16", "float32", "float64")),
            function=st.sampled_from((3, 4)),
        ),
        max_size=40,
    )
)
def test_blocks_fetch_every_register_once_and_are_never_too_long(
    registers: list[Register],
) -> None:
    found = blocks(registers)
    assert sorted(map(repr, registers)) == sorted(repr(r) for b in found for r in b)
    for block in found:
        assert len({r.function for r in block}) == 1
        end = max(r.address + r.words for r in block)
        assert end - block[0].address <= MAX_BLOCK


@pytest.mark.parametrize("name", sorted(list_profiles()))
def test_every_profile_says_where_it_is_from_and_what_cannot_be(name: str) -> None:
    profile = load_profile(name)
    assert profile.name == name
    if profile.registers and name != "aerator_monitor":
        assert profile.source
        assert profile.calibration_days
        assert all(register.valid for register in profile.registers)
    has_oxygen = any(r.channel is Channel.DISSOLVED_OXYGEN for r in profile.registers)
    assert (profile.salinity_compensated is not None) == has_oxygen
