"""What is left in store, and what a crop took and left behind."""

import uuid
from itertools import count
from typing import Any

import pytest
from msgspec.structs import replace

from greenwater.reference.substances import find_ban, find_limits, is_antibiotic
from greenwater.storage.registry.books import Crop, Record
from traceability.book.evidence import AeratorHours
from traceability.book.green import Basis, GreenFigures, green_figures
from traceability.book.stock import stock_of

T0, DAY = 1_780_000_000_000, 86_400_000
CROP = Crop("vu-1", "hoa", "ao-1", "09521234543213", "PNV", "Vụ 1", T0, None)
_NUMBERS = count()


def wrote(
    kind: str, day: float = 0, corrects: str | None = None, **fields: Any
) -> Record:
    name = str(uuid.UUID(int=next(_NUMBERS)))
    at_ms = T0 + round(day * DAY)
    return Record(
        name, "hoa", "ao-1", "vu-1", kind, at_ms, at_ms, "lan", "hand", dict(fields),
        corrects, name, "trai",
    )  # fmt: skip


def figures(*records: Record, ran: AeratorHours | None = None) -> GreenFigures:
    return green_figures(CROP, records, aerators=ran)


def test_of_an_empty_book_nothing_is_known_but_that_no_waste_was_recorded() -> None:
    found = figures()
    known = {one.name for one in found.figures if one.basis is not Basis.UNKNOWN}
    assert known == {"waste"}
    assert all(one.value is None for one in found.figures if one.name != "waste")


def test_feed_conversion_is_all_feed_over_all_harvests_that_count() -> None:
    wrong = wrote("feed_use", 5, product="x", kg=999)
    found = figures(
        wrote("feed_use", 1, product="x", kg=600), wrong,
        wrote("feed_use", 5, wrong.id, product="x", kg=600),
        wrote("harvest", 90, kg=600), wrote("harvest", 95, kg=400),
    ).get("fcr")  # fmt: skip
    assert (found.value, found.basis) == (1.2, Basis.DECLARED)


def test_antibiotic_days_are_counted_once_however_many_are_given_that_day() -> None:
    def treated(day: float, substance: str, **more: Any) -> Record:
        return wrote("drug_chem_use", day, product="x", substance=substance,
                     amount="1", reason="y", **more)  # fmt: skip

    found = figures(
        treated(10, "Oxytetracycline 20 %", days=5), treated(12, "florfenicol", days=4),
        treated(40, "vôi CaO", days=9), treated(50, "Enrofloxacin"),
    ).get("antibiotic_days")  # fmt: skip
    assert found.value == 6 + 1


def test_survival_is_only_known_where_every_harvest_was_counted() -> None:
    stocked = wrote("stocking", 0, count=100_000, hatchery="x")
    counted = wrote("harvest", 90, kg=1000, pieces_per_kg=70)
    over = replace(CROP, ended_ms=T0 + 100 * DAY)
    found = green_figures(over, [stocked, counted]).get("survival")
    assert (found.value, found.basis) == (70.0, Basis.DECLARED)
    assert figures(stocked, counted).get("survival").value is None, "some still swim"
    uncounted = wrote("harvest", 95, kg=100)
    found = green_figures(over, [stocked, counted, uncounted]).get("survival")
    assert found.basis is Basis.UNKNOWN


def test_effluent_and_aerators_say_what_they_rest_on() -> None:
    found = figures(
        wrote("waste", 20, waste_kind="effluent", volume_m3=300),
        wrote("waste", 40, waste_kind="effluent", volume_m3=200.5),
        wrote("waste", 41, waste_kind="sludge", volume_m3=9),
        ran=AeratorHours(812.5, 0.97),
    )
    assert (found.get("effluent").value, found.get("waste").value) == (500.5, 3)
    ran = found.get("aerator_hours")
    assert (ran.value, ran.basis, ran.covered) == (812.5, Basis.MEASURED, 0.97)


def test_what_is_left_is_what_was_bought_less_what_was_used() -> None:
    found = stock_of(
        [
            wrote("feed_in", product="Thức ăn  số 2", kg=500),
            wrote("feed_use", product="thức ăn số 2", kg=120.5),
            wrote("drug_chem_in", product="OTC", quantity=2, quantity_unit="kg"),
            wrote("drug_chem_use", product="OTC", quantity=2500, quantity_unit="g"),
            wrote("drug_chem_use", product="OTC", amount="một ít"),
        ]
    )
    assert [(one.product, one.left, one.is_negative) for one in found] == [
        ("OTC", -0.5, True), ("Thức ăn  số 2", 379.5, False),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("substance", "is_banned", "limits", "is_drug"),
    [
        ("Oxytetracyclin 20 %", False, [100], True),
        ("Trifluralin", True, [], False),
        ("ENROFLOXACIN", True, [], True),
        ("Sulfadiazine + Trimethoprim", False, [100, 50], True),
        ("Emamectin", False, [100], False),
        ("CaCO3", False, [], False),
    ],
)
def test_substances_are_known_by_the_lists(
    substance: str, is_banned: bool, limits: list[float], is_drug: bool
) -> None:
    assert (find_ban(substance) is not None) is is_banned
    assert [one.limit_ppb for one in find_limits(substance)] == limits
    assert is_antibiotic(substance) is is_drug


def test_electricity_is_of_the_ponds_own_meter_and_never_of_the_whole_farms() -> None:
    own = wrote("energy_use", 30, kwh=120.5)
    ponds = replace(wrote("energy_use", 60, kwh=80), crop=None)
    farms = replace(wrote("energy_use", 60, kwh=9000), crop=None, unit=None)
    found = figures(own, ponds, farms).get("energy")
    assert (found.value, found.unit, found.basis) == (200.5, "kWh", Basis.DECLARED)
    assert figures(farms).get("energy").basis is Basis.UNKNOWN
