"""Roots of the ledger: once a day, the heads of all organisations' chains, signed."""

from collections.abc import Mapping, Sequence

from msgspec import Struct
from sqlalchemy import func, select

from greenwater.storage.registry.models.books import TraceEventRow
from greenwater.storage.registry.models.lots import LedgerRootRow
from greenwater.storage.registry.rows import add_once, columns_of, struct_of
from greenwater.storage.registry.session import Sessions
from greenwater.storage.registry.trace_events.ledger import TraceEvent


class LedgerRoot(Struct, frozen=True):
    """A day's root: the JSON text that was signed, the key's id, the signature."""

    day: str
    document: str
    key: str
    signature: str


class Roots:
    """Mixed into ``Registry``: the platform's own, of all tenants at once."""

    _sessions: Sessions

    def ledger_heads(self) -> Mapping[str, tuple[int, str]]:
        """Return the last event of each organisation's ledger: its number and hash."""
        last = (
            select(
                TraceEventRow.organisation.label("organisation"),
                func.max(TraceEventRow.number).label("number"),
            )
            .group_by(TraceEventRow.organisation)
            .subquery()
        )
        query = select(
            TraceEventRow.organisation, TraceEventRow.number, TraceEventRow.hash
        ).join(
            last,
            (TraceEventRow.organisation == last.c.organisation)
            & (TraceEventRow.number == last.c.number),
        )
        with self._sessions.reading() as session:
            return {
                organisation: (number, digest)
                for organisation, number, digest in session.execute(query)
            }

    def ledger_page(
        self, organisation: str, after: int, limit: int
    ) -> Sequence[TraceEvent]:
        """Return the next events of a ledger, by number: all of it does not fit memory."""
        query = (
            columns_of(TraceEvent, TraceEventRow)
            .where(
                TraceEventRow.organisation == organisation, TraceEventRow.number > after
            )
            .order_by(TraceEventRow.number)
            .limit(limit)
        )
        with self._sessions.reading() as session:
            return [TraceEvent(*row) for row in session.execute(query)]

    def ledger_organisations(self) -> Sequence[str]:
        """Return whose ledgers have events."""
        query = select(TraceEventRow.organisation).distinct()
        with self._sessions.reading() as session:
            return sorted(session.scalars(query))

    def ledger_roots(self) -> Sequence[LedgerRoot]:
        """Return the roots, the oldest first."""
        query = select(LedgerRootRow).order_by(LedgerRootRow.day)
        with self._sessions.reading() as session:
            return [struct_of(LedgerRoot, row) for row in session.scalars(query)]

    def add_ledger_root(self, root: LedgerRoot) -> bool:
        """Keep a day's root; return whether it is the first of its day."""
        facts = {
            "document": root.document,
            "key": root.key,
            "signature": root.signature,
        }
        with self._sessions.writing() as session:
            return add_once(session, LedgerRootRow, {"day": root.day}, {}, made=facts)
