"""The embedded broker: nats-server's configuration, rendered. Pure.

MQTT topics map to NATS subjects level by level (``gw/1/box/ack`` is ``gw.1.box.ack``).
A device's ids hold no dots, so its subjects need no escaping. nats-server's own MQTT
subjects (``$MQTT…``) are allowed by the server itself to a session's owner.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple


class Account(NamedTuple):
    """A user, its bcrypt hash, and whether it is a service (which may touch ``gw/1``)."""

    user: str
    bcrypt_hash: str
    is_service: bool = False


class Listener(NamedTuple):
    """Where the broker listens; TLS files where it leaves loopback."""

    host: str
    port: int
    certificate: Path | None = None
    key: Path | None = None


def render(
    accounts: Sequence[Account],
    *,
    listener: Listener,
    inner_port: int,
    store: Path,
    max_ack_pending: int = 4_096,
    extra_filters: Sequence[str] = (),
) -> str:
    """Return the configuration file's text.

    ``extra_filters`` are what services subscribe to beside ``gw/1`` (mapping profiles).
    """
    users = "\n".join(_user(account, extra_filters) for account in accounts)
    tls = ""
    if listener.certificate is not None:
        tls = (
            f'\n  tls {{ cert_file: "{listener.certificate}", '
            f'key_file: "{listener.key}", timeout: 10 }}'
        )
    return f"""server_name: greenwater
listen: "127.0.0.1:{inner_port}"
max_payload: 1MB
jetstream {{ store_dir: "{store}" }}
mqtt {{
  listen: "{listener.host}:{listener.port}"
  max_ack_pending: {max_ack_pending}
  ack_wait: "60s"{tls}
}}
authorization {{
  users: [
{users}
  ]
}}
"""


def _user(account: Account, extra_filters: Sequence[str]) -> str:
    if account.is_service:
        extra = [_subject(one) for one in extra_filters]
        publish = ["gw.1.>"]
        subscribe = ["gw.1.>", "$MQTT.>", *extra]
    else:
        own = f"gw.1.{account.user}"
        publish = [f"{own}.up.*.*", f"{own}.status", f"{own}.reply.*"]
        subscribe = [f"{own}.ack", f"{own}.cmd.*", "gw.1.platform"]
    return (
        f'    {{ user: "{account.user}", password: "{account.bcrypt_hash}", permissions: '
        f"{{ publish: {_quoted(publish)}, subscribe: {_quoted(subscribe)} }} }}"
    )


def _subject(topic_filter: str) -> str:
    return topic_filter.replace("/", ".").replace("+", "*").replace("#", ">")


def _quoted(subjects: Sequence[str]) -> str:
    return "[" + ", ".join(f'"{one}"' for one in subjects) + "]"
