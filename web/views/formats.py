"""Numbers, times, ages and positions as people read them: ``4,2 mg/L``, ``23/11/2026``.

Instants are UTC everywhere else; here they become the time of Khánh Hòa.
"""

import re
from collections.abc import Mapping
from typing import Final

from greenwater.kernel.channels import SPECS, Channel
from greenwater.kernel.reading import DAY_MS, HOUR_MS, MINUTE_MS, local
from web.words import WORDS, Lang, say

DECIMALS: Final[Mapping[Channel, int]] = {
    Channel.PH: 2,
    Channel.ORP: 0,
    Channel.OXYGEN_SATURATION: 0,
    Channel.AMMONIA_TOTAL: 2,
    Channel.NITRITE: 2,
    Channel.ALKALINITY: 0,
    Channel.TRANSPARENCY: 0,
    Channel.WATER_LEVEL: 2,
    Channel.COURSE: 0,
    Channel.BATTERY: 2,
    Channel.SIGNAL: 0,
    Channel.CONTACT: 0,
}
"""Digits behind the comma; 1 where nothing is said."""

LIMIT_DECIMALS: Final = 3
"""The digits of a limit that count."""


def number(lang: Lang, value: float, decimals: int = 0) -> str:
    """Return ``1.204`` or ``4,2`` (Vietnamese), ``1,204`` or ``4.2`` (English)."""
    text = f"{value:,.{decimals}f}"
    if text.strip("-0.,") == "":
        text = text.lstrip("-")  # no minus before a zero
    if lang is Lang.EN:
        return text
    return text.translate(str.maketrans(",.", ".,"))


def exact(lang: Lang, value: float) -> str:
    """Return a number with as many decimals as it has, two at the most: ``92,5``."""
    rounded = round(value, 2)
    decimals = next(n for n in (0, 1, 2) if n == 2 or rounded == round(rounded, n))
    return number(lang, rounded, decimals)


def typed_number(lang: Lang, text: str) -> str:
    """Return a number as somebody typed it with a plain decimal point.

    ``2.500`` is two and a half thousand in Vietnamese, ``2,500`` in English; ``2.5``
    and ``2,5`` can only mean one thing in either. What is no number stays as it is.
    """
    group, point = (",", ".") if lang is Lang.EN else (".", ",")
    found = text.strip().replace("\N{NO-BREAK SPACE}", "").replace(" ", "")
    if re.fullmatch(
        rf"-?[1-9]\d{{0,2}}({re.escape(group)}\d{{3}})+({re.escape(point)}\d+)?", found
    ):
        return found.replace(group, "").replace(point, ".")
    if re.fullmatch(r"-?\d+([.,]\d+)?", found):
        return found.replace(",", ".")
    return text


def typed_degrees(text: str) -> str:
    """Return a latitude or longitude in degrees with a decimal point.

    A plotter shows degrees and minutes, and so they are read out by radio: ``12°11,9'``,
    ``12 11.9``. No letter means south or west, which nobody here is: N is *Nam* to one
    and *north* to the other. What is no position stays as it is.
    """
    found = text.strip()
    if re.fullmatch(r"-?\d+([.,]\d+)?", found):
        return found.replace(",", ".")
    told = _DEGREES.fullmatch(found)
    minutes = float(told[2].replace(",", ".")) if told else 60.0
    return repr(int(told[1]) + minutes / 60) if told and minutes < 60 else text


_DEGREES = re.compile(
    r"(\d{1,3})\s*(?:°|độ|\s)\s*(\d{1,2}(?:[.,]\d+)?)\s*(?:['′’]|phút)?\s*[BNĐDE]?",
    re.I,
)


def form_degrees(lang: Lang, value: float) -> str:
    """Return degrees as a form shows them, to be typed again as the same value."""
    degrees, thousandths = divmod(round(abs(value) * 60_000), 60_000)
    text = f"{degrees}°{thousandths / 1000:g}'"
    same = float(typed_degrees(text)) == value
    return _pointed(lang, text) if same else form_number(lang, value)


def form_number(lang: Lang, value: float) -> str:
    """Return a number with all its digits and no grouping, as a form shows it again."""
    return _pointed(lang, f"{value:.9f}".rstrip("0").rstrip("."))


def _pointed(lang: Lang, text: str) -> str:
    return text if lang is Lang.EN else text.replace(".", ",")


def unit_of(channel: Channel) -> str:
    """Return the unit that stands behind a value on pages."""
    if channel is Channel.SALINITY:
        return "‰"
    return SPECS[channel].unit


def amount(
    lang: Lang, channel: Channel, value: float, *, decimals: int | None = None
) -> str:
    """Return a value with its unit: ``4,2 mg/L``."""
    usual = DECIMALS.get(channel, 1)
    text = number(lang, value, usual if decimals is None else decimals)
    unit = unit_words(lang, unit_of(channel))
    if unit == "°":
        return f"{text}°"
    return f"{text}\N{NO-BREAK SPACE}{unit}" if unit else text


def limit_amount(lang: Lang, channel: Channel, value: float) -> str:
    """Return a limit with its unit and all its digits: ``4,25 mg/L`` is not ``4,3``."""
    return amount(lang, channel, value, decimals=_limit_decimals(channel, value))


def limit_number(lang: Lang, channel: Channel, value: float) -> str:
    """Return a limit without its unit, with all its digits: ``4,25``."""
    return number(lang, value, _limit_decimals(channel, value))


def _limit_decimals(channel: Channel, value: float) -> int:
    decimals, whole = DECIMALS.get(channel, 1), round(value, LIMIT_DECIMALS)
    while decimals < LIMIT_DECIMALS and round(value, decimals) != whole:
        decimals += 1
    return decimals


def form_time(ms: int) -> str:
    """Return an instant as a form's field for a date and time holds it."""
    return local(ms).strftime("%Y-%m-%dT%H:%M")


def clock_time(ms: int) -> str:
    """Return ``03:12``."""
    return local(ms).strftime("%H:%M")


def day(ms: int) -> str:
    """Return ``23/11/2026``."""
    return local(ms).strftime("%d/%m/%Y")


def moment(lang: Lang, ms: int, now_ms: int) -> str:
    """Return ``03:12``, ``18:20 hôm qua`` or ``18:20 ngày 21/11/2026``."""
    days = (local(now_ms).date() - local(ms).date()).days
    if days == 0:
        return clock_time(ms)
    if days == 1:
        return say(lang, "yesterday", time=clock_time(ms))
    return say(lang, "on_day", time=clock_time(ms), day=day(ms))


def happened_text(lang: Lang, ms: int, entered_ms: int, now_ms: int) -> str:
    """Return when something happened; the day is left to when it was entered, if the same."""
    is_one_day = local(ms).date() == local(entered_ms).date()
    return clock_time(ms) if is_one_day else moment(lang, ms, now_ms)


def age(lang: Lang, ms: int, now_ms: int) -> str:
    """Return how long ago an instant was; one in the future is named by its time."""
    passed_ms = now_ms - ms
    if passed_ms < -MINUTE_MS:
        return moment(lang, ms, now_ms)
    if passed_ms < MINUTE_MS:
        return say(lang, "just_now")
    if passed_ms < HOUR_MS:
        return say(lang, "minutes_ago", count=passed_ms // MINUTE_MS)
    if passed_ms < 2 * DAY_MS:
        return say(lang, "hours_ago", count=passed_ms // HOUR_MS)
    return say(lang, "days_ago", count=passed_ms // DAY_MS)


def position(lang: Lang, latitude: float, longitude: float) -> str:
    """Return degrees and decimal minutes: ``12°11,9' B – 109°11,7' Đ``."""
    return f"{north(lang, latitude)} – {east(lang, longitude)}"


def north(lang: Lang, latitude: float) -> str:
    """Return a latitude as ``12°11,9' B``."""
    up, down = ("B", "N") if lang is Lang.VI else ("N", "S")
    return _degrees(lang, latitude) + (up if latitude >= 0 else down)


def east(lang: Lang, longitude: float) -> str:
    """Return a longitude as ``109°11,7' Đ``."""
    right, left = ("Đ", "T") if lang is Lang.VI else ("E", "W")
    return _degrees(lang, longitude) + (right if longitude >= 0 else left)


def _degrees(lang: Lang, value: float) -> str:
    # In tenths of a minute first, so that 59.96' becomes the next degree, not 60.0'.
    degrees, tenths = divmod(round(abs(value) * 600), 600)
    return f"{degrees}°{number(lang, tenths / 10, 1).zfill(4)}'\N{NO-BREAK SPACE}"


def duration(lang: Lang, ms: int) -> str:
    """Return a length of time in its largest unit or two."""
    if ms >= 2 * DAY_MS:
        return say(lang, "for_days", count=ms // DAY_MS)
    if ms >= HOUR_MS:
        minutes = ms % HOUR_MS // MINUTE_MS
        key = "for_hours_minutes" if minutes else "for_hours"
        return say(lang, key, count=ms // HOUR_MS, minutes=minutes)
    return say(lang, "for_minutes", count=max(1, ms // MINUTE_MS))


def unit_words(lang: Lang, unit: str) -> str:
    """Return a unit of measure in the page's words."""
    return say(lang, f"unit_{unit}") if f"unit_{unit}" in WORDS[lang] else unit
