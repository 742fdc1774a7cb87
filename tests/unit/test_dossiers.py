"""The state machine of dossiers, its due dates, its signed chain; working days."""

import datetime as dt
from collections.abc import Sequence

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from greenwater.kernel.clock import VIETNAM
from greenwater.kernel.errors import ConflictError, InputError
from greenwater.kernel.reading import day_of, milliseconds
from greenwater.reference.holidays import CALENDAR
from greenwater.reference.procedures import Procedure, get_procedure
from greenwater.storage.registry.dossiers import DossierStep
from greenwater.storage.registry.trace_events.ledger import link_hash
from traceability.proof.keys import KeysDocument, PublicKey, Signer
from traceability.proof.links import to_text
from traceability.vietgap.dossier_chain import (
    StepDraft,
    check_document,
    first_broken_step,
    move_of,
    said,
    signed_step,
)
from traceability.vietgap.dossiers import (
    Kind,
    Move,
    Progress,
    Side,
    State,
    advance,
    closing_of,
    counts_of,
    due_after,
    possible,
    progress_of,
)

VIETGAP = get_procedure("vietgap", dt.date(2026, 11, 27))
CAGES = get_procedure("cage_registration", dt.date(2026, 11, 27))
SIGNER = Signer(Ed25519PrivateKey.from_private_bytes(bytes(range(32))))
KEYS = KeysDocument((PublicKey(SIGNER.kid, to_text(SIGNER.public), 0),))
HOUR = 3_600_000


def at(text: str) -> int:
    """Return an instant in Vietnam, such as ``2026-11-20 09:00``."""
    return milliseconds(dt.datetime.fromisoformat(text).replace(tzinfo=VIETNAM))


@pytest.mark.parametrize(
    ("day", "count", "until"),
    [
        ("2026-02-13", 5, "2026-02-27"),  # a Friday before Tết
        ("2026-04-24", 2, "2026-04-29"),  # Giỗ Tổ on Monday, for Sunday
        ("2026-04-29", 1, "2026-05-04"),  # 30/4, 1/5 and a weekend
        ("2026-08-21", 1, "2026-08-22"),  # a Saturday that is worked
        ("2026-08-28", 1, "2026-09-03"),
        ("2026-11-20", 5, "2026-11-30"),  # 24/11
        ("2026-11-28", 0, "2026-11-30"),  # a Saturday: the next Monday
        ("2026-12-31", 1, "2027-01-04"),
        ("2029-01-01", 0, "2029-01-02"),  # a year without a notice has its fixed days
    ],
)
def test_working_days_skip_what_is_shut(day: str, count: int, until: str) -> None:
    found = CALENDAR.add(dt.date.fromisoformat(day), count)
    assert found == dt.date.fromisoformat(until)


@given(
    start=st.dates(dt.date(2025, 1, 1), dt.date(2027, 6, 1)), count=st.integers(1, 40)
)
def test_counting_up_and_counting_between_agree(start: dt.date, count: int) -> None:
    end = CALENDAR.add(start, count)
    first = CALENDAR.add(start, 0)
    assert CALENDAR.between(first, end) == count
    assert CALENDAR.is_working(end)


def test_what_comes_after_closing_has_come_on_the_next_working_day() -> None:
    early = due_after(Progress(), Kind.SUBMIT, at("2026-11-27 16:59"), CAGES)
    late = due_after(Progress(), Kind.SUBMIT, at("2026-11-27 17:00"), CAGES)
    assert (early, late) == (at("2026-12-04 17:00"), at("2026-12-07 17:00"))


def test_the_terms_of_a_procedure_are_those_of_the_day() -> None:
    before = get_procedure("cage_registration", dt.date(2026, 1, 25))
    assert "26/2019" in before.instrument
    assert "41/2026" in CAGES.instrument
    assert (CAGES.working_days, CAGES.checked, CAGES.verified) == (5, True, False)
    with pytest.raises(InputError, match="'x' is not one of"):
        get_procedure("x", dt.date(2026, 11, 27))


def walked(procedure: Procedure, *moves: tuple[Kind, Side, str]) -> Progress:
    progress = Progress()
    for kind, side, when in moves:
        due_ms = due_after(progress, kind, at(when), procedure)
        fits = True if kind is Kind.CHECK else None
        move = Move(kind, side, at(when), due_ms, fits)
        progress = advance(progress, move, procedure)
    return progress


A, C, D = Side.APPLICANT, Side.CHECKER, Side.DECIDER


def test_the_clock_stands_while_the_applicant_is_asked() -> None:
    found = walked(
        CAGES,
        (Kind.SUBMIT, A, "2026-11-26 09:00"),  # Thursday: due Thursday 3/12
        (Kind.ACCEPT, C, "2026-11-26 10:00"),
        (Kind.ASK, C, "2026-11-27 09:00"),
        (Kind.SUPPLY, A, "2026-12-01 09:00"),  # two working days later
    )
    assert found.due_ms == at("2026-12-07 17:00")
    assert found.state is State.SUPPLIED
    assert not found.is_overdue(at("2026-12-07 17:00"))
    assert found.is_overdue(at("2026-12-07 17:01"))


def test_while_it_stands_nothing_is_late_and_nobody_decides() -> None:
    asked = walked(
        VIETGAP,
        (Kind.SUBMIT, A, "2026-11-02 09:00"),
        (Kind.ASK, D, "2026-11-03 09:00"),
    )
    assert not asked.is_overdue(at("2027-06-01 09:00"))
    assert possible(asked, VIETGAP, D, at("2026-11-04 09:00")) == []
    assert possible(asked, VIETGAP, A, at("2026-11-04 09:00")) == [
        Kind.SUPPLY,
        Kind.WITHDRAW,
    ]
    assert possible(asked, VIETGAP, D, at("2027-06-01 09:00")) == [Kind.REFUSE]


def test_more_is_asked_for_once() -> None:
    supplied = walked(
        VIETGAP,
        (Kind.SUBMIT, A, "2026-11-02 09:00"),
        (Kind.ASK, D, "2026-11-03 09:00"),
        (Kind.SUPPLY, A, "2026-11-04 09:00"),
    )
    assert possible(supplied, VIETGAP, D, at("2026-11-05 09:00")) == [Kind.ACCEPT]


def test_what_the_commune_checks_the_province_does_not_decide_before_it() -> None:
    accepted = walked(
        CAGES,
        (Kind.SUBMIT, A, "2026-11-26 09:00"),
        (Kind.ACCEPT, C, "2026-11-26 10:00"),
    )
    now = at("2026-11-26 11:00")
    assert possible(accepted, CAGES, D, now) == [Kind.ASK]
    checked = advance(accepted, Move(Kind.CHECK, C, now, None, False), CAGES)
    assert possible(checked, CAGES, D, now) == [Kind.GRANT, Kind.REFUSE, Kind.ASK]
    assert possible(checked, CAGES, C, now) == []
    assert checked.fits is False


STEPS = st.lists(
    st.tuples(
        st.booleans(),
        st.sampled_from(Kind),
        st.sampled_from(Side),
        st.integers(0, 40),
        st.integers(1, 20 * 24),
    ),
    max_size=25,
)
"""Whether anything is tried, or what is allowed; what, and after how many hours."""


@given(procedure=st.sampled_from([VIETGAP, CAGES]), tried=STEPS)
def test_whatever_is_tried_the_rules_hold(
    procedure: Procedure, tried: Sequence[tuple[bool, Kind, Side, int, int]]
) -> None:
    progress, now, taken = Progress(), at("2026-06-01 09:00"), list[Move]()
    for is_wild, kind, side, pick, hours in tried:
        now += hours * HOUR
        allowed = [
            (one, by)
            for by in Side
            for one in possible(progress, procedure, by, now)
            if one is not Kind.WITHDRAW
        ]
        if allowed and not is_wild:
            kind, side = allowed[pick % len(allowed)]
        due_ms = due_after(progress, kind, now, procedure)
        move = Move(kind, side, now, due_ms, True)
        before = progress
        try:
            progress = advance(progress, move, procedure)
        except ConflictError:
            assert kind not in possible(before, procedure, side, now)
            continue
        taken.append(move)
        if kind not in (Kind.SUBMIT, Kind.SUPPLY):
            assert progress.due_ms == before.due_ms, "only a supplement moves it"
        if kind is Kind.SUPPLY:
            assert before.due_ms is not None
            assert progress.due_ms is not None
            assert progress.due_ms >= before.due_ms
    kinds = [one.kind for one in taken]
    assert all(kinds.count(one) <= 1 for one in Kind), "nothing is done twice"
    if Kind.GRANT in kinds:
        head = kinds[: kinds.index(Kind.GRANT)]
        assert head[0] is Kind.SUBMIT
        assert Kind.ACCEPT in head
        assert (Kind.CHECK in head) == procedure.checked
        assert (Kind.ASK in head) == (Kind.SUPPLY in head)
    if {Kind.GRANT, Kind.REFUSE, Kind.WITHDRAW} & set(kinds):
        assert not progress.is_open
        assert kinds[-1] in (Kind.GRANT, Kind.REFUSE, Kind.WITHDRAW)
    sides = {one.kind: one.side for one in taken}
    assert all(
        (sides[k] is A) == (k in (Kind.SUBMIT, Kind.SUPPLY, Kind.WITHDRAW))
        for k in sides
    )
    assert progress_of(taken, procedure) == progress, "steps alone say it all"


def test_a_step_that_would_move_the_due_date_is_refused() -> None:
    sent = walked(VIETGAP, (Kind.SUBMIT, A, "2026-11-02 09:00"))
    later = Move(
        Kind.ACCEPT, D, at("2026-11-03 09:00"), closing_of(dt.date(2027, 1, 4))
    )
    with pytest.raises(ConflictError, match="does not move the due date"):
        advance(sent, later, VIETGAP)


def test_counts_tell_open_waiting_overdue_on_time_and_late() -> None:
    sent = (Kind.SUBMIT, A, "2026-11-02 09:00")
    taken = (Kind.ACCEPT, D, "2026-11-03 09:00")
    found = [
        Progress(),
        walked(VIETGAP, sent),
        walked(VIETGAP, sent, (Kind.ASK, D, "2026-11-03 09:00")),
        walked(VIETGAP, sent, taken, (Kind.GRANT, D, "2026-11-05 09:00")),
        walked(VIETGAP, sent, taken, (Kind.REFUSE, D, "2027-03-05 09:00")),
        walked(VIETGAP, sent, (Kind.WITHDRAW, A, "2026-11-05 09:00")),
    ]
    assert counts_of(found, at("2026-11-06 09:00")) == (2, 1, 0, 1, 1)
    assert counts_of(found, at("2027-03-06 09:00")).overdue == 1


def chain() -> list[DossierStep]:
    steps: list[DossierStep] = []
    for kind, side, content in (
        (Kind.SUBMIT, A, {"text": "xin cấp"}),
        (Kind.ACCEPT, D, {"text": ""}),
        (Kind.GRANT, D, {"text": "", "code": "VietGAP-TS-13-01-KH-0001"}),
    ):
        code = "VG-261127-0001" if kind is Kind.SUBMIT else None
        draft = StepDraft(kind, side, "o", "p", len(steps), 99, content, code)
        steps.append(signed_step("d1", steps, draft, SIGNER))
    return steps


def test_a_chain_as_it_was_made_is_whole() -> None:
    steps = chain()
    assert first_broken_step("d1", steps, KEYS) is None
    assert [move_of(one).kind for one in steps] == ["submit", "accept", "grant"]
    assert said(steps[2])["content"]["code"] == "VietGAP-TS-13-01-KH-0001"


OTHER = Signer(Ed25519PrivateKey.from_private_bytes(bytes(range(1, 33))))


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda s: replace(s, document=s.document.replace("KH-0001", "KH-0002")), "content"),
        (lambda s: replace(s, person="q"), "columns"),
        (lambda s: replace(s, at_ms=s.at_ms + 1), "columns"),
        (lambda s: replace(s, kind="refuse"), "columns"),
        (lambda s: replace(s, code="x"), "columns"),
        (lambda s: replace(s, previous="0" * 64), "step before"),
        (lambda s: replace(s, signature=to_text(bytes(64))), "signature"),
        (lambda s: replace(s, signature="?"), "signature"),
        (lambda s: replace(s, key="other"), "signature"),
        (lambda s: replace(s, number=7), "missing"),
        (lambda s: replace(s, dossier="d2"), "missing"),
    ],
)  # fmt: skip
def test_an_altered_step_is_found(change: object, why: str) -> None:
    steps = chain()
    steps[2] = change(steps[2])  # type: ignore[operator]
    found = first_broken_step("d1", steps, KEYS)
    assert found is not None
    assert found.number == 3
    assert why in found.why


def test_a_step_left_out_and_one_signed_anew_by_another_are_found() -> None:
    steps = chain()
    assert first_broken_step("d1", [steps[0], steps[2]], KEYS) is not None
    draft = StepDraft(Kind.GRANT, D, "o", "p", 2, 99, {"text": ""})
    forged = signed_step("d1", steps[:2], draft, OTHER)
    assert first_broken_step("d1", [*steps[:2], forged], KEYS) is not None


def test_a_dossier_is_checked_from_its_document_alone() -> None:
    def document(steps: Sequence[DossierStep]) -> bytes:
        return msgspec.json.encode({"id": "d1", "state": "granted", "steps": steps})

    whole = document(chain())
    assert check_document(whole, KEYS) == ("d1", 3, None)
    altered = check_document(whole.replace(b"KH-0001", b"KH-0002"), KEYS)
    assert altered.broken is not None
    assert altered.broken.number == 3
    torn = [
        *chain()[:2],
        replace(chain()[2], document="[]", hash=link_hash(chain()[1].hash, "[]")),
    ]
    assert check_document(document(torn), KEYS).broken is not None
    for nonsense in (b"", b"[]", b'{"id": 1}', whole[:-9]):
        with pytest.raises(InputError, match="no dossier"):
            check_document(nonsense, KEYS)


def test_days_are_those_of_vietnam() -> None:
    assert day_of(at("2026-11-28 00:30")) == dt.date(2026, 11, 28)
