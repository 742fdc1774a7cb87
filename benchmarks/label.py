"""``greenwater bench label``: how long it takes to sign and to print a thousand labels."""

import argparse
import random
import sys
import time
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from greenwater.reference.papers import PAPERS, get_paper
from traceability.label.labels import new_serial
from traceability.label.printing import LabelText, sheet_pdf
from traceability.proof.keys import Signer
from traceability.proof.links import DOMAIN, unsigned, with_signature
from web.labels.prints import FONTS

BASE, GTIN, LOT = "https://nuocxanh.example", "09521234543213", "260602-0A1B2C"
FACTS = {"3103": "000500", "7007": "260602", "7008": "PNV", "7010": "03"}


def drawn(count: int, paper: str) -> tuple[float, float, bytes]:
    """Return how long signing and printing took, in s, and the PDF."""
    began_s = time.perf_counter()
    signer = Signer(Ed25519PrivateKey.generate())
    rng, labels = random.Random(1), []
    for _ in range(count):
        serial = new_serial(rng.randbytes)
        text = unsigned(BASE, GTIN, LOT, serial, signer.kid, FACTS)
        uri = with_signature(text, signer.sign(DOMAIN + text.encode()))
        lines = (
            "Tôm thẻ chân trắng Ninh Hòa", "Hộ nuôi Ninh Hòa", f"(01) {GTIN}",
            f"(10) {LOT}", f"(21) {serial}", "Thu hoạch 02/06/2026",
            "Khối lượng tịnh 0,5 kg", "Đóng tem 03/06/2026",
        )  # fmt: skip
        labels.append(LabelText(uri, serial, lines, is_simulated=True))
    signed_s = time.perf_counter() - began_s
    chosen = get_paper(paper)
    pages = -(-count // chosen.per_page)

    def tell(page: int) -> None:
        print(f"\rpage {page + 1} of {pages}", end="", file=sys.stderr, flush=True)

    began_s = time.perf_counter()
    pdf = sheet_pdf(labels, FONTS, chosen, on_page=tell)
    print(file=sys.stderr)
    return signed_s, time.perf_counter() - began_s, pdf


def main() -> None:
    """Print the table."""
    words = argparse.ArgumentParser(prog="greenwater bench label", description=__doc__)
    words.add_argument("--labels", type=int, default=1000)
    words.add_argument(
        "--paper", default=PAPERS[0].name, choices=[p.name for p in PAPERS]
    )
    words.add_argument("--out", type=Path, help="keep the PDF")
    asked = words.parse_args()
    signed_s, printed_s, pdf = drawn(asked.labels, asked.paper)
    if asked.out is not None:
        asked.out.write_bytes(pdf)
    print(f"| {asked.labels} labels on {asked.paper} | measured | asked |")
    print("|---|--:|--:|")
    print(f"| signed | {signed_s:.2f} s | |")
    print(f"| printed | {printed_s:.1f} s | |")
    print(f"| together | {signed_s + printed_s:.1f} s | ≤ 15 s |")
    print(f"| of it this program alone | {time.process_time():.1f} s | |")
    print(f"| size of the PDF | {len(pdf) / 1e6:.1f} MB | |")


if __name__ == "__main__":
    main()
