"""Mosquitto: its configuration, passwords and permissions, rendered. Pure.

Devices and services have listeners of their own, with users of their own: a device cannot
even log in where services do. On the devices' listener the user name is the client id, so
that nobody can throw another off or take its session over.

Measured on 2.0.11:

* It grants every subscription and delivers nothing of what may not be read; a publish
  that may not be is dropped, and the connection of an MQTT 3.1.1 client ended.
* At SIGHUP it reads passwords, permissions and certificates anew and checks every client
  that is connected: one that is gone from the file is thrown off, the others stay. With
  5,000 users, 3,000 of them connected, that stops it for 0.2 s.
* By default it keeps 1,000 messages for a client that is away and drops the rest in
  silence, and gives a client 20 at once: hence the three limits.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from ingest.brokers.plan import (
    IN_FLIGHT,
    MAX_PACKET_BYTES,
    NOTHING,
    Account,
    Listener,
    Rights,
    check,
    device_rights,
    heard_beside,
    quotable,
    service_rights,
)

PROGRAM: Final = "mosquitto"
CONFIG: Final = "mosquitto.conf"
PID: Final = "mosquitto.pid"

MAX_QUEUED_BYTES: Final = 256 * 1024 * 1024


def render(
    accounts: Sequence[Account],
    *,
    folder: Path,
    services: Listener,
    devices: Listener,
    run_as: str = "",
) -> Mapping[str, str]:
    """Return the files of ``folder`` by name.

    ``run_as`` is the user Mosquitto becomes when root starts it (its own: ``mosquitto``).

    Raises:
        ConfigError: as ``plan.check``.
    """
    check(accounts, [services, devices])
    where = quotable(folder)
    ours = [account for account in accounts if account.is_service]
    boxes = [account for account in accounts if not account.is_service]
    config = f"""per_listener_settings true
pid_file {where}/{PID}
log_dest stderr
log_type error
log_type warning
log_type notice
persistence true
persistence_location {where}/
autosave_interval 60
persistent_client_expiration 14d
max_queued_messages 0
max_queued_bytes {MAX_QUEUED_BYTES}
max_inflight_messages {IN_FLIGHT}
max_packet_size {MAX_PACKET_BYTES}
set_tcp_nodelay true
sys_interval 0
{f"user {run_as}" if run_as else ""}
{_listener(services, where, "services")}
{_listener(devices, where, "devices")}use_username_as_clientid true
"""
    rights = service_rights(heard_beside(accounts))
    return {
        CONFIG: config,
        "services.passwords": _passwords(ours),
        "services.acl": "".join(
            f"user {one.user}\n{_acl('topic', rights)}" for one in ours
        ),
        "devices.passwords": _passwords(boxes),
        # One rule for all of them; Mosquitto puts the user name in the place of %u.
        "devices.acl": _acl("pattern", device_rights("%u"))
        + "".join(
            f"user {one.user}\n{_acl('topic', one.beside)}"
            for one in boxes
            if one.beside != NOTHING
        ),
    }


def _listener(listener: Listener, where: str, users: str) -> str:
    tls = ""
    if listener.certificate is not None and listener.key is not None:
        tls = (
            f"certfile {quotable(listener.certificate)}\n"
            f"keyfile {quotable(listener.key)}\ntls_version tlsv1.2\n"
        )
    return f"""listener {listener.port} {listener.host}
allow_anonymous false
password_file {where}/{users}.passwords
acl_file {where}/{users}.acl
{tls}"""


def _passwords(accounts: Sequence[Account]) -> str:
    return "".join(f"{one.user}:{one.pbkdf2_hash}\n" for one in accounts)


def _acl(kind: str, rights: Rights) -> str:
    lines = [f"{kind} write {one}" for one in rights.publish]
    lines += [f"{kind} read {one}" for one in rights.subscribe]
    return "\n".join(lines) + "\n"
