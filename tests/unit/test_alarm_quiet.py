"""Put off, out of service, explained by another: nobody is told, and nothing is forgotten."""

from msgspec.structs import replace

from analytics.alarms.standing import Standing
from analytics.alarms.watch import LATE_MS
from greenwater.kernel.channels import Channel
from greenwater.kernel.ids import DeviceId
from greenwater.reference.limits import Severity
from greenwater.storage.registry.alarms import AlarmState
from greenwater.storage.registry.out_of_service import OutOfService
from greenwater.storage.registry.watching import Act
from tests.unit.ponds import HOUR, MINUTE, T0, Story, a_device, hung, oxygen, places

LOW, CRASH, WELL = [3.5] * 5, [2.5] * 3, [6.0] * 5


def acted(
    story: Story, kind: str, at_ms: int, until_ms: int = 0, number: int = 1
) -> Story:
    detail = {"until_ms": until_ms} if until_ms else {}
    (alarm,) = story.open
    story.watch.act([Act(number, alarm.id, kind, "lan", "page", at_ms, detail)])
    return story.settle()


def calls(story: Story) -> list[str]:
    return [kind for _, kind, _ in story.calls]


def out(
    until_ms: int, *, unit: str | None = "ao-3", device: str | None = None,
    probe: str | None = None, from_ms: int = T0 - HOUR,
) -> OutOfService:  # fmt: skip
    return OutOfService(
        number=1, unit=unit, device=device, probe=probe, person="lan",
        reason="thay đầu đo", from_ms=from_ms, until_ms=until_ms,
    )  # fmt: skip


def test_what_is_put_off_is_told_again_when_its_time_is_over() -> None:
    story = Story().take(oxygen(*LOW)).tick(T0 + 20 * MINUTE)
    until_ms = T0 + 51 * MINUTE
    acted(story, "shelve", T0 + 21 * MINUTE, until_ms)
    assert story.only.is_quiet
    story.take(oxygen(*LOW, start_ms=T0 + 25 * MINUTE)).tick(until_ms - 1).restart()
    assert calls(story) == ["raised"]

    story.take(oxygen(*LOW, start_ms=until_ms - 5 * MINUTE)).tick(until_ms + MINUTE)
    assert calls(story) == ["raised", "unshelved"]
    assert story.calls[-1][2] == until_ms
    assert not story.only.is_quiet
    story.tick(until_ms + 2 * MINUTE)
    assert calls(story) == ["raised", "unshelved"], "once"


def test_what_is_over_when_its_time_is_over_wakes_nobody() -> None:
    story = Story().take(oxygen(*LOW))
    acted(story, "shelve", T0 + 21 * MINUTE, T0 + 2 * HOUR)
    story.take(oxygen(*WELL * 5, start_ms=T0 + 25 * MINUTE)).tick(T0 + 2 * HOUR)

    assert (story.only.state, story.only.is_quiet) == (AlarmState.RETURNED, False)
    assert calls(story) == ["raised"]


def test_what_grows_critical_is_put_off_no_longer() -> None:
    story = Story().take(oxygen(*LOW))
    acted(story, "shelve", T0 + 21 * MINUTE, T0 + 9 * HOUR)
    story.take(oxygen(*CRASH, start_ms=T0 + 25 * MINUTE))

    assert calls(story) == ["raised", "escalated"]
    assert story.only.shelved_until_ms is None


def test_who_ends_it_himself_is_told_at_once() -> None:
    story = Story().take(oxygen(*LOW))
    acted(story, "shelve", T0 + 21 * MINUTE, T0 + 9 * HOUR)
    acted(story, "unshelve", T0 + 22 * MINUTE, number=2)

    assert calls(story) == ["raised", "unshelved"]


def test_out_of_service_raises_nothing_and_what_is_still_bad_at_the_end_is_raised() -> (
    None
):
    end_ms = T0 + 2 * HOUR
    for what in (
        out(end_ms),
        out(end_ms, unit=None, device="box"),
        out(end_ms, unit=None, device="box", probe="top"),
    ):
        story = Story(places(hung("top"), out_of_service=[what]))
        story.take(oxygen(*[2.5] * 24)).tick(end_ms - MINUTE)
        assert story.alarms == {}, what

        story.take(oxygen(2.5, start_ms=end_ms)).tick(end_ms + MINUTE)
        assert story.only.severity == Severity.CRITICAL
        assert calls(story) == ["raised"]


def test_only_the_probe_that_is_serviced_is_not_believed() -> None:
    what = out(T0 + 9 * HOUR, unit=None, device="box", probe="top")
    story = Story(places(hung("top"), hung("low", depth_m=1.5), out_of_service=[what]))
    story.take(oxygen(*[0.1] * 5) + oxygen(*LOW, probe="low"))

    assert (story.only.probe, story.only.severity) == ("low", "warn")


def test_an_alarm_that_stands_is_hidden_while_its_unit_is_serviced() -> None:
    story = Story().take(oxygen(*LOW))
    story.places = places(out_of_service=[out(T0 + HOUR, from_ms=T0 + 20 * MINUTE)])
    story.tick(T0 + 21 * MINUTE)
    assert (story.only.hidden, story.only.hidden_until_ms) == (
        "out_of_service", T0 + HOUR,
    )  # fmt: skip
    story.take(oxygen(*CRASH, start_ms=T0 + 25 * MINUTE))
    assert calls(story) == ["raised"]

    story.take(oxygen(*CRASH, start_ms=T0 + 55 * MINUTE)).tick(T0 + 66 * MINUTE)
    assert calls(story) == ["raised", "shown"]
    assert story.only.hidden is None


def test_a_box_that_is_serviced_is_not_silent() -> None:
    what = out(T0 + 3 * HOUR, unit=None, device="box")
    story = Story(places(out_of_service=[what])).take(oxygen(5.0, 5.0, 5.0))
    assert story.tick(T0 + 2 * HOUR).alarms == {}

    story.tick(T0 + 3 * HOUR + MINUTE)
    assert story.only.kind == "silence"


def test_a_silent_box_hides_what_its_probes_said_and_is_as_grave() -> None:
    noon = T0 + 9 * HOUR
    story = Story().take(oxygen(*[2.5] * 4, start_ms=noon)).tick(noon + HOUR)

    low, silent = story.alarms.values()
    assert (silent.kind, silent.severity) == ("silence", "critical")
    assert (low.hidden, low.hidden_by) == ("suppressed", silent.id)
    told = len(story.calls)
    story.tick(noon + 2 * HOUR)
    assert len(story.calls) == told

    story.take(oxygen(2.4, start_ms=noon + 2 * HOUR)).tick(noon + 2 * HOUR + MINUTE)
    assert calls(story)[told:] == ["shown"]
    assert [one.hidden for one in story.open if one.kind == "limit"] == [None]


def test_what_another_boxs_probe_says_too_is_not_hidden() -> None:
    other = DeviceId("other")
    where = places(
        hung("top"), hung("near", device=other, depth_m=1.5),
        devices=[a_device(), a_device("other")],
    )  # fmt: skip
    story = Story(where).take(oxygen(*CRASH))
    story.take(oxygen(*[2.9] * 20, probe="near", device=other)).tick(T0 + 100 * MINUTE)

    (low,) = [one for one in story.open if one.kind == "limit"]
    assert low.hidden is None


def test_silence_is_a_warning_by_day_and_critical_once_night_has_come() -> None:
    noon = T0 + 8 * HOUR  # 11:27 in Khánh Hòa
    story = Story().take(oxygen(6.0, 6.5, 7.0, 7.5, start_ms=noon))
    story.tick(noon + HOUR).tick(noon + 6 * HOUR)
    assert story.only.severity == "warn"
    assert calls(story) == ["raised"]

    story.tick(noon + 7 * HOUR)
    assert story.only.severity == "critical"
    assert calls(story) == ["raised", "escalated"]


def test_a_silent_box_without_oxygen_is_a_warning_at_night_too() -> None:
    warm = oxygen(28.0, 28.0, 28.0, channel=Channel.TEMPERATURE)
    story = Story().take(warm).tick(T0 + HOUR)
    assert story.only.severity == "warn"


def test_what_comes_again_within_hours_is_counted_and_told_only_if_critical() -> None:
    story = Story()
    for turn in range(3):
        start_ms = T0 + turn * 2 * HOUR
        story.take(oxygen(*LOW, start_ms=start_ms))
        if turn == 0:
            acted(story, "acknowledge", start_ms + 21 * MINUTE)
        story.take(oxygen(*WELL, start_ms=start_ms + 30 * MINUTE)).restart()
    last = list(story.alarms.values())[-1]

    assert last.repeats == 2
    assert calls(story) == ["raised"]

    story.take(oxygen(*CRASH, start_ms=T0 + 6 * HOUR))
    assert calls(story)[-1] == "escalated"


def test_late_readings_tell_nobody_whatever_stands() -> None:
    story = Story().take(oxygen(*LOW), lag_ms=LATE_MS + HOUR)
    story.take(oxygen(*CRASH, start_ms=T0 + 25 * MINUTE), lag_ms=LATE_MS + HOUR)
    assert (story.only.is_late, story.only.severity) == (True, "critical")
    assert story.calls == []


def test_what_comes_again_while_it_is_put_off_is_the_same_alarm_and_stays_so() -> None:
    story = Story().take(oxygen(*LOW))
    acted(story, "shelve", T0 + 21 * MINUTE, T0 + 9 * HOUR)
    story.take(oxygen(*WELL * 5, start_ms=T0 + 25 * MINUTE))
    over = story.only
    assert (over.state, over.shelved_by) == (AlarmState.RETURNED, "lan")
    assert over.returned_ms is not None
    at_ms = over.returned_ms + MINUTE
    made = replace(
        over, id="another", state=AlarmState.RAISED, began_ms=at_ms, raised_ms=at_ms,
        value=3.1, returned_ms=None, shelved_until_ms=None, shelved_by=None, repeats=0,
    )  # fmt: skip
    standing = Standing([over])
    standing.anew(standing.renewed(over.condition, at_ms), made, at_ms)
    now = standing.get(over.condition)
    assert now is not None
    assert now.is_active
    assert (now.id, now.value, now.began_ms) == (over.id, 3.1, at_ms)
    assert (now.shelved_until_ms, now.shelved_by) == (T0 + 9 * HOUR, "lan")
    assert standing.taken().calls == []
