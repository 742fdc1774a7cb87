"""Labels: issued through the gate, revoked, recalled, and what is published of them."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from typing import Final

from msgspec.structs import replace

from greenwater.kernel.clock import Clock
from greenwater.kernel.errors import InputError, MissingError, UnavailableError
from greenwater.kernel.reading import milliseconds
from greenwater.storage.registry import Registry
from greenwater.storage.registry.books import Lot
from greenwater.storage.registry.labels import Label, LabelAct, Recall
from traceability.book.books import SELLERS
from traceability.gate.harvest import ROUNDING_KG, GateRefusedError, Refusal
from traceability.label.carried import is_held, with_carried
from traceability.label.goods import goods_of
from traceability.label.origins import lot_refusals
from traceability.label.recalls import Recalls
from traceability.ledger import events
from traceability.proof.keys import KeysDocument, Signer, is_signing, keys_document
from traceability.proof.labelfacts import label_facts, read_facts
from traceability.proof.links import (
    DOMAIN,
    SERIAL_ALPHABET,
    SERIAL_LENGTH,
    parse_label,
    unsigned,
    with_signature,
)
from traceability.proof.verify import (
    Code,
    RecalledLot,
    Status,
    StatusDocument,
    Verdict,
    check,
    publish_status,
)
from traceability.sea.card_ends import cards_ended

MOST_AT_ONCE: Final = 1_000


def new_serial(randomness: Callable[[int], bytes]) -> str:
    """Return a serial: 60 random bits, so that none is ever made twice or guessed."""
    return "".join(
        SERIAL_ALPHABET[byte % len(SERIAL_ALPHABET)]
        for byte in randomness(SERIAL_LENGTH)
    )


class Labels:
    """The use cases. ``person`` is who does it; others' lots do not exist for him."""

    def __init__(
        self,
        registry: Registry,
        signer: Signer,
        clock: Clock,
        public_url: str,
        randomness: Callable[[int], bytes],
    ) -> None:
        self._registry, self._signer, self._clock = registry, signer, clock
        self._public_url, self._randomness = public_url, randomness

    def _now_ms(self) -> int:
        return milliseconds(self._clock.now())

    def _lot(self, person: str, lot: str) -> Lot:
        found = self._registry.get_lot(lot)
        if not self._registry.get_person(person).is_any(SELLERS, found.organisation):
            raise MissingError(f"{person} issues no labels for lot {lot}")
        return found

    def issue(
        self,
        person: str,
        lot: str,
        count: int,
        *,
        net_kg: float | None = None,
        use_by: date | None = None,
        is_item: bool = True,
    ) -> Sequence[Label]:
        """Issue labels for a lot; the gate is asked again.

        ``net_kg`` is what one package holds. Without ``is_item`` it is one label of the
        whole lot, to be printed on as many boxes as there are; asked for again, the same.

        Raises:
            GateRefusedError: the rules do not allow it, the lot is recalled, or its
                labels would promise more than it weighs.
            InputError: that is no possible number of labels, weight or date.
            MissingError: no such lot, or not his.
        """
        found = self._lot(person, lot)
        if not 1 <= count <= MOST_AT_ONCE:
            raise InputError(
                f"{count} labels at once is not from 1 to {MOST_AT_ONCE}",
                "labels_count",
                most=MOST_AT_ONCE,
            )
        self._ask_gate(found)
        goods = replace(goods_of(self._registry, found), net_kg=net_kg, use_by=use_by)
        facts, now_ms = label_facts(goods), self._now_ms()
        if not is_item:
            return [self._issue_of_lot(found, person, facts, now_ms)]
        self._weigh(found, count, net_kg)
        made = [self._sign(found, person, facts, now_ms) for _ in range(count)]
        drafts = events.of_labels(found, [one.id for one in made], now_ms)
        self._registry.add_labels(made, drafts, now_ms)
        return made

    def _ask_gate(self, lot: Lot) -> None:
        if not is_signing(self._registry, self._signer.kid):
            raise UnavailableError(
                f"key {self._signer.kid} was replaced: restart the site, so that it signs "
                "with the newest"
            )
        if is_held(self._registry):
            raise GateRefusedError([Refusal("restored", "/")])
        refusals = lot_refusals(self._registry, lot, self._now_ms())
        if refusals:
            raise GateRefusedError(refusals)

    def _weigh(self, lot: Lot, count: int, net_kg: float | None) -> None:
        """Refuse labels that promise more kilograms than the lot has."""
        acts = {one.label: one.kind for one in self._registry.label_acts()}
        told_kg = sum(
            read_facts(parse_label(one.uri).facts).net_kg or 0.0
            for one in self._registry.labels(lot=lot.id)
            if acts.get(one.id) != "revoked" and parse_label(one.uri).serial
        )
        wanted_kg = count * (net_kg or 0.0)
        if wanted_kg and told_kg + wanted_kg > lot.kg + ROUNDING_KG:
            facts = {"kg": told_kg + wanted_kg, "lot_kg": lot.kg}
            cure = f"/lots/{lot.id}#labels"
            raise GateRefusedError([Refusal("labels_outweigh", cure, facts)])

    def _sign(
        self, lot: Lot, person: str, facts: Mapping[str, str], now_ms: int
    ) -> Label:
        serial = new_serial(self._randomness)
        return self._signed(lot, serial, serial, person, facts, now_ms)

    def _signed(
        self,
        lot: Lot,
        id_: str,
        serial: str | None,
        person: str,
        facts: Mapping[str, str],
        now_ms: int,
    ) -> Label:
        key = self._signer.kid
        text = unsigned(self._public_url, lot.product, lot.code, serial, key, facts)
        uri = with_signature(text, self._signer.sign(DOMAIN + text.encode()))
        return Label(id_, lot.organisation, lot.id, key, uri, now_ms, person)

    def _issue_of_lot(
        self, lot: Lot, person: str, facts: Mapping[str, str], now_ms: int
    ) -> Label:
        id_ = new_serial(self._randomness)
        made = self._signed(lot, id_, None, person, facts, now_ms)
        known = self._registry.find_label_at(made.uri)
        if known is not None:
            return known
        self._registry.add_labels([made], (), now_ms)
        return made

    def act(self, person: str, serial: str, kind: str, reason: str) -> None:
        """Suspend, resume or revoke a label.

        Raises:
            InputError: that is none of the three, or there is no reason.
            MissingError: no such label, or not his.
        """
        if kind not in ("suspended", "resumed", "revoked"):
            raise InputError(
                f"{kind!r} is not suspended, resumed or revoked", "form_old"
            )
        if not reason.strip():
            raise InputError("give the reason why", "say_why")
        label = self._registry.find_label(serial)
        if label is None:
            raise MissingError(f"serial {serial} was never issued")
        self._lot(person, label.lot)
        act = LabelAct(serial, kind, reason.strip(), self._now_ms(), person)
        self._registry.act_on_label(act)

    def recall(self, person: str, lot: str, reason: str, phone: str) -> None:
        """Call a lot back: every label of it, and of what came of it, turns red.

        Raises:
            InputError: reason or telephone number is missing.
            ConflictError: it is called back already.
            MissingError: no such lot, or not his.
        """
        Recalls(self._registry, self._clock).recall(person, lot, reason, phone)

    def end_recall(self, person: str, lot: str) -> None:
        """End a recall; one that is over stays over."""
        Recalls(self._registry, self._clock).end(person, lot)


class Published:
    """What anybody may know of labels."""

    def __init__(self, registry: Registry, signer: Signer, clock: Clock) -> None:
        self._registry, self._signer, self._clock = registry, signer, clock

    def keys(self) -> KeysDocument:
        """Return the keys that ever signed."""
        return keys_document(self._registry.signing_keys())

    def status(self) -> Status:
        """Return what became of labels until now."""
        recalled = self._registry.recalled_lots()
        known = self._status(self._registry.label_acts(), recalled)
        now_ms = milliseconds(self._clock.now())
        return replace(known, cards=cards_ended(self._registry, now_ms))

    def _status(
        self, acts: Iterable[LabelAct], recalled: Iterable[tuple[Lot, Recall]]
    ) -> Status:
        last: dict[str, str] = {}
        for act in acts:
            if last.get(act.label) != "revoked":
                last[act.label] = act.kind
        known = Status(
            milliseconds(self._clock.now()),
            self._handles(one for one, kind in last.items() if kind == "revoked"),
            self._handles(one for one, kind in last.items() if kind == "suspended"),
            tuple(
                RecalledLot(lot.product, lot.code, one.reason, one.phone, one.at_ms)
                for lot, one in recalled
            ),
        )
        return with_carried(self._registry, known)

    def _handles(self, ids: Iterable[str]) -> tuple[str, ...]:
        """Return what the list calls labels: serials, or a lot's goods and code."""
        found = (self._registry.find_label(one) for one in ids)
        return tuple(sorted(parse_label(one.uri).handle for one in found if one))

    def _recalls_of(self, text: str) -> list[tuple[Lot, Recall]]:
        """Return the recall that a label's lot is under, if it is under one."""
        try:
            link = parse_label(text)
        except InputError:
            return []
        lot = self._registry.find_lot(link.gtin, link.lot)
        if lot is None:
            return []
        found = self._registry.recalls_upon(lot.id)
        own_first = sorted(found, key=lambda one: one.lot != lot.id)
        return [(lot, one) for one in own_first[:1]]

    def status_document(self) -> StatusDocument:
        """Return the same, signed."""
        return publish_status(self.status(), self._signer)

    def check(self, text: str) -> Verdict:
        """Return what a label is worth, as the platform knows it."""
        text = text.strip(" \t\r\n")
        return self.check_found(text, self._registry.find_label_at(text))

    def check_found(
        self, text: str, label: Label | None, *, is_untouched: bool = False
    ) -> Verdict:
        """Return the same of an address that was looked up; ``label`` None: never issued.

        ``is_untouched``: whoever asks knows that nothing was ever done to the label.
        """
        now_ms = milliseconds(self._clock.now())
        acts: Sequence[LabelAct] = ()
        if label is not None and not is_untouched:
            acts = self._registry.label_acts(label=label.id)
        verdict = check(
            text, self.keys(), self._status(acts, self._recalls_of(text)), now_ms
        )
        if verdict.code not in (Code.VALID, Code.PAST_DATE):
            return verdict
        if label is None:
            return replace(verdict, code=Code.NOT_FOUND, at_ms=None)
        return verdict
