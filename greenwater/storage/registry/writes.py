"""Answers to writes that came with a key, so that asking again changes nothing."""

from collections.abc import Mapping
from typing import Final

from msgspec import Struct
from sqlalchemy import delete

from greenwater.kernel.errors import ConflictError, InputError
from greenwater.storage.registry.models.epcis import ApiWriteRow
from greenwater.storage.registry.rows import insert
from greenwater.storage.registry.session import Sessions

KEPT_MS: Final = 48 * 3600 * 1000
"""How long an answer is kept."""

PATIENCE_MS: Final = 60_000
"""After so long a write that has no answer is taken up again: its program was killed."""


class ReusedKeyError(InputError):
    """A key that came with another request before."""


class KeptAnswer(Struct, frozen=True):
    """What was answered the first time."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Writes:
    """Mixed into ``Registry``."""

    _sessions: Sessions

    def begin_write(self, id_: str, digest: str, *, now_ms: int) -> KeptAnswer | None:
        """Return the answer of an earlier write of this id; None: it is to be done now.

        Raises:
            ReusedKeyError: the earlier request had another digest.
            ConflictError: the earlier one is still being worked on.
        """
        made = {"id": id_, "digest": digest, "made_ms": now_ms}
        with self._sessions.writing() as session:
            old = ApiWriteRow.made_ms < now_ms - KEPT_MS
            session.execute(delete(ApiWriteRow).where(old))
            adding = insert(session, ApiWriteRow).values(made).on_conflict_do_nothing()
            if session.execute(adding.returning(ApiWriteRow.id)).first() is not None:
                return None
            row = session.get(ApiWriteRow, id_, with_for_update=True)
            if row is None:  # forgotten just now: its first request came to nothing
                raise ConflictError("the first request of this key failed", "try_again")
            if row.digest != digest:
                raise ReusedKeyError(
                    "this Idempotency-Key came with another request before: take a new one"
                )
            if row.status is not None:
                return KeptAnswer(row.status, row.headers or {}, row.body or b"")
            if now_ms - row.made_ms < PATIENCE_MS:
                raise ConflictError(
                    "the first request of this key is being worked on", "try_again"
                )
            row.made_ms = now_ms
        return None

    def finish_write(self, id_: str, answer: KeptAnswer) -> None:
        """Keep what was answered."""
        with self._sessions.writing() as session:
            row = session.get(ApiWriteRow, id_)
            if row is not None:
                row.status, row.body = answer.status, answer.body
                row.headers = dict(answer.headers)

    def forget_write(self, id_: str) -> None:
        """Forget a write that came to nothing: it may be tried again."""
        with self._sessions.writing() as session:
            session.execute(delete(ApiWriteRow).where(ApiWriteRow.id == id_))
