"""What is known of channels that move together outlives a channel that comes or goes."""

from collections.abc import Iterator, Mapping
from random import Random

import pytest

from analytics.water.signs import Signs
from analytics.water.together import TogetherState, together_share
from greenwater.kernel.reading import DAY_MS, HOUR_MS

FIRST_MS = 10 * DAY_MS
FITTED = 8 * 24
CHANNELS = ("conductivity", "dissolved_oxygen", "ph", "temperature")


def moved(random: Random, *names: str) -> dict[str, Signs]:
    """Return an hour's steps: what is named follows one course, within a tenth."""
    course = random.gauss(0, 1)
    return {name: Signs(step=course + random.gauss(0, 0.1)) for name in names}


def hours(
    *names: str, number: int = FITTED, seed: int = 1
) -> Iterator[dict[str, Signs]]:
    random = Random(seed)
    for _ in range(number):
        yield moved(random, *names)


def taken(
    state: TogetherState, rows: Iterator[dict[str, Signs]], first: int = 0
) -> list[float]:
    """Return the shares of some hours."""
    return [
        together_share(state, FIRST_MS + (first + hour) * HOUR_MS, found)[1]
        for hour, found in enumerate(rows)
    ]


def against(names: Mapping[str, float]) -> dict[str, Signs]:
    return {name: Signs(step=step) for name, step in names.items()}


ODD = {"conductivity": 9.0, "dissolved_oxygen": 9.0, "ph": -9.0, "temperature": 9.0}
EVEN = dict.fromkeys(ODD, 9.0)


def share_of(state: TogetherState, steps: Mapping[str, float], hour: int) -> float:
    odd_one, share = together_share(state, FIRST_MS + hour * HOUR_MS, against(steps))
    assert share < 1 or odd_one == "ph"
    return share


def test_one_that_goes_against_the_others_is_odd_and_all_together_is_not() -> None:
    state = TogetherState()
    assert max(taken(state, hours(*CHANNELS))) < 1
    assert share_of(state, EVEN, FITTED) < 1 < share_of(state, ODD, FITTED + 1)


@pytest.mark.parametrize(
    ("lacks", "more"),
    [("conductivity", ()), ("", ("turbidity",))],
    ids=["less", "more"],
)
def test_what_the_others_are_to_each_other_stays_known(
    lacks: str, more: tuple[str, ...]
) -> None:
    state = TogetherState()
    taken(state, hours(*CHANNELS))
    now = [*(name for name in CHANNELS if name != lacks), *more]
    assert max(taken(state, hours(*now, number=24, seed=2), FITTED)) < 1
    odd = {name: ODD.get(name, 0.3) for name in now}
    even = {name: EVEN.get(name, 0.3) for name in now}
    assert share_of(state, even, FITTED + 24) < 1 < share_of(state, odd, FITTED + 25)
    assert share_of(state, EVEN, FITTED + 26) < 1 < share_of(state, ODD, FITTED + 27)


def test_a_channel_that_stays_is_learnt_and_one_that_went_is_forgotten() -> None:
    state = TogetherState()
    taken(state, hours(*CHANNELS))
    later = ("dissolved_oxygen", "ph", "salinity", "temperature")
    taken(state, hours(*later, number=3 * 7 * 24, seed=3), FITTED)
    assert sorted(state.names) == sorted(later)
    assert sorted(state.steps) == sorted(later)
    assert {len(column) for column in state.steps.values()} == {336}
