"""A crop's readiness as people read it. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from markupsafe import Markup

from greenwater.kernel.channels import Channel
from greenwater.kernel.reading import DAY_MS
from greenwater.reference.criteria import find_criterion
from traceability.vietgap.readiness import Finding, FindingState, Report, Share
from traceability.vietgap.readiness_facts import ProbeState, Trouble
from web.views.evidence import percent
from web.views.formats import day
from web.words import WORDS, Lang, channel_name, say

MARKS: Final[Mapping[FindingState, str]] = {
    FindingState.MET: "✓",
    FindingState.NOT_MET: "✕",
    FindingState.NOT_SHOWN: "?",
}
LOOKS: Final[Mapping[FindingState, str]] = {
    FindingState.MET: "good",
    FindingState.NOT_MET: "bad",
    FindingState.NOT_SHOWN: "doubt",
}
WIDTH: Final = 320


@dataclass(frozen=True)
class CriterionView:
    """One criterion: its mark, words, what is missing (with cures), what shows it."""

    id: str
    name: str
    grade: str
    look: str
    mark: str
    state: str
    troubles: Sequence[tuple[str, str]]
    records: str


@dataclass(frozen=True)
class ShareView:
    """How many criteria of a grade are met."""

    name: str
    text: str
    is_enough: bool
    bar: Markup


@dataclass(frozen=True)
class ProbeView:
    """A probe and its last calibration."""

    value: str
    name: str
    text: str
    is_old: bool


@dataclass(frozen=True)
class ReadinessView:
    """All of it; ``missing`` first, what is not met before what is not shown."""

    is_ready: bool
    headline: str
    shares: Sequence[ShareView]
    missing: Sequence[CriterionView]
    met: Sequence[CriterionView]
    probes: Sequence[ProbeView]
    instrument: str
    span: str
    made: str


def readiness_view(lang: Lang, report: Report) -> ReadinessView:
    """Return a report in words."""
    order = {FindingState.NOT_MET: 0, FindingState.NOT_SHOWN: 1, FindingState.MET: 2}
    ranked = sorted(report.findings, key=lambda one: (order[one.state], one.grade))
    views = [(one.state, _criterion(lang, one)) for one in ranked]
    missing = [view for state, view in views if state is not FindingState.MET]
    return ReadinessView(
        report.is_ready,
        say(lang, "ready_yes" if report.is_ready else "ready_no", count=len(missing)),
        [
            _share(lang, "A", report.a, report.findings),
            _share(lang, "B", report.b, report.findings),
        ],
        missing,
        [view for state, view in views if state is FindingState.MET],
        [_probe(lang, one, report) for one in report.probes],
        report.instrument,
        say(
            lang,
            "ready_span",
            months=report.span_months,
            wanted=report.wanted_months,
            late=percent(lang, report.back_dated_share),
        ),
        day(report.made_ms),
    )


def _share(
    lang: Lang, grade: str, share: Share, findings: Sequence[Finding]
) -> ShareView:
    counts = {
        state: sum(one.grade == grade and one.state is state for one in findings)
        for state in (FindingState.MET, FindingState.NOT_MET, FindingState.NOT_SHOWN)
    }
    return ShareView(
        say(lang, f"grade_{grade}"),
        say(
            lang,
            "ready_share",
            met=share.met,
            of=share.of,
            least=percent(lang, share.least),
        ),
        share.is_enough,
        _bar(lang, counts, share.least),
    )


def _bar(lang: Lang, counts: Mapping[FindingState, int], least: float) -> Markup:
    """Return a drawn bar: met, not met, not shown, and a line where enough is."""
    total, x = max(1, sum(counts.values())), 0.0
    told = ", ".join(
        f"{say(lang, f'finding_{state}')} {count}" for state, count in counts.items()
    )
    parts = [
        f'<svg class="readybar" viewBox="0 0 {WIDTH} 20" role="img" width="100%" height="20" '
        f'preserveAspectRatio="none"><title>{told}</title>'
    ]
    for state, count in counts.items():
        width = WIDTH * count / total
        parts.append(
            f'<rect x="{x:.1f}" y="2" width="{width:.1f}" height="16" '
            f'class="{LOOKS[state]}"/>'
        )
        x += width
    at = min(WIDTH - 2.0, WIDTH * least)
    parts.append(f'<rect x="{at:.1f}" y="0" width="2" height="20" class="least"/>')
    key = " · ".join(
        f"{MARKS[state]} {say(lang, f'finding_{state}')} {count}"
        for state, count in counts.items()
        if count
    )
    return Markup("".join([*parts, f'</svg><p class="note">{key}</p>']))


def _criterion(lang: Lang, finding: Finding) -> CriterionView:
    known = find_criterion(finding.criterion)
    name = finding.criterion
    if known is not None:
        name = lang.of(known)
    kinds = dict.fromkeys(one.kind for one in finding.records)
    shown = ", ".join(
        f"{kind_name(lang, kind)} ({sum(o.kind == kind for o in finding.records)})"
        for kind in kinds
    )
    return CriterionView(
        finding.criterion,
        name,
        say(lang, f"grade_{finding.grade}"),
        LOOKS[finding.state],
        MARKS[finding.state],
        say(lang, f"finding_{finding.state}"),
        [(trouble_text(lang, one), one.cure) for one in finding.troubles],
        say(lang, "ready_behind", records=shown) if shown else "",
    )


def kind_name(lang: Lang, kind: str) -> str:
    """Return the name of a kind of record."""
    return WORDS[lang].get(f"record_{kind}", kind)


def trouble_text(lang: Lang, trouble: Trouble) -> str:
    """Return in words what is missing or wrong."""
    facts: dict[str, Any] = dict(trouble.facts)
    if "kinds" in facts:
        names = [kind_name(lang, kind) for kind in facts["kinds"]]
        facts["kinds"] = say(lang, "or").join(names)
    if "fields" in facts:
        words = WORDS[lang]
        facts["fields"] = ", ".join(words.get(f"field_{n}", n) for n in facts["fields"])
    if "channel" in facts:
        facts["channel"] = channel_name(lang, Channel(facts["channel"]))
    for name in ("inside", "measured", "least_inside", "least_measured"):
        if name in facts:
            facts[name] = percent(lang, facts[name])
    for name in ("at_ms", "until_ms"):
        if name in facts:
            facts[name.removesuffix("_ms")] = day(int(facts[name]))
    return say(lang, f"trouble_{trouble.code}", **facts)


def _probe(lang: Lang, probe: ProbeState, report: Report) -> ProbeView:
    value = f"{probe.device}/{probe.probe}"
    if probe.calibrated_ms is None:
        return ProbeView(value, probe.probe, say(lang, "calibrated_never"), True)
    days = (report.made_ms - probe.calibrated_ms) // DAY_MS
    text = say(
        lang,
        "calibrated_on",
        day=day(probe.calibrated_ms),
        days=days,
        reference=probe.reference,
    )
    return ProbeView(value, probe.probe, text, days > report.calibration_days)
