"""Marks of change: whether what was made of the registry still holds, asked in microseconds.

Two of them. ``mark`` is of the whole database: while it stays the same nothing has changed
at all. ``stamp_of`` is of what turns a lot's public page from one moment to the next:
recalls, suspensions and revocations, keys, certificates, inspections.
"""

import sqlite3
import threading
from typing import Any, Final

from sqlalchemy import Connection, Engine, Select, func, literal, select, text

from greenwater.storage.registry.models import OperatorAlarm
from greenwater.storage.registry.models.certification import (
    CertificateActRow,
    CertificateRow,
    ClaimRow,
)
from greenwater.storage.registry.models.labels import (
    LabelActRow,
    RecallRow,
    SigningKeyRow,
)
from greenwater.storage.registry.models.scans import InspectionRow, ScanRow
from greenwater.storage.registry.operator_alarms import CARRIED
from greenwater.storage.registry.session import Sessions, translated

_VERSION: Final = "PRAGMA data_version"
# Which transactions can be seen: text that stays the same while none was committed.
_SNAPSHOT: Final = text("SELECT CAST(pg_current_snapshot() AS text)")

Stamp = tuple[Any, ...]
"""Counts and ends; equal ones are of the same standing."""


class Watch:
    """One connection that does nothing but ask whether others changed anything.

    Any thread may ask; they take turns.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine, self._lock = engine, threading.Lock()
        self._file: sqlite3.Connection | None = None
        self._server: Connection | None = None

    def mark(self) -> str:
        """Return a mark of all that was committed so far.

        Raises:
            UnavailableError: the database did not answer.
        """
        is_file = self._engine.dialect.name == "sqlite"
        with self._lock, translated():
            try:
                return self._of_file() if is_file else self._of_server()
            except Exception:
                self._drop()
                raise

    def _of_file(self) -> str:
        if self._file is None:
            # A connection sees the changes of all others, and this one makes none.
            self._file = sqlite3.connect(
                self._engine.url.database or "",
                isolation_level=None,
                check_same_thread=False,
            )
        return str(self._file.execute(_VERSION).fetchone()[0])

    def _of_server(self) -> str:
        if self._server is None:
            self._server = self._engine.connect().execution_options(
                isolation_level="AUTOCOMMIT"
            )
        return str(self._server.scalar(_SNAPSHOT))

    def _drop(self) -> None:
        if self._file is not None:
            self._file.close()
        if self._server is not None:
            self._server.invalidate()
            self._server.close()
        self._file = self._server = None

    def close(self) -> None:
        """Give the connection back."""
        with self._lock:
            self._drop()


class Marks:
    """Mixed into ``Registry``."""

    _sessions: Sessions
    _watch: Watch

    def mark(self) -> str:
        """Return a mark of the whole registry: the same one again, nothing has changed."""
        return self._watch.mark()

    def stamp_of(self, lot: str, label: str | None) -> Stamp:
        """Return what a lot's page, or that of one label of it, must follow at once.

        What is counted is only ever added to, or ended.
        """
        with self._sessions.reading() as session:
            return tuple(session.execute(_stamp(lot, label)).one())


def _count(what: Any) -> Select[int]:
    return select(func.count(what))


def _stamp(lot: str, label: str | None) -> Select[Any]:
    acts = LabelActRow.label == (label or "")
    told = (ScanRow.label == (label or "")) & (ScanRow.place != "")
    carried = OperatorAlarm.kind.in_(CARRIED)
    parts: list[Any] = [
        _count(LabelActRow.number).where(acts).scalar_subquery(),
        _count(RecallRow.number).scalar_subquery(),
        _count(RecallRow.ended_ms).scalar_subquery(),
        _count(SigningKeyRow.id).scalar_subquery(),
        _count(SigningKeyRow.until_ms).scalar_subquery(),
        _count(SigningKeyRow.revoked_ms).scalar_subquery(),
        _count(OperatorAlarm.id).where(carried).scalar_subquery(),
        _count(OperatorAlarm.cleared_ms).where(carried).scalar_subquery(),
        _count(CertificateRow.id).scalar_subquery(),
        _count(CertificateActRow.number).scalar_subquery(),
        _count(ClaimRow.number).scalar_subquery(),
        _count(InspectionRow.id).where(InspectionRow.lot == lot).scalar_subquery(),
        # Told from how many places: one count more is no news, another place is.
        _count(ScanRow.place.distinct()).where(told).scalar_subquery(),
    ]
    query: Select[Any] = select(literal(1)).add_columns(*parts)
    return query
