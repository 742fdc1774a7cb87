"""Who is told of an organisation's alarms, in which order, and at which hours."""

from collections.abc import Mapping, Sequence
from typing import Final

from msgspec import Struct
from sqlalchemy import Update, delete, select, update
from sqlalchemy.orm import Session

from greenwater.kernel.errors import InputError
from greenwater.storage.registry.models import Person
from greenwater.storage.registry.models.alarms import ContactRow, NotificationRow
from greenwater.storage.registry.models.bulletins import BulletinCopyRow
from greenwater.storage.registry.rows import get_row, insert, storable
from greenwater.storage.registry.session import Sessions

DAY_MIN: Final = 24 * 60


class Contact(Struct, frozen=True):
    """Who is told, where (an apprise URL), and in which place of the order, from 0.

    ``hours`` are minutes of the day in Vietnam, from and to, over midnight too: when he
    is on duty; None: always.
    """

    organisation: str
    person: str
    url: str
    place: int
    hours: tuple[int, int] | None = None


class Contacts:
    """Mixed into ``Registry``."""

    _sessions: Sessions

    def contacts(self) -> Sequence[Contact]:
        """Return who is told, by organisation and place."""
        query = select(ContactRow).order_by(
            ContactRow.organisation, ContactRow.place, ContactRow.id
        )
        with self._sessions.reading() as session:
            return [_contact(row) for row in session.scalars(query)]

    def add_contact(
        self,
        organisation: str,
        person: str,
        url: str,
        *,
        place: int = 0,
        hours: tuple[int, int] | None = None,
    ) -> None:
        """Have a person told of an organisation's alarms; the same again moves it.

        ``hours`` are minutes of the day in Vietnam, from and to; None: always. Whether
        anything can be sent to ``url`` is for the caller to ask.

        Raises:
            InputError: that is no address, or those are no hours.
            MissingError: there is no such person.
        """
        if "://" not in url:
            raise InputError(
                f"{url!r} is no address to send to, such as tgram://…", "contact_wrong"
            )
        when = {"place": place, **_columns(hours)}
        with self._sessions.writing() as session:
            get_row(session, Person, person)
            row = insert(session, ContactRow).values(
                organisation=organisation, person=person, url=storable(url), **when
            )
            session.execute(
                row.on_conflict_do_update(
                    index_elements=["organisation", "person", "url"], set_=when
                )
            )

    def drop_contact(self, organisation: str, person: str, url: str) -> None:
        """Have a person told no more at an address; one that there is not stays so.

        What still waits to go out to it does not.
        """
        with self._sessions.writing() as session:
            drop_contacts(session, person, organisation=organisation, url=url)

    def renew_contact(self, one: Contact, url: str) -> None:
        """Give an address of somebody's another form; what waits to go out goes there.

        One that has ended meanwhile stays so.
        """
        asked = {"organisation": one.organisation, "person": one.person, "url": one.url}
        with self._sessions.writing() as session:
            query = select(ContactRow).filter_by(**asked).with_for_update()
            row = session.scalars(query).first()
            if row is None or url == one.url:
                return
            known = select(ContactRow).filter_by(**{**asked, "url": url})
            if session.scalars(known).first() is None:
                row.url = url
            else:
                session.delete(row)
            for table in (NotificationRow, BulletinCopyRow):
                waiting = update(table).filter_by(
                    **asked, sent_ms=None, dropped_ms=None
                )
                session.execute(waiting.values(url=url))

    def place_contacts(self, organisation: str, places: Mapping[str, int]) -> None:
        """Give people their places in an organisation's order, with all their addresses."""
        with self._sessions.writing() as session:
            for person, place in sorted(places.items()):
                session.execute(_theirs(organisation, person).values(place=place))

    def set_contact_hours(
        self, organisation: str, person: str, hours: tuple[int, int] | None
    ) -> None:
        """Have a person on duty at these hours (as ``add_contact``), by all his addresses.

        Raises:
            InputError: those are no hours.
        """
        columns = _columns(hours)
        with self._sessions.writing() as session:
            session.execute(_theirs(organisation, person).values(**columns))


def drop_contacts(
    session: Session,
    person: str,
    *,
    organisation: str | None = None,
    url: str | None = None,
) -> None:
    """Forget addresses of a person, and what still waits to go out to them.

    All of them, or those in an organisation, or one.
    """
    only = {"person": person, "organisation": organisation, "url": url}
    asked = {name: value for name, value in only.items() if value is not None}
    session.execute(delete(ContactRow).filter_by(**asked))
    for table in (NotificationRow, BulletinCopyRow):
        session.execute(delete(table).filter_by(**asked, sent_ms=None, dropped_ms=None))


def _theirs(organisation: str, person: str) -> Update:
    return update(ContactRow).where(
        ContactRow.organisation == organisation, ContactRow.person == person
    )


def _columns(hours: tuple[int, int] | None) -> dict[str, int | None]:
    if hours is not None and not all(0 <= one < DAY_MIN for one in hours):
        raise InputError(
            f"{hours} are no minutes of the day, from 0 to 1439", "contact_hours"
        )
    from_min, to_min = hours or (None, None)
    return {"from_min": from_min, "to_min": to_min}


def _contact(row: ContactRow) -> Contact:
    hours = None
    if row.from_min is not None and row.to_min is not None:
        hours = row.from_min, row.to_min
    return Contact(row.organisation, row.person, row.url, row.place, hours)
