"""What people agreed to and took back: rows that are only ever added to."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Final

from msgspec import Struct
from sqlalchemy import delete, or_, select, update
from sqlalchemy.orm import Session

from greenwater.storage.registry.contacts import drop_contacts
from greenwater.storage.registry.models import Person
from greenwater.storage.registry.models.accounts import AccountRow, SessionRow
from greenwater.storage.registry.models.alarms import AlarmLinkRow
from greenwater.storage.registry.models.core import Membership
from greenwater.storage.registry.models.doors import (
    ConsentRow,
    OneTimeLinkRow,
    RecoveryCodeRow,
    SecondFactorRow,
)
from greenwater.storage.registry.models.epcis import ApiTokenRow
from greenwater.storage.registry.rows import get_row, struct_of
from greenwater.storage.registry.session import Sessions

WORDS_VERSION: Final = "2026-11"
"""Of the sentences people agree to (``consent_*`` in accounts.po)."""


class Purpose(StrEnum):
    """What a person may agree to; each one's withdrawal has an effect here.

    ``account``: keeping name and number to let him in. ``messages``: telling him of
    alarms by message or telephone.
    """

    ACCOUNT = "account"
    MESSAGES = "messages"


class Consent(Struct, frozen=True):
    """One yes or no."""

    number: int
    purpose: str
    version: str
    is_given: bool
    at_ms: int


class Consents:
    """Mixed into ``Registry``."""

    _sessions: Sessions

    def consents(self, person: str) -> Sequence[Consent]:
        """Return what a person said, newest first."""
        query = (
            select(ConsentRow)
            .where(ConsentRow.person == person)
            .order_by(ConsentRow.number.desc())
        )
        with self._sessions.reading() as session:
            return [struct_of(Consent, row) for row in session.scalars(query)]

    def say_consent(
        self, person: str, purpose: Purpose, *, is_given: bool, at_ms: int
    ) -> None:
        """Add a yes or no, and do what a no asks for, together.

        No to ``messages`` forgets every address alarms are sent to. No to ``account``
        does that too, ends sessions, roles, links that he made or that stand for him and
        programs' tokens of his, and forgets secret, second factor and telephone number: he
        and what acts for him come in no more. What he entered in books stays, with his
        name, as the law has it.

        Raises:
            MissingError: there is no such person.
        """
        with self._sessions.writing() as session:
            row = get_row(session, Person, person, lock=True)
            session.add(
                ConsentRow(
                    person=person,
                    purpose=purpose,
                    version=WORDS_VERSION,
                    is_given=is_given,
                    at_ms=at_ms,
                )
            )
            if is_given:
                return
            drop_contacts(session, person)
            if purpose is Purpose.ACCOUNT:
                row.phone = None
                _close(session, person, at_ms)


OF_A_PERSON: Final = (
    SessionRow, Membership, SecondFactorRow, RecoveryCodeRow, AlarmLinkRow,
)  # fmt: skip
"""What goes with an account."""


def _close(session: Session, person: str, at_ms: int) -> None:
    for table in OF_A_PERSON:
        session.execute(delete(table).where(table.person == person))
    session.execute(
        update(AccountRow).where(AccountRow.person == person).values(secret_hash=None)
    )
    session.execute(
        update(ApiTokenRow)
        .where(ApiTokenRow.made_by == person, ApiTokenRow.revoked_ms.is_(None))
        .values(revoked_ms=at_ms)
    )
    his = or_(OneTimeLinkRow.made_by == person, OneTimeLinkRow.person == person)
    session.execute(
        update(OneTimeLinkRow)
        .where(his, OneTimeLinkRow.ended_ms.is_(None))
        .values(ended_ms=at_ms)
    )
