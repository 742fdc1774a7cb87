"""Makes labels.json: labels, true and false, with what each is worth.

    python -m tests.vectors.make_labels

The key is for tests alone: its private half is 32 bytes that count from 0.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from traceability.proof.keys import KeysDocument, PublicKey, Signer
from traceability.proof.links import DOMAIN, to_text, unsigned, with_signature
from traceability.proof.verify import RecalledLot, Status, publish_status

FILE = Path(__file__).with_name("labels.json")
BASE = "https://nuocxanh.example"
GTIN, LOT = "09521234543213", "260602-0A1B2C"
SERIAL, REVOKED, SUSPENDED = "0123456789AB", "REV0KED00001", "SVSPENDED001"
FARMED = {"3103": "000500", "7007": "260602", "7008": "PNV", "7010": "03"}
CAUGHT = {
    "3102": "123456", "7005": "71", "7007": "260528260602", "7008": "YFT",
    "7009": "09.32", "7010": "01",
}  # fmt: skip


def signer(first: int = 0) -> Signer:
    """Return a signer whose private bytes count up."""
    return Signer(Ed25519PrivateKey.from_private_bytes(bytes(range(first, first + 32))))


def label(
    by: Signer,
    *,
    base: str = BASE,
    lot: str = LOT,
    serial: str | None = SERIAL,
    facts: Mapping[str, str] = FARMED,
) -> str:
    """Return a valid label; without a serial it is a whole lot's."""
    text = unsigned(base, GTIN, lot, serial, by.kid, facts)
    return with_signature(text, by.sign(DOMAIN + text.encode()))


def first_label(by: Signer, serial: str = SERIAL) -> str:
    """Return a label as the first ones were: no facts, key and signature apart."""
    text = f"{BASE}/01/{GTIN}/10/{LOT}/21/{serial}?k={by.kid}"
    return f"{text}&s={to_text(by.sign(DOMAIN + text.encode()))}"


def published() -> tuple[KeysDocument, Status]:
    """Return the keys and the list that go with the labels."""
    ours, old, ended = signer(), signer(64), signer(192)
    keys = KeysDocument(
        (
            PublicKey(ours.kid, to_text(ours.public), 1_780_000_000_000),
            PublicKey(
                old.kid, to_text(old.public), 1_700_000_000_000, "revoked",
                1_780_000_000_000,
            ),
            PublicKey(
                ended.kid, to_text(ended.public), 1_700_000_000_000, "active",
                1_780_399_999_999,
            ),
        )
    )  # fmt: skip
    recalled = RecalledLot(
        GTIN, "260501-RECALL", "phát hiện kháng sinh", "0905 123 456", 1_780_300_000_000
    )
    revoked = (REVOKED, f"{GTIN}/260501-REVOKED")
    status = Status(1_780_400_000_000, revoked, (SUSPENDED,), (recalled,))
    return keys, status


def cases() -> dict[str, tuple[str, str]]:
    """Return the cases by name: (text, what it is worth)."""
    ours, old, stranger = signer(), signer(64), signer(128)
    good = label(ours)
    signed, _, signature = good.rpartition(".")
    first, _, mark = first_label(ours).partition("&s=")
    raw = bytearray(ours.sign(DOMAIN + signed.encode()))
    raw[10] ^= 1
    last = "AQgw"[("AQgw".index(signature[-1]) + 1) % 4]
    return {
        "valid": (good, "valid"),
        "white space around": (f" \t{good}\r\n", "valid"),
        "a path before it": (label(ours, base=f"{BASE}/t/vn"), "valid"),
        "a port": (label(ours, base="http://127.0.0.1:8000"), "valid"),
        "a lot of twenty": (label(ours, lot="A" * 20), "valid"),
        "facts of a catch": (label(ours, facts=CAUGHT), "valid"),
        "all facts at once": (label(ours, facts={"17": "271231", **CAUGHT}), "valid"),
        "no facts": (label(ours, facts={}), "valid"),
        "a lot without a serial": (label(ours, serial=None), "valid"),
        "a lot without serial or facts": (label(ours, serial=None, facts={}), "valid"),
        "a label of the first kind": (first_label(ours), "valid"),
        "good on its last day": (
            label(ours, facts={"17": "260602", **FARMED}), "valid",
        ),
        "past its last day": (
            label(ours, facts={"17": "260601", **FARMED}), "past_date",
        ),
        "a last day that is none": (
            label(ours, facts={"17": "260231", **FARMED}), "valid",
        ),
        "a key that has ended": (label(signer(192)), "expired"),
        "a key that has ended, and goods too": (
            label(signer(192), facts={"17": "260601", **FARMED}), "expired",
        ),
        "a key that has ended, of a recalled lot": (
            label(signer(192), lot="260501-RECALL"), "recalled",
        ),
        "a lot's label that was revoked": (
            label(ours, lot="260501-REVOKED", serial=None), "revoked",
        ),
        "a serial of that lot": (label(ours, lot="260501-REVOKED"), "valid"),
        "another weight": (good.replace("=000500", "=000505"), "altered"),
        "another point in the weight": (good.replace("3103=", "3102="), "altered"),
        "another day": (good.replace("=260602&", "=260603&"), "altered"),
        "another species": (good.replace("=PNV", "=GIT"), "altered"),
        "caught, not farmed": (good.replace("7010=03", "7010=01"), "altered"),
        "a fact left out": (good.replace("7008=PNV&", ""), "altered"),
        "a fact put in": (good.replace("?3103", "?17=301231&3103"), "altered"),
        "a fact twice": (good.replace("7008=PNV&", "7008=PNV&7008=PNV&"), "altered"),
        "facts in another order": (
            good.replace("7007=260602&7008=PNV", "7008=PNV&7007=260602"), "altered",
        ),
        "facts that are no facts": (good.replace("7008=", "7018="), "altered"),
        "the serial left out": (good.replace(f"/21/{SERIAL}", ""), "altered"),
        "the first kind, another serial": (
            f"{first}&s={mark}".replace(SERIAL, "0123456789AC"), "altered",
        ),
        "the first kind with a fact": (
            f"{first}&s={mark}".replace("?k=", "?7008=PNV&k="), "altered",
        ),
        "the first kind, spelt as the second": (
            f"{first.replace('?k=', '?s=')}.{mark}", "altered",
        ),
        "the second kind, spelt as the first": (
            f"{signed.replace('&s=', '&k=')}&s={signature}", "altered",
        ),
        "revoked": (label(ours, serial=REVOKED), "revoked"),
        "suspended": (label(ours, serial=SUSPENDED), "suspended"),
        "recalled": (label(ours, lot="260501-RECALL"), "recalled"),
        "recalled before revoked": (
            label(ours, lot="260501-RECALL", serial=REVOKED), "recalled",
        ),
        "a key that was withdrawn": (label(old), "revoked"),
        "a key of somebody else": (label(stranger), "unknown_key"),
        "another lot": (good.replace(LOT, "260602-0A1B2D"), "altered"),
        "another serial": (good.replace(SERIAL, "0123456789AC"), "altered"),
        "another host": (good.replace("nuocxanh.example", "nuocxanh.examp1e"), "altered"),
        "another scheme": (good.replace("https:", "http:"), "altered"),
        "another product": (good.replace(GTIN, "09521234543220"), "altered"),
        "a wrong check digit": (good.replace(GTIN, "09521234543214"), "altered"),
        "another case in the host": (good.replace("nuocxanh", "Nuocxanh"), "altered"),
        "a lower-case serial": (good.replace("9AB", "9ab"), "altered"),
        "one bit of the signature": (f"{signed}.{to_text(bytes(raw))}", "altered"),
        "another spelling of the signature": (good[:-1] + last, "altered"),
        "a padded signature": (good + "==", "altered"),
        "a signature cut short": (good[:-1], "altered"),
        "no signature": (signed, "altered"),
        "nothing behind the point": (f"{signed}.", "altered"),
        "one more parameter": (good + "&x=1", "altered"),
        "a parameter before": (good.replace("?", "?x=1&"), "altered"),
        "a fragment": (good + "#x", "altered"),
        "a line break inside": (good.replace("/10/", "/1\n0/"), "altered"),
        "a line break behind, and more": (good + "\nx", "altered"),
        "percent-encoded": (good.replace("-", "%2D", 1), "altered"),
        "full-width digits": (good.replace("260602", "２６０６０２"), "altered"),
        "a Cyrillic letter": (good.replace("nuocxanh", "nu\u043ecxanh"), "altered"),
        "an invisible letter": (good.replace("/21/", "/21/\u200b"), "altered"),
        "a no-break space around": ("\u00a0" + good, "altered"),
        "the query in another order": (
            f"{first.partition('?')[0]}?s={mark}&k={ours.kid}", "altered",
        ),
        "a user in the address": (good.replace("://", "://a@"), "altered"),
        "an empty lot": (good.replace(LOT, ""), "altered"),
        "a lot of twenty-one": (good.replace(LOT, "A" * 21), "altered"),
        "without a scheme": (good.removeprefix("https://"), "altered"),
        "another web page": ("https://example.org/", "not_a_label"),
        "a product number alone": (GTIN, "not_a_label"),
        "nothing": ("", "not_a_label"),
        "words": ("Tôm thẻ chân trắng", "not_a_label"),
    }  # fmt: skip


def document() -> dict[str, Any]:
    """Return the whole file."""
    keys, status = published()
    return {
        "about": "Labels with what each is worth, by docs/labels.md. Made by make_labels.py.",
        "keys": msgspec.to_builtins(keys),
        "status": msgspec.to_builtins(publish_status(status, signer())),
        "cases": [
            {"name": name, "text": text, "code": code}
            for name, (text, code) in cases().items()
        ],
    }


if __name__ == "__main__":
    FILE.write_text(json.dumps(document(), ensure_ascii=False, indent=1) + "\n")
