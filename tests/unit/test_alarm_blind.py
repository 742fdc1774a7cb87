"""A unit whose oxygen nobody measures any more, though its box is heard."""

from datetime import datetime
from typing import Final

import pytest

from analytics.alarms.claims import episode_alarm
from analytics.alarms.messages import sentence
from greenwater.kernel.channels import Channel
from greenwater.kernel.clock import VIETNAM
from greenwater.kernel.ids import ProbeId
from greenwater.kernel.reading import milliseconds
from greenwater.reference.limits import Severity
from greenwater.storage.registry.alarms import AlarmState
from greenwater.storage.telemetry.ports import Series
from tests.unit.ponds import BOX, HOUR, MINUTE, Story, a_fault, hung, oxygen, places
from tests.unit.test_alarm_quiet import out

NIGHT: Final = milliseconds(datetime(2026, 6, 2, 20, 0, tzinfo=VIETNAM))
NOON: Final = milliseconds(datetime(2026, 6, 2, 11, 0, tzinfo=VIETNAM))
FALLING: Final = [5.0 - 0.1 * n for n in range(7)]
LAST: Final = 30 * MINUTE
"""When, after the start, oxygen was known last."""


def farm(**more: object) -> Story:
    return Story(places(hung("top"), hung("other"), **more))  # type: ignore[arg-type]


def passed(story: Story, start_ms: int, end_ms: int, *bad: str) -> Story:
    """Let time pass, with temperature beside; ``bad`` probes answer without a value."""
    for at_ms in range(start_ms, end_ms, 5 * MINUTE):
        warm = oxygen(28.0, probe="other", channel=Channel.TEMPERATURE, start_ms=at_ms)
        for probe in bad:
            warm += oxygen(None, probe=probe, start_ms=at_ms)
        story.take(warm).tick(at_ms + 1000)
    return story


def dark(story: Story, start_ms: int, *bad: str) -> Story:
    """Have oxygen for half an hour, then none for as long as it takes."""
    passed(story.take(oxygen(*FALLING, start_ms=start_ms)), start_ms, start_ms + LAST)
    return passed(story, start_ms + LAST, start_ms + LAST + 40 * MINUTE, *bad)


@pytest.mark.parametrize("bad", [(), ("top",)], ids=["no answer", "bad answers"])
def test_oxygen_that_fell_and_is_not_known_at_night_is_critical(
    bad: tuple[str, ...],
) -> None:
    story = dark(farm(), NIGHT, *bad)

    alarm = story.only
    assert (alarm.kind, alarm.severity) == ("blind", Severity.CRITICAL)
    assert (alarm.began_ms, alarm.raised_ms) == (NIGHT + LAST, NIGHT + LAST + HOUR // 2)
    assert alarm.value == pytest.approx(4.4)
    story.restart()
    passed(story, NIGHT + 2 * HOUR, NIGHT + 3 * HOUR, *bad)
    assert [kind for _, kind, _ in story.calls] == ["raised"], "once"


def test_by_day_it_is_a_warning_until_night_has_come() -> None:
    story = dark(farm(), NOON)
    assert story.only.severity == Severity.WARN

    passed(story, NOON + 2 * HOUR, NOON + 8 * HOUR)
    assert story.only.severity == Severity.CRITICAL
    assert [kind for _, kind, _ in story.calls] == ["raised", "escalated"]


def test_it_is_over_with_the_first_value() -> None:
    story = dark(farm(), NIGHT)
    at_ms = NIGHT + 2 * HOUR
    story.take(oxygen(5.0, start_ms=at_ms)).tick(at_ms + 1000)

    assert story.only.state == AlarmState.RETURNED
    assert story.only.returned_ms == at_ms


def test_another_probe_of_the_unit_that_measures_is_enough() -> None:
    story = farm()
    for n in range(20):
        story.take(oxygen(5.0, probe="other", start_ms=NIGHT + n * 5 * MINUTE))
    dark(story, NIGHT)

    assert story.alarms == {}


def test_what_hangs_elsewhere_is_measured_by_hand_or_serviced_is_not_missed() -> None:
    serviced = out(NIGHT + 9 * HOUR, unit=None, device=BOX, probe="top", from_ms=NIGHT)
    away = places(hung("top", to_ms=NIGHT + LAST + MINUTE), hung("other"))
    for story in (
        farm(out_of_service=[serviced]), farm(by_hand=["top"]), Story(away),
    ):  # fmt: skip
        assert dark(story, NIGHT).alarms == {}


def test_it_hides_the_low_oxygen_of_before_and_a_silent_box_hides_it() -> None:
    story = farm().take(oxygen(*[2.5] * 7, start_ms=NIGHT))
    passed(story, NIGHT + LAST, NIGHT + LAST + 40 * MINUTE, "top")
    low = next(one for one in story.open if one.kind == "limit")
    blind = next(one for one in story.open if one.kind == "blind")
    assert (low.hidden, low.hidden_by) == ("suppressed", blind.id)

    story.tick(NIGHT + 4 * HOUR)
    silent = next(one for one in story.open if one.kind == "silence")
    hidden = {one.kind: one.hidden_by for one in story.open}
    assert hidden["blind"] == silent.id


def test_salinity_is_missed_where_a_fall_of_it_kills_and_nowhere_else() -> None:
    falling = [33.0 - 0.2 * n for n in range(7)]
    for species, told in (("NUR", ["blind"]), ("PNV", [])):
        story = farm(species=species)
        salt = oxygen(*falling, channel=Channel.SALINITY, start_ms=NOON)
        passed(story.take(salt), NOON, NOON + 70 * MINUTE)
        assert [one.kind for one in story.open] == told, species
        for alarm in story.open:
            assert (alarm.channel, alarm.severity) == ("salinity", "critical")
            said = sentence(alarm, "Lồng 2", "vi")
            assert said.startswith("Lồng 2: không có số đo độ mặn từ 11:30. Lần cuối")
            assert "đang giảm" in said


def lifted(story: Story, at_ms: int) -> Story:
    """Have the watchers say that the probe hangs out of the water since half an hour."""
    place = story.places.at(Series(BOX, ProbeId("top")), at_ms)
    assert place is not None
    fault = a_fault("out_of_water", at_ms, began_ms=at_ms - HOUR // 2)
    claim = episode_alarm(place, fault)
    story.watch.claim([claim], story.places)
    return story.settle()


def test_oxygen_of_the_air_is_not_known_oxygen_though_it_is_always_well() -> None:
    story = farm().take(oxygen(*FALLING, start_ms=NIGHT))
    out_ms = NIGHT + 35 * MINUTE
    story.take(oxygen(*[7.6] * 7, start_ms=out_ms))
    lifted(story, out_ms + HOUR // 2).tick(out_ms + 31 * MINUTE)
    blind = next(one for one in story.open if one.kind == "blind")
    assert blind.severity == Severity.CRITICAL, "it was falling"
    assert blind.began_ms == out_ms
    assert blind.value == pytest.approx(4.4), "of the water"

    story.restart()
    story.take(oxygen(*[7.6] * 30, start_ms=out_ms + 40 * MINUTE))
    story.tick(out_ms + 3 * HOUR)
    assert [one.kind for one in story.open if one.is_active and not one.hidden] == [
        "blind"
    ]
    assert [kind for _, kind, _ in story.calls] == ["raised"], "once"


def test_low_oxygen_of_a_probe_that_seems_to_hang_in_the_air_is_believed() -> None:
    story = farm().take(oxygen(*FALLING, start_ms=NIGHT))
    out_ms = NIGHT + 35 * MINUTE
    story.take(oxygen(*[7.6] * 7, start_ms=out_ms))
    lifted(story, out_ms + HOUR // 2).tick(out_ms + 31 * MINUTE)
    story.take(oxygen(*[2.0] * 4, start_ms=out_ms + 35 * MINUTE))
    story.tick(out_ms + 51 * MINUTE)
    told = {one.kind for one in story.open if one.is_active and not one.hidden}
    assert told == {"limit", "episode"}
    assert [kind for _, kind, _ in story.calls] == ["raised", "raised"]
