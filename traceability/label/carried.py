"""What was published of labels, carried over into a registry that is older than it.

A restored registry has forgotten what was done since its backup. The list of labels that
was published last is signed by our own keys: what it says and the registry knows the
label or lot of is done again, as of a person of its own name; what it does not know stays
in the list all the same, as open alarms of the operator. Nothing is taken back: what the
registry says is suspended or recalled stays so, though the list does not say it.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from greenwater.kernel.errors import InputError
from greenwater.kernel.reading import instant
from greenwater.storage.registry import Registry
from greenwater.storage.registry.cards import CardRevocation
from greenwater.storage.registry.labels import Label, LabelAct, Recall, SigningKey
from greenwater.storage.registry.operator_alarms import CARRIED, RESTORED
from traceability.ledger.roots import fingerprint
from traceability.proof.keys import KeysDocument
from traceability.proof.links import parse_label
from traceability.proof.verify import CardsEnded, RecalledLot, Status

PERSON: Final = "restore"
NAME: Final = "Khôi phục từ bản sao lưu (restore)"


class Carried(Struct, frozen=True):
    """How much was carried over: what the registry knew, what it did not, and how old."""

    known: int
    unknown: int
    at_ms: int


class PublishedRoot(Struct, frozen=True):
    """One day's root as the site publishes it."""

    day: str
    sha256: str


class PublishedRoots(Struct, frozen=True):
    """What ``/api/v1/ledger/roots`` answers."""

    roots: tuple[PublishedRoot, ...]


class Rewound(Struct, frozen=True):
    """Which days' roots the registry has lost, and which it has otherwise."""

    lost: tuple[str, ...]
    other: tuple[str, ...]


def is_held(registry: Registry) -> bool:
    """Return whether no label may be issued: restored, and nobody has confirmed."""
    return bool(registry.operator_alarms(RESTORED))


def confirm(registry: Registry, now_ms: int) -> int:
    """Let labels be issued again; return how many restores that confirms."""
    held = registry.operator_alarms(RESTORED)
    for one in held:
        registry.clear_operator_alarm(one.kind, one.subject, now_ms)
    return len(held)


def with_carried(registry: Registry, status: Status) -> Status:
    """Return a status with what was carried over of things the registry does not know."""
    found: dict[str, list[str]] = {kind: [] for kind in CARRIED}
    recalled: list[RecalledLot] = []
    for one in registry.operator_alarms(*CARRIED):
        found[one.kind].append(one.subject)
        if one.kind == CARRIED[2]:
            recalled.append(msgspec.json.decode(one.message, type=RecalledLot))
    if not any(found.values()):
        return status
    known = {(one.gtin, one.lot) for one in status.recalled}
    fresh = (one for one in recalled if (one.gtin, one.lot) not in known)
    return replace(
        status,
        revoked=tuple(sorted({*status.revoked, *found[CARRIED[0]]})),
        suspended=tuple(sorted({*status.suspended, *found[CARRIED[1]]})),
        recalled=(*status.recalled, *fresh),
    )


def carry_keys(registry: Registry, document: KeysDocument, now_ms: int) -> int:
    """Publish keys that the registry has forgotten, and withdraw those withdrawn since.

    The document bears no signature: it is the operator's to know where it comes from.
    Returns how many were added, ended or withdrawn.
    """
    known = {one.id: one for one in registry.signing_keys()}
    changed = 0
    for key in document.keys:
        before = known.get(key.kid)
        if before is None:
            registry.add_signing_key(
                SigningKey(key.kid, key.x, key.from_ms, None, None)
            )
        if key.until_ms is not None and (before is None or before.until_ms is None):
            registry.end_signing_key(key.kid, until_ms=key.until_ms)
        if key.state == "revoked" and (before is None or before.revoked_ms is None):
            registry.revoke_signing_key(key.kid, at_ms=now_ms)
        changed += before is None or (key.state == "revoked" and not before.revoked_ms)
    return changed


def carry_status(registry: Registry, status: Status, now_ms: int) -> Carried:
    """Do again what a published list says and the registry does not; done twice is once."""
    registry.add_person(PERSON, NAME)
    reason = f"published {instant(status.at_ms).isoformat(timespec='seconds')}"
    labels = _by_handle(registry, (*status.revoked, *status.suspended))
    acts = _last_acts(registry)
    known = unknown = 0
    for kind, alarm, handles in (
        ("revoked", CARRIED[0], status.revoked),
        ("suspended", CARRIED[1], status.suspended),
    ):
        for handle in handles:
            label = labels.get(handle)
            if label is None:
                registry.raise_operator_alarm(alarm, handle, reason, now_ms)
                unknown += 1
            elif acts.get(label.id) not in ("revoked", kind):
                act = LabelAct(label.id, kind, reason, now_ms, PERSON)
                registry.act_on_label(act)
                known += 1
    recalled, lost = _carry_recalls(registry, status.recalled, now_ms)
    known += _carry_cards(registry, status.cards, now_ms)
    return Carried(known + recalled, unknown + lost, status.at_ms)


def _last_acts(registry: Registry) -> Mapping[str, str]:
    last: dict[str, str] = {}
    for act in registry.label_acts():
        if last.get(act.label) != "revoked":
            last[act.label] = act.kind
    return last


def _by_handle(registry: Registry, handles: Iterable[str]) -> Mapping[str, Label]:
    found: dict[str, Label] = {}
    for handle in handles:
        gtin, slash, code = handle.partition("/")
        if not slash:
            label = registry.find_label(handle)
        else:
            lot = registry.find_lot(gtin, code)
            there = () if lot is None else registry.labels(lot=lot.id)
            label = next(
                (x for x in there if parse_label(x.uri).handle == handle), None
            )
        if label is not None:
            found[handle] = label
    return found


def _carry_recalls(
    registry: Registry, recalled: Sequence[RecalledLot], now_ms: int
) -> tuple[int, int]:
    """Recall lots again, those that others were made of first: these come with them."""
    known = unknown = 0
    for one in sorted(recalled, key=lambda x: _rank(registry, x)):
        lot = registry.find_lot(one.gtin, one.lot)
        if lot is None:
            message = msgspec.json.encode(one).decode()
            subject = f"{one.gtin}/{one.lot}"
            registry.raise_operator_alarm(CARRIED[2], subject, message, now_ms)
            unknown += 1
        elif lot.id not in {under.id for under, _ in registry.recalled_lots()}:
            recall = Recall(lot.id, one.reason, one.phone, one.at_ms, PERSON, None)
            registry.call_back(recall, lambda _lots: {})
            known += 1
    return known, unknown


def _carry_cards(registry: Registry, cards: Sequence[CardsEnded], now_ms: int) -> int:
    """Call cards in again; of a vessel that the registry does not know there are none."""
    known = {(one.vessel, one.until_ms) for one in registry.card_revocations()}
    owners = {one.id: one.organisation for one in registry.vessels()}
    fresh = [
        one
        for one in cards
        if one.vessel in owners and (one.vessel, one.until_ms) not in known
    ]
    for one in fresh:
        registry.revoke_cards(
            CardRevocation(
                id=f"carried/{one.vessel}/{one.until_ms}",
                organisation=owners[one.vessel],
                vessel=one.vessel,
                until_ms=one.until_ms,
                reason="lost",
                person=PERSON,
                at_ms=now_ms,
            )
        )
    return len(fresh)


def _rank(registry: Registry, one: RecalledLot) -> tuple[int, str]:
    """Return how many lots came of it, most first: the root of a recall comes first."""
    lot = registry.find_lot(one.gtin, one.lot)
    return (0 if lot is None else -len(registry.spread_of(lot.id).lots), one.lot)


def read_roots(document: Mapping[str, Any] | bytes) -> Sequence[PublishedRoot]:
    """Return the roots that a site has published.

    Raises:
        InputError: it is no such list.
    """
    try:
        if isinstance(document, bytes):
            return msgspec.json.decode(document, type=PublishedRoots).roots
        return msgspec.convert(document, PublishedRoots).roots
    except msgspec.MsgspecError as exc:
        raise InputError(f"this is no list of the ledger's roots: {exc}") from exc


def rewound(registry: Registry, published: Iterable[PublishedRoot]) -> Rewound:
    """Return what published roots tell of a registry that is older than they are."""
    known = {one.day: fingerprint(one.document) for one in registry.ledger_roots()}
    roots = sorted(published, key=lambda one: one.day)
    return Rewound(
        tuple(one.day for one in roots if one.day not in known),
        tuple(r.day for r in roots if r.day in known and known[r.day] != r.sha256),
    )
