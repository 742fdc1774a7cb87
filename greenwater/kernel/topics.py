"""Topic strings of the wire, version 1: built and parsed in this one place."""

from typing import Final, NamedTuple

from greenwater.kernel.errors import InputError
from greenwater.kernel.ids import (
    CommandId,
    DeviceId,
    OutboxId,
    parse_command,
    parse_device,
    parse_outbox,
)

ROOT: Final = "gw/1"
PLATFORM: Final = f"{ROOT}/platform"
ALL_UP: Final = f"{ROOT}/+/up/+/+"
ALL_STATUS: Final = f"{ROOT}/+/status"
ALL_REPLIES: Final = f"{ROOT}/+/reply/+"


class Up(NamedTuple):
    """A batch on its way up."""

    device: DeviceId
    outbox: OutboxId
    batch: int


class Status(NamedTuple):
    """A device's retained status, which is also its last will."""

    device: DeviceId


class Reply(NamedTuple):
    """A device's answer to a command."""

    device: DeviceId
    command: CommandId


def up(device: DeviceId, outbox: OutboxId, batch: int) -> str:
    """Return the topic a batch is published on."""
    return f"{ROOT}/{device}/up/{outbox}/{batch}"


def ack(device: DeviceId) -> str:
    """Return the topic the platform acknowledges a device's batches on."""
    return f"{ROOT}/{device}/ack"


def command(device: DeviceId, command_id: CommandId) -> str:
    """Return the topic a command goes down on."""
    return f"{ROOT}/{device}/cmd/{command_id}"


def all_commands(device: DeviceId) -> str:
    """Return the filter a device subscribes to for its commands."""
    return f"{ROOT}/{device}/cmd/+"


def reply(device: DeviceId, command_id: CommandId) -> str:
    """Return the topic a command is answered on."""
    return f"{ROOT}/{device}/reply/{command_id}"


def status(device: DeviceId) -> str:
    """Return the topic of a device's retained status and last will."""
    return f"{ROOT}/{device}/status"


def _batch_number(text: str) -> int:
    # int() alone would take "٣", "1_0" and " 7": one number, one spelling.
    if not text.isascii() or not text.isdigit() or len(text) > 18:
        raise InputError(f"batch number {text!r} is not a number of 1 to 18 digits")
    if text != "0" and text[0] == "0":
        raise InputError(f"batch number {text!r} has leading zeros")
    return int(text)


def parse(topic: str) -> Up | Status | Reply:
    """Return what a topic published by a device says.

    Raises:
        InputError: it is none of ``up``, ``status`` and ``reply`` of version 1.
    """
    match topic.split("/"):
        case ["gw", "1", device, "up", outbox, batch]:
            return Up(parse_device(device), parse_outbox(outbox), _batch_number(batch))
        case ["gw", "1", device, "status"]:
            return Status(parse_device(device))
        case ["gw", "1", device, "reply", command_id]:
            return Reply(parse_device(device), parse_command(command_id))
        case ["gw", version, *_] if version != "1":
            raise InputError(f"unknown wire version {version!r} in topic {topic!r}")
        case _:
            raise InputError(f"unknown topic {topic!r}")
