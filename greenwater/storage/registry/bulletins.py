"""The evening's sentence about each unit, the morning's, and who is sent them."""

from collections.abc import Sequence
from typing import Any, Final

from msgspec import Struct
from sqlalchemy import select

from greenwater.storage.registry.models.bulletins import BulletinCopyRow, BulletinRow
from greenwater.storage.registry.outbox import due_of, put_off, take
from greenwater.storage.registry.rows import insert, parsed_of
from greenwater.storage.registry.session import Sessions

NIGHTLY: Final = ("evening", "morning")
"""Kinds of what is said of the night; other messages share their outbox."""

TESTS: Final = "test/"
"""What ids of messages begin with by which somebody hears whether it rings."""


class Bulletin(Struct, frozen=True, kw_only=True):
    """One sentence in both languages; (unit, kind, day) is its identity.

    ``kind`` is ``evening`` or ``morning``, ``day`` that of the evening in Vietnam
    (ISO 8601); ``detail`` holds the numbers in it.
    """

    organisation: str
    unit: str
    kind: str
    day: str
    made_ms: int
    vi: str
    en: str
    detail: dict[str, Any] = {}

    @property
    def id(self) -> str:
        """Its identity as one text."""
        return f"{self.unit}/{self.kind}/{self.day}"


class BulletinCopy(Struct, frozen=True, kw_only=True):
    """A message to one address: all sentences of an evening or morning, or one other.

    ``id`` is ``organisation/kind/…``: the same again is not sent again.
    """

    id: str
    organisation: str
    person: str
    url: str
    head: str
    text: str
    due_ms: int
    attempts: int = 0

    @property
    def kind(self) -> str:
        """What it is about: the second part of its id."""
        return self.id.split("/")[1]


class CopyState(Struct, frozen=True):
    """What became of a copy: sent, given up (``dropped_ms``), or waiting still."""

    id: str
    url: str
    due_ms: int
    sent_ms: int | None
    dropped_ms: int | None


class BulletinsSeen:
    """Mixed into ``Scope`` and ``Registry``."""

    _sessions: Sessions

    def bulletins(
        self, *, unit: str | None = None, from_ms: int = 0
    ) -> Sequence[Bulletin]:
        """Return the sentences made since an instant, the newest first."""
        query = select(BulletinRow).where(BulletinRow.made_ms >= from_ms)
        if unit is not None:
            query = query.where(BulletinRow.unit == unit)
        newest = query.order_by(BulletinRow.made_ms.desc(), BulletinRow.id)
        with self._sessions.reading() as session:
            return [parsed_of(Bulletin, row) for row in session.scalars(newest)]


class Bulletins(BulletinsSeen):
    """Mixed into ``Registry``; for analytics alone."""

    def save_bulletins(
        self, bulletins: Sequence[Bulletin], copies: Sequence[BulletinCopy]
    ) -> None:
        """Keep sentences and their copies, all or nothing; said before, nothing."""
        with self._sessions.writing() as session:
            for one in bulletins:
                row = insert(session, BulletinRow).values(
                    id=one.id,
                    organisation=one.organisation,
                    unit=one.unit,
                    kind=one.kind,
                    day=one.day,
                    made_ms=one.made_ms,
                    vi=one.vi,
                    en=one.en,
                    detail=one.detail,
                )
                session.execute(row.on_conflict_do_nothing(index_elements=["id"]))
            for copy in copies:
                message = insert(session, BulletinCopyRow).values(
                    id=copy.id,
                    organisation=copy.organisation,
                    person=copy.person,
                    url=copy.url,
                    head=copy.head,
                    text=copy.text,
                    due_ms=copy.due_ms,
                    attempts=0,
                )
                session.execute(message.on_conflict_do_nothing(index_elements=["id"]))

    def due_copies(self, now_ms: int, limit: int = 100) -> Sequence[BulletinCopy]:
        """Return the copies that are to go out now, the longest due first."""
        query = due_of(BulletinCopyRow, now_ms, limit)
        with self._sessions.reading() as session:
            return [parsed_of(BulletinCopy, row) for row in session.scalars(query)]

    def take_copy(self, copy: str, now_ms: int) -> bool:
        """Have a copy to send; False: another sender has it, or it is due no more."""
        with self._sessions.writing() as session:
            return take(session, BulletinCopyRow, copy, now_ms)

    def copies_to(self, person: str, begins: str) -> Sequence[CopyState]:
        """Return what became of a person's copies whose id begins so, the newest first."""
        query = (
            select(BulletinCopyRow)
            .where(
                BulletinCopyRow.person == person,
                BulletinCopyRow.id.startswith(begins, autoescape=True),
            )
            .order_by(BulletinCopyRow.due_ms.desc(), BulletinCopyRow.id)
        )
        with self._sessions.reading() as session:
            return [
                CopyState(row.id, row.url, row.due_ms, row.sent_ms, row.dropped_ms)
                for row in session.scalars(query)
            ]

    def copy_sent(self, copy: str, at_ms: int) -> None:
        """Note that a copy went out."""
        with self._sessions.writing() as session:
            row = session.get(BulletinCopyRow, copy, with_for_update=True)
            if row is not None and row.sent_ms is None:
                row.sent_ms = at_ms

    def copy_failed(self, copy: str, *, next_ms: int | None, at_ms: int) -> None:
        """Note that a copy did not go out; it is due again, or given up (None)."""
        with self._sessions.writing() as session:
            row = session.get(BulletinCopyRow, copy, with_for_update=True)
            if row is not None:
                put_off(row, next_ms, at_ms)
