"""Sensor fault or water trouble: the watcher of one probe, on water made here."""

import math
from collections.abc import Callable, Sequence
from random import Random

import msgspec
import pytest

from analytics.water import days
from analytics.water.budget import MOST, SERVICED
from analytics.water.episodes import Episode
from analytics.water.watch import Beside, Point, Scored, Watcher, WatchState
from firmware_sim.faulty_sources import in_air
from greenwater.reference.causes import CAUSES, Kind

STEP_MS = 900_000
DAY = 96
Row = dict[str, float | None]


def a_pond(days: int, seed: int = 3) -> list[Row]:
    """Return a reading every quarter of an hour of a sound probe in a quiet pond."""
    random = Random(seed)
    rows: list[Row] = []
    for number in range(days * DAY):
        swing = math.sin((number / DAY - 0.4) * 2 * math.pi)
        rows.append(
            {
                "temperature": round(29 + 1.5 * swing + random.gauss(0, 0.03), 2),
                "dissolved_oxygen": round(6.5 + 1.8 * swing + random.gauss(0, 0.05), 2),
                "salinity": round(20 + 0.3 * swing + random.gauss(0, 0.04), 2),
                "ph": round(8.1 + 0.2 * swing + random.gauss(0, 0.01), 2),
            }
        )
    return rows


def points_of(rows: Sequence[Row], first: int = 0) -> list[Point]:
    return [
        Point((first + number) * STEP_MS, channel, value)
        for number, row in enumerate(rows)
        for channel, value in row.items()
    ]


def watched(rows: Sequence[Row]) -> tuple[list[Scored], list[Episode]]:
    taken = Watcher(WatchState(device="box-1", probe="p")).take(points_of(rows))
    episodes = {change.episode.id: change.episode for change in taken.changes}
    return taken.scored, list(episodes.values())


def found(rows: Sequence[Row], channel: str) -> list[Episode]:
    return [one for one in watched(rows)[1] if one.channel == channel]


def test_a_sound_probe_in_a_quiet_pond_has_next_to_no_episodes() -> None:
    _, episodes = watched(a_pond(16))
    assert len(episodes) <= 0.05 * 16 * 4


def test_a_spike_is_one_episode_of_the_sensor() -> None:
    rows = a_pond(8)
    rows[600]["ph"] = 9.6
    (one,) = found(rows, "ph")
    assert (one.kind, one.cause) == (Kind.SENSOR, "spike")
    assert one.start_ms == 600 * STEP_MS
    assert one.probability > 0.9
    assert one.words_en
    assert one.words_vi
    assert one.compared


def test_a_probe_that_reads_zero_is_named_so_for_as_long_as_it_does() -> None:
    rows = a_pond(8)
    for row in rows[600:640]:
        row["ph"] = 0.0
    one = found(rows, "ph")[0]
    assert one.cause in ("reads_zero", "impossible")
    assert one.end_ms >= 639 * STEP_MS
    assert one.readings >= 40


def test_a_value_beyond_all_measure_is_no_value_and_breaks_nothing() -> None:
    rows = a_pond(9)
    for number, value in enumerate((1e308, -1e308, math.inf, 1e20, math.nan)):
        rows[DAY * 4 + number]["ph"] = value
    watcher = Watcher(WatchState())
    scores = watcher.take(points_of(rows)).scored
    watcher.compare([Beside(10**12, "ph", 1e308, -1e308, by="other")])
    assert all(0 <= one.score <= 1 for one in scores)
    odd = [one for one in scores if one.value is not None and not abs(one.value) < 1e15]
    assert len(odd) == 5
    assert all(one.score >= 0.5 for one in odd)
    kept = msgspec.json.encode(watcher.state)
    assert msgspec.json.encode(msgspec.json.decode(kept, type=WatchState)) == kept


def test_a_stuck_probe_is_found_within_hours() -> None:
    rows = a_pond(10)
    for row in rows[700:760]:
        row["temperature"] = rows[700]["temperature"]
    stuck = [one for one in found(rows, "temperature") if one.cause == "stuck"]
    assert len(stuck) == 1
    assert stuck[0].start_ms <= (700 + 48) * STEP_MS


@pytest.mark.parametrize(("ice_c", "is_stuck"), [(-0.01, False), (4.0, True)])
def test_water_rests_as_it_freezes_and_nowhere_else(
    ice_c: float, is_stuck: bool
) -> None:
    rows = a_pond(10)
    for number, row in enumerate(rows):
        cooled = ice_c + max(25 - number / 20, 0) * (1 - number / 700)
        row["temperature"] = round(cooled + number % 3 / 100, 2)
    for row in rows[700:760]:
        row["temperature"] = ice_c
    said = {one.cause for one in found(rows, "temperature")}
    assert ("stuck" in said) == is_stuck


def test_out_of_the_water_every_channel_is_odd_though_it_reads_what_may_be() -> None:
    rows = a_pond(8)
    for row in rows[600:604]:
        row["salinity"] = 0.02
    scored, episodes = watched(rows)
    at = {one.channel: one for one in scored if one.at_ms == 601 * STEP_MS}
    assert all(one.score >= 0.5 for one in at.values())
    assert {one.cause for one in episodes} == {"out_of_water"}
    assert {one.kind for one in episodes} == {Kind.SENSOR}


@pytest.mark.parametrize("is_percent", [False, True])
def test_a_probe_is_out_of_the_water_until_it_is_back_however_long_it_takes(
    is_percent: bool,
) -> None:
    rows = a_pond(8)
    for row in rows if is_percent else ():
        row["oxygen_saturation"] = row.pop("dissolved_oxygen")
    lifted = rows[600:648]
    rows[600:648] = [
        dict(in_air(row, jitter % 5 - 2)) for jitter, row in enumerate(lifted)
    ]
    episodes = [one for one in watched(rows)[1] if one.cause == "out_of_water"]
    assert {one.channel for one in episodes} == set(rows[0])
    assert {one.start_ms for one in episodes} == {600 * STEP_MS}
    assert min(one.end_ms for one in episodes) == 647 * STEP_MS


def test_a_cell_that_broke_speaks_for_two_hours_against_the_rest_and_never_again() -> (
    None
):
    rows = a_pond(8)
    for row in rows[590:]:
        row["salinity"] = 0.0
    others = [one for one in watched(rows)[1] if one.channel != "salinity"]
    assert {one.end_ms for one in others} == {598 * STEP_MS}
    for row in rows[590:]:
        row |= in_air(row, 0.0)
    rows[620]["dissolved_oxygen"] = 5.0
    assert found(rows, "ph")[0].end_ms == 619 * STEP_MS


def test_a_value_held_while_another_channel_is_lost_is_a_probe_being_lifted() -> None:
    rows = a_pond(8)
    for row in rows[600:603]:
        row["temperature"] = None
        row["dissolved_oxygen"] = rows[599]["dissolved_oxygen"]
    (one,) = found(rows, "dissolved_oxygen")
    assert one.cause == "serviced"
    assert "temperature" in one.channels
    alone = a_pond(8)
    for row in alone[600:603]:
        row["dissolved_oxygen"] = alone[599]["dissolved_oxygen"]
    assert not found(alone, "dissolved_oxygen")


def test_what_is_made_with_a_temperature_that_is_not_there_is_told_every_time() -> None:
    rows = a_pond(6)
    visits = range(100, 560, 75)
    for row in rows:
        del row["ph"]
    for first in visits:
        rows[first]["temperature"] = None
        for channel in ("salinity", "dissolved_oxygen"):
            rows[first][channel] = rows[first - 1][channel]
            rows[first + 1][channel] = rows[first - 1][channel]
    lifted = [one for one in watched(rows)[1] if one.cause == "serviced"]
    salt = [one for one in lifted if one.channel == "salinity"]
    assert [one.start_ms // STEP_MS for one in salt] == list(visits)
    assert all(one.probability == 0.9 for one in salt)
    assert all("temperature" in one.channels for one in salt)
    assert len(lifted) - len(salt) == MOST[SERVICED], "oxygen's is a matter of degree"


def test_a_channel_that_reads_zero_is_nobodys_visit() -> None:
    rows = a_pond(5)
    for row in rows:
        del row["salinity"]
    for row in rows[400:404]:
        row["ph"] = 0.0
        row["dissolved_oxygen"] = rows[399]["dissolved_oxygen"]
    assert {one.channel for one in watched(rows)[1]} == {"ph"}
    for row in rows[400:404]:
        row["ph"] = None
    assert {one.cause for one in found(rows, "dissolved_oxygen")} == {"serviced"}


def test_a_crash_is_water_trouble_at_every_reading_whatever_the_probe_is_thought_of() -> (
    None
):
    rows = a_pond(8)
    for number, row in enumerate(rows[600:640]):
        row["dissolved_oxygen"] = max(6.0 - 0.4 * number, 0.4)
    scored, episodes = watched(rows)
    water = {one.id for one in episodes if one.kind is Kind.WATER}
    low = [
        one
        for one in scored
        if one.channel == "dissolved_oxygen" and one.value is not None and one.value < 2
    ]
    assert len(low) > 25
    assert all(one.event in water and one.score >= 0.5 for one in low)
    assert "oxygen_crash" in {one.cause for one in episodes}


def test_a_crash_at_once_to_zero_is_a_fault_and_still_water_trouble() -> None:
    rows = a_pond(8)
    for row in rows[600:620]:
        row["dissolved_oxygen"] = 0.0
    episodes = found(rows, "dissolved_oxygen")
    assert {one.kind for one in episodes} == {Kind.SENSOR, Kind.WATER}


def test_fresh_water_on_top_is_a_lens_not_a_fault() -> None:
    rows = a_pond(12)
    for number, row in enumerate(rows[900:960]):
        row["salinity"] = round((row["salinity"] or 0) - min(0.5 * number, 11), 2)
    episodes = found(rows, "salinity")
    assert "freshwater_lens" in {one.cause for one in episodes}
    lens = next(one for one in episodes if one.cause == "freshwater_lens")
    assert lens.kind is Kind.WATER


@pytest.mark.parametrize(
    ("channel", "value"), [("salinity", 9999.0), ("dissolved_oxygen", -9999.0)]
)
def test_what_no_water_can_be_is_no_trouble_of_the_water(
    channel: str, value: float
) -> None:
    rows = a_pond(12)
    rows[900][channel] = value
    episodes = found(rows, channel)
    assert {one.kind for one in episodes} == {Kind.SENSOR}, "six hours of a false fall"
    assert "impossible" in {one.cause for one in episodes}


def test_a_channel_seldom_there_is_not_lost_when_it_is_not() -> None:
    rows = a_pond(8)
    for number, row in enumerate(rows):
        row["ammonia_total"] = 0.3 if number % DAY == 30 else None
    assert not [one for one in found(rows, "ammonia_total") if one.cause == "no_value"]


def test_what_is_said_of_a_reading_is_said_from_readings_until_then() -> None:
    rows = a_pond(8)
    rows[500]["ph"] = 9.6
    whole = Watcher(WatchState()).take(points_of(rows)).scored
    cut = Watcher(WatchState()).take(points_of(rows[:505])).scored
    assert whole[: len(cut)] == cut


def test_pieces_and_a_stored_state_say_the_same_as_one_piece() -> None:
    rows = a_pond(9)
    rows[500]["ph"] = 9.6
    for row in rows[700:720]:
        row["temperature"] = None
    whole = Watcher(WatchState(device="d", probe="p")).take(points_of(rows))
    state = WatchState(device="d", probe="p")
    scored: list[Scored] = []
    ids: list[str] = []
    for start in range(0, len(rows), 37):
        taken = Watcher(state).take(points_of(rows[start : start + 37], start))
        scored += taken.scored
        ids += [change.episode.id for change in taken.changes]
        state = msgspec.msgpack.decode(msgspec.msgpack.encode(state), type=WatchState)
    assert scored == whole.scored
    assert ids == [change.episode.id for change in whole.changes]


def test_the_state_stays_small() -> None:
    state = WatchState()
    Watcher(state).take(points_of(a_pond(20)))
    assert len(msgspec.msgpack.encode(state)) / 4 < 20_000


@pytest.mark.parametrize("is_hand", [False, True])
def test_growth_on_a_probe_shows_beside_another_or_a_hand_meter(is_hand: bool) -> None:
    watcher = Watcher(WatchState(device="d", probe="p"))
    changes = []
    for number in range(6 * DAY):
        day = number / DAY
        other = 6.5 + 1.8 * math.sin(day * 2 * math.pi)
        value = other * (0.9 ** max(day - 2, 0))
        if is_hand and number % 48:
            continue
        pair = Beside(number * STEP_MS, "dissolved_oxygen", value, other, is_hand)
        changes += watcher.compare([pair])
    assert {change.episode.cause for change in changes} == {"fouled"}
    first = changes[0].episode
    assert 2 * DAY < first.start_ms / STEP_MS < 5.5 * DAY


def test_two_probes_that_always_differ_a_little_do_not_drift() -> None:
    watcher = Watcher(WatchState())
    random = Random(5)
    pairs = [
        Beside(number * STEP_MS, "dissolved_oxygen", 6.2 + random.gauss(0, 0.1), 6.5)
        for number in range(20 * DAY)
    ]
    assert not watcher.compare(pairs)


OXYGEN = ("temperature", "dissolved_oxygen")


def days_of(
    count: int,
    change: Callable[[float, Row], None],
    channels: Sequence[str] = OXYGEN,
) -> list[Point]:
    """Return half-hourly readings; ``change`` makes of a day's number what it likes."""
    rows = a_pond(count)[::2]
    for number, row in enumerate(rows):
        change(2 * number / DAY, row)
    return [
        Point(number * 2 * STEP_MS, channel, value)
        for number, row in enumerate(rows)
        for channel, value in row.items()
        if channel in channels
    ]


def judged(
    count: int,
    change: Callable[[float, Row], None],
    channels: Sequence[str] = OXYGEN,
) -> tuple[list[Scored], list[Episode]]:
    taken = Watcher(WatchState()).take(days_of(count, change, channels))
    episodes = {one.episode.id: one.episode for one in taken.changes}
    return taken.scored, [one for one in episodes.values() if one.is_alone]


def fouled(day: float, row: Row) -> None:
    row["dissolved_oxygen"] = (row["dissolved_oxygen"] or 0) * 0.94 ** max(day - 11, 0)


def test_growth_on_a_lone_probe_shows_in_its_days() -> None:
    scored, (one,) = judged(17, fouled)
    assert (one.channel, one.cause, one.kind) == (
        "dissolved_oxygen", "fouled", Kind.SENSOR,
    )  # fmt: skip
    assert 13 * DAY < one.start_ms / STEP_MS < 16 * DAY
    assert one.compared.startswith("days ")
    assert "usually" in one.compared
    assert one.probability <= 0.8
    last = [one for one in scored if one.channel == "dissolved_oxygen"][-1]
    assert last.score >= 0.5
    assert last.event == one.id
    assert not judged(17, lambda day, row: None)[1], "sound days say nothing"


def test_a_lone_probe_that_drifts_or_is_dulled_is_told() -> None:
    def drifts(day: float, row: Row) -> None:
        row["ph"] = (row["ph"] or 0) + 0.15 * max(day - 10, 0)

    def dulled(day: float, row: Row) -> None:
        if day > 10:
            row["ph"] = 8.1 + ((row["ph"] or 0) - 8.1) / 3

    (one,) = judged(16, drifts, ["ph"])[1]
    assert (one.channel, one.cause) == ("ph", "drift")
    (other,) = judged(16, dulled, ["ph"])[1]
    assert (other.channel, other.cause) == ("ph", "fouled")


def test_days_that_are_odd_do_not_become_usual_for_four_weeks() -> None:
    state = days.DayState()
    shares = []
    for number in range(60 * 48):
        day = number / 48
        value = 8.1 + 0.2 * math.sin(day * 2 * math.pi) + (0.6 if day > 12 else 0)
        said = days.day_taken(state, "ph", value, number * 2 * STEP_MS)
        shares += [] if said is None else [(day, said.share)]
    odd = [day for day, share in shares if share >= 1]
    assert 14 < odd[0] < 17
    assert all(share >= 1 for day, share in shares if odd[0] <= day < 39)
    assert shares[-1][1] < 1, "in the end it is how the water is"


def test_a_crash_behind_growth_is_still_water_trouble() -> None:
    def crashes(day: float, row: Row) -> None:
        fouled(day, row)
        if day > 15:
            row["dissolved_oxygen"] = max(4 - 12 * (day - 15), 0.6)

    scored, alone = judged(17, crashes)
    assert alone
    low = [
        one
        for one in scored
        if one.channel == "dissolved_oxygen" and one.value is not None and one.value < 2
    ]
    assert len(low) > 40
    assert all(one.event.startswith("w") and one.score >= 0.9 for one in low)


def test_a_probe_that_agrees_with_another_is_not_judged_by_its_days() -> None:
    watcher = Watcher(WatchState())
    alone = []
    for point in days_of(17, fouled):
        changes = watcher.take([point]).changes
        if point.channel == "dissolved_oxygen" and point.value is not None:
            beside = Beside(point.at_ms, point.channel, point.value, point.value + 0.1)
            changes += watcher.compare([beside])
        alone += [one for one in changes if one.episode.is_alone]
    assert not alone


def test_every_cause_has_words_in_both_languages() -> None:
    for cause in CAUSES.values():
        assert cause.vi
        assert cause.en
        assert cause.compared
        assert cause.source
        assert not cause.verified
