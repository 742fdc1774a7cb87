"""Identifiers, and the one pattern each must match."""

import re
from enum import StrEnum
from typing import Final, NewType

from greenwater.kernel.errors import InputError

DeviceId = NewType("DeviceId", str)
ProbeId = NewType("ProbeId", str)
OutboxId = NewType("OutboxId", str)
CommandId = NewType("CommandId", str)
WorkerId = NewType("WorkerId", str)


class DeviceState(StrEnum):
    """Whether a device may speak."""

    ACTIVE = "active"
    REVOKED = "revoked"


DEVICE_PATTERN: Final = re.compile(r"[a-z0-9][a-z0-9-]{2,63}")
PROBE_PATTERN: Final = re.compile(r"[a-z0-9][a-z0-9_.-]{0,63}")
OUTBOX_PATTERN: Final = re.compile(r"[0-9a-z]{16}")
COMMAND_PATTERN: Final = re.compile(r"[0-9a-z-]{1,64}")


def _matching(pattern: re.Pattern[str], what: str, text: str) -> str:
    if pattern.fullmatch(text) is None:
        raise InputError(f"{what} {text!r} does not match {pattern.pattern}")
    return text


def parse_device(text: str) -> DeviceId:
    """Return ``text`` as a device id (also its MQTT user name).

    Raises:
        InputError: it is not 3 to 64 of ``a-z 0-9 -``, starting with a letter or digit.
    """
    return DeviceId(_matching(DEVICE_PATTERN, "device id", text))


def parse_probe(text: str) -> ProbeId:
    """Return ``text`` as a probe id, unique within its device.

    Raises:
        InputError: it is not 1 to 64 of ``a-z 0-9 _ . -``.
    """
    return ProbeId(_matching(PROBE_PATTERN, "probe id", text))


def parse_outbox(text: str) -> OutboxId:
    """Return ``text`` as an outbox id.

    Raises:
        InputError: it is not 16 of ``0-9 a-z``.
    """
    return OutboxId(_matching(OUTBOX_PATTERN, "outbox id", text))


def parse_command(text: str) -> CommandId:
    """Return ``text`` as a command id.

    Raises:
        InputError: it is not 1 to 64 of ``0-9 a-z -``.
    """
    return CommandId(_matching(COMMAND_PATTERN, "command id", text))
