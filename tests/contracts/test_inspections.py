"""An inspector's statement: signed on his phone, taken in once, in any order, or refused."""

import hashlib
import uuid
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import text

from greenwater.kernel.clock import ManualClock
from greenwater.kernel.errors import ConflictError, InputError, MissingError
from greenwater.kernel.reading import instant, milliseconds
from greenwater.storage.registry import Registry
from greenwater.storage.registry.people import OrganisationKind, Role
from greenwater.storage.telemetry import open_telemetry
from tests.contracts.test_books import Farm
from tests.ledgers import trace_events
from tests.unit.test_photos import picture
from traceability.book.photos import Album, drawn_anew
from traceability.label.inspections import AHEAD_MS, DOMAIN, Inspecting
from traceability.proof.keys import Signer
from traceability.proof.links import to_text
from traceability.proof.seals import seal


class Phone:
    """An inspector's phone: it has a key, and may have no network."""

    def __init__(self) -> None:
        self.signer = Signer(Ed25519PrivateKey.generate())

    @property
    def public(self) -> str:
        return to_text(self.signer.public)

    def inspect(self, **found: Any) -> str:
        text = msgspec.json.encode({"id": str(uuid.uuid4()), **found}).decode()
        return seal(text, self.signer, DOMAIN)


class Duty:
    """A lot of a farm, and ``kim`` on duty with a phone."""

    def __init__(self, registry: Registry, folder: Path) -> None:
        self.registry = registry
        self.telemetry = open_telemetry(f"sqlite:///{folder}/telemetry.db")
        farm = Farm(registry, self.telemetry, folder).open()
        self.lot = farm.a_lot()
        registry.add_organisation("so", "Sở", kind=OrganisationKind.AUTHORITY)
        for person in ("kim", "thu"):
            registry.add_person(person, person)
            registry.add_member(person, "so", Role.INSPECTOR)
        self.now_ms = milliseconds(farm.clock.now())
        self.inspecting = Inspecting(registry, farm.clock)
        self.phone = Phone()
        self.key = self.inspecting.enrol("kim", self.phone.public, "Máy của Kim")

    def found(self, **more: Any) -> str:
        facts = {
            "at_ms": self.now_ms, "gtin": self.lot.product, "lot": self.lot.code,
            "result": "conformant",
        }  # fmt: skip
        return self.phone.inspect(**{**facts, **more})

    def take(self, *statements: str, person: str = "kim") -> list[str]:
        taken = self.inspecting.take_in(person, statements)
        # A phone tells its inspector why, and what to do: each refusal has words.
        assert all(one.key for one in taken if one.state == "refused"), taken
        return [one.state for one in taken]


@pytest.fixture
def duty(registry: Registry, tmp_path: Path) -> Iterator[Duty]:
    made = Duty(registry, tmp_path)
    yield made
    made.telemetry.close()


def test_what_was_signed_offline_is_stored_once(duty: Duty) -> None:
    one, other = duty.found(note="Đủ nhãn"), duty.found(result="non_conformant")
    assert duty.take(one, other) == ["stored", "stored"]
    assert duty.take(other, one, other) == ["same", "same", "same"]

    kept = duty.registry.inspections(lot=duty.lot.id)
    assert sorted(one.result for one in kept) == ["conformant", "non_conformant"]
    events = [
        msgspec.json.decode(one.document)
        for one in trace_events(duty.registry, subject=duty.lot.id)
    ]
    found = [one for one in events if one.get("bizStep") == "inspecting"]
    assert {one["disposition"] for one in found} == {"conformant", "non_conformant"}
    assert {one["gw:signed"] for one in found} == {one, other}
    assert all(one["action"] == "OBSERVE" for one in found)
    assert found[0]["cbvmda:informationProvider"].endswith(":so"), "not the producer"


def test_any_order_and_repetition_gives_the_same(duty: Duty) -> None:
    statements = [duty.found(note=str(number)) for number in range(6)]
    rng = Random(4)
    for _ in range(4):
        duty.take(*rng.choices(statements, k=5))
    duty.take(*statements)
    kept = duty.registry.inspections(lot=duty.lot.id)
    assert sorted(one.note for one in kept) == list("012345")
    assert duty.take(duty.found(id=kept[0].id, note="other")) == ["refused"]


def test_what_is_altered_or_not_his_or_cannot_be_is_refused(duty: Duty) -> None:
    an_altered_statement(duty)
    who_did_not_sign(duty)
    taken = duty.inspecting.take_in("kim", [duty.found(**one) for one in WRONG])
    assert {one.state for one in taken} == {"refused"}
    assert all(one.reason and one.key for one in taken)
    assert duty.registry.inspections() == []


def an_altered_statement(duty: Duty) -> None:
    """No character of it can be another."""
    good = duty.found()
    rng = Random(5)
    for _ in range(60):
        at = rng.randrange(len(good))
        forged = good[:at] + chr(rng.randrange(33, 126)) + good[at + 1 :]
        if forged != good:
            assert duty.take(forged) == ["refused"], forged


def who_did_not_sign(duty: Duty) -> None:
    """Neither another inspector, nor a stranger, nor a farmer."""
    good = duty.found()
    assert duty.take(good, person="thu") == ["refused"], "another's key"
    stranger = Phone().inspect(at_ms=duty.now_ms, gtin=duty.lot.product)
    assert duty.take(stranger, "words", "") == ["refused"] * 3
    with pytest.raises(MissingError, match="no inspector"):
        duty.take(good, person="lan")
    with pytest.raises(MissingError):
        duty.inspecting.enrol("lan", Phone().public, "x")
    with pytest.raises(ConflictError):
        duty.inspecting.enrol("thu", duty.phone.public, "x")
    for wrong in ("", "AAAA", "!"):
        with pytest.raises(InputError):
            duty.inspecting.enrol("kim", wrong, "x")
    with pytest.raises(InputError, match="at most 200"):
        duty.take(*[good] * 201)


WRONG: list[dict[str, Any]] = [
    {"result": "perfect"}, {"id": "1"}, {"gtin": "1"}, {"lot": "none"}, {"lot": "a b"},
    {"at_ms": "soon"}, {"note": "x" * 1001}, {"place": "12.23881,109.19672"},
    {"colour": "red"}, {"id": str(uuid.UUID(int=7)).replace("7", "A")},
]  # fmt: skip


def test_photos_that_are_named_come_in_once_and_no_others(
    duty: Duty, tmp_path: Path
) -> None:
    album = Album(duty.registry, ManualClock(instant(duty.now_ms)), tmp_path / "photos")
    raw, other = picture("JPEG"), picture("JPEG", (30, 30))
    named, bad = (hashlib.sha256(one).hexdigest() for one in (raw, b"<svg/>"))
    statement = duty.found(photos=[named, bad])
    (taken,) = duty.inspecting.take_in("kim", [statement])
    assert (taken.state, taken.missing) == ("stored", (named, bad))

    def send(digest: str, sent: bytes, person: str = "kim") -> None:
        duty.inspecting.take_photo(person, taken.id, digest, sent, album)

    for digest, sent in ((named, other), ("0" * 64, raw), (bad, b"<svg/>")):
        with pytest.raises(InputError):
            send(digest, sent)
    with pytest.raises(MissingError):
        send(named, raw, "thu")
    assert duty.registry.inspection_photos(taken.id) == []
    send(named, raw)
    send(named, raw)
    (kept,) = duty.registry.inspection_photos(taken.id)
    assert (kept.digest, kept.size) == (named, len(raw))
    assert (tmp_path / "photos" / "signed" / f"{named}.bin").read_bytes() == raw
    assert album.read(kept.kept) == drawn_anew(raw).data
    (again,) = duty.inspecting.take_in("kim", [statement])
    assert (again.state, again.missing) == ("same", (bad,))
    wrong = ([named] * 2, ["../x"], [f"{n:064x}" for n in range(5)])
    assert duty.take(*(duty.found(photos=one) for one in wrong)) == ["refused"] * 3


def test_a_key_is_good_for_its_time(duty: Duty) -> None:
    early = duty.found(at_ms=duty.now_ms - AHEAD_MS - 1)
    ahead = duty.found(at_ms=duty.now_ms + AHEAD_MS + 1)
    assert duty.take(early, ahead) == ["refused", "refused"]

    before, after = duty.found(), duty.found(at_ms=duty.now_ms + 1)
    duty.inspecting.end("kim", duty.key.id, is_lost=False)
    assert duty.take(before, after) == ["stored", "refused"], "sent late, made in time"

    more = duty.found()
    duty.inspecting.end("kim", duty.key.id, is_lost=True)
    assert duty.take(more) == ["refused"], "whoever has the phone can date it back"
    assert duty.take(before) == ["refused"]
    assert len(duty.registry.inspections()) == 1, "what is kept stays"
    with pytest.raises(MissingError):
        duty.inspecting.end("thu", duty.key.id, is_lost=True)


BOAT = "KH-91001-TS"


def of_boat(duty: Duty, **more: Any) -> str:
    facts = {
        "at_ms": duty.now_ms, "vessel": BOAT, "result": "non_conformant",
        "papers": "good", "weights": "bad", "port": "CHR", "list_ms": duty.now_ms,
        "shown": "doubt", "note": "Cân lại hai lần",
        "weighed": [{"species": "YFT", "kg": 310.5, "wrote": 300}],
    }  # fmt: skip
    return duty.phone.inspect(**{**facts, **more})


def test_a_vessel_is_inspected_alone_once_and_stands_in_its_owners_ledger(
    duty: Duty, tmp_path: Path
) -> None:
    registry, owner = duty.registry, duty.lot.organisation
    registry.add_vessel(BOAT, organisation=owner, name="Tàu thử")
    album = Album(registry, ManualClock(instant(duty.now_ms)), tmp_path / "photos")
    raw = picture("JPEG")
    digest = hashlib.sha256(raw).hexdigest()
    statement = of_boat(duty, photos=[digest])
    (taken,) = duty.inspecting.take_in("kim", [statement])
    assert (taken.state, taken.missing) == ("stored", (digest,))
    with pytest.raises(MissingError):
        duty.inspecting.take_photo("thu", taken.id, digest, raw, album)
    duty.inspecting.take_photo("kim", taken.id, digest, raw, album)
    (again,) = duty.inspecting.take_in("kim", [statement])
    assert (again.state, again.missing) == ("same", ())

    (kept,) = registry.visible_to_organisation(owner).vessel_inspections(vessel=BOAT)
    assert (kept.authority, kept.person, kept.result) == ("so", "kim", "non_conformant")
    assert kept.found["weighed"] == [{"species": "YFT", "kg": 310.5, "wrote": 300.0}]
    assert len(registry.vessel_inspection_photos(kept.id)) == 1
    (event,) = (
        msgspec.json.decode(one.document)
        for one in trace_events(registry, subject=BOAT)
    )
    assert (event["gw:signed"], event["disposition"]) == (statement, "non_conformant")
    assert event["cbvmda:informationProvider"].endswith(":so"), "not the owner"
    registry.add_organisation("elsewhere", "Khác")
    other = registry.visible_to_organisation("elsewhere")
    assert other.vessel_inspections() == []
    assert other.vessel_inspection_photos(kept.id) == []
    assert registry.inspections() == []
    for statement in ("UPDATE vessel_inspection SET note = 'x'",
                      "DELETE FROM vessel_inspection_photo"):  # fmt: skip
        with (
            pytest.raises(ConflictError, match="never changed"),
            registry._sessions.writing() as session,
        ):
            session.execute(text(statement))


def test_what_cannot_have_been_found_of_a_vessel_is_refused(duty: Duty) -> None:
    owner = duty.lot.organisation
    duty.registry.add_vessel(BOAT, organisation=owner, name="Tàu thử")
    wrong: list[dict[str, Any]] = [
        {"vessel": "KH-99999-TS"}, {"vessel": "kh 91001 ts"}, {"papers": "fine"},
        {"port": "XXX"}, {"shown": "?"}, {"lot": duty.lot.code}, {"result": "perfect"},
        {"weighed": [{"species": "XXX", "kg": 1}]},
        {"weighed": [{"species": "YFT", "kg": -1}]},
        {"weighed": [{"species": "YFT", "kg": 1}] * 2}, {"note": "x" * 1001},
    ]  # fmt: skip
    taken = duty.inspecting.take_in("kim", [of_boat(duty, **one) for one in wrong])
    assert {one.state for one in taken} == {"refused"}
    assert taken[0].key == "inspection_no_vessel"
    assert all(one.key for one in taken), [one.reason for one in taken if not one.key]
    assert duty.take(of_boat(duty), person="thu") == ["refused"], "another's key"
    assert duty.registry.vessel_inspections() == []


def test_only_who_may_see_the_lot_sees_its_inspections(duty: Duty) -> None:
    duty.take(duty.found())
    organisation = duty.lot.organisation
    registry = duty.registry
    assert len(registry.visible_to_organisation(organisation).inspections()) == 1
    registry.add_organisation("elsewhere", "Khác")
    assert registry.visible_to_organisation("elsewhere").inspections() == []
