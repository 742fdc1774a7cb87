"""Quarantine: where refused bytes rest, with the reason."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from hashlib import blake2b
from typing import Any, Final

from msgspec import Struct
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session, undefer

from greenwater.kernel.errors import MissingError
from greenwater.kernel.quarantine import Quarantined
from greenwater.storage.registry.models import (
    Device,
    QuarantineAccount,
    QuarantineRow,
)
from greenwater.storage.registry.rows import insert, storable
from greenwater.storage.registry.session import Sessions

BYTES_PER_DEVICE: Final = 16 * 1024 * 1024
STRANGERS: Final = ""
"""The account of all names that are registered nowhere: together they have one budget."""

_MAX_REASON: Final = 1000
_AT_ONCE: Final = 500


class InQuarantine(Struct, frozen=True):
    """An entry at rest; ``has_bytes`` is False once the budget took them.

    ``raw`` is there where one entry was asked for, and not in lists.
    """

    id: int
    device: str
    topic: str
    kind: str
    size: int
    reason: str
    received_ms: int
    replayed_ms: int | None
    has_bytes: bool
    raw: bytes | None = None


class Quarantine:
    """Mixed into ``Registry``."""

    _sessions: Sessions
    bytes_per_device: int = BYTES_PER_DEVICE

    def quarantine(self, entries: Iterable[Quarantined]) -> None:
        """Keep entries, each once (same device, kind, raw and reason: once).

        Beyond a device's byte budget the oldest of that device's entries lose their
        bytes, never their row.
        """
        rows = [_values(entry) for entry in entries]
        with self._sessions.writing() as session:
            by_account: dict[str, list[dict[str, Any]]] = defaultdict(list)
            known = _known(session, {row["device"] for row in rows})
            for row in rows:
                row["account"] = row["device"] if row["device"] in known else STRANGERS
                by_account[row["account"]].append(row)
            # Always in one order, or two workers could wait for each other.
            for account in sorted(by_account):
                self._keep(session, account, by_account[account])

    def _keep(
        self, session: Session, account: str, rows: Sequence[Mapping[str, Any]]
    ) -> None:
        opened = insert(session, QuarantineAccount).values(
            account=account, held_bytes=0
        )
        session.execute(opened.on_conflict_do_nothing())
        held = session.get_one(QuarantineAccount, account, with_for_update=True)
        for at in range(0, len(rows), _AT_ONCE):
            added = (
                insert(session, QuarantineRow)
                .values(rows[at : at + _AT_ONCE])
                .on_conflict_do_nothing()
                .returning(QuarantineRow.size)
            )
            held.held_bytes += sum(session.scalars(added))
        while held.held_bytes > self.bytes_per_device:
            excess = held.held_bytes - self.bytes_per_device
            held.held_bytes -= _shed(session, account, excess)

    def list_quarantine(
        self,
        *,
        device: str | None = None,
        kind: str | None = None,
        after: int = 0,
        limit: int = 100,
    ) -> Sequence[InQuarantine]:
        """Return entries in order of their id, beyond ``after``."""
        query = _entries().where(QuarantineRow.id > after)
        if device is not None:
            query = query.where(QuarantineRow.device == device)
        if kind is not None:
            query = query.where(QuarantineRow.kind == kind)
        with self._sessions.reading() as session:
            rows = session.execute(query.order_by(QuarantineRow.id).limit(limit))
            return [_entry(row, has_bytes) for row, has_bytes in rows]

    def newest_quarantine(
        self, *, before: int | None = None, device: str | None = None, limit: int = 50
    ) -> Sequence[InQuarantine]:
        """Return entries, newest first, with ids below ``before``."""
        query = _entries()
        if before is not None:
            query = query.where(QuarantineRow.id < before)
        if device is not None:
            query = query.where(QuarantineRow.device == device)
        query = query.order_by(QuarantineRow.id.desc()).limit(limit)
        with self._sessions.reading() as session:
            return [_entry(row, has) for row, has in session.execute(query)]

    def quarantined_since(self, start_ms: int) -> int:
        """Return how many entries came from an instant on."""
        query = select(func.count()).where(QuarantineRow.received_ms >= start_ms)
        with self._sessions.reading() as session:
            return session.scalar(query) or 0

    def get_quarantined(self, entry: int) -> InQuarantine:
        """Return one entry, with its bytes unless the budget took them.

        Raises:
            MissingError: there is none of that id.
        """
        query = _entries().where(QuarantineRow.id == entry)
        with self._sessions.reading() as session:
            found = session.execute(query.options(undefer(QuarantineRow.raw))).first()
            if found is None:
                raise MissingError(f"nothing in quarantine has the id {entry}")
            row, has_bytes = found
            return _entry(row, has_bytes, row.raw)

    def mark_replayed(self, entry: int, now_ms: int) -> None:
        """Note that an entry has been taken in after all.

        Raises:
            MissingError: there is none of that id.
        """
        with self._sessions.writing() as session:
            row = session.get(QuarantineRow, entry)
            if row is None:
                raise MissingError(f"nothing in quarantine has the id {entry}")
            row.replayed_ms = now_ms


def _values(entry: Quarantined) -> dict[str, Any]:
    # What came from outside may hold what no database takes: it is spelt out.
    reason = storable(entry.reason)
    digest = blake2b(reason.encode() + b"\0" + entry.raw, digest_size=16)
    return {
        "device": storable(entry.device),
        "topic": storable(entry.topic),
        "kind": storable(entry.kind),
        "reason": reason[:_MAX_REASON],
        "received_ms": entry.received_ms,
        "digest": digest.hexdigest(),
        "size": len(entry.raw),
        "raw": entry.raw,
    }


def _known(session: Session, devices: set[str]) -> set[str]:
    names = sorted(devices)
    return {
        name
        for at in range(0, len(names), _AT_ONCE)
        for name in session.scalars(
            select(Device.id).where(Device.id.in_(names[at : at + _AT_ONCE]))
        )
    }


def _shed(session: Session, account: str, excess: int) -> int:
    """Take the bytes of the oldest entries, ``excess`` or more; return how many."""
    oldest = session.execute(
        select(QuarantineRow.id, QuarantineRow.size)
        .where(QuarantineRow.account == account, QuarantineRow.raw.is_not(None))
        .order_by(QuarantineRow.id)
        .limit(_AT_ONCE)
    )
    freed, ids = 0, []
    for entry, size in oldest:
        if freed >= excess:
            break
        ids.append(entry)
        freed += size
    session.execute(
        update(QuarantineRow).where(QuarantineRow.id.in_(ids)).values(raw=None)
    )
    return freed


def _entries() -> Any:
    return select(QuarantineRow, QuarantineRow.raw.is_not(None))


def _entry(
    row: QuarantineRow, has_bytes: bool, raw: bytes | None = None
) -> InQuarantine:
    return InQuarantine(
        row.id,
        row.device,
        row.topic,
        row.kind,
        row.size,
        row.reason,
        row.received_ms,
        row.replayed_ms,
        has_bytes,
        raw,
    )
