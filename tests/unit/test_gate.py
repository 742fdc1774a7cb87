"""The gate and the withdrawal: what stands against a lot, and until when."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from greenwater.kernel.errors import InputError
from greenwater.reference.records import KINDS, Field, FieldType
from greenwater.storage.registry.books import Crop, Record
from traceability.corrections import in_force
from traceability.gate.harvest import refusals_of
from traceability.records import MAX_TEXT, FieldError, checked_fields, digest
from traceability.withdrawal import days_left, withheld

DAY = 86_400_000
T0 = 1_780_000_000_000
CROP = Crop("vu-1", "hoa", "ao-1", "09521234543213", "PNV", "Vụ 1", T0, None)


@dataclass
class Book:
    """A book on paper."""

    records: list[Record] = field(default_factory=list)
    numbers: Iterator[int] = field(default_factory=count)

    def enter(
        self, kind: str, day: float, *, corrects: str | None = None, **fields: Any
    ) -> str:
        name = f"r{next(self.numbers)}"
        at_ms = T0 + round(day * DAY)
        self.records.append(
            Record(
                name, "hoa", "ao-1", "vu-1", kind, at_ms, at_ms, "lan", "hand",
                fields, corrects, digest(fields),
            )
        )  # fmt: skip
        return name

    def codes(
        self, day: float, *, harvest: str | None = None, kg: float | None = None
    ) -> list[str]:
        now_ms = T0 + round(day * DAY)
        found = refusals_of(CROP, self.records, now_ms=now_ms, harvest=harvest, kg=kg)
        return [one.code for one in found]


def treated(day: float, **fields: Any) -> Book:
    book = Book()
    book.enter("stocking", 0, count=1000, hatchery="trại giống")
    book.enter("drug_chem_use", day, **{"substance": "oxytetracycline", **fields})
    return book


def test_an_empty_book_makes_no_lot() -> None:
    assert Book().codes(1) == ["no_stocking", "no_harvest"]


def test_after_the_withdrawal_a_harvest_may_become_a_lot() -> None:
    book = treated(10)
    harvest = book.enter("harvest", 38.01, kg=400)
    assert book.codes(38.02, harvest=harvest, kg=400) == []


def test_what_counts_is_the_day_of_harvest_not_the_day_of_asking() -> None:
    book = treated(10)
    early = book.enter("harvest", 37.9, kg=400)
    assert book.codes(60, harvest=early) == ["harvested_in_withdrawal"]
    assert book.codes(37) == ["withdrawal", "no_harvest"]


def test_the_refusal_says_which_drug_and_how_long() -> None:
    book = treated(10, withdrawal_days=30)
    found = refusals_of(CROP, book.records, now_ms=T0 + 39 * DAY)
    facts = found[0].facts
    assert facts == {
        "days": 1, "until_ms": T0 + 40 * DAY, "substance": "oxytetracycline",
        "known_ms": book.records[-1].entered_ms,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("substance", "on_label", "days"),
    [
        ("oxytetracycline", None, 28),
        ("Oxytetracyclin 20 %", 7, 28),  # a label never shortens the list
        ("OTC", 40, 40),
        ("men vi sinh", 0, 0),
        ("thuốc lạ", None, 28),  # nothing known: the diary's rule
    ],
)
def test_the_days_are_the_labels_the_lists_or_the_rules(
    substance: str, on_label: int | None, days: int
) -> None:
    fields = {} if on_label is None else {"withdrawal_days": on_label}
    found = withheld(treated(0, substance=substance, **fields).records)
    assert found is not None
    assert (found.days, found.until_ms) == (days, T0 + days * DAY)


@pytest.mark.parametrize(
    "substance", ["Chloramphenicol", "xanh malachite", "Enrofloxacin 10%", "DES"]
)
def test_a_banned_substance_shuts_the_gate_for_good(substance: str) -> None:
    book = treated(0, substance=substance)
    harvest = book.enter("harvest", 200, kg=400)
    (refusal,) = refusals_of(
        CROP, book.records, now_ms=T0 + 300 * DAY, harvest=harvest, kg=10
    )
    assert refusal.code == "banned_substance"
    assert refusal.facts["instrument"] == "TT 10/2016/TT-BNNPTNT"


def test_a_word_inside_another_is_not_banned() -> None:
    book = treated(0, substance="desinfectant")
    harvest = book.enter("harvest", 200, kg=1)
    assert book.codes(300, harvest=harvest) == []


def test_no_more_is_sold_than_was_harvested() -> None:
    book = treated(0)
    harvest = book.enter("harvest", 60, kg=400)
    assert book.codes(61, harvest=harvest, kg=400.0005) == []
    assert book.codes(61, harvest=harvest, kg=400.5) == ["more_than_harvested"]


def test_a_correction_takes_the_place_of_what_it_corrects() -> None:
    book = treated(10)
    wrong = book.records[-1].id
    book.enter("drug_chem_use", 11, corrects=wrong, substance="vôi", withdrawal_days=0)
    assert [one.kind for one in in_force(book.records)] == ["stocking", "drug_chem_use"]
    harvest = book.enter("harvest", 12, kg=1)
    assert book.codes(13, harvest=harvest) == []


@given(
    st.lists(st.tuples(st.floats(0, 100), st.integers(0, 60)), min_size=1, max_size=6)
)
def test_the_longest_withdrawal_holds(treatments: Sequence[tuple[float, int]]) -> None:
    book = Book()
    for day, days in treatments:
        book.enter("drug_chem_use", day, substance="vitamin", withdrawal_days=days)
    found = withheld(book.records)
    ends = [T0 + round(day * DAY) + days * DAY for day, days in treatments]
    assert found is not None
    assert found.until_ms == max(ends)
    assert days_left(found.until_ms, found.until_ms) == 0
    assert days_left(found.until_ms, found.until_ms - 1) == 1


def _good(one: Field) -> str:
    """Return what may be typed into a field."""
    if one.type is FieldType.CHOICE:
        return one.choices[-1]
    if one.type is FieldType.DATE:
        return "2026-11-23"
    if one.name == "birth_year":
        return "1985"
    return "12,5" if one.type is FieldType.NUMBER and not one.is_whole else "12"


@pytest.mark.parametrize("kind", KINDS)
def test_every_field_is_held_to_what_it_may_be(kind: str) -> None:
    good = {one.name: _good(one) for one in KINDS[kind].fields}
    kept = checked_fields(kind, good)
    assert set(kept) == set(good)
    for one in KINDS[kind].fields:
        for bad in _impossible(one):
            with pytest.raises(FieldError, match=one.name) as raised:
                checked_fields(kind, {**good, one.name: bad})
            assert raised.value.field == one.name
        without = {name: text for name, text in good.items() if name != one.name}
        if one.is_required:
            with pytest.raises(FieldError, match=f"{one.name} is missing"):
                checked_fields(kind, without)
        else:
            assert one.name not in checked_fields(kind, {**without, one.name: "  "})


def _impossible(one: Field) -> list[Any]:
    always: list[Any] = [True, ["12"], {"a": 1}]
    if one.type is FieldType.TEXT:
        return [*always, "x" * (MAX_TEXT + 1), "a\x00b", "a\ud800b"]
    if one.type is FieldType.CHOICE:
        return [*always, "something else", "12"]
    if one.type is FieldType.DATE:
        return [*always, "12", "2026-02-30", "31/02/2026", "0001-01-01", "tomorrow"]
    found = [*always, "nhiều", "1e999", "nan", "1,2,3", "1e13"]
    found += ["-1"] if one.minimum is not None and one.minimum >= 0 else []
    return found + (["1,5"] if one.is_whole else [])


def test_of_a_record_with_choices_of_fields_one_is_filled_in() -> None:
    with pytest.raises(FieldError, match="at least one of dissolved_oxygen"):
        checked_fields("water_measure", {"instrument": "YSI"})
    assert checked_fields("water_measure", {"ph": "8,1"}) == {"ph": 8.1}


def test_a_day_is_read_as_people_write_it() -> None:
    fields = {"product": "x", "kg": "1", "expires": "23/11/2027"}
    assert checked_fields("feed_in", fields)["expires"] == "2027-11-23"


def test_a_field_that_no_such_record_has_is_refused() -> None:
    with pytest.raises(InputError, match="has no field 'colour'"):
        checked_fields("harvest", {"kg": "1", "colour": "red"})
    with pytest.raises(InputError, match="'party' is not one of"):
        checked_fields("party", {})
