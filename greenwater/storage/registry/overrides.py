"""Overrides of the gate: asked for with a reason, in force once a second person agrees."""

from collections.abc import Sequence

import msgspec
from msgspec import Struct
from sqlalchemy import select

from greenwater.kernel.errors import ConflictError
from greenwater.storage.registry.models import Organisation
from greenwater.storage.registry.models.vessel_books import GateOverrideRow
from greenwater.storage.registry.rows import add_once, get_row, parsed_of, storable
from greenwater.storage.registry.session import Sessions


class Override(Struct, frozen=True, kw_only=True):
    """A refusal that somebody asks to lift; in force once ``second`` is named.

    ``subject`` is what the gate was asked about, such as ``landing/…`` or ``crop/…``;
    ``code`` is the refusal's.
    """

    id: str
    organisation: str
    subject: str
    code: str
    reason: str
    person: str
    at_ms: int
    second: str | None = None
    agreed_ms: int | None = None
    remark: str = ""


class OverridesSeen:
    """Mixed into ``Registry`` and ``Scope``."""

    _sessions: Sessions

    def overrides(self, *, subject: str | None = None) -> Sequence[Override]:
        """Return what was asked, oldest first, with who agreed."""
        query = select(GateOverrideRow).order_by(
            GateOverrideRow.at_ms, GateOverrideRow.id
        )
        if subject is not None:
            query = query.where(GateOverrideRow.subject == subject)
        with self._sessions.reading() as session:
            rows = session.scalars(query).all()
        agreed = {row.agrees: row for row in rows if row.agrees is not None}
        return [
            _override(row, agreed.get(row.id)) for row in rows if row.agrees is None
        ]

    def get_override(self, override: str) -> Override:
        """Return one.

        Raises:
            MissingError: there is none of that id.
        """
        with self._sessions.reading() as session:
            row = get_row(session, GateOverrideRow, override)
            query = select(GateOverrideRow).where(GateOverrideRow.agrees == override)
            return _override(row, session.scalar(query))


def _override(row: GateOverrideRow, agreed: GateOverrideRow | None) -> Override:
    found = parsed_of(Override, row)
    if agreed is None:
        return found
    return msgspec.structs.replace(
        found, second=agreed.person, agreed_ms=agreed.at_ms, remark=agreed.reason
    )


class Overrides(OverridesSeen):
    """Mixed into ``Registry``."""

    def ask_override(self, override: Override) -> bool:
        """Keep that somebody asks; return whether it is new.

        Raises:
            ConflictError: the id stands for something else.
        """
        facts = {
            "organisation": override.organisation,
            "subject": override.subject,
            "code": override.code,
            "reason": storable(override.reason),
            "person": override.person,
        }
        with self._sessions.writing() as session:
            get_row(session, Organisation, override.organisation)
            return add_once(
                session,
                GateOverrideRow,
                {"id": override.id},
                facts,
                made={"at_ms": override.at_ms, "agrees": None},
            )

    def agree_to_override(
        self, override: str, *, agreement: str, person: str, remark: str, at_ms: int
    ) -> None:
        """Keep that a second person agrees; once is for good.

        Raises:
            MissingError: nobody asked for that.
            ConflictError: the same person asked.
        """
        with self._sessions.writing() as session:
            asked = get_row(session, GateOverrideRow, override, lock=True)
            if asked.person == person:
                raise ConflictError(
                    f"override {override} was asked for by {person}: another person "
                    "has to agree",
                    "override_self",
                )
            query = select(GateOverrideRow).where(GateOverrideRow.agrees == override)
            if session.scalar(query) is not None:
                return
            session.add(
                GateOverrideRow(
                    id=agreement,
                    organisation=asked.organisation,
                    subject=asked.subject,
                    code=asked.code,
                    reason=storable(remark),
                    person=person,
                    at_ms=at_ms,
                    agrees=override,
                )
            )
