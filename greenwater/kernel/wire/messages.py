"""The small JSON documents around the readings: ack, platform, status, command, reply."""

from typing import Any, NamedTuple, TypeVar

import msgspec
from msgspec import Struct

from greenwater.kernel.errors import InputError
from greenwater.kernel.ids import DeviceId

T = TypeVar("T", bound=Struct)

MAX_BYTES = 64 * 1024


class Refused(Struct, frozen=True):
    """A batch that rests in quarantine: the box may delete it."""

    batch: int
    reason: str


class Ack(Struct, frozen=True):
    """Platform to box: these batches of this outbox are durable. Ranges are inclusive."""

    outbox: str
    stored: tuple[tuple[int, int], ...] = ()
    refused: tuple[Refused, ...] = ()


class Platform(Struct, frozen=True):
    """Platform to all boxes, retained: a new epoch means "send again what is unacked"."""

    epoch: str


class Status(Struct, frozen=True, omit_defaults=True):
    """Box to platform, retained. The last will is the same with ``online`` false.

    ``boot`` is the box's boot id, ``days_left`` how long until its outbox is full at
    the present rate, ``clock`` a ``ClockQuality``.
    """

    online: bool
    boot: str
    version: str = ""
    outbox: str = ""
    outbox_depth: int = 0
    days_left: float | None = None
    clock: str = ""
    at_ms: int = 0
    is_simulated: bool = False
    unhealthy: tuple[str, ...] = ()


class Command(Struct, frozen=True):
    """Platform to box. Idempotent by ``id``; not carried out after ``expires_ms``."""

    id: str
    kind: str
    expires_ms: int
    args: dict[str, Any] = {}


class DueCommand(NamedTuple):
    """A command that is unexpired and unanswered, and the device it is for."""

    device: DeviceId
    command: Command


class Reply(Struct, frozen=True):
    """Box to platform: what became of a command."""

    id: str
    is_done: bool
    message: str = ""


def encode_message(message: Struct) -> bytes:
    """Return a message as JSON."""
    return msgspec.json.encode(message)


def decode_message(payload: bytes, kind: type[T]) -> T:
    """Return the message of this kind that ``payload`` stands for.

    Raises:
        InputError: it stands for none.
    """
    if len(payload) > MAX_BYTES:
        raise InputError(f"a {kind.__name__} of {len(payload)} bytes is over 64 KiB")
    try:
        return msgspec.json.decode(payload, type=kind)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as exc:
        raise InputError(f"not a {kind.__name__}: {str(exc)[:200]}") from exc
