"""Which records count, whatever order they came in."""

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from greenwater.storage.registry.books import Record
from traceability.corrections import families, in_force

T0 = 1_780_000_000_000


def record(name: str, corrects: str | None = None, *, kind: str = "feed_use",
           crop: str = "vu-1", kg: float = 1.0) -> Record:  # fmt: skip
    return Record(
        name, "hoa", "ao-1", crop, kind, T0, T0, "lan", "hand", {"kg": kg}, corrects,
        name, "trai",
    )  # fmt: skip


def counting(*records: Record) -> list[str]:
    return [one.id for one in in_force(records)]


def test_a_correction_counts_instead_of_what_it_corrects_and_is_corrected_in_turn() -> (
    None
):
    assert counting(record("a"), record("b", "a"), record("c", "b")) == ["c"]


def test_a_correction_that_comes_first_counts_at_once_and_the_original_never() -> None:
    assert counting(record("b", "a")) == ["b"]
    assert counting(record("b", "a"), record("a")) == ["b"]
    (family,) = families([record("b", "a")])
    assert family.root == "a"


@pytest.mark.parametrize("other", [{"kind": "harvest"}, {"crop": "vu-2"}])
def test_a_correction_of_something_else_is_an_entry_of_its_own(
    other: dict[str, str],
) -> None:
    assert counting(record("a"), record("b", "a", **other)) == ["a", "b"]  # type: ignore[arg-type]


def test_two_corrections_of_one_record_are_a_conflict_until_one_is_corrected() -> None:
    book = [record("a"), record("b", "a", kg=2), record("c", "a", kg=3)]
    (family,) = families(book)
    assert (family.chosen.id, [one.id for one in family.rivals]) == ("b", ["c"])
    (settled,) = families([*book, record("d", "c", kg=3)])
    assert (settled.chosen.id, settled.rivals) == ("d", ())


def test_corrections_of_what_has_not_come_are_one_family_of_the_same_kind() -> None:
    book = [record("b", "a", kg=2), record("c", "a", kg=3)]
    assert counting(*book) == ["b"]
    assert counting(*book, record("d", "a", kind="harvest")) == ["b", "d"]
    assert counting(*book, record("a", kind="harvest")) == ["b", "c", "a"]


def test_the_same_correction_from_two_phones_is_no_conflict() -> None:
    (family,) = families([record("a"), record("b", "a", kg=2), record("c", "a", kg=2)])
    assert (family.chosen.id, family.rivals) == ("b", ())


def test_what_corrects_itself_or_in_a_circle_counts_once() -> None:
    assert counting(record("a", "a")) == ["a"]
    assert len(counting(record("a", "b"), record("b", "a"))) == 1
    assert len(counting(record("a", "c"), record("b", "a"), record("c", "b"))) == 1


@dataclass(frozen=True)
class Shape:
    """What each of eight records corrects, of which kind it is, and two orders."""

    records: tuple[Record, ...]
    other: tuple[Record, ...]


@st.composite
def shapes(draw: st.DrawFn) -> Shape:
    names = [f"r{n}" for n in range(draw(st.integers(1, 8)))]
    records = [
        record(
            name,
            draw(st.sampled_from([None, *names, "absent"])),
            kind=draw(st.sampled_from(["feed_use", "feed_use", "harvest"])),
            kg=draw(st.integers(1, 3)),
        )
        for name in names
    ]
    twice = [*records, *draw(st.lists(st.sampled_from(records)))]
    return Shape(tuple(records), tuple(draw(st.permutations(twice))))


@given(shapes())
def test_any_order_and_repetition_gives_the_same_book(shape: Shape) -> None:
    first, second = families(shape.records), families(shape.other)
    assert [one.chosen for one in first] == [one.chosen for one in second]
    assert [one.rivals for one in first] == [one.rivals for one in second]
    members = [member.id for one in first for member in one.members]
    assert sorted(members) == sorted(one.id for one in shape.records), (
        "none is lost, and none counts twice"
    )


@given(shapes())
def test_a_further_correction_always_counts(shape: Shape) -> None:
    """Whoever corrects what counts now, has the last word."""
    for family in families(shape.records):
        last = record("zz", family.chosen.id, kind=family.chosen.kind)
        counted = {one.id for one in in_force([*shape.records, last])}
        assert "zz" in counted
        assert family.chosen.id not in counted
