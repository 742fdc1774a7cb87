"""Links that are good once: invitations, a new PIN, the first administrator, the demo."""

import hashlib
from collections.abc import Sequence
from enum import StrEnum
from typing import Final

from msgspec import Struct
from sqlalchemy import exists, select, update
from sqlalchemy.orm import Session

from greenwater.kernel.errors import ConflictError, MissingError
from greenwater.storage.registry.models import Membership, Organisation, Person
from greenwater.storage.registry.models.doors import OneTimeLinkRow
from greenwater.storage.registry.people import OrganisationKind, Role
from greenwater.storage.registry.rows import add_once, get_row, struct_of
from greenwater.storage.registry.session import Sessions

LINK_MS: Final = 72 * 3600 * 1000
"""How long a link is good."""


class LinkKind(StrEnum):
    """What a link is for."""

    INVITATION = "invitation"
    FIRST_START = "first_start"
    NEW_SECRET = "new_secret"
    DEMO = "demo"


class OneTimeLink(Struct, frozen=True):
    """A link without its token; an invitation names organisation and role, else a person."""

    id: str
    kind: str
    organisation: str | None
    role: str | None
    person: str | None
    made_by: str | None
    made_ms: int
    expires_ms: int
    used_by: str | None
    ended_ms: int | None


def link_hash(token: str) -> str:
    """Return what is kept of a link's token."""
    return hashlib.sha256(f"link/{token}".encode()).hexdigest()


class Links:
    """Mixed into ``Registry``."""

    _sessions: Sessions

    def add_link(
        self,
        id_: str,
        token: str,
        *,
        kind: LinkKind,
        now_ms: int,
        organisation: str | None = None,
        role: Role | None = None,
        person: str | None = None,
        made_by: str | None = None,
        lasts_ms: int = LINK_MS,
    ) -> OneTimeLink:
        """Keep a link, for 72 hours unless told otherwise; of the token only its hash.

        Raises:
            ConflictError: it is neither an invitation nor for a person.
        """
        row = OneTimeLinkRow(
            id=id_,
            token_hash=link_hash(token),
            kind=kind,
            organisation=organisation,
            role=role,
            person=person,
            made_by=made_by,
            made_ms=now_ms,
            expires_ms=now_ms + lasts_ms,
        )
        with self._sessions.writing() as session:
            session.add(row)
            session.flush()
            return struct_of(OneTimeLink, row)

    def find_link(self, token: str, now_ms: int) -> OneTimeLink:
        """Return a link that is good now; looking does not use it.

        Raises:
            MissingError: there is none: unknown, used, ended or too old.
        """
        with self._sessions.reading() as session:
            return struct_of(OneTimeLink, _good(session, token, now_ms))

    def use_link(self, token: str, person: str, now_ms: int) -> OneTimeLink:
        """Use a link up: whoever comes second finds none.

        An invitation makes the person a member with its role.

        Raises:
            MissingError: there is none: unknown, used, ended or too old.
        """
        with self._sessions.writing() as session:
            return _use(session, token, person, now_ms)

    def end_link(self, id_: str, now_ms: int) -> None:
        """Withdraw a link; one that is over is left as it is.

        Raises:
            MissingError: there is none of that id.
        """
        with self._sessions.writing() as session:
            row = get_row(session, OneTimeLinkRow, id_, lock=True)
            if row.ended_ms is None:
                row.ended_ms = now_ms

    def end_links(self, kind: LinkKind, now_ms: int) -> None:
        """Withdraw every open link of a kind."""
        with self._sessions.writing() as session:
            session.execute(
                update(OneTimeLinkRow)
                .where(
                    OneTimeLinkRow.kind == kind,
                    OneTimeLinkRow.ended_ms.is_(None),
                )
                .values(ended_ms=now_ms)
            )

    def open_links(self, now_ms: int) -> Sequence[OneTimeLink]:
        """Return the links that are good now, newest first."""
        query = (
            select(OneTimeLinkRow)
            .where(
                OneTimeLinkRow.ended_ms.is_(None), OneTimeLinkRow.expires_ms > now_ms
            )
            .order_by(OneTimeLinkRow.made_ms.desc(), OneTimeLinkRow.id)
        )
        with self._sessions.reading() as session:
            return [struct_of(OneTimeLink, row) for row in session.scalars(query)]

    def join(
        self, token: str, person: str, name: str, phone: str, now_ms: int
    ) -> OneTimeLink:
        """Use an invitation for a person who is new.

        Raises:
            MissingError: the invitation is not good.
            ConflictError: the telephone number is somebody's already.
        """
        with self._sessions.writing() as session:
            _good(session, token, now_ms)
            query = select(exists().where(Person.phone == phone))
            if session.scalar(query):
                raise ConflictError(
                    "this telephone number has an account", "phone_taken"
                )
            session.add(Person(id=person, name=name, phone=phone))
            session.flush()
            return _use(session, token, person, now_ms)

    def administrators(self) -> Sequence[str]:
        """Return who administers the platform: ``admin`` of an authority, by id."""
        query = (
            select(Membership.person)
            .join(Organisation, Organisation.id == Membership.organisation)
            .where(
                Membership.role == Role.ADMIN,
                Organisation.kind == OrganisationKind.AUTHORITY,
            )
            .order_by(Membership.person)
        )
        with self._sessions.reading() as session:
            return list(dict.fromkeys(session.scalars(query)))


def _good(session: Session, token: str, now_ms: int) -> OneTimeLinkRow:
    query = select(OneTimeLinkRow).where(
        OneTimeLinkRow.token_hash == link_hash(token),
        OneTimeLinkRow.ended_ms.is_(None),
        OneTimeLinkRow.expires_ms > now_ms,
    )
    row = session.scalar(query)
    if row is None:
        raise MissingError("this link is not good: used, withdrawn or older than 72 h")
    return row


def _use(session: Session, token: str, person: str, now_ms: int) -> OneTimeLink:
    row = _good(session, token, now_ms)
    taken = (
        update(OneTimeLinkRow)
        .where(OneTimeLinkRow.id == row.id, OneTimeLinkRow.ended_ms.is_(None))
        .values(ended_ms=now_ms, used_by=person)
        .returning(OneTimeLinkRow.id)
    )
    if session.execute(taken).first() is None:
        raise MissingError("this link was used")
    if row.organisation is not None and row.role is not None:
        key = {"person": person, "organisation": row.organisation, "role": row.role}
        add_once(session, Membership, key, {})
    return struct_of(OneTimeLink, row)
