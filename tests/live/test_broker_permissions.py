"""What a device can do at the broker, on both brokers: asserted by what is delivered.

Brokers grant subscriptions that they never serve, and PUBACK what they drop: what they
answer says nothing.
"""

import contextlib
import datetime as dt
import itertools
import os
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from edge.connection import Connection, DeniedError, Peer
from greenwater.kernel.broker_url import BrokerUrl
from greenwater.kernel.clock import SystemClock
from greenwater.kernel.errors import ConfigError
from greenwater.kernel.ids import DeviceId
from greenwater.storage.registry import Registry, open_registry
from greenwater.storage.registry.credentials import make_credentials
from ingest.brokers import applying, mosquitto, nats, tls
from ingest.brokers.applying import Applied
from ingest.brokers.plan import Account, Listener, Rights, accounts
from ingest.mqtt import MqttInlet
from tests.conftest import started
from tests.live.clients import Client, closing_all, wait_for
from tests.servers import Mosquitto, Nats, Server, free_port
from tests.templates import empty_registry

pytestmark = pytest.mark.live

NOW = 1_780_000_000_000
OUTBOX = "k3v9x2m4q8w1z7t5"
SERVICE = "gw-ingest"
UP, STATUS, REPLY = "gw/1/+/up/+/+", "gw/1/+/status", "gw/1/+/reply/+"
LORA = "application/+/device/+/event/up"
NUMBERS = itertools.count()


def up(device: str, batch: int = 1) -> str:
    return f"gw/1/{device}/up/{OUTBOX}/{batch}"


def fresh() -> bytes:
    """Return a payload that no other message has."""
    return b"payload-%d" % next(NUMBERS)


class Platform:
    """A registry, a broker with the permissions that follow from it, and its clients."""

    def __init__(
        self, kind: str, folder: Path, clients: list[Client], files: tls.TlsFiles | None
    ) -> None:
        self.kind, self.folder, self._clients, self._files = (
            kind,
            folder,
            clients,
            files,
        )
        self.registry: Registry = open_registry(empty_registry(folder / "registry.db"))
        self.registry.add_organisation("htx", "HTX")
        self.registry.add_site("site", organisation="htx", name="Bè")
        self.secret = make_credentials(os.urandom)
        self.passwords: dict[str, str] = {}
        self.service_port, self.device_port = free_port(), free_port()
        if kind == "nats":
            self.device_port = self.service_port
        self.add("box-a", "box-b", "lora")
        self.server: Server
        config = folder / (nats.CONFIG if kind == "nats" else mosquitto.CONFIG)
        if kind == "nats":
            self.server = Nats(folder, self.service_port, config=config)
        else:
            self.server = Mosquitto(folder, self.service_port, config=config)

    def add(self, *devices: str) -> None:
        for device in devices:
            password = self.registry.add_device(device, site="site", now_ms=NOW)
            assert password is not None
            self.passwords[device] = password

    def apply(self) -> Applied:
        service = Account(
            SERVICE, self.secret.bcrypt_hash, self.secret.pbkdf2_hash, is_service=True
        )
        gateways = {"lora": Rights((LORA,), ())}
        who = accounts(self.registry.list_devices(), service, gateways=gateways)
        with_tls = self._files[1:] if self._files else (None, None)
        devices = Listener("127.0.0.1", self.device_port, *with_tls)
        if self.kind == "nats":
            files = nats.render(who, folder=self.folder, listener=devices)
            program, pid = nats.PROGRAM, nats.PID
        else:
            files = mosquitto.render(
                who,
                folder=self.folder,
                services=Listener("127.0.0.1", self.service_port),
                devices=devices,
                run_as="root" if os.getuid() == 0 else "",
            )
            program, pid = mosquitto.PROGRAM, mosquitto.PID
        return applying.apply(self.folder, files, program=program, pid=pid)

    def client(self, user: str | None, password: str | None, **more: object) -> Client:
        client = Client(self.device_port, user, password, **more)  # type: ignore[arg-type]
        self._clients.append(client)
        return client

    def box(self, device: str, **more: object) -> Client:
        """Connect as a device."""
        return self.client(device, self.passwords[device], **more)

    def listening_box(self, device: str) -> Client:
        """Connect as a device and subscribe to what it may hear."""
        box = self.box(device)
        for topic in (f"gw/1/{device}/ack", f"gw/1/{device}/cmd/+", "gw/1/platform"):
            assert box.subscribe(topic)
        return box

    def ingest(self, client_id: str = "", *, lasting: bool = False) -> Client:
        """Connect as ingest does and subscribe to what it needs."""
        client = Client(
            self.service_port, SERVICE, self.secret.password, client_id=client_id,
            lasting=lasting, ca=self._files.ca if self._files and self.kind == "nats"
            else None,
        )  # fmt: skip
        self._clients.append(client)
        assert client.is_in
        for topic in (UP, STATUS, REPLY):
            assert client.subscribe(topic, 1)
        return client


@contextlib.contextmanager
def platform_of(
    kind: str, folder: Path, files: tls.TlsFiles | None = None
) -> Iterator[Platform]:
    with closing_all() as clients:
        platform = Platform(kind, folder, clients, files)
        assert platform.apply() is Applied.WRITTEN
        try:
            started(platform.server)
            yield platform
        finally:
            platform.server.stop()
            platform.registry.close()


KINDS = ["nats", "mosquitto"]


@pytest.fixture(scope="module", params=KINDS)
def shared_platform(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Platform]:
    """One broker for the tests that change nothing."""
    with platform_of(request.param, tmp_path_factory.mktemp(request.param)) as one:
        yield one


@pytest.fixture(params=KINDS)
def platform(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Platform]:
    """A broker of its own, for tests that change who may do what."""
    with platform_of(request.param, tmp_path) as one:
        yield one


def test_a_device_is_heard_and_hears_what_is_for_it(shared_platform: Platform) -> None:
    ingest, box = shared_platform.ingest(), shared_platform.listening_box("box-a")
    for topic in (up("box-a"), "gw/1/box-a/reply/c1", "gw/1/box-a/status"):
        payload = fresh()
        box.publish(topic, payload)
        ingest.heard(payload)
    for topic in ("gw/1/box-a/ack", "gw/1/box-a/cmd/c1", "gw/1/platform"):
        payload = fresh()
        ingest.publish(topic, payload, 0)
        box.heard(payload)


FORBIDDEN = [
    up("box-b"),
    "gw/1/box-b/status",
    "gw/1/box-b/reply/c1",
    "gw/1/box-b/ack",
    "gw/1/box-b/cmd/c1",
    "gw/1/box-a/ack",
    "gw/1/box-a/cmd/c1",
    "gw/1/platform",
    "gw/1/nobody/status",
    "gw/1/box-a/up/x",
    f"gw/1/box-a/up/{OUTBOX}/1/2",
    "gw/1/box-a/reply",
    "gw/1//status",
    "gw/2/box-a/status",
    f"/{up('box-a')}",
    f"$MQTT/msgs/gw/1/box-b/up/{OUTBOX}/1",
    f"$MQTT.msgs.gw.1.box-b.up.{OUTBOX}.1",
    "gw.1.box-b.status",
]


@pytest.mark.parametrize("topic", FORBIDDEN)
def test_what_a_device_publishes_elsewhere_reaches_nobody(
    shared_platform: Platform, topic: str
) -> None:
    ingest = shared_platform.ingest()
    victim = shared_platform.listening_box("box-b")
    evil = []
    for qos, retain in ((0, False), (1, False), (1, True)):
        attacker = shared_platform.listening_box("box-a")
        evil.append(fresh())
        attacker.publish(topic, evil[-1], qos, retain=retain)
        attacker.close()

    last_up, last_ack = fresh(), fresh()
    victim.publish(up("box-b"), last_up)
    ingest.heard(last_up)
    ingest.publish("gw/1/box-b/ack", last_ack, 0)
    victim.heard(last_ack)
    later = shared_platform.ingest()  # who comes later gets what is retained
    newcomer = shared_platform.listening_box("box-b")
    again = fresh()
    newcomer.publish(up("box-b"), again)
    later.heard(again)

    heard = {
        payload for one in (ingest, victim, later, newcomer) for _, payload in one.got
    }
    assert not heard & set(evil)


NOT_ITS_OWN = [
    "gw/1/box-b/ack",
    "gw/1/box-b/cmd/+",
    "gw/1/+/ack",
    "gw/1/+/up/+/+",
    "gw/1/#",
    "gw/#",
    "#",
    "+/+/+/+",
    "+/+/+/+/+/+",
    "gw/1/box-b/#",
    "$MQTT/#",
    "$share/x/gw/1/+/ack",
    "$JS/#",
]


@pytest.mark.parametrize("topic", NOT_ITS_OWN)
def test_what_is_for_others_a_device_never_hears(
    shared_platform: Platform, topic: str
) -> None:
    ingest = shared_platform.ingest()
    victim = shared_platform.listening_box("box-b")
    listener = shared_platform.listening_box("box-a")
    listener.subscribe(topic, 0)
    if listener.is_in:
        listener.subscribe(topic, 1)

    secrets = [fresh() for _ in range(3)]
    ingest.publish("gw/1/box-b/ack", secrets[0], 0)
    ingest.publish("gw/1/box-b/cmd/c1", secrets[1], 0)
    victim.publish(up("box-b"), secrets[2])
    victim.heard(secrets[1])
    ingest.heard(secrets[2])
    if listener.is_in:
        mine = fresh()
        ingest.publish("gw/1/box-a/ack", mine, 0)
        listener.heard(mine)

    assert not {payload for _, payload in listener.got} & set(secrets)


@pytest.mark.parametrize("topic", ["gw/1/box-b/status", "gw/1/platform", up("box-b")])
def test_a_last_will_reaches_nobody_either(
    shared_platform: Platform, topic: str
) -> None:
    ingest = shared_platform.ingest()
    victim = shared_platform.listening_box("box-b")
    attacker = shared_platform.box("box-a", will=topic)
    if attacker.is_in:
        attacker.die()
    rightful = shared_platform.box("box-a", will="gw/1/box-a/status")
    rightful.die()

    wait_for("own last will", lambda: ("gw/1/box-a/status", b"will") in ingest.got)
    assert (topic, b"will") not in ingest.got + victim.got


def test_a_gateway_of_other_make_is_heard_where_its_profile_says_and_nowhere_else(
    shared_platform: Platform,
) -> None:
    ingest, said, denied = shared_platform.ingest(), fresh(), {fresh(), fresh()}
    assert ingest.subscribe(LORA, 1)
    topic = "application/7/device/a84041ffff1234ab/event/up"
    for who, where, payload in zip(
        ("lora", "box-a"), (up("box-a"), topic), denied, strict=True
    ):
        shared_platform.box(who).publish(where, payload)
    shared_platform.box("lora").publish(topic, said)
    ingest.heard(said)

    last = fresh()  # what came before this and was not heard, never will be
    shared_platform.box("box-a").publish(up("box-a"), last)
    ingest.heard(last)
    assert denied.isdisjoint(payload for _, payload in ingest.got)


@pytest.mark.parametrize(
    ("user", "password"),
    [
        (None, None),
        ("box-a", None),
        ("box-a", ""),
        ("box-a", "wrong"),
        ("stranger", "wrong"),
        ("", ""),
        ("+", "wrong"),
    ],
)
def test_who_cannot_prove_it_is_not_let_in(
    shared_platform: Platform, user: str | None, password: str | None
) -> None:
    assert not shared_platform.client(user, password).is_in


def test_a_password_is_good_for_one_device_only(shared_platform: Platform) -> None:
    theirs = shared_platform.passwords["box-a"]

    assert not shared_platform.client("box-b", theirs).is_in
    assert shared_platform.client("box-a", theirs).is_in


def test_a_box_that_is_not_let_in_is_told_so(shared_platform: Platform) -> None:
    url = BrokerUrl.parse(f"mqtt://127.0.0.1:{shared_platform.device_port}")
    peer = Peer(DeviceId("box-a"), url, "wrong", None, secret="5" * 32)
    connection = Connection(
        peer, window=2, keepalive_s=5, will=b"{}", on_message=lambda *_: None
    )
    with pytest.raises(DeniedError, match=r"refuses box-a: .*is password_file what"):
        connection.open((), threading.Event())
    connection.close()


def test_a_hash_is_no_password(shared_platform: Platform) -> None:
    box = shared_platform.registry.get_device("box-a")

    assert not shared_platform.client("box-a", box.bcrypt_hash).is_in
    assert not shared_platform.client("box-a", box.pbkdf2_hash).is_in


def test_who_knows_ingests_client_id_still_gets_nothing_of_its_queue(
    platform: Platform,
) -> None:
    secret = "ingest-0123456789abcdef"
    ingest = platform.ingest(secret, lasting=True)
    ingest.close()
    waiting = fresh()
    platform.box("box-a").publish(up("box-a"), waiting)

    thief = platform.box("box-b", client_id=secret, lasting=True)
    assert thief.is_in
    thief.subscribe(UP, 1)
    witness, later = platform.ingest(), fresh()
    platform.box("box-a").publish(up("box-a"), later)
    witness.heard(later)
    thief.close()

    assert thief.got == []
    platform.ingest(secret, lasting=True).heard(waiting)


def test_on_mosquitto_a_device_cannot_log_in_where_services_do(
    shared_platform: Platform,
) -> None:
    if shared_platform.kind == "nats":
        return  # it has one listener; there the subjects alone decide
    password = shared_platform.passwords["box-a"]
    as_box = Client(shared_platform.service_port, "box-a", password)
    as_service = shared_platform.client(SERVICE, shared_platform.secret.password)

    assert not as_box.is_in
    assert not as_service.is_in
    as_box.close()


def test_on_nats_no_account_speaks_its_own_protocol(
    shared_platform: Platform,
) -> None:
    if shared_platform.kind == "mosquitto":
        return
    log = (shared_platform.folder / "nats.log").read_text()
    line = next(one for one in log.splitlines() if "client connections" in one)
    port = int(line.rsplit(":", 1)[1])
    for user, password in (
        ("box-a", shared_platform.passwords["box-a"]),
        (SERVICE, shared_platform.secret.password),
    ):
        with socket.create_connection(("127.0.0.1", port), 5) as raw:
            raw.settimeout(5)
            raw.recv(4096)
            login = (
                f'CONNECT {{"user":"{user}","pass":"{password}","verbose":true}}\r\n'
            )
            raw.sendall(login.encode())
            assert b"-ERR" in raw.recv(4096)


def test_on_nats_a_box_cannot_use_up_the_consumers(shared_platform: Platform) -> None:
    if shared_platform.kind == "mosquitto":
        return
    box = shared_platform.box("box-a")

    assert not any(box.subscribe(f"gw/1/box-a/cmd/{n}", 1) for n in range(30))
    assert box.subscribe("gw/1/box-a/cmd/+", 0)


def test_on_nats_what_ingest_may_not_hear_is_said(shared_platform: Platform) -> None:
    if shared_platform.kind == "mosquitto":
        return  # it grants everything, and delivers nothing of it
    port = shared_platform.service_port
    inlet = MqttInlet(
        BrokerUrl("127.0.0.1", port, False, SERVICE, shared_platform.secret.password),
        client_id="gw-ingest-deaf",
        filters=(UP, "strangers/#"),
        offer=lambda _: True,
        on_online=lambda: None,
        keeps_session=False,
    )
    with capture_logs() as said, inlet.running():
        wait_for("it is said", lambda: any("strangers" in str(one) for one in said))
    refused = [one["reason"] for one in said if one["event"] == "broker.refused"]
    assert [reason.split(":")[0] for reason in refused] == ["to hear strangers/#"]


def test_a_revoked_box_is_thrown_off_and_the_others_stay(platform: Platform) -> None:
    ingest = platform.ingest()
    revoked, stays = platform.listening_box("box-a"), platform.listening_box("box-b")
    platform.registry.revoke_device("box-a", NOW)

    assert platform.apply() is Applied.RELOADED

    assert revoked.is_closed.wait(90)
    assert not platform.box("box-a").is_in
    payload, ack = fresh(), fresh()
    stays.publish(up("box-b"), payload)
    ingest.heard(payload)
    ingest.publish("gw/1/box-b/ack", ack, 0)
    stays.heard(ack)
    assert stays.is_in
    assert ingest.is_in


def test_a_new_box_gets_in_without_a_restart(platform: Platform) -> None:
    ingest, old = platform.ingest(), platform.box("box-a")
    platform.add("box-new")
    assert platform.apply() is Applied.RELOADED
    wait_for("box-new is let in", lambda: platform.box("box-new").is_in)

    payload = fresh()
    platform.box("box-new").publish(up("box-new"), payload)
    ingest.heard(payload)
    assert old.is_in


def test_a_renewed_password_replaces_the_old_one(platform: Platform) -> None:
    old, before = platform.passwords["box-a"], platform.box("box-a")
    platform.passwords["box-a"] = platform.registry.renew_password("box-a")

    platform.apply()

    assert before.is_closed.wait(90)
    assert not platform.client("box-a", old).is_in
    assert platform.box("box-a").is_in


def test_all_is_as_before_after_a_restart(platform: Platform) -> None:
    platform.registry.revoke_device("box-a", NOW)
    platform.apply()
    platform.server.kill()
    platform.server.start()

    ingest = platform.ingest()
    assert not platform.box("box-a").is_in
    payload = fresh()
    platform.box("box-b").publish(up("box-b"), payload)
    ingest.heard(payload)


def test_on_nats_a_full_store_locks_everybody_out_until_it_is_dropped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(nats, "STORE_BYTES", 2 * 1024**2)
    with platform_of("nats", tmp_path) as platform:
        platform.ingest("ingest-1", lasting=True).close()
        box = platform.box("box-a")
        for number in range(30):
            if box.is_in:
                box.publish(up("box-a", number), os.urandom(100 * 1024))
        assert not platform.box("box-b").is_in

        platform.server.stop()
        assert applying.drop_full_store(tmp_path / nats.STORE, nats.STORE_BYTES)
        platform.server.start()

        ingest, payload = platform.ingest("ingest-1", lasting=True), fresh()
        platform.box("box-b").publish(up("box-b"), payload)
        ingest.heard(payload)


def test_a_pack_of_the_largest_size_arrives_and_one_far_beyond_does_not(
    shared_platform: Platform,
) -> None:
    ingest = shared_platform.ingest()
    largest = os.urandom(300 * 1024)
    shared_platform.box("box-a").publish(up("box-a"), largest)
    ingest.heard(largest)

    shared_platform.box("box-a").publish(up("box-a"), bytes(600 * 1024))
    last = fresh()
    shared_platform.box("box-a").publish(up("box-a"), last)
    ingest.heard(last)
    assert max(len(payload) for _, payload in ingest.got) == len(largest)


def test_what_comes_while_ingest_is_away_waits_for_it(platform: Platform) -> None:
    """Mosquitto by default drops all but a thousand, in silence."""
    platform.ingest("ingest-1", lasting=True).close()
    box = platform.box("box-a")
    for number in range(1_500):
        box._client.publish(up("box-a", number), b"%d" % number, 1)
    box.publish(up("box-a", 1_500), b"1500")

    ingest = platform.ingest("ingest-1", lasting=True)
    wait_for("all arrive", lambda: len({p for _, p in ingest.got}) == 1_501, 90)


@pytest.fixture(params=KINDS)
def tls_platform(
    request: pytest.FixtureRequest, tmp_path: Path
) -> Iterator[tuple[Platform, Callable[[dt.datetime], tls.TlsFiles]]]:
    """A broker that devices reach by TLS, and what renews its certificate."""
    hosts = ("broker.example", "127.0.0.1")
    now = SystemClock().now()
    files = tls.ensure(tmp_path / "tls", hosts, now)
    with platform_of(request.param, tmp_path, files) as one:
        yield one, lambda at: tls.ensure(tmp_path / "tls", hosts, at)


def test_who_pins_the_authority_gets_in_and_nobody_else(
    tls_platform: tuple[Platform, object], tmp_path: Path
) -> None:
    platform, _ = tls_platform
    ca = tmp_path / "tls" / "ca.pem"
    other = tls.ensure(tmp_path / "other", ["localhost"], SystemClock().now()).ca

    ingest, payload = platform.ingest(), fresh()
    platform.box("box-a", ca=ca).publish(up("box-a"), payload)
    ingest.heard(payload)

    assert served(platform, ca)
    with pytest.raises(ssl.SSLCertVerificationError, match=r"self-signed|issuer"):
        served(platform, None)  # trusts what the machine trusts
    with pytest.raises(ssl.SSLCertVerificationError, match=r"self-signed|issuer"):
        served(platform, other)
    with pytest.raises(ssl.SSLCertVerificationError, match="not valid for 'localhost'"):
        served(platform, ca, name="localhost")
    assert not platform.box("box-a").is_in  # plain text


def test_a_renewed_certificate_is_served_without_a_restart(
    tls_platform: tuple[Platform, Callable[[dt.datetime], tls.TlsFiles]],
    tmp_path: Path,
) -> None:
    platform, renew = tls_platform
    stays = platform.box("box-a", ca=tmp_path / "tls" / "ca.pem")
    ca = tmp_path / "tls" / "ca.pem"
    before = served(platform, ca)

    files = renew(SystemClock().now() + dt.timedelta(days=700))
    platform.apply()

    wait_for("the new one is served", lambda: served(platform, ca) != before)
    assert served(platform, ca) == ssl.PEM_cert_to_DER_cert(
        files.certificate.read_text().split("-----BEGIN PRIVATE", 1)[0]
    )
    assert stays.is_in


def served(platform: Platform, ca: Path | None, *, name: str = "127.0.0.1") -> bytes:
    """Return the certificate that the broker shows to one who trusts ``ca``."""
    context = ssl.create_default_context(cafile=None if ca is None else str(ca))
    context.verify_flags |= ssl.VERIFY_X509_STRICT
    with (
        socket.create_connection(("127.0.0.1", platform.device_port), 5) as raw,
        context.wrap_socket(raw, server_hostname=name) as wrapped,
    ):
        certificate = wrapped.getpeercert(binary_form=True)
    assert certificate is not None
    return certificate


def test_no_broker_is_told_to_listen_in_plain_text_off_this_machine(
    tmp_path: Path,
) -> None:
    everywhere, here = Listener("0.0.0.0", 1883), Listener("127.0.0.1", 1884)
    with pytest.raises(ConfigError, match="plain text"):
        nats.render([], folder=tmp_path, listener=everywhere)
    for services, devices in ((everywhere, here), (here, everywhere)):
        with pytest.raises(ConfigError, match="plain text"):
            mosquitto.render([], folder=tmp_path, services=services, devices=devices)
