"""Numbers of goods: GS1's, and for whom GS1 gave none yet."""

import pytest

from greenwater.kernel.errors import InputError
from traceability.gs1.demonstration import (
    TURNS,
    demonstration_gtins,
    is_demonstration,
)
from traceability.proof.links import parse_gtin


def test_numbers_are_gtins_of_952_the_same_each_time() -> None:
    numbers = list(demonstration_gtins("hoa", "Tôm"))
    assert numbers == list(demonstration_gtins("hoa", "Tôm"))
    assert len(set(numbers)) == TURNS
    assert all(parse_gtin(one) == one and is_demonstration(one) for one in numbers)
    assert set(numbers).isdisjoint(demonstration_gtins("binh", "Tôm"))
    assert not is_demonstration("08938500000027")


def test_a_gtin_has_8_or_12_to_14_digits_of_which_the_last_follows() -> None:
    for gtin in ("96385074", "614141000036", "4012345123456", "04012345123456"):
        assert parse_gtin(gtin) == gtin.zfill(14)
    for digits in ("1234567", "123456789", "1234567890", "12345678901", "1" * 15, ""):
        with pytest.raises(InputError, match="does not have 8, 12, 13 or 14 digits"):
            parse_gtin(digits)
    with pytest.raises(InputError, match="ends with 7, its check digit would be 6"):
        parse_gtin("4012345123457")
