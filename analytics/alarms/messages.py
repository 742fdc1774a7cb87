"""What an alarm says to people: a sentence, what to do, a text message. Pure.

The voice is the glossary's (one verb and one number first; advice is an act). Numbers
and times are Vietnamese; a text message is written without diacritics, as a text of its
own, so that it fits into one.
"""

import unicodedata
from collections.abc import Mapping
from typing import Final

from greenwater.kernel.clock import VIETNAM
from greenwater.kernel.reading import instant
from greenwater.reference.limits import Severity
from greenwater.storage.registry.alarms import Alarm

FALLING_PER_H: Final = 0.2
"""A slower change, in the channel's unit an hour, is not spoken of."""

_CHANNELS: Final[Mapping[str, Mapping[str, tuple[str, str, int]]]] = {
    # channel: name in a sentence, unit, digits behind the point
    "vi": {
        "dissolved_oxygen": ("oxy", "mg/L", 1),
        "temperature": ("nhiệt độ nước", "°C", 1),
        "ph": ("độ pH", "", 1),
        "salinity": ("độ mặn", "‰", 0),
        "ammonia_total": ("tổng amoni (TAN)", "mg/L", 2),
        "ammonia_unionised": ("khí độc NH₃", "mg/L", 2),
        "nitrite": ("nitrit (NO₂)", "mg/L", 2),
        "alkalinity": ("độ kiềm", "mg/L", 0),
        "transparency": ("độ trong", "cm", 0),
        "orp": ("thế oxy hóa khử", "mV", 0),
    },
    "en": {
        "dissolved_oxygen": ("oxygen", "mg/L", 1),
        "temperature": ("water temperature", "°C", 1),
        "ph": ("pH", "", 1),
        "salinity": ("salinity", "‰", 0),
        "ammonia_total": ("total ammonia (TAN)", "mg/L", 2),
        "ammonia_unionised": ("unionised ammonia (NH₃)", "mg/L", 2),
        "nitrite": ("nitrite (NO₂)", "mg/L", 2),
        "alkalinity": ("alkalinity", "mg/L", 0),
        "transparency": ("transparency", "cm", 0),
        "orp": ("redox potential", "mV", 0),
    },
}

_ADVICE: Final[Mapping[tuple[str, str], tuple[str, str]]] = {
    ("dissolved_oxygen/low", "pond"): (
        "Bật thêm quạt nước, ngừng cho ăn.",
        "Switch on more aerators, stop feeding.",
    ),
    ("dissolved_oxygen/low", "tank"): (
        "Tăng sục khí, ngừng cho ăn.",
        "Give more air, stop feeding.",
    ),
    ("dissolved_oxygen/low", "cage"): (
        "Sục khí cho lồng, ngừng cho ăn, giãn bớt lồng.",
        "Aerate the cages, stop feeding, give them room.",
    ),
    ("salinity/low", "cage"): (
        "Hạ lồng xuống dưới 4 m, chưa cho ăn.",
        "Sink the cages below 4 m, do not feed yet.",
    ),
    ("salinity/low", "pond"): (
        "Tháo bớt nước mặt, ngừng lấy nước ngọt.",
        "Drain surface water, take in no fresh water.",
    ),
    ("salinity/high", "pond"): (
        "Thêm nước ngọt từ từ, không quá 3 ‰ mỗi ngày.",
        "Add fresh water slowly, at most 3 ‰ a day.",
    ),
    ("temperature/high", "pond"): (
        "Nâng mực nước, bật quạt nước, bớt thức ăn.",
        "Raise the water level, run the aerators, feed less.",
    ),
    ("temperature/low", "pond"): (
        "Nâng mực nước, bớt thức ăn.",
        "Raise the water level, feed less.",
    ),
    ("ph/high", "pond"): (
        "Thay bớt nước, bật quạt nước ban đêm.",
        "Exchange some water, run the aerators at night.",
    ),
    ("ph/low", "pond"): (
        "Bón vôi liều nhẹ, đo lại sau 2 giờ.",
        "Lime lightly, measure again in two hours.",
    ),
    ("silence", ""): (
        "Ra xem ao, rồi kiểm tra điện và sóng của hộp đo.",
        "Go and look, then check the box's power and signal.",
    ),
    ("", ""): (
        "Ra xem và đo lại bằng máy cầm tay.",
        "Go and look, measure again by hand.",
    ),
}

_SEVERITY: Final[Mapping[str, Mapping[Severity, str]]] = {
    "vi": {
        Severity.WATCH: "Theo dõi",
        Severity.WARN: "Cảnh báo",
        Severity.CRITICAL: "Nguy cấp",
    },
    "en": {
        Severity.WATCH: "Watch",
        Severity.WARN: "Warning",
        Severity.CRITICAL: "Critical",
    },
}


_WORST: Final = {"vi": ("thấp nhất", "cao nhất"), "en": ("at lowest", "at highest")}


def number(value: float, digits: int, lang: str) -> str:
    """Return a number as the language writes it."""
    text = f"{value:.{digits}f}"
    return text.replace(".", ",") if lang == "vi" else text


def clock(ms: int) -> str:
    """Return the time of day in Vietnam."""
    return instant(ms).astimezone(VIETNAM).strftime("%H:%M")


def severity_word(severity: str, lang: str) -> str:
    """Return the word for a severity."""
    return _SEVERITY[lang][Severity(severity)]


def quantity(alarm: Alarm, value: float, lang: str) -> str:
    """Return a value of the alarm's channel with its unit."""
    _, unit, digits = _channel(alarm, lang)
    return f"{number(value, digits, lang)} {unit}".strip()


def sentence(alarm: Alarm, unit_name: str, lang: str) -> str:
    """Return what is the matter: "Ao 3: oxy 2,8 mg/L, đang giảm".

    Once it is over, how bad it was: "Ao 3: oxy thấp nhất 2,1 mg/L".
    """
    if alarm.kind == "silence":
        return _silence(alarm, unit_name, lang)
    name, _, _ = _channel(alarm, lang)
    if alarm.value is None:
        return f"{unit_name}: {name}"
    if not alarm.is_active and alarm.worst is not None:
        words = _WORST[lang][alarm.side == "high"]
        return f"{unit_name}: {name} {words} {quantity(alarm, alarm.worst, lang)}"
    said = f"{unit_name}: {name} {quantity(alarm, alarm.value, lang)}"
    trend = _trend(alarm, lang)
    return f"{said}, {trend}" if trend else said


def advice(alarm: Alarm, unit_kind: str, lang: str) -> str:
    """Return what to do, as an act."""
    matter = "silence" if alarm.kind == "silence" else f"{alarm.channel}/{alarm.side}"
    found = (
        _ADVICE.get((matter, unit_kind)) or _ADVICE.get((matter, "")) or _ADVICE["", ""]
    )
    return found[0] if lang == "vi" else found[1]


def title(alarm: Alarm, unit_name: str, lang: str) -> str:
    """Return a message's first line: "Nguy cấp 03:02 – Ao 3"."""
    word = severity_word(alarm.severity, lang)
    return f"{word} {clock(_said_ms(alarm))} – {unit_name}"


def body(alarm: Alarm, unit_name: str, unit_kind: str, link: str, lang: str) -> str:
    """Return a message's text, with the link that acknowledges this one alarm."""
    mark = "SỐ LIỆU MÔ PHỎNG. " if lang == "vi" else "SIMULATED DATA. "
    todo = "Việc cần làm" if lang == "vi" else "What to do"
    take = "Tôi đã nhận, tôi xử lý" if lang == "vi" else "I take care of it"
    return (
        f"{mark if alarm.is_simulated else ''}{sentence(alarm, unit_name, lang)}.\n"
        f"{todo}: {advice(alarm, unit_kind, lang)}\n{take}: {link}"
    )


def text_message(alarm: Alarm, unit_name: str, unit_kind: str, link: str) -> str:
    """Return the same without diacritics, for a telephone's text message."""
    head = f"{plain(unit_name).upper()} {plain(severity_word(alarm.severity, 'vi')).upper()}"
    said = sentence(alarm, unit_name, "vi").partition(": ")[2] or sentence(
        alarm, unit_name, "vi"
    )
    told = plain(f"{said}. {advice(alarm, unit_kind, 'vi')}")
    return f"{head} {clock(_said_ms(alarm))}. {told[:1].upper()}{told[1:]} Nhan: {link}"


_PLAIN: Final = str.maketrans("đĐ–", "dD-")


def plain(text: str) -> str:
    """Return a text in ASCII as Vietnamese write it in text messages."""
    bare = unicodedata.normalize("NFD", text.translate(_PLAIN))
    kept = "".join(one for one in bare if not unicodedata.combining(one))
    return unicodedata.normalize("NFKC", kept).encode("ascii", "ignore").decode()


def _said_ms(alarm: Alarm) -> int:
    """Return the instant that a message speaks of: when its value was measured."""
    is_measured = alarm.kind == "limit" and alarm.taken_ms is not None
    return alarm.taken_ms or 0 if is_measured else alarm.raised_ms


def _channel(alarm: Alarm, lang: str) -> tuple[str, str, int]:
    return _CHANNELS[lang].get(alarm.channel or "", (alarm.channel or "", "", 2))


def _trend(alarm: Alarm, lang: str) -> str:
    slope = alarm.trend_per_h
    if slope is None or abs(slope) < FALLING_PER_H:
        return ""
    words = {"vi": ("đang giảm", "đang tăng"), "en": ("falling", "rising")}
    return words[lang][slope > 0]


def _silence(alarm: Alarm, unit_name: str, lang: str) -> str:
    since = clock(alarm.began_ms)
    if lang == "vi":
        said = f"{unit_name}: không nhận được số đo từ {since}"
        last = "Lần cuối oxy"
        unknown = "Không biết hiện ra sao – nên ra xem"
    else:
        said = f"{unit_name}: no readings since {since}"
        last = "Last oxygen"
        unknown = "Not known how it is now – go and look"
    if alarm.value is None:
        return f"{said}. {unknown}"
    trend = _trend(alarm, lang)
    known = (
        f"{last} {quantity(alarm, alarm.value, lang)}{', ' + trend if trend else ''}"
    )
    return f"{said}. {known}. {unknown}"
