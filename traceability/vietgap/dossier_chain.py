"""The steps of a dossier, signed and chained: made and checked. Pure.

Each step carries the hash of the one before it and its own canonical text; the platform's
key signs that hash. It proves what the platform recorded of whom and when, not that the
person signed himself: a personal digital signature would be another one.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

import msgspec
from msgspec import Struct

from greenwater.kernel.errors import InputError
from greenwater.storage.registry.dossiers import DossierStep
from greenwater.storage.registry.trace_events.ledger import GENESIS, link_hash
from traceability.proof.keys import KeysDocument, Signer, is_signed
from traceability.proof.links import from_text, to_text
from traceability.records import canonical
from traceability.vietgap.dossiers import Kind, Move, Side

DOMAIN: Final = b"greenwater dossier step v1\n"
"""Before the hash that is signed, so that the signature is good for nothing else."""


class StepDraft(NamedTuple):
    """What is to be said in a step. ``code`` is the dossier's number, if it gives it."""

    kind: Kind
    side: Side
    organisation: str
    person: str
    at_ms: int
    due_ms: int | None
    content: Mapping[str, Any]
    code: str | None = None


class _Document(Struct, frozen=True):
    """What ``GET /api/v1/dossiers/{dossier}`` answers, as far as it can be checked."""

    id: str
    steps: tuple[DossierStep, ...]


class BrokenStep(NamedTuple):
    """The first step that is not as it was recorded, and why."""

    number: int
    why: str


def signed_step(
    dossier: str, before: Sequence[DossierStep], draft: StepDraft, signer: Signer
) -> DossierStep:
    """Return the step that follows those before it, signed."""
    number = len(before) + 1
    previous = before[-1].hash if before else GENESIS
    document = canonical(
        {
            "dossier": dossier,
            "number": number,
            "kind": draft.kind,
            "side": draft.side,
            "organisation": draft.organisation,
            "person": draft.person,
            "at_ms": draft.at_ms,
            "due_ms": draft.due_ms,
            "code": draft.code,
            "content": draft.content,
        }
    )
    digest = link_hash(previous, document)
    return DossierStep(
        dossier=dossier,
        number=number,
        kind=draft.kind,
        code=draft.code,
        at_ms=draft.at_ms,
        person=draft.person,
        document=document,
        previous=previous,
        hash=digest,
        key=signer.kid,
        signature=to_text(signer.sign(DOMAIN + digest.encode())),
    )


def said(step: DossierStep) -> dict[str, Any]:
    """Return what stands in a step."""
    found: dict[str, Any] = msgspec.json.decode(step.document)
    return found


def move_of(step: DossierStep) -> Move:
    """Return what the state machine needs of a step."""
    document = said(step)
    return Move(
        Kind(document["kind"]),
        Side(document["side"]),
        document["at_ms"],
        document["due_ms"],
        document["content"].get("fits"),
    )


def first_broken_step(
    dossier: str, steps: Sequence[DossierStep], keys: KeysDocument
) -> BrokenStep | None:
    """Return the first step that was altered, left out or moved; None: all is whole."""
    previous = GENESIS
    for number, step in enumerate(steps, 1):
        why = _fault(dossier, number, previous, step, keys)
        if why:
            return BrokenStep(number, why)
        previous = step.hash
    return None


class Checked(NamedTuple):
    """What a dossier's document is worth: its id, how many steps, the first altered."""

    dossier: str
    steps: int
    broken: BrokenStep | None


def check_document(document: bytes, keys: KeysDocument) -> Checked:
    """Return what a dossier as the API gives it is worth, with no registry at hand.

    Raises:
        InputError: it is none.
    """
    try:
        found = msgspec.json.decode(document, type=_Document)
    except msgspec.MsgspecError as exc:
        raise InputError(f"this is no dossier as the API gives it: {exc}") from exc
    broken = first_broken_step(found.id, found.steps, keys)
    return Checked(found.id, len(found.steps), broken)


def _fault(
    dossier: str, number: int, previous: str, step: DossierStep, keys: KeysDocument
) -> str:
    if (step.dossier, step.number) != (dossier, number):
        return f"step {number} is missing"
    if step.previous != previous:
        return "it does not name the step before it"
    if link_hash(previous, step.document) != step.hash:
        return "its content is not what was recorded"
    if not _agrees(step):
        return "its columns are not what its document says"
    key = keys.find(step.key)
    try:
        signature = from_text(step.signature)
    except InputError:
        return "its signature cannot be read"
    if key is None or not is_signed(DOMAIN + step.hash.encode(), signature, key):
        return "its signature is not the platform's"
    return ""


def _agrees(step: DossierStep) -> bool:
    try:
        document: Any = msgspec.json.decode(step.document)
    except msgspec.MsgspecError:
        return False
    return isinstance(document, dict) and all(
        document.get(name) == getattr(step, name)
        for name in ("dossier", "number", "kind", "code", "at_ms", "person")
    )
