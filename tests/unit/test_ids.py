"""Identifiers: the one pattern each must match."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from greenwater.kernel.errors import InputError
from greenwater.kernel.ids import (
    parse_command,
    parse_device,
    parse_outbox,
    parse_probe,
)

Parser = Callable[[str], str]


@pytest.mark.parametrize(
    ("parse", "text"),
    [
        (parse_device, "box-7"),
        (parse_device, "7xx"),
        (parse_device, "a" * 64),
        (parse_probe, "p"),
        (parse_probe, "y4000.top_2-b"),
        (parse_probe, "a" * 64),
        (parse_outbox, "k3v9x2m4q8w1z7t5"),
        (parse_command, "c"),
        (parse_command, "-" * 64),
    ],
)
def test_a_good_id_is_returned_as_it_is(parse: Parser, text: str) -> None:
    assert parse(text) == text


@pytest.mark.parametrize(
    ("parse", "text"),
    [
        (parse_device, "ab"),
        (parse_device, "a" * 65),
        (parse_device, "-abc"),
        (parse_device, "Box-7"),
        (parse_device, "box_7"),
        (parse_device, "box-7\n"),
        (parse_device, "bộ-7"),
        (parse_device, "٣٣٣"),
        (parse_probe, ""),
        (parse_probe, ".p"),
        (parse_probe, "a/b"),
        (parse_probe, "a" * 65),
        (parse_outbox, "a" * 15),
        (parse_outbox, "a" * 17),
        (parse_outbox, "A" * 16),
        (parse_command, ""),
        (parse_command, "a b"),
    ],
)
def test_a_bad_id_is_refused_by_name(parse: Parser, text: str) -> None:
    with pytest.raises(InputError, match="does not match") as caught:
        parse(text)
    assert repr(text) in str(caught.value)


@pytest.mark.parametrize(
    "parse", [parse_device, parse_probe, parse_outbox, parse_command]
)
@given(text=st.text(max_size=70))
def test_no_id_can_leave_its_level_of_a_topic(parse: Parser, text: str) -> None:
    """MQTT's separators and wildcards, and everything a shell or URL might act on."""
    try:
        parsed = parse(text)
    except InputError:
        return
    assert parsed.isascii()
    assert not set(parsed) & set("/+#$ \x00\n%?&'\"\\")
