"""Alarms in the registry: written by analytics all at once, answered by people."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from analytics.alarms.notifying import Notifier
from analytics.alarms.pushing import Outcome, Pushed, Subscription, own_subscription
from analytics.alarms.ways import Ways
from greenwater.kernel.clock import ManualClock
from greenwater.kernel.errors import InputError, MissingError
from greenwater.kernel.reading import instant
from greenwater.storage.registry import Registry
from greenwater.storage.registry.alarm_kinds import StepKind
from greenwater.storage.registry.alarms import Alarm, AlarmState, AlarmStep
from greenwater.storage.registry.bulletins import BulletinCopy
from greenwater.storage.registry.consents import Purpose
from greenwater.storage.registry.contacts import Contact
from greenwater.storage.registry.outbox import CLAIM_MS
from greenwater.storage.registry.people import Role
from greenwater.storage.registry.watching import Notification, Pass
from tests.contracts.registries import HOUR, NOW, a_box

URL = "json://127.0.0.1:9/x"
KEY = "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"


@pytest.fixture(autouse=True)
def _farm(registry: Registry) -> None:
    a_box(registry)
    registry.add_person("lan", "Chị Lan")
    registry.add_person("tam", "Anh Tâm")
    registry.add_member("lan", "hoa", Role.FARMER)


def an_alarm(name: str = "a1", **facts: object) -> Alarm:
    alarm = Alarm(
        id=name,
        organisation="hoa",
        condition=f"limit/hoa-ao-1/dissolved_oxygen/low/{name}",
        kind="limit",
        severity="critical",
        state=AlarmState.RAISED,
        began_ms=NOW - 1000,
        raised_ms=NOW,
        site="hoa-farm",
        unit="hoa-ao-1",
        device="hoa-box",
        probe="top",
        channel="dissolved_oxygen",
        side="low",
        depth_m=0.5,
        taken_ms=NOW,
        value=2.8,
        worst=2.75,
        limit=3.0,
        trend_per_h=-0.6,
        is_simulated=True,
        detail={"basis": "practice", "verified": False},
    )
    return replace(alarm, **facts)


def a_step(kind: StepKind, at_ms: int = NOW, alarm: str = "a1") -> AlarmStep:
    return AlarmStep(
        alarm=alarm,
        key=f"{kind}/{at_ms}",
        at_ms=at_ms,
        kind=kind,
        detail={"value": 2.8},
    )


def a_message(name: str = "m1", due_ms: int = NOW, alarm: str = "a1") -> Notification:
    return Notification(
        id=name,
        organisation="hoa",
        alarm=alarm,
        step="raised",
        person="lan",
        url=URL,
        due_ms=due_ms,
    )


def raise_one(registry: Registry, alarm: Alarm | None = None) -> Alarm:
    alarm = alarm or an_alarm()
    registry.save_pass(
        Pass(
            saved_ms=NOW,
            states={"cursor": b"{}"},
            alarms=[alarm],
            steps=[a_step("raised", alarm=alarm.id)],
            notifications=[a_message(f"m-{alarm.id}", alarm=alarm.id)],
        )
    )
    return alarm


def kinds(registry: Registry, alarm: str = "a1") -> list[str]:
    return [step.kind for step in registry.alarm_steps(alarm)]


def test_an_alarm_comes_back_as_it_was_written(registry: Registry) -> None:
    alarm = raise_one(registry)

    assert registry.get_alarm("a1") == alarm
    assert list(registry.alarms()) == list(registry.open_alarms()) == [alarm]
    assert registry.alarm_steps("a1") == [a_step("raised")]


def test_a_pass_that_is_written_twice_has_one_effect(registry: Registry) -> None:
    alarm = raise_one(registry)
    registry.notification_sent(a_message("m-a1"), NOW + 5)

    raise_one(registry)

    assert registry.open_alarms() == [alarm]
    assert kinds(registry) == ["raised", "notified"]
    assert registry.due_notifications(NOW + HOUR) == []


def test_a_pass_is_kept_whole_or_not_at_all(registry: Registry) -> None:
    stranger = replace(a_message(), person="nobody")
    broken = Pass(
        saved_ms=NOW,
        states={"cursor": b"[1]"},
        alarms=[an_alarm()],
        steps=[a_step("raised")],
        notifications=[stranger],
    )
    with pytest.raises(Exception):  # noqa: B017, PT011  (whichever the database says)
        registry.save_pass(broken)

    assert registry.load_states() == {}
    assert registry.alarms() == []
    assert registry.due_notifications(NOW) == []


def test_a_later_pass_brings_state_and_alarm_up_to_date(registry: Registry) -> None:
    alarm = raise_one(registry)
    over = replace(alarm, state=AlarmState.RETURNED, returned_ms=NOW + 9, value=3.6)

    registry.save_pass(
        Pass(saved_ms=NOW + 9, states={"cursor": b"2", "device/x": b"3"}, alarms=[over])
    )

    assert registry.load_states() == {"cursor": b"2", "device/x": b"3"}
    assert registry.get_alarm("a1") == over


def test_a_condition_has_one_open_alarm_and_another_after_it(
    registry: Registry,
) -> None:
    first = raise_one(registry, an_alarm("a1", condition="c"))
    done = replace(first, state=AlarmState.CLEARED, cleared_ms=NOW + 1)
    second = an_alarm("a2", condition="c", raised_ms=NOW + 2)

    with pytest.raises(Exception):  # noqa: B017, PT011  (whichever the database says)
        registry.save_pass(Pass(saved_ms=NOW, states={}, alarms=[second]))
    registry.save_pass(Pass(saved_ms=NOW, states={}, alarms=[done, second]))

    assert list(registry.alarms()) == [second, done]
    assert registry.open_alarms() == [second]


def test_who_acknowledges_is_seen_at_once_and_counts_once(registry: Registry) -> None:
    raise_one(registry)

    first = registry.acknowledge_alarm("a1", person="lan", via="page", at_ms=NOW + 60)
    again = registry.acknowledge_alarm("a1", person="lan", via="page", at_ms=NOW + 70)
    other = registry.acknowledge_alarm("a1", person="tam", via="link", at_ms=NOW + 80)

    seen = registry.get_alarm("a1")
    assert (first, again, other) == (True, False, False)
    assert (seen.state, seen.acknowledged_by) == (AlarmState.ACKNOWLEDGED, "lan")
    assert seen.acknowledged_ms == NOW + 60
    assert registry.alarms(open_only=True) == [seen]
    assert kinds(registry) == ["raised", "acknowledged"]


def test_analytics_takes_an_act_over_and_history_says_it_once(
    registry: Registry,
) -> None:
    alarm = raise_one(registry)
    registry.acknowledge_alarm("a1", person="lan", via="page", at_ms=NOW + 60)
    before = registry.alarm_steps("a1")
    acts = registry.open_acts()
    taken = replace(
        alarm,
        state=AlarmState.ACKNOWLEDGED,
        acknowledged_ms=acts[0].at_ms,
        acknowledged_by=acts[0].person,
    )

    registry.save_pass(
        Pass(saved_ms=NOW + 61, states={}, alarms=[taken], acts=acts, told=["a1"])
    )

    assert [act.kind for act in acts] == ["acknowledge"]
    assert registry.open_acts() == []
    assert registry.get_alarm("a1") == taken
    assert registry.alarm_steps("a1") == before
    assert before[-1].person == "lan"
    assert registry.due_notifications(NOW + HOUR) == []


def test_a_latched_alarm_is_cleared_for_the_page_when_acknowledged(
    registry: Registry,
) -> None:
    raise_one(registry, an_alarm(state=AlarmState.RETURNED, returned_ms=NOW + 5))

    registry.acknowledge_alarm("a1", person="lan", via="link", at_ms=NOW + 60)

    assert registry.get_alarm("a1").state is AlarmState.CLEARED


def test_nothing_more_is_said_to_a_cleared_alarm(registry: Registry) -> None:
    raise_one(registry, an_alarm(state=AlarmState.CLEARED, cleared_ms=NOW + 5))

    assert not registry.acknowledge_alarm("a1", person="lan", via="p", at_ms=NOW + 60)
    assert registry.open_acts() == []


def test_many_thumbs_at_once_acknowledge_once(registry: Registry) -> None:
    raise_one(registry)

    def press(number: int) -> bool:
        return registry.acknowledge_alarm(
            "a1", person="lan", via="page", at_ms=NOW + number
        )

    with ThreadPoolExecutor(6) as pool:
        pressed = list(pool.map(press, range(12)))

    assert True in pressed
    assert len(registry.open_acts()) == 1


def test_an_act_on_what_is_not_there_is_refused(registry: Registry) -> None:
    raise_one(registry)

    with pytest.raises(MissingError):
        registry.acknowledge_alarm("a9", person="lan", via="page", at_ms=NOW)
    with pytest.raises(MissingError):
        registry.acknowledge_alarm("a1", person="nobody", via="page", at_ms=NOW)
    with pytest.raises(MissingError):
        registry.get_alarm("a9")
    with pytest.raises(MissingError):
        registry.note_alarm("a9", "command_on", key="c1", at_ms=NOW)


def test_alarms_come_newest_first_by_unit_and_page_by_page(registry: Registry) -> None:
    registry.add_unit("hoa-ao-2", site="hoa-farm", name="Ao 2")
    for number in range(4):
        unit = "hoa-ao-1" if number % 2 else "hoa-ao-2"
        raise_one(registry, an_alarm(f"a{number}", raised_ms=NOW + number, unit=unit))

    def names(**asked: object) -> list[str]:
        return [one.id for one in registry.alarms(**asked)]  # type: ignore[arg-type]

    assert names() == ["a3", "a2", "a1", "a0"]
    assert names(unit="hoa-ao-1") == ["a3", "a1"]
    assert names(limit=2) == ["a3", "a2"]
    assert names(before_ms=NOW + 2) == ["a1", "a0"]


def test_one_organisation_never_sees_anothers_alarms(registry: Registry) -> None:
    a_box(registry, "ba")
    raise_one(registry)
    raise_one(
        registry,
        an_alarm("b1", organisation="hoa"),
    )
    stranger = Pass(
        saved_ms=NOW,
        states={},
        alarms=[
            an_alarm(
                "b2",
                organisation="ba",
                site="ba-farm",
                unit="ba-ao-1",
                device="ba-box",
            )
        ],
        steps=[a_step("raised", alarm="b2")],
    )
    registry.save_pass(stranger)

    lan = registry.visible_to("lan")

    assert {one.id for one in lan.alarms()} == {"a1", "b1"}
    assert lan.alarm_steps("b2") == []
    with pytest.raises(MissingError):
        lan.get_alarm("b2")


def test_history_takes_what_people_did_beside_it_once(registry: Registry) -> None:
    raise_one(registry)

    for _ in range(2):
        registry.note_alarm(
            "a1",
            "command_on",
            key="cmd/77",
            at_ms=NOW + 30,
            person="lan",
            detail={"probe": "quat-3"},
        )

    step = registry.alarm_steps("a1")[-1]
    assert kinds(registry) == ["raised", "command_on"]
    assert (step.person, step.detail) == ("lan", {"probe": "quat-3"})


def test_a_link_stands_for_one_alarm_and_person_until_it_expires(
    registry: Registry,
) -> None:
    raise_one(registry)
    registry.add_alarm_link("secret", a_message(), expires_ms=NOW + HOUR)

    link = registry.get_alarm_link("secret", NOW + HOUR - 1)

    assert (link.alarm, link.person) == ("a1", "lan")
    with pytest.raises(MissingError):
        registry.get_alarm_link("secret", NOW + HOUR)
    with pytest.raises(MissingError):
        registry.get_alarm_link("Secret", NOW)


def test_contacts_are_told_in_their_order(registry: Registry) -> None:
    registry.add_contact("hoa", "tam", "tgram://token/1", place=1)
    registry.add_contact("hoa", "lan", URL, place=3)
    registry.add_contact("hoa", "lan", URL, place=0)

    assert registry.contacts() == [
        Contact("hoa", "lan", URL, 0),
        Contact("hoa", "tam", "tgram://token/1", 1),
    ]
    with pytest.raises(InputError):
        registry.add_contact("hoa", "lan", "0901234567")
    with pytest.raises(MissingError):
        registry.add_contact("hoa", "nobody", URL)


def test_contacts_have_hours_of_duty(registry: Registry) -> None:
    registry.add_contact("hoa", "lan", URL, hours=(1080, 360))
    assert registry.contacts() == [Contact("hoa", "lan", URL, 0, (1080, 360))]

    registry.add_contact("hoa", "lan", URL)
    assert registry.contacts() == [Contact("hoa", "lan", URL, 0)]
    with pytest.raises(InputError, match="minutes of the day"):
        registry.add_contact("hoa", "lan", URL, hours=(0, 1440))


def test_a_household_moves_its_people_and_gives_them_hours(registry: Registry) -> None:
    registry.add_organisation("xa", "Hộ xa")
    registry.add_contact("hoa", "lan", URL, place=0)
    registry.add_contact("hoa", "lan", "to-sms://84901234567", place=4)
    registry.add_contact("hoa", "tam", URL, place=1)
    registry.add_contact("xa", "tam", URL, place=7)
    registry.place_contacts("hoa", {"tam": 0, "lan": 1, "nobody": 2})
    registry.set_contact_hours("hoa", "lan", (1080, 360))
    assert {(one.organisation, one.person, one.place, one.hours) for one in
            registry.contacts()} == {
        ("hoa", "lan", 1, (1080, 360)), ("hoa", "tam", 0, None), ("xa", "tam", 7, None),
    }  # fmt: skip
    registry.set_contact_hours("hoa", "lan", None)
    assert {one.hours for one in registry.contacts()} == {None}
    with pytest.raises(InputError, match="minutes of the day"):
        registry.set_contact_hours("hoa", "lan", (0, 1440))


def test_what_waits_for_an_address_that_ends_goes_nowhere(registry: Registry) -> None:
    """By its owner, by his no to messages, or with the last thing that he is there."""
    raise_one(registry)
    for end in ("drop", "consent", "member"):
        registry.add_member("lan", "hoa", Role.FARMER)
        registry.add_contact("hoa", "lan", URL)
        pending = [a_message(f"{end}-{n}", NOW + n) for n in range(2)]
        registry.save_pass(Pass(saved_ms=NOW, states={}, notifications=pending))
        assert registry.messages_waiting("a1")[-1].id == f"{end}-1"
        registry.notification_sent(pending[0], NOW)
        if end == "drop":
            registry.drop_contact("hoa", "lan", URL)
        elif end == "consent":
            registry.say_consent("lan", Purpose.MESSAGES, is_given=False, at_ms=NOW)
        else:
            registry.add_member("lan", "hoa", Role.TECHNICIAN)
            registry.drop_member("lan", "hoa", Role.TECHNICIAN)
            assert registry.contacts(), "a farmer still"
            registry.drop_member("lan", "hoa", Role.FARMER)
        assert registry.contacts() == []
        assert registry.messages_waiting("a1") == [], end


def test_what_waits_for_a_browser_goes_where_its_service_moved_it(
    registry: Registry,
) -> None:
    old, new = "to-push://a#phone.", "to-push://b#phone."
    registry.add_contact("hoa", "lan", old, place=2, hours=(60, 120))
    sent, waiting = (
        replace(a_message(name), url=old) for name in ("m-sent", "m-waiting")
    )
    raise_one(registry)
    pending = [sent, waiting]
    registry.save_pass(Pass(saved_ms=NOW, states={}, notifications=pending))
    registry.notification_sent(sent, NOW)
    (known,) = (one for one in registry.contacts() if one.url == old)
    for _ in range(2):  # the second time there is none of it any more
        registry.renew_contact(known, new)
    (found,) = (one for one in registry.contacts() if one.person == "lan")
    assert found == Contact("hoa", "lan", new, 2, (60, 120))
    due = registry.due_notifications(NOW + 10 * 3_600_000)
    moved = {one.id: one.url for one in due}
    assert (moved.get("m-waiting"), "m-sent" in moved) == (new, False)
    assert old not in moved.values()


def test_the_next_does_not_wait_for_one_who_cannot_be_told(registry: Registry) -> None:
    def due() -> dict[str, int]:
        return {one.id: one.due_ms - NOW for one in registry.messages_waiting("a1")}

    first = a_message("m-a1")
    raise_one(registry)
    later = [a_message("m2", NOW + 600), a_message("m3", NOW + 1200)]
    registry.save_pass(Pass(saved_ms=NOW, states={}, notifications=later))
    registry.notification_failed(first, "x", next_ms=NOW + 10, at_ms=NOW)
    registry.hasten_notifications(first, NOW, most_ms=599)
    assert due() == {"m-a1": 10, "m2": 600, "m3": 1200}, "his hours begin later"
    registry.hasten_notifications(first, NOW, most_ms=600)
    assert due() == {"m-a1": 10, "m2": 0, "m3": 600}
    registry.hasten_notifications(first, NOW, most_ms=600)
    assert due()["m3"] == 600, "one is told now: the next waits for him"
    registry.notification_sent(later[0], NOW)
    registry.hasten_notifications(first, NOW, most_ms=600)
    assert due() == {"m-a1": 10, "m3": 600}, "he was told: the next waits for him"


def test_of_two_senders_one_sends_and_one_that_is_killed_lets_go(
    registry: Registry,
) -> None:
    raise_one(registry)
    copy = BulletinCopy(
        id="hoa/recall/1", organisation="hoa", person="lan", url=URL, head="h", text="t",
        due_ms=NOW,
    )  # fmt: skip
    registry.save_bulletins([], [copy])
    clock, sent = ManualClock(instant(NOW)), list[str]()

    def also(_url: str, head: str, _text: str) -> bool:
        sent.append(head)
        return True

    other = Notifier(registry, clock, "http://x", send=also)

    def killed(_url: str, _head: str, _text: str) -> bool:
        """The other finds what this one does not have in hand, and nothing else."""
        other.send_due()
        raise SystemExit

    with pytest.raises(SystemExit):
        Notifier(registry, clock, "http://x", send=killed).send_due()
    assert sent == ["h"], "what the first has not taken yet"
    clock.advance(timedelta(milliseconds=CLAIM_MS - 1))
    assert other.send_due() == 0
    clock.advance(timedelta(milliseconds=1))
    assert other.send_due() == 1
    clock.advance(timedelta(milliseconds=CLAIM_MS))
    assert other.send_due() == 0
    assert len(sent) == 2


def test_a_claim_of_a_clock_far_ahead_keeps_nobody(registry: Registry) -> None:
    raise_one(registry)
    assert not registry.take_notification("m-a1", NOW - 1), "not due yet"
    assert registry.take_notification("m-a1", NOW + HOUR)
    assert registry.take_notification("m-a1", NOW)
    assert not registry.take_notification("m-a1", NOW + 1)
    assert not registry.take_notification("none", NOW)


def test_what_somebody_takes_care_of_meanwhile_is_not_sent(registry: Registry) -> None:
    raise_one(registry)
    second = replace(a_message("m2"), url="json://127.0.0.1:9/other")
    registry.save_pass(Pass(saved_ms=NOW, states={}, notifications=[second]))

    def send(_url: str, _head: str, _text: str) -> bool:
        registry.save_pass(Pass(saved_ms=NOW, states={}, told=["a1"]))
        return True

    assert (
        Notifier(registry, ManualClock(instant(NOW)), "http://x", send=send).send_due()
        == 1
    )


def test_who_has_no_channel_is_passed_over_at_once(registry: Registry) -> None:
    """The first one's gateway is not set: the next is told now, and the history has both."""
    texted = replace(a_message("m0"), url="to-sms://84901234567")
    after = replace(a_message("m1", NOW + 600), person="tam")
    alarm, sent = an_alarm(), list[tuple[str, str]]()
    registry.save_pass(
        Pass(saved_ms=NOW, states={}, alarms=[alarm], notifications=[texted, after])
    )

    def send(url: str, head: str, text: str) -> bool:
        sent.append((url, text))
        return True

    clock = ManualClock(instant(NOW))
    assert Notifier(registry, clock, "http://x", send=send).send_due() == 0
    assert Notifier(registry, clock, "http://x", send=send).send_due() == 1
    assert sent[0][0] == URL
    assert [(one.kind, one.person) for one in registry.alarm_steps("a1")] == [
        ("not_notified", "lan"), ("notified", "tam"),
    ]  # fmt: skip
    clock.advance(timedelta(minutes=1))
    ways = Ways(sms="json://127.0.0.1:9/sms?:to={to}")
    assert Notifier(registry, clock, "http://x", ways=ways, send=send).send_due() == 1
    assert sent[1][0] == "json://127.0.0.1:9/sms?:to=84901234567"
    assert sent[1][1].startswith("MO PHONG. ")
    assert sent[1][1].isascii()


def test_a_browser_is_told_in_its_language_and_one_that_is_gone_is_told_no_more(
    registry: Registry,
) -> None:
    """The message is a link itself; the next is told at once, and nobody tries again."""
    asked = Subscription(
        endpoint="https://web.push.apple.com/x", key=KEY, secret="A" * 22, lang="en"
    )
    url = own_subscription(asked)
    registry.add_contact("hoa", "lan", url)
    raise_one(registry)
    registry.notification_sent(a_message("m-a1"), NOW)
    pushed = [replace(a_message(one), url=url, step=one) for one in ("p0", "p1")]
    after = replace(a_message("p2", NOW + 600), person="tam", step="p1")
    registry.save_pass(Pass(saved_ms=NOW, states={}, notifications=[*pushed, after]))
    told, outcomes = list[Pushed](), [Outcome.SENT, Outcome.GONE]

    def push(one: Subscription, message: Pushed) -> Outcome:
        assert one == asked
        told.append(message)
        return outcomes.pop(0)

    clock = ManualClock(instant(NOW))
    notifier = Notifier(registry, clock, "http://x", push=push)
    assert notifier.send_due() == 1
    first = told[0]
    assert first.path.startswith("/a/")
    assert "http://x" not in first.text
    assert first.text.startswith("SIMULATED DATA. ")
    assert (first.tag, first.critical, first.urgent) == ("a1", True, True)
    assert url not in {one.url for one in registry.contacts()}
    steps = [(one.kind, one.person) for one in registry.alarm_steps("a1")]
    assert steps[-2:] == [("notified", "lan"), ("given_up", "lan")]
    (waiting,) = registry.messages_waiting("a1")
    assert (waiting.person, waiting.due_ms) == ("tam", NOW)


def test_what_is_put_off_is_seen_at_once_and_taken_over_as_an_act(
    registry: Registry,
) -> None:
    raise_one(registry, an_alarm(severity="warn"))
    until_ms = NOW + 8 * HOUR
    for at_ms in (NOW + 60, NOW + 61):
        registry.shelve_alarm(
            "a1", person="lan", via="page", at_ms=at_ms, until_ms=until_ms
        )

    seen = registry.get_alarm("a1")
    assert (seen.shelved_until_ms, seen.shelved_by) == (until_ms, "lan")
    assert seen.is_quiet
    acts = registry.open_acts()
    assert [(act.kind, act.detail) for act in acts] == [
        ("shelve", {"until_ms": until_ms})
    ] * 2
    assert kinds(registry) == ["raised", "shelved", "shelved"]
    assert registry.acknowledge_alarm("a1", person="tam", via="page", at_ms=NOW + 62)

    registry.unshelve_alarm("a1", person="tam", via="page", at_ms=NOW + 70)
    assert registry.get_alarm("a1").shelved_until_ms is None


def test_a_critical_alarm_is_put_off_for_half_an_hour_at_most(
    registry: Registry,
) -> None:
    raise_one(registry)
    raise_one(registry, an_alarm("a2", severity="warn"))

    def put_off(alarm: str, until_ms: int) -> None:
        registry.shelve_alarm(
            alarm, person="lan", via="page", at_ms=NOW, until_ms=until_ms
        )

    put_off("a1", NOW + HOUR // 2)
    put_off("a2", NOW + 12 * HOUR)
    for alarm, until_ms in (
        ("a1", NOW + HOUR // 2 + 1),
        ("a2", NOW + 12 * HOUR + 1),
        ("a2", NOW),
    ):
        with pytest.raises(InputError, match="at most"):
            put_off(alarm, until_ms)
    raise_one(registry, an_alarm("a3", state=AlarmState.CLEARED, cleared_ms=NOW))
    with pytest.raises(InputError, match="is over"):
        put_off("a3", NOW + 60)
    with pytest.raises(MissingError):
        put_off("a9", NOW + 60)


def test_all_of_an_alarm_comes_back(registry: Registry) -> None:
    alarm = raise_one(
        registry,
        an_alarm(
            repeats=3,
            shelved_until_ms=NOW + 9,
            shelved_by="lan",
            hidden="suppressed",
            hidden_by="a0",
            hidden_until_ms=NOW + 8,
        ),
    )
    assert registry.get_alarm("a1") == alarm


def test_alarms_that_were_cleared_lately_are_told_in_order(registry: Registry) -> None:
    for number in (3, 1, 2):
        raise_one(
            registry,
            an_alarm(f"a{number}", state=AlarmState.CLEARED, cleared_ms=NOW + number),
        )
    found = registry.alarms_cleared_since(NOW + 2)
    assert [one.id for one in found] == ["a2", "a3"]


def test_out_of_service_has_an_end_a_person_and_a_reason(registry: Registry) -> None:
    known: dict[str, Any] = {
        "person": "lan", "reason": " thay đầu đo ", "from_ms": NOW,
    }  # fmt: skip
    registry.take_out_of_service(unit="hoa-ao-1", until_ms=NOW + HOUR, **known)
    registry.take_out_of_service(
        device="hoa-box", probe="top", until_ms=NOW + 2 * HOUR, **known
    )
    unit, probe = registry.out_of_service(NOW)
    assert (unit.reason, unit.person, unit.until_ms) == (
        "thay đầu đo",
        "lan",
        NOW + HOUR,
    )
    assert unit.holds(NOW, "hoa-ao-1", "any", "any")
    assert not unit.holds(NOW + HOUR, "hoa-ao-1", "any", "any")
    assert probe.holds(NOW, "any", "hoa-box", "top")
    assert not probe.holds(NOW, "any", "hoa-box", "bottom")

    registry.end_out_of_service(unit.number, person="tam", at_ms=NOW + 60)
    registry.end_out_of_service(unit.number, person="tam", at_ms=NOW + 90)
    assert [one.until_ms for one in registry.out_of_service(NOW)] == [
        NOW + 60, NOW + 2 * HOUR,
    ]  # fmt: skip
    assert [one.number for one in registry.out_of_service(NOW + 61)] == [probe.number]


def test_out_of_service_without_end_reason_or_thing_is_refused(
    registry: Registry,
) -> None:
    def out(**facts: object) -> None:
        known = {
            "unit": "hoa-ao-1", "person": "lan", "reason": "x", "from_ms": NOW,
            "until_ms": NOW + HOUR,
        }  # fmt: skip
        registry.take_out_of_service(**{**known, **facts})  # type: ignore[arg-type]

    for facts, said in (
        ({"reason": " "}, "say why"),
        ({"until_ms": NOW}, "must end"),
        ({"until_ms": NOW + 31 * 24 * HOUR}, "must end"),
        ({"unit": None}, "one of the two"),
        ({"device": "hoa-box"}, "one of the two"),
    ):
        with pytest.raises(InputError, match=said):
            out(**facts)
    for facts in ({"unit": "nowhere"}, {"person": "nobody"}):
        with pytest.raises(MissingError):
            out(**facts)
    with pytest.raises(MissingError):
        registry.end_out_of_service(99, person="lan", at_ms=NOW)


def test_another_organisations_service_is_not_seen(registry: Registry) -> None:
    a_box(registry, "ba")
    registry.take_out_of_service(
        unit="ba-ao-1", person="lan", reason="x", from_ms=NOW, until_ms=NOW + HOUR
    )
    assert len(registry.out_of_service(NOW)) == 1
    assert registry.visible_to("lan").out_of_service(NOW) == []


def test_messages_wait_until_due_and_go_out_once(registry: Registry) -> None:
    raise_one(registry)
    late = a_message("m2", NOW + 600)
    registry.save_pass(Pass(saved_ms=NOW, states={}, notifications=[late]))

    assert [one.id for one in registry.due_notifications(NOW)] == ["m-a1"]
    registry.notification_sent(a_message("m-a1"), NOW + 1)
    registry.notification_sent(a_message("m-a1"), NOW + 2)

    assert registry.due_notifications(NOW + 599) == []
    assert [one.id for one in registry.due_notifications(NOW + 600)] == ["m2"]
    assert kinds(registry) == ["raised", "notified"]


def test_a_message_that_fails_is_tried_again_later_and_given_up(
    registry: Registry,
) -> None:
    raise_one(registry)
    message = a_message("m-a1")

    registry.notification_failed(message, "refused", next_ms=NOW + 10, at_ms=NOW)

    assert registry.due_notifications(NOW + 9) == []
    (again,) = registry.due_notifications(NOW + 10)
    assert again.attempts == 1
    assert registry.undelivered(NOW - HOUR) == [("m-a1", "refused")]
    assert registry.undelivered(NOW + HOUR) == []
    registry.notification_failed(message, "refused", next_ms=NOW + 20, at_ms=NOW + 10)
    assert kinds(registry) == ["raised", "not_notified"], "the first time is told"
    registry.notification_failed(message, "x" * 999, next_ms=None, at_ms=NOW)
    assert registry.due_notifications(NOW + HOUR) == []
    assert len(registry.undelivered(NOW - HOUR)[0][1]) == 300
    assert kinds(registry) == ["raised", "not_notified", "given_up"]


def test_what_was_not_sent_yet_is_dropped_when_somebody_takes_care(
    registry: Registry,
) -> None:
    raise_one(registry)
    raise_one(registry, an_alarm("a2"))

    registry.save_pass(Pass(saved_ms=NOW + 1, states={}, told=["a1"]))

    assert [one.id for one in registry.due_notifications(NOW + 1)] == ["m-a2"]
