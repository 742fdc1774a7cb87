"""Dates and times of day in element strings; each returns what is wrong, or None."""

from typing import Final

_DAYS: Final = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


def why_no_date(text: str, *, with_no_day: bool = False) -> str | None:
    """Return what is wrong with YYMMDD; ``with_no_day``: day 00 is none in particular.

    Two digits of a year mean 1972 to 2071: a leap year is one that four divides.
    """
    return _why(int(text[:2]) % 4 == 0, text[2:4], text[4:], with_no_day)


def why_no_long_date(text: str) -> str | None:
    """Return what is wrong with YYYYMMDD."""
    year = int(text[:4])
    is_leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    return _why(is_leap, text[4:6], text[6:], with_no_day=False)


def _why(is_leap: bool, month: str, day: str, with_no_day: bool) -> str | None:
    if not 1 <= int(month) <= 12:
        return f"there is no month {month}"
    days = 28 if int(month) == 2 and not is_leap else _DAYS[int(month) - 1]
    if not (0 if with_no_day else 1) <= int(day) <= days:
        return f"month {month} has no day {day}"
    return None


def why_no_hour(text: str) -> str | None:
    """Return what is wrong with the hours."""
    return None if int(text) < 24 else f"there is no hour {text}"


def why_no_minute(text: str) -> str | None:
    """Return what is wrong with the minutes or seconds."""
    return None if int(text) < 60 else f"there is no minute or second {text}"


def why_no_time(text: str) -> str | None:
    """Return what is wrong with HHMM."""
    return why_no_hour(text[:2]) or why_no_minute(text[2:])
