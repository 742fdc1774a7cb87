"""Commands for devices: rows that ingest carries until a reply settles them."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from msgspec import Struct
from sqlalchemy import select
from sqlalchemy.orm import Session

from greenwater.kernel.errors import ConflictError
from greenwater.kernel.ids import DeviceId, DeviceState, parse_command
from greenwater.kernel.wire.messages import Command, DueCommand, Reply
from greenwater.storage.registry.models import CommandRow, Device
from greenwater.storage.registry.rows import add_once, get_row, storable
from greenwater.storage.registry.session import Sessions

_MAX_MESSAGE: Final = 500


class CommandInfo(Struct, frozen=True):
    """A command on record; ``reply`` is None while it is open."""

    device: DeviceId
    command: Command
    created_ms: int
    settled_ms: int | None
    reply: Reply | None


class Commands:
    """Mixed into ``Registry``."""

    _sessions: Sessions

    def add_command(
        self,
        command: str,
        device: str,
        kind: str,
        args: Mapping[str, Any],
        *,
        now_ms: int,
        expires_ms: int,
    ) -> None:
        """Leave a command for a device; ingest carries it. The same again is harmless.

        Raises:
            InputError: the id is no command id.
            MissingError: the device is not registered.
            ConflictError: it is revoked, or the id stands for another command.
        """
        command_id = parse_command(command)
        facts = {"device": device, "kind": kind, "args": dict(args)}
        with self._sessions.writing() as session:
            to = get_row(session, Device, device)
            if to.state == DeviceState.REVOKED:
                raise ConflictError(
                    f"device {device} is revoked: it obeys no command", "box_shut"
                )
            made = {
                "organisation": to.organisation,
                "created_ms": now_ms,
                "expires_ms": expires_ms,
            }
            add_once(session, CommandRow, {"id": command_id}, facts, made=made)

    def commands_due(self, now_ms: int) -> Sequence[DueCommand]:
        """Return the unexpired commands that no reply has settled, oldest first."""
        query = (
            select(CommandRow)
            .where(CommandRow.expires_ms > now_ms, CommandRow.settled_ms.is_(None))
            .order_by(CommandRow.created_ms, CommandRow.id)
        )
        with self._sessions.reading() as session:
            return [
                DueCommand(DeviceId(row.device), _command(row))
                for row in session.scalars(query)
            ]

    def save_reply(self, device: DeviceId, reply: Reply, received_ms: int) -> None:
        """Settle a command of this device; the same reply again changes nothing."""
        with self._sessions.writing() as session:
            row = _find(session, reply.id)
            if row is None or row.device != device or row.settled_ms is not None:
                return
            row.settled_ms, row.is_done = received_ms, reply.is_done
            row.message = storable(reply.message)[:_MAX_MESSAGE]

    def list_commands(self, device: str, *, limit: int = 100) -> Sequence[CommandInfo]:
        """Return a device's commands, newest first."""
        query = (
            select(CommandRow)
            .where(CommandRow.device == device)
            .order_by(CommandRow.created_ms.desc(), CommandRow.id)
            .limit(limit)
        )
        with self._sessions.reading() as session:
            return [_info(row) for row in session.scalars(query)]

    def switches_since(self, from_ms: int) -> Sequence[CommandInfo]:
        """Return the orders to switch something that were made since, oldest first."""
        query = (
            select(CommandRow)
            .where(CommandRow.kind == "switch", CommandRow.created_ms >= from_ms)
            .order_by(CommandRow.created_ms, CommandRow.id)
        )
        with self._sessions.reading() as session:
            return [_info(row) for row in session.scalars(query)]


def _find(session: Session, command: str) -> CommandRow | None:
    return session.get(CommandRow, storable(command), with_for_update=True)


def _command(row: CommandRow) -> Command:
    return Command(row.id, row.kind, row.expires_ms, row.args)


def _info(row: CommandRow) -> CommandInfo:
    reply = None
    if row.settled_ms is not None:
        reply = Reply(row.id, bool(row.is_done), row.message or "")
    device = DeviceId(row.device)
    return CommandInfo(device, _command(row), row.created_ms, row.settled_ms, reply)
