"""Letters that nobody types, and those that somebody does."""

import pytest

from greenwater.kernel.letters import has_odd
from greenwater.storage.registry.rows import parse_name, storable


@pytest.mark.parametrize("text", ["a\x00", "a\x7f", "\ud800", "\u202eoa", "a\u2066b"])
def test_what_nobody_types_is_odd_and_is_spelt_out_where_it_must_be_kept(
    text: str,
) -> None:
    assert has_odd(text)
    if "\x7f" not in text:
        assert not has_odd(storable(text))
        assert storable(storable(text)) == storable(text)


@pytest.mark.parametrize(
    "text", ["Ao số 3 – Trại Hòa", "🦐👨\u200d🌾", "đ\u0323", "‘Bè’ 12,5"]
)
def test_what_people_type_stays(text: str) -> None:
    assert not has_odd(text)
    assert storable(text) == text
    assert parse_name(f" {text} ")
