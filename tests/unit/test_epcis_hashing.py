"""Identifiers in two spellings, and the hash that names an event."""

import random
from typing import Any

import pytest

from traceability.epcis.epcs import to_link, to_urn
from traceability.epcis.hashing import hash_id, prehash

EVENT: dict[str, Any] = {
    "type": "ObjectEvent",
    "eventTime": "2020-03-04T11:00:30+01:00",
    "recordTime": "2020-03-04T11:00:30.999+01:00",
    "eventTimeZoneOffset": "+01:00",
    "epcList": [
        "urn:epc:id:sscc:4012345.0000000333",
        "urn:epc:id:sscc:4012345.0000000111",
        "urn:epc:id:sscc:4012345.0000000222",
    ],
    "action": "OBSERVE",
    "bizStep": "departing",
    "readPoint": {"id": "urn:epc:id:sgln:4012345.00011.987"},
    "example:myField1": {"example:mySubField1": 2, "example:mySubField2": 5.0},
}
CONTEXT = [{"example": "https://ns.example.com/epcis/"}]
TEXT = (
    "eventType=ObjectEventeventTime=2020-03-04T10:00:30.000ZeventTimeZoneOffset=+01:00"
    "epcListepc=https://id.gs1.org/00/040123450000001112"
    "epc=https://id.gs1.org/00/040123450000002225"
    "epc=https://id.gs1.org/00/040123450000003338action=OBSERVE"
    "bizStep=https://ref.gs1.org/cbv/BizStep-departing"
    "readPointid=https://id.gs1.org/414/4012345000115/254/987"
    "{https://ns.example.com/epcis/}myField1{https://ns.example.com/epcis/}mySubField1=2"
    "{https://ns.example.com/epcis/}mySubField2=5"
)
OTHER = (  # of npm's epcis2.js, with its hash
    "eventType=ObjectEventeventTime=2020-03-04T10:00:30.000ZeventTimeZoneOffset=+01:00"
    "epcListepc=https://id.gs1.org/01/00614141111114/21/987action=OBSERVE"
    "bizStep=https://ns.gs1.org/voc/Bizstep-departing"
    "disposition=https://ns.gs1.org/voc/Disp-in_transit"
    "readPointid=https://id.gs1.org/414/4012345000115bizTransactionList"
    "bizTransaction=https://id.gs1.org/253/4012345111118123"
    "type=https://ns.gs1.org/voc/BTT-posourceList"
    "source=https://id.gs1.org/417/4012345000009"
    "type=https://ns.gs1.org/voc/SDT-owning_partydestinationList"
    "destination=https://id.gs1.org/417/0614141000005"
    "type=https://ns.gs1.org/voc/SDT-owning_party"
    "readPoint{https://ns.example.com/epcis}myField1=AB-12"
    "{https://ns.example.com/epcis}userExt=CD-34"
)
HASH = "b19f1beb88382b7a670c276a699a61c9805174586eaeb1845c4a1dbce8b75aa3"


def test_a_published_example_has_its_published_text_and_another_its_hash() -> None:
    assert prehash(EVENT, CONTEXT) == TEXT
    assert hash_id(OTHER) == f"ni:///sha-256;{HASH}?ver=CBV2.0"


def test_order_spelling_and_what_is_not_the_event_do_not_count() -> None:
    rng = random.Random(1)
    for _ in range(20):
        fields = list(EVENT.items())
        rng.shuffle(fields)
        other = dict(fields) | {
            "eventID": "urn:uuid:1",
            "bizStep": "urn:epcglobal:cbv:bizstep:departing",
            "eventTime": "2020-03-04T10:00:30.0004Z",
            "epcList": rng.sample(EVENT["epcList"], 3),
            "errorDeclaration": {"declarationTime": "2020-03-05T00:00:00Z"},
        }
        assert prehash(other, CONTEXT) == TEXT
    assert prehash(EVENT | {"action": "ADD"}, CONTEXT) != TEXT
    assert prehash(EVENT | {"ilmd": {"example:a": 1}}, CONTEXT) != TEXT


def test_sensor_reports_are_in_it() -> None:
    event = {
        "type": "ObjectEvent",
        "eventTime": "2020-04-01T15:00:00+01:00",
        "eventTimeZoneOffset": "+01:00",
        "action": "OBSERVE",
        "sensorElementList": [
            {"sensorReport": [
                {"uom": "CEL", "type": "Temperature", "value": 26.0, "sDev": 0.1},
                {"type": "AbsoluteHumidity", "value": 12.1, "uom": "A93"},
            ]}
        ],
    }  # fmt: skip
    assert prehash(event).endswith(
        "action=OBSERVEsensorElementListsensorElement"
        "sensorReporttype=https://gs1.org/voc/AbsoluteHumidityvalue=12.1uom=A93"
        "sensorReporttype=https://gs1.org/voc/Temperaturevalue=26sDev=0.1uom=CEL"
    )


def test_quantities_papers_parties_and_what_goods_are_like_are_in_it() -> None:
    goods = "urn:epc:class:lgtin:4012345.012345."
    event = {
        "type": "ObjectEvent",
        "eventTime": "2026-06-01T05:00:00+07:00",
        "eventTimeZoneOffset": "+07:00",
        "action": "ADD",
        "quantityList": [
            {"uom": "KGM", "quantity": 600.5, "epcClass": f"{goods}B"},
            {"quantity": 30, "epcClass": f"{goods}A"},
        ],
        "persistentDisposition": {
            "unset": ["completeness_inferred"], "set": ["completeness_verified"],
        },
        "bizLocation": {"id": "urn:epc:id:sgln:4012345.00005.0"},
        "bizTransactionList": [
            {"bizTransaction": "urn:epc:id:gdti:4012345.55555.498", "type": "po"}
        ],
        "sourceList": [
            {"source": "urn:epc:id:pgln:4012345.00000", "type": "owning_party"}
        ],
        "destinationList": [
            {"destination": "urn:epc:id:sgln:4012345.00011.0", "type": "location"}
        ],
        "ilmd": {"cbvmda:bestBeforeDate": "2026-07-01"},
    }  # fmt: skip
    cbv, item = "https://ref.gs1.org/cbv/", "https://id.gs1.org/01/04012345123456/10/"
    assert prehash(event) == (
        "eventType=ObjectEventeventTime=2026-05-31T22:00:00.000Z"
        "eventTimeZoneOffset=+07:00quantityList"
        f"quantityElementepcClass={item}Aquantity=30"
        f"quantityElementepcClass={item}Bquantity=600.5uom=KGMaction=ADD"
        f"persistentDispositionset={cbv}Disp-completeness_verified"
        f"unset={cbv}Disp-completeness_inferred"
        "bizLocationid=https://id.gs1.org/414/4012345000054"
        f"bizTransactionListtype={cbv}BTT-po"
        "bizTransaction=https://id.gs1.org/253/4012345555554498"
        f"sourceListtype={cbv}SDT-owning_party"
        "source=https://id.gs1.org/417/4012345000009"
        f"destinationListtype={cbv}SDT-location"
        "destination=https://id.gs1.org/414/4012345000115"
        "ilmd{urn:epcglobal:cbv:mda}bestBeforeDate=2026-07-01"
    )


@pytest.mark.parametrize(
    ("urn", "path"),
    [
        ("urn:epc:id:sgtin:0614141.107346.2017", "/01/10614141073464/21/2017"),
        ("urn:epc:id:sgtin:4012345.012345.12%2F3", "/01/04012345123456/21/12%2F3"),
        ("urn:epc:class:lgtin:4012345.012345.998877", "/01/04012345123456/10/998877"),
        ("urn:epc:idpat:sgtin:4012345.012345.*", "/01/04012345123456"),
        ("urn:epc:id:sscc:4012345.0000000333", "/00/040123450000003338"),
        ("urn:epc:id:sgln:4012345.00011.0", "/414/4012345000115"),
        ("urn:epc:id:pgln:4012345.00000", "/417/4012345000009"),
        ("urn:epc:id:sgln:4012345.00005.32a", "/414/4012345000054/254/32a"),
        ("urn:epc:id:gdti:4012345.55555.498", "/253/4012345555554498"),
        ("urn:epc:id:grai:4012345.66666.387", "/8003/04012345666663387"),
        ("urn:epc:id:giai:4000001.111", "/8004/4000001111"),
        ("urn:epc:id:gsrn:4012345.9876540000", "/8018/401234598765400000"),
        ("urn:epc:id:itip:4012345.012345.01.02.999", "/8006/040123451234560102/21/999"),
        ("urn:epc:id:cpi:4012345.ABC.123", "/8010/4012345ABC/8011/123"),
    ],
)
def test_a_urn_and_its_link_are_the_same_thing(urn: str, path: str) -> None:
    assert to_link(urn) == f"https://id.gs1.org{path}"
    assert (
        to_link(f"https://shop.example/x{path}?17=261231")
        == f"https://id.gs1.org{path}"
    )
    if any(kind in urn for kind in ("sscc", "sgln", "pgln", "lgtin", "sgtin:0614141")):
        assert to_urn(f"https://id.gs1.org{path}") == urn


def test_what_is_neither_stays_as_it_is() -> None:
    for text in ("urn:gdst:x:product:lot:class:a.b", "geo:12,109", "urn:epc:id:sgtin:1.2.3",
                 "https://example.com/ao-1", "urn:epc:id:sscc:4012345.1"):  # fmt: skip
        assert to_link(text) == text
        assert to_urn(text) == text
