"""Makes labels.json: labels, true and false, with what each is worth.

    python -m tests.vectors.make_labels

The key is for tests alone: its private half is 32 bytes that count from 0.
"""

import json
from pathlib import Path
from typing import Any

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from traceability.keys import KeysDocument, PublicKey, Signer
from traceability.links import DOMAIN, to_text, unsigned, with_signature
from traceability.verify import RecalledLot, Status, publish_status

FILE = Path(__file__).with_name("labels.json")
BASE = "https://nuocxanh.example"
GTIN, LOT = "09521234543213", "260602-0A1B2C"
SERIAL, REVOKED, SUSPENDED = "0123456789AB", "REV0KED00001", "SVSPENDED001"


def signer(first: int = 0) -> Signer:
    """Return a signer whose private bytes count up."""
    return Signer(Ed25519PrivateKey.from_private_bytes(bytes(range(first, first + 32))))


def label(by: Signer, *, base: str = BASE, lot: str = LOT, serial: str = SERIAL) -> str:
    """Return a genuine label."""
    text = unsigned(base, GTIN, lot, serial, by.kid)
    return with_signature(text, by.sign(DOMAIN + text.encode()))


def published() -> tuple[KeysDocument, Status]:
    """Return the keys and the list that go with the labels."""
    ours, old = signer(), signer(64)
    keys = KeysDocument(
        (
            PublicKey(ours.kid, to_text(ours.public), 1_780_000_000_000),
            PublicKey(
                old.kid, to_text(old.public), 1_700_000_000_000, "revoked",
                1_780_000_000_000,
            ),
        )
    )  # fmt: skip
    recalled = RecalledLot(
        GTIN, "260501-RECALL", "phát hiện kháng sinh", "0905 123 456", 1_780_300_000_000
    )
    status = Status(1_780_400_000_000, (REVOKED,), (SUSPENDED,), (recalled,))
    return keys, status


def cases() -> dict[str, tuple[str, str]]:
    """Return the cases by name: (text, what it is worth)."""
    ours, old, stranger = signer(), signer(64), signer(128)
    good = label(ours)
    signed, _, signature = good.partition("&s=")
    raw = bytearray(ours.sign(DOMAIN + signed.encode()))
    raw[10] ^= 1
    last = "AQgw"[("AQgw".index(signature[-1]) + 1) % 4]
    return {
        "genuine": (good, "genuine"),
        "white space around": (f" \t{good}\r\n", "genuine"),
        "a path before it": (label(ours, base=f"{BASE}/t/vn"), "genuine"),
        "a port": (label(ours, base="http://127.0.0.1:8000"), "genuine"),
        "a lot of twenty": (label(ours, lot="A" * 20), "genuine"),
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
        "one bit of the signature": (f"{signed}&s={to_text(bytes(raw))}", "altered"),
        "another spelling of the signature": (good[:-1] + last, "altered"),
        "a padded signature": (good + "==", "altered"),
        "a signature cut short": (good[:-1], "altered"),
        "no signature": (signed, "altered"),
        "nothing behind &s=": (f"{signed}&s=", "altered"),
        "one more parameter": (good + "&x=1", "altered"),
        "a parameter before": (good.replace("?k=", "?x=1&k="), "altered"),
        "a fragment": (good + "#x", "altered"),
        "a line break inside": (good.replace("/10/", "/1\n0/"), "altered"),
        "a line break behind, and more": (good + "\nx", "altered"),
        "percent-encoded": (good.replace("-", "%2D", 1), "altered"),
        "full-width digits": (good.replace("260602", "２６０６０２"), "altered"),
        "a Cyrillic letter": (good.replace("nuocxanh", "nu\u043ecxanh"), "altered"),
        "an invisible letter": (good.replace("/21/", "/21/\u200b"), "altered"),
        "a no-break space around": ("\u00a0" + good, "altered"),
        "the query in another order": (
            f"{signed.partition('?')[0]}?s={signature}&k={ours.kid}", "altered",
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
