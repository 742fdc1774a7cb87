"""What a bad cable does to a frame, and that the truth about it is told."""

import pytest

from firmware_sim.devices.probe import Value, packed
from firmware_sim.devices.wire import BadWire, Struck, spoilt, unanswered
from firmware_sim.faults import FaultKind, FaultSpec

# Unit 17 answers a read of two registers; transaction 5.
TCP = bytes.fromhex("0005 0000 0007 11 03 04 41e4 0000")
RTU = bytes.fromhex("11 03 04 41e4 0000 ef0e")


def a_fault(kind: FaultKind, amount: float = 0.0) -> FaultSpec:
    return FaultSpec(kind, 0.0, 1.0, amount=amount)


def a_wire(*faults: FaultSpec, struck: list[Struck] | None = None) -> BadWire:
    told = [] if struck is None else struck
    return BadWire(
        lambda unit: faults if unit == 17 else (),
        now_s=lambda: 42.0,
        on_struck=told.append,
    )


def test_a_good_wire_changes_nothing() -> None:
    wire = a_wire()
    assert (wire.delay_s(17), wire.on_tcp(TCP), wire.on_serial(RTU)) == (0.0, TCP, RTU)


def test_a_silent_unit_never_answers_and_a_slow_one_late() -> None:
    struck: list[Struck] = []
    assert a_wire(a_fault(FaultKind.SILENT_UNIT), struck=struck).delay_s(17) is None
    assert a_wire(a_fault(FaultKind.SLOW_UNIT, 2.5), struck=struck).delay_s(17) == 2.5
    assert struck == [
        Struck(42.0, 17, FaultKind.SILENT_UNIT),
        Struck(42.0, 17, FaultKind.SLOW_UNIT),
    ]
    assert a_wire(a_fault(FaultKind.SILENT_UNIT)).delay_s(18) == 0.0


def test_a_wrong_byte_differs_in_one_place_on_a_serial_line() -> None:
    got = a_wire(a_fault(FaultKind.WRONG_BYTE, 1.0)).on_serial(RTU)
    assert len(got) == len(RTU)
    assert sum(a != b for a, b in zip(got, RTU, strict=True)) == 1


def test_a_gateway_says_that_the_unit_did_not_answer() -> None:
    got = a_wire(a_fault(FaultKind.WRONG_BYTE, 1.0)).on_tcp(TCP)
    assert got == bytes.fromhex("0005 0000 0003 11 83 0b") == unanswered(TCP)


def test_a_frame_may_come_twice() -> None:
    assert a_wire(a_fault(FaultKind.DUPLICATE_FRAMES, 1.0)).on_serial(RTU) == RTU + RTU


@pytest.mark.parametrize("kind", [FaultKind.WRONG_BYTE, FaultKind.DUPLICATE_FRAMES])
def test_the_share_is_kept_and_every_stroke_told(kind: FaultKind) -> None:
    struck: list[Struck] = []
    wire = a_wire(a_fault(kind, 0.2), struck=struck)
    again = a_wire(a_fault(kind, 0.2))
    changed = [wire.on_serial(RTU) != RTU for _ in range(2000)]
    assert sum(changed) == len(struck) == pytest.approx(400, abs=80)
    assert changed == [again.on_serial(RTU) != RTU for _ in range(2000)]


@pytest.mark.parametrize("where", [0.0, 0.5, 0.999999])
def test_any_byte_may_be_the_wrong_one(where: float) -> None:
    assert spoilt(RTU, where) != RTU


def test_a_firmware_with_another_order_of_bytes() -> None:
    wrong = Value("temperature", 0, "f32", wire=(3, 2, 1, 0))
    assert packed(wrong, 28.5) == [0x0000, 0xE441]
    assert packed(Value("temperature", 0, "f32"), 28.5) == [0x41E4, 0x0000]
