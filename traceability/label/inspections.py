"""What an inspector found, signed by his phone: made without a network, taken in once.

A statement is JSON in a seal (``traceability/proof/seals.py``): made on the phone under an id
of its own, signed with a key that never leaves it. It is about a lot, or about a vessel
(``vessel_inspections``), and becomes a trace event of it.
"""

import hashlib
import re
import uuid
from collections.abc import Sequence
from typing import Any, Final

import msgspec
from msgspec import Struct

from greenwater.kernel.clock import Clock
from greenwater.kernel.errors import ConflictError, InputError, MissingError
from greenwater.kernel.reading import HOUR_MS, milliseconds
from greenwater.storage.registry import Registry
from greenwater.storage.registry.books import Lot
from greenwater.storage.registry.inspections import (
    Inspection,
    InspectionPhoto,
    InspectorKey,
)
from greenwater.storage.registry.people import Role
from greenwater.storage.registry.vessel_inspections import VesselInspection
from traceability.book.photos import Album, drawn_anew
from traceability.label.vessel_inspections import (
    VesselResult,
    check_vessel_result,
    facts_of,
    of_vessel_inspection,
)
from traceability.ledger import events
from traceability.proof.copies import parse_place
from traceability.proof.keys import PublicKey, key_id
from traceability.proof.links import from_text, parse_gtin
from traceability.proof.seals import is_sealed, parse_seal

DOMAIN: Final = b"greenwater-inspection-1\n"
MOST_AT_ONCE: Final = 200
MOST_BYTES: Final = 8_000
MOST_PHOTOS: Final = 4
MOST_NOTE: Final = 1000
AHEAD_MS: Final = HOUR_MS
"""How much a phone's clock may be ahead, and a statement older than its key."""

_DIGEST: Final = re.compile(r"[0-9a-f]{64}", re.ASCII)
_LOT: Final = re.compile(r"[0-9A-Za-z.\-]{1,20}", re.ASCII)


class Result(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the phone signed. ``verdict`` is what its check of the label said, as of
    ``list_ms``; ``place`` is coarse, as scans keep it; ``photos`` are the SHA-256 of
    pictures that are sent by themselves, after it."""

    id: str
    at_ms: int
    gtin: str
    lot: str
    result: str
    serial: str = ""
    verdict: str = ""
    list_ms: int | None = None
    note: str = ""
    place: str = ""
    photos: tuple[str, ...] = ()


class Taken(Struct, frozen=True):
    """What became of one statement: ``stored``, ``same`` or ``refused`` and why.

    ``missing`` are the photos that it names and that have not come in yet; ``key`` and
    ``facts`` are those of the refusal, for words in another language.
    """

    id: str
    state: str
    reason: str = ""
    missing: tuple[str, ...] = ()
    key: str = ""
    facts: dict[str, Any] = {}


class Inspecting:
    """The use cases. ``person`` is the inspector who is signed in."""

    def __init__(self, registry: Registry, clock: Clock) -> None:
        self._registry, self._clock = registry, clock

    def _now_ms(self) -> int:
        return milliseconds(self._clock.now())

    def enrol(self, person: str, public: str, name: str) -> InspectorKey:
        """Believe a phone's key from now on; ``public`` is base64url of 32 bytes.

        Raises:
            InputError: that is no Ed25519 key.
            MissingError: he is no inspector.
            ConflictError: it is another person's.
        """
        raw = from_text(public)
        if len(raw) != 32:
            raise InputError(
                "a public key of Ed25519 has 32 bytes, in base64url", "form_old"
            )
        self._duty(person)
        key = InspectorKey(
            key_id(raw), person, public, name.strip() or "?", self._now_ms()
        )
        self._registry.add_inspector_key(key)
        return key

    def end(self, person: str, key: str, *, is_lost: bool) -> None:
        """End one of his own keys.

        Raises:
            MissingError: he has no such key.
        """
        if key not in {one.id for one in self._registry.inspector_keys(person=person)}:
            raise MissingError(f"{person} has no key {key}")
        self._registry.end_inspector_key(key, at_ms=self._now_ms(), is_lost=is_lost)

    def _duty(self, person: str) -> str:
        """Return for which organisation somebody inspects."""
        found = self._registry.get_person(person).organisations({Role.INSPECTOR})
        if not found:
            raise MissingError(f"{person} is no inspector")
        return found[0]

    def take_in(self, person: str, statements: Sequence[str]) -> list[Taken]:
        """Take in what a phone signed; sent again, it is the same.

        Raises:
            InputError: there are too many at once.
            MissingError: he is no inspector.
        """
        if len(statements) > MOST_AT_ONCE:
            raise InputError(
                f"send at most {MOST_AT_ONCE} inspections at once", "inspection_unread"
            )
        by = self._duty(person)
        return [self._take(person, by, one) for one in statements]

    def _take(self, person: str, by: str, statement: str) -> Taken:
        id_ = ""
        try:
            key, found = self._opened(person, statement)
            id_ = found.id
            check_said(found)
            self._check_time(found, key)
            if isinstance(found, VesselResult):
                is_new, there = self._keep_of_vessel(found, key, statement, by)
            else:
                is_new, there = self._keep_of_lot(found, key, statement, by)
        except (InputError, MissingError, ConflictError) as exc:
            return Taken(id_, "refused", str(exc), key=exc.key, facts=exc.facts)
        come = {one.digest for one in there}
        missing = tuple(one for one in found.photos if one not in come)
        return Taken(id_, "stored" if is_new else "same", missing=missing)

    def _keep_of_lot(
        self, found: Result, key: InspectorKey, statement: str, by: str
    ) -> tuple[bool, Sequence[InspectionPhoto]]:
        """Return whether it is new, and the photos of it that are here."""
        lot = self._lot(found)
        inspection = self._inspection(found, lot, key, statement)
        drafts = events.of_inspection(inspection, lot, by)
        is_new = self._registry.add_inspection(inspection, drafts)
        return is_new, self._registry.inspection_photos(found.id)

    def _keep_of_vessel(
        self, found: VesselResult, key: InspectorKey, statement: str, by: str
    ) -> tuple[bool, Sequence[InspectionPhoto]]:
        try:
            vessel = self._registry.get_vessel(found.vessel)
        except MissingError as exc:
            raise MissingError(
                str(exc), "inspection_no_vessel", vessel=found.vessel
            ) from exc
        inspection = VesselInspection(
            id=found.id,
            organisation=vessel.organisation,
            vessel=vessel.id,
            authority=by,
            person=key.person,
            key=key.id,
            result=found.result,
            note=found.note,
            found=facts_of(found),
            statement=statement,
            happened_ms=found.at_ms,
            received_ms=self._now_ms(),
        )
        drafts = of_vessel_inspection(inspection)
        is_new = self._registry.add_vessel_inspection(inspection, drafts)
        return is_new, self._registry.vessel_inspection_photos(found.id)

    def take_photo(
        self, person: str, inspection: str, digest: str, raw: bytes, album: Album
    ) -> None:
        """Take in a photo that a statement of his names; the same again changes nothing.

        The bytes that were signed are kept as evidence, and shown is what is drawn anew.

        Raises:
            InputError: the statement names no such photo, or these are other bytes, or it
                is no photo.
            MissingError: he made no such inspection.
        """
        of_vessel = self._registry.find_vessel_inspection(inspection)
        found = of_vessel or self._registry.get_inspection(inspection)
        if found.person != person:
            raise MissingError(f"{person} made no inspection {inspection}")
        if digest not in _said(parse_seal(found.statement).text).photos:
            raise InputError(
                f"inspection {inspection} names no photo {digest[:64]!r}",
                "inspection_photo_other",
            )
        if hashlib.sha256(raw).hexdigest() != digest:
            raise InputError(
                "these are not the bytes that the phone signed",
                "inspection_photo_other",
            )
        picture = drawn_anew(raw)
        album.keep_signed(digest, raw)
        album.keep(picture)
        photo = InspectionPhoto(
            found.organisation,
            inspection,
            digest,
            picture.digest,
            len(raw),
            self._now_ms(),
        )
        if of_vessel is None:
            self._registry.add_inspection_photo(photo)
        else:
            self._registry.add_vessel_inspection_photo(photo)

    def _opened(
        self, person: str, statement: str
    ) -> tuple[InspectorKey, Result | VesselResult]:
        """Return whose key signed, and what; refused where the signature is wrong."""
        if len(statement.encode("utf-8", "replace")) > MOST_BYTES:
            raise InputError(
                f"a statement has at most {MOST_BYTES} bytes", "inspection_unread"
            )
        try:
            seal = parse_seal(statement)
        except InputError as exc:
            raise InputError(str(exc), "inspection_unread") from exc
        key = self._registry.find_inspector_key(seal.key)
        if key is None or key.person != person:
            raise InputError(
                f"key {seal.key} is not enrolled for {person}", "inspection_key"
            )
        if not is_sealed(seal, PublicKey(key.id, key.public, key.from_ms), DOMAIN):
            raise InputError(
                f"this was altered: key {key.id} did not sign it so",
                "inspection_altered",
            )
        try:
            return key, _said(seal.text)
        except msgspec.MsgspecError as exc:
            raise InputError(
                f"this is no inspection: {exc}", "inspection_unread"
            ) from exc

    def _inspection(
        self, found: Result, lot: Lot, key: InspectorKey, statement: str
    ) -> Inspection:
        return Inspection(
            id=found.id,
            organisation=lot.organisation,
            lot=lot.id,
            label=found.serial or None,
            person=key.person,
            key=key.id,
            result=found.result,
            note=found.note,
            statement=statement,
            happened_ms=found.at_ms,
            received_ms=self._now_ms(),
        )

    def _check_time(self, found: Result | VesselResult, key: InspectorKey) -> None:
        now_ms = self._now_ms()
        if found.at_ms > now_ms + AHEAD_MS:
            raise InputError(
                "it was made in the future: set the phone's clock", "inspection_ahead"
            )
        if found.at_ms < key.from_ms - AHEAD_MS:
            raise InputError(
                f"it is older than the key {key.id} that signed it", "inspection_behind"
            )
        if key.is_lost:
            raise InputError(
                f"key {key.id} was reported lost: nothing of it is taken",
                "inspection_lost",
            )
        if key.ended_ms is not None and found.at_ms > key.ended_ms:
            raise InputError(
                f"key {key.id} had ended when it was made", "inspection_ended"
            )

    def _lot(self, found: Result) -> Lot:
        lot = self._registry.find_lot(found.gtin, found.lot)
        if lot is None:
            raise MissingError(
                f"there is no lot {found.lot} of product {found.gtin}",
                "inspection_no_lot",
                lot=found.lot,
            )
        return lot


def _said(text: str) -> Result | VesselResult:
    """Return what a statement says: one that names a vessel is about it.

    Raises:
        msgspec.MsgspecError: it is no inspection.
    """
    names = msgspec.json.decode(text, type=dict[str, msgspec.Raw])
    if "vessel" in names:
        return msgspec.json.decode(text, type=VesselResult)
    return msgspec.json.decode(text, type=Result)


def check_said(found: Result | VesselResult) -> None:
    """Refuse what cannot have been found.

    Raises:
        InputError: it cannot; the sentence names the field.
    """
    try:
        is_canonical = str(uuid.UUID(found.id)) == found.id
    except ValueError:
        is_canonical = False
    if not is_canonical:
        raise InputError(f"id {found.id[:40]!r} is no UUID", "inspection_unread")
    if found.result not in ("conformant", "non_conformant"):
        raise InputError(
            f"result {found.result[:40]!r} is not conformant or non_conformant",
            "inspection_unread",
        )
    if len(found.note) > MOST_NOTE:
        raise InputError(
            f"the note is longer than {MOST_NOTE} characters",
            "inspection_note",
            most=MOST_NOTE,
        )
    _check_photos(found.photos)
    if isinstance(found, VesselResult):
        check_vessel_result(found)
    else:
        check_result(found)


def check_result(found: Result) -> None:
    """Refuse what cannot have been found of a lot.

    Raises:
        InputError: it cannot; the sentence names the field.
    """
    parse_gtin(found.gtin)
    if not _LOT.fullmatch(found.lot):
        raise InputError(
            f"lot {found.lot[:40]!r} is no code of a lot",
            "inspection_no_lot",
            lot=found.lot[:20],
        )
    if len(found.serial) > 20:
        raise InputError(
            f"serial {found.serial[:40]!r} is too long", "inspection_unread"
        )
    if found.place and parse_place(found.place) != found.place:
        raise InputError(
            f"place {found.place[:40]!r} is no province or coarse position",
            "inspection_unread",
        )


def _check_photos(photos: Sequence[str]) -> None:
    are_digests = all(_DIGEST.fullmatch(one) for one in photos)
    if len(photos) > MOST_PHOTOS or not are_digests or len({*photos}) < len(photos):
        raise InputError(
            f"at most {MOST_PHOTOS} photos, each by its SHA-256, once",
            "inspection_photos",
            most=MOST_PHOTOS,
        )
