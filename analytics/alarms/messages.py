"""What an alarm says to people: a sentence, what to do, a message. Pure.

The voice is the glossary's (one verb and one number first; advice is an act). Numbers
and times are Vietnamese. ``texting`` says it without diacritics, in one text message.
"""

import re
from collections.abc import Callable, Mapping
from typing import Final

from analytics.alarms.wording import (
    ADVICE,
    BASES,
    CHANNELS,
    PLACES,
    SEVERITIES,
    saying,
)
from greenwater.kernel.clock import VIETNAM
from greenwater.kernel.reading import HOUR_MS, instant
from greenwater.reference.limits import Basis, Severity
from greenwater.storage.registry.alarm_kinds import AlarmKind
from greenwater.storage.registry.alarms import Alarm

FALLING_PER_H: Final = 0.2
"""A slower change, in the channel's unit an hour, is not spoken of."""

MOST_DIGITS: Final = 3

_MEASURED: Final = frozenset({"limit", "battery"})
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
    return SEVERITIES[lang][Severity(severity)]


def quantity(alarm: Alarm, value: float, lang: str) -> str:
    """Return a value of the alarm's channel with its unit; "" where none would help."""
    if alarm.kind in ("mains", "episode"):
        return ""
    _, unit, digits = _channel(alarm, lang)
    return f"{number(value, digits, lang)} {unit}".strip()


def limit_text(alarm: Alarm, value: float, lang: str) -> str:
    """Return a limit with its unit and all its digits: 4,25 is not 4,3."""
    _, unit, digits = _channel(alarm, lang)
    while digits < MOST_DIGITS and round(value, digits) != round(value, MOST_DIGITS):
        digits += 1
    return f"{number(value, digits, lang)} {unit}".strip()


def sentence(alarm: Alarm, unit_name: str, lang: str) -> str:
    """Return what is the matter: "Ao 3: oxy 2,8 mg/L, đang giảm".

    Once it is over, how bad it was: "Ao 3: oxy thấp nhất 2,1 mg/L".
    """
    where = unit_name or str(alarm.detail.get("place", ""))
    what = matter(alarm, lang)
    return f"{where}: {what}" if where else what


def matter(alarm: Alarm, lang: str) -> str:
    """Return what is the matter, without where."""
    return WHAT[alarm.kind](alarm, lang)


def advice(alarm: Alarm, unit_kind: str, lang: str) -> str:
    """Return what to do, as an act."""
    own = alarm.detail.get(f"advice_{lang}")
    if own:
        return str(own)
    matter: str = alarm.kind
    if matter == "limit":
        is_against = "against" in alarm.detail
        matter = "against" if is_against else f"{alarm.channel}/{alarm.side}"
    found = (
        ADVICE.get((matter, unit_kind)) or ADVICE.get((matter, "")) or ADVICE["", ""]
    )
    return found[0] if lang == "vi" else found[1]


OWN_NOTES: Final = re.compile(r"[ ;,:]*(?:note:|domain\.md).*")
"""What a source says from here on is for whoever works on Greenwater, not for a farmer."""


def setter_of(alarm: Alarm) -> str | None:
    """Return the person who set the limit that was left, if it is the unit's own."""
    own = alarm.detail.get("own")
    return None if own is None else str(own["person"])


def grounds(
    alarm: Alarm, lang: str, kind: str = "", who: str = "", *, is_short: bool = False
) -> str:
    """Return what the alarm rests on: law, standard or our practice, source, verified or not.

    Or that it is the unit's own limit: ``who`` set it, ``kind`` is what the unit is. "" for
    alarms from before this was kept.
    """
    detail = alarm.detail
    if "basis" not in detail:
        return ""
    head = saying("rule", lang)
    if alarm.limit is not None:
        head = saying("limit", lang, value=limit_text(alarm, alarm.limit, lang))
    if "own" in detail:
        return f"{head}: {_own(alarm, lang, kind, who)}"
    is_verified = bool(detail.get("verified"))
    known = saying("verified" if is_verified else "unverified", lang)
    basis = BASES[lang][Basis(detail["basis"])]
    source = OWN_NOTES.sub("", str(detail.get("source", "")))
    if is_short or not source:
        return f"{head}: {basis}, {known}"
    return f"{head}: {basis} ({source}), {known}"


def _own(alarm: Alarm, lang: str, kind: str, who: str) -> str:
    """Return whose own limit it is, and how it stands to the species'."""
    own = alarm.detail["own"]
    where = PLACES.get(kind, PLACES["pond"])[lang == "en"]
    day = instant(int(own["set_ms"])).astimezone(VIETNAM).strftime("%d/%m/%Y")
    named = who or saying("somebody", lang)
    said = saying("own", lang, where=where, who=named, day=day)
    theirs = own.get("species_limit")
    if theirs is None:
        return said
    value = limit_text(alarm, float(theirs), lang)
    key = "looser" if own["is_looser"] else "stricter"
    return f"{said}; {saying(key, lang, value=value, reason=own['reason'])}"


def title(alarm: Alarm, unit_name: str, lang: str) -> str:
    """Return a message's first line: "Nguy cấp 03:02 – Ao 3"."""
    word = severity_word(alarm.severity, lang)
    where = unit_name or str(alarm.detail.get("place", ""))
    return f"{word} {clock(said_ms(alarm))} – {where}"


def body(
    alarm: Alarm, unit_name: str, unit_kind: str, link: str, lang: str, who: str = ""
) -> str:
    """Return a message's text, with the link that acknowledges this one alarm.

    ``link`` "": the message is itself one. ``who`` set the limit that was left, if it is the unit's own.
    """
    mark = "SỐ LIỆU MÔ PHỎNG. " if lang == "vi" else "SIMULATED DATA. "
    todo = "Việc cần làm" if lang == "vi" else "What to do"
    take = "Tôi đã nhận, tôi xử lý" if lang == "vi" else "I take care of it"
    rests = grounds(alarm, lang, unit_kind, who, is_short=True)
    lines = (
        f"{mark if alarm.is_simulated else ''}{sentence(alarm, unit_name, lang)}.",
        f"{todo}: {advice(alarm, unit_kind, lang)}",
        rests,
        f"{take}: {link}" if link else "",
    )
    return "\n".join(one for one in lines if one)


def said_ms(alarm: Alarm) -> int:
    """Return the instant that a message speaks of: when its value was measured."""
    is_measured = alarm.kind in _MEASURED and alarm.taken_ms is not None
    return alarm.taken_ms or 0 if is_measured else alarm.raised_ms


def _channel(alarm: Alarm, lang: str) -> tuple[str, str, int]:
    return CHANNELS[lang].get(alarm.channel or "", (alarm.channel or "", "", 2))


def channel_word(alarm: Alarm, lang: str) -> str:
    """Return what the alarm's channel is called within a sentence."""
    return _channel(alarm, lang)[0]


def _value(alarm: Alarm, lang: str) -> str:
    return "" if alarm.value is None else quantity(alarm, alarm.value, lang)


def _limit(alarm: Alarm, lang: str) -> str:
    """Return what a limit's alarm says: level, fall, swing, or two probes that differ."""
    name, detail = channel_word(alarm, lang), alarm.detail
    if alarm.value is None:
        return name
    if alarm.side == "swing":
        worst = alarm.value if alarm.is_active else (alarm.worst or alarm.value)
        return saying("swing", lang, name=name, value=quantity(alarm, worst, lang))
    if not alarm.is_active and alarm.worst is not None:
        words = _WORST[lang][alarm.side == "high"]
        return f"{name} {words} {quantity(alarm, alarm.worst, lang)}"
    if "against" in detail:
        other = quantity(alarm, float(detail["against"]), lang)
        told = {"name": name, "value": _value(alarm, lang), "other": other}
        return saying("against", lang, **told)
    if "lens" in detail:
        name = saying("surface", lang, name=name)
    if "from" in detail:
        return _fall(alarm, name, lang)
    said = f"{name} {_value(alarm, lang)}"
    if "lens" in detail:
        less = quantity(alarm, float(detail["lens"]), lang)
        return f"{said}, {saying('lens', lang, value=less)}"
    trend = _trend(alarm, lang)
    return f"{said}, {trend}" if trend else said


def _fall(alarm: Alarm, name: str, lang: str) -> str:
    digits, detail = _channel(alarm, lang)[2], alarm.detail
    hours = ((alarm.taken_ms or 0) - int(detail["from_ms"])) / HOUR_MS
    return saying(
        "fell",
        lang,
        name=name,
        before=number(float(detail["from"]), digits, lang),
        value=_value(alarm, lang),
        hours=max(1, round(hours)),
    )


def _trend(alarm: Alarm, lang: str) -> str:
    slope = alarm.trend_per_h
    if slope is None or abs(slope) < FALLING_PER_H:
        return ""
    words = {"vi": ("đang giảm", "đang tăng"), "en": ("falling", "rising")}
    return words[lang][slope > 0]


def _silence(alarm: Alarm, lang: str) -> str:
    said = saying("silent", lang, time=clock(alarm.began_ms))
    if alarm.kind == "site_silence":
        count = len(alarm.detail.get("devices", ()))
        said = f"{said} ({saying('boxes', lang, count=count)})"
    return _then_known(alarm, said, lang)


def _then_known(alarm: Alarm, said: str, lang: str) -> str:
    """Return what is not known, and what was known last."""
    unknown = saying("unknown", lang)
    if alarm.value is None:
        return f"{said}. {unknown}"
    trend = _trend(alarm, lang)
    known = (
        f"{saying('last', lang, name=channel_word(alarm, lang))} {_value(alarm, lang)}"
    )
    return f"{said}. {known}{', ' + trend if trend else ''}. {unknown}"


def _blind(alarm: Alarm, lang: str) -> str:
    said = saying(
        "blind", lang, name=channel_word(alarm, lang), time=clock(alarm.began_ms)
    )
    return _then_known(alarm, said, lang)


def _mains(alarm: Alarm, lang: str) -> str:
    return saying("mains", lang, time=clock(alarm.began_ms))


def _battery(alarm: Alarm, lang: str) -> str:
    return saying("battery", lang, value=_value(alarm, lang))


def _aerator(alarm: Alarm, lang: str) -> str:
    tail = (alarm.probe or "").rpartition("-")[2]
    number = f" {tail}" if tail.isdigit() else ""
    name = saying("aerator_name", lang, number=number)
    said = saying("aerator", lang, name=name, time=clock(alarm.began_ms))
    if alarm.value is None or not alarm.is_active:
        return said
    now = saying("now", lang, name=channel_word(alarm, lang), value=_value(alarm, lang))
    return f"{said}, {now}"


def _forecast(alarm: Alarm, lang: str) -> str:
    at_ms = int(alarm.detail.get("for_ms", alarm.raised_ms))
    told = {"name": channel_word(alarm, lang), "value": _value(alarm, lang)}
    said = saying("forecast", lang, time=clock(at_ms), **told)
    low = alarm.detail.get("low")
    if low is None:
        return said
    worst = quantity(alarm, max(float(low), 0.0), lang)
    return f"{said}, {saying('may_be', lang, value=worst)}"


def _episode(alarm: Alarm, lang: str) -> str:
    return str(alarm.detail.get(lang) or alarm.detail.get("cause", ""))


WHAT: Final[Mapping[AlarmKind, Callable[[Alarm, str], str]]] = {
    "limit": _limit,
    "silence": _silence,
    "site_silence": _silence,
    "blind": _blind,
    "mains": _mains,
    "battery": _battery,
    "aerator": _aerator,
    "forecast": _forecast,
    "episode": _episode,
    "zone": _episode,
    "monitoring": _episode,
    "contact": _episode,
}
"""What is said of each kind."""
