"""Numbers for whom GS1 gave none yet."""

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
