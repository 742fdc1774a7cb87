"""`greenwater doctor` reaches the broker exactly as ingest would, or says why not."""

import base64
import hashlib
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from greenwater.kernel.clock import SystemClock
from greenwater.storage.registry import open_registry
from ingest.brokers import tls
from tests.conftest import started
from tests.live.system import ROOT, clean_environ
from tests.servers import Mosquitto, Server, free_port

pytestmark = pytest.mark.live


def doctor(home: Path, **settings: object) -> tuple[int, str]:
    """Return its status and what it says of the broker."""
    environ = {f"GREENWATER_{name}": str(value) for name, value in settings.items()}
    done = subprocess.run(
        [sys.executable, "-m", "cli", "doctor"],
        env={**clean_environ(), "GREENWATER_HOME": str(home), **environ},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )
    lines = [one for one in done.stdout.splitlines() if one.startswith("broker")]
    return done.returncode, "".join(lines) or done.stderr


@pytest.fixture
def private(tmp_path: Path) -> Iterator[tuple[Server, tls.TlsFiles]]:
    """A broker of a private authority that wants passwords."""
    files = tls.ensure(tmp_path / "tls", ["127.0.0.1"], SystemClock().now())
    folder = tmp_path / "mosquitto"
    folder.mkdir()
    # The hash of "right", as mosquitto_passwd makes it.
    (folder / "passwords").write_text(
        "us:$7$101$c2FsdHNhbHRzYWx0$" + pbkdf2("right", b"saltsaltsalt") + "\n"
    )
    server = Mosquitto(
        folder,
        lines=[
            "allow_anonymous false",
            f"password_file {folder}/passwords",
            f"certfile {files.certificate}",
            f"keyfile {files.key}",
        ],
    )
    started(server)
    yield server, files
    server.stop()


def pbkdf2(password: str, salt: bytes) -> str:
    raw = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, 101)
    return base64.b64encode(raw).decode()


def test_a_private_authority_is_trusted_where_it_is_named(
    private: tuple[Server, tls.TlsFiles], tmp_path: Path
) -> None:
    server, files = private
    url = f"mqtts://us:right@127.0.0.1:{server.port}"
    named = {"BROKER_URL": url, "INGEST_BROKER_CA_FILE": files.ca}
    assert doctor(tmp_path, **named) == (
        0,
        f"broker      127.0.0.1:{server.port} lets us in",
    )
    with open_registry(f"sqlite:///{tmp_path}/registry.db") as registry:
        registry.raise_operator_alarm("quarantine", "w1", "it grows", 1)
    assert doctor(tmp_path, **named)[0] == 69, "an open alarm"
    with open_registry(f"sqlite:///{tmp_path}/registry.db") as registry:
        registry.clear_operator_alarm("quarantine", "w1", 2)
    code, said = doctor(tmp_path, BROKER_URL=url)
    assert code == 69
    assert "GREENWATER_INGEST_BROKER_CA_FILE names the authority" in said
    code, said = doctor(tmp_path, **named | {"INGEST_BROKER_CA_FILE": "/no/such.pem"})
    assert code == 69
    assert "the broker's authority /no/such.pem: " in said
    wrong = url.replace("right", "wrong")
    code, said = doctor(tmp_path, **named | {"BROKER_URL": wrong})
    assert code == 69
    assert "refuses us: Not authorized" in said
    assert "wrong" not in said


def test_what_is_no_broker_is_called_so(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute:  # it takes connections
        port = mute.getsockname()[1]
        code, said = doctor(tmp_path, BROKER_URL=f"mqtt://127.0.0.1:{port}")
    assert code == 69
    assert "does not answer as a broker does" in said
    nobody = free_port()
    code, said = doctor(tmp_path, BROKER_URL=f"mqtt://127.0.0.1:{nobody}")
    assert code == 69
    assert "Connection refused" in said


def test_a_misspelt_setting_of_ingest_is_named(tmp_path: Path) -> None:
    code, said = doctor(tmp_path, INGEST_WROKER="w2")
    assert code == 69
    assert "no such setting: GREENWATER_INGEST_WROKER" in said
