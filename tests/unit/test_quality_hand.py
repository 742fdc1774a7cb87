"""A farmer's own meter beside a probe: what is a difference, and what is drift."""

import pytest

from analytics.qc.hand import BESIDE_MS, Check, checked, drifting
from analytics.qc.stretch import Point
from greenwater.kernel.channels import Channel
from greenwater.reference.quality import HAND

OXYGEN = Channel.DISSOLVED_OXYGEN
T0, DAY_MS = 1_780_000_000_000, 86_400_000


def checks(*differences: float) -> list[Check]:
    found = []
    for day, difference in enumerate(differences):
        at = T0 + day * DAY_MS
        one = checked(OXYGEN, Point(at, 5.0), [Point(at, 5.0 + difference)])
        assert one is not None
        found.append(one)
    return found


def test_between_two_readings_the_probe_is_on_a_line() -> None:
    probe = [Point(T0 - 600_000, 5.0), Point(T0, None), Point(T0 + 300_000, 6.5)]
    check = checked(OXYGEN, Point(T0, 6.2), probe)
    assert check is not None
    assert check.probe == pytest.approx(6.0)
    assert check.difference == pytest.approx(-0.2)
    assert not check.is_beyond


def test_what_is_not_beside_it_is_not_compared() -> None:
    far = [Point(T0 - BESIDE_MS - 1, 5.0)]
    assert checked(OXYGEN, Point(T0, 6.2), far) is None
    assert checked(OXYGEN, Point(T0, None), [Point(T0, 5.0)]) is None
    assert checked(Channel.DEPTH, Point(T0, 1.0), [Point(T0, 5.0)]) is None
    near = checked(OXYGEN, Point(T0, 6.2), [Point(T0 - BESIDE_MS, 5.0)])
    assert near is not None
    assert near.is_beyond


def test_one_difference_is_none_twice_on_the_same_side_is_the_probe() -> None:
    beyond = HAND[OXYGEN] * 1.2
    for differences, is_drift in (
        ((beyond,), False),
        ((beyond, -beyond), False),
        ((0.0, beyond), False),
        ((-beyond, -beyond), True),
        ((2.5 * beyond,), True),
        ((beyond, beyond, 0.1), False),
    ):
        drift = drifting(OXYGEN, checks(*differences))
        assert drift is not None
        assert drift.is_significant is is_drift, differences
    assert drifting(OXYGEN, []) is None


def test_drift_is_told_by_the_day_and_one_slip_does_not_change_it() -> None:
    steady = drifting(OXYGEN, checks(0.0, -0.1, -0.2, -0.3, -0.4, -0.5, -0.6))
    assert steady is not None
    assert steady.per_day == pytest.approx(-0.1)
    slipped = drifting(OXYGEN, checks(0.0, -0.1, 3.0, -0.3, -0.4, -0.5, -0.6))
    assert slipped is not None
    assert slipped.per_day == pytest.approx(-0.1, abs=0.02)
    alone = drifting(OXYGEN, checks(0.3))
    assert alone is not None
    assert alone.per_day is None
