"""Marks of change: whether what was made of the registry still holds, asked in microseconds.

Two of them. ``mark`` is of the whole database: while it stays the same nothing has changed
at all. ``stamp_of`` is of what turns a lot's public page from one moment to the next:
recalls, suspensions and revocations, keys, certificates, inspections.
"""

import contextlib
import sqlite3
import threading
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from sqlalchemy import (
    Connection,
    Engine,
    Select,
    Text,
    bindparam,
    func,
    select,
    text,
)

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


class Stamp(NamedTuple):
    """Counts and ends, of a label alone and of all that stands over its lot's labels.

    Equal ones are of the same standing.
    """

    label: tuple[int, ...]
    lot: tuple[int, ...]

    @property
    def is_untouched(self) -> bool:
        """Whether nothing was ever done to the label."""
        return self.label[0] == 0


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
        of = {"lot": lot, "label": label or ""}
        with self._sessions.reading() as session:
            found = tuple(session.execute(_STAMP, of).one())
        return Stamp(found[:2], found[2:])

    @contextlib.contextmanager
    def at_one_moment(self) -> Iterator[None]:
        """Have all that this thread reads meanwhile be of one moment, and read quickly.

        What it writes meanwhile it does not see.
        """
        with self._sessions.together():
            yield


def _count(what: Any) -> Select[int]:
    return select(func.count(what))


def _stamp() -> Select[Any]:
    label, lot = bindparam("label", type_=Text), bindparam("lot", type_=Text)
    carried = OperatorAlarm.kind.in_(CARRIED)
    told = (ScanRow.label == label) & (ScanRow.place != "")
    parts: list[Any] = [
        _count(LabelActRow.number).where(LabelActRow.label == label),
        # Told from how many places: one count more is no news, another place is.
        _count(ScanRow.place.distinct()).where(told),
        _count(RecallRow.number),
        _count(RecallRow.ended_ms),
        _count(SigningKeyRow.id),
        _count(SigningKeyRow.until_ms),
        _count(SigningKeyRow.revoked_ms),
        _count(OperatorAlarm.id).where(carried),
        _count(OperatorAlarm.cleared_ms).where(carried),
        _count(CertificateRow.id),
        _count(CertificateActRow.number),
        _count(ClaimRow.number),
        _count(InspectionRow.id).where(InspectionRow.lot == lot),
    ]
    query: Select[Any] = select(*[one.scalar_subquery() for one in parts])
    return query


_STAMP: Final = _stamp()
