"""Messages to a browser that asked for them, by its push service (RFC 8030).

No request of our server goes where a visitor says: a subscription's address is believed
only if its host is one of the services that browsers know, or the operator's own.
"""

import hashlib
import os
import re
import secrets
import ssl
import tempfile
from collections.abc import Callable
from enum import StrEnum
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from pathlib import Path
from typing import Final, NamedTuple
from urllib.parse import SplitResult, urlsplit

import msgspec
import structlog
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from msgspec import Struct

from analytics.alarms.webpush import (
    CURVE,
    LONGEST,
    POINT,
    SALT,
    SECRET,
    encrypted,
    from_text,
    point_of,
    to_text,
    vapid,
)
from greenwater.kernel.clock import Clock
from greenwater.kernel.errors import ConfigError, InputError
from greenwater.kernel.reading import milliseconds

log = structlog.get_logger()

SCHEME: Final = "to-push://"
HOSTS: Final = ("fcm.googleapis.com", "updates.push.services.mozilla.com")
DOMAINS: Final = (".push.apple.com", ".notify.windows.com")
"""The push services of Chrome and most others, Firefox, Safari, Edge; within a domain, any."""

KEPT_S: Final = 4 * 3600
"""How long a service keeps a message for a phone that is out of reach: an alarm of the
night is worth reading still, one of yesterday is not."""

TOKEN_S: Final = 12 * 3600
PATIENCE_S: Final = 10.0
MOST_READ: Final = 1000
LONGEST_ENDPOINT: Final = 1000

_PLAIN: Final = re.compile(r"https?://[!-~]+")
_HOST: Final = re.compile(r"[a-z0-9.-]+(:[0-9]{1,5})?")


class Subscription(Struct, frozen=True, kw_only=True):
    """A browser that is told: where, by which keys, what it is called, in which language.

    ``phone`` is a secret name that the browser carries as a cookie, ``session`` that of who
    signed in: either's end ends this.
    """

    endpoint: str
    key: str
    secret: str
    name: str = ""
    lang: str = "vi"
    phone: str = ""
    session: str = ""


class Pushed(Struct, frozen=True, kw_only=True):
    """What a browser shows: a tap opens ``path`` of the site; a newer ``tag`` replaces it.

    A ``critical`` one stays until it is touched; an ``urgent`` one wakes a phone that sleeps.
    """

    title: str
    text: str
    path: str
    tag: str
    lang: str = "vi"
    critical: bool = False
    urgent: bool = False


class Outcome(StrEnum):
    """What became of a message."""

    SENT = "sent"
    FAILED = "failed"
    GONE = "gone"
    """The browser is told no more: nobody need try again."""


class PushKey(NamedTuple):
    """What the platform signs its pushes with; ``public`` is what browsers ask for."""

    private: ec.EllipticCurvePrivateKey
    public: str


def open_push_key(folder: Path) -> PushKey:
    """Return the key in a folder of ours alone, made at the first call.

    Site and analytics read one and the same; whichever comes first makes it.

    Raises:
        ConfigError: the file there is no such key, or cannot be made or read.
    """
    path = folder / "vapid.pem"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not path.exists():
            _make(path)
        private = load_pem_private_key(path.read_bytes(), None)
    except OSError as exc:
        raise ConfigError(f"{path}: {exc.strerror}: let this user write there") from exc
    except ValueError as exc:
        raise ConfigError(f"{path} is not a private key: restore it") from exc
    if not isinstance(private, ec.EllipticCurvePrivateKey):
        raise ConfigError(f"{path} is not a P-256 key: restore it")
    return PushKey(private, to_text(point_of(private.public_key())))


def _make(path: Path) -> None:
    private = ec.generate_private_key(CURVE)
    raw = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    with tempfile.NamedTemporaryFile(dir=path.parent, suffix=".partial") as file:
        file.write(raw)  # 0600 from its first byte
        file.flush()
        os.fsync(file.fileno())
        try:
            os.link(file.name, path)
        except FileExistsError:
            return  # another process was first: its key is the platform's


def open_hosts(text: str) -> tuple[str, ...]:
    """Return an operator's own push services, ``host`` or ``host:port``, with commas.

    Raises:
        ConfigError: one is no such thing.
    """
    found = tuple(one.strip().lower() for one in text.split(",") if one.strip())
    for one in found:
        if _HOST.fullmatch(one) is None:
            raise ConfigError(
                f"push_hosts: {one!r} is no host such as push.example.vn or "
                "push.example.vn:8443"
            )
    return found


def own_subscription(one: Subscription, hosts: tuple[str, ...] = ()) -> str:
    """Return the address of ours for a browser that asked to be told.

    Raises:
        InputError: its push service is none that we know, or its keys are none.
    """
    if _asked(one.endpoint, hosts) is None:
        raise InputError(
            f"{one.endpoint[:80]!r} is no push service that is known", "push_host"
        )
    try:
        key, secret = from_text(one.key), from_text(one.secret)
        ec.EllipticCurvePublicKey.from_encoded_point(CURVE, key)
    except ValueError as exc:
        raise InputError("these are no keys of a browser", "form_old") from exc
    if len(key) != POINT or len(secret) != SECRET:
        raise InputError("these are no keys of a browser", "form_old")
    kept = msgspec.structs.replace(one, phone="", session="")
    return f"{SCHEME}{to_text(msgspec.json.encode(kept))}#{one.phone}.{one.session}"


def subscription_of(url: str) -> Subscription | None:
    """Return the browser behind an address of ours; None: it is of another way."""
    if not url.startswith(SCHEME):
        return None
    packed, _, mark = url.removeprefix(SCHEME).partition("#")
    try:
        one = msgspec.json.decode(from_text(packed), type=Subscription)
    except (ValueError, msgspec.DecodeError):
        return None
    phone, _, session = mark.partition(".")
    return msgspec.structs.replace(one, phone=phone, session=session)


def _asked(endpoint: str, hosts: tuple[str, ...]) -> SplitResult | None:
    """Return an endpoint's parts if we send there at all."""
    if len(endpoint) > LONGEST_ENDPOINT or _PLAIN.fullmatch(endpoint) is None:
        return None
    try:
        parts = urlsplit(endpoint)
        port = parts.port
    except ValueError:
        return None
    if parts.netloc in hosts:
        return parts
    host = parts.netloc.removesuffix(":443") if port == 443 else parts.netloc
    is_known = host in HOSTS or (
        host.endswith(DOMAINS) and _HOST.fullmatch(host) is not None and ":" not in host
    )
    return parts if is_known and parts.scheme == "https" else None


def packed(message: Pushed) -> bytes:
    """Return what is encrypted: JSON that fits, its text cut where it does not."""
    most = len(message.text)
    while True:
        text = message.text[:most] + ("…" if most < len(message.text) else "")
        kept = msgspec.structs.replace(message, title=message.title[:120], text=text)
        found = msgspec.json.encode(kept)
        if len(found) <= LONGEST:
            return found
        most = most * 3 // 4


class Pusher:
    """Sends to browsers. Used by one thread."""

    def __init__(
        self,
        key: PushKey,
        clock: Clock,
        subject: str,
        hosts: tuple[str, ...] = (),
        *,
        randomness: Callable[[int], bytes] = secrets.token_bytes,
    ) -> None:
        self._key, self._clock, self._subject = key, clock, subject
        self._hosts, self._randomness = hosts, randomness

    def send(self, one: Subscription, message: Pushed) -> Outcome:
        """Send one message; no redirect is followed, and nobody is waited for long."""
        parts = _asked(one.endpoint, self._hosts)
        if parts is None:  # the operator's list has changed since
            log.warning("push.refused", host=urlsplit(one.endpoint).netloc, status=0)
            return Outcome.GONE
        body = encrypted(
            packed(message),
            from_text(one.key),
            from_text(one.secret),
            private=ec.generate_private_key(CURVE),
            salt=self._randomness(SALT),
        )
        try:
            status = _posted(parts, body, self._headers(parts, message))
        except (OSError, HTTPException) as exc:
            log.warning("push.failed", host=parts.netloc, error=repr(exc)[:200])
            return Outcome.FAILED
        if 200 <= status < 300:
            return Outcome.SENT
        log.warning("push.refused", host=parts.netloc, status=status)
        return Outcome.GONE if status in (404, 410) else Outcome.FAILED

    def _headers(self, parts: SplitResult, message: Pushed) -> dict[str, str]:
        """Return what the push service reads (RFC 8030, sections 5.2 to 5.4)."""
        now_s = milliseconds(self._clock.now()) // 1000
        topic = hashlib.blake2b(message.tag.encode(), digest_size=24).digest()
        return {
            "TTL": str(KEPT_S),
            "Urgency": "high" if message.urgent else "normal",
            "Topic": to_text(topic),
            "Content-Encoding": "aes128gcm",
            "Content-Type": "application/octet-stream",
            "Authorization": vapid(
                self._key.private,
                audience=f"{parts.scheme}://{parts.netloc}",
                subject=self._subject,
                until_s=now_s + TOKEN_S,
            ),
        }


def _posted(parts: SplitResult, body: bytes, headers: dict[str, str]) -> int:
    """Return the status that answers."""
    host, port = parts.hostname or "", parts.port
    connection = (
        HTTPSConnection(
            host, port, timeout=PATIENCE_S, context=ssl.create_default_context()
        )
        if parts.scheme == "https"
        else HTTPConnection(host, port, timeout=PATIENCE_S)
    )
    try:
        where = f"{parts.path or '/'}{'?' + parts.query if parts.query else ''}"
        connection.request("POST", where, body, headers)
        answer = connection.getresponse()
        answer.read(MOST_READ)
        return answer.status
    finally:
        connection.close()


def subject_of(public_url: str) -> str:
    """Return how a push service's keepers reach the operator: the site (RFC 8292, 2.1)."""
    parts = urlsplit(public_url)
    is_https = parts.scheme == "https"
    return public_url if is_https else f"mailto:greenwater@{parts.hostname}"
