"""What the page of a trip shows: positions, book, weights, landings, papers."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from greenwater.kernel.reading import HOUR_MS, MINUTE_MS
from greenwater.kernel.trips import Haul, Violation
from greenwater.reference.closed_areas import AREAS
from greenwater.reference.vessel_records import get_vessel_kind
from greenwater.reference.vessel_rules import RULES
from greenwater.storage.registry.scope import Scope
from greenwater.storage.registry.vessel_books import VesselRecord
from traceability.records import is_back_dated
from traceability.sea.coverage import Coverage
from traceability.sea.gate import SETTLES, finding_of
from traceability.sea.trip_book import Standing, differences, in_force
from traceability.sea.trip_case import TripView
from web.views.formats import day, duration, exact, happened_text, moment, number
from web.views.seawords import (
    day_time,
    drift_text,
    field_text,
    kilograms_text,
    port_name,
    span_text,
    species_name,
    zone_name,
)
from web.views.waters import areas_text, waters_text, zones_text
from web.words import Lang, said, say


@dataclass(frozen=True)
class SeaRecordView:
    """One entry of a vessel's book."""

    id: str
    kind: str
    name: str
    text: str
    happened: str
    entered: str
    by: str
    behalf: str
    source: str
    is_back_dated: bool
    is_corrected: bool
    correct: str
    photos: int


@dataclass(frozen=True)
class HaulView:
    """One haul as positions show it, and what was written of it."""

    id: str
    name: str
    when: str
    waters: str
    caught: str
    href: str
    is_one: bool
    """One entry was written of it: ``href`` corrects that one."""


@dataclass(frozen=True)
class WeightView:
    """One species: written at sea against weighed ashore."""

    name: str
    expected: str
    landed: str
    share: str
    is_within: bool


@dataclass(frozen=True)
class ZoneView:
    """One candidate of fishing in closed waters; ``grounds`` is what closes an area."""

    text: str
    grounds: str
    state: str
    is_settled: bool
    is_verified: bool
    href: str


def sea_record_views(
    lang: Lang,
    seen: Scope,
    records: Sequence[VesselRecord],
    now_ms: int,
    names: Mapping[str, str],
) -> list[SeaRecordView]:
    """Return entries, with what of them counts among these and how many photos each has."""
    standing = frozenset(one.record.id for one in in_force(records))
    photos = Counter(
        one.record for one in seen.vessel_photos(*(known.id for known in records))
    )
    return [
        _sea_record_view(lang, one, now_ms, names, standing, photos[one.id])
        for one in records
    ]


def _sea_record_view(
    lang: Lang,
    record: VesselRecord,
    now_ms: int,
    names: Mapping[str, str],
    standing: frozenset[str],
    photos: int,
) -> SeaRecordView:
    """Return an entry with who wrote it for whom, when it happened and was entered."""
    parts = [
        f"{say(lang, f'sea_field_{one.name}')}: {field_text(lang, one, value)}"
        for one in get_vessel_kind(record.kind).fields
        if (value := record.fields.get(one.name)) is not None
        and one.name not in ("haul", "covers", "violation")
    ]
    is_own = record.kind == "confirmation"
    address = f"/vessels/{record.vessel}/records/new"
    return SeaRecordView(
        record.id,
        record.kind,
        say(lang, f"sea_kind_{record.kind}"),
        " · ".join(parts),
        happened_text(lang, record.happened_ms, record.entered_ms, now_ms),
        moment(lang, record.entered_ms, now_ms),
        names.get(record.entered_by, record.entered_by),
        ""
        if record.entered_for == record.entered_by
        else names.get(record.entered_for, record.entered_for),
        say(lang, f"sea_source_{record.source}"),
        is_back_dated(record.happened_ms, record.entered_ms),
        record.id not in standing,
        "" if is_own else f"{address}?kind={record.kind}&corrects={record.id}",
        photos,
    )


def found_facts(
    lang: Lang, view: TripView, names: Mapping[str, str]
) -> list[tuple[str, str]]:
    """Return what positions show of a trip, its ends by whoever said so if none were seen."""
    if view.found is None:
        return []
    trip = view.found.trip
    who = _said_by(lang, view, names) if view.found.is_declared else ""
    at_sea = say(lang, "sea_trip_at_sea")
    ended = at_sea if trip.landing_ms is None else day_time(trip.landing_ms)
    rows = [
        ("sea_departure", f"{day_time(trip.departure_ms)}, {port_name(trip.departure_port)}{who}"),
        ("sea_return", f"{ended}{', ' if trip.landing_port else ''}{port_name(trip.landing_port)}{who}"),
        ("sea_hauls", str(len(view.found.hauls))),
        ("sea_zones", zones_text(lang, trip.minutes)),
        ("sea_areas", areas_text(lang, view.found.hauls)),
        ("sea_passed", passed_text(lang, trip.passed, areas=True)),
        ("sea_passed_zones", passed_text(lang, trip.passed, areas=False)),
    ]  # fmt: skip
    return said(lang, rows)


def _said_by(lang: Lang, view: TripView, names: Mapping[str, str]) -> str:
    if view.book.trip is None:
        return ""
    record = view.book.trip.record
    by, of = (names.get(one, one) for one in (record.entered_by, record.entered_for))
    key = "sea_said_by" if by == of else "sea_said_for"
    return f" ({say(lang, key, by=by, of=of)})"


def conflict_lines(lang: Lang, view: TripView) -> list[str]:
    """Return where the declaration and positions differ, both told."""
    return [
        say(
            lang,
            f"sea_conflict_{one.what}",
            said="" if one.said is None else _end(one.said),
            seen=_end(one.seen),
        )
        for one in view.conflicts
    ]


def _end(end: tuple[int, str]) -> str:
    return ", ".join(filter(None, (day_time(end[0]), port_name(end[1]))))


def _length(lang: Lang, minutes: float) -> str:
    return duration(lang, round(minutes) * MINUTE_MS)


def passed_text(lang: Lang, passed: Mapping[str, float], *, areas: bool) -> str:
    """Return how long a vessel was in closed areas, or in zones closed to its class.

    Whatever it did there.
    """
    return ", ".join(
        say(
            lang,
            "sea_minutes_in",
            length=_length(lang, minutes),
            area=zone_name(lang, code),
        )
        for code, minutes in passed.items()
        if minutes >= 1 and (code in AREAS) is areas
    )


def grounds_text(lang: Lang, one: Violation) -> str:
    """Return what closes the area of a candidate, and what of it was not found."""
    area = AREAS.get(one.area or "")
    if area is None:
        return ""
    instrument, gap = (
        (area.instrument_vi, area.gap_vi)
        if lang is Lang.VI
        else (area.instrument_en, area.gap_en)
    )
    return say(lang, "sea_area_grounds", instrument=instrument, gap=gap)


def coverage_text(lang: Lang, coverage: Coverage | None) -> str:
    """Return how positions cover a trip, and where they came from."""
    if coverage is None or not coverage.positions:
        return say(lang, "sea_no_positions")
    sources = ", ".join(
        f"{say(lang, f'sea_from_{source}')} {number(lang, 100 * share)} %"
        for source, share in coverage.by_source.items()
    )
    return say(
        lang,
        "sea_coverage",
        share=f"{number(lang, 100 * coverage.share)} %",
        gap=number(lang, coverage.longest_gap_ms / HOUR_MS, 1),
        sources=sources,
    )


def haul_views(lang: Lang, view: TripView) -> list[HaulView]:
    """Return the hauls that positions show, with what was written of each."""
    hauls: Sequence[Haul] = () if view.found is None else view.found.hauls
    caught: dict[str, list[Standing]] = {}
    for one in view.book.catches:
        caught.setdefault(str(one.record.fields.get("haul", "")), []).append(one)
    return [
        HaulView(
            haul.id,
            say(lang, "sea_haul", number=haul.number),
            with_grounds(
                lang, span_text(haul.set_ms or haul.began_ms, haul.ended_ms), haul
            ),
            waters_text(lang, haul),
            "; ".join(
                kilograms_text(lang, one.kilograms) for one in caught.get(haul.id, ())
            ),
            *_writing(view, haul, caught.get(haul.id, ())),
        )
        for haul in hauls
    ]


def _writing(
    view: TripView, haul: Haul, written: Sequence[Standing]
) -> tuple[str, bool]:
    """Return where a haul's catch is written, and whether that corrects the only entry."""
    address = f"/vessels/{view.vessel.id}/records/new?kind=catch"
    if len(written) == 1:
        return f"{address}&corrects={written[0].record.id}", True
    return f"{address}&trip={view.trip}&haul={haul.id}", False


def with_grounds(lang: Lang, text: str, one: Haul | Violation) -> str:
    """Return words with how sure the model is, and the speed rule beside it."""
    if one.rule_share is None:
        return text
    rule = f"{number(lang, 100 * one.rule_share)} %"
    if one.probability is None:
        return f"{text} · {say(lang, 'sea_judged_rare', rule=rule)}"
    model = f"{number(lang, 100 * one.probability)} %"
    return f"{text} · {say(lang, 'sea_judged', model=model, rule=rule)}"


def weight_views(lang: Lang, view: TripView) -> list[WeightView]:
    """Return what was written at sea against what was weighed ashore."""
    return [
        WeightView(
            species_name(lang, one.species),
            exact(lang, one.expected),
            exact(lang, one.landed),
            "–" if one.share is None else f"{number(lang, 100 * one.share, 1)} %",
            one.is_within,
        )
        for one in differences(view.book)
    ]


def tolerance_text(lang: Lang) -> str:
    """Return the tolerance, with what it rests on."""
    share = f"{number(lang, 100 * RULES.tolerance.value)} %"
    return say(lang, "sea_tolerance", share=share)


def violation_text(lang: Lang, one: Violation) -> str:
    """Return a candidate of work in closed waters, and what it rests on."""
    kind = "_serves" if one.serves else "_area" if one.area else ""
    text = say(
        lang,
        f"sea_violation{kind}",
        day=day(one.began_ms),
        length=_length(lang, one.minutes),
        zone=zone_name(lang, one.area or one.zone),
    )
    return with_grounds(lang, text, one)


def zone_views(lang: Lang, view: TripView) -> list[ZoneView]:
    """Return the candidates of work in closed waters."""
    address = f"/vessels/{view.vessel.id}/records/new?kind=statement&trip={view.trip}"
    found = []
    for one in view.violations:
        finding = finding_of(view.book, one.id)
        text = violation_text(lang, one)
        state = say(lang, f"sea_findings_{finding}" if finding else "sea_unsettled")
        found.append(
            ZoneView(
                text, grounds_text(lang, one), state, finding in SETTLES, one.is_verified,
                f"{address}&violation={one.id}",
            )
        )  # fmt: skip
    return found


def notice_texts(lang: Lang, view: TripView) -> list[tuple[str, bool]]:
    """Return the notices to ports; whether each was given in time."""
    return [notice_text(lang, one.record) for one in view.book.notices]


def notice_text(lang: Lang, notice: VesselRecord) -> tuple[str, bool]:
    """Return a notice to a port; whether it was given in time."""
    fields = notice.fields
    ahead_ms = fields["planned_ms"] - notice.happened_ms
    is_early = ahead_ms >= round(RULES.notice.value * HOUR_MS)
    text = say(
        lang,
        "sea_notice" if is_early else "sea_notice_late",
        passage=say(lang, f"sea_passages_{fields['passage']}"),
        port=port_name(fields["port"]),
        planned=day_time(fields["planned_ms"]),
        ahead=number(lang, max(0, ahead_ms) / 60_000),
        hours=number(lang, RULES.notice.value),
    )
    return text, is_early


def drift_line(lang: Lang, view: TripView) -> str:
    """Return in what positions differ from what was confirmed; empty: in nothing."""
    if not view.drift:
        return ""
    return say(lang, "sea_drift", differs=drift_text(lang, view.drift))
