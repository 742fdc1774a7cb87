"""How ready a crop is for VietGAP: each criterion met, not met or not shown. Pure.

"Not met" is said only of what the book or the telemetry contradicts; whatever nobody has
written down or measured is "not shown", with what would show it.
"""

import re
from collections.abc import Sequence
from enum import StrEnum
from itertools import pairwise

from msgspec import Struct

from greenwater.kernel.errors import InvariantError
from greenwater.kernel.reading import DAY_MS, day_of
from greenwater.reference.criteria import Criterion, Grade, Need, Standard, standard_on
from traceability.book.evidence import Evidence
from traceability.records import is_back_dated
from traceability.vietgap.certificates import add_months
from traceability.vietgap.readiness_checks import CHECKS
from traceability.vietgap.readiness_facts import (
    Entry,
    Known,
    ProbeState,
    Trouble,
    span_months,
)


class FindingState(StrEnum):
    """What is known of a criterion."""

    MET = "met"
    NOT_MET = "not_met"
    NOT_SHOWN = "not_shown"


class Reference(Struct, frozen=True):
    """A record behind a finding, with the digest it had."""

    id: str
    kind: str
    happened_ms: int
    digest: str


class Finding(Struct, frozen=True):
    """What is known of one criterion, and what shows it."""

    criterion: str
    grade: Grade
    state: FindingState
    troubles: tuple[Trouble, ...]
    records: tuple[Reference, ...]


class Share(Struct, frozen=True):
    """How many criteria of a grade are met, and how many a farm must meet."""

    met: int
    of: int
    least: float

    @property
    def is_enough(self) -> bool:
        """Whether as many are met as must be."""
        return self.met >= self.least * self.of


class Report(Struct, frozen=True, kw_only=True):
    """The readiness of a crop at an instant, with the evidence behind it."""

    crop: str
    made_ms: int
    instrument: str
    criteria_as_of: str
    findings: tuple[Finding, ...]
    a: Share
    b: Share
    span_months: int
    wanted_months: int
    back_dated_share: float
    evidence: Evidence | None
    probes: tuple[ProbeState, ...]
    calibration_days: int
    is_simulated: bool

    @property
    def is_ready(self) -> bool:
        """Whether all that the pass rule asks for is met (a reference value)."""
        return self.a.is_enough and self.b.is_enough


def report_of(known: Known) -> Report:
    """Return how ready a crop is.

    Raises:
        InputError: nothing is known of what VietGAP asks of such a unit.
    """
    standard = standard_on(day_of(known.now_ms), known.unit_kind)
    findings = tuple(_finding(one, standard, known) for one in standard.criteria)
    late = [
        one for one in known.entries if is_back_dated(one.happened_ms, one.entered_ms)
    ]
    evidence = known.evidence
    return Report(
        crop=known.crop.id,
        made_ms=known.now_ms,
        instrument=standard.instrument,
        criteria_as_of=standard.as_of.isoformat(),
        findings=findings,
        a=_share(findings, Grade.A, standard.rule.a_share),
        b=_share(findings, Grade.B, standard.rule.b_share),
        span_months=span_months(known.entries, known.now_ms),
        wanted_months=standard.rule.record_months,
        back_dated_share=round(len(late) / max(1, len(known.entries)), 4),
        evidence=evidence if evidence is not None and evidence.channels else None,
        probes=known.probes,
        calibration_days=standard.water.calibration_days,
        is_simulated=evidence is not None and evidence.is_simulated,
    )


def _share(findings: Sequence[Finding], grade: Grade, least: float) -> Share:
    graded = [one for one in findings if one.grade is grade]
    met = sum(one.state is FindingState.MET for one in graded)
    return Share(met, len(graded), least)


def _finding(criterion: Criterion, standard: Standard, known: Known) -> Finding:
    troubles, behind = list(_open_audits(criterion, known)), dict[str, Entry]()
    for need in criterion.needs:
        found, trouble = _held(need, criterion, known)
        behind |= {one.id: one for one in found}
        troubles += [] if trouble is None else [trouble]
    for check in criterion.checks:
        if check not in CHECKS:
            raise InvariantError(f"criterion {criterion.id}: no check {check!r}")
        troubles += CHECKS[check](known, standard)
    state = FindingState.MET
    if troubles:
        is_breach = any(one.is_breach for one in troubles)
        state = FindingState.NOT_MET if is_breach else FindingState.NOT_SHOWN
    return Finding(
        criterion.id,
        criterion.grade,
        state,
        tuple(troubles),
        tuple(
            Reference(one.id, one.kind, one.happened_ms, one.digest)
            for one in sorted(behind.values(), key=lambda o: (o.happened_ms, o.id))
        ),
    )


def _held(
    need: Need, criterion: Criterion, known: Known
) -> tuple[Sequence[Entry], Trouble | None]:
    """Return the records that answer a need, and what is missing of it."""
    if need.when and not any(one.kind == need.when for one in known.of_crop):
        return (), None
    found = [one for one in _young(need, known) if one.kind in need.kinds]
    if need.audit:
        found += [
            one for one in audits_of(criterion.id, _young(need, known)) if _ok(one)
        ]
    kind = need.kinds[0] if need.kinds and not need.audit else "internal_audit"
    cure = f"/records/new?crop={known.crop.id}&kind={kind}"
    if not found:
        code = "no_audit" if need.audit else "no_record"
        facts = {"kinds": list(need.kinds), "criterion": criterion.id}
        return (), Trouble(code, cure, {**facts, "months": need.months})
    whole = [one for one in found if all(one.fields.get(n) for n in need.fields)]
    if not whole or (need.each and len(whole) < len(found)):
        lacking = [n for n in need.fields if not all(o.fields.get(n) for o in found)]
        facts = {"kinds": [kind], "fields": lacking or list(need.fields)}
        return found, Trouble("no_field", cure, facts)
    return found, _rarity(need, cure, found, known)


def _young(need: Need, known: Known) -> Sequence[Entry]:
    if not need.months:
        return known.of_crop
    since_ms = add_months(known.now_ms, -need.months)
    return [one for one in known.entries if one.happened_ms >= since_ms]


def audits_of(criterion: str, entries: Sequence[Entry]) -> list[Entry]:
    """Return the internal audits that name a criterion."""
    return [
        one
        for one in entries
        if one.kind == "internal_audit"
        and criterion in re.findall(r"\d+(?:\.\d+)+", str(one.fields.get("criterion")))
    ]


def _ok(audit: Entry) -> bool:
    """Return whether an audit found nothing, or what it found was put right."""
    return not audit.fields.get("correction") or bool(audit.fields.get("closed"))


def _open_audits(criterion: Criterion, known: Known) -> list[Trouble]:
    return [
        Trouble(
            "audit_open",
            f"/records/new?crop={known.crop.id}&kind=internal_audit",
            {"finding": str(one.fields.get("finding", "")), "at_ms": one.happened_ms},
            is_breach=True,
        )
        for one in audits_of(criterion.id, known.entries)
        if not _ok(one)
    ]


def _rarity(
    need: Need, cure: str, found: Sequence[Entry], known: Known
) -> Trouble | None:
    if not need.every_days:
        return None
    times = sorted(one.happened_ms for one in found)
    marks = [known.crop.started_ms, *times, max(known.until_ms, times[-1])]
    longest = max(b - a for a, b in pairwise(marks)) // DAY_MS
    if longest < need.every_days:
        return None
    facts = {"kinds": list(need.kinds), "days": need.every_days, "longest": longest}
    return Trouble("too_rare", cure, facts)
