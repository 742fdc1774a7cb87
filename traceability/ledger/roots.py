"""The ledger's daily root, and whether the ledger is what it was: signed, and checked.

Each organisation's ledger is a chain of hashes; a root signs the heads of all of them at
the end of a day, and names the root before it. Whoever keeps a root (a buyer, the
authority, anybody: they are published) can prove that nothing older was changed, added
or left out since, even by those who hold the database.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Final

import msgspec
from msgspec import Struct

from greenwater.kernel.errors import InputError
from greenwater.kernel.reading import day_of
from greenwater.storage.registry import Registry
from greenwater.storage.registry.trace_events.ledger import (
    GENESIS,
    TraceEvent,
    link_hash,
)
from greenwater.storage.registry.trace_events.roots import LedgerRoot
from traceability.epcis.forms import parse_time
from traceability.proof.keys import KeysDocument, Signer, is_signed
from traceability.proof.links import from_text, to_text
from traceability.records import canonical

ROOT_DOMAIN: Final = b"greenwater-ledger-root-1\n"
PAGE: Final = 2_000
FORMAT: Final = "greenwater-ledger-1"


class Head(Struct, frozen=True):
    """The last event of one ledger.

    ``rows`` is the SHA-256 over what the chain does not hash, of the events since the
    root before: numbers, ids, subjects and times as they were recorded.
    """

    organisation: str
    number: int
    hash: str
    rows: str


class RootDocument(Struct, frozen=True):
    """What a root signs: the heads that moved since the root before.

    ``previous`` is the SHA-256 of the document before it.
    """

    day: str
    at_ms: int
    previous: str
    heads: tuple[Head, ...]


class Altered(Struct, frozen=True):
    """The first thing in a ledger that is not as it was; number 0: the ledger's end."""

    organisation: str
    number: int
    why: str
    event: str = ""


class LedgerCheck(Struct, frozen=True):
    """What was found: events and roots looked at, and the first that was altered."""

    events: int
    roots: int
    altered: Altered | None


def day_before(now_ms: int) -> str:
    """Return the last whole day in Vietnam, as ``2026-11-26``."""
    return (day_of(now_ms) - timedelta(days=1)).isoformat()


def make_root(registry: Registry, signer: Signer, now_ms: int) -> LedgerRoot | None:
    """Sign the heads for the last whole day; None: that day has its root already.

    What came after midnight, until the first call, is under it as well.
    """
    day, known = day_before(now_ms), registry.ledger_roots()
    if known and known[-1].day >= day:
        return None
    heads = registry.ledger_heads()
    before: dict[str, int] = {}
    for root in known:
        before |= _heads_of(root)
    document = RootDocument(
        day,
        now_ms,
        fingerprint(known[-1].document) if known else GENESIS,
        tuple(
            Head(
                one, *heads[one], _rows_since(registry, one, before.get(one, 0), heads)
            )
            for one in sorted(heads)
            if heads[one][0] > before.get(one, 0)
        ),
    )
    text = canonical(msgspec.to_builtins(document))
    signature = to_text(signer.sign(ROOT_DOMAIN + text.encode()))
    root = LedgerRoot(day, text, signer.kid, signature)
    return root if registry.add_ledger_root(root) else None


def fingerprint(document: str) -> str:
    """Return the SHA-256 of a root's document, in hex: what may be kept elsewhere."""
    return hashlib.sha256(document.encode()).hexdigest()


def _heads_of(root: LedgerRoot) -> dict[str, int]:
    document = msgspec.json.decode(root.document, type=RootDocument)
    return {head.organisation: head.number for head in document.heads}


def _rows_since(
    registry: Registry,
    organisation: str,
    after: int,
    heads: Mapping[str, tuple[int, str]],
) -> str:
    rows = hashlib.sha256()
    for event in read_ledger(registry, organisation, after):
        if event.number > heads[organisation][0]:
            break
        rows.update(_row(event))
    return rows.hexdigest()


def _row(event: TraceEvent) -> bytes:
    told = (event.number, event.id, event.subject, event.event_ms, event.recorded_ms)
    return msgspec.json.encode(told)


def read_ledger(
    registry: Registry, organisation: str, last: int = 0
) -> Iterator[TraceEvent]:
    """Yield a ledger event by event, whatever its length, after number ``last``."""
    while page := registry.ledger_page(organisation, last, PAGE):
        yield from page
        last = page[-1].number


def check_registry(registry: Registry, keys: KeysDocument) -> LedgerCheck:
    """Return whether every ledger and root of a registry is as it was."""
    return check_ledgers(
        {one: read_ledger(registry, one) for one in registry.ledger_organisations()},
        registry.ledger_roots(),
        keys,
    )


def check_ledgers(
    ledgers: Mapping[str, Iterable[TraceEvent]],
    roots: Sequence[LedgerRoot],
    keys: KeysDocument,
    *,
    is_all: bool = True,
) -> LedgerCheck:
    """Return the first altered entry of ledgers, held to themselves and to the roots.

    ``is_all``: a ledger that a root signed and that is not among them is missing.
    """
    documents, bad_root = _read_roots(roots, keys)
    signed: dict[str, dict[int, _Signed]] = {}
    for document in documents:
        for head in document.heads:
            told = signed.setdefault(head.organisation, {})
            # Beside a root that cannot be relied on, where a stretch begins is open.
            rows = head.rows if bad_root is None else ""
            told.setdefault(head.number, _Signed(head.hash, rows, document.day))
    count, first = 0, None
    for organisation in sorted({*ledgers, *signed} if is_all else ledgers):
        events = ledgers.get(organisation, ())
        number, found = _check_one(organisation, events, signed.get(organisation, {}))
        count += number
        first = first or found
    return LedgerCheck(count, len(roots), first or bad_root)


def _read_roots(
    roots: Sequence[LedgerRoot], keys: KeysDocument
) -> tuple[list[RootDocument], Altered | None]:
    """Return the roots that may be relied on, and the first that may not."""
    documents: list[RootDocument] = []
    previous, bad = GENESIS, None
    for root in roots:
        try:
            document = msgspec.json.decode(root.document, type=RootDocument)
        except msgspec.MsgspecError:
            document = None
        why = _root_fault(root, document, previous, keys)
        if why and bad is None:
            bad = Altered("", 0, f"root of {root.day}: {why}", root.day)
        if document is not None and not why:
            documents.append(document)
        previous = fingerprint(root.document)
    return documents, bad


def _root_fault(
    root: LedgerRoot, document: RootDocument | None, previous: str, keys: KeysDocument
) -> str:
    key = keys.find(root.key)
    if key is None:
        return f"key {root.key} is not known"
    message = ROOT_DOMAIN + root.document.encode()
    try:
        signature = from_text(root.signature)
    except InputError:
        return "its signature cannot be read"
    if document is None or not is_signed(message, signature, key):
        return "its content is not what was signed"
    if document.day != root.day:
        return f"it was signed for {document.day}"
    return (
        "" if document.previous == previous else "it does not name the root before it"
    )


class _Signed(Struct, frozen=True):
    """What a root says of one event, and of the rows since the root before."""

    hash: str
    rows: str
    day: str


def _check_one(
    organisation: str, events: Iterable[TraceEvent], signed: Mapping[int, _Signed]
) -> tuple[int, Altered | None]:
    before, since, rows = None, 1, hashlib.sha256()
    for event in events:
        told = signed.get(event.number)
        why = _event_fault(event, before, told)
        if why:
            number = min(event.number, 1 if before is None else before.number + 1)
            return number - 1, Altered(organisation, number, why, event.id)
        rows.update(_row(event))
        if told is not None:
            if told.rows not in ("", rows.hexdigest()):
                why = (
                    f"an id, a subject or a time among events {since} to {event.number} "
                    f"is not what the root of {told.day} signed"
                )
                return since - 1, Altered(organisation, since, why)
            since, rows = event.number + 1, hashlib.sha256()
        before = event
    last = 0 if before is None else before.number
    missing = [number for number in signed if number > last]
    if missing:
        day = signed[min(missing)].day
        why = f"it ends with {last}, the root of {day} signed {min(missing)}"
        return last, Altered(organisation, last + 1, why)
    return last, None


def _event_fault(
    event: TraceEvent, before: TraceEvent | None, signed: _Signed | None
) -> str:
    expected = 1 if before is None else before.number + 1
    previous = GENESIS if before is None else before.hash
    if event.number != expected:
        return f"event {expected} is missing"
    if event.previous != previous:
        return "it does not name the event before it"
    if link_hash(previous, event.document) != event.hash:
        return "its content is not what was recorded"
    if signed is not None and signed.hash != event.hash:
        return f"it is not what the root of {signed.day} signed"
    if before is not None and event.recorded_ms < before.recorded_ms:
        return "its time of record, or that of the one before it, was changed"
    return _row_fault(event)


def _row_fault(event: TraceEvent) -> str:
    """Return what the row says otherwise than its own document, which was hashed."""
    document = msgspec.json.decode(event.document)
    told = str(document.get("eventID", ""))
    if event.id != told and not event.id.endswith(f" {told}"):
        return "it stands under another id than its own"
    try:
        at_ms = parse_time(str(document.get("eventTime", "")))
    except InputError:
        return ""  # somebody's own event, whose time is of no form
    return "" if at_ms == event.event_ms else "it stands at another time than its own"


def export_ledger(registry: Registry, organisation: str) -> Iterator[str]:
    """Yield a ledger as lines of JSON: what it is, its events, all roots.

    That is all it takes to check it elsewhere (``check_export``).
    """
    yield canonical({"format": FORMAT, "organisation": organisation})
    for event in read_ledger(registry, organisation):
        yield canonical({"event": msgspec.to_builtins(event)})
    for root in registry.ledger_roots():
        yield canonical({"root": msgspec.to_builtins(root)})


class _Line(Struct, frozen=True, forbid_unknown_fields=True):
    format: str = ""
    organisation: str = ""
    event: TraceEvent | None = None
    root: LedgerRoot | None = None


def check_export(lines: Iterable[str], keys: KeysDocument) -> LedgerCheck:
    """Return the first altered entry of a ledger that was exported.

    Raises:
        InputError: that is no export of a ledger; the sentence names the line.
    """
    events: list[TraceEvent] = []
    roots: list[LedgerRoot] = []
    owner = ""
    for number, text in enumerate(lines, 1):
        try:
            line = msgspec.json.decode(text, type=_Line)
        except msgspec.MsgspecError as exc:
            raise InputError(f"line {number} is no line of a ledger: {exc}") from exc
        if number == 1:
            owner = line.organisation if line.format == FORMAT else ""
        if line.event is not None and line.event.organisation != owner:
            raise InputError(f"line {number} is no event of {owner or 'this ledger'}")
        events += [line.event] if line.event else []
        roots += [line.root] if line.root else []
    if not owner:
        raise InputError("line 1 does not say whose ledger this is: export it again")
    return check_ledgers({owner: events}, roots, keys, is_all=False)
