"""Calling a vessel's trip cards in before their week is over: a phone lost, a card wrong.

Which cards are out is not kept, so all of a vessel that were made until this minute are
called in together; the next one is good again from the minute after.
"""

from collections.abc import Sequence
from typing import Final

from greenwater.kernel.clock import Clock
from greenwater.kernel.errors import InputError, MissingError
from greenwater.kernel.reading import milliseconds
from greenwater.storage.registry import Registry
from greenwater.storage.registry.cards import CardRevocation
from traceability.proof.verify import CardsEnded
from traceability.records import check_uuid
from traceability.sea.cards import LIFE_MS
from traceability.sea.crew import SAILORS

REASONS: Final = ("lost", "wrong")
_MINUTE_MS: Final = 60_000


class CardEnds:
    """The use case. ``person`` is who does it; others' boats do not exist for him."""

    def __init__(self, registry: Registry, clock: Clock) -> None:
        self._registry, self._clock = registry, clock

    def end(self, person: str, vessel: str, reason: str, *, act: str) -> CardRevocation:
        """Call in what was made until now; ``act`` is a UUID of the device's: once is once.

        Raises:
            InputError: the reason is none of ``REASONS``, or ``act`` no UUID.
            MissingError: no such vessel, or not his.
        """
        check_uuid("act", act)
        if reason not in REASONS:
            raise InputError(
                f"reason {reason[:40]!r} is not one of {', '.join(REASONS)}", "form_old"
            )
        info = self._registry.get_vessel(vessel)
        if not self._registry.get_person(person).is_any(SAILORS, info.organisation):
            raise MissingError(f"{person} calls no cards of {vessel} in")
        now_ms = milliseconds(self._clock.now())
        made = CardRevocation(
            id=act,
            organisation=info.organisation,
            vessel=info.id,
            until_ms=now_ms - now_ms % _MINUTE_MS,
            reason=reason,
            person=person,
            at_ms=now_ms,
        )
        self._registry.revoke_cards(made)
        return made


def cards_ended(registry: Registry, now_ms: int) -> tuple[CardsEnded, ...]:
    """Return the cards that were called in, of those that are not a week old yet."""
    known = registry.card_revocations(since_ms=now_ms - LIFE_MS)
    return tuple(CardsEnded(one.vessel, one.until_ms) for one in known)


def last_end(known: Sequence[CardRevocation]) -> CardRevocation | None:
    """Return the newest of a vessel's revocations."""
    return max(known, key=lambda one: one.until_ms, default=None)
