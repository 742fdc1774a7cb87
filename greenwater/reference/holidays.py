"""Working days: weekends, public holidays and days exchanged for others, as dated data."""

import datetime as dt
from collections.abc import Mapping
from typing import Final

from msgspec import Struct

from greenwater.reference.tables import read_table

DAY: Final = dt.timedelta(days=1)
SATURDAY: Final = 5


class Fixed(Struct, frozen=True, forbid_unknown_fields=True):
    """A holiday on the same day of the calendar every year."""

    name: str
    month: int
    day: int
    from_year: int = 0


class Year(Struct, frozen=True, forbid_unknown_fields=True):
    """What was fixed for one year: weekdays that are off, weekends that are worked."""

    year: int
    announced: bool
    off: tuple[dt.date, ...]
    works: tuple[dt.date, ...]


class Holidays(Struct, frozen=True, forbid_unknown_fields=True):
    """The whole table."""

    source: str
    basis: str
    verified: bool
    fixed: tuple[Fixed, ...]
    years: tuple[Year, ...]


HOLIDAYS: Final = read_table("holidays.toml", Holidays)


class Calendar:
    """Counts working days by a table of holidays."""

    def __init__(self, table: Holidays = HOLIDAYS) -> None:
        self._fixed = table.fixed
        self._years: Mapping[int, Year] = {one.year: one for one in table.years}

    def is_announced(self, year: int) -> bool:
        """Return whether the year's lunar and exchanged days are known as announced."""
        known = self._years.get(year)
        return known is not None and known.announced

    def is_working(self, day: dt.date) -> bool:
        """Return whether offices are open on a day."""
        year = self._years.get(day.year)
        if year is not None and day in year.works:
            return True
        if day.weekday() >= SATURDAY or (year is not None and day in year.off):
            return False
        return not any(
            (day.month, day.day) == (one.month, one.day) and day.year >= one.from_year
            for one in self._fixed
        )

    def add(self, day: dt.date, count: int) -> dt.date:
        """Return the ``count``-th working day after a day; 0: the day, or the next open."""
        while not self.is_working(day):
            day += DAY
        for _ in range(count):
            day += DAY
            while not self.is_working(day):
                day += DAY
        return day

    def between(self, first: dt.date, last: dt.date) -> int:
        """Return how many working days there are after ``first`` up to ``last``."""
        days = (last - first).days
        return sum(self.is_working(first + DAY * n) for n in range(1, days + 1))


CALENDAR: Final = Calendar()
