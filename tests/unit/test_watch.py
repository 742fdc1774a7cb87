"""What analytics makes of readings: one alarm per problem, whatever way they come."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from analytics.alarms.behind import Replay, reckoned
from analytics.alarms.life import AGAIN_MS
from analytics.alarms.watch import LATE_MS
from greenwater.kernel.channels import Channel
from greenwater.kernel.ids import DeviceId, DeviceState
from greenwater.kernel.reading import Reading
from greenwater.reference.limits import Severity
from greenwater.storage.registry.alarms import AlarmState
from greenwater.storage.registry.watching import Act
from tests.unit.ponds import (
    BOX,
    HOUR,
    MINUTE,
    T0,
    Story,
    a_device,
    hung,
    oxygen,
    places,
)

# Whiteleg shrimp: warning below 4 for 15 min, critical below 3 for 10 min or two readings;
# over after 15 min above 4.3 and 3.5.
FALLING = (4.6, 4.3, 3.9, 3.8, 3.7, 3.6, 3.4, 3.2, 2.9, 2.8, 2.7)
RECOVERING = (3.2, 3.6, 3.9, 4.2, 4.4, 4.5, 4.6, 4.7, 4.8)


def acknowledge(story: Story, at_ms: int) -> None:
    story.watch.act([Act(1, story.only.id, "acknowledge", "lan", "page", at_ms)])
    story.settle()


def test_one_low_night_is_one_alarm_that_grows_worse_and_ends() -> None:
    story = Story().take(oxygen(*FALLING, *RECOVERING))

    assert story.kinds == ["raised", "escalated", "eased", "returned"]
    alarm = story.only
    assert alarm.state is AlarmState.RETURNED
    assert alarm.began_ms == T0 + 10 * MINUTE
    assert alarm.raised_ms == T0 + 25 * MINUTE
    assert alarm.worst == 2.7
    assert [kind for _, kind, _ in story.calls] == []  # over before anybody was told


def test_people_are_told_when_it_begins_and_when_it_grows_worse() -> None:
    story = Story()
    for reading in oxygen(*FALLING):
        story.take([reading])

    assert [kind for _, kind, _ in story.calls] == ["raised", "escalated"]
    alarm = story.only
    assert (alarm.severity, alarm.limit, alarm.value) == (Severity.CRITICAL, 3.0, 2.7)
    assert alarm.trend_per_h is not None
    assert -3 < alarm.trend_per_h < -1
    assert alarm.detail["basis"] == "practice"
    assert alarm.detail["verified"] is False


def test_who_takes_care_is_left_in_peace_and_the_end_clears_it() -> None:
    story = Story().take(oxygen(*FALLING[:6]))
    acknowledge(story, T0 + 26 * MINUTE)
    later = T0 + 30 * MINUTE
    story.take(oxygen(*FALLING[6:], *RECOVERING, start_ms=later))

    assert [kind for _, kind, _ in story.calls] == ["raised"]
    assert story.kinds == ["raised", "escalated", "eased", "returned"]
    assert story.only.state == AlarmState.CLEARED
    assert story.only.acknowledged_by == "lan"


def test_what_dips_again_soon_is_the_same_alarm_told_again_when_critical() -> None:
    story = Story()
    for reading in oxygen(*FALLING):
        story.take([reading])
    story.take(oxygen(*RECOVERING, start_ms=T0 + HOUR))
    story.take(oxygen(*[2.5] * 4, start_ms=T0 + 2 * HOUR))

    assert story.only.state == AlarmState.RAISED
    assert story.kinds[-2:] == ["again", "escalated"]
    assert story.only.repeats == 1
    assert [kind for _, kind, _ in story.calls] == ["raised", "escalated", "escalated"]


def test_another_night_is_another_alarm() -> None:
    story = Story().take(oxygen(*FALLING, *RECOVERING))
    story.take(oxygen(*[2.5] * 4, start_ms=T0 + 2 * HOUR + AGAIN_MS))

    first, second = story.alarms.values()
    assert first.state is AlarmState.CLEARED
    assert second.state is AlarmState.RAISED
    assert first.id != second.id


def test_two_probes_of_a_pond_make_one_alarm_that_names_the_worse() -> None:
    top, bottom = oxygen(*[3.8] * 8), oxygen(*[3.4] * 8, probe="bottom")
    story = Story().take(top + bottom)

    assert (story.only.probe, story.only.depth_m, story.only.value) == (
        "bottom", 1.6, 3.4,
    )  # fmt: skip
    assert story.kinds == ["raised"]


def test_the_alarm_stands_until_the_last_probe_is_well() -> None:
    story = Story().take(oxygen(*[3.4] * 5) + oxygen(*[3.4] * 5, probe="bottom"))
    later = T0 + 25 * MINUTE
    story.take(oxygen(*[5.0] * 5, start_ms=later))
    story.take(oxygen(*[3.5] * 5, probe="bottom", start_ms=later))
    assert story.only.is_active
    assert story.only.probe == "bottom"

    story.take(oxygen(*[5.0] * 5, probe="bottom", start_ms=T0 + 50 * MINUTE))
    assert story.only.state == AlarmState.RETURNED


def test_two_ponds_are_two_alarms() -> None:
    where = places(hung("top", "ao-3"), hung("bottom", "ao-4"))
    story = Story(where).take(oxygen(*[3.4] * 5) + oxygen(*[3.4] * 5, probe="bottom"))

    assert {one.unit for one in story.alarms.values()} == {"ao-3", "ao-4"}


def test_both_sides_of_one_channel_are_two_conditions() -> None:
    hot = oxygen(*[36.0] * 15, channel=Channel.TEMPERATURE)
    cold = oxygen(*[10.0] * 15, channel=Channel.TEMPERATURE, start_ms=T0 + 3 * HOUR)
    story = Story().take(hot).take(cold)

    assert [one.side for one in story.alarms.values()] == ["high", "low"]


def test_readings_that_come_late_raise_an_alarm_nobody_is_told_of() -> None:
    story = Story().take(oxygen(*[3.5] * 5), lag_ms=LATE_MS + HOUR)

    assert story.only.is_late
    assert story.calls == []


def test_an_alarm_found_late_that_still_holds_is_told_with_the_first_live_reading() -> (
    None
):
    story = Story().take(oxygen(*[3.5] * 5), lag_ms=LATE_MS + HOUR)
    story.take(oxygen(3.4, start_ms=T0 + 2 * HOUR))

    assert not story.only.is_late
    assert story.kinds == ["raised", "live"]
    assert [kind for _, kind, _ in story.calls] == ["live"]


def test_old_news_moves_nothing() -> None:
    story = Story().take(oxygen(*[5.0] * 3, start_ms=T0 + HOUR))
    story.take(oxygen(*[2.0] * 5), lag_ms=2 * HOUR)

    assert story.alarms == {}


def test_bad_answers_and_what_hangs_nowhere_move_nothing() -> None:
    where = places(hung("top", to_ms=T0), hung("bottom", None))
    assert Story(where).take(oxygen(*[2.0] * 5)).alarms == {}
    assert Story().take(oxygen(None, None, None)).alarms == {}
    nothing_lives_there = Story(places(species=None))
    assert nothing_lives_there.take(oxygen(*[2.0] * 5)).alarms == {}


def test_a_bad_answer_between_two_low_ones_hides_no_crash() -> None:
    assert Story().take(oxygen(2.5, None, 2.4)).only.severity == Severity.CRITICAL


def test_the_truth_after_a_clock_far_ahead_is_heard() -> None:
    story = Story().take(oxygen(6.0, 6.0))
    ahead = oxygen(6.0, start_ms=T0 + 20 * HOUR)
    story.watch.take(ahead, T0 + 10 * MINUTE, story.places)
    story.take(oxygen(2.5, 2.4, 2.3, start_ms=T0 + 15 * MINUTE))

    assert story.only.state == AlarmState.RAISED


def test_a_clock_far_ahead_does_not_end_an_alarm() -> None:
    story = Story().take(oxygen(*[2.5] * 3))
    ahead = oxygen(2.5, start_ms=T0 + 20 * HOUR)
    story.watch.take(ahead, T0 + 20 * MINUTE, story.places)
    story.take(oxygen(2.5, 2.5, start_ms=T0 + 25 * MINUTE))

    assert story.settle().only.state == AlarmState.RAISED


def test_a_probe_that_is_moved_takes_its_alarm_with_it() -> None:
    story = Story(places(hung("top"))).take(oxygen(*[2.5] * 3))
    moved_ms = T0 + 20 * MINUTE
    story.places = places(
        hung("top", to_ms=moved_ms), hung("top", "ao-4", from_ms=moved_ms)
    )
    story.tick(moved_ms + MINUTE)

    assert story.only.state == AlarmState.RETURNED
    story.take(oxygen(*[6.0] * 3, start_ms=moved_ms))
    assert len(story.alarms) == 1


def test_an_alarm_of_a_pond_that_was_harvested_is_over() -> None:
    story = Story().take(oxygen(*[2.5] * 3))
    story.places = places(species=None)
    story.tick(T0 + 20 * MINUTE)

    assert story.only.state == AlarmState.RETURNED


def test_a_silent_box_is_an_alarm_with_the_oxygen_known_last() -> None:
    story = Story().take(oxygen(5.0, 4.6, 4.2, 3.8))
    newest_ms = T0 + 15 * MINUTE
    story.tick(newest_ms + 15 * MINUTE - 1)
    assert story.alarms == {}

    story.tick(newest_ms + 15 * MINUTE).tick(newest_ms + HOUR)

    alarm = story.only
    assert (alarm.kind, alarm.severity) == ("silence", Severity.CRITICAL)
    assert (alarm.began_ms, alarm.raised_ms) == (newest_ms, newest_ms + 15 * MINUTE)
    assert alarm.value == 3.8
    assert [kind for _, kind, _ in story.calls] == ["raised"]


def test_a_box_that_speaks_again_ends_its_silence() -> None:
    story = Story().take(oxygen(5.0, 5.0)).tick(T0 + HOUR)
    story.take(oxygen(5.0, start_ms=T0 + 61 * MINUTE))

    assert story.only.state == AlarmState.RETURNED


def test_a_backlog_alone_does_not_end_a_silence() -> None:
    story = Story().take(oxygen(5.0, 5.0)).tick(T0 + 2 * HOUR)
    story.take(oxygen(5.0, start_ms=T0 + 30 * MINUTE), lag_ms=90 * MINUTE)
    assert story.open[0].is_active

    story.take(oxygen(5.0, start_ms=T0 + 2 * HOUR))
    assert story.only.state == AlarmState.RETURNED


def test_nobody_is_silent_while_what_they_said_is_still_to_be_read() -> None:
    story = Story().take(oxygen(5.0, 5.0))

    story.tick(T0 + 9 * HOUR, is_up_to_date=False)
    assert story.alarms == {}
    story.tick(T0 + 9 * HOUR)
    assert story.only.kind == "silence"


def test_silence_is_normal_at_sea_by_hand_in_the_store_room_and_when_revoked() -> None:
    for where in (
        places(devices=[a_device(site=None)]),
        places(by_hand=("top", "bottom")),
        places(hung("top", to_ms=T0 + 20 * MINUTE)),
        places(devices=[a_device(state=DeviceState.REVOKED)]),
    ):
        story = Story(where).take(oxygen(5.0, 5.0))
        assert story.tick(T0 + HOUR).alarms == {}


def test_a_silence_is_over_when_the_box_is_revoked() -> None:
    story = Story().take(oxygen(5.0, 5.0)).tick(T0 + HOUR)
    story.places = places(devices=[a_device(state=DeviceState.REVOKED)])

    assert story.tick(T0 + 2 * HOUR).only.state == AlarmState.RETURNED


def test_probes_that_answer_one_after_the_other_are_one_round() -> None:
    readings: list[Reading] = []
    for turn in range(3):
        for second in range(8):
            at_ms = T0 + turn * 30 * MINUTE + second * 1000
            readings += oxygen(5.0, probe="top", start_ms=at_ms)
    story = Story().take(readings)
    newest_ms = T0 + HOUR + 7000

    assert story.tick(newest_ms + 89 * MINUTE).alarms == {}
    assert story.tick(newest_ms + 90 * MINUTE).only.kind == "silence"


def test_a_box_that_measures_every_second_is_silent_after_ten_minutes() -> None:
    story = Story().take(oxygen(*[5.0] * 200, every_ms=1000))
    newest_ms = T0 + 199 * 1000

    assert story.tick(newest_ms + 10 * MINUTE - 1).alarms == {}
    assert story.tick(newest_ms + 10 * MINUTE).only.kind == "silence"


def two_boxes() -> tuple[Story, DeviceId]:
    other = DeviceId("other")
    where = places(
        hung("top"), hung("top", device=other), devices=[a_device(), a_device("other")]
    )
    return Story(where), other


def test_two_boxes_silent_at_different_times_are_two_silences() -> None:
    story, other = two_boxes()
    story.take(oxygen(5.0, 5.0)).take(oxygen(*[5.0] * 8, device=other))
    story.tick(T0 + 20 * MINUTE).tick(T0 + HOUR)

    assert {one.device for one in story.alarms.values()} == {BOX, other}


def test_boxes_of_a_site_silent_together_are_one_alarm_told_once() -> None:
    story, other = two_boxes()
    story.take(oxygen(5.0, 5.0)).take(
        oxygen(5.0, 5.0, device=other, start_ms=T0 + MINUTE)
    )
    story.tick(T0 + 20 * MINUTE).tick(T0 + 21 * MINUTE).restart().tick(T0 + 40 * MINUTE)

    assert story.only.kind == "site_silence"
    assert story.only.detail["devices"] == [BOX, other]
    assert story.only.detail["place"] == "Trại"
    assert [kind for _, kind, _ in story.calls] == ["raised"]


def test_a_site_heard_of_again_leaves_the_box_that_is_not_an_alarm_of_its_own() -> None:
    story, other = two_boxes()
    story.take(oxygen(5.0, 5.0)).take(oxygen(5.0, 5.0, device=other))
    story.tick(T0 + 20 * MINUTE)
    story.take(oxygen(*[5.0] * 5, start_ms=T0 + 40 * MINUTE)).tick(T0 + 45 * MINUTE)
    assert [one.kind for one in story.open if one.is_active] == []

    story.tick(T0 + 52 * MINUTE)
    (alone,) = [one for one in story.open if one.is_active]
    assert (alone.kind, alone.device) == ("silence", other)


@st.composite
def nights(draw: st.DrawFn) -> list[Reading]:
    """Oxygen about the limits at two probes, with gaps and bad answers."""
    readings = []
    for probe in ("top", "bottom"):
        at_ms, value = T0, 4.5
        for _ in range(draw(st.integers(0, 40))):
            at_ms += draw(st.sampled_from([5, 5, 5, 10, 20, 120])) * MINUTE
            value += draw(st.sampled_from([-0.9, -0.4, -0.1, 0.0, 0.1, 0.4, 0.9]))
            value = min(max(value, 1.0), 8.0)
            said = draw(st.sampled_from([value, value, value, value, None]))
            readings += oxygen(said, probe=probe, start_ms=at_ms)
    return sorted(readings, key=lambda one: (one.taken_ms, one.probe))


def test_a_warning_that_was_late_and_over_is_news_when_it_comes_again_live() -> None:
    late = oxygen(*[3.6] * 6, *[6.0] * 8)
    story = Story().take(late, lag_ms=2 * HOUR)
    assert (story.only.is_late, story.only.state) == (True, "returned")
    story.take(oxygen(*[3.6] * 6, start_ms=T0 + 3 * HOUR))
    assert (story.only.is_late, story.only.repeats) == (False, 1)
    assert [kind for _, kind, _ in story.calls] == ["live"]


def told(story: Story) -> dict[str, object]:
    return {
        "alarms": story.alarms,
        "steps": story.steps,
        "devices": story.watch.devices,
    }


@given(nights(), st.lists(st.integers(0, 80), max_size=6), st.booleans())
def test_history_is_the_same_however_readings_are_handed_over(
    night: list[Reading], cuts: list[int], is_killed: bool
) -> None:
    whole, parts = Story().take(night), Story()
    edges = [0, *sorted(min(cut, len(night)) for cut in cuts), len(night)]
    for start, end in pairwise(edges):
        parts.take(night[start:end])
        if is_killed:
            parts.restart()

    assert told(parts) == told(whole)


@given(nights())
def test_doing_a_batch_again_changes_nothing(night: list[Reading]) -> None:
    story = Story().take(night)
    before = repr(told(story))

    much_later = 99 * HOUR
    story.take(night, lag_ms=much_later).take(night[-10:], lag_ms=much_later)

    box = story.watch.devices.get(BOX)  # readings without a number tell of no box
    behind = None if box is None else box.behind
    for watched in story.watch.devices.values():
        watched.behind, watched.behind_ms = None, 0
    assert repr(told(story)) == before
    if behind is not None:
        # Looked back at as if it were an outage's: all of it is known.
        replay = Replay(behind)
        replay.take(night, story.places)
        past = reckoned(replay.found(), list(story.alarms.values()), much_later)
        assert (past.alarms, past.steps) == ({}, [])


@given(nights())
def test_alarms_keep_their_promises_over_any_night(night: list[Reading]) -> None:
    story = Story()
    for reading in night:
        story.take([reading])
        conditions = [one.condition for one in story.open]
        assert len(conditions) == len(set(conditions))
    for alarm in story.alarms.values():
        assert alarm.began_ms <= alarm.raised_ms
        below = [
            one
            for one in night
            if one.value is not None and one.taken_ms == alarm.began_ms
        ]
        assert any(one.value is not None and one.value < 4.0 for one in below)
        assert alarm.worst is not None
        assert alarm.worst < 4.3
        if alarm.returned_ms is not None:
            since_ms = alarm.returned_ms - 15 * MINUTE
            for one in night:  # another probe may be beyond, not yet for long
                if one.probe != alarm.probe:
                    continue
                if since_ms <= one.taken_ms <= alarm.returned_ms:
                    assert one.value is None or one.value > 4.3


def test_an_aerators_current_is_told_in_the_alarm_it_answers_and_nowhere_else() -> None:
    where = places(
        hung("top"), hung("wheel"), hung("far", "ao-4"), aerators=("wheel", "far")
    )
    story = Story(where)
    amperes = {
        "wheel": (0.0, 0.05, 0.04, 0.02, 0.01, 0.0, 3.1, 3.0, 2.9, 0.1),
        "far": (3.0, 3.0, 3.0, 3.0, 3.0, 3.0, 0.0, 0.0, 3.0, 3.0),
    }
    low = oxygen(*[3.8] * 10)
    motors = [
        one
        for probe, values in amperes.items()
        for one in oxygen(*values, probe=probe, channel=Channel.CURRENT)
    ]
    story.take(low + motors).restart()

    assert story.kinds == ["raised", "running", "stopped"]
    running = story.steps[1]
    assert running.at_ms == T0 + 30 * MINUTE
    assert running.detail == {"probe": "wheel"}


def test_an_aerator_heard_again_after_a_restart_is_no_news() -> None:
    where = places(hung("top"), hung("wheel"), aerators=("wheel",))
    motor = oxygen(0.0, 3.0, 0.0, probe="wheel", channel=Channel.CURRENT)
    low = oxygen(*[3.8] * 6, start_ms=T0 - 30 * MINUTE)
    story = Story(where).take(low + motor)
    assert story.kinds == ["raised", "running", "stopped"]

    story.restart().take(motor, lag_ms=15 * MINUTE)
    assert story.kinds == ["raised", "running", "stopped"]
    story.take(oxygen(2.5, probe="wheel", channel=Channel.CURRENT, start_ms=T0 + HOUR))
    assert story.kinds[3:] == ["running"]


def test_when_a_pond_is_closed_its_alarms_are_over_and_none_begins() -> None:
    story = Story().take(oxygen(*FALLING))
    closed_ms = T0 + 12 * 5 * MINUTE
    story.places = places(closed_ms=closed_ms)
    assert story.tick(closed_ms).only.state is AlarmState.RETURNED
    story.take(oxygen(*FALLING, start_ms=closed_ms))
    story.tick(closed_ms + 3 * HOUR)
    assert len(story.alarms) == 1
