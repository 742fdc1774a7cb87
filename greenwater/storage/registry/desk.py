"""What operators and ingest keep: quarantine, commands, operator alarms, epochs."""

from collections.abc import Iterable, Mapping, Sequence
from hashlib import blake2b
from typing import Any, Protocol

from msgspec import Struct
from sqlalchemy import func, select

from greenwater.kernel.errors import MissingError
from greenwater.kernel.ids import DeviceId
from greenwater.kernel.wire.messages import Command, DueCommand, Reply
from greenwater.storage.registry.models import (
    CommandRow,
    IngestEpoch,
    OperatorAlarm,
    QuarantineRow,
)
from greenwater.storage.registry.session import Sessions

BYTES_PER_DEVICE = 16 * 1024 * 1024


class ToQuarantine(Protocol):
    """What an entry must say; ``ingest.ports.Quarantined`` does."""

    @property
    def device(self) -> str:
        """Who sent it, as far as is known."""
        ...

    @property
    def topic(self) -> str:
        """Where it came on."""
        ...

    @property
    def kind(self) -> str:
        """What rests: batch, record, reading, overwritten, message."""
        ...

    @property
    def raw(self) -> bytes:
        """The bytes."""
        ...

    @property
    def reason(self) -> str:
        """Why it is no reading."""
        ...

    @property
    def received_ms(self) -> int:
        """When it came."""
        ...


class InQuarantine(Struct, frozen=True):
    """An entry at rest. ``raw`` is None once the device's budget was exceeded."""

    id: int
    device: str
    topic: str
    kind: str
    size: int
    reason: str
    received_ms: int
    replayed_ms: int | None
    raw: bytes | None


class AlarmInfo(Struct, frozen=True):
    """An operator alarm; open while ``cleared_ms`` is None."""

    kind: str
    subject: str
    message: str
    raised_ms: int
    cleared_ms: int | None


class Desk:
    """Mixed into ``Registry``."""

    _sessions: Sessions
    bytes_per_device: int = BYTES_PER_DEVICE

    def quarantine(self, entries: Iterable[ToQuarantine]) -> None:
        """Keep entries, each once; beyond a device's budget its oldest lose their bytes."""
        wanted: dict[tuple[str, str, str], ToQuarantine] = {}
        for entry in entries:
            wanted.setdefault((entry.device, entry.kind, _digest(entry)), entry)
        with self._sessions.writing() as session:
            digests = [digest for _, _, digest in wanted]
            there = {
                tuple(row)
                for at in range(0, len(digests), 500)
                for row in session.execute(
                    select(
                        QuarantineRow.device, QuarantineRow.kind, QuarantineRow.digest
                    ).where(QuarantineRow.digest.in_(digests[at : at + 500]))
                )
            }
            for key, entry in wanted.items():
                if key not in there:
                    session.add(_row(entry, key[2]))
            session.flush()
            for device in {device for device, _, _ in wanted}:
                self._shed(session, device)

    def _shed(self, session: Any, device: str) -> None:
        held = select(func.coalesce(func.sum(QuarantineRow.size), 0)).where(
            QuarantineRow.device == device, QuarantineRow.raw.is_not(None)
        )
        over = int(session.scalar(held)) - self.bytes_per_device
        while over > 0:
            row = session.scalars(
                select(QuarantineRow)
                .where(QuarantineRow.device == device, QuarantineRow.raw.is_not(None))
                .order_by(QuarantineRow.id)
                .limit(1)
            ).first()
            if row is None:
                return
            row.raw, over = None, over - row.size
            session.flush()

    def list_quarantine(
        self,
        *,
        device: str | None = None,
        kind: str | None = None,
        after: int = 0,
        limit: int = 100,
    ) -> Sequence[InQuarantine]:
        """Return entries in order of their id, beyond ``after``, without their bytes."""
        query = select(QuarantineRow).where(QuarantineRow.id > after)
        if device is not None:
            query = query.where(QuarantineRow.device == device)
        if kind is not None:
            query = query.where(QuarantineRow.kind == kind)
        with self._sessions.reading() as session:
            rows = session.scalars(query.order_by(QuarantineRow.id).limit(limit))
            return [_entry(row, with_bytes=False) for row in rows]

    def get_quarantined(self, entry: int) -> InQuarantine:
        """Return one entry with its bytes.

        Raises:
            MissingError: there is none of that id.
        """
        with self._sessions.reading() as session:
            row = session.get(QuarantineRow, entry)
            if row is None:
                raise MissingError(f"nothing in quarantine has the id {entry}")
            return _entry(row, with_bytes=True)

    def mark_replayed(self, entry: int, now_ms: int) -> None:
        """Note that an entry has been taken in after all."""
        with self._sessions.writing() as session:
            row = session.get(QuarantineRow, entry)
            if row is not None:
                row.replayed_ms = now_ms

    def add_command(
        self,
        command_id: str,
        device: str,
        kind: str,
        args: Mapping[str, Any],
        *,
        now_ms: int,
        expires_ms: int,
    ) -> None:
        """Leave a command for a device; ingest carries it."""
        with self._sessions.writing() as session:
            session.add(
                CommandRow(
                    id=command_id,
                    device=device,
                    kind=kind,
                    args=dict(args),
                    created_ms=now_ms,
                    expires_ms=expires_ms,
                )
            )

    def commands_due(self, now_ms: int) -> Sequence[DueCommand]:
        """Return the unexpired commands that no reply has settled, oldest first."""
        query = (
            select(CommandRow)
            .where(CommandRow.expires_ms > now_ms, CommandRow.answered_ms.is_(None))
            .order_by(CommandRow.created_ms, CommandRow.id)
        )
        with self._sessions.reading() as session:
            return [
                DueCommand(
                    DeviceId(row.device),
                    Command(row.id, row.kind, row.expires_ms, row.args),
                )
                for row in session.scalars(query)
            ]

    def save_reply(self, device: DeviceId, reply: Reply, received_ms: int) -> None:
        """Settle a command of this device; the same reply again changes nothing."""
        with self._sessions.writing() as session:
            row = session.get(CommandRow, reply.id)
            if row is None or row.device != device or row.answered_ms is not None:
                return
            row.answered_ms, row.is_done = received_ms, reply.is_done
            row.message = reply.message[:500]

    def get_reply(self, command_id: str) -> Reply | None:
        """Return what became of a command, or None while it is open."""
        with self._sessions.reading() as session:
            row = session.get(CommandRow, command_id)
            if row is None or row.answered_ms is None:
                return None
            return Reply(row.id, bool(row.is_done), row.message)

    def raise_operator_alarm(
        self, kind: str, subject: str, message: str, at_ms: int
    ) -> None:
        """Open the alarm (kind, subject), or refresh its message if it is open."""
        with self._sessions.writing() as session:
            row = session.scalars(_open_alarm(kind, subject)).first()
            if row is not None:
                row.message = message
            else:
                session.add(
                    OperatorAlarm(
                        kind=kind, subject=subject, message=message, raised_ms=at_ms
                    )
                )

    def clear_operator_alarm(self, kind: str, subject: str, at_ms: int) -> None:
        """Close the alarm (kind, subject) if it is open."""
        with self._sessions.writing() as session:
            for row in session.scalars(_open_alarm(kind, subject)):
                row.cleared_ms = at_ms

    def operator_alarms(self, *, with_cleared: bool = False) -> Sequence[AlarmInfo]:
        """Return the open alarms (or all), newest first."""
        query = select(OperatorAlarm).order_by(OperatorAlarm.id.desc())
        if not with_cleared:
            query = query.where(OperatorAlarm.cleared_ms.is_(None))
        with self._sessions.reading() as session:
            return [
                AlarmInfo(r.kind, r.subject, r.message, r.raised_ms, r.cleared_ms)
                for r in session.scalars(query)
            ]

    def add_epoch(self, epoch: str) -> None:
        """Note a new ingest epoch: boxes will send again what is unacknowledged."""
        with self._sessions.writing() as session:
            last = session.scalar(
                select(func.coalesce(func.max(IngestEpoch.number), 0))
            )
            session.add(IngestEpoch(id=epoch, number=int(last or 0) + 1))


def _digest(entry: ToQuarantine) -> str:
    text = entry.reason.encode() + b"\0" + entry.raw
    return blake2b(text, digest_size=16).hexdigest()


def _row(entry: ToQuarantine, digest: str) -> QuarantineRow:
    return QuarantineRow(
        device=entry.device,
        topic=entry.topic,
        kind=entry.kind,
        raw=entry.raw,
        size=len(entry.raw),
        digest=digest,
        reason=entry.reason[:1000].replace("\0", "\\0"),
        received_ms=entry.received_ms,
    )


def _entry(row: QuarantineRow, *, with_bytes: bool) -> InQuarantine:
    return InQuarantine(
        row.id,
        row.device,
        row.topic,
        row.kind,
        row.size,
        row.reason,
        row.received_ms,
        row.replayed_ms,
        row.raw if with_bytes else None,
    )


def _open_alarm(kind: str, subject: str) -> Any:
    return select(OperatorAlarm).where(
        OperatorAlarm.kind == kind,
        OperatorAlarm.subject == subject,
        OperatorAlarm.cleared_ms.is_(None),
    )
