"""`greenwater device`: identities, credentials and the broker's permissions."""

import secrets
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import structlog
import typer

from cli.gateways import named, note_gateway
from cli.home import Home, open_home, write_mosquitto, write_nats
from cli.options import AsJson
from cli.times import parse_time
from greenwater.kernel.clock import open_clock
from greenwater.kernel.csvrows import rows_of
from greenwater.kernel.errors import ConfigError, InputError, MissingError
from greenwater.kernel.ids import DeviceId, parse_device
from greenwater.kernel.reading import local, milliseconds
from greenwater.storage.registry import Registry, open_registry
from greenwater.storage.registry.devices import NewDevice

app = typer.Typer(
    help="Devices: credentials and broker permissions.", no_args_is_help=True
)

log = structlog.get_logger()

COLUMNS = ("device",)


@app.command()
def add(
    device: Annotated[str, typer.Argument(help="Its id; leave out with --csv.")] = "",
    site: Annotated[str, typer.Option(help="The site it stands on.")] = "",
    vessel: Annotated[str, typer.Option(help="The vessel it sails on.")] = "",
    name: Annotated[str, typer.Option(help="What people call it.")] = "",
    csv_file: Annotated[
        Path | None,
        typer.Option("--csv", help="Many: columns device,site|vessel[,name]."),
    ] = None,
    simulated: Annotated[
        bool, typer.Option(help="Whether pages say that its readings are made up.")
    ] = False,
    speaks: Annotated[
        str,
        typer.Option(
            help="It is a gateway that speaks for many devices by this mapping profile: "
            "chirpstack_v4, or your own .toml."
        ),
    ] = "",
) -> None:
    """Register a device and print its password, this once.

    One that is registered already keeps its password, and has none printed.
    """
    given = {"site": site, "vessel": vessel, "name": name}
    if not device and csv_file is None:
        raise InputError("name the device and its --site, or many with --csv FILE")
    if csv_file is None:
        wanted = [_wanted(device, given, is_simulated=simulated)]
    elif device or speaks or any(given.values()):
        raise InputError("give one device, or many with --csv: not both")
    else:
        wanted = _from_file(csv_file, is_simulated=simulated)
    profile = named(speaks) if speaks else ""
    home = open_home()
    with open_registry(home.registry_url) as registry:
        now_ms = milliseconds(open_clock().now())
        passwords = _added(registry, wanted, now_ms)
        _show(passwords)
        for one, password in passwords.items():
            if password is not None:
                registry.note("device_add", one, at_ms=now_ms, session="cli")
        if profile:
            note_gateway(home.path, device, profile)
            typer.echo(
                "start ingest (or up) again: it hears this gateway then", err=True
            )
        _tell_broker(home, registry)


def _added(
    registry: Registry, wanted: Sequence[NewDevice], now_ms: int
) -> Mapping[DeviceId, str | None]:
    """Add devices and return their passwords; say which sites there are, if one is not."""
    try:
        return registry.add_devices(wanted, now_ms=now_ms)
    except MissingError as exc:
        if not any(one.site for one in wanted):
            raise
        known = ", ".join(one.id for one in registry.sites()[:10])
        there = (
            f"there are: {known}" if known else "no farm has been added on the pages"
        )
        raise MissingError(f"{exc}; {there}") from exc


@app.command()
def renew(device: Annotated[str, typer.Argument(help="Its id.")]) -> None:
    """Give a device another password and print it, this once; the old one ends."""
    home = open_home()
    with open_registry(home.registry_url) as registry:
        _show({device: registry.renew_password(device)})
        now_ms = milliseconds(open_clock().now())
        registry.note("device_renew", device, at_ms=now_ms, session="cli")
        _tell_broker(home, registry)


def _show(passwords: Mapping[DeviceId, str | None] | Mapping[str, str]) -> None:
    typer.echo("device,password")
    for device, password in passwords.items():
        typer.echo(f"{device},{password or ''}")


def _wanted(device: str, row: Mapping[str, str], *, is_simulated: bool) -> NewDevice:
    return NewDevice(
        id=parse_device(device),
        site=row.get("site") or None,
        vessel=row.get("vessel") or None,
        name=row.get("name") or "",
        is_simulated=is_simulated,
    )


def _from_file(path: Path, *, is_simulated: bool) -> list[NewDevice]:
    """Return the boxes of a file; its first line that cannot be is named."""
    wanted = []
    for line, row in rows_of(path, COLUMNS):
        try:
            wanted.append(_wanted(row["device"], row, is_simulated=is_simulated))
        except InputError as exc:
            raise InputError(f"{path}, line {line}: {exc}") from exc
    if not wanted:
        raise InputError(f"{path}: there is no device below its first line")
    return wanted


def apply_permissions(home: Home, registry: Registry) -> str:
    """Have the broker know the devices as they are now, and say in words what is left.

    The embedded one and a Mosquitto whose files this machine wrote before are given
    them and read them anew. Empty: done, or there is no broker of ours.
    """
    embedded, mosquitto = home.plan(), home.mosquitto()
    if embedded is not None:
        write_nats(home, registry, embedded)
    if mosquitto is None:
        return ""
    try:
        if not mosquitto.folder.is_dir():
            raise ConfigError(f"{mosquitto.folder} is not on this machine")
        write_mosquitto(home, registry, mosquitto)
    except ConfigError as exc:
        log.warning("broker_files.left", error=str(exc))
        return f"Mosquitto does not know yet ({exc}): run greenwater broker-files"
    return ""


def _tell_broker(home: Home, registry: Registry) -> None:
    if left := apply_permissions(home, registry):
        typer.echo(left, err=True)


@app.command("list")
def list_devices(
    as_json: AsJson = False,
) -> None:
    """Show all devices, their place and state, and when they last spoke."""
    import msgspec

    home = open_home()
    with open_registry(home.registry_url) as registry:
        devices, statuses = registry.list_devices(), registry.statuses()
    now_ms = milliseconds(open_clock().now())
    rows: list[dict[str, Any]] = []
    for one in devices:
        heard = statuses.get(one.id)
        rows.append(
            {
                "device": one.id,
                "name": one.name,
                "place": one.place,
                "state": one.state,
                "simulated": one.is_simulated,
                "online": bool(heard and heard[1].online),
                "heard_at": None
                if heard is None
                else local(heard[0]).isoformat(timespec="seconds"),
                "heard_s_ago": None if heard is None else (now_ms - heard[0]) // 1000,
                "waiting": heard[1].outbox_depth if heard else None,
            }
        )
    if as_json:
        typer.echo(msgspec.json.encode(rows).decode())
        return
    for row in rows:
        age = _age(row["heard_s_ago"], row["heard_at"])
        state = "online" if row["online"] else "offline"
        sim = "  SIMULATED" if row["simulated"] else ""
        typer.echo(
            f"{row['device']:<28} {row['place']:<20} {row['state']:<8} {state:<8} {age}{sim}"
        )


def _age(passed_s: int | None, at: str | None) -> str:
    """Return when a box was heard: how long ago, or when by a demo's clock, which runs ahead."""
    if passed_s is None:
        return "never heard"
    return f"{passed_s} s ago" if passed_s >= 0 else f"at {at} by its platform's clock"


@app.command()
def revoke(device: Annotated[str, typer.Argument(help="Its id.")]) -> None:
    """Shut a device out of broker and platform; its readings stay."""
    home = open_home()
    with open_registry(home.registry_url) as registry:
        now_ms = milliseconds(open_clock().now())
        registry.revoke_device(device, now_ms)
        registry.note("device_revoke", device, at_ms=now_ms, session="cli")
        _tell_broker(home, registry)
    typer.echo(f"{device} is revoked")


@app.command()
def resend(
    device: Annotated[str, typer.Argument(help="Its id, or 'all'.")],
    since: Annotated[
        str, typer.Option(help="From when on, such as 2026-06-01T00:00:00Z.")
    ],
) -> None:
    """Ask boxes for acknowledged readings again (after a restore)."""
    since_ms = parse_time(since, "--since")
    home = open_home()
    now_ms = milliseconds(open_clock().now())
    with open_registry(home.registry_url) as registry:
        states = registry.device_states()
        wanted = list(states) if device == "all" else [device]
        for one in wanted:
            registry.add_command(
                f"resend-{secrets.token_hex(8)}",
                one,
                "resend",
                {"since_ms": since_ms},
                now_ms=now_ms,
                expires_ms=now_ms + 7 * 24 * 3600 * 1000,
            )
    typer.echo(f"{len(wanted)} devices are asked for what they hold since {since}")
