"""A demo that phones open: a certificate of this machine's addresses, and how to get there.

A phone's camera works on pages over TLS only. The authority is made in the demo's own
folder, lasts a week, and goes with the folder.
"""

import io
import socket
from collections.abc import Iterator, Sequence
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Final, NamedTuple

import qrcode
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import load_pem_x509_certificate

from ingest.brokers import tls

DAYS: Final = 7


class Lan(NamedTuple):
    """How other machines reach the page, and the files it is served with."""

    address: str
    files: tls.TlsFiles


def own_address() -> str:
    """Return the address by which this machine would be reached; no packet is sent."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
        except OSError:
            return "127.0.0.1"
        return str(probe.getsockname()[0])


def own_addresses() -> list[str]:
    """Return the addresses of this machine, the one that others use first."""
    found = [own_address()]
    try:
        told = socket.getaddrinfo(socket.gethostname(), None, socket.AF_INET)
    except OSError:
        told = []
    found += [str(one[4][0]) for one in told]
    return list(dict.fromkeys([*found, "127.0.0.1"]))


def open_lan(folder: Path, port: int, now: datetime) -> Lan:
    """Make the certificate, good for a week from ``now`` (the phones' time)."""
    hosts = [*own_addresses(), "localhost"]
    files = tls.ensure(folder / "page-tls", hosts, now, days=DAYS)
    return Lan(f"https://{hosts[0]}:{port}", files)


def how_to_open(lan: Lan) -> Iterator[str]:
    """Yield the lines that say how a phone gets to the page."""
    yield "On a phone in the same network, scan this with its camera:"
    yield code_of(f"{lan.address}/")
    yield (
        "The phone warns that it does not know the certificate. Look that it is the one "
        "with this fingerprint (SHA-256), then choose Advanced, Proceed:"
    )
    yield f"  {fingerprint(lan.files.certificate)}"
    yield (
        "To check labels without a network too, have the phone install "
        f"{lan.address}/demo/authority.crt (it ends in {DAYS} days)."
    )


def code_of(text: str) -> str:
    """Return a QR code drawn with characters, light on dark."""
    code, out = qrcode.QRCode(border=2), io.StringIO()
    code.add_data(text)
    code.print_ascii(out=out, invert=True)
    return out.getvalue().rstrip("\n")


def fingerprint(certificate: Path) -> str:
    """Return a certificate's SHA-256 as browsers show it."""
    found = load_pem_x509_certificate(certificate.read_bytes())
    digest = sha256(found.public_bytes(Encoding.DER)).hexdigest().upper()
    return ":".join(_pairs(digest))


def _pairs(text: str) -> Sequence[str]:
    return [text[at : at + 2] for at in range(0, len(text), 2)]
