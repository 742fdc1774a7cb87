"""A private certificate authority for one platform, and the broker's certificate.

Boxes pin the authority (``ca.pem``, the one file to copy to them), so the broker's own
certificate may be renewed at any time. Keys are EC P-256; the authority lasts twenty
years, a certificate two.

Certificates are valid from 1970 on: a box without a battery clock starts there, and must
get through to where it could learn the time.
"""

import datetime as dt
import ipaddress
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from greenwater.kernel.errors import ConfigError
from ingest.brokers.applying import write_private

CA_DAYS: Final = 20 * 365
SERVER_DAYS: Final = 2 * 365
RENEW_DAYS: Final = 60

_BEGINNING: Final = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_HOST: Final = re.compile(r"[0-9A-Za-z]([0-9A-Za-z.-]{0,251}[0-9A-Za-z])?")


class TlsFiles(NamedTuple):
    """What boxes pin (``ca``) and what the broker serves with.

    Certificate and key are one file, so that a broker never reads one without the other.
    """

    ca: Path
    certificate: Path
    key: Path


def ensure(
    folder: Path, hosts: Sequence[str], now: dt.datetime, *, days: int | None = None
) -> TlsFiles:
    """Return the files in ``folder``, made or renewed where needed.

    ``hosts`` are the names and addresses by which boxes know the broker. ``days`` is how
    long authority and certificate last, where they are made for a short while only.

    Raises:
        ConfigError: a host cannot be, or what is there is damaged or incomplete.
    """
    names = [_name(host) for host in hosts]
    if not names:
        raise ConfigError("a certificate needs a host: a name or address of the broker")
    server = folder / "server.pem"
    files = TlsFiles(folder / "ca.pem", server, server)
    try:
        if not files.ca.exists():
            _make_ca(folder, now, days or CA_DAYS)
        if not server.exists() or _is_old(server, files.ca, names, now):
            _make_server(folder, server, names, now, days or SERVER_DAYS)
    except (ValueError, TypeError, OSError) as exc:
        raise ConfigError(
            f"{folder}: a certificate or key is damaged or missing ({exc}): restore it "
            "from a backup, or delete the folder and copy the new ca.pem to every box"
        ) from exc
    return files


def ends_at(folder: Path) -> dt.datetime | None:
    """Return when the certificate in ``folder`` ends; None: there is none.

    Raises:
        ConfigError: it is damaged.
    """
    server = folder / "server.pem"
    try:
        return _read(server).not_valid_after_utc if server.exists() else None
    except (ValueError, OSError) as exc:
        raise ConfigError(f"{server} is damaged: {exc}") from exc


def _read(path: Path) -> x509.Certificate:
    return x509.load_pem_x509_certificate(path.read_bytes())


def _is_old(
    server: Path, ca: Path, names: Sequence[x509.GeneralName], now: dt.datetime
) -> bool:
    certificate, authority = _read(server), _read(ca)
    there = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    return (
        certificate.not_valid_after_utc < now + dt.timedelta(days=RENEW_DAYS)
        or not set(names) <= set(there.value)
        or certificate.issuer != authority.subject
    )


def _make_ca(folder: Path, now: dt.datetime, days: int) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    # A name of its own: two platforms' authorities must not be taken for each other.
    mark = x509.SubjectKeyIdentifier.from_public_key(key.public_key()).digest.hex()[:8]
    name = _common_name(f"Greenwater platform {mark}")
    certificate = (
        _begun(name, name, key.public_key(), now, days)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
        .sign(key, hashes.SHA256())
    )
    # The key first: an authority without its key would be there for ever.
    write_private(folder / "ca.key", _pem_of(key))
    write_private(folder / "ca.pem", certificate.public_bytes(_PEM))


def _make_server(
    folder: Path,
    server: Path,
    names: Sequence[x509.GeneralName],
    now: dt.datetime,
    days: int,
) -> None:
    ca = _read(folder / "ca.pem")
    ca_key = serialization.load_pem_private_key((folder / "ca.key").read_bytes(), None)
    if not isinstance(ca_key, ec.EllipticCurvePrivateKey):
        raise TypeError("ca.key is no elliptic-curve key")
    if ca_key.public_key() != ca.public_key():
        raise ValueError("ca.key is not the key of ca.pem")
    key = ec.generate_private_key(ec.SECP256R1())
    subject = _common_name(str(names[0].value)[:64])
    certificate = (
        _begun(subject, ca.subject, key.public_key(), now, days)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(
            x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False
        )
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(ca_key.public_key()),
            critical=False,
        )
        .sign(ca_key, hashes.SHA256())
    )
    write_private(server, certificate.public_bytes(_PEM) + _pem_of(key))


def _begun(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePublicKey,
    now: dt.datetime,
    days: int,
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(_BEGINNING)
        .not_valid_after(now + dt.timedelta(days=days))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _common_name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        if _HOST.fullmatch(host) is None:
            raise ConfigError(
                f"host {host!r} is neither a name nor an address"
            ) from None
        return x509.DNSName(host)


_PEM: Final = serialization.Encoding.PEM


def _pem_of(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        _PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
