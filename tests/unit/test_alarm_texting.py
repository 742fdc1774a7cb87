"""An alarm as one text message: every cause, long names, long links; what stays in it."""

import re
from collections.abc import Iterator
from typing import Any, Final, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from analytics.alarms.messages import advice, quantity
from analytics.alarms.texting import LINK_MOST, TEXT_MOST, plain, text_message
from analytics.alarms.wording import CHANNELS
from greenwater.reference.causes import CAUSES
from greenwater.storage.registry.alarm_kinds import AlarmKind
from greenwater.storage.registry.alarms import Alarm
from tests.examples import examples
from tests.unit.ponds import HOUR
from tests.unit.test_alarm_calling import NIGHT, an_alarm

GSM: Final = set(
    "@$\n_!\"#%&'()*+,-./0123456789:;<=>?ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    "abcdefghijklmnopqrstuvwxyz "
)
"""What ASCII and GSM 03.38's first table share: each is one of 160 (3GPP TS 23.038)."""

LINK: Final = "https://nuocxanh.khanhhoa.gov.vn/a/0123456789abcdef012345"
LONGEST: Final = f"https://{'x' * (LINK_MOST - 33)}/a/0123456789abcdef012345"
ACT: Final = re.compile(r"\. ([^.]+)\. Nhan: ")
NAMES: Final = (
    "Ao 3",
    "Ao nuôi tôm thẻ chân trắng thâm canh số 12 – Trại nuôi Ninh Hòa của ông Nguyễn Văn Tám",
    "Lồng tôm hùm xanh phía đông 7",
    "",
)
VALUES: Final = {"ph": 9.4, "salinity": 18.0, "orp": -120.0, "battery": 11.6}


def causes() -> Iterator[Alarm]:
    """Yield an alarm of every cause that there is."""
    for channel in CHANNELS["vi"]:
        value = VALUES.get(channel, 2.8)
        for side in ("low", "high", "swing"):
            yield an_alarm(channel=channel, side=side, value=value, worst=value)
        for more in (
            {"against": 6.0},
            {"lens": 7.0},
            {"from": 33.0, "from_ms": NIGHT - 3 * HOUR},
            {"lens": 7.0, "from": 33.0, "from_ms": NIGHT - 3 * HOUR},
        ):
            yield an_alarm(channel=channel, value=value, detail=more)
    for kind in set(get_args(AlarmKind)) - {"limit"}:
        detail: dict[str, Any] = {
            "place": "Trại Vạn Hưng – khu B",
            "devices": ["a", "b"],
        }
        yield an_alarm(kind=kind, detail=detail, probe="ao-3-quat-2")
        yield an_alarm(kind=kind, detail={**detail, "for_ms": NIGHT + HOUR, "low": 1.2})
        yield an_alarm(kind=kind, detail=detail, value=None)
    for cause in CAUSES.values():
        yield an_alarm(kind="episode", detail={"vi": cause.vi, "cause": cause.code})
    for said, act in (
        ("có thể đánh bắt sai vùng: 125 phút ở vùng ven bờ, tàu được đánh bắt ở vùng khơi",
         "Gọi tàu hỏi lại, nếu đang thả lưới thì thu lưới, ra khỏi vùng."),
        ("máy giám sát mất tín hiệu từ 21:10 26/11, quá hạn báo vị trí 03:10",
         "Báo vị trí qua bộ đàm 6 giờ một lần, về cảng trong 10 ngày."),
        ("mất liên lạc từ 01:45 09/01", "Gọi bộ đàm, hỏi tàu bạn, báo đồn biên phòng."),
    ):  # fmt: skip
        detail = {"place": "KH 95123 TS", "vi": said, "advice_vi": act}
        yield an_alarm(kind="monitoring", detail=detail)


def is_one(text: str) -> bool:
    return len(text) <= TEXT_MOST and set(text) <= GSM and "  " not in text


@pytest.mark.parametrize("link", [LINK, LONGEST], ids=["usual", "longest"])
@pytest.mark.parametrize("name", NAMES)
def test_every_cause_fits_into_one_and_keeps_what_matters(name: str, link: str) -> None:
    count = 0
    for number, alarm in enumerate(causes()):
        one = replace(alarm, is_simulated=number % 2 == 0)
        for kind in ("pond", "cage", "tank"):
            text = text_message(one, name, kind, link)
            assert is_one(text), (len(text), text)
            assert text.endswith(f" Nhan: {link}")
            assert text.startswith("MO PHONG. ") == one.is_simulated
            assert text.removeprefix("MO PHONG. ").startswith(plain(name).upper()[:3])
            if one.kind == "limit":
                assert plain(quantity(one, one.value or 0, "vi")) in text, text
            assert (found := ACT.search(text)), text
            assert found[1] in plain(advice(one, kind, "vi")), text
            count += 1
    assert count > 300


def test_the_number_the_pond_and_the_first_act_stay_beside_the_longest_link() -> None:
    text = text_message(an_alarm(), NAMES[1], "pond", LONGEST)
    assert "Oxy 2,8 mg/L" in text
    assert "Bat them quat nuoc." in text
    assert text.startswith("AO ")
    assert "12 - TRA" in text, "what tells ponds and farms apart"


def test_words_go_in_their_order() -> None:
    """Acts after the first, what stands beside the number, names, time, severity."""
    long = NAMES[2]
    whole = text_message(an_alarm(), "Ao 3", "pond", "https://g.vn/a/0123456789abcdef")
    assert "03:30. Oxy 2,8 mg/L, dang giam. Bat them quat nuoc, ngung cho an." in whole
    links = [f"https://{'x' * n}/a/0123456789abcdef012345" for n in range(10, 60)]
    texts = [text_message(an_alarm(), long, "pond", link) for link in links]
    last = [max(n for n, text in enumerate(texts) if part in text) for part in (
        "ngung cho an", "dang giam", "LONG TOM HUM XANH PHIA DONG 7", "03:30", "NGUY CAP", "2,8",
    )]  # fmt: skip
    assert last == sorted(last), last
    assert last[-1] == len(links) - 1


def test_a_text_cannot_be_misread() -> None:
    boat = an_alarm(is_simulated=True, detail={"place": "Tàu câu (mô phỏng)"})
    assert text_message(boat, "", "", LINK).startswith("MO PHONG. TAU CAU NGUY CAP 03")
    fall = {"from": 33.0, "from_ms": NIGHT - 3 * HOUR}
    alarm = an_alarm(channel="salinity", value=26.0, detail=fall)
    assert "tut tu 33 xuong 26 %o trong 3 gio" in text_message(alarm, "", "cage", LINK)
    assert plain("Ao [1] {a|b} ~`^\\ “Đ” 5 ‰\t–") == 'Ao (1) (a/b) -\'/ "D" 5 %o -'


@settings(max_examples=examples(80), deadline=None)
@given(
    name=st.text(max_size=120),
    place=st.text(max_size=200),
    link=st.integers(min_value=34, max_value=LINK_MOST),
    value=st.floats(min_value=-999, max_value=99999),
)
def test_whatever_people_call_their_ponds_it_is_one(
    name: str, place: str, link: int, value: float
) -> None:
    at = f"https://{'x' * (link - 33)}/a/0123456789abcdef012345"
    alarm = an_alarm(value=value, detail={"place": place})
    text = text_message(alarm, name, "pond", at)
    assert is_one(text), (len(text), text)
    assert text.endswith(at)
