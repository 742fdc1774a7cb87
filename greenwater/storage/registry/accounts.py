"""Accounts and sessions: what is kept of secrets is their hashes."""

import hashlib
from collections.abc import Sequence

from msgspec import Struct
from sqlalchemy import delete, select

from greenwater.storage.registry.models import Membership, Person
from greenwater.storage.registry.models.accounts import AccountRow, SessionRow
from greenwater.storage.registry.people import Role
from greenwater.storage.registry.rows import get_row, insert
from greenwater.storage.registry.session import Sessions


class Account(Struct, frozen=True):
    """What a person signs in with. ``secret_hash`` None: nothing was set yet."""

    person: str
    secret_hash: str | None
    is_pin: bool
    failures: int
    locked_until_ms: int


class PersonInfo(Struct, frozen=True):
    """A person with his memberships: (organisation, role)."""

    id: str
    name: str
    phone: str | None
    memberships: tuple[tuple[str, Role], ...]


def session_hash(token: str) -> str:
    """Return what is kept of a session's token."""
    return hashlib.sha256(token.encode()).hexdigest()


class Accounts:
    """Mixed into ``Registry``."""

    _sessions: Sessions

    def list_people(self) -> Sequence[PersonInfo]:
        """Return everybody, by name."""
        with self._sessions.reading() as session:
            people = session.scalars(select(Person).order_by(Person.name, Person.id))
            members: dict[str, list[tuple[str, Role]]] = {}
            for row in session.scalars(select(Membership).order_by(Membership.role)):
                members.setdefault(row.person, []).append(
                    (row.organisation, Role(row.role))
                )
            return [
                PersonInfo(one.id, one.name, one.phone, tuple(members.get(one.id, ())))
                for one in people
            ]

    def get_person(self, person: str) -> PersonInfo:
        """Return one person.

        Raises:
            MissingError: there is none of that id.
        """
        with self._sessions.reading() as session:
            row = get_row(session, Person, person)
            query = select(Membership).where(Membership.person == person)
            held = session.scalars(query.order_by(Membership.role))
            memberships = tuple((one.organisation, Role(one.role)) for one in held)
            return PersonInfo(row.id, row.name, row.phone, memberships)

    def find_account(self, phone: str) -> Account | None:
        """Return the account of a telephone number (``+84…``), if it has one."""
        query = (
            select(AccountRow)
            .join(Person, Person.id == AccountRow.person)
            .where(Person.phone == phone)
        )
        with self._sessions.reading() as session:
            row = session.scalar(query)
            if row is None:
                return None
            return Account(
                row.person,
                row.secret_hash,
                row.is_pin,
                row.failures,
                row.locked_until_ms,
            )

    def set_secret(self, person: str, secret_hash: str, *, is_pin: bool) -> None:
        """Give a person a PIN or password; earlier sessions end.

        Raises:
            MissingError: there is no such person.
        """
        values = {
            "secret_hash": secret_hash,
            "is_pin": is_pin,
            "failures": 0,
            "locked_until_ms": 0,
        }
        with self._sessions.writing() as session:
            get_row(session, Person, person)
            row = insert(session, AccountRow).values(person=person, **values)
            session.execute(
                row.on_conflict_do_update(index_elements=["person"], set_=values)
            )
            session.execute(delete(SessionRow).where(SessionRow.person == person))

    def note_sign_in(self, person: str, *, failures: int, locked_until_ms: int) -> None:
        """Keep how many wrong tries there were, and how long to wait now."""
        with self._sessions.writing() as session:
            row = get_row(session, AccountRow, person, lock=True)
            row.failures, row.locked_until_ms = failures, locked_until_ms

    def open_session(
        self, token: str, person: str, *, now_ms: int, expires_ms: int
    ) -> None:
        """Keep a signed-in browser, and forget those that have expired."""
        with self._sessions.writing() as session:
            session.execute(delete(SessionRow).where(SessionRow.expires_ms <= now_ms))
            session.add(
                SessionRow(
                    token_hash=session_hash(token),
                    person=person,
                    created_ms=now_ms,
                    expires_ms=expires_ms,
                )
            )

    def find_session(self, token: str, now_ms: int) -> str | None:
        """Return whose session a token is; None where it is none, or over."""
        with self._sessions.reading() as session:
            row = session.get(SessionRow, session_hash(token))
            return None if row is None or row.expires_ms <= now_ms else row.person

    def close_session(self, token: str) -> None:
        """End a session; one that is not there is harmless."""
        with self._sessions.writing() as session:
            session.execute(
                delete(SessionRow).where(SessionRow.token_hash == session_hash(token))
            )
