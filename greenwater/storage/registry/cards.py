"""Trip cards that were called in before their week was over."""

from collections.abc import Sequence

import msgspec
from msgspec import Struct
from sqlalchemy import select

from greenwater.reference.vessels import parse_registration
from greenwater.storage.registry.models import Vessel
from greenwater.storage.registry.models.vessel_books import CardRevocationRow
from greenwater.storage.registry.rows import get_row, insert, parsed_of, storable
from greenwater.storage.registry.session import Sessions


class CardRevocation(Struct, frozen=True, kw_only=True):
    """All cards of a vessel that were made until ``until_ms`` are worth nothing.

    ``reason`` is ``lost`` or ``wrong``; ``id`` was made by the device.
    """

    id: str
    organisation: str
    vessel: str
    until_ms: int
    reason: str
    person: str
    at_ms: int


class CardsSeen:
    """Mixed into ``Registry`` and ``Scope``."""

    _sessions: Sessions

    def card_revocations(
        self, *, vessel: str | None = None, since_ms: int = 0
    ) -> Sequence[CardRevocation]:
        """Return the revocations of cards made since an instant, the newest first."""
        query = select(CardRevocationRow).where(CardRevocationRow.until_ms >= since_ms)
        if vessel is not None:
            query = query.where(CardRevocationRow.vessel == parse_registration(vessel))
        newest = query.order_by(CardRevocationRow.until_ms.desc(), CardRevocationRow.id)
        with self._sessions.reading() as session:
            return [parsed_of(CardRevocation, row) for row in session.scalars(newest)]


class Cards(CardsSeen):
    """Mixed into ``Registry``."""

    def revoke_cards(self, revocation: CardRevocation) -> None:
        """Keep a revocation; the same id again changes nothing.

        Raises:
            MissingError: there is no such vessel.
        """
        values = msgspec.structs.asdict(revocation)
        with self._sessions.writing() as session:
            get_row(session, Vessel, revocation.vessel)
            row = insert(session, CardRevocationRow).values(
                **values | {"reason": storable(revocation.reason)}
            )
            session.execute(row.on_conflict_do_nothing(index_elements=["id"]))
