"""Old names of communes, and the names since 1 July 2025."""

from collections import Counter

import pytest

from greenwater.reference.communes import TABLE, current_name, find_commune, shown_name


def test_there_are_as_many_as_the_resolution_says() -> None:
    """NQ 1667, article 1, item 66: 65 units: 48 communes, 16 wards, one special zone."""
    kinds = Counter(one.name.split(" ")[0] for one in TABLE.communes)
    assert kinds == {"xã": 48, "phường": 16, "đặc": 1}
    assert [one.item for one in TABLE.communes] == list(range(1, 66))


def test_codes_are_five_digits_and_each_is_of_one_commune() -> None:
    codes = [one.code for one in TABLE.communes if one.code]
    assert len(set(codes)) == len(codes) >= 64
    assert all(len(one) == 5 and one.isdecimal() for one in codes)


def test_an_old_commune_went_to_one_new_one_unless_it_was_divided() -> None:
    whole = Counter(
        (old, one.district) for one in TABLE.communes for old in one.formed_from
    )
    assert {name: n for name, n in whole.items() if n > 1} == {}
    parts = Counter(old for one in TABLE.communes for old in one.parts)
    assert min(parts.values()) >= 2, "a divided one went to several"


@pytest.mark.parametrize(
    ("written", "today"),
    [
        ("xã Vạn Thọ", "xã Đại Lãnh"),
        ("Vạn Thọ", "xã Đại Lãnh"),
        ("phường Ninh Diêm, thị xã Ninh Hoà", "phường Đông Ninh Hòa"),
        ("P. Ninh Thuỷ", "phường Đông Ninh Hòa"),
        ("xã Ninh Phước, Ninh Hòa, Khánh Hòa", "phường Đông Ninh Hòa"),
        ("xã Ninh Phước, huyện Ninh Phước", "xã Ninh Phước"),
        ("phường Vạn Thạnh", "phường Nha Trang"),
        ("xã Vạn Thạnh", "xã Đại Lãnh"),
        ("Vĩnh Hải, Nha Trang", "phường Bắc Nha Trang"),
        ("Vĩnh Hải, huyện Ninh Hải", "xã Vĩnh Hải"),
        ("thị trấn Vạn Giã", "xã Vạn Ninh"),
        ("Ninh Chữ", "phường Ninh Chử"),
        ("xã Vạn Thắng", "xã Vạn Thắng"),
        ("phường Ninh Hải", "phường Đông Ninh Hòa"),
        ("xã Ninh Hải", "xã Ninh Hải"),
        ("22561", "phường Đông Ninh Hòa"),
    ],
)
def test_a_name_leads_to_the_commune_of_today(written: str, today: str) -> None:
    assert current_name(written) == today
    assert current_name(today) == today


@pytest.mark.parametrize(
    ("written", "several"), [("Vạn Thạnh", 2), ("xã Cam Hòa", 3), ("xã Suối Tân", 3)]
)
def test_where_a_name_does_not_say_which_nothing_is_guessed(
    written: str, several: int
) -> None:
    found = find_commune(written)
    assert found.commune is None
    assert len(found.candidates) == several
    assert shown_name(written) == written


def test_a_page_shows_both_names_of_what_was_renamed() -> None:
    assert shown_name("xã Vạn Thọ") == "xã Đại Lãnh (xã Vạn Thọ)"
    assert shown_name("xã Vạn Hưng") == "xã Vạn Hưng"
    assert shown_name("Bình Ba, đâu đó") == "Bình Ba, đâu đó"
