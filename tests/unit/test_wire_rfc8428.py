"""The examples of RFC 8428 §5, read by this wire.

Their names (``urn:dev:…``) are not ``probe/channel``, so each example stands twice: as
printed, where every record is refused by name and nothing else happens, and with its
names replaced by ours, where base name, base time, base unit and base value must give
the resolved values the RFC prints.
"""

import json
from typing import Any

import cbor2
import pytest

from greenwater.kernel.errors import InputError
from greenwater.kernel.ids import parse_device
from greenwater.kernel.wire.decode import Pack, decode

DEVICE = parse_device("rfc-8428")
NOW_S = 1.5e9  # the examples are of 2010 and 2012


def opened(records: list[dict[str, Any]]) -> Pack:
    """Return what the records mean, in JSON and in CBOR with text labels alike."""
    pack = decode(json.dumps(records).encode(), device=DEVICE, now_s=NOW_S)
    twin = decode(bytes(cbor2.dumps(records)), device=DEVICE, now_s=NOW_S)
    assert (twin.readings, twin.gaps) == (pack.readings, pack.gaps)
    assert [r.reason for r in twin.refused] == [r.reason for r in pack.refused]
    return pack


SINGLE = [{"n": "urn:dev:ow:10e2073a01080063", "u": "Cel", "v": 23.1}]  # §5.1.1

MULTIPLE = [  # §5.1.2, second
    {
        "bn": "urn:dev:ow:10e2073a0108006:",
        "bt": 1.276020076001e09,
        "bu": "A",
        "bver": 5,
        "n": "voltage",
        "u": "V",
        "v": 120.1,
    },
    {"n": "current", "t": -5, "v": 1.2},
    {"n": "current", "t": -4, "v": 1.3},
    {"n": "current", "t": -3, "v": 1.4},
    {"n": "current", "t": -2, "v": 1.5},
    {"n": "current", "t": -1, "v": 1.6},
    {"n": "current", "v": 1.7},
]

HUMIDITY = [  # §5.1.3, first three records
    {
        "bn": "urn:dev:ow:10e2073a01080063",
        "bt": 1.320067464e09,
        "bu": "%RH",
        "v": 20,
    },
    {"u": "lon", "v": 24.30621},
    {"u": "lat", "v": 60.07965},
]

MIXED: list[dict[str, Any]] = [  # §5.1.4
    {"bn": "urn:dev:ow:10e2073a01080063:", "n": "temp", "u": "Cel", "v": 23.1},
    {"n": "label", "vs": "Machine Room"},
    {"n": "open", "vb": False},
    {"n": "nfc-reader", "vd": "aGkgCg"},
]

COLLECTION = [  # §5.1.6: no value in the last
    {
        "bn": "2001:db8::2/",
        "bt": 1.320078429e09,
        "n": "temperature",
        "u": "Cel",
        "v": 27.2,
    },
    {"n": "humidity", "u": "%RH", "v": 80},
]


@pytest.mark.parametrize("records", [SINGLE, MULTIPLE, HUMIDITY, MIXED])
def test_names_that_are_not_ours_are_refused_one_by_one(
    records: list[dict[str, Any]],
) -> None:
    pack = opened(records)
    assert not pack.readings
    assert len(pack.refused) == len(records)


def test_the_first_example_lacks_a_time_and_says_so() -> None:
    pack = opened([SINGLE[0] | {"n": "ow/temperature"}])
    assert "relative times are not accepted" in pack.refused[0].reason


def test_base_name_base_time_and_base_unit_resolve_as_printed() -> None:
    """§5.1.3 prints the resolved records: times 1.276020071001e9 and on."""
    ours = [dict(record) for record in MULTIPLE]
    ours[0] |= {"bn": "ow/", "n": "supply"}
    pack = opened(ours)
    assert [(r.channel, r.taken_ms, r.value) for r in pack.readings] == [
        ("supply", 1276020076001, 120.1),
        ("current", 1276020071001, 1.2),
        ("current", 1276020072001, 1.3),
        ("current", 1276020073001, 1.4),
        ("current", 1276020074001, 1.5),
        ("current", 1276020075001, 1.6),
        ("current", 1276020076001, 1.7),
    ]


def test_the_base_name_alone_may_be_the_whole_name() -> None:
    ours = [
        {"bn": "gps/longitude", "bt": 1.320067464e09, "u": "lon", "v": 24.30621},
        {"t": 60, "u": "lon", "v": 24.30622},
    ]
    values = [(r.probe, r.taken_ms, r.value) for r in opened(ours).readings]
    assert values == [
        ("gps", 1320067464000, 24.30621),
        ("gps", 1320067524000, 24.30622),
    ]


def test_text_booleans_and_data_are_not_readings() -> None:
    ours = [dict(record) for record in MIXED]
    ours[0] |= {"bn": "ow/", "bt": 1.32e9, "n": "temperature"}
    for record, channel in zip(ours[1:], ("ph", "contact", "orp"), strict=True):
        record |= {
            "n": channel,
            "u": {"ph": "pH", "contact": "/", "orp": "mV"}[channel],
        }
    pack = opened(ours)
    assert [r.value for r in pack.readings] == [23.1, 0.0]
    assert ["not text" in refusal.reason for refusal in pack.refused] == [True, True]


def test_one_unknown_quantity_leaves_the_others() -> None:
    ours = [COLLECTION[0] | {"bn": "node/"}, COLLECTION[1]]
    pack = opened(ours)
    assert [r.value for r in pack.readings] == [27.2]
    assert "unknown channel 'humidity'" in pack.refused[0].reason


def test_the_cbor_example_of_section_6_has_integer_labels() -> None:
    """The multiple-datapoints example of RFC 8428 §6, in CBOR."""
    example = bytes.fromhex(
        "87a721781b75726e3a6465763a6f773a3130653230373361303130383030363a"
        "22fb41d303a15b00106223614120050067766f6c7461676501615602fb405e06"
        "6666666666a3006763757272656e74062402fb3ff3333333333333a300676375"
        "7272656e74062302fb3ff4cccccccccccda3006763757272656e74062202fb3f"
        "f6666666666666a3006763757272656e74062102f93e00a3006763757272656e"
        "74062002fb3ff999999999999aa3006763757272656e74060002fb3ffb333333"
        "333333"
    )
    assert len(decode(example, device=DEVICE, now_s=NOW_S).refused) == 7  # by name
    ours = example.replace(b"\x78\x1burn:dev:ow:10e2073a0108006:", b"\x63ow/")
    ours = ours.replace(b"\x67voltage", b"\x66supply")
    pack = decode(ours, device=DEVICE, now_s=NOW_S)
    assert [(r.channel, r.taken_ms, r.value) for r in pack.readings] == [
        ("supply", 1276020076001, 120.1),
        ("current", 1276020071001, 1.2),
        ("current", 1276020072001, 1.3),
        ("current", 1276020073001, 1.4),
        ("current", 1276020074001, 1.5),
        ("current", 1276020075001, 1.6),
        ("current", 1276020076001, 1.7),
    ]


def test_records_must_stand_in_a_list() -> None:
    with pytest.raises(InputError, match="first byte is 7b"):
        decode(json.dumps(SINGLE[0]).encode(), device=DEVICE, now_s=NOW_S)
