"""Calling goods back: the lot, and all that came of it, in whosever hands it is.

What is recalled is worked out when somebody asks, from the recall and the links between
lots: a lot that is made tomorrow of a recalled one is recalled too, and when the recall
ends all of them are free again.
"""

import csv
import io
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from msgspec import Struct

from greenwater.kernel.cells import plain_cell
from greenwater.kernel.clock import Clock
from greenwater.kernel.errors import InputError, MissingError
from greenwater.kernel.reading import instant, milliseconds
from greenwater.storage.registry import Registry
from greenwater.storage.registry.between_organisations import Shipment, Spread
from greenwater.storage.registry.books import Lot
from greenwater.storage.registry.labels import Recall
from greenwater.storage.registry.trace_events.ledger import EventDraft
from traceability.goods import lot_events
from traceability.goods.steps import HANDLERS
from traceability.label.telling import tell_recall_over, tell_recalls

IN_HAND: Final = "in hand"
ON_ITS_WAY: Final = "on its way"
OUTSIDE: Final = "outside"


class Held(Struct, frozen=True):
    """Who has how much of one lot; ``where`` is in hand, on its way or outside.

    Outside is with somebody who keeps no books here: only what he was sent is known.
    """

    holder: str
    place: str
    phones: tuple[str, ...]
    where: str
    gtin: str
    lot: str
    kg: float
    labels: int


class RecallReach(Struct, frozen=True):
    """All that came of a lot: the lots (the first is itself), who has them, labels out."""

    lots: tuple[Lot, ...]
    held: tuple[Held, ...]
    labels: int

    @property
    def kg(self) -> float:
        """Kilograms that can still be got back, as far as the books know."""
        return round(sum(one.kg for one in self.held), 3)


def recall_reach(registry: Registry, lot: str) -> RecallReach:
    """Return where a lot and all that came of it is now, in one call.

    Sold, destroyed and used-up kilograms are in nobody's hands and not in it.

    Raises:
        MissingError: there is no such lot.
    """
    registry.get_lot(lot)
    spread = registry.spread_of(lot)
    first = spread.lots[lot]
    rest = (one for one in spread.lots.values() if one.id != lot)
    return RecallReach(
        (first, *rest),
        tuple(_held(spread)),
        sum(spread.labels.values()),
    )


def _held(spread: Spread) -> Iterable[Held]:
    in_hand: dict[tuple[str, str], float] = defaultdict(float)
    for one in spread.holdings:
        in_hand[one.organisation, one.lot] += one.kg
    for (organisation, lot), kg in sorted(in_hand.items()):
        yield _of_ours(spread, organisation, lot, kg, IN_HAND)
    for shipment in spread.shipments:
        for lot, kg in _portions(shipment, spread.lots):
            recipient = shipment.step.recipient
            if recipient is not None:
                yield _of_ours(spread, recipient, lot, kg, ON_ITS_WAY)
            else:
                yield _outside(spread, shipment, lot, kg)


def _portions(
    shipment: Shipment, lots: Mapping[str, Lot]
) -> Iterable[tuple[str, float]]:
    found: dict[str, float] = defaultdict(float)
    for flow in shipment.flows:
        if flow.lot in lots:
            found[flow.lot] += flow.kg
    return ((lot, round(kg, 3)) for lot, kg in found.items())


def _of_ours(spread: Spread, holder: str, lot: str, kg: float, where: str) -> Held:
    return Held(
        spread.organisations.get(holder, holder),
        "",
        tuple(spread.phones.get(holder, ())),
        where,
        spread.lots[lot].product,
        spread.lots[lot].code,
        round(kg, 3),
        spread.labels.get(lot, 0),
    )


def _outside(spread: Spread, shipment: Shipment, lot: str, kg: float) -> Held:
    to = shipment.step.fields["to"]
    return Held(
        to["name"],
        to["place"],
        (to["phone"],) if to["phone"] else (),
        OUTSIDE,
        spread.lots[lot].product,
        spread.lots[lot].code,
        kg,
        spread.labels.get(lot, 0),
    )


def reach_csv(reach: RecallReach, recall: Recall | None = None) -> str:
    """Return who has what as CSV, with a byte order mark so that Excel reads Vietnamese."""
    out = io.StringIO()
    out.write("\ufeff")
    rows = csv.writer(out, lineterminator="\r\n")
    rows.writerow(
        ("holder", "place", "phones", "where", "gtin", "lot", "kg", "labels_of_lot")
    )
    for one in reach.held:
        told = (
            one.holder,
            one.place,
            " ".join(one.phones),
            one.where,
            one.gtin,
            one.lot,
        )
        rows.writerow((*map(plain_cell, told), f"{one.kg:g}", one.labels))
    if recall is not None:
        at = instant(recall.at_ms).isoformat(timespec="minutes")
        rows.writerow((f"# {recall.reason}", "", plain_cell(recall.phone), at))
    return out.getvalue()


class Recalls:
    """The use cases. ``person`` is who does it; others' lots do not exist for him."""

    def __init__(self, registry: Registry, clock: Clock) -> None:
        self._registry, self._clock = registry, clock

    def _lot(self, person: str, lot: str) -> Lot:
        found = self._registry.get_lot(lot)
        if not self._registry.get_person(person).is_any(HANDLERS, found.organisation):
            raise MissingError(f"{person} calls no lot {lot} back")
        return found

    def recall(self, person: str, lot: str, reason: str, phone: str) -> RecallReach:
        """Call a lot back, with all that came of it; return who has it.

        Every label of it turns red, whosever it is, each ledger it reaches says so, and
        whoever has the goods is sent a message.

        Raises:
            InputError: reason or telephone number is missing.
            ConflictError: it is called back already.
            MissingError: no such lot, or not his.
        """
        found = self._lot(person, lot)
        if not reason.strip() or not phone.strip():
            raise InputError(
                "a recall needs its reason and a telephone number", "recall_needs"
            )
        now_ms = milliseconds(self._clock.now())
        recall = Recall(lot, reason.strip(), phone.strip(), now_ms, person, None)

        def drafts(lots: Sequence[Lot]) -> Mapping[str, Sequence[EventDraft]]:
            return _drafts(lots, found, recall.reason, now_ms, is_over=False)

        self._registry.call_back(recall, drafts)
        tell_recalls(self._registry, now_ms)
        return recall_reach(self._registry, lot)

    def end(self, person: str, lot: str) -> None:
        """End a recall, for all that came of the lot; one that is over stays over."""
        found = self._lot(person, lot)
        now_ms = milliseconds(self._clock.now())

        def drafts(lots: Sequence[Lot]) -> Mapping[str, Sequence[EventDraft]]:
            return _drafts(lots, found, "", now_ms, is_over=True)

        known = self._registry.recalls(lot=lot)
        self._registry.end_call_back(lot, drafts, now_ms)
        for one in known:
            tell_recall_over(self._registry, lot, one.at_ms, now_ms)

    def reached(self, lot: str) -> RecallReach:
        """Return where a lot and all that came of it is: for whoever may ask.

        Raises:
            MissingError: there is no such lot.
        """
        return recall_reach(self._registry, lot)

    def reach(self, person: str, lot: str) -> RecallReach:
        """Return where a lot is that he calls back.

        Raises:
            InputError: it is not called back: who has it is others' business.
            MissingError: no such lot, or not his.
        """
        self._lot(person, lot)
        if not self._registry.recalls(lot=lot):
            raise InputError(
                "who has the goods is told to whoever calls them back",
                "recall_not_yours",
            )
        return recall_reach(self._registry, lot)


def _drafts(
    lots: Sequence[Lot], origin: Lot, reason: str, at_ms: int, *, is_over: bool
) -> Mapping[str, Sequence[EventDraft]]:
    found: dict[str, list[EventDraft]] = defaultdict(list)
    for lot in lots:
        found[lot.organisation] += lot_events.of_recall(
            lot, origin, reason, at_ms, is_over=is_over
        )
    return found
