"""In which waters a gear worked, in words: zones, and the areas of the offshore one."""

from collections.abc import Iterable, Mapping

from greenwater.kernel.reading import DAY_MS, HOUR_MS, MINUTE_MS
from greenwater.kernel.trips import Haul
from greenwater.reference.offshore_areas import added_minutes
from greenwater.reference.zones import Zone
from web.views.formats import duration, number
from web.words import Lang, say


def zones_text(lang: Lang, minutes: Mapping[str, float]) -> str:
    """Return in which waters the gear worked, and how long."""
    return ", ".join(
        f"{say(lang, f'sea_zone_{zone}')} {_worked(lang, minutes[zone])}"
        for zone in sorted(minutes)
        if minutes[zone]
    )


def waters_text(lang: Lang, haul: Haul) -> str:
    """Return a haul's waters, with their shares of its time where there are several.

    ``vùng khơi (khu vực 3)``, ``vùng lộng 38 %, vùng khơi 62 % (khu vực 2, 3)``; empty where
    its time by zone is not known.
    """
    whole = sum(haul.minutes.values())
    worked = {zone: each for zone, each in sorted(haul.minutes.items()) if each}
    parts = []
    for zone, minutes in worked.items():
        text = say(lang, f"sea_zone_{zone}")
        if len(worked) > 1:
            text += f" {number(lang, 100 * minutes / whole)} %"
        if zone == Zone.OFFSHORE:
            areas = ", ".join(map(str, added_minutes([haul])))
            text += f" ({say(lang, 'sea_offshore_area', areas=areas)})"
        parts.append(text)
    return ", ".join(parts)


def areas_text(lang: Lang, hauls: Iterable[Haul]) -> str:
    """Return how long gear worked in which areas of the offshore zone; empty: in none."""
    return ", ".join(
        f"{say(lang, 'sea_offshore_area', areas=area)} {_worked(lang, minutes)}"
        for area, minutes in added_minutes(hauls).items()
    )


def _worked(lang: Lang, minutes: float) -> str:
    """Return days of work in hours: a day of two hauls is no day."""
    if minutes < 2 * DAY_MS / MINUTE_MS:
        return duration(lang, round(minutes) * MINUTE_MS)
    return say(lang, "for_hours", count=round(minutes * MINUTE_MS / HOUR_MS))
