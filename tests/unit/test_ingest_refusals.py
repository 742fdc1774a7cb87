"""Bisecting: all good readings stored, every bad one found, in few writes."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from greenwater.kernel.channels import Channel
from greenwater.kernel.errors import InputError, UnavailableError
from greenwater.kernel.ids import DeviceId, ProbeId
from greenwater.kernel.reading import Reading
from ingest.refusals import write_bisecting


class PickyStore:
    """Refuses any write that holds a bad reading; stores the good half of it or not."""

    def __init__(self, bad: set[int], *, is_partial: bool) -> None:
        self.bad, self.is_partial = bad, is_partial
        self.stored: set[int] = set()
        self.tries = 0

    def write(self, part: Sequence[Reading]) -> None:
        self.tries += 1
        times = {reading.taken_ms for reading in part}
        if not times & self.bad or self.is_partial:
            self.stored |= times - self.bad
        if times & self.bad:
            raise InputError("field type conflict")


def some_readings(count: int) -> list[Reading]:
    return [
        Reading(DeviceId("box-1"), ProbeId("a"), Channel.PH, at, 7.0)
        for at in range(count)
    ]


@given(
    count=st.integers(0, 60),
    bad=st.sets(st.integers(0, 59), max_size=8),
    is_partial=st.booleans(),
)
def test_all_good_are_stored_and_all_bad_are_named(
    count: int, bad: set[int], is_partial: bool
) -> None:
    store = PickyStore(bad, is_partial=is_partial)
    refused = write_bisecting(store.write, some_readings(count))
    assert sorted(
        one.record.taken_ms for one in refused if isinstance(one.record, Reading)
    ) == sorted(bad & set(range(count)))
    assert store.stored == set(range(count)) - bad


def test_a_thousand_bad_readings_do_not_hold_up_the_rest() -> None:
    store = PickyStore(set(range(1000)), is_partial=False)
    refused = write_bisecting(store.write, some_readings(1000), max_tries=50)
    assert len(refused) == 1000
    assert store.tries < 120
    assert any("refused together with" in one.reason for one in refused)


def test_a_store_that_does_not_answer_is_not_a_refusal() -> None:
    def write(part: Sequence[Reading]) -> None:
        raise UnavailableError("no answer")

    with pytest.raises(UnavailableError):
        write_bisecting(write, some_readings(3))
