"""Links in messages: each shows and acknowledges one alarm, for one person, for a while."""

import hashlib

from msgspec import Struct

from greenwater.kernel.errors import MissingError
from greenwater.storage.registry.models.alarms import AlarmLinkRow
from greenwater.storage.registry.session import Sessions


class AlarmLink(Struct, frozen=True):
    """What a link that acknowledges stands for."""

    alarm: str
    person: str


def token_hash(token: str) -> str:
    """Return what is kept of a link's token."""
    return hashlib.sha256(token.encode()).hexdigest()


class AlarmLinks:
    """Mixed into ``Registry``."""

    _sessions: Sessions

    def get_alarm_link(self, token: str, now_ms: int) -> AlarmLink:
        """Return what a link stands for.

        Raises:
            MissingError: there is no such link, or it has expired.
        """
        with self._sessions.reading() as session:
            row = session.get(AlarmLinkRow, token_hash(token))
        if row is None or row.expires_ms <= now_ms:
            raise MissingError("this link is not valid, or no longer")
        return AlarmLink(row.alarm, row.person)
