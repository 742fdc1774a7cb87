"""Browsers that are told of alarms: each ends with the session that it was added in.

Their addresses (``to-push://``, ``analytics.alarms.pushing``) end in a mark, ``#PHONE.SESSION``: a
random name that the browser carries as a cookie, and the id of its session.
"""

from collections.abc import Callable
from typing import Final

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from greenwater.storage.registry.contacts import drop_contacts
from greenwater.storage.registry.models.alarms import ContactRow, NotificationRow
from greenwater.storage.registry.models.bulletins import BulletinCopyRow
from greenwater.storage.registry.session import Sessions

SCHEME: Final = "to-push://"


class Phones:
    """Mixed into ``Registry``."""

    _sessions: Sessions

    def drop_phone(self, phone: str) -> None:
        """Have a browser told no more, whoever had it told: he signs out there."""
        with self._sessions.writing() as session:
            drop_phones(session, lambda one, _: one == phone)

    def move_phone(self, phone: str, person: str, session_id: str) -> None:
        """Have a browser's addresses go with a new session of his; those of others end."""
        with self._sessions.writing() as session:
            for row in _rows(session):
                if _mark(row.url)[0] != phone:
                    continue
                if row.person != person:
                    drop_contacts(session, row.person, url=row.url)
                else:
                    _rename(session, row, session_id)


def drop_phones(
    session: Session, ends: Callable[[str, str], bool], *, person: str | None = None
) -> None:
    """Forget browsers of a person, or anybody's, of whose phone and session ``ends`` is so."""
    for row in _rows(session, person):
        if ends(*_mark(row.url)):
            drop_contacts(session, row.person, url=row.url)


def _rows(session: Session, person: str | None = None) -> list[ContactRow]:
    query = select(ContactRow).where(ContactRow.url.startswith(SCHEME))
    query = query.order_by(ContactRow.id).with_for_update()
    if person is not None:
        query = query.where(ContactRow.person == person)
    return list(session.scalars(query))


def _mark(url: str) -> tuple[str, str]:
    phone, _, session_id = url.rpartition("#")[2].partition(".")
    return phone, session_id


def _rename(session: Session, row: ContactRow, session_id: str) -> None:
    """Name another session in an address, and in what waits to go out to it."""
    head, _, mark = row.url.rpartition("#")
    before, after = row.url, f"{head}#{mark.partition('.')[0]}.{session_id}"
    row.url = after
    for table in (NotificationRow, BulletinCopyRow):
        waiting = update(table).filter_by(
            person=row.person, url=before, sent_ms=None, dropped_ms=None
        )
        session.execute(waiting.values(url=after))
