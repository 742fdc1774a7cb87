"""The model beside a live vessel: the same features as over a file, the same refusals."""

from itertools import pairwise

import numpy as np
import pytest
from msgspec.structs import replace

from analytics.fishing.features import STILL, Track, features
from analytics.fishing.hauls import HOUR_MS, Fix, HaulState
from analytics.fishing.live import (
    EVERY_MS,
    Seen,
    asked_of,
    chances_of,
    heading_of,
    row_of,
)
from analytics.fishing.model import asked, at_sea, gear_share, with_gear
from analytics.fishing.vessel import Position, VesselState
from analytics.score.track import activities
from greenwater.kernel.trips import Haul
from greenwater.reference.gears import gear_of
from greenwater.reference.vessels import vessel_class
from web.views.trips import with_grounds
from web.words import Lang

FAR_OUT = (11.0, 112.0)
START_MS = 1_780_000_000_000 // HOUR_MS * HOUR_MS


def a_track(gear: str, hours: float = 30) -> list[Fix]:
    """Return fixes of a vessel that steams and tows by turns, none of them even."""
    rng, ms, at, found = np.random.default_rng(3), START_MS, FAR_OUT, []
    while ms < START_MS + hours * HOUR_MS:
        is_towing = (ms // (4 * HOUR_MS)) % 2 == 1
        kn = float((3.0 if is_towing else 8.5) + rng.normal(0, 0.3))
        found.append(Fix(ms, *at, round(kn, 3)))
        ms += EVERY_MS + int(rng.integers(0, 30 * 60_000))
        turn = rng.uniform(0, 360) if is_towing else 80.0
        step = kn / 60 / 4
        at = (
            at[0] + step * np.cos(np.radians(turn)),
            at[1] + step * np.sin(np.radians(turn)),
        )
    return found


def track_of(fixes: list[Fix], gear: str) -> Track:
    """Return the same as a file of places tells it."""
    headings = [heading_of(a.at, b.at) for a, b in pairwise(fixes)]
    turns = (np.diff([np.nan, np.nan, *headings]) + 180) % 360 - 180
    return Track(
        np.array([fix.time_ms for fix in fixes]),
        np.array([fix.speed_kn for fix in fixes]),
        turns[: len(fixes)],
        np.full(len(fixes), np.nan),
        gear,
    )


@pytest.mark.parametrize("gear", ["trawl", "Drifting longlines", "gillnet", ""])
def test_the_features_of_a_fix_are_those_of_the_file(gear: str) -> None:
    fixes = a_track(gear)
    seen = Seen()
    assert all(seen.note(fix) for fix in fixes)
    track = track_of(fixes, gear)
    whole = at_sea(features(track))[-1]
    top = float(np.quantile(track.speed_kn, 0.95))
    live = row_of(seen.fixes, gear, seen.speeds)
    assert live[STILL - 1] == pytest.approx(top, abs=0.3)
    live[STILL - 1] = whole[STILL - 1] = top
    assert live == pytest.approx(whole, nan_ok=True)
    assert len(seen.fixes) < len(fixes), "a day is kept"


@pytest.mark.parametrize("gear", ["trawl", "Drifting longlines", "Trollers", ""])
def test_a_track_gives_the_same_hauls_live_and_from_a_file(gear: str) -> None:
    fixes = a_track(gear)
    found = VesselState("V", gear=gear, kind=vessel_class(20.0)).take(
        Position(fix.time_ms, *fix.at, fix.speed_kn) for fix in fixes
    )
    kind, state, works = gear_of(gear), HaulState(), []
    track = track_of(fixes, gear)
    # As a file says it, but for the time in port, which the loop does not count.
    alone = asked(at_sea(features(track)))
    chances = with_gear(gear, alone, gear_share(track))
    words = activities(track, chances)
    for fix, chance, word in zip(fixes, chances, words, strict=True):
        known = None if word == "unknown" else float(chance)
        works.append(state.take(fix, kind, None, known))
    worked = [one for one in works if one is not None and not one.is_doubted]
    assert worked, "the gear works in it"
    for live, told in zip(found.hauls, worked, strict=True):
        assert (live.began_ms, live.ended_ms) == (told.began_ms, told.last_ms)
        assert live.rule_share == told.rule_share
        # The speed that one fix in twenty is over is known to a quarter of a knot live.
        assert live.probability == pytest.approx(told.probability, abs=0.003)


def test_below_the_stated_fix_rate_nothing_is_claimed() -> None:
    seen = Seen()
    seen.note(Fix(START_MS, *FAR_OUT, 3.0))
    assert asked_of(seen, "trawl") is None
    assert not seen.note(Fix(START_MS + 60_000, *FAR_OUT, 3.0))
    seen.note(Fix(START_MS + 4 * HOUR_MS + 1, *FAR_OUT, 3.0))
    assert asked_of(seen, "trawl") is None
    seen.note(Fix(START_MS + 8 * HOUR_MS, *FAR_OUT, 3.0))
    asked = asked_of(seen, "trawl")
    assert asked is not None
    assert 0 <= chances_of({1: asked})[1] <= 1


def hauls_of(knots: list[float], gear: str, every_ms: int) -> list[float | None]:
    """Return the probability of each haul of a vessel at these speeds, far out."""
    state = VesselState("V", gear=gear, kind=vessel_class(20.0))
    at, found = 112.0, []
    for number, kn in enumerate([*knots, 9.0, 9.0, 9.0]):
        at += kn * every_ms / HOUR_MS / 60
        found.append(Position(START_MS + number * every_ms, 11.0, at, kn))
    return [one.probability for one in state.take(found).hauls]


def test_what_the_model_knows_for_steaming_is_no_haul() -> None:
    towing = [8.0] * 40 + [3.0] * 36
    (chance,) = hauls_of(towing, "trawl", EVERY_MS)
    assert chance is not None
    assert chance > 0.7
    slowed = [9.0] * 60 + [4.95] * 12 + [9.0] * 60
    assert not hauls_of(slowed, "trawl", EVERY_MS)
    alone = HaulState()
    works = [
        alone.take(Fix(number * EVERY_MS, *FAR_OUT, kn), gear_of("trawl"), None)
        for number, kn in enumerate(slowed)
    ]
    assert any(works), "by the gear's speed alone it is one"


def test_with_rare_fixes_the_gear_speaks_alone() -> None:
    (chance,) = hauls_of([8.0] * 3 + [3.0] * 2, "trawl", 3 * HOUR_MS)
    assert chance is None


def test_a_page_tells_the_model_and_the_rule_or_that_fixes_are_rare() -> None:
    haul = Haul(
        id="h", vessel="V", trip=None, number=1, gear="trawl", set_ms=None, set_at=None,
        began_ms=0, began_at=FAR_OUT, ended_ms=1, ended_at=FAR_OUT, minutes={},
        probability=0.914, rule_share=1.0,
    )  # fmt: skip
    said = with_grounds(Lang.VI, "Mẻ 1", haul)
    assert (
        said
        == "Mẻ 1 · mô hình: 91 % là đang khai thác; quy tắc tốc độ: 100 % số vị trí"
    )
    rare = with_grounds(Lang.EN, "Haul 1", replace(haul, probability=None))
    assert rare == "Haul 1 · fixes too rare for the model; speed rule: 100 % of fixes"
    assert with_grounds(Lang.EN, "Haul 1", replace(haul, rule_share=None)) == "Haul 1"
