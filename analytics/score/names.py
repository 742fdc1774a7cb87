"""What people call their columns, read as channels of ours and places of probes. Pure.

``DO (mg/L)``, ``do_mg_l_2`` and ``Oxy hòa tan - tầng đáy`` are dissolved oxygen; what is left of
a name beside the channel says which of several probes it is. A name with another unit than
the channel's, such as µS/cm, is no channel of ours: it stays a generic one.
"""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Final, NamedTuple

from greenwater.kernel.channels import Channel

_CHANNELS: Final = frozenset(str(channel) for channel in Channel)

_WORDS: Final[Mapping[str, Iterable[str]]] = {
    "temperature": (
        "temp",
        "water_temperature",
        "water_temp",
        "nhiet_do",
        "nhiet_do_nuoc",
        "sea_water_temperature",
        "temperature_water",
        "watertemp",
    ),
    "dissolved_oxygen": (
        "do",
        "oxygen",
        "oxy",
        "oxi",
        "oxy_hoa_tan",
        "oxi_hoa_tan",
        "do_conc",
        "odo",
        "dissolvedoxygen",
        "dissolved_oxygen_concentration",
        "oxygen_dissolved",
        "ldo",
        "hdo",
    ),
    "oxygen_saturation": ("do_sat", "odo_sat", "do_saturation", "bao_hoa_oxy"),
    "ph": ("do_ph",),
    "salinity": ("sal", "do_man", "man"),
    "conductivity": ("cond", "do_dan_dien"),
    "specific_conductivity": ("spcond", "sp_cond", "specific_conductance"),
    "orp": ("redox", "the_oxy_hoa_khu"),
    "turbidity": ("turb", "do_duc"),
    "alkalinity": ("do_kiem", "kiem"),
    "transparency": ("secchi", "do_trong"),
    "chlorophyll": ("chl", "diep_luc"),
    "water_level": ("level", "muc_nuoc"),
    "depth": ("do_sau",),
    "ammonia_total": ("tan", "tong_amoni"),
    "nitrite": ("no2", "no2_n"),
}
_UNITS: Final[Mapping[str, Iterable[str]]] = {
    "temperature": ("c", "degc", "deg_c", "do_c", "celsius", "degree_c", "degrees_c"),
    "dissolved_oxygen": ("mg_l", "mgl", "ppm", "mg_l_1"),
    "oxygen_saturation": ("pct", "percent"),
    "salinity": ("psu", "ppt", "permille", "pss_78", "pss"),
    "conductivity": ("ms_cm",),
    "specific_conductivity": ("ms_cm",),
    "orp": ("mv",),
    "ph": ("unit", "units", "ph_units", "su", "std_units"),
    "turbidity": ("ntu", "fnu"),
    "alkalinity": ("mg_l", "mg_l_caco3", "ppm"),
    "transparency": ("cm",),
    "chlorophyll": ("ug_l",),
    "water_level": ("m",),
    "depth": ("m",),
    "ammonia_total": ("mg_l", "mg_l_n", "ppm"),
    "nitrite": ("mg_l", "mg_l_n", "ppm"),
}
_TIMES: Final = frozenset(
    {
        "time",
        "timestamp",
        "datetime",
        "date_time",
        "datetimestamp",
        "time_utc",
        "datetimeutc",
        "startdatetime",
        "measured_at",
        "recorded_at",
        "unix_timestamp",
        "utc",
        "datetime_utc",
        "date_time_utc",
        "timestamp_utc",
        "utc_time",
        "gps_time",
        "basedatetime",
        "base_date_time",
        "thoi_gian",
        "thoi_diem",
        "ngay_gio",
    }
)
_DAYS: Final = frozenset({"date", "day", "ngay", "ngay_do"})
_HOURS: Final = frozenset({"time", "hour", "gio", "gio_do", "thoi_gian"})
_ZONE: Final = re.compile(
    r"(?:UTC|GMT)\s*([+\-\u2212])\s*(\d{1,2})(?::?(\d{2}))?", re.IGNORECASE
)
"""A clock's zone in the name of its column: ``Date Time, GMT+07:00``."""
_LOGGER: Final = re.compile(r"\((?:LGR|SEN) S/N.*?\)")
"""The serial number that HOBO loggers write behind each name."""
_BRACKETED: Final = re.compile(r"[(\[].*?[)\]]")
_PLACE: Final = re.compile(
    r"(?:(?:probe|sensor|dau_do|s|p|so)_?)?(?:\d{1,2}|[a-d])"
    r"|(?:o_|tang_)?(?:surface|bottom|middle|mid|top|deep|upper|lower|mat|day|giua)"
    r"|\d{1,2}(?:_\d{1,2})?_?m"
)
"""What may stand beside a channel's name: a number, a letter, a layer, a depth."""


_SAMPLED: Final = re.compile(r"_(?:avg|smp|mean)(?=_|$)")
"""What Campbell's loggers write behind each name: of what its number is made."""
_VERDICTS: Final = re.compile(
    r"(?:^|_)(?:qc|qa|qf|\w*finalqf|flags?|labels?|labell?ed|anomaly|outlier|qartod"
    r"|qualifiers?|quality|approval|grade|rejected|suspect)(?:_|$)"
    r"|(?:^|_)cor(?:rected)?(?:_(?:\d{1,2}|[a-d]))?$"
)
"""Words of columns that were written afterwards; ``cor`` and ``corrected`` as the last."""
_NO_QUANTITY: Final = frozenset(
    [
        "id",
        "index",
        "row",
        "record",
        "station",
        "site",
        "station_id",
        "site_id",
        "utcoffset",
        "utc_offset",
        "f_record",
        "historical",
        "provisionalplus",
    ]
)


_OXYGEN: Final = re.compile(
    r"oxy|(?:^|_)(?:odo|o2|do_(?:conc|u|um|[um]mol|ml|ug))(?:_|$)"
)
"""Not every ``do``: độ mặn, độ kiềm and độ đục begin so without their signs."""


class Meaning(NamedTuple):
    """The channel that a column is of (its own name if none of ours), and which probe's."""

    channel: str
    place: str = ""


def slug(name: str) -> str:
    """Return a name in small letters and digits, without diacritics and signs."""
    lower = (
        _LOGGER.sub("", name).strip().lower().replace("đ", "d").replace("%", " pct ")
    )
    lower = lower.replace("‰", " permille ").replace("µ", "u").replace("μ", "u")
    bare = unicodedata.normalize("NFD", lower.replace("°", " "))
    letters = "".join(one for one in bare if not unicodedata.combining(one))
    return re.sub(r"[^a-z0-9]+", "_", letters).strip("_")


@cache
def meaning_of(name: str) -> Meaning:
    """Return what a column means: first by its whole name, then without a place in it."""
    words = _SAMPLED.sub("", slug(name))
    known = _known().get(words)
    if known is not None:
        return Meaning(known)
    parts = words.split("_")
    for length in (1, 2, 3):
        for start in range(len(parts) - length, -1, -1):
            place = "_".join(parts[start : start + length])
            rest = "_".join(parts[:start] + parts[start + length :])
            if _PLACE.fullmatch(place) and rest in _known():
                return Meaning(_known()[rest], place)
    return Meaning(name)


def looks_like_oxygen(name: str) -> bool:
    """Return whether a name speaks of oxygen, in whatever unit: ``DO (µmol/L)``."""
    return bool(_OXYGEN.search(slug(name)))


def is_verdict(name: str) -> bool:
    """Return whether a column is somebody's verdict, made afterwards, or only a number.

    By the words of its name: ``ph_qc_1``, ``Temp Flag``, ``is_anomaly``; ``station_id``.
    """
    words = slug(name)
    is_none = words in _NO_QUANTITY or name.strip() == "#"
    return is_none or bool(_VERDICTS.search(words))


def time_columns(names: Iterable[str]) -> list[str]:
    """Return the column of instants, or those of day and hour that make one; [] if none."""
    by_slug: dict[str, str] = {}
    for name in names:
        bare = _ZONE.sub("", _BRACKETED.sub("", name))
        by_slug.setdefault(slug(bare) or slug(name), name)
    day = next((own for key, own in by_slug.items() if key in _DAYS), None)
    hour = next((own for key, own in by_slug.items() if key in _HOURS), None)
    whole = next((own for key, own in by_slug.items() if key in _TIMES), None)
    if "time" in by_slug.values() and day is None:
        return ["time"]
    if day is not None and hour is not None:
        return [day, hour]
    if whole is not None:
        return [whole]
    return [] if day is None else [day]


def zone_of(name: str) -> int | None:
    """Return how many minutes a clock is ahead of UTC by its column's name; None if it does
    not say."""
    found = _ZONE.search(name)
    if found is None:
        return None
    minutes = 60 * int(found[2]) + int(found[3] or 0)
    return minutes if found[1] == "+" else -minutes


@cache
def _known() -> Mapping[str, str]:
    found = {channel: channel for channel in _CHANNELS}
    for channel in _CHANNELS:
        for word in (channel, *_WORDS.get(channel, ())):
            found.setdefault(word, channel)
            for unit in _UNITS.get(channel, ()):
                found.setdefault(f"{word}_{unit}", channel)
    for word in ("do", "oxygen", "oxy", "oxy_hoa_tan", "odo"):
        for rest in ("pct", "pct_sat"):
            found[f"{word}_{rest}"] = "oxygen_saturation"
    return found
