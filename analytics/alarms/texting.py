"""An alarm as one text message: 160 characters without diacritics. Pure.

    AO 3 NGUY CAP 03:02. Oxy 2,8 mg/L, dang giam. Bat them quat nuoc, ngung cho an. Nhan: …

Where it does not fit, words go in this order: the acts after the first, what is said beside
the number, long names (their middle), the time, the severity, with what the first act is
done. The number, the place, the first act and the link stay.
"""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from typing import Final

from analytics.alarms.messages import (
    advice,
    channel_word,
    clock,
    matter,
    quantity,
    said_ms,
    severity_word,
)
from analytics.alarms.wording import saying
from greenwater.storage.registry.alarms import Alarm

TEXT_MOST: Final = 160
"""The characters of one text message without diacritics (GSM 03.38, seven bits)."""

LINK_MOST: Final = 72
"""The longest link beside which all that should stay does."""

_LENGTHS: Final = ((26, 18), (18, 12), (14, 9), (10, 6))
"""How long the names of a pond and of its farm may be, ever shorter."""

SIMULATED: Final = "MO PHONG. "

_PLAIN: Final = str.maketrans(
    {
        "đ": "d", "Đ": "D", "–": "-", "—": "-", "…": "..", "‰": "%o", "×": "x", "·": "-",
        "“": '"', "”": '"', "‘": "'", "’": "'", "`": "'", "´": "'",
        "[": "(", "]": ")", "{": "(", "}": ")", "\\": "/", "|": "/", "~": "-", "^": "",
    }
)  # fmt: skip
"""Those of the last line are in no text message, or count as two characters there."""


_BESIDE: Final = re.compile(r" (?:va|bang|qua|cua) | \(")
_HAS_NUMBER: Final = re.compile(r"(?<![A-Za-z])[0-9]")


def plain(text: str) -> str:
    """Return a text as Vietnamese write it in text messages: ASCII, each one character."""
    bare = unicodedata.normalize("NFD", text.translate(_PLAIN))
    kept = "".join(one for one in bare if not unicodedata.combining(one))
    plainer = unicodedata.normalize("NFKC", kept).translate(_PLAIN)
    return re.sub(
        r"[\x00-\x09\x0b-\x1f\x7f]", " ", plainer.encode("ascii", "ignore").decode()
    )


def text_message(alarm: Alarm, unit_name: str, unit_kind: str, link: str) -> str:
    """Return an alarm's text message, at most ``TEXT_MOST`` characters, its link whole."""
    tail = f" Nhan: {link}"
    room = TEXT_MOST - len(tail)
    told = ""
    for told in _ever_shorter(alarm, unit_name, unit_kind):
        if len(told) <= room:
            return told + tail
    return f"{_words(told, room)}{tail}"


def _ever_shorter(alarm: Alarm, unit_name: str, unit_kind: str) -> Iterator[str]:
    where = _line(unit_name or str(alarm.detail.get("place", ""))).upper()
    if alarm.is_simulated:  # it is said once
        where = " ".join(where.replace("(MO PHONG)", "").split())
    word = _line(severity_word(alarm.severity, "vi")).upper()
    at = clock(said_ms(alarm))
    saids = _clauses(matter(alarm, "vi").replace(f". {saying('unknown', 'vi')}", ""))
    acts = [_line(advice(alarm, unit_kind, "vi"))]
    acts.append(acts[0].partition(",")[0].rstrip(".") + ".")
    mark = SIMULATED if alarm.is_simulated else ""

    def told(where: str, *rest: str, said: str, act: str) -> str:
        head = " ".join(one for one in (where, *rest) if one)
        told = f"{said}. {act}"
        return f"{mark}{head}. {told[:1].upper()}{told[1:]}"

    yield told(where, word, at, said=saids[0], act=acts[0])
    for said in saids:
        yield told(where, word, at, said=said, act=acts[1])
    core = saids[-1]
    for rest in ((word, at), (word,), ()):
        for unit, farm in _LENGTHS[:2]:
            yield told(_named(where, unit, farm), *rest, said=core, act=acts[1])
    for unit, farm in _LENGTHS[2:]:
        yield told(_named(where, unit, farm), said=core, act=acts[1])
    shortest, act = _named(where, *_LENGTHS[-1]), _bare_act(acts[1])
    yield told(shortest, said=core, act=act)
    yield told(shortest, said=_bare(alarm) or core, act=act)
    for most in (40, 32, 24):
        yield told(shortest, said=_words(core, most), act=act)


def _bare(alarm: Alarm) -> str:
    """Return the channel and its number alone; "" where there is none."""
    if alarm.value is None or alarm.kind not in ("limit", "forecast"):
        return ""
    value = quantity(alarm, alarm.value, "vi")
    if "against" in alarm.detail:
        value = f"{value} hay {quantity(alarm, float(alarm.detail['against']), 'vi')}"
    return _line(f"{channel_word(alarm, 'vi')} {value}")


def _bare_act(act: str) -> str:
    """Return an act without by what and from what: "Do lai." of "Do lai bang may …"."""
    return _BESIDE.split(act, maxsplit=1)[0].rstrip(".") + "."


def _line(text: str) -> str:
    return " ".join(plain(text).split())


def _clauses(text: str) -> Sequence[str]:
    """Return a sentence with ever fewer of its last clauses, but never without a number."""
    line = _line(text).rstrip(".")
    ends = [found.start() for found in re.finditer(r"[,.;] ", line)]
    shorter = (line[:end] for end in reversed(ends))
    return [line, *(one for one in shorter if _HAS_NUMBER.search(one))]


def _named(where: str, unit: int, farm: int) -> str:
    """Return a place's name, and its farm's, each without its middle: AO NUOI..SO 12."""
    name, parting, site = where.rpartition(" - ")
    if not parting:
        return _squeezed(where, unit)
    return f"{_squeezed(name, unit)} - {_squeezed(site, farm)}"


def _squeezed(text: str, most: int) -> str:
    if len(text) <= most:
        return text
    kept = most - 2
    end = kept // 2
    return f"{text[: kept - end].rstrip()}..{text[len(text) - end :].lstrip()}"


def _words(text: str, most: int) -> str:
    """Return as many whole words as fit."""
    if len(text) <= most:
        return text
    return text[: max(most, 0) + 1].rpartition(" ")[0][: max(most, 0)].rstrip(" ,;-")
