"""The readiness of a crop, certificates and their codes, the gate of claims."""

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from greenwater.kernel.channels import Channel
from greenwater.kernel.clock import VIETNAM
from greenwater.kernel.errors import InputError
from greenwater.kernel.reading import milliseconds
from greenwater.reference.criteria import KINDS, TABLES, Grade, standard_on
from greenwater.reference.limits import Bounds
from greenwater.reference.records import KINDS as RECORDS
from greenwater.storage.registry.books import Crop
from greenwater.storage.registry.certification import Certificate, CertificateAct
from traceability.book.evidence import ChannelEvidence, Evidence
from traceability.vietgap.certificates import (
    CertificateState,
    add_months,
    certificate_state,
    issuer_of,
    next_code,
    parse_body_code,
    parse_certificate_code,
    parse_members,
    parse_registration_code,
    validity,
)
from traceability.vietgap.gate import certificate_refusals
from traceability.vietgap.readiness import Finding, FindingState, Report, report_of
from traceability.vietgap.readiness_checks import CHECKS
from traceability.vietgap.readiness_facts import Entry, Known, ProbeState

DAY = 86_400_000
NOW = milliseconds(dt.datetime(2026, 11, 27, 9, tzinfo=VIETNAM))
START = NOW - 90 * DAY
CROP = Crop("vu-1", "hoa", "ao-1", "09521234543213", "PNV", "Vụ 1", START, None)


def water(
    channel: Channel, *, inside: float | None = 0.99, gaps: float = 0.01
) -> ChannelEvidence:
    return ChannelEvidence(
        channel, Bounds(4.0), "practice", "x", False, 1000, inside, 3.5, 6.0, 9.0, None,
        gaps, None, 0.0,
    )  # fmt: skip


MEASURED = tuple(
    water(one)
    for one in (
        Channel.TEMPERATURE, Channel.DISSOLVED_OXYGEN, Channel.PH, Channel.SALINITY,
    )
)  # fmt: skip


@dataclass
class Book:
    """A farm's book and water on paper; ``day`` counts back from now."""

    entries: list[Entry] = field(default_factory=list)
    channels: tuple[ChannelEvidence, ...] = MEASURED
    probes: tuple[ProbeState, ...] = (
        ProbeState("hop", "tren", NOW - 20 * DAY, "pH 7"),
    )
    kind: str = "pond"
    numbers: Iterator[int] = field(default_factory=count)

    def enter(
        self, kind: str, day: float, *, of_crop: bool = True, **fields: Any
    ) -> "Book":
        at_ms = round(NOW - day * DAY)
        self.entries.append(
            Entry(
                id=f"r{next(self.numbers)}", kind=kind, happened_ms=at_ms,
                entered_ms=at_ms, fields=fields, digest="d",
                crop="vu-1" if of_crop else None, unit="ao-1" if of_crop else None,
            )
        )  # fmt: skip
        return self

    def report(self) -> Report:
        evidence = Evidence(START, NOW, self.channels, True) if self.channels else None
        return report_of(
            Known(
                crop=CROP, unit_kind=self.kind, now_ms=NOW, until_ms=NOW,
                entries=tuple(sorted(self.entries, key=lambda one: one.happened_ms)),
                evidence=evidence, probes=self.probes,
            )
        )  # fmt: skip

    def finding(self, criterion: str) -> Finding:
        return next(o for o in self.report().findings if o.criterion == criterion)

    def told(self, criterion: str) -> tuple[FindingState, list[str]]:
        found = self.finding(criterion)
        return found.state, [one.code for one in found.troubles]


AUDITED = ("1.2", "1.2.1", "3.1", "4.1", "4.3", "4.4", "5.2", "5.4")


def whole() -> Book:
    """Return a book in which nothing is missing."""
    book = Book()
    book.enter(
        "stocking",
        89,
        count=300000,
        hatchery="Trại giống",
        quarantine_certificate="KD 12",
    )
    book.enter(
        "seed_in",
        89.5,
        hatchery="Trại giống",
        lot="PL-7",
        count=300000,
        quarantine_certificate="KD 12",
        test_result="negative",
    )
    book.enter(
        "feed_in",
        88,
        of_crop=False,
        product="số 2",
        kg=900,
        lot="T1",
        producer="Nhà máy",
        expires="2027-03-01",
    )
    book.enter("feed_use", 60, product="số 2", kg=40)
    book.enter(
        "drug_chem_in",
        50,
        of_crop=False,
        product="OTC",
        substance="oxytetracycline",
        quantity=1,
        permit="G1",
    )
    book.enter(
        "drug_chem_use",
        45,
        product="OTC",
        substance="oxytetracycline",
        amount="1 kg",
        reason="đốm trắng",
        prescriber="BS Hà",
        withdrawal_days=28,
    )
    for day in range(85, 0, -12):
        book.enter("health_check", day, signs="khỏe")
    book.enter("harvest", 5, kg=900)
    book.enter("waste", 30, of_crop=False, waste_kind="effluent", volume_m3=100, tss=40)
    book.enter(
        "site_registration",
        760,
        of_crop=False,
        owner="Lan",
        land_right="sổ đỏ",
        registration_number="56-1",
        map="có",
        units="Ao 1",
    )
    book.enter(
        "worker_training",
        40,
        of_crop=False,
        worker="Tám",
        topic="an toàn",
        trainer="Trạm",
        birth_year=1990,
        contract="yes",
        protective_gear="yes",
        first_aid="yes",
    )
    book.enter("recall_drill", 70, of_crop=False, lot="L1", action="gọi thử")
    for criterion in AUDITED:
        book.enter(
            "internal_audit",
            20,
            of_crop=False,
            auditor="Lan",
            criterion=f"mục {criterion}",
            finding="đạt",
        )
    return book  # fmt: skip


def test_a_book_with_nothing_missing_is_ready() -> None:
    report = whole().report()
    assert [one for one in report.findings if one.state is not FindingState.MET] == []
    assert report.is_ready
    assert (report.span_months, report.instrument) == (24, "TCVN 13528-1:2022")
    assert report.a.met + report.b.met == len(report.findings) == 22


def test_an_empty_book_shows_nothing_and_contradicts_nothing() -> None:
    report = Book(channels=(), probes=()).report()
    assert {one.state for one in report.findings} == {FindingState.NOT_SHOWN}
    assert not report.is_ready
    assert all(one.cure for f in report.findings for one in f.troubles)
    assert not any(one.is_breach for f in report.findings for one in f.troubles)


def test_every_kind_and_field_that_criteria_speak_of_exists() -> None:
    for criterion in TABLES.criteria:
        for need in criterion.needs:
            for kind in need.kinds:
                known = {one.name for one in RECORDS[kind].fields}
                assert set(need.fields) <= known, (criterion.id, kind)
        assert set(criterion.checks) <= set(CHECKS), criterion.id
        assert not criterion.verified


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_of_unit_has_its_criteria(kind: str) -> None:
    found = standard_on(dt.date(2026, 11, 27), kind)
    numbers = [one.id for one in found.criteria]
    assert len(set(numbers)) == len(numbers) == 22
    assert ("1.2.1" in numbers) == (kind == "cage")
    assert ("4.2" in numbers) == (kind != "cage")
    assert {one.grade for one in found.criteria} == set(Grade)


def test_what_is_not_dated_yet_is_refused() -> None:
    with pytest.raises(InputError, match="no criteria are known for a pond"):
        standard_on(dt.date(2010, 1, 1), "pond")
    assert standard_on(dt.date(2020, 1, 1), "pond").instrument.startswith("QĐ 3824")


BREACHES = [
    ("2.2", {"kind": "drug_chem_use", "day": 30, "substance": "chloramphenicol", "reason": "x", "prescriber": "y", "withdrawal_days": 1}, "banned_used"),
    ("2.2", {"kind": "pond_prep", "day": 80, "substance": "trichlorfon"}, "banned_used"),
    ("2.4", {"kind": "harvest", "day": 30, "kg": 10}, "harvest_in_withdrawal"),
    ("3.2", {"kind": "seed_in", "day": 80, "test_result": "positive", "lot": "x"}, "seed_positive"),
    ("5.1", {"kind": "worker_training", "day": 10, "birth_year": 2013}, "child_worker"),
    ("5.4", {"kind": "complaint", "day": 10, "about": "nước thải"}, "complaint_open"),
    ("1.1", {"kind": "site_registration", "day": 10, "owner": "Lan", "land_right": "x", "registration_number": "1", "valid_until": "2026-11-01"}, "registration_expired"),
    ("4.1", {"kind": "internal_audit", "day": 10, "criterion": "4.1", "finding": "rác", "correction": "dọn"}, "audit_open"),
]  # fmt: skip


@pytest.mark.parametrize(("criterion", "entry", "code"), BREACHES)
def test_what_the_book_contradicts_is_not_met(
    criterion: str, entry: dict[str, Any], code: str
) -> None:
    book = whole()
    assert book.told(criterion) == (FindingState.MET, [])
    book.enter(**entry)
    state, codes = book.told(criterion)
    assert state is FindingState.NOT_MET
    assert code in codes


def without(kind: str) -> Book:
    book = whole()
    book.entries = [one for one in book.entries if one.kind != kind]
    return book


@pytest.mark.parametrize(
    ("criterion", "kind", "code"),
    [
        ("1.1", "site_registration", "no_record"), ("1.3", "worker_training", "no_record"),
        ("1.4", "internal_audit", "no_record"), ("1.5", "recall_drill", "no_record"),
        ("2.2", "drug_chem_in", "no_record"), ("2.4", "harvest", "no_record"),
        ("3.3", "feed_in", "no_record"), ("3.4", "health_check", "no_record"),
        ("4.1", "internal_audit", "no_audit"), ("4.2", "waste", "no_record"),
        ("3.5", "stocking", "book_empty"), ("1.4", "site_registration", "span_short"),
    ],
)  # fmt: skip
def test_what_nobody_wrote_is_not_shown(criterion: str, kind: str, code: str) -> None:
    state, codes = without(kind).told(criterion)
    assert (state, code in codes) == (FindingState.NOT_SHOWN, True)


def test_a_field_left_out_is_named_and_a_gap_between_checks_too() -> None:
    book = without("drug_chem_use")
    book.enter(
        "drug_chem_use", 45, product="OTC", substance="oxytetracycline", reason="x"
    )
    (trouble,) = book.finding("3.5").troubles
    assert trouble.code == "no_field"
    assert trouble.facts["fields"] == ["prescriber", "withdrawal_days"]
    rare = without("health_check").enter("health_check", 70, signs="khỏe")
    (trouble,) = rare.finding("3.4").troubles
    assert (trouble.code, trouble.facts["longest"]) == ("too_rare", 70)


def test_a_crop_without_treatment_needs_no_drugs_store() -> None:
    book = without("drug_chem_use")
    book.entries = [one for one in book.entries if one.kind != "drug_chem_in"]
    assert book.told("2.2") == book.told("3.5") == (FindingState.MET, [])


@pytest.mark.parametrize(
    ("channels", "state", "codes"),
    [
        (MEASURED[1:], FindingState.NOT_SHOWN, ["water_none"]),
        ((*MEASURED[:3], water(Channel.SALINITY, gaps=0.5)), FindingState.NOT_SHOWN, ["water_gaps"]),
        ((*MEASURED[:3], water(Channel.SALINITY, inside=0.7)), FindingState.NOT_MET, ["water_outside"]),
        ((*MEASURED[:3], water(Channel.SALINITY, inside=None)), FindingState.NOT_SHOWN, ["water_none"]),
    ],
)  # fmt: skip
def test_water_is_shown_by_what_was_measured(
    channels: tuple[ChannelEvidence, ...], state: FindingState, codes: list[str]
) -> None:
    book = whole()
    book.channels = channels
    assert book.told("2.1") == (state, codes)


def test_a_probe_that_was_not_calibrated_proves_nothing() -> None:
    book = whole()
    book.probes = (
        ProbeState("hop", "tren", None),
        ProbeState("hop", "day", NOW - 61 * DAY),
    )
    assert book.told("2.1") == (
        FindingState.NOT_SHOWN, ["not_calibrated", "calibration_old"],
    )  # fmt: skip


@given(dropped=st.sets(st.integers(0, 30)))
def test_leaving_records_out_never_makes_a_crop_more_ready(dropped: set[int]) -> None:
    """But for what they contradict: nothing in this book does."""
    full, book = whole().report(), whole()
    book.entries = [one for n, one in enumerate(book.entries) if n not in dropped]
    found = book.report()
    assert found.a.met <= full.a.met
    assert found.b.met <= full.b.met
    assert not any(one.state is FindingState.NOT_MET for one in found.findings)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("VietGAP-TS-13-01-KH-0001", "VIETGAP-TS-13-01-KH-0001"),
        ("vietgap - ts - 13 – 01 — kh − 0001", "VIETGAP-TS-13-01-KH-0001"),
        ("VietGAP TS 13 01 ĐN 00012", "VIETGAP-TS-13-01-ĐN-00012"),
        ("VietGAP-TT-13-01-02-KH-001", "VIETGAP-TT-13-01-02-KH-001"),
    ],
)
def test_a_certificates_code_is_read_however_it_is_written(
    text: str, code: str
) -> None:
    assert parse_certificate_code(text) == code
    assert parse_certificate_code(code) == code
    assert parse_body_code(issuer_of(code)) == issuer_of(code)


@pytest.mark.parametrize(
    "text", ["", "VietGAP-TS-13-01", "VietGAP-XX-13-01-KH-0001", "VietGAP-TS-1-01-KH-0001",
             "VietGAP-TS-13-01-KH-01", "x" * 500, "VietGAP-TS-13-01-KH-0001'"],
)  # fmt: skip
def test_what_is_no_code_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="no code of a certificate"):
        parse_certificate_code(text)


@given(text=st.text(max_size=60))
def test_any_text_is_a_code_or_refused(text: str) -> None:
    for parse in (parse_certificate_code, parse_body_code, parse_registration_code):
        try:
            assert parse(parse(text)) == parse(text)
        except InputError:
            continue


def test_members_and_the_next_code() -> None:
    (member,) = parse_members("Nguyễn Văn A; Vạn Hưng; tôm; 3000; 5000,5\n\n")
    assert (member.area_m2, member.expected_kg) == (3000, 5000.5)
    for wrong in ("B; x; y; nhiều", "; x", "\u202eB; x"):
        with pytest.raises(InputError, match="line 2 of the members"):
            parse_members(f"A\n{wrong}")
    body = "VIETGAP-TS-13-01"
    taken = [f"{body}-KH-0007", f"{body}-ĐN-0099", "VIETGAP-TS-14-02-KH-0050"]
    assert next_code(body, taken) == f"{body}-KH-0008"


ISSUED = milliseconds(dt.datetime(2026, 8, 31, 9, tzinfo=VIETNAM))
CERTIFICATE = Certificate(
    id="c", organisation="hoa", office="cb", procedure="vietgap",
    code="VIETGAP-TS-13-01-KH-0001", raw_code="x", issued_ms=ISSUED,
    until_ms=validity(ISSUED, 6, "vietgap"), dossier=None, is_simulated=True,
    recorded_ms=ISSUED, recorded_by="an",
    scope={"sites": [{"site": "s", "name": "Trại", "commune": "22561", "species": "PNV",
                      "units": ["Ao 1"], "area_m2": None, "expected_kg": None}]},
)  # fmt: skip


def day(text: str) -> int:
    return milliseconds(dt.datetime.fromisoformat(text).replace(tzinfo=VIETNAM))


@pytest.mark.parametrize(
    ("when", "state"),
    [
        ("2026-08-31T08:59", CertificateState.NOT_YET),
        ("2026-08-31T09:00", CertificateState.VALID),
        ("2027-02-28T08:59", CertificateState.VALID),  # six months: no 31 February
        ("2027-02-28T09:00", CertificateState.GRACE),
        ("2027-05-28T08:59", CertificateState.GRACE),
        ("2027-05-28T09:00", CertificateState.EXPIRED),
    ],
)
def test_a_certificate_is_valid_then_in_grace_then_over(
    when: str, state: CertificateState
) -> None:
    assert certificate_state(CERTIFICATE, [], day(when)) is state
    is_open = state is CertificateState.VALID
    assert (state.for_shoppers is CertificateState.VALID) == is_open
    assert state.for_shoppers is not CertificateState.GRACE
    codes = [
        one.code
        for one in certificate_refusals(
            CERTIFICATE, [], site="s", species="PNV", now_ms=day(when)
        )
    ]
    assert codes == ([] if is_open else [f"certificate_{state}"])


def acted(kind: str, when: str) -> CertificateAct:
    return CertificateAct("c", kind, "vì sao", day(when), "an")


def test_suspended_and_withdrawn_count_from_when_it_was_done() -> None:
    acts = [
        acted("suspended", "2026-10-01T00:00"),
        acted("resumed", "2026-11-01T00:00"),
    ]
    states = [
        certificate_state(CERTIFICATE, acts, day(f"2026-{month}-15T00:00"))
        for month in ("09", "10", "11")
    ]
    assert states == [
        CertificateState.VALID, CertificateState.SUSPENDED, CertificateState.VALID,
    ]  # fmt: skip
    gone = [*acts, acted("withdrawn", "2026-12-01T00:00")]
    assert certificate_state(CERTIFICATE, gone, day("2027-09-01T00:00")) is (
        CertificateState.WITHDRAWN
    )


def test_another_site_or_species_is_not_claimed() -> None:
    def codes(site: str, species: str) -> list[str]:
        found = certificate_refusals(
            CERTIFICATE, [], site=site, species=species, now_ms=ISSUED
        )
        return [one.code for one in found]

    assert codes("t", "PNV") == ["certificate_other_site"]
    assert codes("s", "CBA") == ["certificate_other_species"]


def test_validity_has_a_most_and_a_registration_has_no_end() -> None:
    assert validity(ISSUED, 24, "vietgap") == day("2028-08-31T09:00")
    with pytest.raises(InputError, match="25 months of validity"):
        validity(ISSUED, 25, "vietgap")
    assert validity(ISSUED, 0, "cage_registration") is None
    endless = replace(CERTIFICATE, procedure="cage_registration", until_ms=None)
    assert (
        certificate_state(endless, [], day("2060-01-01T00:00"))
        is CertificateState.VALID
    )


@given(
    at_ms=st.integers(day("2020-01-01T00:00"), day("2030-01-01T00:00")),
    months=st.integers(-60, 60),
)
def test_months_later_is_the_same_day_or_the_months_last(
    at_ms: int, months: int
) -> None:
    days = (add_months(at_ms, months) - at_ms) / DAY
    assert 28 * abs(months) - 3 <= abs(days) <= 31 * abs(months)
