"""A push is what RFC 8291's own example says, and comes from the platform alone."""

import base64
import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from msgspec.structs import replace

from analytics.alarms.pushing import (
    KEPT_S,
    TOKEN_S,
    Outcome,
    Pushed,
    Pusher,
    Subscription,
    open_hosts,
    open_push_key,
    own_subscription,
    packed,
    subject_of,
    subscription_of,
)
from analytics.alarms.webpush import LONGEST, encrypted, from_text, point_of, to_text
from analytics.settings import AnalyticsSettings
from greenwater.kernel.clock import ManualClock
from greenwater.kernel.errors import ConfigError, InputError
from greenwater.kernel.settings import load
from web.settings import WebSettings

pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated")

NOW = datetime(2026, 11, 27, 20, 0, tzinfo=UTC)
SITE = "https://nuocxanh.example.vn"

# RFC 8291, section 5 and appendix A.
PLAIN = b"When I grow up, I want to be a watermelon"
SENDER = "yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw"
RECEIVER = "q1dXpw3UpT5VOmu_cf_v6ih07Aems3njxI-JWgLcM94"
RECEIVERS = "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"
SECRET = "BTBZMqHH6r4Tts7J_aSIgg"
SALT = "DGv6ra1nlYgDCS1FRnbzlw"
BODY = (
    "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27ml"
    "mlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A_yl95bQpu6cVPT"
    "pK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN"
)


def private_of(text: str) -> ec.EllipticCurvePrivateKey:
    number = int.from_bytes(from_text(text), "big")
    return ec.derive_private_key(number, ec.SECP256R1())


PHONE = private_of(RECEIVER)


def read(body: bytes) -> bytes:
    """Return the message as a browser reads it, by other code than what wrote it."""
    salt, size = body[:16], body[20]
    sender = body[21 : 21 + size]
    assert (int.from_bytes(body[16:20], "big"), size) == (4096, 65)
    public = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), sender)
    shared = PHONE.exchange(ec.ECDH(), public)

    def drawn(salt: bytes, info: bytes, key: bytes, length: int) -> bytes:
        return HKDF(hashes.SHA256(), length, salt, info).derive(key)

    info = b"WebPush: info\0" + from_text(RECEIVERS) + sender
    material = drawn(from_text(SECRET), info, shared, 32)
    key = drawn(salt, b"Content-Encoding: aes128gcm\0", material, 16)
    nonce = drawn(salt, b"Content-Encoding: nonce\0", material, 12)
    record = AESGCM(key).decrypt(nonce, body[21 + size :], None)
    return record.rstrip(b"\0").removesuffix(b"\2")


def test_the_example_of_the_document_byte_for_byte() -> None:
    assert to_text(point_of(PHONE.public_key())) == RECEIVERS
    body = encrypted(
        PLAIN,
        from_text(RECEIVERS),
        from_text(SECRET),
        private=private_of(SENDER),
        salt=from_text(SALT),
    )
    assert to_text(body) == BODY
    assert read(body) == PLAIN


class Service(ThreadingHTTPServer):
    """A push service on loopback: it keeps what comes, and answers what it is told to."""

    daemon_threads = True

    def __init__(self) -> None:
        self.status, self.came = 201, list[tuple[dict[str, str], bytes]]()
        super().__init__(("127.0.0.1", 0), Taking)

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.server_address[1]}"


class Taking(BaseHTTPRequestHandler):
    server: Service

    def do_POST(self) -> None:
        size = int(self.headers["Content-Length"])
        headers = {"path": self.path, **dict(self.headers.items())}
        self.server.came.append((headers, self.rfile.read(size)))
        self.send_response(self.server.status)
        if self.server.status == 307:
            self.send_header("Location", f"http://{self.server.host}/elsewhere")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        return


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    with Service() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def asking(endpoint: str, **more: Any) -> Subscription:
    return Subscription(endpoint=endpoint, key=RECEIVERS, secret=SECRET, **more)


ALARM = Pushed(
    title="Nguy cấp 03:02 – Ao 3",
    text="Oxy 2,8 mg/L, đang giảm.",
    path="/a/abc",
    tag="alarm-1",
    critical=True,
    urgent=True,
)


def claims_of(header: str, public: str) -> dict[str, Any]:
    """Return what a VAPID header claims, once its signature holds."""
    token, key = header.removeprefix("vapid t=").split(", k=")
    assert key == public
    signed, _, signature = token.rpartition(".")
    raw = from_text(signature)
    r, s = int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big")
    ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), from_text(key)).verify(
        encode_dss_signature(r, s), signed.encode(), ec.ECDSA(hashes.SHA256())
    )
    head, said = (json.loads(from_text(one)) for one in signed.split("."))
    assert head == {"typ": "JWT", "alg": "ES256"}
    found: dict[str, Any] = said
    return found


def test_a_push_service_gets_what_it_asks_for_and_cannot_read_the_rest(
    service: Service, tmp_path: Path
) -> None:
    key, clock = open_push_key(tmp_path / "push"), ManualClock(NOW)
    hosts = open_hosts(f"push.example.vn, {service.host}")
    pusher = Pusher(key, clock, subject_of(SITE), hosts)
    one = asking(f"http://{service.host}/send/x?y=1")
    assert pusher.send(one, ALARM) is Outcome.SENT
    headers, body = service.came.pop()
    assert headers["path"] == "/send/x?y=1"
    assert headers["Content-Encoding"] == "aes128gcm"
    assert (headers["TTL"], headers["Urgency"]) == (str(KEPT_S), "high")
    assert json.loads(read(body)) == {
        "title": ALARM.title, "text": ALARM.text, "path": "/a/abc", "tag": "alarm-1",
        "lang": "vi", "critical": True, "urgent": True,
    }  # fmt: skip
    assert claims_of(headers["Authorization"], key.public) == {
        "aud": f"http://{service.host}",
        "exp": int(NOW.timestamp()) + TOKEN_S,
        "sub": SITE,
    }
    again = replace(ALARM, text="Oxy 2,5 mg/L", urgent=False)
    assert pusher.send(one, again) is Outcome.SENT
    later, other = service.came.pop()
    assert later["Topic"] == headers["Topic"], "a repeat takes the place of the first"
    assert len(later["Topic"]) == 32
    assert later["Urgency"] == "normal"
    assert other[:16] != body[:16]
    for status, outcome in (
        (410, Outcome.GONE), (404, Outcome.GONE), (429, Outcome.FAILED),
        (503, Outcome.FAILED), (307, Outcome.FAILED),
    ):  # fmt: skip
        service.status = status
        assert pusher.send(one, ALARM) is outcome, status
    assert len(service.came) == 5, "no redirect is followed"
    unasked = Pusher(key, clock, SITE)
    assert unasked.send(one, ALARM) is Outcome.GONE
    assert len(service.came) == 5, "nor a host that the operator took from his list"
    closed = asking("http://127.0.0.1:1/x")
    assert Pusher(key, clock, SITE, ("127.0.0.1:1",)).send(closed, ALARM) == "failed"


@pytest.mark.parametrize(
    ("endpoint", "is_taken"),
    [
        ("https://fcm.googleapis.com/fcm/send/abc:def", True),
        ("https://updates.push.services.mozilla.com/wpush/v2/abc", True),
        ("https://web.push.apple.com/QGuQ", True),
        ("https://wns2-sg2p.notify.windows.com/w/?token=a%3d", True),
        ("https://fcm.googleapis.com:443/x", True),
        ("https://push.example.vn:8443/x", True),
        ("http://fcm.googleapis.com/x", False),
        ("https://fcm.googleapis.com:8080/x", False),
        ("https://fcm.googleapis.com@127.0.0.1/x", False),
        ("https://a@fcm.googleapis.com/x", False),
        ("https://x.fcm.googleapis.com/x", False),
        ("https://fcm.googleapis.com.evil.example/x", False),
        ("https://evilpush.apple.com/x", False),
        ("https://127.0.0.1#.push.apple.com/x", False),
        ("https://127.0.0.1?.push.apple.com", False),
        ("https://127.0.0.1\\.push.apple.com/x", False),
        ("https://a@b.push.apple.com/x", False),
        ("https://push.example.vn/x", False),
        ("https://127.0.0.1/x", False),
        ("https://[::1]/x", False),
        ("https://fcm.googleapis.com:x/", False),
        ("https://fcm.googleapis.com/a b", False),
        ("https://fcm.googleapis.com/\r\nX: y", False),
        ("https://fcm.googleapis.com/" + "x" * 1000, False),
        ("file:///etc/passwd", False), ("", False),
    ],
)  # fmt: skip
def test_no_request_goes_where_a_visitor_says(endpoint: str, is_taken: bool) -> None:
    one = asking(endpoint, name="Chrome, Android", phone="p1", session="s1", lang="en")
    hosts = open_hosts("push.example.vn:8443")
    if not is_taken:
        with pytest.raises(InputError, match="push service"):
            own_subscription(one, hosts)
        return
    url = own_subscription(one, hosts)
    assert subscription_of(url) == one
    assert url.endswith("#p1.s1")


@pytest.mark.parametrize(
    ("key", "secret"),
    [
        ("", SECRET), (RECEIVERS, ""), (RECEIVERS[:-4], SECRET), (RECEIVERS, RECEIVERS),
        ("BB" + RECEIVERS[2:], SECRET), ("%" + RECEIVERS[1:], SECRET), ("ắ", SECRET),
    ],
)  # fmt: skip
def test_keys_that_are_none_are_refused(key: str, secret: str) -> None:
    one = Subscription(endpoint="https://web.push.apple.com/x", key=key, secret=secret)
    with pytest.raises(InputError, match="keys"):
        own_subscription(one)


def test_the_platforms_key_is_made_once_and_is_nobody_elses(tmp_path: Path) -> None:
    folder = tmp_path / "push"
    first, again = open_push_key(folder), open_push_key(folder)
    assert first.public == again.public
    assert len(from_text(first.public)) == 65
    (path,) = folder.iterdir()
    assert path.stat().st_mode & 0o777 == 0o600
    path.write_text("no key")
    with pytest.raises(ConfigError, match="restore"):
        open_push_key(folder)
    with pytest.raises(ConfigError, match="let this user write"):
        open_push_key(path)


def test_site_and_analytics_have_one_key_and_one_list(
    service: Service, tmp_path: Path
) -> None:
    """What a browser was asked with, analytics signs with; a demo asks nobody."""
    service.status = 201
    environ = {"GREENWATER_PUSH_HOSTS": service.host, "GREENWATER_HOME": str(tmp_path)}
    site = load(WebSettings, prefix="GREENWATER_WEB_", environ=environ)
    asked = site.pushing(tmp_path)
    assert asked.hosts == (service.host,)
    one = asking(f"http://{service.host}/x")
    assert own_subscription(one, asked.hosts)
    analytics = load(AnalyticsSettings, prefix="GREENWATER_ANALYTICS_", environ=environ)
    sent = analytics.pusher(ManualClock(NOW)).send(one, ALARM)
    assert sent is Outcome.SENT
    headers, _ = service.came.pop()
    claims_of(headers["Authorization"], asked.key)
    assert replace(site, is_demo=True).pushing(tmp_path).key == ""


def test_a_long_message_fits_and_others_stay_whole() -> None:
    assert json.loads(packed(ALARM))["text"] == ALARM.text
    for letter in ("ấ", "\N{BUG}", '"', "\x01"):
        long = packed(replace(ALARM, text=letter * 5000, title=letter * 300))
        assert len(long) <= LONGEST
        assert json.loads(long)["text"].endswith("…")


def test_other_addresses_are_no_browsers_and_a_wrong_list_is_refused() -> None:
    bad = base64.urlsafe_b64encode(b"[1]").decode()
    for url in ("to-sms://84901234567", "to-push://???", f"to-push://{bad}"):
        assert subscription_of(url) is None
    for text in ("https://push.example.vn", "push.example.vn/x", "a@b"):
        with pytest.raises(ConfigError, match="push_hosts"):
            open_hosts(text)
    assert subject_of("http://127.0.0.1:8000") == "mailto:greenwater@127.0.0.1"
