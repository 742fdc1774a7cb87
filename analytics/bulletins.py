"""Every evening one sentence a unit, and in the morning how right it was.

    20:00  "Ao 3 đêm nay thấp nhất 3,4 mg/L lúc 05:00 (khoảng 2,8–3,9); người trực: Hòa"
    07:00  "Ao 3 đêm qua thấp nhất 3,1 mg/L lúc 05:20; đã dự báo 3,4: trong khoảng dự báo"

A sentence is made once (its unit, kind and day are its identity) and sent to everybody
whom the organisation's alarms reach, each address once, all units in one message. What
is said in the evening is what the morning is held against.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from hashlib import blake2b
from typing import Final, Protocol

from msgspec import Struct

from analytics.alarms.calling import is_on_duty
from analytics.oxygen.evening import (
    Language,
    Tonight,
    evening_sentence,
    morning_sentence,
)
from greenwater.kernel.clock import VIETNAM
from greenwater.kernel.reading import HOUR_MS, milliseconds
from greenwater.storage.registry.bulletins import Bulletin, BulletinCopy
from greenwater.storage.registry.contacts import Contact

EVENING: Final = "evening"
MORNING: Final = "morning"
EVENING_H: Final = 20
EVENING_UNTIL_H: Final = 23
MORNING_H: Final = 7
MORNING_UNTIL_H: Final = 11
WATCH_H: Final = 2
"""Who is on duty at this hour of the night is on watch."""

HEADS: Final = {EVENING: "Oxy đêm nay", MORNING: "Oxy đêm qua"}


class Lowest(Struct, frozen=True):
    """The lowest oxygen of a night, mg/L, and when."""

    value: float
    at_ms: int


class Registry(Protocol):
    """What bulletins ask of the registry."""

    def contacts(self) -> Sequence[Contact]:
        """Return who is told."""
        ...

    def names(self) -> Mapping[str, str]:
        """Return everybody's name by his id."""
        ...

    def bulletins(
        self, *, unit: str | None = None, from_ms: int = 0
    ) -> Sequence[Bulletin]:
        """Return the sentences made since an instant."""
        ...

    def save_bulletins(
        self, bulletins: Sequence[Bulletin], copies: Sequence[BulletinCopy]
    ) -> None:
        """Keep sentences and their copies."""
        ...


def hour_of_bulletin(now_ms: int) -> tuple[str, str] | None:
    """Return which kind is to be made now, and the day it is about; None: none."""
    at = datetime.fromtimestamp(now_ms / 1000, VIETNAM)
    if EVENING_H <= at.hour < EVENING_UNTIL_H:
        return EVENING, at.date().isoformat()
    if MORNING_H <= at.hour < MORNING_UNTIL_H:
        return MORNING, (at - timedelta(days=1)).date().isoformat()
    return None


def night_of(day: str) -> tuple[int, int]:
    """Return a day's night in milliseconds: from its evening until the morning."""
    evening = datetime.fromisoformat(day).replace(hour=EVENING_H, tzinfo=VIETNAM)
    morning = evening + timedelta(hours=24 - EVENING_H + MORNING_H)
    return milliseconds(evening), milliseconds(morning)


def on_watch(
    contacts: Iterable[Contact], organisation: str, names: Mapping[str, str], day: str
) -> str:
    """Return the name of who is on watch in a day's night; empty if nobody is."""
    at_ms = night_of(day)[0] + (24 - EVENING_H + WATCH_H) * HOUR_MS
    ours = [one for one in contacts if one.organisation == organisation]
    on = [one for one in ours if is_on_duty(one, at_ms)]
    first = min(on, key=lambda one: one.place, default=None)
    return "" if first is None else names.get(first.person, first.person)


def evening(
    organisation: str,
    unit: str,
    night: Tonight,
    *,
    day: str,
    watch: str,
    now_ms: int,
) -> Bulletin:
    """Return the evening's sentence; ``night.unit`` is the unit's name."""

    def said(language: Language) -> str:
        return evening_sentence(night, watch=watch, zone=VIETNAM, language=language)

    return Bulletin(
        organisation=organisation,
        unit=unit,
        kind=EVENING,
        day=day,
        made_ms=now_ms,
        vi=said("vi"),
        en=said("en"),
        detail={
            "unit": night.unit,
            "lowest": round(night.lowest, 3),
            "at_ms": night.at_ms,
            "low": round(night.low, 3),
            "high": round(night.high, 3),
        },
    )


def morning(before: Bulletin, came: Lowest | None, now_ms: int) -> Bulletin:
    """Return the morning's answer to what was said in the evening."""
    night = Tonight(
        before.detail["unit"],
        before.detail["lowest"],
        before.detail["at_ms"],
        before.detail["low"],
        before.detail["high"],
    )

    def said(language: Language) -> str:
        return morning_sentence(
            night,
            came=None if came is None else came.value,
            came_ms=now_ms if came is None else came.at_ms,
            zone=VIETNAM,
            language=language,
        )

    known = (
        {} if came is None else {"came": round(came.value, 3), "came_ms": came.at_ms}
    )
    return Bulletin(
        organisation=before.organisation,
        unit=before.unit,
        kind=MORNING,
        day=before.day,
        made_ms=now_ms,
        vi=said("vi"),
        en=said("en"),
        detail={**before.detail, **known},
    )


def copies_of(
    bulletins: Sequence[Bulletin], contacts: Iterable[Contact], now_ms: int
) -> list[BulletinCopy]:
    """Return one message for each address, with all of its organisation's sentences."""
    found = []
    for contact in contacts:
        ours = [one for one in bulletins if one.organisation == contact.organisation]
        if not ours:
            continue
        kind, day = ours[0].kind, ours[0].day
        short = blake2b(contact.url.encode(), digest_size=6).hexdigest()
        found.append(
            BulletinCopy(
                id=f"{contact.organisation}/{kind}/{day}/{contact.person}/{short}",
                organisation=contact.organisation,
                person=contact.person,
                url=contact.url,
                head=HEADS[kind],
                text="\n".join(f"{one.vi}." for one in ours),
                due_ms=now_ms,
            )
        )
    return found
