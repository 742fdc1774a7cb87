"""A farmer's own meter beside a probe: which readings are held to each other."""

import pytest

from analytics.qc.hand import BESIDE_MS, checked
from analytics.qc.stretch import Point
from greenwater.kernel.channels import Channel

OXYGEN = Channel.DISSOLVED_OXYGEN
T0 = 1_780_000_000_000


def test_between_two_readings_the_probe_is_on_a_line() -> None:
    probe = [Point(T0 - 600_000, 5.0), Point(T0, None), Point(T0 + 300_000, 6.5)]
    check = checked(OXYGEN, Point(T0, 6.2), probe)
    assert check is not None
    assert check.probe == pytest.approx(6.0)
    assert check.hand == 6.2


def test_what_is_not_beside_it_is_not_compared() -> None:
    far = [Point(T0 - BESIDE_MS - 1, 5.0)]
    assert checked(OXYGEN, Point(T0, 6.2), far) is None
    assert checked(OXYGEN, Point(T0, None), [Point(T0, 5.0)]) is None
    assert checked(Channel.DEPTH, Point(T0, 1.0), [Point(T0, 5.0)]) is None
    near = checked(OXYGEN, Point(T0, 6.2), [Point(T0 - BESIDE_MS, 5.0)])
    assert near is not None
    assert near.probe == 5.0
