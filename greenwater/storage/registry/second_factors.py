"""Second factors: what an authenticator shares with us, and codes for when it is lost."""

import hashlib
from collections.abc import Iterable

from msgspec import Struct
from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from greenwater.storage.registry.models import Person
from greenwater.storage.registry.models.doors import RecoveryCodeRow, SecondFactorRow
from greenwater.storage.registry.rows import get_row, struct_of
from greenwater.storage.registry.session import Sessions


class SecondFactor(Struct, frozen=True):
    """A person's second factor; it counts once ``confirmed_ms`` is set."""

    person: str
    secret: str
    confirmed_ms: int | None
    last_step: int


def recovery_hash(person: str, code: str) -> str:
    """Return what is kept of a recovery code (120 random bits: no slow hash is needed)."""
    plain = code.replace("-", "").replace(" ", "").lower()
    return hashlib.sha256(f"recovery/{person}/{plain}".encode()).hexdigest()


class SecondFactors:
    """Mixed into ``Registry``."""

    _sessions: Sessions

    def find_second_factor(self, person: str) -> SecondFactor | None:
        """Return a person's second factor, confirmed or not."""
        with self._sessions.reading() as session:
            row = session.get(SecondFactorRow, person)
            return None if row is None else struct_of(SecondFactor, row)

    def offer_second_factor(self, person: str, secret: str) -> SecondFactor:
        """Keep a secret that is not confirmed yet; one that is there stays.

        Raises:
            MissingError: there is no such person.
        """
        with self._sessions.writing() as session:
            get_row(session, Person, person, lock=True)
            row = session.get(SecondFactorRow, person)
            if row is None:
                row = SecondFactorRow(person=person, secret=secret, last_step=-1)
                session.add(row)
                session.flush()
            return struct_of(SecondFactor, row)

    def confirm_second_factor(
        self, person: str, step: int, codes: Iterable[str], now_ms: int
    ) -> None:
        """Have the secret count from now on, with these recovery codes."""
        with self._sessions.writing() as session:
            row = get_row(session, SecondFactorRow, person, lock=True)
            row.confirmed_ms, row.last_step = now_ms, step
            _replace_codes(session, person, codes)

    def use_step(self, person: str, step: int) -> bool:
        """Take the code of a time step, once: False if it or a later one was taken."""
        taken = (
            update(SecondFactorRow)
            .where(SecondFactorRow.person == person, SecondFactorRow.last_step < step)
            .values(last_step=step)
            .returning(SecondFactorRow.person)
        )
        with self._sessions.writing() as session:
            return session.execute(taken).first() is not None

    def use_recovery_code(self, person: str, code: str, now_ms: int) -> bool:
        """Take a recovery code, once: False if it is none, or was taken."""
        taken = (
            update(RecoveryCodeRow)
            .where(
                RecoveryCodeRow.person == person,
                RecoveryCodeRow.code_hash == recovery_hash(person, code),
                RecoveryCodeRow.used_ms.is_(None),
            )
            .values(used_ms=now_ms)
            .returning(RecoveryCodeRow.person)
        )
        with self._sessions.writing() as session:
            return session.execute(taken).first() is not None

    def recovery_codes_left(self, person: str) -> int:
        """Return how many recovery codes are not used yet."""
        query = select(func.count()).where(
            RecoveryCodeRow.person == person, RecoveryCodeRow.used_ms.is_(None)
        )
        with self._sessions.reading() as session:
            return session.scalar(query) or 0

    def end_second_factor(self, person: str) -> None:
        """Forget a second factor and its codes; none is harmless."""
        with self._sessions.writing() as session:
            _replace_codes(session, person, ())
            session.execute(
                delete(SecondFactorRow).where(SecondFactorRow.person == person)
            )


def _replace_codes(session: Session, person: str, codes: Iterable[str]) -> None:
    session.execute(delete(RecoveryCodeRow).where(RecoveryCodeRow.person == person))
    for code in codes:
        session.add(
            RecoveryCodeRow(person=person, code_hash=recovery_hash(person, code))
        )
