"""GDST's rules by name, and completeness; a lot's chain is captured in contracts/test_epcis_ledger.py."""

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from traceability.gdst.rules import NOT_APPLICABLE, Act, act_of, check

ROOT = Path(__file__).resolve().parents[3] / "shared" / "conformance" / "gdst"
needs_files = pytest.mark.skipif(not ROOT.exists(), reason=f"{ROOT} is absent")


def events(path: str) -> list[dict[str, Any]]:
    document = json.loads((ROOT / path).read_bytes())
    found: list[dict[str, Any]] = document["epcisBody"]["eventList"]
    return found


@needs_files
def test_the_valid_chain_has_no_error_and_is_complete() -> None:
    chain = events("valid/gdst_data_withmasterdata.jsonld")
    checked = check(chain)
    assert (len(chain), checked.errors, checked.completeness) == (17, (), 1.0)
    assert Act.OTHER not in map(act_of, chain)


BROKEN = {
    "gdst_event_invalid_human_welfare_policy": {"human_welfare_policy"},
    "gdst_event_missing_information_provider": {"information_provider"},
    "gdst_farm_harvest_event_invalid": {
        "aquaculture_method", "production_method", "human_welfare_policy"},
    "gdst_fishing_event_invalid": {"production_method", "vessel_information"},
    "gdst_hatching_event_invalid": {
        "broodstock_source", "human_welfare_policy", "product_owner",
        "information_provider"},
    "gdst_processing_event_invalid": {"lot_number"},
    "gdst_processing_missing_lot_number": {"lot_number"},
}  # fmt: skip


@needs_files
@pytest.mark.parametrize("name", sorted(BROKEN))
def test_invalid_ones_are_refused_by_the_rules_name(name: str) -> None:
    checked = check(events(f"invalid/{name}.jsonld"))
    assert {finding.rule for finding in checked.errors} == BROKEN[name]
    assert checked.completeness < 1


@needs_files
def test_every_mandatory_element_taken_away_is_found_in_any_spelling() -> None:
    chain = events("valid/gdst_data_withmasterdata.jsonld")
    fishing = next(one for one in chain if act_of(one) is Act.FISHING)
    path = ("cbvmda:vesselCatchInformationList", "cbvmda:vesselCatchInformation")
    for name in fishing["ilmd"][path[0]][path[1]][0]:
        broken = copy.deepcopy(fishing)
        del broken["ilmd"][path[0]][path[1]][0][name]
        (error,) = check([broken]).errors
        assert error.rule == f"vessel_{name.partition(':')[2]}"
        assert error.pointer.endswith(f"/0/{name}")
    small = copy.deepcopy(fishing)
    small["ilmd"][path[0]][path[1]][0]["gdst:imoNumber"] = NOT_APPLICABLE
    checked = check([small])
    assert (checked.errors, checked.completeness < 1) == ((), True)
    small["ilmd"][path[0]][path[1]][0]["cbvmda:vesselName"] = NOT_APPLICABLE
    assert [one.rule for one in check([small]).errors] == ["vessel_vesselName"]
    packing = next(one for one in chain if one["bizStep"] == "packing")
    spelt = packing | {"bizStep": "https://ref.gs1.org/cbv/BizStep-packing"}
    assert act_of(spelt) is Act.AGGREGATION
    assert check([spelt | {"action": "DELETE"}]).errors[0].rule == "event_type"
