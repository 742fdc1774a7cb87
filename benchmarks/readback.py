"""``make readback``: codes printed, harmed and read back, by error level and module size.

Prints the table of docs/labels.md and puts it there.
"""

import argparse
import sys
from pathlib import Path
from typing import NamedTuple

import numpy as np
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.harm import HARMS, is_read, printed, seen
from traceability.proof.codes import LEVELS, modules
from traceability.proof.keys import Signer
from traceability.proof.links import DOMAIN, unsigned, with_signature

PAGE = Path(__file__).resolve().parents[1] / "docs" / "labels.md"
BEGIN, END = "<!-- read back: begin -->", "<!-- read back: end -->"
DOT_MM = 25.4 / 203
FACTS = {
    "farmed": {"3103": "000500", "7007": "260602", "7008": "PNV", "7010": "03"},
    "caught": {
        "3103": "123456", "7005": "71", "7007": "260528260602", "7008": "YFT",
        "7009": "09.32", "7010": "01",
    },
}  # fmt: skip


class Way(NamedTuple):
    """A way to print; ``module_mm`` None: the code is 25 mm wide."""

    name: str
    module_mm: float | None
    dpi: int


WAYS = (
    Way("25 mm, 300 dpi", None, 300),
    Way("0.31 mm a module, 300 dpi", 0.31, 300),
    Way("0.25 mm a module, 300 dpi", 0.25, 300),
    Way("4 dots a module, 203 dpi", 4 * DOT_MM, 203),
    Way("3 dots a module, 203 dpi", 3 * DOT_MM, 203),
    Way("2 dots a module, 203 dpi", 2 * DOT_MM, 203),
)


def labels(count: int) -> list[str]:
    """Return signed labels, half of farmed and half of caught goods."""
    found, rng = [], np.random.default_rng(7)
    signer = Signer(Ed25519PrivateKey.from_private_bytes(bytes(range(32))))
    for number in range(count):
        serial = "".join(rng.choice(list("0123456789ABCDEFGHJKMNPQRSTVWXYZ"), 12))
        facts = FACTS["farmed" if number % 2 else "caught"]
        text = unsigned(
            "https://nuocxanh.example", "09521234543213", "260602-0A1B2C", serial,
            signer.kid, facts,
        )  # fmt: skip
        found.append(with_signature(text, signer.sign(DOMAIN + text.encode())))
    return found


def read_share(texts: list[str], level: str, way: Way, harm: str) -> float:
    """Return the share that is read back."""
    rng, good = np.random.default_rng(11), 0
    for text in texts:
        module_mm = way.module_mm or 25.0 / len(modules(text, level))
        paper = printed(text, level, module_mm, way.dpi)
        picture = HARMS[harm](seen(paper, way.dpi, rng), rng)
        good += is_read(picture, text, rng)
    return good / len(texts)


def table(count: int) -> str:
    """Return the table: a row for each way and level."""
    texts = labels(count)
    lines = [
        "| printed | level | code, mm | " + " | ".join(HARMS) + " |",
        "|---|---|--:|" + "--:|" * len(HARMS),
    ]
    for way in WAYS:
        for level in LEVELS:
            sizes = [len(modules(text, level)) for text in texts]
            wide = [size * (way.module_mm or 25.0 / size) for size in sizes]
            span = (
                f"{min(wide):.0f}"
                if round(min(wide)) == round(max(wide))
                else (f"{min(wide):.0f}–{max(wide):.0f}")
            )
            shares = [read_share(texts, level, way, harm) for harm in HARMS]
            cells = " | ".join(f"{100 * share:.0f} %" for share in shares)
            lines.append(f"| {way.name} | {level} | {span} | {cells} |")
            print(lines[-1], file=sys.stderr, flush=True)
    return "\n".join(lines)


def main() -> None:
    """Print the table, and put it where it is read."""
    words = argparse.ArgumentParser(prog="make readback", description=__doc__)
    words.add_argument("--codes", type=int, default=40, help="codes for each cell")
    words.add_argument("--dry", action="store_true", help="leave the document alone")
    asked = words.parse_args()
    made = table(asked.codes)
    print(made)
    if asked.dry:
        return
    page = PAGE.read_text(encoding="utf-8")
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    PAGE.write_text(f"{before}{BEGIN}\n{made}\n{END}{after}", encoding="utf-8")


if __name__ == "__main__":
    main()
