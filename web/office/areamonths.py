"""What was done by month, for officers: goods, certificates, days of fishing by zone."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from greenwater.kernel.reading import DAY_MS, day_of, local
from greenwater.storage.registry.scope import Scope
from greenwater.storage.registry.trips import Fished
from traceability.corrections import in_force
from web.views.formats import number
from web.words import Lang, say

MONTHS: Final = 6
ZONES: Final = ("coastal", "inshore", "offshore")


@dataclass(frozen=True)
class Month:
    """Vessel-days of fishing in one month, by zone: a boat that worked there that day."""

    name: str
    days: Mapping[str, int]


def vessel_days(fished: Iterable[Fished]) -> list[Month]:
    """Return on how many days boats worked in each zone, by month, the oldest first.

    A boat that worked in two zones on one day counts in both.
    """
    seen: dict[str, dict[str, set[tuple[str, str]]]] = defaultdict(
        lambda: defaultdict(set)
    )
    for one in fished:
        day = day_of(one.began_ms).isoformat()
        for zone, minutes in one.minutes.items():
            if minutes > 0:
                seen[day[:7]][zone].add((one.vessel, day))
    return [
        Month(month, {zone: len(days) for zone, days in zones.items()})
        for month, zones in sorted(seen.items())
    ]


MONTHLY: Final = ("lots", "harvest", "certified", "days")


def month_counts(seen: Scope, now_ms: int) -> list[tuple[str, dict[str, float]]]:
    """Return lots made, kg harvested, certificates granted, days of fishing by month.

    The last six months, the oldest first, idle ones too; the last is not over.
    """
    names = _names(now_ms)
    found: dict[str, dict[str, float]] = {
        one: dict.fromkeys(MONTHLY, 0) for one in names
    }
    since_ms = months_ago(now_ms)

    def add(at_ms: int, what: str, much: float = 1) -> None:
        if (name := _month(at_ms)) in found:
            found[name][what] += much

    for lot in seen.lots():
        add(lot.created_ms, "lots")
    for one in in_force(seen.records(kinds=("harvest",))):
        add(one.happened_ms, "harvest", float(one.fields.get("kg", 0) or 0))
    for certificate in seen.certificates():
        if certificate.procedure == "vietgap":
            add(certificate.issued_ms, "certified")
    worked = {(one.vessel, local(one.began_ms).date()): one.began_ms
              for one in seen.fished(since_ms) if any(one.minutes.values())}  # fmt: skip
    for began_ms in worked.values():
        add(began_ms, "days")
    return list(found.items())


def _names(now_ms: int) -> list[str]:
    at = local(now_ms)
    months = [at.year * 12 + at.month - 1 - back for back in range(MONTHS)]
    return [f"{one // 12}-{one % 12 + 1:02}" for one in reversed(months)]


def _month(ms: int) -> str:
    return local(ms).strftime("%Y-%m")


def month_table(lang: Lang, seen: Scope, now_ms: int) -> dict[str, Any]:
    """Return the same as a table with a line of trends; empty rows: nothing was done."""
    counts = month_counts(seen, now_ms)
    rows = [
        (month_name(name), [number(lang, told[one], 0) for one in MONTHLY])
        for name, told in counts
    ]
    trends = [change_text(lang, [told[one] for _, told in counts]) for one in MONTHLY]
    heads = [say(lang, f"area_month_{one}") for one in MONTHLY]
    return {"heads": heads, "rows": rows, "trends": trends}


def change_text(lang: Lang, values: Sequence[float]) -> str:
    """Return how the last whole month compares with the one before; the newest is open."""
    if len(values) < 3:
        return say(lang, "area_trend_unknown")
    before, last = values[-3:-1]
    if before == last:
        return say(lang, "area_trend_same")
    if not before:
        return say(lang, "area_trend_new", more=number(lang, last, 0))
    return say(lang, "area_trend", change=f"{round(100 * (last - before) / before):+d}")


def zone_months(seen: Scope, now_ms: int) -> list[Month]:
    """Return vessel-days of the last six months, idle ones too; empty: nobody fished."""
    known = {one.name: one for one in vessel_days(seen.fished(months_ago(now_ms)))}
    return [known.get(one, Month(one, {})) for one in _names(now_ms)] if known else []


def month_name(name: str) -> str:
    """Return a month as pages write it: ``10/2026``."""
    return f"{name[5:]}/{name[:4]}"


def zone_trend(lang: Lang, months: Sequence[Month], zone: str) -> str:
    """Return how days of fishing in a zone changed."""
    return change_text(lang, [one.days.get(zone, 0) for one in months])


def months_ago(now_ms: int) -> int:
    """Return an instant before the months that are shown."""
    return now_ms - MONTHS * 31 * DAY_MS
