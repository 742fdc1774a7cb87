"""docs/wire.md says what the code does: its tables, its limits and its examples."""

import re
from pathlib import Path

import msgspec
import pytest

from greenwater.kernel import ids
from greenwater.kernel.channels import SENT, SPECS, Channel, Unit
from greenwater.kernel.ids import parse_device
from greenwater.kernel.reading import ClockQuality
from greenwater.kernel.wire import cbor, messages, senml
from greenwater.kernel.wire.decode import decode

PAGE = (Path(__file__).parents[2] / "docs" / "wire.md").read_text("utf-8")
DEVICE = parse_device("box-7")
NOW_S = 1_764_003_600.0


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)


def row_of(channel: Channel) -> list[str]:
    table = PAGE.split("### Channels and unit codes")[1].split("###")[0]
    (row,) = (line for line in table.splitlines() if line.startswith(f"| `{channel}`"))
    return [cell.strip() for cell in row.strip("|").split("|")]


def conversion(note: str) -> Unit:
    if not note:
        return Unit()
    if note.startswith("×"):
        factors = [float(part) for part in note[1:].split("/")]
        return Unit(scale=factors[0] / (factors[1] if len(factors) > 1 else 1))
    return Unit(offset=float(note.replace("−", "-")))


@pytest.mark.parametrize("channel", SENT)
def test_the_page_lists_each_channels_units_and_conversions(channel: Channel) -> None:
    _, unit, codes = row_of(channel)
    spec = SPECS[channel]
    assert unit == (spec.unit or "–")
    listed = re.findall(r"`([^`]+)`(?: \(([^)]+)\))?", codes)
    assert listed[0][0] == spec.code
    assert {code for code, _ in listed} == spec.accepts.keys()
    for code, note in listed:
        assert conversion(note) == pytest.approx(spec.accepts[code])


def test_the_page_lists_no_other_channel() -> None:
    table = PAGE.split("### Channels and unit codes")[1].split("### Clock")[0]
    assert len(re.findall(r"^\| `", table, re.MULTILINE)) == len(SENT)


def test_the_page_names_every_label_and_its_cbor_number() -> None:
    numbers = {name: number for number, name in senml.CBOR_LABELS.items()}
    for label in ("bn", "bt", "bu", "bv", "bver", "n", "u", "v", "vb", "t"):
        assert f"| `{label}` | {numbers[label]} |".replace("-", "−") in PAGE
    for field in msgspec.structs.fields(senml.Record):
        assert f"`{field.name}`" in PAGE


def test_the_page_states_the_limits_and_patterns_of_the_code() -> None:
    assert f"| {senml.MAX_RECORDS:,} |" in PAGE
    assert f"| {senml.MAX_INFLATED_BYTES // 1024} KiB |" in PAGE
    assert f"| {messages.MAX_BYTES // 1024} KiB |" in PAGE
    assert f"| CBOR nesting | {cbor.MAX_DEPTH} |" in PAGE
    assert f"{senml.MAX_AHEAD_S // 3600} h ahead" in PAGE
    assert f"at most {senml.MAX_REASON} printable" in PAGE
    for pattern in (
        ids.DEVICE_PATTERN,
        ids.OUTBOX_PATTERN,
        ids.PROBE_PATTERN,
        ids.COMMAND_PATTERN,
    ):
        assert f"`{pattern.pattern}`" in PAGE


def test_the_page_lists_every_clock_quality_and_no_other() -> None:
    table = PAGE.split("### Clock quality")[1].split("###")[0]
    assert re.findall(r"^\| `(\w+)`", table, re.MULTILINE) == ["bgwq", *ClockQuality]


def test_the_examples_are_readings_and_nothing_is_refused() -> None:
    packs = [
        decode(text.encode(), device=DEVICE, now_s=NOW_S) for text in blocks("senml")
    ]
    assert [len(pack.readings) for pack in packs] == [1, 3, 4, 3]
    assert [len(pack.gaps) for pack in packs] == [0, 1, 0, 0]
    assert not any(pack.refused for pack in packs)
    (cbor,) = blocks("hex")
    twin = decode(bytes.fromhex(cbor), device=DEVICE, now_s=NOW_S)
    assert twin == packs[0]


def test_the_messages_on_the_page_are_messages() -> None:
    kinds: tuple[type[msgspec.Struct], ...] = (
        messages.Ack,
        messages.Status,
        messages.Platform,
        messages.Command,
        messages.Reply,
    )
    for text, kind in zip(blocks("json"), kinds, strict=True):
        message = messages.decode_message(text.encode(), kind)
        assert isinstance(message, kind)


def test_the_page_explains_every_label_of_a_status() -> None:
    for field in msgspec.structs.fields(messages.Status):
        assert f"`{field.name}`" in PAGE
