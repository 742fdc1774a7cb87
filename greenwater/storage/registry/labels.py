"""Signing keys, labels, what was done to them, recalls."""

from collections.abc import Sequence

from msgspec import Struct
from msgspec.structs import asdict
from sqlalchemy import select

from greenwater.kernel.errors import ConflictError
from greenwater.storage.registry.models.labels import (
    LabelActRow,
    LabelRow,
    RecallRow,
    SigningKeyRow,
)
from greenwater.storage.registry.rows import add_once, get_row, storable
from greenwater.storage.registry.session import Sessions
from greenwater.storage.registry.trace_events.ledger import EventDraft, append_events


class SigningKey(Struct, frozen=True):
    """A public key (base64url of 32 bytes) and when it signs."""

    id: str
    public: str
    from_ms: int
    until_ms: int | None
    revoked_ms: int | None


class Label(Struct, frozen=True):
    """One printed code. ``id`` is its serial; of a whole lot's label no one is told it."""

    id: str
    organisation: str
    lot: str
    key: str
    uri: str
    issued_ms: int
    issued_by: str


class LabelAct(Struct, frozen=True):
    """What was done to a label: suspended, resumed or revoked."""

    label: str
    kind: str
    reason: str
    at_ms: int
    person: str


class Recall(Struct, frozen=True):
    """A lot that is called back; in force while ``ended_ms`` is None."""

    lot: str
    reason: str
    phone: str
    at_ms: int
    person: str
    ended_ms: int | None


class LabelsSeen:
    """What may be asked about labels; mixed into ``Registry`` and ``Scope``."""

    _sessions: Sessions

    def labels(self, *, lot: str | None = None) -> Sequence[Label]:
        """Return labels, the newest first."""
        query = select(LabelRow).order_by(LabelRow.issued_ms.desc(), LabelRow.id)
        if lot is not None:
            query = query.where(LabelRow.lot == lot)
        with self._sessions.reading() as session:
            return [_label(row) for row in session.scalars(query)]

    def find_label(self, serial: str) -> Label | None:
        """Return a label by its serial, if it was issued."""
        with self._sessions.reading() as session:
            row = session.get(LabelRow, serial)
            return None if row is None else _label(row)

    def find_label_at(self, uri: str) -> Label | None:
        """Return the label of this very address, if it was issued."""
        query = select(LabelRow).where(LabelRow.uri == uri)
        with self._sessions.reading() as session:
            row = session.scalar(query)
            return None if row is None else _label(row)

    def label_acts(self, *, label: str | None = None) -> Sequence[LabelAct]:
        """Return all that was done to labels, or to one of them, oldest first."""
        query = select(LabelActRow).order_by(LabelActRow.number)
        if label is not None:
            query = query.where(LabelActRow.label == label)
        with self._sessions.reading() as session:
            return [
                LabelAct(row.label, row.kind, row.reason, row.at_ms, row.person)
                for row in session.scalars(query)
            ]

    def recalls(
        self, *, lot: str | None = None, with_ended: bool = False
    ) -> Sequence[Recall]:
        """Return the recalls in force (or all), the newest first."""
        query = select(RecallRow).order_by(RecallRow.number.desc())
        if lot is not None:
            query = query.where(RecallRow.lot == lot)
        if not with_ended:
            query = query.where(RecallRow.ended_ms.is_(None))
        with self._sessions.reading() as session:
            return [
                Recall(
                    row.lot, row.reason, row.phone, row.at_ms, row.person, row.ended_ms
                )
                for row in session.scalars(query)
            ]

    def signing_keys(self) -> Sequence[SigningKey]:
        """Return every key that ever signed, oldest first."""
        query = select(SigningKeyRow).order_by(SigningKeyRow.from_ms, SigningKeyRow.id)
        with self._sessions.reading() as session:
            return [
                SigningKey(
                    row.id, row.public, row.from_ms, row.until_ms, row.revoked_ms
                )
                for row in session.scalars(query)
            ]


def _label(row: LabelRow) -> Label:
    return Label(
        row.id,
        row.organisation,
        row.lot,
        row.key,
        row.uri,
        row.issued_ms,
        row.issued_by,
    )


class Labels(LabelsSeen):
    """Mixed into ``Registry``."""

    def add_signing_key(self, key: SigningKey) -> None:
        """Publish a key; the same again changes nothing.

        Raises:
            ConflictError: its id stands for another key.
        """
        facts = {"public": key.public}
        made = {"from_ms": key.from_ms, "until_ms": None, "revoked_ms": None}
        with self._sessions.writing() as session:
            add_once(session, SigningKeyRow, {"id": key.id}, facts, made=made)

    def end_signing_key(self, key: str, *, until_ms: int) -> None:
        """Set until when a key's labels are good; an end that is set stays.

        Raises:
            MissingError: no such key was published.
        """
        with self._sessions.writing() as session:
            row = get_row(session, SigningKeyRow, key, lock=True)
            row.until_ms = until_ms if row.until_ms is None else row.until_ms

    def revoke_signing_key(self, key: str, *, at_ms: int) -> None:
        """Withdraw a key for ever; withdrawn before, it stays so from then.

        Raises:
            MissingError: no such key was published.
        """
        with self._sessions.writing() as session:
            row = get_row(session, SigningKeyRow, key, lock=True)
            row.revoked_ms = at_ms if row.revoked_ms is None else row.revoked_ms

    def add_labels(
        self, labels: Sequence[Label], events: Sequence[EventDraft], now_ms: int
    ) -> None:
        """Keep labels that were issued, with their trace events.

        Raises:
            ConflictError: a serial was used before.
        """
        if not labels:
            return
        with self._sessions.writing() as session:
            for one in labels:
                if session.get(LabelRow, one.id) is not None:
                    raise ConflictError(f"serial {one.id} was used before", "try_again")
                session.add(LabelRow(**asdict(one)))
            session.flush()
            append_events(session, labels[0].organisation, events, now_ms)

    def act_on_label(self, act: LabelAct) -> None:
        """Suspend, resume or revoke a label; revoked is for ever.

        Raises:
            MissingError: no such label was issued.
        """
        with self._sessions.writing() as session:
            row = get_row(session, LabelRow, act.label)
            session.add(
                LabelActRow(
                    organisation=row.organisation,
                    label=act.label,
                    kind=act.kind,
                    reason=storable(act.reason),
                    at_ms=act.at_ms,
                    person=act.person,
                )
            )
