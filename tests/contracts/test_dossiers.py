"""Dossiers, certificates and claims on each registry: who sees, who acts, what stays."""

import datetime as dt
from collections.abc import Callable, Iterator
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from msgspec.structs import replace

from greenwater.kernel.clock import ManualClock
from greenwater.kernel.errors import ConflictError, InputError, MissingError
from greenwater.kernel.reading import day_of, instant, milliseconds
from greenwater.reference.holidays import CALENDAR
from greenwater.reference.procedures import Task
from greenwater.storage.registry import Registry, open_registry
from greenwater.storage.registry.people import OrganisationKind, Role
from greenwater.storage.telemetry import open_telemetry
from tests.contracts.registries import NOW, Databases
from traceability.book.books import Books
from traceability.proof.keys import open_signer
from traceability.records import FieldError
from traceability.vietgap.applications import Applications
from traceability.vietgap.certificates import CertificateState, certificate_state
from traceability.vietgap.certifying import Certifying
from traceability.vietgap.dossiers import Kind, State, received_on
from traceability.vietgap.folders import Act, Folder
from traceability.vietgap.paper_certificates import Paper, certificate_on_paper

DAY = timedelta(days=1)
BODY = "VIETGAP-TS-13-01"
WHY = "không đủ điều kiện"
PEOPLE = ("an", "ba", "xa", "xb", "tinh", "tech")


class Province:
    """Two certification bodies, two communes, the province; all with people.

    ``an`` audits for one body, ``ba`` for another; ``xa`` is officer of commune 22561,
    ``xb`` of 22525, ``tinh`` of the province; ``tech`` is in a commune's office without
    being its officer. Every test has a farm of its own in commune 22561.
    """

    def __init__(self, registry: Registry, folder: Path) -> None:
        self.registry, self.clock = registry, ManualClock(instant(NOW))
        self.telemetry = open_telemetry(f"sqlite:///{folder}/telemetry.db")
        self.signer = open_signer(folder / "keys", registry, NOW)
        self.books = Books(registry, self.telemetry, self.clock)
        self.numbers, ids = count(1), count()
        self.dossiers = Applications(
            registry, self.telemetry, self.signer, self.clock, lambda: f"id-{next(ids)}"
        )
        self.certifying = Certifying(registry, self.clock)
        kinds = OrganisationKind
        for office, person, kind, role, task, facts in (
            ("cb1", "an", kinds.CERTIFIER, Role.AUDITOR, Task.CERTIFY, {"code": BODY}),
            ("cb2", "ba", kinds.CERTIFIER, Role.AUDITOR, Task.CERTIFY,
             {"code": "VIETGAP-TS-14-02"}),
            ("xa1", "xa", kinds.COMMUNE, Role.OFFICER, Task.CHECK, {"commune": "22561"}),
            ("xa2", "xb", kinds.COMMUNE, Role.OFFICER, Task.CHECK, {"commune": "22525"}),
            ("so", "tinh", kinds.AUTHORITY, Role.OFFICER, Task.DECIDE, {}),
        ):  # fmt: skip
            registry.add_organisation(office, f"Cơ quan {office}", kind=kind)
            self.person(person, office, role)
            registry.add_office(office, task, **facts)
        self.person("tech", "xa1", Role.TECHNICIAN)

    def person(self, person: str, organisation: str, role: Role) -> None:
        self.registry.add_person(person, person.title())
        self.registry.add_member(person, organisation, role)


class Farm:
    """A household, its farmer (of the same name), a pond and a crop."""

    def __init__(self, province: Province, commune: str = "22561") -> None:
        self.province, registry = province, province.registry
        number = next(province.numbers)
        self.id, self.crop, self.unit = f"f{number}", f"f{number}-vu", f"f{number}-ao"
        registry.add_organisation(self.id, f"Hộ {number}")
        province.person(self.id, self.id, Role.FARMER)
        registry.add_site(
            f"{self.id}-s", organisation=self.id, name="Trại", commune=commune
        )
        registry.add_unit(
            self.unit, site=f"{self.id}-s", name="Ao 1", species="PNV", area_m2=3000
        )
        digits = f"0952123454{number:03}"
        check = -sum(int(d) * (3, 1)[n % 2] for n, d in enumerate(digits)) % 10
        self.gtin = f"{digits}{check}"
        province.books.add_product(
            self.id, gtin=self.gtin, name_vi="Tôm", name_en="", species="PNV"
        )
        province.books.open_crop(
            self.id, crop=self.crop, unit=self.unit, product=self.gtin, name="Vụ 1",
            started_ms=NOW,
        )  # fmt: skip

    def act(self, person: str, dossier: str, kind: Kind, **facts: object) -> Folder:
        self.province.clock.advance(timedelta(minutes=10))
        act = Act(kind=kind, **facts)  # type: ignore[arg-type]
        return self.province.dossiers.act(person, dossier, act)

    def begun(self, procedure: str = "vietgap") -> str:
        decider = "cb1" if procedure == "vietgap" else ""
        return self.province.dossiers.begin(
            self.id, crop=self.crop, procedure=procedure, decider=decider
        ).id

    def sent(self, procedure: str = "vietgap") -> str:
        dossier = self.begun(procedure)
        self.act(self.id, dossier, Kind.SUBMIT, expected_kg=5000.0)
        return dossier

    def accepted(self) -> str:
        dossier = self.sent()
        self.act("an", dossier, Kind.ACCEPT)
        return dossier

    def granted(self) -> str:
        dossier = self.accepted()
        dossiers = self.province.dossiers
        code = dossiers.suggested_code(dossiers.folder("an", dossier))
        found = self.act("an", dossier, Kind.GRANT, code=code, months=24)
        assert found.decision is not None
        return str(found.decision["certificate"])


@pytest.fixture(scope="module")
def province(
    databases: Databases, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Province]:
    with open_registry(databases.migrated()) as registry:
        made = Province(registry, tmp_path_factory.mktemp("province"))
        yield made
        made.telemetry.close()


@pytest.fixture
def farm(province: Province) -> Farm:
    return Farm(province)


def test_vietgap_from_draft_to_certificate(farm: Farm, province: Province) -> None:
    dossier = farm.sent()
    folder = province.dossiers.folder("an", dossier)
    assert (folder.dossier.code or "").startswith("VG-260529-")
    assert folder.submission is not None
    assert folder.submission["due_on"] == "2026-07-10"
    assert folder.submission["scope"]["sites"][0]["area_m2"] == 3000
    assert len(folder.submission["readiness"]["findings"]) == 22
    assert folder.may == (Kind.ACCEPT, Kind.ASK)
    farm.act("an", dossier, Kind.ASK, text="gửi thêm phiếu xét nghiệm nước")
    asked_ms = milliseconds(province.clock.now())
    province.clock.advance(DAY)
    farm.act(farm.id, dossier, Kind.SUPPLY, text="đã ghi vào sổ")
    farm.act("an", dossier, Kind.ACCEPT)
    code = province.dossiers.suggested_code(folder)
    written = f" {code.lower().replace('-ts-', '–ts-')} "
    done = farm.act("an", dossier, Kind.GRANT, code=written, months=12)
    assert done.progress.state is State.GRANTED
    (certificate,) = province.registry.certificates(organisation=farm.id)
    assert certificate.code == code.upper()
    assert certificate.raw_code == written.strip()
    assert certificate.scope["sites"][0]["expected_kg"] == 5000
    assert province.dossiers.broken(done) is None
    assert done.progress.due_ms is not None
    paused = CALENDAR.between(
        received_on(asked_ms), received_on(done.progress.supplied_ms or 0)
    )
    due = CALENDAR.add(dt.date(2026, 7, 10), paused)
    assert day_of(done.progress.due_ms) == due
    province.clock.advance(-DAY)


def test_a_registration_is_checked_by_its_commune_and_decided_by_the_province(
    farm: Farm, province: Province
) -> None:
    dossier = farm.sent("cage_registration")
    folder = province.dossiers.folder(farm.id, dossier)
    assert (folder.dossier.checker, folder.dossier.decider) == ("xa1", "so")
    code = province.dossiers.suggested_code(folder)
    assert code.startswith("56-22561-")
    with pytest.raises(ConflictError, match="no step grant"):
        farm.act("tinh", dossier, Kind.GRANT, code=code)
    farm.act("xa", dossier, Kind.ACCEPT)
    with pytest.raises(InputError, match="what and why"):
        farm.act("xa", dossier, Kind.CHECK, fits=False)
    with pytest.raises(InputError, match="whether the site is"):
        farm.act("xa", dossier, Kind.CHECK)
    farm.act("xa", dossier, Kind.CHECK, fits=False, text="thiếu đèn báo hiệu")
    with pytest.raises(InputError, match="the commune found otherwise"):
        farm.act("tinh", dossier, Kind.GRANT, code=code)
    done = farm.act("tinh", dossier, Kind.GRANT, code=code, text="đã lắp đèn, xem lại")
    assert done.progress.state is State.GRANTED
    (certificate,) = province.registry.certificates(organisation=farm.id)
    assert certificate.until_ms is None


@pytest.mark.parametrize("procedure", ["vietgap", "cage_registration"])
def test_a_draft_is_the_applicants_alone_and_then_theirs_it_is_addressed_to(
    farm: Farm, province: Province, procedure: str
) -> None:
    other = Farm(province, "22525")
    everybody, dossier = (farm.id, other.id, *PEOPLE), farm.begun(procedure)

    def seeing() -> set[str]:
        found = set()
        for person in everybody:
            listed = {one.id for one in province.registry.dossiers_for(person)}
            try:
                province.registry.get_dossier_for(person, dossier)
                assert dossier in listed
                found.add(person)
            except MissingError:
                assert dossier not in listed
        return found

    assert seeing() == {farm.id}
    farm.act(farm.id, dossier, Kind.SUBMIT)
    theirs = {"an"} if procedure == "vietgap" else {"xa", "tinh"}
    assert seeing() == {farm.id} | theirs
    for person in {*everybody} - seeing():
        for kind in Kind:
            with pytest.raises(MissingError):
                farm.act(person, dossier, kind, code="x", months=12, text=WHY)
    assert {one.id for one in province.registry.dossiers_for(None)} >= {dossier}
    with pytest.raises(MissingError):
        province.registry.dossiers_for("nobody")


def test_nobody_decides_about_his_own_farm(farm: Farm, province: Province) -> None:
    dossier = farm.sent()
    province.registry.add_member("an", farm.id, Role.OFFICER)
    assert province.dossiers.folder("an", dossier).may == ()
    with pytest.raises(MissingError):
        farm.act("an", dossier, Kind.ACCEPT)
    province.registry.drop_member("an", farm.id, Role.OFFICER)


def test_a_refusal_has_reasons_and_ends_it_and_begun_twice_is_one(
    farm: Farm, province: Province
) -> None:
    dossier = farm.accepted()
    assert farm.begun() == dossier, "one at a time"
    other = Farm(province)
    with pytest.raises(MissingError):
        province.dossiers.begin(
            other.id, crop=farm.crop, procedure="vietgap", decider="cb1"
        )
    with pytest.raises(InputError, match="choose the office"):
        province.dossiers.begin(
            farm.id, crop=farm.crop, procedure="cage_registration", decider="cb1"
        )
    with pytest.raises(InputError, match="what and why"):
        farm.act("an", dossier, Kind.REFUSE, text="không")
    done = farm.act("an", dossier, Kind.REFUSE, text=WHY)
    assert done.decision == {"text": WHY}
    with pytest.raises(ConflictError):
        farm.act(farm.id, dossier, Kind.WITHDRAW)
    assert farm.begun() != dossier, "a new one may be begun"
    step = province.registry.dossier_steps([dossier])[dossier][-1]
    with pytest.raises(ConflictError):
        province.registry.add_dossier_step(step)


def meanwhile(
    monkeypatch: pytest.MonkeyPatch,
    registry: Registry,
    name: str,
    act: Callable[[], Any],
) -> list[Any]:
    """Have something be done once, right after a question was answered; return what it gave."""
    real, done = getattr(registry, name), list[Any]()

    def answered(*args: Any) -> Any:
        found = real(*args)
        monkeypatch.setattr(registry, name, real)
        done.append(act())
        return found

    monkeypatch.setattr(registry, name, answered)
    return done


def test_two_sent_at_one_moment_have_a_number_each(
    farm: Farm, province: Province, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = Farm(province)
    ours, registry = farm.begun(), province.registry
    theirs = meanwhile(monkeypatch, registry, "count_dossier_codes", other.sent)
    sent = farm.act(farm.id, ours, Kind.SUBMIT, expected_kg=5000.0).dossier.code
    after = province.dossiers.folder(other.id, theirs[0]).dossier.code
    assert sent
    assert after
    assert int(sent[-4:]) == int(after[-4:]) + 1


def test_of_two_granted_one_code_at_one_moment_the_second_is_told(
    farm: Farm, province: Province, monkeypatch: pytest.MonkeyPatch
) -> None:
    dossier, other = farm.accepted(), Farm(province)
    code = province.dossiers.suggested_code(province.dossiers.folder("an", dossier))
    theirs = other.accepted()

    def grant_other() -> Folder:
        return other.act("an", theirs, Kind.GRANT, code=code, months=24)

    meanwhile(monkeypatch, province.registry, "has_certificate_code", grant_other)
    with pytest.raises(FieldError, match="was given before: take another"):
        farm.act("an", dossier, Kind.GRANT, code=code, months=24)
    assert Kind.GRANT in province.dossiers.folder("an", dossier).may


def test_two_touches_of_a_button_begin_one_dossier(
    farm: Farm, province: Province, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = meanwhile(monkeypatch, province.registry, "dossiers_for", farm.begun)
    assert [farm.begun()] == done
    assert len(province.registry.dossiers_for(farm.id)) == 1


def test_numbers_count_up_within_a_day(farm: Farm, province: Province) -> None:
    first = province.dossiers.folder(farm.id, farm.sent()).dossier.code or ""
    again = Farm(province)
    second = province.dossiers.folder(again.id, again.sent()).dossier.code or ""
    assert (first[:10], second[:10]) == ("VG-260529-", "VG-260529-")
    assert int(second[10:]) == int(first[10:]) + 1


def test_what_cannot_be_granted(farm: Farm, province: Province) -> None:
    dossier = farm.accepted()
    good = province.dossiers.suggested_code(province.dossiers.folder("an", dossier))
    for code, months, sentence in (
        ("VietGAP-TS-14-02-KH-0001", 12, "does not begin with"),
        ("KH-0001", 12, "no code of a certificate"),
        (good, 25, "not from 1 to 24"),
        (good, 0, "not from 1 to 24"),
    ):
        with pytest.raises(InputError, match=sentence):
            farm.act("an", dossier, Kind.GRANT, code=code, months=months)
    with pytest.raises(MissingError):
        province.certifying.sanction("xa", "cb1", 2, WHY)
    with pytest.raises(InputError, match="a level from 0 to 3"):
        province.certifying.sanction("tinh", "cb1", 4, WHY)
    province.certifying.sanction("tinh", "cb1", 2, WHY)
    with pytest.raises(InputError, match="sanctioned at level 2"):
        farm.act("an", dossier, Kind.GRANT, code=good, months=12)
    province.certifying.sanction("tinh", "cb1", 0, "đã khắc phục xong")
    farm.act("an", dossier, Kind.GRANT, code=good, months=12)
    again = farm.accepted()
    with pytest.raises(InputError, match="given before"):
        farm.act("an", again, Kind.GRANT, code=good, months=12)


def test_a_certificate_is_suspended_resumed_and_withdrawn_by_who_granted_it(
    farm: Farm, province: Province
) -> None:
    certificate, other = farm.granted(), Farm(province)

    def state() -> CertificateState:
        found = province.registry.get_certificate(certificate)
        acts = province.registry.certificate_acts(certificate)
        return certificate_state(found, acts, milliseconds(province.clock.now()))

    for person in (farm.id, "an", "tinh"):
        assert province.certifying.find(person, certificate).id == certificate
    for person in (other.id, "ba", "xa", "xb"):
        with pytest.raises(MissingError):
            province.certifying.find(person, certificate)
    for person in (farm.id, "ba", "tinh", "xa"):
        with pytest.raises(MissingError):
            province.certifying.act(person, certificate, "suspended", WHY)
    assert state() is CertificateState.VALID
    province.certifying.act("an", certificate, "suspended", WHY)
    assert state() is CertificateState.SUSPENDED
    province.certifying.act("an", certificate, "resumed", "đã khắc phục xong")
    assert state() is CertificateState.VALID
    province.certifying.act("an", certificate, "withdrawn", WHY)
    with pytest.raises(ConflictError, match="for good"):
        province.certifying.act("an", certificate, "resumed", "xin lại giấy")
    assert state() is CertificateState.WITHDRAWN


def test_only_ones_own_certificate_is_claimed(farm: Farm, province: Province) -> None:
    certificate, other = farm.granted(), Farm(province)
    for product in (farm.gtin, other.gtin):
        with pytest.raises(MissingError):
            province.certifying.claim(other.id, product, certificate)
    province.certifying.claim(farm.id, farm.gtin, certificate)
    assert province.certifying.refusals(farm.gtin, farm.unit) == []
    codes = [one.code for one in province.certifying.refusals(farm.gtin, other.unit)]
    assert codes == ["certificate_other_site"]
    province.clock.advance(740 * DAY)
    codes = [one.code for one in province.certifying.refusals(farm.gtin, farm.unit)]
    assert codes == ["certificate_grace"]
    province.certifying.claim(farm.id, farm.gtin, None)
    assert province.certifying.refusals(farm.gtin, farm.unit) == []
    province.clock.advance(-740 * DAY)


def test_a_certificate_on_paper_is_entered_once_and_by_its_own_body(
    farm: Farm, province: Province
) -> None:
    paper = Paper(
        code="vietgap ts 13 01 ĐN 0042", office="cb1", crop=farm.crop, issued_ms=NOW,
        months=24,
    )  # fmt: skip
    made = certificate_on_paper(province.registry, paper, person="an", now_ms=NOW)
    for _ in range(2):
        province.registry.add_certificate(made)
    (held,) = province.registry.certificates(organisation=farm.id)
    assert (held.id, held.code) == (made.id, f"{BODY}-ĐN-0042")
    with pytest.raises(ConflictError):
        province.registry.add_certificate(replace(made, until_ms=NOW + 1))
    other = replace(paper, office="cb2")
    with pytest.raises(InputError, match="not given by 'cb2'"):
        certificate_on_paper(province.registry, other, person="ba", now_ms=NOW)


def test_what_was_written_cannot_be_changed_even_by_sql_and_what_was_is_found(
    farm: Farm, province: Province
) -> None:
    certificate = farm.granted()
    province.certifying.claim(farm.id, farm.gtin, certificate)
    province.certifying.act("an", certificate, "suspended", WHY)
    province.certifying.sanction("tinh", "cb2", 1, WHY)
    engine = province.registry._sessions.engine
    for table, column in (
        ("dossier", "procedure"), ("dossier_step", "person"),
        ("certificate", "procedure"), ("certificate_act", "person"),
        ("certificate_claim", "person"), ("sanction", "person"),
    ):  # fmt: skip
        for act in (f"UPDATE {table} SET {column} = 'ba'", f"DELETE FROM {table}"):
            with engine.connect() as to, pytest.raises(sa.exc.DBAPIError):
                to.execute(sa.text(act))
    on = " ON dossier_step" if engine.dialect.name == "postgresql" else ""
    mine = province.registry.dossiers_for(farm.id)[0].id
    with engine.connect() as to:
        to.execute(sa.text(f"DROP TRIGGER dossier_step_no_update{on}"))
        to.execute(
            sa.text(
                "UPDATE dossier_step SET document = replace(document, 'KH-00', 'KH-99') "
                "WHERE kind = 'grant' AND dossier = :mine"
            ).bindparams(mine=mine)
        )
        to.commit()
    found = province.dossiers.broken(province.dossiers.folder(farm.id, mine))
    assert found is not None
    assert (found.number, found.why) == (3, "its content is not what was recorded")
