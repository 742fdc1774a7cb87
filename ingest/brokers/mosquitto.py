"""Mosquitto: its password file, its ACL and its configuration, rendered. Pure.

Measured on 2.0.11: the default queue drops all but 1,000 messages in silence and the
in-flight limit of 20 stalls a consumer that acknowledges late, so both are set; on the
device listener the user name is the client id, so that nobody throws another off.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

MAX_PACKET_BYTES = 512 * 1024
MAX_QUEUED_BYTES = 256 * 1024 * 1024
IN_FLIGHT = 4_096


class Account(NamedTuple):
    """A user, its ``$7$`` hash, and whether it is a service."""

    user: str
    pbkdf2_hash: str
    is_service: bool = False


class Files(NamedTuple):
    """What Mosquitto reads."""

    passwords: str
    acl: str
    config: str


def render(
    accounts: Sequence[Account],
    *,
    folder: Path,
    service_port: int,
    device_port: int,
    device_host: str = "127.0.0.1",
    certificate: Path | None = None,
    key: Path | None = None,
    extra_filters: Sequence[str] = (),
) -> Files:
    """Return the three files' texts. Services listen on loopback, devices with TLS."""
    passwords = "".join(f"{one.user}:{one.pbkdf2_hash}\n" for one in accounts)
    acl = "\n".join(_rights(one, extra_filters) for one in accounts)
    tls = f"certfile {certificate}\nkeyfile {key}\n" if certificate else ""
    config = f"""per_listener_settings false
allow_anonymous false
password_file {folder}/passwords
acl_file {folder}/acl
persistence true
persistence_location {folder}/
autosave_interval 60
max_queued_messages 0
max_queued_bytes {MAX_QUEUED_BYTES}
max_inflight_messages {IN_FLIGHT}
max_packet_size {MAX_PACKET_BYTES}

listener {service_port} 127.0.0.1

listener {device_port} {device_host}
use_username_as_clientid true
{tls}"""
    return Files(passwords, acl, config)


def _rights(account: Account, extra_filters: Sequence[str]) -> str:
    if account.is_service:
        rights = ["readwrite gw/1/#", *(f"read {one}" for one in extra_filters)]
    else:
        own = f"gw/1/{account.user}"
        rights = [
            f"write {own}/up/+/+",
            f"write {own}/status",
            f"write {own}/reply/+",
            f"read {own}/ack",
            f"read {own}/cmd/+",
            "read gw/1/platform",
        ]
    return "\n".join([f"user {account.user}", *(f"topic {one}" for one in rights), ""])
