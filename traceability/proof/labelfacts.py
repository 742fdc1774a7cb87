"""What a label says of the goods in GS1's identifiers, and what that means. Pure.

An inspector without a network holds a box against these: species (7008), net weight
(310n), day of harvest or landing (7007), for wild fish catch area (7005) and gear (7009),
how it was produced (7010), and the use-by date (17) if it has one.
"""

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Final

from msgspec import Struct

from greenwater.kernel.errors import InputError
from greenwater.kernel.reading import instant

HERE: Final = timezone(timedelta(hours=7))
"""Days on labels are days in Vietnam."""

HEAVIEST_KG: Final = 999_999.0
_AREA: Final = re.compile(r"[0-9A-Z.]{1,12}", re.ASCII)
_GEAR: Final = re.compile(r"[0-9A-Z.]{1,10}", re.ASCII)
_SPECIES: Final = re.compile(r"[0-9A-Z]{3}", re.ASCII)


class Goods(Struct, frozen=True):
    """What is told of goods; None is not told. ``harvested`` is the first and last day."""

    species: str | None = None
    net_kg: float | None = None
    harvested: tuple[date, date] | None = None
    method: str | None = None
    area: str | None = None
    gear: str | None = None
    use_by: date | None = None


def day_of(at_ms: int) -> date:
    """Return the day in Vietnam of an instant."""
    return instant(at_ms).astimezone(HERE).date()


def label_facts(goods: Goods) -> dict[str, str]:
    """Return values by application identifier, in the one order that labels have.

    Raises:
        InputError: one of them cannot stand on a label.
    """
    weight = {} if goods.net_kg is None else dict([_weight(goods.net_kg)])
    days = None if goods.harvested is None else _days(goods.harvested)
    return {
        **_told("17", None if goods.use_by is None else _yymmdd(goods.use_by)),
        **weight,
        **_told("7005", goods.area, _AREA),
        **_told("7007", days),
        **_told("7008", goods.species, _SPECIES),
        **_told("7009", goods.gear, _GEAR),
        **_told("7010", goods.method),
    }


def _told(
    ai: str, value: str | None, spelling: re.Pattern[str] | None = None
) -> dict[str, str]:
    if not value:
        return {}
    if spelling is not None and not spelling.fullmatch(value):
        raise InputError(f"({ai}) cannot be {value[:40]!r} on a label", "label_fact")
    return {ai: value}


def _yymmdd(day: date) -> str:
    if not 2000 <= day.year <= 2071:
        raise InputError(
            f"{day} cannot stand on a label: years go from 2000 to 2071", "label_day"
        )
    return day.strftime("%y%m%d")


def _days(harvested: tuple[date, date]) -> str:
    first, last = harvested
    if last < first:
        raise InputError(
            f"a harvest cannot end on {last}, before it began on {first}", "label_days"
        )
    return _yymmdd(first) + ("" if first == last else _yymmdd(last))


def _weight(kg: float) -> tuple[str, str]:
    """Return a weight as (310n, six digits), with as many decimals as fit, at most 3."""
    if not 0.001 <= kg <= HEAVIEST_KG:
        raise InputError(
            f"{kg} kg is no net weight from 0,001 to {HEAVIEST_KG:.0f} kg",
            "label_weight",
        )
    places = next(n for n in (3, 2, 1, 0) if round(kg * 10**n) <= 999_999)
    return f"310{places}", f"{round(kg * 10**places):06d}"


def read_facts(facts: Mapping[str, str]) -> Goods:
    """Return what a label's facts mean; what means nothing is not told."""
    named = next((ai for ai in facts if ai.startswith("310")), None)
    return Goods(
        species=facts.get("7008"),
        net_kg=int(facts[named]) / 10 ** int(named[3]) if named else None,
        harvested=_read_days(facts.get("7007", "")),
        method=facts.get("7010"),
        area=facts.get("7005"),
        gear=facts.get("7009"),
        use_by=_read_day(facts.get("17", "")),
    )


def _read_day(text: str) -> date | None:
    try:
        return datetime.strptime(f"20{text}", "%Y%m%d").replace(tzinfo=UTC).date()
    except ValueError:
        return None


def _read_days(text: str) -> tuple[date, date] | None:
    first, last = _read_day(text[:6]), _read_day(text[6:] or text[:6])
    return None if first is None or last is None else (first, last)


def ends_ms(day: date) -> int:
    """Return when a day ends in Vietnam, in ms since 1970."""
    after = datetime(day.year, day.month, day.day, tzinfo=HERE) + timedelta(days=1)
    return round(after.timestamp() * 1000)
