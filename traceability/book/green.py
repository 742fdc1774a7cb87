"""Green growth figures of a crop: what it took, and what it left behind.

Pure but for ``aerator_hours``. Every figure says what it rests on: measured by a probe,
declared by the producer in his book, or not known; nothing is filled in.
"""

from collections.abc import Collection, Iterable, Sequence
from datetime import timedelta
from enum import StrEnum
from typing import Final

from msgspec import Struct

from greenwater.kernel.channels import Channel
from greenwater.kernel.reading import HOUR_MS, day_of
from greenwater.reference.aerators import MONITOR, RUNNING_A
from greenwater.reference.substances import is_antibiotic
from greenwater.storage.registry import Registry
from greenwater.storage.registry.books import Crop, Record
from greenwater.storage.telemetry.ports import Bucket, Series, Span
from traceability.book.evidence import AeratorHours
from traceability.corrections import in_force
from traceability.ports import Telemetry

EVERY_MS: Final = 10 * 60 * 1000
"""How finely the running of aerators is looked at."""


class Basis(StrEnum):
    """What a figure rests on."""

    MEASURED = "measured"
    DECLARED = "declared"
    UNKNOWN = "unknown"


class Figure(Struct, frozen=True):
    """One figure; ``covered`` is the share of the time that was measured, if it was."""

    name: str
    value: float | None
    unit: str
    basis: Basis
    covered: float | None = None


class GreenFigures(Struct, frozen=True):
    """The figures of one crop; while it is open (``is_so_far``) they grow."""

    crop: str
    figures: tuple[Figure, ...]
    is_so_far: bool

    def get(self, name: str) -> Figure:
        """Return one figure by its name."""
        return next(one for one in self.figures if one.name == name)


def green_figures(
    crop: Crop,
    records: Iterable[Record],
    *,
    until_ms: int | None = None,
    aerators: AeratorHours | None = None,
) -> GreenFigures:
    """Return a crop's figures from its book (``crop_book``) and its aerators.

    ``until_ms`` leaves out what happened later, as a lot's passport does.
    """
    book = [
        one
        for one in in_force(records)
        if until_ms is None or one.happened_ms <= until_ms
    ]
    return GreenFigures(
        crop.id,
        (
            _fcr(book),
            _antibiotic_days(book),
            _aerators(aerators),
            _energy(book, crop),
            *_waste(book),
            _survival(book, crop),
        ),
        crop.ended_ms is None,
    )


def figures_of_crop(
    registry: Registry, crop: Crop, aerators: AeratorHours | None
) -> GreenFigures:
    """Return a crop's figures as its book stands; for pages of the province too."""
    book = crop_book(registry, crop, {"waste", "energy_use"})
    return green_figures(crop, book, aerators=aerators)


def crop_book(
    registry: Registry, crop: Crop, beside: Collection[str] | None = None
) -> list[Record]:
    """Return what the book says of a crop: its own records, and of its time those of its
    unit and of its site that name no other unit (``beside``: only of these kinds).

    Corrected records are among them (``in_force``).
    """
    own = list(registry.records(crop=crop.id))
    site = registry.get_unit(crop.unit).site
    known = {one.id for one in own}
    about = [
        one
        for one in registry.records(site=site, kinds=beside)
        if one.id not in known
        and one.crop is None
        and one.unit in (None, crop.unit)
        and one.happened_ms >= crop.started_ms
        and (crop.ended_ms is None or one.happened_ms <= crop.ended_ms)
    ]
    return sorted([*own, *about], key=lambda one: (one.happened_ms, one.id))


def _sum(book: Sequence[Record], kind: str, field: str) -> float:
    return sum(float(one.fields.get(field, 0)) for one in book if one.kind == kind)


def _fcr(book: Sequence[Record]) -> Figure:
    fed, reaped = _sum(book, "feed_use", "kg"), _sum(book, "harvest", "kg")
    if not fed or not reaped:
        return Figure("fcr", None, "", Basis.UNKNOWN)
    return Figure("fcr", round(fed / reaped, 2), "", Basis.DECLARED)


def _antibiotic_days(book: Sequence[Record]) -> Figure:
    if not book:
        return Figure("antibiotic_days", None, "ngày", Basis.UNKNOWN)
    days = set()
    for one in book:
        if one.kind == "drug_chem_use" and is_antibiotic(
            str(one.fields.get("substance", ""))
        ):
            first = day_of(one.happened_ms)
            count = int(one.fields.get("days", 1))
            days |= {first + timedelta(days=n) for n in range(count)}
    return Figure("antibiotic_days", float(len(days)), "ngày", Basis.DECLARED)


def _aerators(ran: AeratorHours | None) -> Figure:
    if ran is None:
        return Figure("aerator_hours", None, "h", Basis.UNKNOWN)
    return Figure("aerator_hours", ran.hours, "h", Basis.MEASURED, ran.covered)


def _energy(book: Sequence[Record], crop: Crop) -> Figure:
    """Return what meters of the crop's own pond read; a whole farm's meter is not told apart."""
    read = [
        float(one.fields["kwh"])
        for one in book
        if one.kind == "energy_use" and (one.crop == crop.id or one.unit == crop.unit)
    ]
    if not read:
        return Figure("energy", None, "kWh", Basis.UNKNOWN)
    return Figure("energy", round(sum(read), 1), "kWh", Basis.DECLARED)


def _waste(book: Sequence[Record]) -> list[Figure]:
    records = [one for one in book if one.kind == "waste"]
    count = Figure("waste", float(len(records)), "", Basis.DECLARED)
    effluent = [
        float(one.fields["volume_m3"])
        for one in records
        if one.fields.get("waste_kind") == "effluent" and "volume_m3" in one.fields
    ]
    if not effluent:
        return [Figure("effluent", None, "m³", Basis.UNKNOWN), count]
    return [
        Figure("effluent", round(sum(effluent), 1), "m³", Basis.DECLARED),
        count,
    ]


def _survival(book: Sequence[Record], crop: Crop) -> Figure:
    """Return the survival of a crop that is over; before, many are still in the water."""
    unknown = Figure("survival", None, "%", Basis.UNKNOWN)
    stocked = _sum(book, "stocking", "count")
    harvests = [one for one in book if one.kind == "harvest"]
    if crop.ended_ms is None or not stocked or not harvests:
        return unknown
    if any("pieces_per_kg" not in one.fields for one in harvests):
        return unknown
    reaped = sum(
        float(one.fields["kg"]) * float(one.fields["pieces_per_kg"]) for one in harvests
    )
    return Figure("survival", round(100 * reaped / stocked, 1), "%", Basis.DECLARED)


def aerator_hours(
    registry: Registry, telemetry: Telemetry, unit: str, from_ms: int, to_ms: int
) -> AeratorHours | None:
    """Return how long the aerators of a unit ran; None: none of them is watched.

    By ten minutes: a stretch in which the current rose or fell counts by its mean.

    Raises:
        UnavailableError: a database did not answer.
    """
    watched = {
        Series(one.device, one.id)
        for one in registry.list_probes()
        if one.profile == MONITOR
    }
    hung = [
        one
        for one in registry.deployments(unit=unit, start_ms=from_ms, end_ms=to_ms)
        if Series(one.device, one.probe) in watched
    ]
    if not hung or to_ms <= from_ms:
        return None
    ran, known, whole = 0.0, 0, 0
    for one in hung:
        first, last = max(from_ms, one.from_ms), min(to_ms, one.to_ms or to_ms)
        span = Span(Series(one.device, one.probe), first, last)
        buckets = telemetry.downsample(span, Channel.CURRENT, EVERY_MS)
        ran += sum(_running(bucket) for bucket in buckets)
        known += len(buckets)
        whole += max(1, -(-(last - first) // EVERY_MS))
    hours = round(ran * EVERY_MS / HOUR_MS, 1)
    return AeratorHours(hours, round(min(1.0, known / whole), 4))


def _running(bucket: Bucket) -> float:
    """Return for what share of its time an aerator ran in a bucket."""
    if bucket.maximum < RUNNING_A:
        return 0.0
    if bucket.minimum >= RUNNING_A:
        return 1.0
    return min(1.0, bucket.mean / bucket.maximum)
