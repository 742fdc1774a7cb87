"""Makes cards.json: trip cards, true and false, with what each is worth.

python -m tests.vectors.make_cards
"""

import json
from pathlib import Path
from typing import Any

import msgspec

from tests.vectors.make_labels import BASE, published, signer
from traceability.proof.links import to_text
from traceability.proof.verify import CardsEnded, Status
from traceability.sea.cards import DOMAIN, Card, check_card, make_card

FILE = Path(__file__).with_name("cards.json")
NOW = 1_780_400_000_000
ENDED = "KH-90415-TS"
STATUS = Status(NOW, cards=(CardsEnded(ENDED, NOW - NOW % 60_000),))
CARD = Card(
    "KH-95123-TS",
    "2026-06-01",
    "2026-06-02",
    {"BET": 80, "YFT": 750},
    {"registration": None, "licence": "2027-06-30", "vms": "2026-05-31"},
    NOW - NOW % 60_000,
)


def signed(text: str) -> str:
    """Return a text signed as a card, whatever it says."""
    return f"{text}.{to_text(signer().sign(DOMAIN + text.encode()))}"


def cases() -> dict[str, str]:
    """Return texts by name."""
    ours, old, stranger = signer(), signer(64), signer(128)
    good = make_card(CARD, BASE, ours)
    at_sea = msgspec.structs.replace(CARD, to_day=None, catch_kg={}, papers={})
    head = good.rpartition(".")[0]
    week = msgspec.structs.replace(CARD, made_ms=CARD.made_ms - 7 * 86_400_000)
    return {
        "valid": good,
        "white space around": f" \t{good}\r\n",
        "at sea, nothing caught, no papers": make_card(at_sea, BASE, ours),
        "a vessel with a letter of ours": make_card(
            msgspec.structs.replace(CARD, vessel="BĐ-95526-TS"), BASE, ours
        ),
        "a path before it": make_card(CARD, f"{BASE}/t/vn", ours),
        "a port": make_card(CARD, "http://127.0.0.1:8000", ours),
        "made a week ago": make_card(week, BASE, ours),
        "a minute younger": make_card(
            msgspec.structs.replace(week, made_ms=week.made_ms + 60_000), BASE, ours
        ),
        "called in": make_card(msgspec.structs.replace(CARD, vessel=ENDED), BASE, ours),
        "made after others were called in": make_card(
            msgspec.structs.replace(CARD, vessel=ENDED, made_ms=CARD.made_ms + 60_000),
            BASE,
            ours,
        ),
        "a key that was withdrawn": make_card(CARD, BASE, old),
        "a key of somebody else": make_card(CARD, BASE, stranger),
        "more catch": good.replace("YFT750", "YFT950"),
        "another day of a paper": good.replace("V260531", "V270531"),
        "another vessel": good.replace("KH-95123", "KH-95124"),
        "another host": good.replace("nuocxanh.example", "nuocxanh.examp1e"),
        "no such day": signed(head.replace("20260601-", "20260631-")),
        "no such minute": signed(head.replace("1833?s=", "1860?s=")),
        "a species twice": signed(head.replace("YFT750", "BET750")),
        "a paper twice": signed(head.replace("V260531", "L260531")),
        "a signature cut short": good[:-1],
        "something behind it": f"{good}&x=1",
        "a label's signature": f"{head}.{to_text(ours.sign(b'x' + head.encode()))}",
        "an address": f"{BASE}/vessels/KH-95123-TS",
        "nothing": "",
    }


def document() -> dict[str, Any]:
    """Return the vectors."""
    keys, _ = published()
    return {
        "now_ms": NOW,
        "keys": msgspec.to_builtins(keys),
        "status": msgspec.to_builtins(STATUS),
        "cases": [
            {
                "name": name,
                "text": text,
                "verdict": msgspec.to_builtins(check_card(text, keys, NOW, STATUS)),
            }
            for name, text in cases().items()
        ],
    }


if __name__ == "__main__":
    FILE.write_text(json.dumps(document(), ensure_ascii=False, indent=1) + "\n")
