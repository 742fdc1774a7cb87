"""Dossiers as people read them: cards, a timeline, forms. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from greenwater.reference.communes import current_name
from greenwater.reference.procedures import Procedure
from traceability.vietgap.certificates import (
    CertificateScope,
    CertificateState,
    shown_code,
)
from traceability.vietgap.dossier_chain import said
from traceability.vietgap.dossiers import Counts, Kind, Progress, State
from traceability.vietgap.folders import Folder
from traceability.vietgap.readiness import Report
from web.views.formats import clock_time, day, exact
from web.views.readiness import ReadinessView, kind_name, readiness_view
from web.words import Lang, say

NEEDS_TEXT: Final = frozenset({Kind.ASK, Kind.REFUSE})
"""Steps that say what and why."""
DANGEROUS: Final = frozenset({Kind.REFUSE, Kind.WITHDRAW})


@dataclass(frozen=True)
class CardView:
    """A dossier in a list."""

    href: str
    code: str
    title: str
    applicant: str
    state: str
    state_words: str
    due: str
    is_overdue: bool


@dataclass(frozen=True)
class StepView:
    """One step of the timeline; ``seal`` is the beginning of its hash."""

    kind: str
    words: str
    at: str
    who: str
    text: str
    seal: str


@dataclass(frozen=True)
class FormView:
    """One thing that may be done now."""

    kind: str
    words: str
    button: str
    needs_text: bool
    is_dangerous: bool


@dataclass(frozen=True)
class FolderView:
    """A dossier, whole. ``papers`` are the applicant's as they were frozen."""

    card: CardView
    facts: Sequence[tuple[str, str]]
    steps: Sequence[StepView]
    forms: Sequence[FormView]
    sites: Sequence[str]
    members: Sequence[str]
    papers: ReadinessView | None
    papers_digest: str
    records: Sequence[str]


def due_text(lang: Lang, progress: Progress, now_ms: int) -> str:
    """Return by when it is due, and whether that is kept."""
    if progress.due_ms is None:
        return say(lang, "due_draft")
    if progress.is_paused:
        return say(lang, "due_paused")
    due = day(progress.due_ms)
    is_late = progress.is_overdue(now_ms)
    if progress.decided_ms is not None:
        key = "due_decided_late" if is_late else "due_decided"
        return say(lang, key, due=due, decided=day(progress.decided_ms))
    if progress.state is State.WITHDRAWN:
        return say(lang, "due_withdrawn")
    return say(lang, "due_overdue" if is_late else "due_by", due=due)


def card_view(
    lang: Lang, folder: Folder, names: Mapping[str, str], now_ms: int
) -> CardView:
    """Return a dossier for a list; ``names`` are of organisations."""
    rule, progress = folder.procedure, folder.progress
    return CardView(
        f"/dossiers/{folder.dossier.id}",
        folder.dossier.code or say(lang, "dossier_draft"),
        lang.of(rule),
        names.get(folder.dossier.organisation, folder.dossier.organisation),
        progress.state,
        say(lang, f"dossier_{progress.state}"),
        due_text(lang, progress, now_ms),
        progress.is_overdue(now_ms) and progress.is_open,
    )


def counts_text(lang: Lang, counts: Counts) -> str:
    """Return how an office stands, in a line."""
    return say(lang, "dossier_counts", **counts._asdict())


def folder_view(
    lang: Lang,
    folder: Folder,
    people: Mapping[str, str],
    names: Mapping[str, str],
    now_ms: int,
) -> FolderView:
    """Return a dossier in words; ``people`` and ``names`` are of persons, organisations."""
    attached = folder.attached
    papers = None
    if attached is not None and "readiness" in attached:
        report = msgspec.convert(attached["readiness"], Report)
        papers = readiness_view(lang, report)
    submitted = folder.submission
    scope = CertificateScope(())
    if submitted is not None:
        scope = msgspec.convert(submitted["scope"], CertificateScope)
    return FolderView(
        card_view(lang, folder, names, now_ms),
        _facts(lang, folder, names),
        [_step(lang, said(one), people, names, one.hash) for one in folder.steps],
        [_form(lang, kind) for kind in folder.may],
        *scope_lines(lang, scope),
        papers,
        (attached or {}).get("readiness_digest", ""),
        [
            say(
                lang,
                "paper_record",
                kind=kind_name(lang, one["kind"]),
                day=day(one["happened_ms"]),
                digest=one["digest"][:12],
            )
            for one in (attached or {}).get("records", ())
        ],
    )


def _commune(lang: Lang, code: str) -> str:
    if not code:
        return say(lang, "area_unknown")
    name = current_name(code)
    return code if name == code else f"{name}, {code}"


def scope_lines(
    lang: Lang, scope: CertificateScope
) -> tuple[Sequence[str], Sequence[str]]:
    """Return what a certificate or dossier is of: sites, members of a group."""
    sites = [
        say(
            lang,
            "scope_site",
            name=one.name,
            commune=_commune(lang, one.commune),
            units=", ".join(one.units),
            area=_number(lang, one.area_m2, "m²"),
            kg=_number(lang, one.expected_kg, "kg"),
        )
        for one in scope.sites
    ]
    members = [
        ", ".join(
            text
            for text in (
                one.name,
                one.address,
                one.product,
                _number(lang, one.area_m2, "m²"),
                _number(lang, one.expected_kg, "kg"),
            )
            if text
        )
        for one in scope.members
    ]
    return sites, members


def _number(lang: Lang, value: float | None, unit: str) -> str:
    if value is None:
        return say(lang, "not_said")
    return f"{exact(lang, value)}\N{NO-BREAK SPACE}{unit}"


def instrument_text(lang: Lang, rule: Procedure) -> str:
    """Return what a procedure rests on; unverified, it is called a reference value."""
    note = "" if rule.verified else f" ({say(lang, 'passport_reference')})"
    return f"{rule.instrument}{note}"


def _facts(
    lang: Lang, folder: Folder, names: Mapping[str, str]
) -> list[tuple[str, str]]:
    dossier, rule = folder.dossier, folder.procedure
    found = [
        ("dossier_code", dossier.code or ""),
        ("dossier_applicant", names.get(dossier.organisation, dossier.organisation)),
        ("dossier_decider", names.get(dossier.decider, dossier.decider)),
        ("dossier_checker", names.get(dossier.checker or "", dossier.checker or "")),
        ("dossier_instrument", instrument_text(lang, rule)),
        ("dossier_days", say(lang, "working_days", count=rule.working_days)),
    ]
    decided = folder.decision
    if decided is not None and "code" in decided:
        found.append(("dossier_granted_code", shown_code(decided["code"])))
    return [(say(lang, key), text) for key, text in found if text]


def _step(
    lang: Lang,
    document: Mapping[str, Any],
    people: Mapping[str, str],
    names: Mapping[str, str],
    seal: str,
) -> StepView:
    content = document["content"]
    key = f"step_{document['kind']}"
    if document["kind"] == Kind.CHECK:
        key = "step_check_fits" if content["fits"] else "step_check_not"
    person = people.get(document["person"], document["person"])
    office = names.get(document["organisation"], document["organisation"])
    return StepView(
        document["kind"],
        say(lang, key),
        f"{clock_time(document['at_ms'])} {day(document['at_ms'])}",
        f"{person}, {office}",
        content.get("text", ""),
        seal[:12],
    )


def _form(lang: Lang, kind: Kind) -> FormView:
    return FormView(
        kind,
        say(lang, f"do_{kind}"),
        say(lang, f"do_{kind}_button"),
        kind in NEEDS_TEXT,
        kind in DANGEROUS,
    )


def state_text(lang: Lang, state: CertificateState) -> str:
    """Return whether a certificate is good, for its holder and officials."""
    return say(lang, f"certificate_is_{state}")
