"""The fleet's own encoder, its templates and its bookkeeping, without a network."""

import itertools
import json
import zlib
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware_sim import senml
from firmware_sim.fleet import Entry, FleetPlan, Format, Ledger, Payloads
from firmware_sim.fleet.box import AckMessage, Box, PlatformMessage, RefusedBatch
from firmware_sim.fleet.ledger import Ranges
from firmware_sim.fleet.report import percentiles
from greenwater.kernel.channels import SENT, SPECS
from greenwater.kernel.errors import ConfigError
from greenwater.kernel.ids import parse_device, parse_outbox
from greenwater.kernel.wire.decode import decode

VECTORS: dict[str, Any] = json.loads(
    (Path(__file__).parents[1] / "vectors" / "wire_v1.json").read_text("utf-8")
)
START_MS = 1_764_000_000_000
NOW_S = START_MS / 1000 + 3600
DEVICE = parse_device("box-7")


def read(payload: bytes) -> list[senml.Sent]:
    """Return what the platform reads in a payload; it must refuse nothing."""
    pack = decode(payload, device=DEVICE, now_s=NOW_S)
    assert pack.refused == []
    return [
        senml.Sent(
            r.probe, r.channel.value, r.taken_ms, r.value, r.clock, r.is_compensated
        )
        for r in pack.readings
    ]


def sent_of(vector: dict[str, Any]) -> list[senml.Sent]:
    return [senml.Sent(**reading) for reading in vector["readings"]]


def test_unit_codes_are_those_the_document_asks_of_our_own_boxes() -> None:
    assert dict(senml.UNIT_CODES) == {c.value: SPECS[c].code for c in SENT}


@pytest.mark.parametrize("name", ["one reading", "answered badly", "a position"])
def test_json_is_byte_for_byte_the_golden_vector(name: str) -> None:
    vector = next(v for v in VECTORS["packs"] if v["name"] == name)
    assert senml.as_json(sent_of(vector)).hex() == vector["hex"]


def test_cbor_is_byte_for_byte_the_golden_vector() -> None:
    vector = next(v for v in VECTORS["packs"] if v["name"] == "CBOR")
    assert senml.as_cbor(sent_of(vector)).hex() == vector["hex"]


@pytest.mark.parametrize("write", [senml.as_json, senml.as_cbor])
def test_every_vector_written_by_us_is_read_as_the_vector_says(write: Any) -> None:
    for vector in VECTORS["packs"]:
        if vector["readings"]:
            assert read(write(sent_of(vector))) == sent_of(vector), vector["name"]


@pytest.mark.parametrize("form", list(Format))
@pytest.mark.parametrize("readings", [1, 4, 5, 10, 23, 24, 100, 300])
def test_a_batch_is_read_as_the_verifier_computes_it(
    form: Format, readings: int
) -> None:
    plan = FleetPlan(start_ms=START_MS, readings=readings, format=form)
    payloads = Payloads(plan)
    for device, batch in itertools.product((0, 7, 4999), (0, 1, 12)):
        expected = payloads.expected(device, batch)
        assert len(expected) == readings
        assert read(payloads.payload(device, batch)) == expected


def test_identities_never_repeat_within_a_box() -> None:
    payloads = Payloads(FleetPlan(start_ms=START_MS, readings=13))
    seen = [
        (r.channel, r.taken_ms)
        for batch in range(50)
        for r in payloads.expected(3, batch)
    ]
    assert len(set(seen)) == len(seen)


def test_a_batch_number_names_immutable_content() -> None:
    plan = FleetPlan(start_ms=START_MS, format=Format.JSON_ZLIB)
    assert Payloads(plan).payload(5, 9) == Payloads(plan).payload(5, 9)
    assert Payloads(plan).payload(5, 9) != Payloads(plan).payload(6, 9)
    assert zlib.decompress(Payloads(plan).payload(5, 9))[:1] == b"["


def test_outboxes_differ_by_box_and_by_plan() -> None:
    plan = FleetPlan(start_ms=START_MS, devices=500)
    other = msgspec.structs.replace(plan, seed=2)
    names = {p.outbox(n) for p in (plan, other) for n in range(500)}
    assert len(names) == 1000
    assert all(parse_outbox(name) for name in names)
    assert parse_device(plan.device(499)) == "sim-fleet-00499"


def test_a_plan_that_cannot_work_is_refused_by_name() -> None:
    with pytest.raises(ConfigError, match="readings 5001 is not from 1 to 5000"):
        FleetPlan(start_ms=START_MS, readings=5001)


def a_box(*, last: int | None = None) -> Box:
    return Box(0, "sim-fleet-00000", "k3v9x2m4q8w1z7t5", resend_s=60, last=last)


def taken(box: Box, count: int, now_s: float = 0.0) -> list[int]:
    return [box.take(now_s) for _ in range(count)]


def test_credit_ends_with_the_window_and_returns_with_the_ack() -> None:
    box = a_box()
    assert taken(box, 2) == [0, 1]
    assert not box.has_work(2, may_begin=True)
    assert box.settle(AckMessage(box.outbox, stored=((0, 0),)), 1.5) == [1.5]
    assert box.has_work(2, may_begin=True)
    assert not box.has_work(2, may_begin=False)


def test_an_ack_for_another_outbox_changes_nothing() -> None:
    box = a_box()
    taken(box, 3)
    assert box.settle(AckMessage("0" * 16, stored=((0, 2),)), 1.0) == []
    assert box.in_flight == 3


def test_an_ack_beyond_what_was_sent_changes_nothing_and_costs_nothing() -> None:
    box = a_box()
    taken(box, 2)
    assert len(box.settle(AckMessage(box.outbox, stored=((0, 10**18),)), 1.0)) == 2
    assert box.entry().stored == (0, 1)


def test_a_refused_batch_is_settled_with_its_reason() -> None:
    box = a_box()
    taken(box, 2)
    box.settle(AckMessage(box.outbox, refused=(RefusedBatch(1, "not JSON"),)), 1.0)
    assert box.in_flight == 1
    assert box.entry().refused == {1: "not JSON"}
    assert box.entry().unsettled == (0,)


def test_everything_unsettled_goes_again_on_a_new_epoch_and_not_on_the_first() -> None:
    box = a_box(last=3)
    taken(box, 3)
    box.learn_epoch("a")
    assert not box.has_work(8, may_begin=True)
    box.settle(AckMessage(box.outbox, stored=((1, 1),)), 1.0)
    box.learn_epoch("b")
    assert taken(box, 2, 2.0) == [0, 2]
    assert box.resent == 2


def test_waits_for_an_ack_double() -> None:
    box = a_box(last=1)
    assert taken(box, 1, 0.0) == [0]
    sent_s = []
    for second in range(2000):
        box.check_overdue(float(second))
        while box.has_work(8, may_begin=True):
            box.take(float(second))
            sent_s.append(second)
    assert sent_s == [60, 180, 420, 900, 1800]


def test_latency_counts_from_the_first_publish() -> None:
    box = a_box(last=1)
    taken(box, 1, 0.0)
    box.lost_connection()
    taken(box, 1, 30.0)
    assert box.settle(AckMessage(box.outbox, stored=((0, 0),)), 31.0) == [31.0]


@given(numbers=st.lists(st.integers(0, 60), max_size=80))
def test_ranges_are_a_set(numbers: list[int]) -> None:
    ranges, model = Ranges(), set[int]()
    for number in numbers:
        assert ranges.add(number) == (number not in model)
        model.add(number)
    assert list(ranges) == sorted(model)
    assert len(ranges) == len(model)


@given(
    steps=st.lists(
        st.sampled_from(["take", "ack", "refuse", "reconnect", "epoch", "wait"]),
        max_size=60,
    ),
    data=st.data(),
)
def test_no_batch_is_lost_or_settled_twice(
    steps: list[str], data: st.DataObject
) -> None:
    """Whatever comes: every batch is in flight, stored or refused, and just one."""
    box, now_s, settled = a_box(last=20), 0.0, 0
    for number, step in enumerate(steps):
        now_s += 45.0
        some = data.draw(st.integers(0, 20))
        if step == "take" and box.has_work(6, may_begin=True):
            box.take(now_s)
        elif step == "ack":
            settled += len(
                box.settle(AckMessage(box.outbox, ((some, some + 2),)), now_s)
            )
        elif step == "refuse":
            box.settle(AckMessage(box.outbox, (), (RefusedBatch(some, "x"),)), now_s)
        elif step == "reconnect":
            box.lost_connection()
        elif step == "epoch":
            box.learn_epoch(str(number))
        else:
            box.check_overdue(now_s)
    entry = box.entry()
    assert len(entry.stored) == settled
    assert set(entry.stored).isdisjoint(entry.refused)
    assert len(entry.unsettled) == box.in_flight
    assert len(entry.stored) + len(entry.refused) + box.in_flight == entry.sent


@pytest.mark.parametrize("vector", VECTORS["messages"], ids=lambda v: str(v["says"]))
def test_messages_from_the_platform_are_read(vector: dict[str, Any]) -> None:
    raw, means = bytes.fromhex(vector["hex"]), vector["means"]
    if vector["kind"] == "Ack":
        ack = msgspec.json.decode(raw, type=AckMessage)
        assert msgspec.json.decode(msgspec.json.encode(ack)) == means
    elif vector["kind"] == "Platform":
        assert msgspec.json.decode(raw, type=PlatformMessage).epoch == means["epoch"]


def test_a_ledger_survives_its_file(tmp_path: Path) -> None:
    ledger = Ledger((Entry("box-1", 1, "0" * 16, 4, (0, 2), {1: "why"}),))
    ledger.save(tmp_path / "ledger.jsonl")
    assert Ledger.load(tmp_path / "ledger.jsonl") == ledger
    assert ledger.entries[0].unsettled == (3,)


def test_percentiles_are_nearest_rank() -> None:
    from array import array

    assert percentiles(array("d", range(100)), (0.5, 0.95, 0.99)) == [50, 95, 99]
    assert percentiles(array("d"), (0.5,)) == [0]
