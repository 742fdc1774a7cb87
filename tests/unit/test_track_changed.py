"""Shared tracks changed: the labels stay those of the fixes that are left."""

import numpy as np
import pandas as pd
import pytest

from analytics.fishing.features import features
from benchmarks.evaluate.track_changed import (
    CHANGES,
    MINUTE_MS,
    OF_PLACES,
    TURN,
    elsewhere,
    thinned,
)
from benchmarks.evaluate.track_perturbed import track_of


def a_way(count: int = 400) -> pd.DataFrame:
    random = np.random.default_rng(3)
    course = np.cumsum(random.normal(0, 20, count)) % 360
    speed = np.where(np.arange(count) // 50 % 2, 3.0, 8.0)
    north = np.cumsum(speed * np.cos(np.radians(course))) / 60 / 12
    east = np.cumsum(speed * np.sin(np.radians(course))) / 60 / 12
    return pd.DataFrame(
        {
            "vessel": "v",
            "time_ms": np.arange(count) * 5 * MINUTE_MS,
            "gear": "trawl",
            "share": np.where(speed < 5, 1.0, 0.0),
            "speed_kn": speed,
            TURN: (np.diff(course, prepend=course[0]) + 180) % 360 - 180,
            "latitude": 11.0 + north,
            "longitude": 112.0 + east,
        }
    )


@pytest.mark.parametrize("name", [*CHANGES, *OF_PLACES])
def test_what_is_left_has_its_label_and_two_drawings_are_one(name: str) -> None:
    way, change = a_way(), {**CHANGES, **OF_PLACES}[name]
    changed = change(way)
    assert changed["share"].equals(way["share"][changed.index])
    assert len(changed) >= len(way) / 20
    pd.testing.assert_frame_equal(changed, change(way))


def test_a_turn_is_that_since_the_fix_that_is_left() -> None:
    way = a_way()
    some = thinned(20)(way)
    assert np.diff(some["time_ms"]).tolist() == [20 * MINUTE_MS] * (len(some) - 1)
    heading = np.cumsum(way[TURN])[some.index]
    turned = (np.diff(heading) + 180) % 360 - 180
    assert some[TURN].to_numpy()[1:] == pytest.approx(turned)


def test_elsewhere_a_vessel_looks_the_same() -> None:
    way = a_way().drop(columns=TURN)
    here, there = (features(track_of(one)) for one in (way, elsewhere(way)))
    assert there == pytest.approx(here, nan_ok=True, rel=1e-5, abs=1e-4)
