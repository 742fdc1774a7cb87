"""deploy/: what is there is read by what it is for, as far as this machine has it.

Real are systemd's own check and Mosquitto. No container is built here, since that needs
a registry: of the compose file and the Containerfile the structure is held.
"""

import configparser
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import click
import msgspec
import pytest
import typer
import yaml  # type: ignore[import-untyped]
from typer.testing import CliRunner

from analytics.settings import AnalyticsSettings
from cli.home import HomeSettings, open_home
from cli.main import build
from cli.site import told_to_boxes
from greenwater.kernel.settings import SHARED
from greenwater.storage.registry import open_registry
from ingest.settings import IngestSettings
from tests.conftest import started
from tests.live.clients import Client, wait_for
from tests.servers import Mosquitto, free_port
from web.settings import WebSettings

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
CADDY = shutil.which("caddy") or next(
    map(str, (ROOT / ".servers").glob("caddy/usr/bin/caddy")), ""
)
UNITS = sorted(DEPLOY.glob("*.service"))
COMPOSE: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
SERVICES: Mapping[str, Any] = COMPOSE["services"]
TEXT = (DEPLOY / "compose.yaml").read_text()
HARDENED = {
    "NoNewPrivileges": "yes",
    "ProtectSystem": "strict",
    "ProtectHome": "yes",
    "PrivateTmp": "yes",
    "CapabilityBoundingSet": "",
    "RestrictAddressFamilies": "AF_INET AF_INET6 AF_UNIX",
    "SystemCallFilter": "@system-service",
    "UMask": "0077",
    "User": "greenwater",
    "StateDirectoryMode": "0700",
}
MOSQUITTO = "/var/lib/greenwater/mosquitto"
KEYS = frozenset(
    [
        "image",
        "build",
        "restart",
        "environment",
        "volumes",
        "read_only",
        "tmpfs",
        "cap_drop",
        "security_opt",
        "healthcheck",
        "command",
        "user",
        "ports",
        "depends_on",
        "network_mode",
        "entrypoint",
        "expose",
        "profiles",
    ]
)
"""What of the Compose specification is used; a misspelt key is none of them."""
UNCHECKED = {"analytics", "broker-files", "backup"}
"""Without a health check: analytics answers nothing, the others end by themselves."""


class Ini(configparser.ConfigParser):
    """Reads a unit: keys as they are written; of repeated ones all values."""

    def __init__(self) -> None:
        super().__init__(strict=False, interpolation=None, delimiters=("=",))

    def optionxform(self, optionstr: str) -> str:
        return optionstr


def unit(path: Path) -> Ini:
    found = Ini()
    found.read(path)
    return found


def commands() -> Iterator[tuple[str, list[str]]]:
    """Yield where, and the words of each ``greenwater …`` in deploy/."""
    for path in UNITS:
        words = unit(path)["Service"]["ExecStart"].split()
        if path.name == "greenwater-mosquitto.service":
            continue
        assert words[0] == "/usr/local/bin/greenwater"
        yield path.name, words[1:]
    for name, service in SERVICES.items():
        if "greenwater" in str(service["image"]).split(":"):
            command = service["command"]
            if "entrypoint" in service:
                command = command[0].split("exec greenwater ")[1].split()
            yield (
                f"compose.yaml {name}",
                [re.sub(r"\$\{\w+.*?\}", "x.example", w) for w in command],
            )
    found = re.search(r"^CMD (.*)$", (DEPLOY / "Containerfile").read_text(), re.M)
    assert found
    yield "Containerfile", msgspec.json.decode(found[1])


@pytest.mark.parametrize(("where", "words"), list(commands()))
def test_a_command_exists_with_its_options(where: str, words: list[str]) -> None:
    command: Any = typer.main.get_command(build(["all"]))
    context = click.Context(command)
    while hasattr(command, "commands"):
        name, command, words = command.resolve_command(context, words)
        if command.name in ("analytics",) and not words:
            return
        assert command is not None, f"{where}: {name}"
    command.make_context(where, list(words))


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="no systemd here")
def test_systemd_itself_finds_nothing_wrong(tmp_path: Path) -> None:
    for path in [*UNITS, *DEPLOY.glob("*.timer")]:
        text = path.read_text().replace("/usr/local/bin/greenwater", sys.executable)
        text = text.replace("/usr/sbin/mosquitto", sys.executable)
        (tmp_path / path.name).write_text(text)
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", "--recursive-errors=no",
         *map(str, tmp_path.iterdir())],
        check=False, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert done.returncode == 0
    assert done.stderr == ""


@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.stem)
def test_a_unit_gives_no_more_rights_than_it_needs(path: Path) -> None:
    service = unit(path)["Service"]
    assert {name: service.get(name) for name in HARDENED} == HARDENED
    if path.name != "greenwater-backup.service":
        assert service["Restart"] == "always"
    if path.name not in ("greenwater-backup.service", "greenwater-mosquitto.service"):
        assert service["RestartPreventExitStatus"] == "78"
    devices = "PrivateDevices" if "edge" not in path.name else "DevicePolicy"
    assert devices in service


@pytest.mark.parametrize("name", ["web", "ingest", "backup"])
def test_a_service_talks_to_no_more_machines_than_it_is_told(name: str) -> None:
    service = unit(DEPLOY / f"greenwater-{name}.service")["Service"]
    assert service["IPAddressDeny"] == "any"
    assert service["IPAddressAllow"] == "localhost"


def known_variables() -> set[str]:
    kinds: list[tuple[str, type[msgspec.Struct]]] = [
        ("", HomeSettings),
        ("INGEST_", IngestSettings),
        ("ANALYTICS_", AnalyticsSettings),
        ("WEB_", WebSettings),
    ]
    own = {
        f"GREENWATER_{prefix}{field.name.upper()}"
        for prefix, kind in kinds
        for field in msgspec.structs.fields(kind)
    }
    return own | SHARED


def test_every_variable_is_one_that_is_read() -> None:
    ours = {"GREENWATER_SITE", "GREENWATER_UPSTREAM", "GREENWATER_BROKER_HOST"}
    text = "".join(
        path.read_text()
        for path in (*UNITS, *DEPLOY.glob("*.example"), DEPLOY / "compose.yaml",
                     DEPLOY / "Containerfile", DEPLOY / "Caddyfile")
    )  # fmt: skip
    used = set(re.findall(r"GREENWATER_[A-Z_]+", text))
    assert used
    assert used <= known_variables() | ours
    for name in ours & set(re.findall(r"\$\{(\w+)", TEXT)):
        assert f"{name}=" in (DEPLOY / "compose.env.example").read_text()


def test_no_secret_is_in_the_examples() -> None:
    for path in DEPLOY.glob("*.example"):
        for line in path.read_text().splitlines():
            name, _, value = line.lstrip("#").partition("=")
            if "PASSWORD" in name:
                assert value == "", f"{path.name}: {name}"
            if "://" in value and "@" in value:
                assert ":PASSWORD@" in value
    for found in re.findall(r"PASSWORD: (\S+)", TEXT):
        assert found.startswith("${"), "passwords come from deploy/.env"


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_of_the_compose_file_is_whole(name: str) -> None:
    service = SERVICES[name]
    assert set(service) <= KEYS
    image, _, version = service["image"].rpartition(":")
    assert image
    assert re.match(r"\d+\.\d+", version), "pinned by version"
    assert name in UNCHECKED or service["healthcheck"]["test"][0] == "CMD"
    for at in service.get("volumes", []):
        volume = at.split(":")[0]
        assert volume in COMPOSE["volumes"] or (DEPLOY / volume).exists(), volume
    for other, how in service.get("depends_on", {}).items():
        assert other in SERVICES
        wanted = how["condition"]
        assert wanted in ("service_healthy", "service_completed_successfully")
        assert (wanted == "service_healthy") == ("healthcheck" in SERVICES[other])
    if ":" in service.get("network_mode", ""):
        assert service["network_mode"].split(":")[1] in SERVICES
        assert "ports" not in service
    if "build" in service:
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        assert (DEPLOY / service["build"]["context"]).resolve() == ROOT
        assert (ROOT / service["build"]["dockerfile"]).exists()


def test_the_site_believes_its_front_and_nobody_else_reaches_it() -> None:
    environment = SERVICES["web"]["environment"]
    assert environment["GREENWATER_WEB_TRUSTED_PROXIES"] == "*"
    assert environment["GREENWATER_PUBLIC_URL"].startswith("https://")
    assert "ports" not in SERVICES["web"]
    assert "header_up" not in (DEPLOY / "Caddyfile").read_text(), "it sets them itself"


def test_programs_are_not_led_on_from_plain_http() -> None:
    text = (DEPLOY / "Caddyfile").read_text()
    plain = text[text.index("http://") :].partition("\n}")[0]
    assert "@programs path /api/* /epcis /epcis/*" in plain
    assert "@people not path /api/* /epcis /epcis/*" in plain
    assert "redir @people https://{host}{uri} 308" in plain
    assert 'respond @programs "use https" 403' in plain


@pytest.mark.skipif(not CADDY, reason="no caddy here: apt-get install caddy")
def test_caddy_itself_takes_the_front(tmp_path: Path) -> None:
    environ = {"GREENWATER_SITE": "x.example", "GREENWATER_UPSTREAM": "web:8000"}
    done = subprocess.run(
        [CADDY, "adapt", "--config", str(DEPLOY / "Caddyfile"), "--validate"],
        check=False, capture_output=True, text=True, timeout=60,
        env={**os.environ, **environ, "HOME": str(tmp_path)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    servers = msgspec.json.decode(done.stdout)["apps"]["http"]["servers"]
    assert {one["listen"][0] for one in servers.values()} == {":443", ":80"}
    assert '"dial":"web:8000"' in done.stdout


def test_only_boxes_and_pages_are_reached_from_outside() -> None:
    ports = {name: one["ports"] for name, one in SERVICES.items() if "ports" in one}
    assert ports == {"broker": ["8883:8883"], "front": ["80:80", "443:443"]}
    assert set(COMPOSE["volumes"]) == {
        at.split(":")[0]
        for one in SERVICES.values()
        for at in one.get("volumes", [])
        if not at.startswith(".")
    }
    names = set(re.findall(r"@(\w+)[/:]", TEXT)) - {"127"}
    assert names <= set(SERVICES), "URLs name services"


def test_the_image_is_pinned_small_and_not_root() -> None:
    text = (DEPLOY / "Containerfile").read_text()
    bases = re.findall(r"^FROM (\S+)", text, re.M)
    assert len(bases) == 2
    assert all(re.search(r":\d+\.\d+\.\d+-slim", base) for base in bases)
    assert re.findall(r"^USER (.*)$", text, re.M) == ["10001:10001"]
    assert "--require-hashes" in text
    assert "constraints-run.txt" in text
    assert "http" not in text
    assert "index-url" not in text
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    assert ignored[0] == "*"
    packages = re.search(r"packages = (\[.*\])", (ROOT / "pyproject.toml").read_text())
    assert packages
    assert {f"!{one}" for one in msgspec.json.decode(packages[1])} <= set(ignored)
    for copied in re.findall(r"^!(\S+)", "\n".join(ignored), re.M):
        assert (ROOT / copied).exists(), copied


@pytest.mark.live
def test_mosquitto_loads_what_the_compose_file_has_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GREENWATER_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("GREENWATER_REGISTRY_URL", f"sqlite:///{tmp_path}/registry.db")
    words = list(dict(commands())["compose.yaml broker-files"])
    assert words[:2] == ["broker-files", "/broker"]
    words[1] = str(tmp_path / "broker")
    boxes, services = free_port(), free_port()
    words += ["--service-port", str(services), "--device-port", str(boxes)]
    done = CliRunner().invoke(build(words), words, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    config = tmp_path / "broker" / "mosquitto.conf"
    assert SERVICES["broker"]["command"] == [
        "mosquitto",
        "-c",
        "/broker/mosquitto.conf",
    ]
    started_as = unit(DEPLOY / "greenwater-mosquitto.service")["Service"]["ExecStart"]
    assert started_as.split()[1:] == ["-c", f"{MOSQUITTO}/mosquitto.conf"]
    assert f"broker-files {MOSQUITTO} --host" in (DEPLOY / "mosquitto.md").read_text()
    text = config.read_text()
    assert f"listener {boxes} 0.0.0.0" in text
    assert f"listener {services} 127.0.0.1" in text
    assert "allow_anonymous true" not in text
    if os.getuid() == 0:  # in the container it never is
        config.write_text(text + "user root\n")
    server = Mosquitto(tmp_path / "broker", boxes, config=config)
    started(server)
    try:
        assert server.is_ready()
        a_box_that_is_added_comes_in_and_a_revoked_one_does_not(boxes, tmp_path)
    finally:
        server.stop()


def a_box_that_is_added_comes_in_and_a_revoked_one_does_not(
    port: int, folder: Path
) -> None:
    """The Mosquitto that runs is told by itself: no operator need remember it."""

    def said(*words: str) -> str:
        done = CliRunner().invoke(build(words), words, catch_exceptions=False)
        assert done.exit_code == 0, done.output
        return done.output

    def answer() -> str | None:
        ca = folder / "home" / "tls" / "ca.pem"
        one = Client(port, "box-9", password, ca=ca)
        one.close()
        return one.answer

    with open_registry(f"sqlite:///{folder}/registry.db") as registry:
        registry.add_organisation("hoa", "Hộ Hoa")
        registry.add_site("trai", organisation="hoa", name="Trại Hoa")
    password = said("device", "add", "box-9", "--site", "trai").split("box-9,")[1][:32]
    wait_for("the box comes in", lambda: answer() == "Success", 20)
    assert told_to_boxes(open_home()) == f"mqtts://x.example:{port}", "for installers"
    assert said("device", "revoke", "box-9") == "box-9 is revoked\n"
    wait_for("the box is shut out", lambda: answer() != "Success", 20)


@pytest.mark.parametrize("name", ["pond-box.toml", "vessel-box.toml"])
def test_a_sample_of_a_box_is_a_configuration(name: str) -> None:
    words = ["edge", "check-config", "--config", str(DEPLOY / name)]
    done = CliRunner().invoke(build(words), words)
    assert done.exit_code == 0, done.output
