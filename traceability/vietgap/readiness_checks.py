"""What criteria look for beside records being there. Pure; each returns what is wrong."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from greenwater.kernel.channels import Channel
from greenwater.kernel.reading import DAY_MS, day_of
from greenwater.reference.criteria import Standard
from greenwater.reference.limits import species_limits
from greenwater.reference.substances import find_ban, withdrawal_days
from traceability.book.evidence import ChannelEvidence
from traceability.vietgap.readiness_facts import Entry, Known, Trouble, span_months

WORKING_AGE: Final = 15
SUBSTANCES: Final = ("drug_chem_use", "drug_chem_in", "pond_prep")

Check = Callable[[Known, Standard], list[Trouble]]


def _of(known: Known, *kinds: str) -> list[Entry]:
    return [one for one in known.of_crop if one.kind in kinds]


def _entering(known: Known, kind: str) -> str:
    return f"/records/new?crop={known.crop.id}&kind={kind}"


def _registration_expired(known: Known, _standard: Standard) -> list[Trouble]:
    today = day_of(known.now_ms).isoformat()
    held = [one for one in known.entries if one.kind == "site_registration"]
    until = str(held[-1].fields.get("valid_until") or "") if held else ""
    if not until or until >= today:
        return []
    cure = _entering(known, "site_registration")
    return [Trouble("registration_expired", cure, {"until": until}, is_breach=True)]


def _span(known: Known, standard: Standard) -> list[Trouble]:
    months = span_months(known.entries, known.now_ms)
    wanted = standard.rule.record_months
    if months >= wanted:
        return []
    return [Trouble("span_short", "/records", {"months": months, "wanted": wanted})]


def _water(known: Known, standard: Standard) -> list[Trouble]:
    rule, found = standard.water, []
    channels = {} if known.evidence is None else _by_channel(known.evidence.channels)
    for channel in rule.channels:
        limits = species_limits(known.crop.species, channel)
        if limits is None or limits.outermost is None:
            continue
        one = channels.get(channel)
        facts: dict[str, Any] = {"channel": channel}
        cure = f"/units/{known.crop.unit}"
        if one is None or one.inside_share is None:
            found.append(Trouble("water_none", cure, facts))
            continue
        facts |= {
            "inside": one.inside_share,
            "measured": round(1 - one.gap_share, 4),
            "least_inside": rule.min_inside,
            "least_measured": rule.min_measured,
        }
        if one.inside_share < rule.min_inside:
            found.append(Trouble("water_outside", cure, facts, is_breach=True))
        if 1 - one.gap_share < rule.min_measured:
            found.append(Trouble("water_gaps", cure, facts))
    return found


def _by_channel(channels: Sequence[ChannelEvidence]) -> dict[Channel, ChannelEvidence]:
    return {Channel(one.channel): one for one in channels}


def _calibration(known: Known, standard: Standard) -> list[Trouble]:
    most, found = standard.water.calibration_days, []
    cure = f"/crops/{known.crop.id}/readiness#calibrations"
    for one in known.probes:
        if one.calibrated_ms is None:
            found.append(Trouble("not_calibrated", cure, {"probe": one.probe}))
            continue
        days = (known.until_ms - one.calibrated_ms) // DAY_MS
        if days > most:
            facts = {"probe": one.probe, "days": days, "most": most}
            found.append(Trouble("calibration_old", cure, facts))
    return found


def _banned(known: Known, _standard: Standard) -> list[Trouble]:
    found = []
    for one in _of(known, *SUBSTANCES):
        substance = str(one.fields.get("substance") or "")
        ban = find_ban(substance)
        if ban is not None:
            facts = {"substance": substance, "instrument": ban.instrument}
            cure = f"/crops/{known.crop.id}"
            found.append(Trouble("banned_used", cure, facts, is_breach=True))
    return found


def _book_kept(known: Known, _standard: Standard) -> list[Trouble]:
    """Silence about treatments says something only where the book is kept at all."""
    return [
        Trouble("book_empty", _entering(known, kind), {"kinds": [kind]})
        for kind in ("stocking", "feed_use")
        if not _of(known, kind)
    ]


def _withdrawal(known: Known, _standard: Standard) -> list[Trouble]:
    found = []
    for harvest in _of(known, "harvest"):
        for drug in _of(known, "drug_chem_use"):
            substance = str(drug.fields.get("substance") or "")
            days = withdrawal_days(substance, drug.fields.get("withdrawal_days"))
            until_ms = drug.happened_ms + days * DAY_MS
            if drug.happened_ms <= harvest.happened_ms < until_ms:
                facts = {"substance": substance, "until_ms": until_ms}
                cure = f"/crops/{known.crop.id}"
                found.append(
                    Trouble("harvest_in_withdrawal", cure, facts, is_breach=True)
                )
    return found


def _seed_tests(known: Known, _standard: Standard) -> list[Trouble]:
    return [
        Trouble("seed_positive", _entering(known, "seed_in"), {}, is_breach=True)
        for one in _of(known, "seed_in")
        if one.fields.get("test_result") == "positive"
    ]


def _child_worker(known: Known, _standard: Standard) -> list[Trouble]:
    year, found = day_of(known.now_ms).year, []
    for one in known.entries:
        born = one.fields.get("birth_year")
        if one.kind == "worker_training" and born and year - int(born) < WORKING_AGE:
            cure = _entering(known, "worker_training")
            facts = {"age": year - int(born), "least": WORKING_AGE}
            found.append(Trouble("child_worker", cure, facts, is_breach=True))
    return found


def _complaint_open(known: Known, _standard: Standard) -> list[Trouble]:
    return [
        Trouble(
            "complaint_open",
            _entering(known, "complaint"),
            {"about": str(one.fields.get("about", "")), "at_ms": one.happened_ms},
            is_breach=True,
        )
        for one in known.entries
        if one.kind == "complaint" and not one.fields.get("closed")
    ]


CHECKS: Final[Mapping[str, Check]] = {
    "registration_expired": _registration_expired,
    "span": _span,
    "water": _water,
    "calibration": _calibration,
    "banned": _banned,
    "book_kept": _book_kept,
    "withdrawal": _withdrawal,
    "seed_tests": _seed_tests,
    "child_worker": _child_worker,
    "complaint_open": _complaint_open,
}
"""By the names that ``criteria.toml`` uses."""
