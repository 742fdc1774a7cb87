"""Organisations, the people in them, and how far each of those sees."""

import re
from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import Final

from sqlalchemy import delete, select

from greenwater.kernel.errors import InputError
from greenwater.storage.registry.contacts import drop_contacts
from greenwater.storage.registry.models import Membership, Organisation, Person
from greenwater.storage.registry.models.accounts import SessionRow
from greenwater.storage.registry.rows import add_once, get_row, parse_name
from greenwater.storage.registry.session import Sessions

_SLUG: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")
_PHONE: Final = re.compile(r"\+[1-9][0-9]{6,14}")


class Role(StrEnum):
    """What a person is in an organisation."""

    FARMER = "farmer"
    BOAT_OWNER = "boat_owner"
    SKIPPER = "skipper"
    DELEGATE = "delegate"
    TECHNICIAN = "technician"
    INSPECTOR = "inspector"
    OFFICER = "officer"
    AUDITOR = "auditor"
    ADMIN = "admin"


class OrganisationKind(StrEnum):
    """What a tenant is. Only an authority's people see beyond their own.

    A commune's officers and a certification body's auditors see the dossiers that are
    addressed to them (``registry.dossiers_for``) and nothing else of the farms.
    """

    HOUSEHOLD = "household"
    COOPERATIVE = "cooperative"
    COMPANY = "company"
    AUTHORITY = "authority"
    COMMUNE = "commune"
    CERTIFIER = "certifier"


SECOND_FACTOR: Final = frozenset(
    {Role.INSPECTOR, Role.OFFICER, Role.AUDITOR, Role.ADMIN}
)
"""Roles that sign in with a password and a second factor, but in a demo."""

DUTY_SEES_ALL: Final = frozenset({Role.INSPECTOR, Role.OFFICER})


def reach(
    memberships: Iterable[tuple[str, OrganisationKind, Role]],
) -> frozenset[str] | None:
    """Return the organisations that these memberships let a person see; None: all.

    An inspector or officer of an authority sees the whole province; the same role in a
    household or cooperative (its own internal inspector) sees only that one.
    """
    seen = set()
    for organisation, kind, role in memberships:
        if kind is OrganisationKind.AUTHORITY and role in DUTY_SEES_ALL:
            return None
        seen.add(organisation)
    return frozenset(seen)


def parse_slug(text: str) -> str:
    """Return an id that people chose for a place, person or organisation.

    Raises:
        InputError: it is not 1 to 64 of ``a-z 0-9 -``, starting with a letter or digit.
    """
    if _SLUG.fullmatch(text) is None:
        raise InputError(
            f"id {text!r} does not match {_SLUG.pattern}", "slug_wrong", text=text[:40]
        )
    return text


def parse_phone(text: str) -> str:
    """Return a telephone number as it is kept: ``+84901234567``.

    Raises:
        InputError: it is none.
    """
    plain = re.sub(r"[-. ()]", "", text)
    number = f"+84{plain[1:]}" if re.match(r"0[1-9]", plain) else plain
    if _PHONE.fullmatch(number) is None:
        raise InputError(
            f"{text!r} is not a telephone number such as +84 90 123 45 67",
            "phone_wrong",
        )
    return number


class People:
    """Mixed into ``Registry``. Adding what is there already changes nothing.

    Raises (every ``add_``):
        ConflictError: it contradicts what is there.
    """

    _sessions: Sessions

    def add_organisation(
        self,
        organisation: str,
        name: str,
        *,
        kind: OrganisationKind = OrganisationKind.HOUSEHOLD,
    ) -> None:
        """Add a tenant."""
        facts = {"name": parse_name(name), "kind": kind}
        with self._sessions.writing() as session:
            add_once(session, Organisation, {"id": parse_slug(organisation)}, facts)

    def add_person(self, person: str, name: str, phone: str | None = None) -> None:
        """Add a person; a telephone number belongs to one person only."""
        number = None if phone is None else parse_phone(phone)
        facts = {"name": parse_name(name), "phone": number}
        with self._sessions.writing() as session:
            add_once(session, Person, {"id": parse_slug(person)}, facts)

    def add_member(self, person: str, organisation: str, role: Role) -> None:
        """Make a person something in an organisation.

        A role that takes a second factor (``SECOND_FACTOR``) ends his sessions: he comes
        in again, with one.

        Raises:
            MissingError: the person or organisation is not registered.
        """
        key = {"person": person, "organisation": organisation, "role": role}
        with self._sessions.writing() as session:
            get_row(session, Person, person)
            get_row(session, Organisation, organisation)
            if add_once(session, Membership, key, {}) and role in SECOND_FACTOR:
                session.execute(delete(SessionRow).where(SessionRow.person == person))

    def drop_member(self, person: str, organisation: str, role: Role) -> None:
        """End a membership; one that is not there is harmless.

        With the last one in an organisation he is told of its alarms no more.
        """
        with self._sessions.writing() as session:
            row = session.get(Membership, (person, organisation, role))
            if row is not None:
                session.delete(row)
                session.flush()
            query = select(Membership.role).filter_by(
                person=person, organisation=organisation
            )
            if session.scalars(query).first() is None:
                drop_contacts(session, person, organisation=organisation)

    def names(self, people: Iterable[str | None] | None = None) -> dict[str, str]:
        """Return names by id: of these people (None among them is nobody), or everybody's."""
        query = select(Person.id, Person.name)
        if people is not None:
            wanted = sorted({one for one in people if one is not None})
            if not wanted:
                return {}
            query = query.where(Person.id.in_(wanted))
        with self._sessions.reading() as session:
            return {one: name for one, name in session.execute(query)}

    def reach_of(self, person: str) -> frozenset[str] | None:
        """Return the organisations a person may see; None: all of them.

        Raises:
            MissingError: there is no such person.
        """
        query = (
            select(Membership.organisation, Organisation.kind, Membership.role)
            .join(Organisation, Organisation.id == Membership.organisation)
            .where(Membership.person == person)
        )
        with self._sessions.reading() as session:
            get_row(session, Person, person)
            rows = session.execute(query).all()
        return reach(
            (one, OrganisationKind(kind), Role(role)) for one, kind, role in rows
        )

    def who_sees(self, organisation: str) -> Sequence[tuple[str, str, Role]]:
        """Return who may see what is an organisation's: (person, organisation, role).

        By the one rule (``reach``): its own people, and an authority's on duty.
        """
        query = select(
            Membership.person,
            Membership.organisation,
            Organisation.kind,
            Membership.role,
        ).join(Organisation, Organisation.id == Membership.organisation)
        with self._sessions.reading() as session:
            rows = session.execute(query).all()
        found = []
        for person, where, kind, role in rows:
            seen = reach([(where, OrganisationKind(kind), Role(role))])
            if seen is None or organisation in seen:
                found.append((person, where, Role(role)))
        return sorted(found)

    def list_organisations(self) -> Sequence[tuple[str, str, OrganisationKind]]:
        """Return every organisation: id, name, kind; by name."""
        query = select(Organisation).order_by(Organisation.name, Organisation.id)
        with self._sessions.reading() as session:
            return [
                (one.id, one.name, OrganisationKind(one.kind))
                for one in session.scalars(query)
            ]
