"""The golden vectors: what each message's bytes mean, written without our encoder."""

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from greenwater.kernel import topics
from greenwater.kernel.errors import InputError
from greenwater.kernel.ids import parse_command, parse_device
from greenwater.kernel.wire import messages
from greenwater.kernel.wire.decode import decode
from greenwater.kernel.wire.encode import encode

VECTORS: dict[str, Any] = json.loads(
    (Path(__file__).parents[1] / "vectors" / "wire_v1.json").read_text("utf-8")
)
DEVICE = parse_device(VECTORS["device"])
NOW_S = float(VECTORS["now_s"])
KINDS: dict[str, type[msgspec.Struct]] = {
    kind.__name__: kind
    for kind in (
        messages.Ack,
        messages.Platform,
        messages.Status,
        messages.Command,
        messages.Reply,
    )
}


def named(entries: list[dict[str, Any]]) -> list[Any]:
    return [pytest.param(entry, id=entry.get("name", "")) for entry in entries]


@pytest.mark.parametrize("vector", named(VECTORS["packs"]))
def test_a_pack_means_what_the_vector_says(vector: dict[str, Any]) -> None:
    pack = decode(bytes.fromhex(vector["hex"]), device=DEVICE, now_s=NOW_S)

    readings = [
        {
            "probe": r.probe,
            "channel": r.channel,
            "taken_ms": r.taken_ms,
            "value": r.value if r.value is None else pytest.approx(r.value, rel=1e-12),
            "clock": r.clock,
            "is_compensated": r.is_compensated,
        }
        for r in pack.readings
    ]
    assert readings == vector["readings"]
    assert {r.device for r in pack.readings} <= {DEVICE}
    gaps = [msgspec.structs.asdict(gap) for gap in pack.gaps]
    assert gaps == [{"device": DEVICE} | gap for gap in vector["gaps"]]
    assert len(pack.refused) == len(vector["refused"])
    for refusal, because in zip(pack.refused, vector["refused"], strict=True):
        assert because in refusal.reason


@pytest.mark.parametrize("vector", named(VECTORS["packs"]))
def test_what_a_pack_means_survives_our_own_encoder(vector: dict[str, Any]) -> None:
    pack = decode(bytes.fromhex(vector["hex"]), device=DEVICE, now_s=NOW_S)
    again = decode(encode(pack.readings, pack.gaps), device=DEVICE, now_s=NOW_S)
    assert again == (pack.readings, pack.gaps, [])


@pytest.mark.parametrize("vector", named(VECTORS["packs"]))
def test_quarantined_bytes_say_by_themselves_what_they_are_about(
    vector: dict[str, Any],
) -> None:
    """A refused record is kept with the base labels it stood under."""
    pack = decode(bytes.fromhex(vector["hex"]), device=DEVICE, now_s=NOW_S)
    for refusal in pack.refused:
        alone = decode(refusal.raw, device=DEVICE, now_s=NOW_S)
        assert not alone.readings
        assert not alone.gaps
        assert refusal.reason.split("'")[0] in alone.refused[-1].reason


@pytest.mark.parametrize("vector", named(VECTORS["refused_whole"]))
def test_a_payload_that_is_no_pack_is_refused_whole(vector: dict[str, Any]) -> None:
    with pytest.raises(InputError) as caught:
        decode(bytes.fromhex(vector["hex"]), device=DEVICE, now_s=NOW_S)
    assert vector["because"] in str(caught.value)


@pytest.mark.parametrize("vector", VECTORS["messages"])
def test_a_message_means_what_the_vector_says(vector: dict[str, Any]) -> None:
    kind = KINDS[vector["kind"]]
    message = messages.decode_message(bytes.fromhex(vector["hex"]), kind)
    assert message == msgspec.convert(vector["means"], kind)
    assert messages.decode_message(messages.encode_message(message), kind) == message


@pytest.mark.parametrize("vector", VECTORS["messages"])
def test_a_message_travels_on_its_topic(vector: dict[str, Any]) -> None:
    command = parse_command(vector["means"].get("id", "c-0"))
    topic = {
        "Ack": topics.ack(DEVICE),
        "Status": topics.status(DEVICE),
        "Platform": topics.PLATFORM,
        "Command": topics.command(DEVICE, command),
        "Reply": topics.reply(DEVICE, command),
    }[vector["kind"]]
    assert vector["topic"] == topic


@pytest.mark.parametrize(
    "entry", [*VECTORS["packs"], *VECTORS["refused_whole"], *VECTORS["messages"]]
)
def test_the_text_for_people_is_the_bytes_that_travel(entry: dict[str, Any]) -> None:
    if "text" in entry:
        assert bytes.fromhex(entry["hex"]) == entry["text"].encode()


def test_every_kind_of_message_and_every_channel_has_a_vector() -> None:
    assert {vector["kind"] for vector in VECTORS["messages"]} == KINDS.keys()
    assert len({vector["name"] for vector in VECTORS["packs"]}) == len(VECTORS["packs"])
