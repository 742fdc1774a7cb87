"""Accounts and sessions: what is kept of secrets is their hashes."""

import hashlib
from collections.abc import Callable, Collection, Sequence
from enum import StrEnum
from typing import Final

from msgspec import Struct
from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from greenwater.kernel.errors import ConflictError, MissingError
from greenwater.storage.registry.models import Membership, Person
from greenwater.storage.registry.models.accounts import AccountRow, SessionRow
from greenwater.storage.registry.people import Role
from greenwater.storage.registry.phones import drop_phones
from greenwater.storage.registry.rows import get_row, insert, struct_of
from greenwater.storage.registry.session import Sessions

ID_LENGTH: Final = 16


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

    @property
    def roles(self) -> frozenset[Role]:
        """What he is in any organisation."""
        return frozenset(role for _, role in self.memberships)

    def is_any(self, roles: Collection[Role], organisation: str) -> bool:
        """Return whether he is one of these in an organisation."""
        return organisation in self.organisations(roles)

    def organisations(self, roles: Collection[Role]) -> list[str]:
        """Return where he is one of these."""
        return sorted({where for where, role in self.memberships if role in roles})


class Stage(StrEnum):
    """How far a sign-in has come."""

    CODE = "code"
    """The secret was right; a code of the second factor is owed."""

    ENROL = "enrol"
    """The secret was right; a second factor is to be set up before anything else."""

    WHOLE = "whole"


class Proof(Struct, frozen=True):
    """What somebody showed to come in, which must hold still when his session is opened.

    ``secret_hash``: of the secret that was checked. ``token``: of his session before.
    """

    secret_hash: str | None = None
    token: str | None = None


class SignedIn(Struct, frozen=True):
    """A browser that came in; ``id`` is the beginning of its token's hash, no secret."""

    id: str
    person: str
    stage: Stage
    agent: str
    created_ms: int
    seen_ms: int
    expires_ms: int
    idle_ms: int | None = None


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
            return None if row is None else struct_of(Account, row)

    def get_account(self, person: str) -> Account:
        """Return a person's account.

        Raises:
            MissingError: nothing was set for him to sign in with.
        """
        with self._sessions.reading() as session:
            return struct_of(Account, get_row(session, AccountRow, person))

    def set_secret(
        self,
        person: str,
        secret_hash: str,
        *,
        is_pin: bool,
        instead_of: str | None = None,
    ) -> None:
        """Give a person a PIN or password; earlier sessions end.

        ``instead_of`` is the hash of the one that he showed; None: he need not have any.

        Raises:
            MissingError: there is no such person.
            ConflictError: another took the place of ``instead_of`` meanwhile.
        """
        values = {
            "secret_hash": secret_hash,
            "is_pin": is_pin,
            "failures": 0,
            "locked_until_ms": 0,
        }
        with self._sessions.writing() as session:
            get_row(session, Person, person)
            _check_proof(session, person, Proof(instead_of))
            row = insert(session, AccountRow).values(person=person, **values)
            session.execute(
                row.on_conflict_do_update(index_elements=["person"], set_=values)
            )
            session.execute(delete(SessionRow).where(SessionRow.person == person))

    def begin_try(
        self, person: str, now_ms: int, wait_after: Callable[[int], int]
    ) -> tuple[bool, int]:
        """Count a try as wrong before it is known; return whether it may be, and a wait.

        The wait (ms) is what is left where it may not be, else what follows if it was
        wrong: ``wait_after(failures)``. Of many that come at one moment no more go on
        than of as many one after the other. Of nobody it may be, and takes as long.
        """
        with self._sessions.writing() as session:
            row = session.get(AccountRow, person, with_for_update=True)
            if row is None:
                return True, 0
            if row.locked_until_ms > now_ms:
                return False, row.locked_until_ms - now_ms
            row.failures += 1
            wait_ms = wait_after(row.failures)
            row.locked_until_ms = now_ms + wait_ms if wait_ms else 0
            return True, wait_ms

    def end_try(self, person: str, *, forgives: bool) -> None:
        """Take back that a try was wrong; ``forgives``: those before it too."""
        with self._sessions.writing() as session:
            row = get_row(session, AccountRow, person, lock=True)
            row.failures = 0 if forgives else max(0, row.failures - 1)
            row.locked_until_ms = 0

    def open_session(
        self,
        token: str,
        person: str,
        *,
        now_ms: int,
        expires_ms: int,
        stage: Stage = Stage.WHOLE,
        agent: str = "",
        idle_ms: int | None = None,
        proof: Proof | None = None,
    ) -> None:
        """Keep a signed-in browser, and forget those that have expired.

        Raises:
            ConflictError: the ``proof`` holds no longer: the secret was replaced, or he
                was signed out, since it was checked.
        """
        with self._sessions.writing() as session:
            _check_proof(session, person, proof or Proof())
            session.execute(delete(SessionRow).where(SessionRow.expires_ms <= now_ms))
            session.add(
                SessionRow(
                    token_hash=session_hash(token),
                    person=person,
                    created_ms=now_ms,
                    expires_ms=expires_ms,
                    stage=stage,
                    agent=agent,
                    seen_ms=now_ms,
                    idle_ms=idle_ms,
                )
            )

    def find_session(self, token: str, now_ms: int) -> SignedIn | None:
        """Return the session of a token; None where it is none, or over."""
        with self._sessions.reading() as session:
            row = session.get(SessionRow, session_hash(token))
            return None if row is None or _is_over(row, now_ms) else _signed_in(row)

    def list_sessions(self, person: str, now_ms: int) -> Sequence[SignedIn]:
        """Return where a person is signed in, last seen first."""
        query = (
            select(SessionRow)
            .where(SessionRow.person == person, SessionRow.expires_ms > now_ms)
            .order_by(SessionRow.seen_ms.desc(), SessionRow.created_ms.desc())
        )
        with self._sessions.reading() as session:
            return [
                _signed_in(row)
                for row in session.scalars(query)
                if not _is_over(row, now_ms)
            ]

    def touch_session(self, token: str, now_ms: int) -> None:
        """Note that a browser was there; one that is over is left."""
        with self._sessions.writing() as session:
            session.execute(
                update(SessionRow)
                .where(SessionRow.token_hash == session_hash(token))
                .values(seen_ms=now_ms)
            )

    def close_session(self, token: str) -> None:
        """End a session and what its browser is told; one that is not there is harmless."""
        ended = session_hash(token)
        with self._sessions.writing() as session:
            session.execute(delete(SessionRow).where(SessionRow.token_hash == ended))
            drop_phones(session, lambda _, one: one == ended[:ID_LENGTH])

    def end_session(self, person: str, session_id: str) -> None:
        """End one of a person's sessions by its id, and what its browser is told.

        Raises:
            MissingError: he has none of that id.
        """
        ended = (
            delete(SessionRow)
            .where(
                SessionRow.person == person,
                func.substr(SessionRow.token_hash, 1, ID_LENGTH) == session_id,
            )
            .returning(SessionRow.person)
        )
        with self._sessions.writing() as session:
            if session.execute(ended).first() is None:
                raise MissingError(f"there is no session {session_id!r} of yours")
            drop_phones(session, lambda _, one: one == session_id, person=person)

    def end_sessions(self, person: str, *, but: str = "", phone: str = "") -> None:
        """End all of a person's sessions, ``but`` one, and what their browsers are told.

        ``phone`` is told still: he has just shown there that it is he.
        """
        spared = {one for one in (but, phone) if one}
        with self._sessions.writing() as session:
            _lock_account(session, person)
            session.execute(
                delete(SessionRow).where(
                    SessionRow.person == person,
                    func.substr(SessionRow.token_hash, 1, ID_LENGTH) != but,
                )
            )
            drop_phones(session, lambda *mark: spared.isdisjoint(mark), person=person)


def _lock_account(session: Session, person: str) -> AccountRow | None:
    """Return a person's account. Who opens or ends his sessions meanwhile waits."""
    return session.get(AccountRow, person, with_for_update=True)


def _check_proof(session: Session, person: str, proof: Proof) -> None:
    account = _lock_account(session, person)
    kept = None if account is None else account.secret_hash
    is_other = proof.secret_hash is not None and proof.secret_hash != kept
    is_out = proof.token is not None and (
        session.get(SessionRow, session_hash(proof.token)) is None
    )
    if is_other or is_out:
        raise ConflictError(
            f"what {person} showed holds no longer: his secret was replaced, or he was "
            "signed out, meanwhile",
            "proof_over",
        )


def _signed_in(row: SessionRow) -> SignedIn:
    return SignedIn(
        row.token_hash[:ID_LENGTH],
        row.person,
        Stage(row.stage),
        row.agent,
        row.created_ms,
        row.seen_ms,
        row.expires_ms,
        row.idle_ms,
    )


def _is_over(row: SessionRow, now_ms: int) -> bool:
    is_idle = row.idle_ms is not None and now_ms - row.seen_ms > row.idle_ms
    return is_idle or row.expires_ms <= now_ms
