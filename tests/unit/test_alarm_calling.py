"""Who is told, by person and by hour, until somebody acknowledges; addresses that work."""

import smtplib
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from analytics.alarms.addresses import check_address, is_plain, parse_hours
from analytics.alarms.calling import (
    ESCALATE_MS,
    ROUND_MS,
    ROUNDS,
    SLOW_MS,
    messages_of,
    moved,
    order_of,
    unwatched,
)
from analytics.alarms.messages import body, title
from analytics.alarms.notifying import send_by_apprise
from analytics.alarms.texting import text_message
from greenwater.kernel.errors import InputError
from greenwater.storage.registry.alarms import Alarm, AlarmState
from greenwater.storage.registry.contacts import Contact
from greenwater.storage.registry.watching import Notification
from tests.stories.receiver import receiving
from tests.unit.ponds import HOUR, MINUTE, T0

pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated")
"""Apprise loads every sender at its first use, one of them with an old module."""

NIGHT = T0 + 4 * MINUTE - 40_000  # 03:30 in Khánh Hòa
DAY, DUTY = (6 * 60, 18 * 60), (18 * 60, 6 * 60)
LAN = Contact("hoa", "lan", "json://a/", 0, DAY)
TAM = Contact("hoa", "tam", "json://b/", 1, DUTY)
MINH = Contact("hoa", "minh", "json://c/", 2)
OTHERS = Contact("binh", "x", "json://d/", 0)


def an_alarm(severity: str = "critical", **facts: Any) -> Alarm:
    alarm = Alarm(
        id="a", organisation="hoa", condition="c", kind="limit", severity=severity,
        state=AlarmState.RAISED, began_ms=NIGHT, raised_ms=NIGHT, taken_ms=NIGHT,
        channel="dissolved_oxygen", side="low", value=2.8, worst=2.8, limit=3.0,
        trend_per_h=-0.8, unit="ao-3",
        detail={"basis": "practice", "source": "Boyd", "verified": False},
    )  # fmt: skip
    return replace(alarm, **facts)


def told(alarm: Alarm, at_ms: int, *contacts: Contact) -> list[tuple[str, int]]:
    """Return who is told how many minutes later."""
    found = messages_of(
        [(alarm, "raised", at_ms)], contacts or (LAN, TAM, MINH, OTHERS)
    )
    assert len({one.id for one in found}) == len(found), "an id for each message"
    return [(one.person, (one.due_ms - at_ms) // MINUTE) for one in found]


def test_at_night_those_on_duty_come_first_and_for_a_crash_everybody_after_them() -> (
    None
):
    first = told(an_alarm(), NIGHT)[:3]
    assert first == [("tam", 0), ("minh", 10), ("lan", 20)]


def test_a_crash_is_told_all_over_again_while_nobody_acknowledges() -> None:
    found = told(an_alarm(), NIGHT)
    rounds = [at for person, at in found if person == "minh"]
    assert rounds[ROUNDS] - rounds[ROUNDS - 1] == SLOW_MS // MINUTE, "more seldom then"
    assert rounds[-1] >= 70 * 60, "for days, where nobody takes it over"
    assert len(found) == 3 * len(rounds)
    assert found[3:6] == [("tam", 30), ("minh", 40), ("lan", 50)]
    alone = told(an_alarm(), NIGHT, MINH)
    assert [at for _, at in alone[:3]] == [
        0,
        ROUND_MS // MINUTE,
        2 * ROUND_MS // MINUTE,
    ]


def test_rounds_follow_the_hours_of_duty() -> None:
    dawn = NIGHT + 150 * MINUTE - 20 * MINUTE  # 05:40
    assert told(an_alarm(), dawn)[3:6] == [("lan", 30), ("minh", 40), ("tam", 50)]


def test_a_warning_wakes_nobody_who_is_off_duty() -> None:
    assert told(an_alarm("warn"), NIGHT) == [("tam", 0), ("minh", 10)]
    assert told(an_alarm("warn"), NIGHT, LAN) == [("lan", 150)]
    assert told(an_alarm("warn"), NIGHT + 8 * HOUR) == [("lan", 0), ("minh", 10)]


def test_who_takes_care_and_who_is_elsewhere_is_told_nothing() -> None:
    assert told(an_alarm(acknowledged_ms=NIGHT), NIGHT) == []
    assert told(an_alarm(), NIGHT, OTHERS) == []
    assert ESCALATE_MS == 10 * MINUTE


def test_two_at_one_place_are_told_together_and_the_next_waits_once() -> None:
    both = replace(TAM, person="ut", url="json://e/")
    assert told(an_alarm("warn"), NIGHT, TAM, both, MINH) == [
        ("tam", 0), ("ut", 0), ("minh", 10),
    ]  # fmt: skip


def test_whoever_is_there_at_all_is_told_of_a_crash_at_once() -> None:
    """Everybody is off duty, or asleep: better woken than too late."""
    off = (LAN, replace(MINH, hours=DAY))
    assert told(an_alarm(), NIGHT, *off)[:2] == [("lan", 0), ("minh", 10)]
    assert told(an_alarm("warn"), NIGHT, *off) == [("lan", 150), ("minh", 150)]


@given(
    places=st.lists(st.integers(0, 3), min_size=1, max_size=6),
    who=st.integers(0, 5),
    by=st.sampled_from([-1, 1]),
)
def test_one_step_moves_one_person_past_the_next_and_nobody_else(
    places: list[int], who: int, by: int
) -> None:
    ours = [Contact("hoa", f"p{n}", "json://a/", at) for n, at in enumerate(places)]
    person = f"p{who % len(ours)}"
    after = moved(ours, person, by)
    now = [replace(one, place=after[one.person]) for one in ours]
    rest = [[one for one in some if one != person] for some in order_of(ours)]
    kept = [[one for one in some if one != person] for some in order_of(now)]
    assert [one for one in kept if one] == [one for one in rest if one]
    assert [person] in order_of(now), "he has a place of his own"
    assert sorted(set(after.values())) == list(range(len(order_of(now))))
    back = moved(now, person, -by)
    edge = 0 if by < 0 else len(order_of(ours)) - 1
    if [person] in order_of(ours) and order_of(ours).index([person]) != edge:
        assert order_of([replace(one, place=back[one.person]) for one in now]) == (
            order_of(ours)
        )


def test_a_step_of_somebody_unknown_or_to_nowhere_moves_nobody() -> None:
    ours = (LAN, TAM, MINH)
    still = {"lan": 0, "tam": 1, "minh": 2}
    for person, by in (("x", 1), ("lan", -1), ("minh", 1), ("tam", 0)):
        assert moved(ours, person, by) == still
    both = (replace(LAN, place=1), TAM, replace(MINH, place=1))
    for by, places in ((-1, (0, 1)), (1, (1, 0))):
        after = moved(both, "tam", by)
        assert (after["tam"], after["lan"]) == places
        assert after["lan"] == after["minh"], "they are told together still"
    twice = (replace(TAM, place=0, url="json://f/"), *ours)
    assert order_of(twice) == [["tam", "lan"], ["minh"]]


def test_hours_in_which_nobody_is_on_duty_are_told() -> None:
    assert unwatched((LAN, TAM)) == []
    assert unwatched((LAN, MINH)) == [], "he is there always"
    assert unwatched(()) == []
    assert unwatched((LAN,)) == [(18 * 60, 6 * 60)]
    evening = replace(TAM, hours=(20 * 60, 23 * 60))
    assert unwatched((LAN, evening)) == [(18 * 60, 20 * 60), (23 * 60, 6 * 60)]


def test_the_same_step_makes_the_same_messages() -> None:
    calls = [(an_alarm(), "raised", NIGHT)]
    once, again = (messages_of(calls, (LAN, TAM)) for _ in range(2))
    assert once == again


@pytest.mark.parametrize(
    "url",
    [
        "tgram://123456789:abcdefg_hijklmnop/12315544",
        "zalo://1234567890:abcdefghijk/0123456789abcdef",
        "vapid://farm@example.vn/phone@example.vn",
        "mailtos://user:secret@smtp.example.vn?to=lan@example.vn",
        "jsons://gateway.example.vn/alarm",
        "jsons://gateway.example.vn/sms?plain=yes&+X-Token=abc",
        "httpsms://key@84901234567/84901234568",
        "smseagle://token@192.168.1.5/0901234567",
        "ntfys://ntfy.sh/ao-3",
    ],
)
def test_the_addresses_of_the_documentation_are_taken(url: str) -> None:
    check_address(url)


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("0901234567", "no address to send to"),
        ("foo://x", "unknown to apprise"),
        ("tgram://x", "a part is missing"),
        ("mailto://", "a part is missing"),
    ],
)
def test_what_nothing_can_be_sent_to_is_refused(url: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        check_address(url)


def test_hours_are_read_or_refused() -> None:
    assert parse_hours("18:00-06:30") == (1080, 390)
    assert parse_hours("") is None
    for text in ("18-6", "24:00-06:00", "07:00-07:00", "18:00"):
        with pytest.raises(InputError, match=r"hours|same"):
            parse_hours(text)


def test_text_messages_are_plain_and_short() -> None:
    assert is_plain("httpsms://key@84901234567/84901234568")
    assert is_plain("jsons://g.vn/sms?plain=yes&+X-Token=abc")
    assert not is_plain("jsons://g.vn/sms")
    text = text_message(
        an_alarm(), "Ao 3", "pond", "https://g.vn/a/0123456789abcdef012345"
    )
    assert text.isascii()
    assert len(text) <= 160
    assert text.startswith(
        "AO 3 NGUY CAP 03:30. Oxy 2,8 mg/L, dang giam. Bat them quat"
    )


@pytest.mark.parametrize(
    "facts",
    [
        {"kind": "silence"},
        {"kind": "site_silence", "detail": {"devices": ["a", "b"], "place": "Ao 3"}},
        {"kind": "mains", "detail": {"place": "Trại Vạn Hưng"}},
        {"kind": "aerator", "probe": "ao-3-quat-2"},
        {"kind": "forecast", "detail": {"for_ms": NIGHT + HOUR, "low": 1.2}},
        {"kind": "battery", "channel": "battery", "value": 11.6},
        {"detail": {"against": 6.0}},
    ],
    ids=lambda facts: str(facts.get("kind", "against")),
)
def test_a_text_message_of_every_kind_fits_into_one(facts: dict[str, Any]) -> None:
    alarm = an_alarm(**facts)
    text = text_message(alarm, "", "pond", "https://g.vn/a/0123456789abcdef012345")
    assert text.isascii()
    assert len(text) <= 160, (len(text), text)


def test_a_message_says_what_it_rests_on_and_ends_with_its_link() -> None:
    for lang, words in (
        ("vi", "Ngưỡng 3,0 mg/L: kinh nghiệm nuôi, chưa đối chiếu văn bản"),
        ("en", "Limit 3.0 mg/L: our practice, not verified"),
    ):
        told = body(an_alarm(), "Ao 3", "pond", "https://x/a/t", lang)
        assert words in told
        assert told.split()[-1] == "https://x/a/t"
    assert title(an_alarm(), "Ao 3", "vi") == "Nguy cấp 03:30 – Ao 3"


def test_a_webhook_gets_the_message() -> None:
    with receiving() as receiver:
        check_address(receiver.url)
        assert send_by_apprise(receiver.url, "Nguy cấp", "Ao 3: oxy 2,8 mg/L")
    (message,) = receiver.messages
    assert message["title"] == "Nguy cấp"
    assert "Ao 3: oxy 2,8 mg/L" in message["message"]


@contextmanager
def post_office() -> Iterator[tuple[int, list[bytes]]]:
    """A mail server that takes one letter after another."""
    letters: list[bytes] = []

    class Talk(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            self.wfile.write(b"220 here\r\n")
            while line := self.rfile.readline():
                word = line.strip().upper()
                if word == b"DATA":
                    self.wfile.write(b"354 go on\r\n")
                    letter = []
                    while (line := self.rfile.readline()) not in (b".\r\n", b""):
                        letter.append(line)
                    letters.append(b"".join(letter))
                self.wfile.write(b"221 bye\r\n" if word == b"QUIT" else b"250 ok\r\n")

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Talk) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield server.server_address[1], letters
        finally:
            server.shutdown()
            thread.join()


def test_a_letter_arrives() -> None:
    assert smtplib.SMTP_PORT == 25
    with post_office() as (port, letters):
        url = f"mailto://127.0.0.1:{port}?from=gw@example.vn&to=lan@example.vn"
        check_address(url)
        assert send_by_apprise(url, "Nguy cấp 03:30 – Ao 3", "oxy 2,8")
    assert len(letters) == 1
    assert b"lan@example.vn" in letters[0]


def test_what_cannot_be_sent_is_not_taken_for_sent() -> None:
    assert not send_by_apprise("json://127.0.0.1:9/nobody", "x", "y")
    assert not send_by_apprise("foo://x", "x", "y")


def test_a_notification_names_its_address_only_by_a_hash() -> None:
    (first, *_) = messages_of([(an_alarm(), "raised", NIGHT)], (MINH,))
    assert isinstance(first, Notification)
    assert "json" not in first.id
