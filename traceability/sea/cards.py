"""The trip card: a trip on the family's phone as a signed code, checked without a network.

    {base}/card/{vessel}/{from}-{to}/{catch}/{papers}/{made}?s={key}.{signature}

``from`` and ``to`` are days (``0``: at sea), ``catch`` kilograms by species joined by
dots, ``papers`` a letter and the last day (YYMMDD) of each paper that the vessel has,
``made`` the minute it was made, in Vietnam. Only this one spelling is a card. The same in
the browser: ``web/static/card.js``, held to the same vectors.
"""

import datetime as dt
import re
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Final
from urllib.parse import quote, unquote

from msgspec import Struct

from greenwater.kernel.clock import VIETNAM
from greenwater.kernel.errors import InputError
from greenwater.kernel.reading import DAY_MS, day_of, local, milliseconds
from greenwater.reference.vessel_rules import RULES
from greenwater.storage.registry.vessel_books import Kilograms
from traceability.proof.keys import KeysDocument, Signer
from traceability.proof.seals import is_sealed, parse_seal, seal
from traceability.proof.verify import Status
from traceability.sea.vessel_papers import PaperStanding, PaperState

DOMAIN: Final = b"greenwater-card-1\n"
"""What stands before the signed text, so that the key's other signatures are no cards."""

LETTERS: Final[Mapping[str, str]] = {
    kind: rule.letter for kind, rule in RULES.papers.items()
}
LASTING: Final = "999999"
"""The last day of a paper that has none."""

LIFE_MS: Final = round(RULES.card.value * DAY_MS)
"""How long a card may be shown after it was made."""

MOST_SPECIES: Final = 12
_CARD: Final = re.compile(
    r"(?P<base>https?://[0-9A-Za-z.\-]+(?::[0-9]{1,5})?"
    r"(?:/[0-9A-Za-z._~\-]+)*)"
    r"/card/(?P<vessel>(?:[A-Z]|%C4%90){2,3}-[0-9]{4,5}-TS)"
    r"/(?P<from>[0-9]{8})-(?P<to>0|[0-9]{8})"
    r"/(?P<catch>0|[A-Z]{3}[0-9]{1,7}(?:\.[A-Z]{3}[0-9]{1,7}){0,11})"
    r"/(?P<papers>0|[A-Z][0-9]{6}(?:\.[A-Z][0-9]{6}){0,11})"
    r"/(?P<made>[0-9]{12})\?s=",
    re.ASCII,
)
_LIKE: Final = re.compile(r"^https?://[^?#]*/card/")


class CardCode(StrEnum):
    """What a card is worth."""

    VALID = "valid"
    ALTERED = "altered"
    UNKNOWN_KEY = "unknown_key"
    NOT_A_CARD = "not_a_card"
    REVOKED = "revoked"
    EXPIRED = "expired"
    CANCELLED = "cancelled"


class Card(Struct, frozen=True):
    """What a card says. Days are ISO; a paper's None: it does not end.

    ``catch_kg`` is what should be on board, in whole kg by species.
    """

    vessel: str
    from_day: str
    to_day: str | None
    catch_kg: Mapping[str, int]
    papers: Mapping[str, str | None]
    made_ms: int


class CardVerdict(Struct, frozen=True):
    """A verdict, and what the card says if it is spelt as one.

    ``at_ms`` is the time of the list that was looked into; None: none was.
    """

    code: CardCode
    card: Card | None = None
    key: str = ""
    at_ms: int | None = None


def is_like_a_card(text: str) -> bool:
    """Return whether a text is a card, or looks as if it had been one."""
    return _LIKE.match(text.strip(" \t\r\n")) is not None


def card_of(
    vessel: str,
    span: tuple[int, int | None],
    catch: Kilograms,
    papers: Sequence[PaperState],
    now_ms: int,
) -> Card:
    """Return a trip's card as of now; ``span`` is from departure to return in ms."""
    heaviest = sorted(catch, key=lambda one: -catch[one])[:MOST_SPECIES]
    return Card(
        vessel,
        _day(span[0]),
        None if span[1] is None else _day(span[1]),
        {one: round(catch[one]) for one in sorted(heaviest) if round(catch[one]) > 0},
        {
            one.paper: one.until_day
            for one in papers
            if one.standing is not PaperStanding.MISSING
        },
        now_ms - now_ms % 60_000,
    )


def make_card(card: Card, base: str, signer: Signer) -> str:
    """Return the address that is shown as a code."""
    caught = ".".join(f"{one}{kg}" for one, kg in card.catch_kg.items()) or "0"
    papers = ".".join(
        f"{LETTERS[one]}{_short(until)}" for one, until in card.papers.items()
    )
    made = local(card.made_ms).strftime("%Y%m%d%H%M")
    text = "/".join(
        (
            base.rstrip("/"),
            "card",
            quote(card.vessel, safe="-"),
            f"{_plain(card.from_day)}-{_plain(card.to_day)}",
            caught,
            papers or "0",
            f"{made}?s=",
        )
    )
    return seal(text, signer, DOMAIN)


def check_card(
    text: str, keys: KeysDocument, now_ms: int, status: Status | None = None
) -> CardVerdict:
    """Return what a card is worth at an instant; white space around it does not count.

    Without a published list nobody knows which cards were called in.
    """
    text = text.strip(" \t\r\n")
    try:
        sealed = parse_seal(text)
        card = _read(sealed.text)
    except (ValueError, InputError):
        is_like = is_like_a_card(text)
        return CardVerdict(CardCode.ALTERED if is_like else CardCode.NOT_A_CARD)
    key = keys.find(sealed.key)
    if key is None:
        return CardVerdict(CardCode.UNKNOWN_KEY, card, sealed.key)
    if not is_sealed(sealed, key, DOMAIN):
        return CardVerdict(CardCode.ALTERED, card, key.kid)
    if key.state != "active":
        return CardVerdict(CardCode.REVOKED, card, key.kid)
    code = _standing(card, now_ms, status)
    return CardVerdict(code, card, key.kid, None if status is None else status.at_ms)


def _standing(card: Card, now_ms: int, status: Status | None) -> CardCode:
    ended = () if status is None else status.cards
    if any(one.vessel == card.vessel and card.made_ms <= one.until_ms for one in ended):
        return CardCode.CANCELLED
    is_old = now_ms >= card.made_ms + LIFE_MS
    return CardCode.EXPIRED if is_old else CardCode.VALID


def _read(text: str) -> Card:
    """Return what a card says.

    Raises:
        ValueError: it is not spelt as one, a day in it is none, or a species or paper
            stands there twice.
    """
    found = _CARD.fullmatch(text)
    if found is None:
        raise ValueError("no card")
    parts = found.groupdict()
    kinds = {letter: kind for kind, letter in LETTERS.items()}
    caught = [] if parts["catch"] == "0" else parts["catch"].split(".")
    papers = [] if parts["papers"] == "0" else parts["papers"].split(".")
    kilograms = {one[:3]: int(one[3:]) for one in caught}
    ends = {kinds.get(one[0], one[0]): _long(one[1:]) for one in papers}
    if len(kilograms) < len(caught) or len(ends) < len(papers):
        raise ValueError("twice")
    made = dt.datetime.strptime(parts["made"], "%Y%m%d%H%M").replace(tzinfo=VIETNAM)
    return Card(
        unquote(parts["vessel"]),
        _iso(parts["from"]),
        None if parts["to"] == "0" else _iso(parts["to"]),
        kilograms,
        ends,
        milliseconds(made),
    )


def _day(ms: int) -> str:
    return day_of(ms).isoformat()


def _plain(day: str | None) -> str:
    return "0" if day is None else day.replace("-", "")


def _iso(text: str) -> str:
    return dt.date(int(text[:4]), int(text[4:6]), int(text[6:])).isoformat()


def _short(day: str | None) -> str:
    return LASTING if day is None else day.replace("-", "")[2:]


def _long(text: str) -> str | None:
    return None if text == LASTING else _iso(f"20{text}")
