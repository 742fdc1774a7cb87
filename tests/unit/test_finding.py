"""A list of three hundred farms: the first of what fits, and how many are left."""

from web.views.finding import MOST, find, folded

NAMES = [f"Hộ nuôi số {number}" for number in range(300)] + ["Nguyễn Thị Đào"]


def test_a_long_list_shows_its_first_and_counts_the_rest() -> None:
    found = find(NAMES, "", str)
    assert (list(found.shown), found.left) == (NAMES[:MOST], len(NAMES) - MOST)
    assert found.is_many
    assert not find(NAMES[:MOST], "", str).is_many


def test_marks_and_capitals_do_not_count_and_every_word_does() -> None:
    assert list(find(NAMES, "DAO nguyen", str).shown) == ["Nguyễn Thị Đào"]
    assert not find(NAMES, "dao tran", str).shown
    assert folded("Đồng Bò") == "dong bo"
    few = find(NAMES[:3], "số 2", str)
    assert (list(few.shown), few.is_many) == ([NAMES[2]], True), "the field stays"
