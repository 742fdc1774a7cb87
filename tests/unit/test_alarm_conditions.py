"""Each condition beyond a level: falls, lenses, swings, power, aerators, claims."""

from collections.abc import Sequence

import pytest
from gsw import C_from_SP

from analytics.alarms.aerating import NOT_RUNNING, Order, orders_of, told_by
from analytics.alarms.claims import (
    Claim,
    episode_alarm,
    forecast_alarm,
    is_forecast_hour,
)
from analytics.alarms.messages import advice, grounds, sentence
from analytics.alarms.texting import text_message
from analytics.places import Place, Places
from greenwater.derived.chemistry import specific_conductivity
from greenwater.kernel.channels import Channel
from greenwater.kernel.ids import DeviceId, ProbeId
from greenwater.kernel.reading import Reading
from greenwater.kernel.wire.messages import Command, Reply
from greenwater.reference.alarm_rules import RULES, about, is_between_hours
from greenwater.reference.limits import Severity
from greenwater.storage.registry.alarms import AlarmState
from greenwater.storage.registry.commands import CommandInfo
from greenwater.storage.telemetry.ports import Series
from tests.unit.ponds import (
    BOX,
    HOUR,
    MINUTE,
    OXYGEN,
    T0,
    Story,
    a_fault,
    hung,
    oxygen,
    places,
)

SALT, PH = Channel.SALINITY, Channel.PH
EVENING = T0 + 19 * HOUR - 26 * MINUTE  # 22:00 in Khánh Hòa


def cage() -> Story:
    return Story(places(hung("top"), hung("deep", depth_m=5.0), species="NUR"))


def test_salinity_that_falls_is_alarm_number_one_long_before_its_level() -> None:
    steady = [33.0] * 36
    falling = [33.0 - 0.1 * n for n in range(60)]  # 5.9 in five hours
    story = cage().take(oxygen(*steady, *falling, channel=SALT))

    assert story.kinds[:2] == ["raised", "escalated"]
    alarm = story.only
    assert alarm.value is not None
    assert alarm.value > 27, "28 would be the level of the warning"
    assert (alarm.condition, alarm.severity) == (
        "limit/ao-3/salinity/low", Severity.CRITICAL,
    )  # fmt: skip
    assert (alarm.detail["rule"], alarm.limit) == ("fall", 5.0)
    assert (
        sentence(alarm, "Bè 1", "vi") == "Bè 1: độ mặn tụt từ 33 xuống 27 ‰ trong 5 giờ"
    )
    assert sentence(alarm, "Raft 1", "en").endswith("fell from 33 to 27 ‰ within 5 h")
    assert advice(alarm, "cage", "vi") == "Hạ lồng xuống dưới 4 m, chưa cho ăn."


def test_one_wrong_value_makes_no_fall() -> None:
    values = [33.0] * 30
    values[10] = 39.0
    assert cage().take(oxygen(*values, channel=SALT)).alarms == {}


def test_a_lens_of_fresh_water_is_told_from_two_depths() -> None:
    story = cage()
    story.take(oxygen(*[33.0] * 12, probe="deep", channel=SALT))
    story.take(oxygen(*[28.5] * 12, start_ms=T0 + HOUR, channel=SALT))
    assert story.alarms == {}, "4,5 less than further down"

    story.take(oxygen(*[33.9] * 2, probe="deep", start_ms=T0 + 2 * HOUR, channel=SALT))
    story.take(oxygen(*[28.4] * 8, start_ms=T0 + 2 * HOUR, channel=SALT))
    alarm = story.only
    assert (alarm.probe, alarm.detail["rule"]) == ("top", "lens")
    assert "tầng mặt" in sentence(alarm, "Lồng 5", "vi")


def conductivity(psu: Sequence[float], *, is_turned: bool) -> list[Reading]:
    """Return what a probe sends of water every 20 min that is sent no salinity for."""
    every = 20 * MINUTE
    raw = [float(C_from_SP(one, 26.0, 0.0)) for one in psu]
    turned = [float(specific_conductivity(one, 26.0)) for one in raw]
    sent = {Channel.CONDUCTIVITY: raw, Channel.TEMPERATURE: [26.0] * len(raw)}
    if is_turned:
        sent = {Channel.SPECIFIC_CONDUCTIVITY: turned}
    return [
        one
        for channel, values in sent.items()
        for one in oxygen(*values, every_ms=every, channel=channel)
    ]


@pytest.mark.parametrize("channel", [Channel.SALINITY, Channel.SPECIFIC_CONDUCTIVITY])
def test_a_probe_lifted_out_of_the_sea_is_no_flood_and_a_flood_is(
    channel: Channel,
) -> None:
    sea = 33.0 if channel is Channel.SALINITY else 50.0
    lobsters = places(hung("top"), species="NUR")
    lifted = Story(lobsters).take(oxygen(sea, sea, *[0.0] * 12, sea, channel=channel))
    assert lifted.alarms == {}

    down = [sea * share for share in (0.9, 0.6, 0.3, 0.02, 0.0, 0.0)]
    flood = Story(lobsters).take(oxygen(sea, sea, *down, channel=channel))
    assert flood.only.severity == "critical"


@pytest.mark.parametrize("is_turned", [False, True])
def test_conductivity_alone_is_enough_for_salinitys_level_and_its_fall(
    is_turned: bool,
) -> None:
    """As a batch has it: of one instant conductivity stands before temperature."""
    thin = cage()
    sent = conductivity([12.0] * 6, is_turned=is_turned)
    sent.sort(key=lambda one: (one.taken_ms, one.channel))
    thin.watch.take(sent, sent[-1].taken_ms, thin.places)
    alarm = thin.settle().only
    assert (alarm.channel, alarm.severity) == ("salinity", "critical")
    assert "rule" not in alarm.detail
    assert alarm.value == pytest.approx(12.0, abs=0.2)

    falls = cage()
    falling = [33.0] * 9 + [33.0 - 0.4 * n for n in range(13)]
    sent = conductivity(falling, is_turned=is_turned)
    sent.sort(key=lambda one: (one.taken_ms, one.channel))
    falls.watch.take(sent, sent[-1].taken_ms, falls.places)
    alarm = falls.settle().only
    assert (alarm.channel, alarm.detail["rule"]) == ("salinity", "fall")
    assert alarm.value is not None
    assert alarm.value > 28, "before its level"


@pytest.mark.parametrize(("psu", "mg_l"), [(None, 2.72), (33.0, 2.26)])
def test_per_cent_alone_is_enough_for_oxygen(psu: float | None, mg_l: float) -> None:
    """35 % at 28.5 °C is critical of shrimp (3 mg/L), however salt; never a second number."""
    sent = {Channel.OXYGEN_SATURATION: 35.0, Channel.TEMPERATURE: 28.5}
    if psu is not None:
        sent[SALT] = psu
    own = {**sent, OXYGEN: 6.0}
    for values in (sent, own):
        story = Story(places(hung("top")))
        for n in range(6):
            story.watch.take(
                [
                    one
                    for channel in sorted(values)
                    for one in oxygen(
                        values[channel], start_ms=T0 + n * 20 * MINUTE, channel=channel
                    )
                ],
                T0 + n * 20 * MINUTE,
                story.places,
            )
        low = f"limit/ao-3/{OXYGEN}/low"
        found = [one for one in story.settle().alarms.values() if one.condition == low]
        if values is own:
            assert found == []
        else:
            assert [one.severity for one in found] == [Severity.CRITICAL]
            assert found[0].value == pytest.approx(mg_l, abs=0.02)


def test_ph_that_swings_through_the_day_says_that_it_is_law() -> None:
    day = [8.0 + 0.4 * (n / 72) for n in range(72)] + [
        8.4 - 0.6 * (n / 60) for n in range(60)
    ]
    story = Story().take(oxygen(*day, every_ms=10 * MINUTE, channel=PH))

    alarm = story.only
    assert (alarm.side, alarm.severity, alarm.limit) == ("swing", "warn", 0.5)
    assert alarm.detail["basis"] == "law"
    assert "theo quy chuẩn (QCVN 02-19:2014" in grounds(alarm, "vi")
    assert "chưa đối chiếu" in grounds(alarm, "vi")
    assert sentence(alarm, "Ao 3", "vi").startswith(
        "Ao 3: chênh lệch độ pH trong ngày 0,6"
    )


def test_two_probes_that_disagree_are_a_warning_and_never_nothing() -> None:
    where = places(hung("top"), hung("beside", depth_m=0.6))
    story = Story(where).take(oxygen(*[6.0] * 8, probe="beside") + oxygen(*[1.0] * 8))

    alarm = story.only
    assert (alarm.severity, alarm.detail["against"]) == ("warn", 6.0)
    assert [kind for _, kind, _ in story.calls] == ["raised"]
    assert sentence(alarm, "Ao 3", "vi") == (
        "Ao 3: hai đầu đo oxy lệch nhau, 1,0 mg/L và 6,0 mg/L"
    )
    later = T0 + 40 * MINUTE
    story.take(
        oxygen(*[1.1] * 4, probe="beside", start_ms=later)
        + oxygen(*[1.0] * 4, start_ms=later)
    )
    assert story.only.severity == "critical", "the second one says so too"


def test_of_many_that_say_otherwise_the_same_one_is_named_in_every_process() -> None:
    # A set of words has another order in each; one in twenty would do by chance.
    beside = [f"probe-{n:02}" for n in range(20)]
    story = Story(places(hung("top"), *(hung(one, depth_m=0.6) for one in beside)))
    for n, one in enumerate(beside):
        story.take(oxygen(*[6.0 + n / 10] * 8, probe=one))
    story.take(oxygen(*[1.0] * 8))
    assert story.only.detail["against"] == 6.0


def at_the_pond(where: Places) -> Place:
    place = where.at(Series(BOX, ProbeId("top")), T0)
    assert place is not None
    return place


def an_episode(
    story: Story, at_ms: int, *, is_over: bool = False, is_alone: bool = False
) -> Claim:
    beside = "days 3.1/2.0 in 3 days, usually 6.1/4.2" if is_alone else ""
    fault = a_fault("fouled", at_ms, beside=beside)
    return episode_alarm(at_the_pond(story.places), fault, is_over=is_over)


def test_a_probe_that_is_known_to_be_fouled_is_not_believed_where_another_knows() -> (
    None
):
    where = places(hung("top"), hung("beside", depth_m=0.6))
    story = Story(where)
    story.watch.claim([an_episode(story, T0)], story.places)
    story.take(oxygen(*[6.0] * 8, probe="beside") + oxygen(*[1.0] * 8))
    assert [one.kind for one in story.alarms.values()] == ["episode"]
    assert story.calls == [], "to be watched: nobody is woken"
    assert sentence(story.only, "Ao 3", "vi") == "Ao 3: Đầu đo bám bẩn: vệ sinh đầu đo"
    assert advice(story.only, "pond", "vi").startswith("Vệ sinh đầu đo")

    story.watch.claim([an_episode(story, T0 + HOUR, is_over=True)], story.places)
    assert story.settle().only.state is AlarmState.RETURNED


def test_a_fouled_probe_that_is_alone_hides_no_crash() -> None:
    story = Story(places(hung("top")))
    story.watch.claim([an_episode(story, T0)], story.places)
    story.take(oxygen(*[1.0] * 8))
    assert {one.kind for one in story.alarms.values()} == {"episode", "limit"}


def test_what_only_its_own_days_say_against_a_probe_hides_nothing_beside_another() -> (
    None
):
    where = places(hung("top"), hung("beside", depth_m=0.6))
    story = Story(where)
    story.watch.claim([an_episode(story, T0, is_alone=True)], story.places)
    story.take(oxygen(*[6.0] * 8, probe="beside") + oxygen(*[1.0] * 8))
    assert {one.kind for one in story.alarms.values()} == {"episode", "limit"}


def a_forecast(story: Story, at_ms: int, value: float, lead_h: float = 6.5) -> None:
    place = at_the_pond(story.places)
    claim = forecast_alarm(place, at_ms, value, value - 0.7, lead_h)
    assert claim is not None
    story.watch.claim([claim], story.places)
    story.settle()


def test_a_forecast_is_one_alarm_that_turns_into_the_real_one() -> None:
    story = Story().take(oxygen(*[5.5] * 4, start_ms=EVENING - 20 * MINUTE))
    a_forecast(story, EVENING, 2.3)
    told = story.only
    assert (told.kind, told.severity) == ("forecast", "warn")
    assert sentence(told, "Ao 3", "vi") == (
        "Ao 3: dự báo 04:30 oxy còn 2,3 mg/L, có thể xuống 1,6 mg/L"
    )
    story.take(oxygen(*[5.0] * 4, start_ms=EVENING + 10 * MINUTE))
    assert story.only.is_active, "good water now ends no forecast"
    a_forecast(story, EVENING + HOUR, 2.1)
    assert [kind for _, kind, _ in story.calls] == ["raised"]

    story.take(oxygen(*[2.5] * 4, start_ms=EVENING + 90 * MINUTE))
    assert (story.only.kind, story.only.severity) == ("limit", "critical")
    assert story.kinds == ["raised", "came_true", "escalated"]
    assert [kind for _, kind, _ in story.calls] == ["raised", "came_true"]


def test_a_forecast_that_is_good_again_or_not_renewed_is_over() -> None:
    story = Story()
    a_forecast(story, EVENING, 2.3)
    a_forecast(story, EVENING + HOUR, 4.4)
    assert story.only.state is AlarmState.RETURNED

    story = Story()
    a_forecast(story, EVENING, 2.3)
    story.tick(EVENING + 2 * HOUR).tick(EVENING + 2 * HOUR + MINUTE)
    assert story.only.state is AlarmState.RETURNED


def test_a_forecast_that_is_near_is_critical_and_by_day_there_is_none() -> None:
    story = Story()
    a_forecast(story, EVENING + 4 * HOUR, 2.3, lead_h=2.5)
    assert story.only.severity == "critical"
    assert not is_forecast_hour(EVENING - 2 * HOUR)
    place = at_the_pond(story.places)
    assert forecast_alarm(place, EVENING - 2 * HOUR, 1.0, 0.5, 9.0) is None


def test_a_site_without_mains_is_one_alarm_whatever_its_aerators_say() -> None:
    wheels = ("wheel-1", "wheel-2")
    where = places(hung("top"), *(hung(one) for one in wheels), aerators=wheels)
    story = Story(where)
    for n, mains in enumerate([1.0, 1.0, 0.0, 0.0, 0.0, 1.0, 1.0, 1.0]):
        at_ms = T0 + n * MINUTE
        for one in wheels:
            story.take(
                oxygen(mains, probe=one, start_ms=at_ms, channel=Channel.CONTACT)
            )
            story.take(
                oxygen(3 * mains, probe=one, start_ms=at_ms, channel=Channel.CURRENT)
            )
        story.watch.ordered(
            [Order(BOX, ProbeId(one), True, T0, T0 + HOUR) for one in wheels]
        )
        story.tick(at_ms + 1000)

    alarm = story.only
    assert (alarm.condition, alarm.severity) == ("mains/farm", "critical")
    assert [kind for _, kind, _ in story.calls] == ["raised"]
    assert alarm.returned_ms is not None
    assert sentence(alarm, "", "vi") == "Trại: mất điện từ 03:28"


def test_a_battery_is_known_by_its_voltage() -> None:
    for values, severity in (
        ([11.7] * 4, "warn"),
        ([3.2] * 4, "critical"),
        ([12.6] * 4, ""),
    ):
        story = Story().take(oxygen(*values, channel=Channel.BATTERY, probe="power"))
        assert [one.severity for one in story.alarms.values()] == [severity] * bool(
            severity
        )
    story = Story().take(oxygen(*[11.7] * 4, channel=Channel.BATTERY, probe="power"))
    assert sentence(story.only, "", "vi") == "box: pin hộp đo còn 11,7 V"
    story.take(
        oxygen(*[12.9] * 9, channel=Channel.BATTERY, probe="power", start_ms=T0 + HOUR)
    )
    assert story.only.state is AlarmState.RETURNED


def an_aerator(*amperes: float, every_ms: int = 20_000) -> Story:
    where = places(hung("top"), hung("quat-1"), aerators=("quat-1",))
    story = Story(where).take(oxygen(4.6, 4.6))
    story.watch.ordered([Order(BOX, ProbeId("quat-1"), True, T0, T0 + HOUR)])
    for n, one in enumerate(amperes):
        at_ms = T0 + n * every_ms
        story.take(oxygen(one, probe="quat-1", start_ms=at_ms, channel=Channel.CURRENT))
        story.tick(at_ms + 500)
    return story


def test_an_aerator_that_was_switched_on_must_run_within_a_minute() -> None:
    assert an_aerator(0.0, 0.0, 0.0).alarms == {}
    assert an_aerator(0.0, 0.0, 3.1, 3.1, 3.1).alarms == {}

    alarm = an_aerator(0.0, 0.0, 0.0, 0.0, 0.0).only
    assert (alarm.severity, alarm.raised_ms) == ("critical", T0 + MINUTE)
    assert sentence(alarm, "Ao 3", "vi") == (
        "Ao 3: quạt nước 1 không chạy dù đã ra lệnh bật lúc 03:26, oxy hiện 4,6 mg/L"
    )
    assert text_message(alarm, "Ao 3", "pond", "https://x/a/t").startswith(
        "AO 3 NGUY CAP 03:27. Quat nuoc 1 khong chay du da ra lenh bat luc 03:26"
    )


def test_one_that_runs_at_last_or_is_ordered_off_is_over() -> None:
    assert an_aerator(*[0.0] * 5, 3.0).only.state is AlarmState.RETURNED
    story = an_aerator(*[0.0] * 5)
    story.watch.ordered([Order(BOX, ProbeId("quat-1"), False, T0, T0 + HOUR)])
    assert story.tick(T0 + 3 * MINUTE).only.state is AlarmState.RETURNED


def test_what_a_box_itself_says_is_believed() -> None:
    story = an_aerator(0.0)
    orders = list(told_by({BOX: (T0 + MINUTE, ("quat-1" + NOT_RUNNING, "disk: full"))}))
    story.watch.ordered(orders)
    assert story.tick(T0 + MINUTE).only.condition == "aerator/box/quat-1"


def test_only_the_newest_order_that_was_obeyed_counts() -> None:
    def order(name: str, on: bool, at_ms: int, reply: Reply | None) -> CommandInfo:
        args = {"rule": "quat-1", "on": on, "for_s": 3600.0}
        command = Command(name, "switch", at_ms + HOUR, args)
        settled_ms = None if reply is None else at_ms + 5
        return CommandInfo(DeviceId("box"), command, at_ms, settled_ms, reply)

    done, refused = Reply("x", True, ""), Reply("x", False, "no")
    (found,) = orders_of(
        [
            order("a", False, T0, done),
            order("b", True, T0 + 10, done),
            order("c", False, T0 + 20, refused),
            order("d", False, T0 + 30, None),
        ]
    )
    assert found == Order(BOX, ProbeId("quat-1"), True, T0 + 15, T0 + 10 + HOUR)


def test_every_rule_says_what_it_rests_on() -> None:
    rules = (*RULES.change, RULES.power, RULES.aerator, RULES.silence, RULES.forecast,
             RULES.neighbour, RULES.shelving)  # fmt: skip
    for rule in rules:
        told = about(rule)
        assert told["source"]
        assert told["basis"] in ("law", "standard", "practice")
        assert told["verified"] is False, "nobody has held it against its source yet"
    assert is_between_hours(23, 18, 6)
    assert not is_between_hours(12, 18, 6)
