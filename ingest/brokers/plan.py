"""Who may do what at the broker, and where it listens: the same for every broker."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from greenwater.kernel import topics
from greenwater.kernel.broker_url import LOOPBACK
from greenwater.kernel.errors import ConfigError
from greenwater.kernel.ids import DEVICE_PATTERN, CommandId, DeviceId, DeviceState
from greenwater.storage.registry.devices import DeviceInfo

MAX_PACKET_BYTES: Final = 512 * 1024
"""Twice what a pack may have: one that is too large is then refused by ingest, with a
reason and for good. A broker would throw the box off instead, again at every resend."""

IN_FLIGHT: Final = 4_096
"""Deliveries unacknowledged at once; with 20, Mosquitto's default, ingest would stall
while it makes a group durable."""

_HASH: Final = re.compile(r"\$[0-9A-Za-z$./+=]+")
_PATH: Final = re.compile(r"[^\x00-\x1f\"'\\]+")


class Rights(NamedTuple):
    """The topic filters a user may publish on and subscribe to."""

    publish: tuple[str, ...]
    subscribe: tuple[str, ...]


NOTHING: Final = Rights((), ())


class Account(NamedTuple):
    """A user at the broker: a device, or one of the platform's services.

    ``beside`` is what a device may do beside its own branch: a gateway of other make
    speaks for many, as its mapping profile says.
    """

    user: str
    bcrypt_hash: str
    pbkdf2_hash: str
    is_service: bool = False
    beside: Rights = NOTHING


class Listener(NamedTuple):
    """Where the broker listens; with TLS where it leaves this machine."""

    host: str
    port: int
    certificate: Path | None = None
    key: Path | None = None


def device_rights(user: str) -> Rights:
    """Return what a device may do: its own branch, and hear the platform."""
    device = DeviceId(user)
    own = topics.ROOT + f"/{device}"
    return Rights(
        publish=(
            f"{own}/up/+/+",
            topics.status(device),
            topics.reply(device, CommandId("+")),
        ),
        subscribe=(
            topics.ack(device),
            topics.all_commands(device),
            topics.PLATFORM,
        ),
    )


def all_rights(account: Account) -> Rights:
    """Return what a device may do: its own branch, and what it may beside."""
    own, beside = device_rights(account.user), account.beside
    return Rights(own.publish + beside.publish, own.subscribe + beside.subscribe)


def heard_beside(accounts: Iterable[Account]) -> tuple[str, ...]:
    """Return what services hear beside ``gw/1``: all that gateways may say."""
    said = {one for account in accounts for one in account.beside.publish}
    return tuple(sorted(said))


def service_rights(extra_filters: Sequence[str] = ()) -> Rights:
    """Return what ingest may do; ``extra_filters`` are those of mapping profiles."""
    every = DeviceId("+")
    return Rights(
        publish=(topics.ack(every), topics.all_commands(every), topics.PLATFORM),
        subscribe=(
            topics.ALL_UP,
            topics.ALL_STATUS,
            topics.ALL_REPLIES,
            *extra_filters,
        ),
    )


def accounts(
    devices: Iterable[DeviceInfo],
    *services: Account,
    gateways: Mapping[str, Rights] | None = None,
) -> list[Account]:
    """Return the accounts of the services and of the devices that may speak.

    ``gateways`` are what some of the devices may do beside.
    """
    beside = gateways or {}
    return [
        *services,
        *(
            Account(
                device.id,
                device.bcrypt_hash,
                device.pbkdf2_hash,
                beside=beside.get(device.id, NOTHING),
            )
            for device in devices
            if device.state is DeviceState.ACTIVE
        ),
    ]


def check(accounts: Sequence[Account], listeners: Iterable[Listener]) -> None:
    """Refuse what must not stand in a broker's file.

    Raises:
        ConfigError: a user, hash or path would break out of its line, two users have one
            name, or a listener would take passwords in plain text from other machines.
    """
    for account in accounts:
        _check_account(account)
    for user, count in Counter(account.user for account in accounts).items():
        if count > 1:
            raise ConfigError(
                f"device {user} has the name of a service: revoke it, take another id"
            )
    for listener in listeners:
        _check_listener(listener)


def _check_account(account: Account) -> None:
    if DEVICE_PATTERN.fullmatch(account.user) is None:
        raise ConfigError(f"user {account.user!r} cannot be a user of the broker")
    for digest in (account.bcrypt_hash, account.pbkdf2_hash):
        if _HASH.fullmatch(digest) is None:
            raise ConfigError(f"the password hash of {account.user} is damaged")


def _check_listener(listener: Listener) -> None:
    if (listener.certificate is None) != (listener.key is None):
        raise ConfigError("a listener with TLS needs a certificate and a key")
    if listener.certificate is None and listener.host not in LOOPBACK:
        raise ConfigError(
            f"the broker would listen on {listener.host}:{listener.port} without "
            "TLS: passwords must not travel in plain text, give it a certificate"
        )


def quotable(path: Path) -> str:
    """Return a path as it may stand in a broker's file.

    Raises:
        ConfigError: it has quotes, backslashes or control characters.
    """
    if _PATH.fullmatch(str(path)) is None:
        raise ConfigError(
            f"path {str(path)!r} cannot stand in a broker's configuration"
        )
    return str(path)
