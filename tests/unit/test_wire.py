"""The wire's laws: total, conserving, and the inverse of our encoder."""

import contextlib
import json
import math
import random
import zlib
from typing import Any

import cbor2
import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from greenwater.kernel.channels import SENT, SPECS, Channel
from greenwater.kernel.errors import InputError
from greenwater.kernel.ids import (
    DEVICE_PATTERN,
    PROBE_PATTERN,
    DeviceId,
    ProbeId,
    parse_device,
)
from greenwater.kernel.reading import LARGEST, ClockQuality, Gap, Reading
from greenwater.kernel.wire import messages
from greenwater.kernel.wire.decode import Pack, decode
from greenwater.kernel.wire.encode import encode
from greenwater.kernel.wire.senml import CBOR_LABELS, EARLIEST_S, MAX_AHEAD_S
from tests.examples import examples

DEVICE = parse_device("box-7")
NOW_S = 1_764_003_600.0
T = 1_764_000_000
LATEST_MS = round((NOW_S + MAX_AHEAD_S) * 1000)

probes = st.from_regex(PROBE_PATTERN, fullmatch=True).map(ProbeId)
times_ms = st.integers(EARLIEST_S * 1000, LATEST_MS)
readings = st.builds(
    Reading,
    device=st.just(DEVICE),
    probe=probes,
    channel=st.sampled_from(SENT),
    taken_ms=times_ms,
    value=st.none() | st.floats(min_value=-LARGEST, max_value=LARGEST),
    clock=st.none() | st.sampled_from(ClockQuality),
    is_compensated=st.none() | st.booleans(),
)


@st.composite
def gaps(draw: st.DrawFn) -> Gap:
    start, end = sorted((draw(times_ms), draw(times_ms)))
    reason = draw(st.sampled_from(["thinned", "torn", "clock", "mất điện"]))
    count = draw(st.integers(0, 10**12))
    return Gap(DEVICE, draw(probes), start, end, count, reason)


def opened(payload: bytes) -> Pack:
    return decode(payload, device=DEVICE, now_s=NOW_S)


def opened_or_refused(payload: bytes) -> Pack | str:
    try:
        return opened(payload)
    except InputError as refusal:
        return str(refusal)


def as_json(records: object) -> bytes:
    return json.dumps(records).encode()


def as_zlib(records: object) -> bytes:
    return zlib.compress(json.dumps(records).encode())


def as_cbor(records: object) -> bytes:
    return bytes(cbor2.dumps(_numbered(records)))


def _numbered(records: object) -> object:
    numbers = {name: number for number, name in CBOR_LABELS.items()}
    if not isinstance(records, list):
        return records
    return [
        {numbers.get(k, k): v for k, v in record.items()}
        if isinstance(record, dict)
        else record
        for record in records
    ]


@given(st.lists(readings, max_size=30), st.lists(gaps(), max_size=5), st.booleans())
def test_decoding_undoes_encoding(
    given_readings: list[Reading], given_gaps: list[Gap], deflate: bool
) -> None:
    pack = opened(encode(given_readings, given_gaps, deflate=deflate))
    assert pack == Pack(given_readings, given_gaps, [])


@given(st.lists(readings, max_size=20), st.lists(gaps(), max_size=3))
def test_json_and_cbor_say_the_same(
    given_readings: list[Reading], given_gaps: list[Gap]
) -> None:
    records = json.loads(encode(given_readings, given_gaps, deflate=False))
    assert opened(as_cbor(records)) == opened(as_json(records))


def assert_sound(pack: Pack) -> None:
    """What comes out is finite, in range, and can be sent again."""
    for reading in pack.readings:
        assert reading.value is None or math.isfinite(reading.value)
        assert type(reading.value) in (float, type(None))
        assert EARLIEST_S * 1000 <= reading.taken_ms <= LATEST_MS
        assert reading.channel in SPECS
        assert PROBE_PATTERN.fullmatch(reading.probe)
        assert DEVICE_PATTERN.fullmatch(reading.device)
    for gap in pack.gaps:
        assert EARLIEST_S * 1000 <= gap.start_ms <= gap.end_ms <= LATEST_MS
        assert 0 <= gap.count <= 10**12
        assert 0 < len(gap.reason) <= 40
        assert gap.reason.isprintable()
    for refusal in pack.refused:
        assert refusal.reason
        assert len(refusal.reason) <= 400
        assert refusal.raw
    again = opened(encode(pack.readings, pack.gaps))
    assert again == Pack(pack.readings, pack.gaps, [])


VALID: list[dict[str, Any]] = [
    {"bn": "y4000/", "bt": T, "bgwq": "ntp", "bver": 10, "bu": "Cel", "bv": 0.5},
    {"n": "temperature", "v": 28.5, "t": 1.25},
    {"n": "dissolved_oxygen", "u": "mg/L", "v": 6.5, "gwc": True},
    {"n": "ph", "u": "pH", "v": None},
    {"bn": "dio/", "n": "contact", "u": "/", "vb": True},
    {"n": "gap", "u": "s", "v": 60, "t": -60, "gwn": 3, "gwr": "thinned"},
    {"bn": "gps/", "bt": T + 1, "n": "latitude", "u": "lat", "v": 12.2},
]
LABELS = sorted({label for record in VALID for label in record} | {"s", "vs", "vd"})

nasty: st.SearchStrategy[Any] = st.sampled_from(
    [
        None,
        True,
        False,
        -1,
        0,
        11,
        2**63,
        10**400,
        -(10**400),
        1.9,
        1e308,
        -1e308,
        math.nan,
        math.inf,
        -math.inf,
        "",
        "7",
        "é",
        "Ao 3",
        "\x00",
        "\ud800",
        "x" * 9_000,
        [],
        {},
        [[[[[[[[[[]]]]]]]]]],
        {"a": {"b": 1}},
        "K",
        "s",
        "gap",
        "p/ph",
        "/",
    ]
)


def formatted(records: object, form: str) -> bytes | None:
    """Return the records in one format, or None where Python cannot write them so."""
    try:
        return {"json": as_json, "zlib": as_zlib, "cbor": as_cbor}[form](records)
    except (ValueError, OverflowError, cbor2.CBOREncodeError):
        return None


forms = st.sampled_from(["json", "zlib", "cbor"])


def claims(record: object) -> bool:
    """Whether a record says more than base labels; others' labels say nothing."""
    if not isinstance(record, dict):
        return True
    ours = {"n", "u", "v", "vb", "vs", "vd", "s", "t", "gwc", "gwn", "gwr"}
    idle: dict[str, tuple[object, ...]] = {"n": ("",), "t": (0,), "v": ()}
    return any(
        record[label] not in idle.get(label, (None,)) or isinstance(record[label], bool)
        for label in ours & record.keys()
    ) or any(label.endswith("_") for label in record)


def assert_conserved(records: list[object], pack: Pack) -> None:
    """Every record becomes a reading, a gap or a refusal, unless it claims nothing."""
    out = len(pack.readings) + len(pack.gaps) + len(pack.refused)
    claiming = sum(claims(record) for record in records)
    assert claiming <= out <= len(records)


@settings(max_examples=examples(400))
@given(
    index=st.integers(0, len(VALID) - 1),
    label=st.sampled_from([*LABELS, "x", "x_", "bs"]),
    value=nasty,
    form=forms,
)
@example(index=0, label="bn", value=5, form="json")
@example(index=1, label="v", value=math.nan, form="cbor")
@example(index=5, label="gwn", value=10**400, form="json")
@example(index=5, label="gwr", value="\ud800", form="json")
def test_one_wrong_field_costs_no_more_than_what_relies_on_it(
    index: int, label: str, value: object, form: str
) -> None:
    records: list[Any] = [dict(record) for record in VALID]
    records[index] = records[index] | {label: value}
    payload = formatted(records, form)
    if payload is None:
        return
    pack = opened(payload)
    assert_sound(pack)
    assert_conserved(records, pack)
    if label not in ("bn", "bt", "bu", "bv", "bver", "bgwq"):
        assert len(pack.refused) <= 1
        intact = len(VALID) - 2  # all but the one aimed at, and the base-only one
        assert len(pack.readings) + len(pack.gaps) >= intact


@settings(max_examples=examples(200))
@given(st.lists(st.dictionaries(st.sampled_from(LABELS), nasty), max_size=6), forms)
def test_records_of_nasty_fields_are_conserved(
    records: list[dict[str, object]], form: str
) -> None:
    payload = formatted(records, form)
    if payload is None:
        return
    try:
        pack = opened(payload)
    except InputError:
        return  # many long strings are over 256 KiB
    assert_sound(pack)
    assert_conserved(list(records), pack)


SEEDS = [as_json(VALID), as_cbor(VALID), as_zlib(VALID)]


@settings(max_examples=examples(600))
@given(
    seed=st.sampled_from(SEEDS),
    cuts=st.lists(st.tuples(st.floats(0, 1), st.binary(max_size=6)), max_size=4),
)
def test_a_mutated_pack_is_readings_or_a_refusal_and_nothing_else(
    seed: bytes, cuts: list[tuple[float, bytes]]
) -> None:
    payload = seed
    for at, insert in cuts:
        place = int(at * len(payload))
        payload = payload[:place] + insert + payload[place + len(insert) // 2 :]
    outcome = opened_or_refused(payload)
    if isinstance(outcome, str):
        assert 0 < len(outcome) <= 400
    else:
        assert_sound(outcome)


@given(
    st.binary(max_size=200), st.sampled_from([b"", b"[", b"\x81", b"\x9f", b"x\x9c"])
)
def test_any_bytes_are_readings_or_a_refusal_and_nothing_else(
    rest: bytes, first: bytes
) -> None:
    outcome = opened_or_refused(first + rest)
    if isinstance(outcome, str):
        assert 0 < len(outcome) <= 400
    else:
        assert_sound(outcome)


HOSTILE = {
    "nested lists": b"[" * 100_000,
    "nested objects": b'[{"n":' * 20_000,
    "a nested value": b'[{"v":' + b"[" * 50_000 + b"]" * 50_000 + b"}]",
    "5,000 digits": b'[{"n":"p/ph","u":"pH","t":1764000000,"v":1'
    + b"0" * 5_000
    + b"}]",
    "UTF-16": '[{"n":"p/ph"}]'.encode("utf-16-le"),
    "a NUL": b"[\x00]",
    "CBOR length 2^63": b"\x9b\x7f" + b"\xff" * 7,
    "CBOR string of 2^62": b"\x81\x7b\x3f" + b"\xff" * 7,
    "CBOR map of 2^31": b"\x81\xba\x7f\xff\xff\xff",
    "CBOR nested": b"\x81" * 100_000,
    "CBOR break alone": b"\x81\xff",
    "CBOR without break": b"\x9f\xbf",
    "CBOR map as key": b"\x81\xa1\xa1\x00\x00\x00\x01",
    "zlib with a dictionary": b"\x78\xbb" + b"\x00" * 20,
}


@pytest.mark.parametrize("payload", HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_bytes_are_refused(payload: bytes) -> None:
    try:
        pack = opened(payload)
    except InputError:
        return
    assert not pack.readings
    assert pack.refused


def _tagged(number: int, value: object) -> bytes:
    record = {-2: "p/", -3: T, 0: "ph", 1: "pH", 2: cbor2.CBORTag(number, value)}
    good = {0: "ph", 1: "pH", 2: 7.5}
    return bytes(cbor2.dumps([record, good]))


@pytest.mark.parametrize("number", [0, 1, 5, 28, 30, 35, 36, 37, 100, 258, 1004, 999])
@pytest.mark.parametrize(
    "value", ["2025-11-24T00:00:00Z", 5, [1, 2], "(a+)+$", b"\x00"]
)
def test_a_tag_that_senml_does_not_know_is_refused_alone(
    number: int, value: object
) -> None:
    pack = opened(_tagged(number, value))
    assert [r.value for r in pack.readings] == [7.5]
    assert len(pack.refused) == 1


def test_shared_references_do_not_unfold() -> None:
    """A "billion laughs" in CBOR: each list holds the one before ten times."""
    levels = [b"\xd8\x1c\x8a" + b"\x00" * 10]
    levels += [b"\xd8\x1c\x8a" + b"\xd8\x1d%c" % i * 10 for i in range(12)]
    payload = bytes([0x80 + len(levels)]) + b"".join(levels)
    pack = opened(payload)
    assert len(pack.refused) == len(levels)
    assert sum(len(refusal.raw) for refusal in pack.refused) < 10_000


def test_a_cycle_is_refused() -> None:
    pack = opened(b"\xd8\x1c\x81\xd8\x1d\x00".join([b"\x81", b""]))
    assert len(pack.refused) == 1


@pytest.mark.parametrize("label", [*range(-6, 9), "gwn", "gwc", "bgwq"])
def test_a_bignum_of_20000_digits_is_refused_alone(label: int | str) -> None:
    """Python refuses to print such a number; a reason must not try."""
    record = {-2: "p/", -3: T, 0: "ph", 1: "pH", 2: 7, label: 10**20_000}
    good = {-2: "p/", -3: T, -4: "pH", -5: 0, -1: 10, 0: "ph", 2: 7.5}
    pack = opened(bytes(cbor2.dumps([record, good])))
    assert pack.readings[-1].value == 7.5
    assert len(pack.refused) <= 1


def test_a_decimal_fraction_of_any_size_is_a_number_or_refused() -> None:
    for exponent in (-400, -5, 0, 5, 400, 10**6, -(10**6)):
        payload = bytes(
            cbor2.dumps(
                [
                    {
                        -2: "p/",
                        -3: T,
                        0: "ph",
                        1: "pH",
                        2: cbor2.CBORTag(4, [exponent, 7]),
                    }
                ]
            )
        )
        assert_sound(opened(payload))


def test_a_zip_bomb_is_refused_while_inflating() -> None:
    import tracemalloc

    bomb = zlib.compress(b"[" + b" " * 50_000_000 + b"]", 9)
    tracemalloc.start()
    with pytest.raises(InputError, match="inflates to more than 256 KiB"):
        opened(bomb)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 2_000_000


def test_every_cut_of_a_deflated_pack_is_refused() -> None:
    whole = as_zlib(VALID)
    for length in range(1, len(whole)):
        with pytest.raises(InputError):
            opened(whole[:length])


def test_exactly_5000_records_are_taken_and_one_more_is_not() -> None:
    rng = random.Random(5)
    taken = [
        Reading(
            DEVICE,
            ProbeId("p"),
            Channel.PH,
            (T + i) * 1000,
            round(rng.uniform(6, 9), 2),
        )
        for i in range(5_000)
    ]
    assert opened(encode(taken)).readings == taken
    with pytest.raises(InputError, match="5001 records"):
        opened(zlib.compress(b"[" + b",".join([b"{}"] * 5_001) + b"]"))


def test_a_label_that_must_be_understood_is_seen_through_an_escape() -> None:
    pack = opened(
        b'[{"bn":"p/","bt":1764000000,"n":"ph","u":"pH","v":8,"x\\u005f":1},'
        b'{"n":"ph","u":"pH","v":7}]'
    )
    assert [r.value for r in pack.readings] == [7.0]
    assert "must be understood" in pack.refused[0].reason


def test_a_probe_may_end_with_an_underscore() -> None:
    """The fast path's guess about labels must not become a rule about names."""
    pack = opened(b'[{"bn":"p_","n":"/ph","u":"pH","t":1764000000,"v":8}]')
    assert [(r.probe, r.value) for r in pack.readings] == [("p_", 8.0)]


def test_names_that_nobody_can_bound_are_not_kept() -> None:
    """A device that sends ever new names must not fill the platform's memory."""
    from greenwater.kernel.wire import resolve

    before = len(resolve._names)
    records = [
        {"n": f"p/{'x' * 200}{i}", "u": "pH", "t": T, "v": 1} for i in range(1000)
    ]
    assert len(opened(as_json(records)).refused) == 1000
    assert len(resolve._names) == before


@given(st.sampled_from(SENT), st.data())
def test_every_accepted_unit_arrives_as_the_canonical_one(
    channel: Channel, data: st.DataObject
) -> None:
    spec = SPECS[channel]
    unit = data.draw(st.sampled_from(sorted(spec.accepts)))
    value = data.draw(st.floats(-1e6, 1e6))
    scale, offset = spec.accepts[unit]
    pack = opened(as_json([{"n": f"p/{channel}", "u": unit, "t": T, "v": value}]))
    assert pack.readings[0].value == pytest.approx(value * scale + offset)


@given(st.sampled_from(SENT), st.text(max_size=8))
def test_any_other_unit_is_refused_by_name(channel: Channel, unit: str) -> None:
    if unit in SPECS[channel].accepts:
        return
    pack = opened(as_json([{"n": f"p/{channel}", "u": unit, "t": T, "v": 1}]))
    assert channel in pack.refused[0].reason


MESSAGES: dict[type[msgspec.Struct], dict[str, Any]] = {
    messages.Ack: {"outbox": "a" * 16, "stored": [[1, 2]], "refused": []},
    messages.Platform: {"epoch": "e"},
    messages.Status: {"online": True, "boot": "b", "days_left": 1.5, "unhealthy": []},
    messages.Command: {"id": "c", "kind": "k", "expires_ms": 1, "args": {}},
    messages.Reply: {"id": "c", "is_done": True, "message": "m"},
}


@pytest.mark.parametrize("kind", MESSAGES)
@given(value=nasty, data=st.data())
def test_one_wrong_field_of_a_message_is_refused_or_still_a_message(
    kind: type[msgspec.Struct], value: object, data: st.DataObject
) -> None:
    valid = MESSAGES[kind]
    field = data.draw(st.sampled_from(sorted(valid)))
    payload = json.dumps(valid | {field: value}).encode()
    with contextlib.suppress(InputError):
        message = messages.decode_message(payload, kind)
        again = messages.decode_message(messages.encode_message(message), kind)
        assert again == message


@pytest.mark.parametrize("kind", MESSAGES)
@given(payload=st.binary(max_size=100))
def test_any_bytes_are_a_message_or_refused(
    kind: type[msgspec.Struct], payload: bytes
) -> None:
    for text in (payload, b"[" * 50_000, b'{"a":' * 20_000, b"x" * 70_000):
        with contextlib.suppress(InputError):
            messages.decode_message(text, kind)


def test_a_status_that_says_little_is_of_a_real_box_that_lacks_nothing() -> None:
    said = messages.decode_message(b'{"online": true, "boot": "b"}', messages.Status)
    assert (said.is_simulated, said.unhealthy) == (False, ())


def test_the_device_is_never_taken_from_the_payload() -> None:
    pack = decode(as_json(VALID), device=DeviceId("another-box"), now_s=NOW_S)
    assert {reading.device for reading in pack.readings} == {"another-box"}


def test_a_refusal_says_what_a_beginner_did() -> None:
    record = {"n": "p/ph", "u": "pH", "v": 8, "t": T * 1000}
    (bad,) = opened(json.dumps([record]).encode()).refused
    assert bad.reason.endswith("more than 24 h ahead; are these milliseconds?")
    with pytest.raises(InputError, match="begins with 5b, 78, or 80 to 9f"):
        opened(json.dumps(record).encode())
