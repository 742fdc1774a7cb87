"""What brokers are told: pure rendering, the files' writing, the authority's renewal."""

import datetime as dt
import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.x509.verification import PolicyBuilder, Store, VerificationError
from hypothesis import given
from hypothesis import strategies as st

from greenwater.kernel.errors import ConfigError
from ingest.brokers import mosquitto, nats, tls
from ingest.brokers.applying import (
    Applied,
    apply,
    drop_full_store,
    running_pid,
    write_private,
)
from ingest.brokers.plan import (
    Account,
    Listener,
    Rights,
    all_rights,
    device_rights,
)

NOW = dt.datetime(2026, 6, 1, tzinfo=dt.UTC)
HERE = Listener("127.0.0.1", 1883)
THERE = Listener("127.0.0.1", 8883)
BOX = Account("box-1", "$2a$04$abc./", "$7$101$ab+/=$cd==")
SERVICE = Account("gw-ingest", "$2a$04$xyz", "$7$101$ef$gh", is_service=True)


def test_a_device_may_do_six_things() -> None:
    assert device_rights("box-1") == (
        ("gw/1/box-1/up/+/+", "gw/1/box-1/status", "gw/1/box-1/reply/+"),
        ("gw/1/box-1/ack", "gw/1/box-1/cmd/+", "gw/1/platform"),
    )


def test_a_gateway_says_what_its_profile_says_and_services_hear_it() -> None:
    says, hears = "application/+/device/+/event/up", "application/+/device/+/command/+"
    lora = BOX._replace(user="lora", beside=Rights((says,), (hears,)))
    who = [SERVICE, BOX, lora]

    assert all_rights(lora).publish[-1] == says
    assert all_rights(BOX) == device_rights("box-1")
    users = nats.render(who, folder=Path("/srv"), listener=HERE)[nats.CONFIG]
    service, box, gateway = (one for one in users.splitlines() if "user:" in one)
    assert "application.*.device.*.event.up" in service.partition("subscribe")[2]
    assert "application" not in box
    assert "application.*.device.*.event.up" in gateway.partition("subscribe")[0]
    assert "application.*.device.*.command.*" in gateway.partition("subscribe")[2]
    files = mosquitto.render(who, folder=Path("/srv"), services=HERE, devices=THERE)
    assert f"topic read {says}\n" in files["services.acl"]
    assert files["devices.acl"].endswith(
        f"user lora\ntopic write {says}\ntopic read {hears}\n"
    )
    assert files["devices.acl"].count("application") == 2


@pytest.mark.parametrize(
    ("topic", "subject"),
    [
        ("gw/1/box-1/ack", "gw.1.box-1.ack"),
        ("gw/1/+/up/+/+", "gw.1.*.up.*.*"),
        ("application/#", "application.>"),
        ("v1.2/up", "v1//2.up"),
    ],
)
def test_topics_are_subjects(topic: str, subject: str) -> None:
    assert nats.subject(topic) == subject


def test_the_same_accounts_render_to_the_same_files() -> None:
    def rendered() -> object:
        return (
            nats.render([SERVICE, BOX], folder=Path("/srv"), listener=HERE),
            mosquitto.render(
                [SERVICE, BOX], folder=Path("/srv"), services=HERE, devices=THERE
            ),
        )

    assert rendered() == rendered()


def test_devices_and_services_are_in_files_of_their_own() -> None:
    files = mosquitto.render(
        [SERVICE, BOX], folder=Path("/srv"), services=HERE, devices=THERE
    )

    assert files["devices.passwords"] == "box-1:$7$101$ab+/=$cd==\n"
    assert files["services.passwords"] == "gw-ingest:$7$101$ef$gh\n"
    assert "gw-ingest" not in files["devices.acl"]


bad_text = st.text(max_size=12).filter(
    lambda text: any(c in text for c in "\n\r\"' {}#:\\") or not text.isascii()
)


@given(user=bad_text, digest=bad_text)
def test_nothing_breaks_out_of_its_line(user: str, digest: str) -> None:
    folder = Path("/srv")
    for account in (
        Account(user, "$2a$04$abc", "$7$1"),
        Account("box-1", digest, "$7$1"),
        Account("box-1", "$2a$04$abc", digest),
    ):
        with pytest.raises(ConfigError):
            nats.render([account], folder=folder, listener=HERE)
        with pytest.raises(ConfigError):
            mosquitto.render([account], folder=folder, services=HERE, devices=THERE)


@pytest.mark.parametrize("path", ['/srv/a"b', "/srv/a\nb", "/srv/a\\b", "/srv/a'b"])
def test_a_path_that_breaks_out_is_refused(path: str) -> None:
    with pytest.raises(ConfigError, match="cannot stand in a broker's configuration"):
        nats.render([], folder=Path(path), listener=HERE)
    with pytest.raises(ConfigError, match="cannot stand in a broker's configuration"):
        mosquitto.render([], folder=Path(path), services=HERE, devices=THERE)
    tls_there = Listener("0.0.0.0", 8883, Path(path), Path(path))
    with pytest.raises(ConfigError, match="cannot stand in a broker's configuration"):
        nats.render([], folder=Path("/srv"), listener=tls_there)


def test_a_device_cannot_take_the_name_of_a_service() -> None:
    device = Account("gw-ingest", "$2a$04$abc", "$7$1")

    with pytest.raises(ConfigError, match="gw-ingest has the name of a service"):
        nats.render([SERVICE, device], folder=Path("/srv"), listener=HERE)


def test_half_a_certificate_is_refused() -> None:
    with pytest.raises(ConfigError, match="a certificate and a key"):
        nats.render(
            [], folder=Path("/srv"), listener=Listener("0.0.0.0", 1, Path("/c"))
        )


def test_a_file_is_for_our_eyes_only_and_replaced_whole(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "nats.conf"
    write_private(path, b"first")
    held = path.open("rb")

    write_private(path, b"second")

    with held:
        assert held.read() == b"first"  # who reads the old one reads all of it
    assert path.read_bytes() == b"second"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [one.name for one in path.parent.iterdir()] == ["nats.conf"]


def test_what_cannot_be_written_names_the_file(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(ConfigError, match=r"cannot write .*file/nats\.conf"):
        write_private(tmp_path / "file" / "nats.conf", b"")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_files_belong_to_whom_their_folder_belongs(tmp_path: Path) -> None:
    folder = tmp_path / "mosquitto"
    folder.mkdir()
    os.chown(folder, 65534, 65534)

    write_private(folder / "passwords", b"")

    assert (folder / "passwords").stat().st_uid == 65534


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    """A process that a SIGHUP ends."""
    ready = "import signal, time; signal.signal(signal.SIGHUP, signal.SIG_DFL); print(flush=True); time.sleep(60)"
    with subprocess.Popen(
        [sys.executable, "-c", ready], stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        yield process
        process.kill()


def test_a_pid_file_left_behind_ends_nobody_elses_process(
    tmp_path: Path, sleeper: subprocess.Popen[bytes]
) -> None:
    (tmp_path / "nats.pid").write_text(str(sleeper.pid))

    done = apply(tmp_path, {"nats.conf": ""}, program="nats-server", pid="nats.pid")

    assert done is Applied.WRITTEN
    time.sleep(0.2)
    assert sleeper.poll() is None


def test_the_process_in_the_pid_file_is_told(
    tmp_path: Path, sleeper: subprocess.Popen[bytes]
) -> None:
    (tmp_path / "broker.pid").write_text(f"{sleeper.pid}\n")
    program = Path(f"/proc/{sleeper.pid}/comm").read_text().strip()

    done = apply(tmp_path, {"x.conf": "y"}, program=program, pid="broker.pid")

    assert done is Applied.RELOADED
    assert sleeper.wait(90) == -signal.SIGHUP


@pytest.mark.parametrize("text", ["", "x", "-1", "0", "99999999", "1\x00"])
def test_a_pid_file_that_says_nothing_is_nobody(tmp_path: Path, text: str) -> None:
    (tmp_path / "pid").write_text(text)

    assert running_pid(tmp_path / "pid", "nats-server") is None
    assert running_pid(tmp_path / "none", "nats-server") is None


def test_a_full_store_is_dropped_and_another_is_not(tmp_path: Path) -> None:
    store = tmp_path / "store"
    (store / "deep").mkdir(parents=True)
    (store / "deep" / "1.blk").write_bytes(bytes(900))

    assert not drop_full_store(store, 10_000)
    assert (store / "deep" / "1.blk").exists()
    assert drop_full_store(store, 1_000)
    assert not store.exists()
    assert not drop_full_store(store, 1_000)


def check_certificate(files: tls.TlsFiles, host: str, at: dt.datetime) -> None:
    certificate = x509.load_pem_x509_certificate(files.certificate.read_bytes())
    store = Store([x509.load_pem_x509_certificate(files.ca.read_bytes())])
    verifier = (
        PolicyBuilder().store(store).time(at).build_server_verifier(x509.DNSName(host))
    )
    verifier.verify(certificate, [])


def test_a_box_whose_clock_starts_in_1970_gets_through(tmp_path: Path) -> None:
    files = tls.ensure(tmp_path, ["broker.example"], NOW)

    booted = dt.datetime(1970, 1, 1, 0, 1, tzinfo=dt.UTC)
    for at in (booted, NOW, NOW + dt.timedelta(days=729)):
        check_certificate(files, "broker.example", at)
    with pytest.raises(VerificationError):
        check_certificate(files, "broker.example", NOW + dt.timedelta(days=731))
    with pytest.raises(VerificationError):
        check_certificate(files, "other.example", NOW)


def test_a_certificate_is_renewed_in_time_under_the_same_authority(
    tmp_path: Path,
) -> None:
    files = tls.ensure(tmp_path, ["broker.example"], NOW)
    first, ca = files.certificate.read_bytes(), files.ca.read_bytes()

    tls.ensure(tmp_path, ["broker.example"], NOW + dt.timedelta(days=669))
    assert files.certificate.read_bytes() == first

    late = NOW + dt.timedelta(days=671)
    tls.ensure(tmp_path, ["broker.example"], late)
    assert files.certificate.read_bytes() != first
    assert files.ca.read_bytes() == ca
    new = x509.load_pem_x509_certificate(files.certificate.read_bytes())
    assert new.not_valid_after_utc == late + dt.timedelta(days=730)
    check_certificate(files, "broker.example", late)


def test_a_new_name_gets_a_new_certificate(tmp_path: Path) -> None:
    files = tls.ensure(tmp_path, ["broker.example", "127.0.0.1"], NOW)
    first = files.certificate.read_bytes()

    tls.ensure(tmp_path, ["127.0.0.1"], NOW)
    assert files.certificate.read_bytes() == first
    tls.ensure(tmp_path, ["broker.example", "127.0.0.1", "10.0.0.5"], NOW)
    assert files.certificate.read_bytes() != first


def test_keys_are_for_our_eyes_only(tmp_path: Path) -> None:
    files = tls.ensure(tmp_path, ["broker.example"], NOW)

    assert b"PRIVATE" not in files.ca.read_bytes()  # the file that is copied to boxes
    for path in tmp_path.iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_two_platforms_have_two_authorities(tmp_path: Path) -> None:
    one = tls.ensure(tmp_path / "1", ["broker.example"], NOW)
    other = tls.ensure(tmp_path / "2", ["broker.example"], NOW)

    with pytest.raises(VerificationError):
        check_certificate(one._replace(ca=other.ca), "broker.example", NOW)


@pytest.mark.parametrize("name", ["ca.pem", "ca.key", "server.pem"])
def test_a_damaged_file_is_the_operators(tmp_path: Path, name: str) -> None:
    tls.ensure(tmp_path, ["broker.example"], NOW)
    (tmp_path / name).write_bytes(b"-----BEGIN NOTHING-----")

    with pytest.raises(ConfigError, match="damaged or missing"):
        tls.ensure(tmp_path, ["other.example"], NOW)


def test_an_authority_without_its_key_is_the_operators(tmp_path: Path) -> None:
    tls.ensure(tmp_path / "1", ["broker.example"], NOW)
    tls.ensure(tmp_path / "2", ["broker.example"], NOW)
    (tmp_path / "1" / "ca.key").replace(tmp_path / "2" / "ca.key")

    for folder in ("1", "2"):
        with pytest.raises(ConfigError, match=r"ca\.key"):
            tls.ensure(tmp_path / folder, ["other.example"], NOW)


@pytest.mark.parametrize("host", ["", "máy-chủ", "a b", "http://x", "x/y", "-x"])
def test_what_is_no_host_is_refused_by_name(tmp_path: Path, host: str) -> None:
    with pytest.raises(ConfigError, match="neither a name nor an address"):
        tls.ensure(tmp_path, [host], NOW)
    with pytest.raises(ConfigError, match="needs a host"):
        tls.ensure(tmp_path, [], NOW)
