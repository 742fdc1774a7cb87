"""The document behind a label: what it is, who made it, whether the label holds, how the
water was.

It has the ten items that Circular 02/2024/TT-BKHCN asks for (standards.md §1), as far as
they are known; every fact says whether it was measured or declared by the producer.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Final

from msgspec import Struct
from msgspec.structs import replace

from greenwater.kernel.errors import MissingError
from greenwater.reference.communes import shown_name
from greenwater.reference.species import get_species
from greenwater.storage.registry import Registry
from greenwater.storage.registry.books import Lot, Record
from greenwater.storage.registry.labels import Label
from traceability.book.evidence import Evidence
from traceability.book.green import GreenFigures, figures_of_crop
from traceability.book.locality import locality_of
from traceability.corrections import in_force
from traceability.label.claimed import standards_of
from traceability.label.exceptions import ExceptionShown, exceptions_of
from traceability.label.origins import commune_of, evidence_in, roots_of
from traceability.label.places import StoryPlace, farm_place, in_order, sea_places
from traceability.proof.labelfacts import read_facts
from traceability.proof.verify import Verdict
from traceability.sea.catch_evidence import CatchEvidence, catch_evidence_in
from traceability.vietgap.claims import CertificateShown, certificate_shown


class Names(Struct, frozen=True):
    """A name in both languages."""

    vi: str
    en: str


class Stage(Struct, frozen=True):
    """One step of the product's way; ``entered_ms`` None: it sums up several entries."""

    kind: str
    happened_ms: int
    entered_ms: int | None
    place: str
    facts: dict[str, Any]
    is_measured: bool = False


class Origin(Struct, frozen=True):
    """One harvest or landing that goods came from; weights in kg of the whole lot.

    ``evidence`` is how its water was; None: nothing was measured, or it was caught at sea.
    """

    gtin: str
    lot: str
    producer: str
    site: str
    unit: str
    harvested_ms: int
    kg: float
    evidence: Evidence | None = None


class Passport(Struct, frozen=True):
    """All of it; ``None`` is not known. Weights in kg, times in ms since 1970.

    ``places`` are those of the map, by time. ``shelf_life`` is the last day of use on the
    label (ISO 8601), ``standards`` what the goods are certified by, while that is valid.
    Of goods of one origin ``evidence`` is that one's water, of several each has its own.
    Without a ``verdict`` no label was checked.
    """

    verdict: Verdict | None
    product: Names
    species: Names
    latin: str
    species_code: str
    brand: str | None
    gtin: str
    lot: str
    serial: str | None
    producer: str
    site: str
    address: str
    unit: str
    unit_kind: str
    harvested_ms: int
    kg: float
    issued_ms: int | None
    standards: tuple[str, ...]
    stages: tuple[Stage, ...]
    evidence: Evidence | None
    evidence_digest: str
    is_simulated: bool
    picture: str | None = None
    shelf_life: str | None = None
    origins: tuple[Origin, ...] = ()
    green: tuple[GreenFigures, ...] = ()
    catches: tuple[CatchEvidence, ...] = ()
    certificate: CertificateShown | None = None
    exceptions: tuple[ExceptionShown, ...] = ()
    places: tuple[StoryPlace, ...] = ()


def passport_of(
    registry: Registry,
    gtin: str,
    code: str,
    serial: str | None,
    verdict: Verdict | None,
    *,
    now_ms: int | None = None,
    filled: Callable[[Lot], Passport] | None = None,
    known: Label | None = None,
) -> Passport:
    """Return the passport of a lot, for one label of it or for none.

    Whether a certificate that it claims is valid is told of ``now_ms``. ``filled`` gives
    what all labels of the lot share (``lot_passport``), from wherever it is kept;
    ``known`` is the label, where it was looked up already.

    Raises:
        MissingError: there is no such lot, or no such label of it.
    """
    lot = registry.find_lot(gtin, code)
    if lot is None:
        raise MissingError(f"there is no lot {code} of product {gtin}")
    label = known
    if serial is None or label is None or label.id != serial:
        label = None if serial is None else registry.find_label(serial)
    if serial is not None and (label is None or label.lot != lot.id):
        raise MissingError(f"lot {code} has no label {serial}")
    made = replace(
        lot_passport(registry, lot) if filled is None else filled(lot),
        verdict=verdict,
        serial=None if label is None else label.id,
        issued_ms=None if label is None else label.issued_ms,
        shelf_life=None if verdict is None else _last_day(verdict),
    )
    if now_ms is None:
        return made
    shown = certificate_shown(registry, lot, made.issued_ms, now_ms)
    return replace(made, certificate=shown, standards=standards_of(shown, made))


def _last_day(verdict: Verdict) -> str | None:
    last = read_facts(verdict.facts).use_by
    return None if last is None else last.isoformat()


def lot_passport(registry: Registry, lot: Lot) -> Passport:
    """Return what all labels of a lot share: the passport without verdict and label."""
    product = registry.get_product(lot.product)
    species = get_species(product.species)
    roots = roots_of(registry, lot)
    first = roots[0] if len(roots) == 1 else lot
    place = _place(registry, first)
    name, _ = registry.producer_of(lot.organisation)
    evidence = evidence_in(first)
    catches = tuple(one for one in map(catch_evidence_in, roots) if one is not None)
    stages = tuple(_stages(registry, lot, roots))
    return Passport(
        verdict=None,
        product=Names(product.name_vi, product.name_en),
        species=Names(species.vi, species.en),
        latin=species.latin,
        species_code=product.species,
        brand=product.brand,
        gtin=lot.product,
        lot=lot.code,
        serial=None,
        producer=name,
        site=place.site,
        address=place.address,
        unit=place.unit,
        unit_kind=place.kind,
        harvested_ms=lot.harvested_ms,
        kg=lot.kg,
        issued_ms=None,
        standards=(),
        stages=stages,
        evidence=_measured(evidence),
        evidence_digest=first.evidence_digest,
        is_simulated=any(one.is_simulated for one in map(evidence_in, roots) if one)
        or any(one.is_simulated for one in catches),
        origins=tuple(_origin(registry, one) for one in roots if one.id != lot.id),
        green=tuple(_green(registry, roots)),
        exceptions=tuple(exceptions_of(registry, roots)),
        catches=catches,
        places=tuple(in_order(_places(registry, lot, roots, catches))),
        picture=picture_of(registry, lot.product),
    )


def picture_of(registry: Registry, gtin: str) -> str | None:
    """Return the path of a product's picture, another one with each picture; None: none."""
    digest = registry.product_picture(gtin)
    return None if digest is None else f"/passport/{gtin}/picture.jpg?v={digest[:12]}"


def _measured(evidence: Evidence | None) -> Evidence | None:
    return evidence if evidence and evidence.channels else None


WORKED: Final = {"process": "processing", "pack": "packing"}


def _places(
    registry: Registry,
    lot: Lot,
    roots: Sequence[Lot],
    catches: Iterable[CatchEvidence],
) -> Iterator[StoryPlace]:
    """Yield where goods were: farms and seas as frozen into their lots, then who worked.

    A farm of which neither commune nor position was entered is no place.
    """
    for root in roots:
        if root.unit is not None:
            found = evidence_in(root)
            place = None if found is None else found.place
            site = registry.get_unit(root.unit).site
            place = place or locality_of(registry.site_then(site, root.created_ms))
            if place.commune or place.box:
                yield farm_place(place, root.harvested_ms)
    for caught in catches:
        yield from sea_places(caught)
    if lot.origin == "step":
        yield from _workplaces(registry, lot)


def _workplaces(registry: Registry, lot: Lot) -> Iterator[StoryPlace]:
    """Yield who processed and packed goods, each where his place was at that time.

    Of somebody with several places nobody said at which he did it.
    """
    names = registry.organisation_names()
    for step in registry.steps_to(lot.id):
        if step.kind in WORKED and names.get(step.organisation):
            own = registry.sites_of(step.organisation)
            box = None
            if len(own) == 1:
                box = locality_of(registry.site_then(own[0].id, step.at_ms)).box
            kind, name = WORKED[step.kind], names[step.organisation]
            yield StoryPlace(kind, name, step.at_ms, box)


def _green(registry: Registry, roots: Sequence[Lot]) -> Iterator[GreenFigures]:
    """Yield the figures of each crop that the goods grew in."""
    for crop in sorted({one.crop for one in roots if one.crop}):
        seen = [evidence_in(one) for one in roots if one.crop == crop]
        ran = [one.aerators for one in seen if one is not None and one.aerators]
        longest = max(ran, key=lambda one: one.hours, default=None)
        yield figures_of_crop(registry, registry.get_crop(crop), longest)


def _origin(registry: Registry, root: Lot) -> Origin:
    place = _place(registry, root)
    name, _ = registry.producer_of(root.organisation)
    return Origin(
        root.product,
        root.code,
        name,
        place.site,
        place.unit,
        root.harvested_ms,
        root.kg,
        _measured(evidence_in(root)),
    )


class Place(Struct, frozen=True):
    """Where a lot began; empty texts: not at a farm, or at several."""

    site: str = ""
    address: str = ""
    unit: str = ""
    kind: str = ""


def _place(registry: Registry, lot: Lot) -> Place:
    """Return where a lot began, as it was called when the lot was made."""
    if lot.unit is None:
        return Place()
    unit = registry.unit_then(lot.unit, lot.created_ms)
    site = registry.site_then(unit.site, lot.created_ms)
    commune = commune_of(registry, lot.unit, lot.created_ms)
    return Place(site.name, shown_name(commune), unit.name, unit.kind)


def _stages(registry: Registry, lot: Lot, roots: Sequence[Lot]) -> list[Stage]:
    """Return the steps of a lot's way: of its roots, and what was done after them."""
    found = []
    for root in roots[:MOST_ROOTS]:
        found += _root_stages(registry, root)
    return sorted(
        [*found, *_made_stages(registry, lot)], key=lambda one: one.happened_ms
    )


def _root_stages(registry: Registry, root: Lot) -> list[Stage]:
    """Return what a harvest or a landing tells, as the books of its origin have it."""
    if root.crop is not None:
        return _crop_stages(registry, root, root.crop, _place(registry, root).unit)
    return []


def _made_stages(registry: Registry, lot: Lot) -> list[Stage]:
    """Return how goods were split, merged, processed and handed on, up to a lot."""
    if lot.origin != "step":
        return []
    names = registry.organisation_names()
    return [
        Stage(
            step.kind,
            step.at_ms,
            step.entered_ms,
            names.get(step.organisation, ""),
            {"process": step.fields["process"]} if "process" in step.fields else {},
        )
        for step in registry.steps_to(lot.id)
    ]


MOST_ROOTS: Final = 12
"""Of how many harvests and landings a passport tells the whole story."""

PUBLIC_FACTS: Final = {
    "stocking": ("count", "size", "hatchery"),
    "feed_use": (),
    "drug_chem_use": ("substance", "reason", "withdrawal_days"),
    "health_check": (),
    "harvest": ("kg", "size"),
}
"""What a shopper is told of each kind of record; the rest is the producer's own."""


def _crop_stages(registry: Registry, lot: Lot, crop: str, place: str) -> list[Stage]:
    book = in_force(registry.records(crop=crop))
    shown = [one for one in book if _is_told(one, lot)]
    stages = [
        Stage(
            record.kind,
            record.happened_ms,
            record.entered_ms,
            place,
            {
                name: record.fields[name]
                for name in PUBLIC_FACTS[record.kind]
                if name in record.fields
            },
        )
        for record in shown
    ]
    return _with_feeding(stages, book, lot, place)


def _is_told(record: Record, lot: Lot) -> bool:
    if record.happened_ms > lot.harvested_ms:
        return False
    if record.kind == "harvest":
        return record.id == lot.harvest
    return record.kind in ("stocking", "drug_chem_use")


def _with_feeding(
    stages: Sequence[Stage], book: Sequence[Record], lot: Lot, place: str
) -> list[Stage]:
    """Return the stages with all feeding as one of them, in order of time."""
    fed = [
        one
        for one in book
        if one.kind == "feed_use" and one.happened_ms <= lot.harvested_ms
    ]
    if not fed:
        return sorted(stages, key=lambda one: one.happened_ms)
    total = round(sum(float(one.fields["kg"]) for one in fed), 1)
    feeding = Stage(
        "feed_use",
        fed[0].happened_ms,
        None,
        place,
        {"kg": total, "count": len(fed)},
    )
    return sorted([*stages, feeding], key=lambda one: one.happened_ms)
