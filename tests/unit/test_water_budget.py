"""What was told lately raises what must be exceeded; a held value counts in hours."""

from random import Random

import pytest

from analytics.water import belief
from analytics.water.budget import LOUD, MEASURED, SERVICED, Told, share_left
from analytics.water.signs import ChannelState, signs_of
from greenwater.kernel.reading import DAY_MS


def said(told: Told, sort: str, days: list[float], share: float) -> list[bool]:
    return [share_left(told, sort, int(day * DAY_MS), share) >= 1 for day in days]


def test_a_probe_lifted_every_fortnight_is_told_of_thrice_in_eighty_days() -> None:
    days = [14.0 * number for number in range(1, 11)]
    assert said(Told(), SERVICED, days, 1.2) == [
        *([True] * 3), False, False, False, *([True] * 3), False
    ]  # fmt: skip
    assert all(said(Told(), SERVICED, days, LOUD)), "what is odder is always told"


def test_what_is_only_as_odd_as_before_is_told_once_and_what_is_odder_again() -> None:
    told = Told()
    assert said(told, MEASURED, [1, 9, 20], 1.1) == [True, False, False]
    assert said(told, MEASURED, [30], 1.2) == [True]
    assert said(told, MEASURED, [50], 1.1) == [False], "1.2 was told since"
    assert said(told, MEASURED, [140], 1.1) == [True], "after eighty days as at first"
    assert len(told.kept) <= 2


def test_a_stretch_that_grows_is_told_from_where_it_is_odd_enough() -> None:
    told = Told()
    assert said(told, MEASURED, [1], 1.1) == [True]
    shares = [share_left(told, MEASURED, 5 * DAY_MS + n, 1 + n / 10) for n in range(4)]
    assert [share >= 1 for share in shares] == [False, False, True, True]


@pytest.mark.parametrize("share", [0.3, 1.0, 1.2, 4.0])
def test_a_score_tells_its_share(share: float) -> None:
    assert belief.share_of(belief.scored(share)) == pytest.approx(share)


@pytest.mark.parametrize(("minutes", "is_stuck"), [(1, False), (5, True), (15, True)])
def test_an_hour_of_the_same_value_is_not_a_day_of_it(
    minutes: int, is_stuck: bool
) -> None:
    random, state = Random(5), ChannelState()
    values = [28 + random.gauss(0, 0.1) for _ in range(300)] + [28.0] * 60
    found = [
        signs_of(state, number * minutes * 60_000, value)
        for number, value in enumerate(values)
    ]
    assert (found[-1].held * belief.WEIGHTS["held"] >= 1) == is_stuck


@pytest.mark.parametrize(
    ("rise", "is_odd"),
    [
        ([1, 2, 4, 8, 14, 20, 24, 26, 26], False),
        ([26] * 9, True),
        ([26, 0, 0, 0, 0, 0, 0, 0, 0], True),
    ],
)
def test_a_wave_of_the_water_has_a_foot_and_a_fault_is_there_at_once(
    rise: list[int], is_odd: bool
) -> None:
    random, state = Random(5), ChannelState()
    usual = [500 + random.gauss(0, 0.2) for _ in range(600)]
    top = [500 + one + random.gauss(0, 0.1) for one in rise]
    found = [
        signs_of(state, number * 900_000, value)
        for number, value in enumerate([*usual, *top])
    ]
    shares = [max(one.jump, one.burst) for one in found]
    assert max(shares[48:600]) < 1
    assert (max(shares[600:]) >= 1) == is_odd
    assert max(one.step for one in found[600:]) > 20, "what it did is still to be seen"
