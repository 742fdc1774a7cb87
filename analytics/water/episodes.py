"""Stretches of odd readings: opened, lengthened and closed, with ids that any run repeats.

An episode is of one channel and one kind, sensor or water; both may be open at once, so that
a fault of the probe never hides trouble of the water. It ends with its last odd reading
and is closed when an hour has passed without another.
"""

import hashlib
from typing import Final, NamedTuple

from msgspec import Struct

from greenwater.kernel.reading import DAY_MS, HOUR_MS
from greenwater.reference.causes import CAUSES, Kind

CLOSED_MS: Final = HOUR_MS
OPEN_AT: Final = 0.5
AGREED_AT: Final = 0.3
"""A comparison that scores less says that two instruments agree again."""
BESIDE: Final = "beside"
BY_PROBE, BY_HAND, BY_DAYS = "probe", "hand", "days"
COMPARED_MS: Final = DAY_MS
ASKED_MS: Final = 8 * DAY_MS
"""People hold a meter beside a probe once a week, or oftener."""
JUDGED_MS: Final = 3 * DAY_MS
"""A day's end may be missed: it had too few readings."""


class Change(NamedTuple):
    """What happened to an episode: ``opened``, ``named`` (another cause) or ``closed``."""

    what: str
    episode: "Episode"


class Episode(Struct, kw_only=True):
    """A stretch of odd readings of one channel.

    ``channels`` are all that were odd with it, ``probability`` is the highest score,
    ``cause`` a row of ``causes.toml``, ``strength`` how sure the cause is.
    """

    id: str
    device: str
    probe: str
    channel: str
    kind: Kind
    cause: str
    start_ms: int
    end_ms: int
    probability: float
    channels: list[str]
    readings: int = 1
    beside: str = ""
    """Which instrument it was held to last, and when; or its own days; empty: none."""

    @property
    def is_alone(self) -> bool:
        """Whether nothing but the probe's own past speaks against it."""
        return self.beside.startswith(f"{BY_DAYS} ")

    @property
    def words_vi(self) -> str:
        """What it is and what to do, in Vietnamese."""
        return CAUSES[self.cause].vi

    @property
    def words_en(self) -> str:
        """What it is and what to do, in English."""
        return CAUSES[self.cause].en

    @property
    def compared(self) -> str:
        """What the readings were compared with."""
        return self.beside or CAUSES[self.cause].compared


class Odd(NamedTuple):
    """One reading's score and the cause that makes most of it; ``near`` was odd with it.

    ``is_certain``: no matter of degree, so it is told however often it was.
    """

    score: float
    cause: str
    near: tuple[str, ...] = ()
    is_certain: bool = False


RANK: Final = {
    "out_of_water": 9,
    "impossible": 8,
    "reads_zero": 7,
    "serviced": 6,
    "no_value": 5,
    "fouled": 4,
    "drift": 4,
    "stuck": 3,
    "level_shift": 2,
}
"""Of several causes in one episode the higher one names it."""


def episode_id(device: str, probe: str, channel: str, kind: Kind, start_ms: int) -> str:
    """Return the id of an episode: the same whenever and wherever it is found."""
    text = f"{device}/{probe}/{channel}/{kind}/{start_ms}"
    return f"{kind[0]}{hashlib.blake2s(text.encode(), digest_size=6).hexdigest()}"


def taken(
    opened: dict[str, Episode],
    device: str,
    probe: str,
    channel: str,
    at_ms: int,
    odd: Odd,
) -> list[Change]:
    """Lengthen or open the episode that an odd reading belongs to."""
    kind = CAUSES[odd.cause].kind
    key = f"{channel}/{kind}"
    one = opened.get(key)
    if one is None:
        one = Episode(
            id=episode_id(device, probe, channel, kind, at_ms),
            device=device,
            probe=probe,
            channel=channel,
            kind=kind,
            cause=odd.cause,
            start_ms=at_ms,
            end_ms=at_ms,
            probability=odd.score,
            channels=[channel, *odd.near],
        )
        opened[key] = one
        return [Change("opened", one)]
    one.end_ms = at_ms
    one.readings += 1
    one.probability = max(one.probability, odd.score)
    one.channels += [name for name in odd.near if name not in one.channels]
    if RANK.get(odd.cause, 0) > RANK.get(one.cause, 0):
        one.cause = odd.cause
        return [Change("named", one)]
    return []


def held_to(opened: dict[str, Episode], one: Episode, score: float) -> list[Change]:
    """Open, lengthen or end an episode that another instrument speaks of.

    ``one`` is what the episode is if this comparison opens it. It ends only when the two
    agree again, however long nobody compares (up to ``pause_of``).
    """
    key = f"{one.channel}/{BESIDE}/{one.beside.partition(' ')[0]}"
    known = opened.get(key)
    if known is None:
        if score < OPEN_AT:
            return []
        opened[key] = one
        return [Change("opened", one)]
    if score < AGREED_AT:
        return [Change("closed", opened.pop(key))]
    if score < OPEN_AT:
        return []
    known.end_ms = max(known.end_ms, one.end_ms)
    known.readings += 1
    known.beside = one.beside
    known.probability = max(known.probability, score)
    return []


def pause_of(key: str) -> int:
    """Return how long an episode stays open without another odd reading."""
    how = key.rpartition("/")[2]
    if f"/{BESIDE}/" not in key:
        return CLOSED_MS
    return {BY_HAND: ASKED_MS, BY_DAYS: JUDGED_MS}.get(how, COMPARED_MS)


def closed(opened: dict[str, Episode], at_ms: int) -> list[Change]:
    """Close, and forget, the episodes whose last odd reading is too long ago."""
    over = [
        key
        for key, one in opened.items()
        if at_ms - one.end_ms > CLOSED_MS and at_ms - one.end_ms > pause_of(key)
    ]
    return [Change("closed", opened.pop(key)) for key in over]
