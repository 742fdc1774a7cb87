"""The embedded broker: nats-server's configuration, rendered. Pure.

MQTT topics are NATS subjects level by level (``gw/1/box/ack`` is ``gw.1.box.ack``);
device and outbox ids hold no dots, so nothing needs escaping.

Measured on 2.15.1:

* What a user may not publish is PUBACKed and dropped, wills and retained messages too;
  what it may not subscribe to is refused in the SUBACK. A user that is gone from the file
  is disconnected at reload; a client id of another user gives no access to its session.
* A reload that would change what cannot change while running (ports, store) is refused
  as a whole, users included: render with the same arguments until the next start.
* Every QoS 1 subscription is a consumer of the one message stream, which has room for
  1,000. Devices are therefore refused them (``$MQTT.sub.>``): one box could otherwise
  use them up and lock ingest out. Devices subscribe at QoS 0 (docs/wire.md).
* When the store is full, no session can be saved and *nobody* can connect any more, the
  ingest that would drain it included, until it is deleted. It fills while a client with
  a lasting session (``clean_session=False``) stays away. ``applying.drop_full_store``
  is the way out: boxes send again. The limit leaves the disk to the databases.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from ingest.brokers.plan import (
    IN_FLIGHT,
    MAX_PACKET_BYTES,
    Account,
    Listener,
    Rights,
    all_rights,
    check,
    heard_beside,
    quotable,
    service_rights,
)

PROGRAM: Final = "nats-server"
CONFIG: Final = "nats.conf"
PID: Final = "nats.pid"
STORE: Final = "store"

STORE_BYTES: Final = 2 * 1024**3
ACK_WAIT_S: Final = 60


def render(
    accounts: Sequence[Account],
    *,
    folder: Path,
    listener: Listener,
    inner_port: int = -1,
) -> Mapping[str, str]:
    """Return the files of ``folder`` by name.

    ``inner_port`` is where nats-server speaks its own protocol, on loopback; nobody may
    log in there. -1 lets it choose.

    Raises:
        ConfigError: as ``plan.check``.
    """
    check(accounts, [listener])
    beside = heard_beside(accounts)
    users = "\n".join(_user(account, beside) for account in accounts)
    where = quotable(folder)
    text = f"""server_name: greenwater
listen: "127.0.0.1:{inner_port}"
pid_file: "{where}/{PID}"
max_payload: {MAX_PACKET_BYTES}
jetstream {{ store_dir: "{where}/{STORE}", max_file: {STORE_BYTES}, max_mem: 64MB }}
mqtt {{
  listen: "{_bracketed(listener.host)}:{listener.port}"
  max_ack_pending: {IN_FLIGHT}
  ack_wait: "{ACK_WAIT_S}s"
{_tls(listener)}}}
authorization {{
  users: [
{users}
  ]
}}
"""
    return {CONFIG: text}


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _tls(listener: Listener) -> str:
    if listener.certificate is None or listener.key is None:
        return ""
    return (
        f'  tls {{ cert_file: "{quotable(listener.certificate)}", '
        f'key_file: "{quotable(listener.key)}", timeout: 10 }}\n'
    )


def _user(account: Account, beside: Sequence[str]) -> str:
    if account.is_service:
        rights, refused = service_rights(beside), ""
    else:
        rights, refused = all_rights(account), ', deny: ["$MQTT.sub.>"]'
    return (
        f'    {{ user: "{account.user}", password: "{account.bcrypt_hash}", '
        f'allowed_connection_types: ["MQTT"], permissions: {_subjects(rights, refused)} }}'
    )


def _subjects(rights: Rights, refused: str) -> str:
    return (
        f"{{ publish: {{ allow: {_quoted(rights.publish)} }}, "
        f"subscribe: {{ allow: {_quoted(rights.subscribe)}{refused} }} }}"
    )


def _quoted(filters: Sequence[str]) -> str:
    return "[" + ", ".join(f'"{subject(one)}"' for one in filters) + "]"


def subject(topic_filter: str) -> str:
    """Return the NATS subject that an MQTT topic filter stands for."""
    # A dot within a level would be a separator: NATS writes it as two slashes.
    levels = (level.replace(".", "//") for level in topic_filter.split("/"))
    return ".".join(levels).replace("+", "*").replace("#", ">")
