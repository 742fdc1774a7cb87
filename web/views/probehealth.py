"""How the probes of a unit are: whether they answer, how good their readings are, when people
calibrated and cleaned them."""

from dataclasses import dataclass, replace
from typing import Final

from greenwater.kernel.channels import SPECS, Measurement
from greenwater.kernel.reading import DAY_MS, Source
from greenwater.reference.alarm_rules import RULES
from greenwater.storage.registry.certification import Calibration
from greenwater.storage.registry.places import UnitInfo
from traceability.corrections import in_force
from web.ports import Services
from web.views.cards import state_of, titles
from web.views.facts import Facts, Hanging
from web.views.formats import age, number
from web.views.unitcharts import UnitCharts
from web.words import Lang, say

CALIBRATED_DAYS: Final = 60
"""How old a calibration may be, as for VietGAP (greenwater/reference/criteria.toml)."""

GOOD_SHARE: Final = 0.9
"""Below this a probe is worth a look. Ours."""


@dataclass(frozen=True)
class HealthView:
    """One probe: whether it answers, its readings' quality, calibration, cleaning; marks."""

    title: str
    probe: str
    answers: str
    quality: str
    calibrated: str
    cleaned: str
    is_well: bool
    is_due: bool


def health_of(
    services: Services, facts: Facts, unit: UnitInfo, lang: Lang, charts: UnitCharts
) -> list[HealthView]:
    """Return how each probe that measures a unit's water is."""
    hanging = list(facts.in_units.get(unit.id, ()))
    newest: dict[tuple[str, str], Calibration] = {
        (one.device, one.probe): one for one in services.seen.calibrations()
    }
    cleaned = _cleaned(lang, services, unit, facts.now_ms)
    found = []
    for one, title in zip(hanging, titles(lang, hanging), strict=True):
        if one.source is not Source.HAND and _is_of_water(one):
            known = newest.get((one.deployed.device, one.deployed.probe))
            view = _view(lang, facts, one, title, known, charts)
            found.append(replace(view, cleaned=cleaned))
    return found


def _is_of_water(one: Hanging) -> bool:
    return any(
        SPECS[reading.channel].measurement is Measurement.WATER
        for reading in one.readings
    )


def _view(
    lang: Lang,
    facts: Facts,
    one: Hanging,
    title: str,
    calibrated: Calibration | None,
    charts: UnitCharts,
) -> HealthView:
    answers, does_answer = _answers(lang, facts, one)
    quality, is_good = _quality(lang, charts.quality(one.deployed))
    words, is_due = _calibrated(lang, calibrated, facts.now_ms)
    return HealthView(
        title,
        one.deployed.probe,
        answers,
        quality,
        words,
        "",
        does_answer and is_good,
        is_due,
    )


def _answers(lang: Lang, facts: Facts, one: Hanging) -> tuple[str, bool]:
    heard = facts.statuses.get(one.deployed.device)
    is_deaf = heard is not None and one.deployed.probe in heard[1].unhealthy
    if is_deaf or one.newest_ms is None:
        return say(lang, "probe_health_deaf"), False
    told = age(lang, one.newest_ms, facts.now_ms)
    is_young = state_of(one.newest_ms, facts.now_ms) == "fresh"
    return say(lang, "probe_health_heard", age=told), is_young


def _quality(lang: Lang, counted: tuple[int, int] | None) -> tuple[str, bool]:
    if counted is None:
        return say(lang, "probe_health_quality_shorter"), True
    judged, good = counted
    if not judged:
        return say(lang, "probe_health_unjudged"), True
    share = good / judged
    words = say(lang, "probe_health_quality", share=number(lang, 100 * share))
    return words, share >= GOOD_SHARE


def _calibrated(lang: Lang, known: Calibration | None, now_ms: int) -> tuple[str, bool]:
    if known is None:
        return say(lang, "probe_health_never"), True
    days = (now_ms - known.at_ms) // DAY_MS
    facts = {"days": number(lang, days), "reference": known.reference}
    return say(lang, "probe_health_calibrated", **facts), days > CALIBRATED_DAYS


def _cleaned(lang: Lang, services: Services, unit: UnitInfo, now_ms: int) -> str:
    """Return when people last cleaned what hangs in a unit, by its book."""
    book = services.seen.records(unit=unit.id, kinds={"probe_cleaning"})
    last_ms = max((one.happened_ms for one in in_force(book)), default=None)
    if last_ms is None:
        return say(lang, "probe_health_uncleaned")
    days, most = (now_ms - last_ms) // DAY_MS, RULES.cleaning.most_days
    if days <= most:
        return say(lang, "probe_health_cleaned", days=number(lang, days))
    told = {"days": number(lang, days), "most": number(lang, most)}
    return say(lang, "probe_health_to_clean", **told)
