"""What a farmer is told in the evening of the night to come, and in the morning of how
right that was. Two languages, no numbers without a unit or an hour."""

from collections.abc import Sequence
from datetime import UTC, datetime, tzinfo
from itertools import pairwise
from typing import Final, Literal

from msgspec import Struct

from analytics.oxygen.forecaster import Forecast
from analytics.oxygen.grid import HOUR_MS

Language = Literal["vi", "en"]


class Tonight(Struct, frozen=True):
    """The lowest oxygen expected before the morning: mg/L, when, and its band."""

    unit: str
    lowest: float
    at_ms: int
    low: float
    high: float


_EVENING: Final = {
    "vi": "{unit} đêm nay thấp nhất {lowest} mg/L lúc {hour} (khoảng {low}–{high})"
    "; người trực: {watch}",
    "en": "{unit}: lowest tonight {lowest} mg/L at {hour} (between {low} and {high})"
    "; on watch: {watch}",
}
_NOBODY: Final = {"vi": "chưa phân công", "en": "nobody yet"}
_MORNING: Final = {
    "vi": "{unit} đêm qua thấp nhất {came} mg/L lúc {hour}; đã dự báo {lowest}: {verdict}",
    "en": "{unit}: lowest last night {came} mg/L at {hour}; forecast {lowest}: {verdict}",
}
_UNKNOWN: Final = {
    "vi": "{unit} đêm qua không có số đo oxy; đã dự báo thấp nhất {lowest} mg/L",
    "en": "{unit}: no oxygen readings last night; the forecast was {lowest} mg/L",
}
_VERDICTS: Final = {
    "vi": {0: "trong khoảng dự báo", -1: "thấp hơn dự báo", 1: "cao hơn dự báo"},
    "en": {0: "within the band", -1: "lower than the band", 1: "higher than the band"},
}


def tonight(
    unit: str, forecasts: Sequence[Forecast], *, now_ms: int, dawn_ms: int
) -> Tonight | None:
    """Return the lowest of now until an hour after ``dawn_ms``; None with no forecast.

    Between horizons the forecast is a straight line, so the lowest is at a horizon or at
    dawn itself.
    """
    line = sorted(
        (one for one in forecasts if not one.is_minimum), key=lambda one: one.for_ms
    )
    until = dawn_ms + HOUR_MS
    points = [
        Tonight(unit, one.value, one.for_ms, one.low, one.high)
        for one in line
        if now_ms <= one.for_ms <= until
    ]
    points += [
        _between(unit, before, after, dawn_ms)
        for before, after in pairwise(line)
        if before.for_ms < dawn_ms < after.for_ms
    ]
    return min(points, key=lambda one: (one.lowest, one.at_ms), default=None)


def _between(unit: str, before: Forecast, after: Forecast, at_ms: int) -> Tonight:
    share = (at_ms - before.for_ms) / (after.for_ms - before.for_ms)

    def at(start: float, end: float) -> float:
        return start + share * (end - start)

    return Tonight(
        unit,
        at(before.value, after.value),
        at_ms,
        at(before.low, after.low),
        at(before.high, after.high),
    )


def evening_sentence(
    night: Tonight, *, watch: str, zone: tzinfo, language: Language
) -> str:
    """Return the evening's sentence; ``watch`` is who is on watch, empty if nobody."""
    return _EVENING[language].format(
        unit=night.unit,
        lowest=_number(night.lowest, language),
        hour=_hour(night.at_ms, zone),
        low=_number(night.low, language),
        high=_number(night.high, language),
        watch=watch or _NOBODY[language],
    )


def morning_sentence(
    night: Tonight,
    *,
    came: float | None,
    came_ms: int,
    zone: tzinfo,
    language: Language,
) -> str:
    """Return how right the evening's sentence was; ``came`` mg/L is the night's lowest."""
    lowest = _number(night.lowest, language)
    if came is None:
        return _UNKNOWN[language].format(unit=night.unit, lowest=lowest)
    side = (came > night.high) - (came < night.low)
    return _MORNING[language].format(
        unit=night.unit,
        came=_number(came, language),
        hour=_hour(came_ms, zone),
        lowest=lowest,
        verdict=_VERDICTS[language][side],
    )


def _number(value: float, language: Language) -> str:
    text = f"{value:.1f}"
    return text.replace(".", ",") if language == "vi" else text


def _hour(at_ms: int, zone: tzinfo) -> str:
    return f"{datetime.fromtimestamp(at_ms / 1000, UTC).astimezone(zone):%H:%M}"
