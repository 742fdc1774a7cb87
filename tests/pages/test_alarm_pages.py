"""An alarm on the page: put off, out of service, hidden, in words and with buttons."""

import contextlib
import re
import socket
from collections.abc import Iterator
from itertools import takewhile
from pathlib import Path
from typing import BinaryIO

import msgspec
import pytest
from fastapi.testclient import TestClient

from greenwater.kernel.channels import Channel
from greenwater.kernel.clock import ManualClock
from greenwater.kernel.ids import DeviceId, ProbeId
from greenwater.kernel.reading import Reading, milliseconds
from greenwater.storage.registry.alarms import Alarm, AlarmState, AlarmStep
from greenwater.storage.registry.watching import Pass
from tests.pages.farms import Farms, csrf, enter
from tests.pages.reading_pages import parse_page
from tests.pages.serving import served
from tests.pages.world import HOUR_MS, NOW, NOW_MS, open_empty
from web.api.streams import MOST_A_SESSION
from web.app import create_app
from web.farm.alarms import morning_after
from web.views import facts as snapshot
from web.views.alarms import step_views
from web.words import Lang


@pytest.fixture(scope="module")
def farms(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Farms]:
    folder: Path = tmp_path_factory.mktemp("alarm-pages")
    with open_empty(folder) as world:
        yield Farms(world, folder)


@pytest.fixture
def visitor(farms: Farms) -> Iterator[TestClient]:
    app = create_app(farms.services)
    with TestClient(
        app, base_url="https://nuocxanh.example", follow_redirects=False
    ) as client:
        yield enter(client, "hoa")


def an_alarm(farms: Farms, name: str, **facts: object) -> str:
    known = {
        "id": name, "organisation": "hoa", "condition": f"test/{name}", "kind": "limit",
        "severity": "warn", "state": AlarmState.RAISED, "began_ms": NOW_MS - HOUR_MS,
        "raised_ms": NOW_MS - HOUR_MS // 2, "site": "hoa-trai", "unit": "hoa-ao",
        "device": "hoa-hop", "probe": "hoa-tren", "channel": "dissolved_oxygen",
        "side": "low", "value": 3.4, "worst": 3.1, "limit": 4.0,
        "taken_ms": NOW_MS - 60_000,
        "detail": {"basis": "practice", "source": "Boyd", "verified": False},
    }  # fmt: skip
    alarm = Alarm(**{**known, **facts})  # type: ignore[arg-type]
    farms.registry.save_pass(Pass(saved_ms=NOW_MS, states={}, alarms=[alarm]))
    return name


def text_of(visitor: TestClient, path: str, lang: str = "vi") -> str:
    answer = visitor.get(f"{path}?lang={lang}")
    assert answer.status_code == 200
    return parse_page(answer.text).one("main").text


def test_an_alarm_is_put_off_with_a_button_and_says_until_when_and_by_whom(
    farms: Farms, visitor: TestClient
) -> None:
    alarm = an_alarm(farms, "put-off")
    page = parse_page(visitor.get(f"/alarms/{alarm}").text)
    values = [one.attrs.get("value") for one in page.all("button")]
    assert {"half_hour", "morning"} <= set(values)

    answer = visitor.post(
        f"/alarms/{alarm}/shelve", data={"csrf": csrf(visitor), "until": "half_hour"}
    )
    assert answer.status_code == 303
    assert "Tạm hoãn nhắc đến" in text_of(visitor, f"/alarms/{alarm}")
    assert "(Chủ hoa)" in text_of(visitor, f"/alarms/{alarm}")
    assert "Put off until" in text_of(visitor, f"/alarms/{alarm}", "en")
    assert "Chủ hoa tạm hoãn nhắc đến" in text_of(visitor, f"/alarms/{alarm}")

    visitor.post(f"/alarms/{alarm}/unshelve", data={"csrf": csrf(visitor)})
    assert farms.registry.get_alarm(alarm).shelved_until_ms is None
    assert "Hết tạm hoãn" in text_of(visitor, f"/alarms/{alarm}")


def test_an_alarm_is_taken_where_it_is_seen_first(
    farms: Farms, visitor: TestClient
) -> None:
    """On the first page, the unit's and the list; once, and by who may."""
    alarm = an_alarm(farms, "first")
    places = ("/", "/units/hoa-ao", "/alarms")

    def takes(place: str) -> list[str]:
        card = parse_page(visitor.get(place).text).one("article", data_alarm=alarm)
        return [one.attrs["action"] for one in card.all("form")]

    assert {one: takes(one) for one in places} == {
        one: [f"/alarms/{alarm}/acknowledge"] for one in places
    }
    enter(visitor, "minh")
    assert takes("/alarms") == [], "who looks only"
    enter(visitor, "hoa")
    visitor.post(f"/alarms/{alarm}/acknowledge", data={"csrf": csrf(visitor)})
    assert [takes(one) for one in places] == [[], [], []]
    assert "Bật quạt, xem" in text_of(visitor, "/"), "the next thing"
    salt = an_alarm(
        farms,
        "salt",
        channel="salinity",
        state=AlarmState.ACKNOWLEDGED,
        acknowledged_ms=NOW_MS,
    )
    card = parse_page(visitor.get("/").text).one("article", data_alarm=salt)
    assert "Bật quạt" not in card.text, "fans bring no salt"


def test_a_critical_alarm_cannot_be_put_off_until_morning(
    farms: Farms, visitor: TestClient
) -> None:
    alarm = an_alarm(farms, "grave", severity="critical")
    page = parse_page(visitor.get(f"/alarms/{alarm}").text)
    assert "morning" not in [one.attrs.get("value") for one in page.all("button")]
    answer = visitor.post(
        f"/alarms/{alarm}/shelve", data={"csrf": csrf(visitor), "until": "morning"}
    )
    assert answer.status_code == 422
    assert farms.registry.get_alarm(alarm).shelved_until_ms is None


def test_until_morning_is_six_and_never_longer_than_the_rules_allow() -> None:
    clock = ManualClock(NOW)
    hour = milliseconds(clock.now())
    for step in range(48):
        now_ms = hour + step * HOUR_MS // 2
        assert now_ms < morning_after(now_ms) <= now_ms + 12 * HOUR_MS


def test_a_unit_is_taken_out_of_service_with_an_end_and_a_reason_and_put_back(
    farms: Farms, visitor: TestClient
) -> None:
    path = "/units/hoa-ao/service"
    form = {"csrf": csrf(visitor), "hours": "4", "reason": "thay đầu đo oxy"}
    assert visitor.post(path, data=form).status_code == 303
    assert visitor.post(path, data={**form, "what": "hoa-hop/hoa-tren"}).is_redirect
    told = text_of(visitor, path)
    assert "thay đầu đo oxy" in told
    assert "(Chủ hoa)" in told
    assert "Đầu đo hoa-tren" in told
    assert len(farms.registry.out_of_service(NOW_MS)) == 2

    chosen = {**form, "what": "hoa-hop/hoa-tren"}
    assert visitor.post(path, data={**chosen, "hours": "5"}).status_code == 422
    again = visitor.post(path, data={**chosen, "reason": "  "})
    assert again.status_code == 422
    assert "Ghi rõ lý do" in again.text
    assert 'value="hoa-hop/hoa-tren" selected' in again.text, "what was chosen stays"
    strange = {**form, "what": "binh-hop/binh-tren"}
    assert visitor.post(path, data=strange).status_code == 404

    assert visitor.post(f"{path}/end", data=form).is_redirect
    assert "thay đầu đo oxy" not in text_of(visitor, path)


@pytest.mark.parametrize(
    ("facts", "vi", "en"),
    [
        ({"hidden": "suppressed", "hidden_by": "x"},
         "Không nhắc riêng: nguyên do đã có ở cảnh báo khác",
         "another alarm here explains it"),
        ({"hidden": "out_of_service", "hidden_by": "hoa",
          "hidden_until_ms": NOW_MS + HOUR_MS}, "Ngừng theo dõi để bảo trì đến",
         "Out of service until"),
        ({"repeats": 3}, "Lại xảy ra 3 lần", "Came again 3 times"),
        ({}, "Ngưỡng 4,0 mg/L: kinh nghiệm nuôi (Boyd), chưa đối chiếu văn bản",
         "Limit 4.0 mg/L: our practice (Boyd), not verified"),
        ({"detail": {"basis": "law", "source": "QCVN 02-19; note: ours", "verified": False}},
         "theo quy chuẩn (QCVN 02-19), chưa đối chiếu", "(QCVN 02-19), not verified"),
        ({"detail": {"basis": "practice", "source": "note: husbandry practice"}},
         "Ngưỡng 4,0 mg/L: kinh nghiệm nuôi, chưa đối chiếu", "our practice, not verified"),
        ({"channel": "transparency", "side": "high", "limit": 60.0, "value": 71.0},
         "Hôm qua còn xanh, hôm nay trong, có bọt lâu tan: tảo vừa tàn",
         "clear today, with foam that stays"),
        ({"kind": "mains", "unit": None, "detail": {"place": "Trại hoa"}},
         "Trại hoa: mất điện từ", "Trại hoa: no mains since"),
        ({"kind": "forecast", "detail": {"for_ms": NOW_MS, "low": 1.2}},
         "oxy còn 3,4 mg/L, có thể xuống 1,2 mg/L", "perhaps 1.2 mg/L"),
        ({"kind": "site_silence", "unit": None,
          "detail": {"place": "Trại hoa", "devices": ["a", "b"]}},
         "không nhận được số đo từ", "2 boxes"),
    ],
)  # fmt: skip
def test_each_state_and_kind_is_said_in_both_languages(
    farms: Farms, visitor: TestClient, facts: dict[str, object], vi: str, en: str
) -> None:
    alarm = an_alarm(farms, f"k{abs(hash(vi)) % 10**9}", **facts)
    assert vi in text_of(visitor, f"/alarms/{alarm}")
    assert en in text_of(visitor, f"/alarms/{alarm}", "en")


def test_many_messages_in_a_row_are_one_line_of_the_history(farms: Farms) -> None:
    """A critical alarm that nobody took calls for hours: what else happened stays in sight."""
    alarm = farms.registry.get_alarm(an_alarm(farms, "long"))
    told = [
        AlarmStep(
            alarm="long",
            key=str(n),
            at_ms=alarm.raised_ms + n * 600_000,
            kind="notified",
            person=person,
        )
        for n, person in enumerate(["hoa", "minh"] * 3)
    ]
    names = {"hoa": "Chủ hoa", "minh": "Lê Minh"}
    views = step_views(Lang.VI, told, alarm, names)
    assert [one.text for one in views] == [
        "Đã nhắn 6 lần cho Chủ hoa, Lê Minh, lần cuối 03:32"
    ]
    few = step_views(Lang.VI, told[:2], alarm, names)
    assert [one.text for one in few] == ["Đã nhắn cho Chủ hoa", "Đã nhắn cho Lê Minh"]


def test_what_hurts_stands_before_what_another_alarm_explains(
    farms: Farms, visitor: TestClient
) -> None:
    began = {"unit": "hoa-ao", "raised_ms": NOW_MS - HOUR_MS}
    late = {**began, "raised_ms": NOW_MS - 1000}
    an_alarm(farms, "order-4", **late, state=AlarmState.RETURNED, severity="critical")
    an_alarm(farms, "order-3", **late, hidden="suppressed", hidden_by="x")
    an_alarm(farms, "order-2", **late)
    an_alarm(farms, "order-1", **began, severity="critical")
    for path in ("/alarms", "/units/hoa-ao", "/"):
        seen = re.findall(r'href="/alarms/order-(\d)"', visitor.get(path).text)
        assert [*dict.fromkeys(seen)] == ["1", "2", "3", "4"], path


def test_an_aerator_is_switched_in_two_steps_and_says_first_what_will_happen(
    farms: Farms, visitor: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(snapshot, "KEPT_S", 0.0)  # the second current counts at once
    name = an_alarm(farms, "quat")
    for at_ms, current, way, words in (
        (NOW_MS - 900, 0.0, "on", "dòng điện đo được sẽ cho biết"),
        (NOW_MS - 800, 6.0, "off", "oxy có thể tụt"),
    ):
        farms.world.telemetry.write(
            [
                Reading(
                    DeviceId("hoa-hop"),
                    ProbeId("hoa-quat-1"),
                    Channel.CURRENT,
                    at_ms,
                    current,
                )
            ]
        )
        for path in (f"/alarms/{name}", "/units/hoa-ao"):
            page = parse_page(visitor.get(f"{path}?lang=vi").text)
            (asked,) = page.all("details", id=f"{way}-hoa-quat-1")
            assert words in asked.text
            # It is sent by the button inside alone: one tap does nothing yet.
            assert [one.attrs["value"] for one in page.all("button", name="on")] == [
                way
            ]
            assert [one.attrs["value"] for one in asked.all("button")] == [way]


def test_of_too_many_streams_the_oldest_ends_and_says_why(
    farms: Farms,
) -> None:
    """Real connections; the farmer's other phone and another farmer hear on."""
    for phone, person in (("p1", "hoa"), ("p2", "hoa"), ("p3", "binh")):
        farms.registry.open_session(
            phone, person, now_ms=NOW_MS, expires_ms=NOW_MS + HOUR_MS
        )
    with contextlib.ExitStack() as stack:
        url = stack.enter_context(served(create_app(farms.services)))
        phones = ["p3", "p2", "p1", *["p1"] * MOST_A_SESSION]
        other, second, oldest, *newer = (
            stack.enter_context(listening(url, one)) for one in phones
        )
        assert said_last(oldest) == b'data: {"reason": "too_many"}'
        alarm = farms.registry.get_alarm(farms.alarms["hoa"])
        changed = msgspec.structs.replace(alarm, severity="critical")
        farms.registry.save_pass(Pass(saved_ms=NOW_MS, states={}, alarms=[changed]))
        for one in (second, *newer):
            assert data_of(one) != data_of(one), (
                "it tells of the alarm, then of its change"
            )
        assert data_of(other)


@contextlib.contextmanager
def listening(url: str, session: str) -> Iterator[BinaryIO]:
    """Open a stream as a browser does, until its first word."""
    host, _, port = url.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port)), timeout=10) as line:
        asked = f"GET /events HTTP/1.1\r\nHost: {host}:{port}\r\n"
        line.sendall(f"{asked}Cookie: gw_session={session}\r\n\r\n".encode())
        with line.makefile("rb") as told:
            while not told.readline().startswith(b"retry:"):
                pass
            yield told


def data_of(told: BinaryIO) -> bytes:
    """Return the next thing a stream says."""
    return next(line for line in told if line.startswith(b"data:")).strip()


def said_last(told: BinaryIO) -> bytes:
    """Return what a stream says before it ends, with its event named."""
    lines = [one.strip() for one in takewhile(lambda one: one.strip() != b"0", told)]
    at = lines.index(b"event: over")
    return lines[at + 1]
