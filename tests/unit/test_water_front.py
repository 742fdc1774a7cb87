"""Other water that comes by is told from a probe that was knocked one reading later."""

from random import Random

import msgspec
import pytest

from analytics.water.watch import Point, Scored, Watcher, WatchState

STEP_MS = 900_000
SALT, DIRT = "specific_conductivity_us_cm", "turbidity"
CAME = 900


def scored(salt: list[float], dirt: list[float]) -> list[list[Scored]]:
    """Return salt's and turbidity's scores of a quiet river in which then this comes."""
    random, watcher = Random(5), Watcher(WatchState(device="box-1", probe="p"))
    rows = []
    for number in range(CAME + 40):
        after = number - CAME
        moved = [values[min(after, len(values) - 1)] if after >= 0 else 0.0
                 for values in (salt, dirt)]  # fmt: skip
        rows.append(
            {
                "temperature": round(12 + random.gauss(0, 0.02), 2),
                SALT: round(500 + moved[0] + random.gauss(0, 0.3), 1),
                DIRT: round(3 + moved[1] + random.gauss(0, 0.1), 2),
            }
        )
    found: list[list[Scored]] = [[], []]
    for number, row in enumerate(rows):
        taken = watcher.take([Point(number * STEP_MS, *one) for one in row.items()])
        for one in taken.scored:
            if one.channel in (SALT, DIRT):
                found[one.channel == DIRT].append(one)
        kept = msgspec.json.encode(watcher.state)
        if number == CAME:  # what is waited for outlives a restart
            watcher = Watcher(msgspec.json.decode(kept, type=WatchState))
    return found


SHOWER = [-8.0, -50, -120, -190, -220, -235, -240, -235, -230, -225]
MUDDY = [3.0, 40, 100, 150, 170, 180, 175, 165, 150, 140]


def told(found: list[Scored]) -> list[int]:
    return [n - CAME for n, one in enumerate(found) if n >= CAME and one.score >= 0.5]


def test_a_shower_that_goes_on_is_no_fault() -> None:
    salt, dirt = scored(SHOWER, MUDDY)
    assert salt[CAME].signs.jump >= 1
    assert not told(salt)
    assert not told(dirt)


@pytest.mark.parametrize("after", [-8.0, 0.0])
def test_a_knock_that_stays_or_comes_back_is_told_one_reading_later(
    after: float,
) -> None:
    salt, dirt = scored([-8.0, after], [3.0, -0.375 * after])
    assert told(salt)[0] == 1
    assert told(dirt)[0] == 1
    assert 0.3 <= salt[CAME].score < 0.5


def test_what_is_very_odd_is_told_at_once() -> None:
    salt, dirt = scored([-80.0, 0.0], [60.0, 0.0])
    assert told(salt)[0] == told(dirt)[0] == 0


def test_salt_waits_alone_and_what_is_no_salt_does_not() -> None:
    salt, _ = scored(SHOWER, [0.0])
    assert not told(salt)
    salt, _ = scored([-8.0], [0.0])
    assert told(salt)[0] == 1
    _, dirt = scored([0.0], MUDDY)
    assert told(dirt)[0] == 0


def test_a_jump_back_within_a_front_is_told() -> None:
    salt, _ = scored([*SHOWER[:4], -20.0], MUDDY)
    assert told(salt)[0] == 4
