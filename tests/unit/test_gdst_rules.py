"""GDST's rules by name, and completeness; a lot's chain is captured in contracts/test_epcis_ledger.py."""

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from traceability.gdst.acts import Act, act_of
from traceability.gdst.findings import Severity
from traceability.gdst.rules import NOT_APPLICABLE, check

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


CERTIFICATE = {
    "gdst:certificationType": "urn:gdst:certType:harvestCoC",
    "certificationAgency": "VICB",
    "certificationStandard": "VietGAP",
    "certificationIdentification": "VietGAP-TS-13-01-KH-0001",
}


def packed(**more: Any) -> dict[str, Any]:
    party = "urn:gdst:greenwater.example:party:hoa"
    return {
        "type": "AggregationEvent",
        "action": "ADD",
        "bizStep": "packing",
        "readPoint": {"id": "urn:gdst:greenwater.example:location:loc:hoa.1"},
        "gdst:productOwner": party,
        "cbvmda:informationProvider": party,
        **more,
    }


def certified(*found: Any, **more: Any) -> dict[str, Any]:
    return {"cbvmda:certificationList": {"certification": list(found), **more}}


def without(name: str) -> dict[str, str]:
    return {key: value for key, value in CERTIFICATE.items() if key != name}


@pytest.mark.parametrize(
    ("more", "rule", "pointer"),
    [
        (certified(without("gdst:certificationType")), "certification_type", "/0/gdst:certificationType"),
        (certified(CERTIFICATE | {"gdst:certificationType": "harvestCoC"}), "certification_type", "/0/gdst:certificationType"),
        (certified(CERTIFICATE, without("certificationAgency")), "certification_agency", "/1/certificationAgency"),
        (certified(CERTIFICATE | {"certificationStandard": 5}), "certification_standard", "/0/certificationStandard"),
        (certified(CERTIFICATE | {"certificationIdentification": " "}), "certification_identification", "/0/certificationIdentification"),
        (certified(CERTIFICATE | {"validUntil": "2027"}), "certification_list", "/0/validUntil"),
        (certified("VietGAP"), "certification_list", "/0"),
    ],
)  # fmt: skip
def test_a_certificate_has_one_shape(
    more: dict[str, Any], rule: str, pointer: str
) -> None:
    (error,) = check([packed(**more)]).errors
    at = "/cbvmda:certificationList/certification"
    assert (error.rule, error.pointer) == (rule, f"{at}{pointer}")


def test_good_certificates_pass_and_a_list_that_is_none_does_not() -> None:
    assert check([packed(**certified(CERTIFICATE))]).errors == ()
    wrongs: list[Any] = [{}, [], {"certification": {}}]
    for wrong in wrongs:
        (error,) = check([packed(**{"cbvmda:certificationList": wrong})]).errors
        assert error.rule == "certification_list"
    (error,) = check([packed(**certified(CERTIFICATE, more=1))]).errors
    assert error.pointer == "/cbvmda:certificationList/more"


@pytest.mark.parametrize(
    ("step", "is_right", "act"),
    [
        ("https://traceability-dialogue.org/epcis/bizStep/landing", True, Act.LANDING),
        ("gdst:bizStep-landing", True, Act.LANDING),
        ("urn:gdst:bizStep:Landing", False, Act.OTHER),
        ("urn:gdst:bizStep:farmharvest", False, Act.OTHER),
        ("urn:gdst:bizStep:feeding", True, Act.OTHER),
        ("Packing", False, Act.OTHER),
        ("catching", False, Act.OTHER),
        (5, False, Act.OTHER),
    ],
)
def test_a_step_is_known_in_any_spelling_but_another_case(
    step: Any, is_right: bool, act: Act
) -> None:
    event = packed(bizStep=step)
    named = [one for one in check([event]).errors if one.rule == "biz_step"]
    assert (act_of(event), not named) == (act, is_right)
    gone = {key: value for key, value in event.items() if key != "bizStep"}
    assert "biz_step" in {one.rule for one in check([gone]).errors}


@needs_files
def test_a_trip_that_has_a_day_and_no_hour_is_warned_of() -> None:
    chain = events("valid/gdst_data_withmasterdata.jsonld")
    fishing = next(one for one in chain if act_of(one) is Act.FISHING)
    path = ("cbvmda:vesselCatchInformationList", "cbvmda:vesselCatchInformation")
    vessel = fishing["ilmd"][path[0]][path[1]][0]
    for date, severity in (
        ("2026-11-20", Severity.WARNING), ("2026-11-31", Severity.ERROR), ("x", Severity.ERROR),
    ):  # fmt: skip
        vessel["gdst:vesselTripDate"] = date
        (found,) = check([fishing]).findings
        assert (found.rule, found.severity) == ("vessel_vesselTripDate", severity)


def _places(
    node: Any, at: tuple[str | int, ...] = ()
) -> Iterator[tuple[str | int, ...]]:
    for key in list(node) if isinstance(node, dict) else range(len(node)):
        yield (*at, key)
        if isinstance(node[key], dict | list):
            yield from _places(node[key], (*at, key))


@needs_files
def test_whatever_gdsts_schema_refuses_is_refused_here() -> None:
    """The schema is the oracle: every member of each act taken away, or made a number."""
    schema = json.loads((ROOT / "gdst_json_schema.json").read_bytes())
    one_event = {**schema["definitions"]["EPCIS-Document-Event"], **{
        "definitions": schema["definitions"]}}  # fmt: skip
    oracle, missed, refused = jsonschema.Draft7Validator(one_event), [], 0
    chain = events("valid/gdst_data_withmasterdata.jsonld")
    for event in {act_of(one): one for one in chain}.values():
        for path in _places(event):
            if not any(str(one).startswith(("gdst:", "cbvmda:")) for one in path):
                continue
            for value in (None, 5):
                broken = copy.deepcopy(event)
                held: Any = broken
                for key in path[:-1]:
                    held = held[key]
                if value is None:
                    del held[path[-1]]
                else:
                    held[path[-1]] = value
                if not oracle.is_valid(broken):
                    refused += 1
                    if not check([broken]).errors:
                        missed.append((act_of(event), path, value))
    assert (missed, refused > 100) == ([], True)
