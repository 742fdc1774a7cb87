"""Work on a second core: in order, remembering, and never silently short."""

import os
from itertools import count

import pytest

from cli.demo.second_core import computed_beside
from greenwater.kernel.errors import UnavailableError


def test_items_come_in_order_from_one_process_that_remembers() -> None:
    numbers = count()

    def work(item: str) -> tuple[str, int, int]:
        return item, next(numbers), os.getpid()

    with computed_beside(work, ["a", "b", "c"]) as made:
        found = list(made)
    assert [one[:2] for one in found] == [("a", 0), ("b", 1), ("c", 2)]
    assert len({pid for _, _, pid in found} - {os.getpid()}) == 1
    assert next(numbers) == 0, "what is remembered stays there"


def test_a_process_that_dies_is_noticed_and_what_it_made_is_kept() -> None:
    def work(item: int) -> int:
        if item == 2:
            os._exit(1)
        return item

    with computed_beside(work, [0, 1, 2, 3]) as made:
        assert [next(made), next(made)] == [0, 1]
        with pytest.raises(UnavailableError, match="died after 2 of 4 parts"):
            next(made)


def test_one_may_leave_before_the_end() -> None:
    with computed_beside(lambda item: bytes(item), [10**6] * 50) as made:
        assert next(made) == bytes(10**6)
