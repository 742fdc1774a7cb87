"""Our own trace events: EPCIS by its rules, GDST as far as anybody was asked."""

import json
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from greenwater.storage.registry.books import Crop, Lot, Product, Record
from greenwater.storage.registry.goods import Flow, Ground
from greenwater.storage.registry.inspections import Inspection
from greenwater.storage.registry.vessel_inspections import VesselInspection
from traceability.epcis.capture import CONTEXT, OWN_CONTEXT
from traceability.epcis.documents import read_document
from traceability.gdst.acts import Act as Cte
from traceability.gdst.acts import act_of
from traceability.gdst.findings import Severity
from traceability.gdst.rules import check
from traceability.goods import lot_events
from traceability.goods.balance import step_of
from traceability.goods.steps import (
    Act,
    Dispose,
    Made,
    Merge,
    NewStep,
    Pack,
    Party,
    Portion,
    Process,
    Receive,
    Sell,
    Ship,
    Split,
    Unpack,
    tidy,
)
from traceability.label.vessel_inspections import of_vessel_inspection
from traceability.ledger import events

NOW = 1_780_000_000_000
GTIN = "09521234543213"
CROP = Crop("vu-1", "hoa", "hoa-ao-1", GTIN, "PNV", "Vụ 1", NOW, None)
PRODUCT = Product(GTIN, "hoa", "Tôm", "Shrimp", "PNV", None)
LOT = Lot(
    "lot-1", "hoa", "260529-ABCDEF", GTIN, "harvest", "vu-1", "hoa-ao-1", "r-1", None,
    None, NOW, 100.0, {}, "0" * 64, NOW, "lan",
)  # fmt: skip
MADE = Lot(
    "lot-2", "hoa", "260529-123456", GTIN, "step", None, None, None, None, "step-1",
    NOW, 60.0, {}, "0" * 64, NOW, "lan",
)  # fmt: skip


def of(kind: str, **fields: object) -> dict[str, Any]:
    record = Record(
        str(uuid.uuid4()), "hoa", "hoa-ao-1", "vu-1", kind, NOW, NOW, "lan", "hand",
        dict(fields), None, "0" * 64,
    )  # fmt: skip
    (draft,) = events.of_record(record, CROP)
    return dict(json.loads(draft.document))


def of_step(act: Act) -> dict[str, Any]:
    new = tidy(NewStep(id=str(uuid.uuid4()), organisation="hoa", at_ms=NOW, act=act))
    step = step_of(new, "lan", NOW)
    is_making = isinstance(act, Split | Merge | Process)
    flow = Flow(step.id, 0, "hoa", "lot-1", "in", 60.0, "PNV", None)
    out = Flow(
        step.id, 1, "hoa", "lot-2" if is_making else "lot-1", "out", 60.0, "PNV", None
    )
    moved: dict[type, list[Flow]] = {
        Receive: [out],
        Ship: [flow],
        Dispose: [flow],
        Sell: [flow],
    }
    sent = step_of(
        NewStep(id=str(uuid.uuid4()), organisation="x", at_ms=NOW, act=Ship(to=Party("hoa"))),
        "x", NOW,
    )  # fmt: skip
    ground = Ground(
        {"lot-1": LOT}, {GTIN: PRODUCT}, {}, [], frozenset(), frozenset(), sent, [flow]
    )
    (draft,) = lot_events.of_step(
        step, new.act, moved.get(type(act), [flow, out]), [MADE] if is_making else [],
        ground,
    )  # fmt: skip
    return dict(json.loads(draft.document))


GOODS = (Portion("lot-1", 60.0),)
STEPS: dict[str, Act] = {
    "split": Split(GOODS, (Made(60.0),)),
    "merge": Merge((*GOODS, Portion("lot-3", 1.0)), (Made(60.0),)),
    "process": Process(GOODS, (Made(60.0),), "headless"),
    "pack": Pack(GOODS, "095212345000000018"),
    "unpack": Unpack("thung-1"),
    "ship": Ship(GOODS, (), Party(None, "Chợ Đầm", "Nha Trang")),
    "receive": Receive("s-1"),
    "dispose": Dispose(GOODS, (), "hỏng"),
    "sell": Sell(GOODS),
}
ALL: dict[str, Any] = {
    "stocking": of("stocking", count=300_000, hatchery="Trại giống"),
    "feed_use": of("feed_use", product="số 2", kg=92.5),
    "lot": json.loads(events.of_lot(LOT, CROP, PRODUCT, "pond")[0].document),
    "labels": json.loads(events.of_labels(LOT, ["ABC"], NOW)[0].document),
    "recall": json.loads(
        lot_events.of_recall(MADE, LOT, "x", NOW, is_over=False)[0].document
    ),
    "inspection": json.loads(
        events.of_inspection(
            Inspection("i-1", "hoa", "lot-1", "ABC", "minh", "k", "conformant", "", "s", NOW, NOW),
            LOT, "cc",
        )[0].document
    ),
    "vessel_inspection": json.loads(
        of_vessel_inspection(
            VesselInspection(
                id="i-2", organisation="hoa", vessel="KH-91001-TS", authority="cc",
                person="minh", key="k", result="non_conformant", note="",
                found={"port": "CHR"}, statement="s", happened_ms=NOW, received_ms=NOW,
            )
        )[0].document
    ),
    **{name: of_step(act) for name, act in STEPS.items()},
}  # fmt: skip


@pytest.mark.parametrize("name", sorted(ALL))
def test_an_event_of_ours_is_epcis(name: str) -> None:
    document = {
        "@context": [CONTEXT, OWN_CONTEXT],
        "type": "EPCISDocument",
        "schemaVersion": "2.0",
        "creationDate": "2026-05-29T03:26:40Z",
        "epcisBody": {"eventList": [ALL[name]]},
    }
    found = read_document(document)
    assert list(found.events) == [ALL[name]]
    assert not found.warnings


CTES = {
    "stocking": Cte.HATCHING, "lot": Cte.FARM_HARVEST, "split": Cte.PROCESSING,
    "merge": Cte.COMMINGLING, "process": Cte.PROCESSING, "pack": Cte.AGGREGATION,
    "unpack": Cte.DISAGGREGATION, "ship": Cte.SHIPPING, "receive": Cte.RECEIVING,
}  # fmt: skip


@pytest.mark.parametrize("name", sorted(ALL))
def test_an_event_of_ours_breaks_no_rule_of_gdst_and_says_what_is_not_known(
    name: str,
) -> None:
    found = check([ALL[name]])

    assert found.errors == ()
    assert act_of(ALL[name]) is CTES.get(name, Cte.OTHER)
    unknown = {one.rule for one in found.findings if "is not known" in one.reason}
    told = {"stocking": {"human_welfare_policy", "broodstock_source"},
            "lot": {"human_welfare_policy"}}  # fmt: skip
    assert unknown == told.get(name, set())
    assert "owning_party" not in {one.rule for one in found.findings}
    if name not in told:
        assert found.completeness == 1.0


@pytest.mark.parametrize("name", sorted(set(ALL) - {"vessel_inspection"}))
def test_an_event_of_ours_names_everything_as_gdst_does(name: str) -> None:
    told = json.dumps(ALL[name])
    assert "urn:greenwater:" not in told
    assert "urn:gdst:greenwater.example:party:hoa" in told


def test_a_vessel_is_a_place_of_gdst_and_a_thing_of_ours() -> None:
    seen = ALL["vessel_inspection"]
    assert seen["epcList"] == ["urn:greenwater:vessel:KH-91001-TS"]
    assert (
        seen["readPoint"]["id"] == "urn:gdst:greenwater.example:location:loc:port.CHR"
    )


def test_a_harvest_names_species_method_and_lot() -> None:
    ilmd = ALL["lot"]["ilmd"]
    assert ilmd == {
        "cbvmda:lotNumber": "260529-ABCDEF",
        "cbvmda:speciesForFisheryStatisticsPurposesCode": "PNV",
        "cbvmda:speciesForFisheryStatisticsPurposesName": "Penaeus vannamei",
        "cbvmda:productionMethodForFishAndSeafoodCode": "AQUACULTURE",
        "gdst:aquacultureMethod": "ponds",
    }
    assert check([ALL["lot"]]).completeness == pytest.approx(5 / 6)


def test_what_is_not_known_costs_completeness_and_nothing_at_all_is_an_error() -> None:
    bare = {
        key: value for key, value in ALL["lot"].items() if key != "gdst:productOwner"
    }
    found = check([bare])
    assert [one.rule for one in found.errors] == ["product_owner"]
    assert all(one.severity is Severity.WARNING for one in found.findings[1:])


def test_all_of_them_are_epcis_by_gs1s_own_schema(
    shared: Callable[[str], Path],
) -> None:
    schema = json.loads(shared("conformance/epcis/EPCIS-JSON-Schema.json").read_text())
    document = {
        "@context": [
            "https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld",
            OWN_CONTEXT,
        ],
        "type": "EPCISDocument",
        "schemaVersion": "2.0",
        "creationDate": "2026-11-24T00:00:00.000Z",
        "epcisBody": {"eventList": list(ALL.values())},
    }
    jsonschema.Draft7Validator(schema).validate(document)
