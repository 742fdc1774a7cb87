"""Mapping profiles against golden files, and against whatever else may come."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from greenwater.kernel.errors import ConfigError
from greenwater.kernel.ids import DeviceId, DeviceState
from ingest.mapping import Mappings, load_profile, open_mapped
from ingest.ports import Delivery

VECTORS = json.loads(
    (Path(__file__).parents[1] / "vectors" / "chirpstack_v4.json").read_text("utf-8")
)
NOW_S = 1780282800.0  # 2026-06-01T03:00:00Z
STATES = {DeviceId("a84041ffff1234ab"): DeviceState.ACTIVE}
TOPIC = "application/1/device/a84041ffff1234ab/event/up"


@pytest.mark.parametrize("vector", VECTORS, ids=lambda v: v["name"])
def test_chirpstack_golden_files(vector: dict[str, Any]) -> None:
    payload = json.dumps(vector["payload"]).encode()
    mappings = Mappings([load_profile("chirpstack_v4")])
    batch = mappings.open(
        Delivery(vector["topic"], payload, None), states=STATES, now_s=NOW_S
    )
    assert batch is not None
    if "refusal" in vector:
        assert vector["refusal"] in (batch.refusal or "")
        assert [kept.raw for kept in batch.quarantined] == [payload]
        return
    assert batch.refusal is None
    assert batch.device == vector["device"]
    assert {r.channel.value: r.value for r in batch.readings} == vector["readings"]
    assert {r.taken_ms for r in batch.readings} == {vector["taken_ms"]}
    assert [kept.reason for kept in batch.quarantined] == vector["quarantined"]


@given(payload=st.binary(max_size=200))
def test_any_bytes_are_a_batch_or_rest_in_quarantine(payload: bytes) -> None:
    profile = load_profile("chirpstack_v4")
    batch = open_mapped(
        profile, Delivery(TOPIC, payload, None), states=STATES, now_s=NOW_S
    )
    assert batch.readings or batch.quarantined


nasty: st.SearchStrategy[object] = st.sampled_from(
    [None, True, -1, 2**63, 10**400, 1.9, "", "7", "é", [], {}, "NaN", "inf"]
)


@given(
    field=st.sampled_from(["time", "deviceInfo", "object", "rxInfo"]),
    value=nasty,
    inner=st.sampled_from(["devEui", "DO", "0"]),
    is_inner=st.booleans(),
)
def test_one_wrong_field_never_escapes(
    field: str, value: object, inner: str, is_inner: bool
) -> None:
    document: dict[str, Any] = {
        "time": "2026-06-01T03:00:00Z",
        "deviceInfo": {"devEui": "a84041ffff1234ab"},
        "object": {"DO": 5.2},
    }
    document[field] = {inner: value} if is_inner else value
    payload = json.dumps(document).encode()
    batch = open_mapped(
        load_profile("chirpstack_v4"),
        Delivery(TOPIC, payload, None),
        states=STATES,
        now_s=NOW_S,
    )
    assert batch.readings or batch.quarantined
    assert batch.records == (
        1 if batch.refusal else len(batch.readings) + len(batch.quarantined)
    )


def test_other_topics_are_left_alone() -> None:
    mappings = Mappings([load_profile("chirpstack_v4")])
    for topic in (
        "gw/1/box/up/0123456789abcdef/1",
        "application/1/device/x/event/join",
    ):
        assert mappings.open(Delivery(topic, b"{}", None), states={}, now_s=0) is None


def test_a_profile_with_a_wrong_unit_is_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(
        'name="m"\nfilter="a/+"\ndevice="d"\nprobe="p"\ntimes=["t"]\n'
        '[[values]]\nat="x"\nchannel="ph"\nunit="mg/L"\n'
    )
    with pytest.raises(ConfigError, match="unit 'mg/L' is not accepted for ph"):
        load_profile(str(path))


def test_a_gateway_speaks_for_no_box_of_ours() -> None:
    mappings = Mappings([load_profile("chirpstack_v4")])
    payload = b'{"time":"2026-06-01T00:00:00Z","deviceInfo":{"devEui":"box-1"},"object":{"ph":8}}'
    topic = "application/1/device/box-1/event/up"
    batch = mappings.open(
        Delivery(topic, payload, None),
        states={DeviceId("box-1"): DeviceState.ACTIVE},
        now_s=1_780_300_000,
    )
    assert batch is not None
    assert batch.readings == []
    (reason,) = (one.reason for one in batch.quarantined)
    assert reason == "device box-1 is none that chirpstack-v4 speaks for"
