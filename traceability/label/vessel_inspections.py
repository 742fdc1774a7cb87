"""What an inspector found of a vessel at its landing, signed by his phone.

The statement says what he looked at (papers; what was written at sea against what was
weighed), the kilograms that he saw weighed, and what the list on his phone said. It
becomes a trace event of the vessel's owner, told by the inspector's authority.
"""

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from greenwater.kernel.errors import InputError, MissingError
from greenwater.reference.ports import PORTS
from greenwater.reference.species import get_species
from greenwater.reference.vessels import parse_registration
from greenwater.storage.registry.trace_events.ledger import EventDraft
from greenwater.storage.registry.vessel_inspections import VesselInspection
from traceability.epcis.naming import party_uri, vessel_thing
from traceability.ledger.events import (
    declared,
    draft_of,
    event_id,
    event_of,
)
from traceability.sea.vessel_events import port_place, vessel_place

MOST_WEIGHED: Final = 40
MOST_KG: Final = 1_000_000.0
LOOKS: Final = ("", "good", "bad")
"""What he found of papers or weights; empty: he did not look."""

SHOWN: Final = ("", "good", "doubt", "bad")


class Weighed(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Kilograms of a species that he saw weighed; ``wrote`` is what the book had of it."""

    species: str
    kg: float
    wrote: float | None = None


class VesselResult(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the phone signed. ``shown`` is how the list of ``list_ms`` on it looked;
    ``photos`` are the SHA-256 of pictures that are sent by themselves, after it."""

    id: str
    at_ms: int
    vessel: str
    result: str
    papers: str = ""
    weights: str = ""
    weighed: tuple[Weighed, ...] = ()
    port: str = ""
    list_ms: int | None = None
    shown: str = ""
    note: str = ""
    photos: tuple[str, ...] = ()


def check_vessel_result(found: VesselResult) -> None:
    """Refuse what cannot have been found of a vessel.

    Raises:
        InputError: it cannot; the sentence names the field.
    """
    if parse_registration(found.vessel) != found.vessel:
        raise InputError(
            f"vessel {found.vessel[:40]!r} is not spelt KH-95123-TS",
            "inspection_no_vessel",
            vessel=found.vessel[:40],
        )
    if {found.papers, found.weights} - {*LOOKS}:
        raise InputError(
            "papers and weights are good, bad, or empty: not looked at",
            "inspection_unread",
        )
    if found.shown not in SHOWN:
        raise InputError(
            f"shown {found.shown[:40]!r} is not good, doubt or bad", "inspection_unread"
        )
    if found.port and found.port not in {one.code for one in PORTS.port}:
        raise InputError(
            f"port {found.port[:40]!r} is none that is known", "inspection_port"
        )
    _check_weighed(found.weighed)


def _check_weighed(weighed: Sequence[Weighed]) -> None:
    species = [one.species for one in weighed]
    if len(weighed) > MOST_WEIGHED or len({*species}) < len(species):
        raise InputError(
            f"at most {MOST_WEIGHED} species are weighed, each once",
            "inspection_weighed",
            most=MOST_WEIGHED,
        )
    for one in weighed:
        try:
            get_species(one.species)
        except MissingError as exc:
            raise InputError(str(exc), "inspection_unread") from None
        for kg in (one.kg, one.wrote or 0.0):
            if not 0 <= kg <= MOST_KG:
                raise InputError(
                    f"{one.species}: {kg:g} kg is not 0 to {MOST_KG:g} kg",
                    "inspection_kg",
                    species=one.species,
                    kg=kg,
                )


def facts_of(found: VesselResult) -> dict[str, Any]:
    """Return what pages show of a statement, beside its result and note."""
    return {
        "papers": found.papers,
        "weights": found.weights,
        "weighed": msgspec.to_builtins(found.weighed),
        "port": found.port,
        "list_ms": found.list_ms,
        "shown": found.shown,
    }


def of_vessel_inspection(found: VesselInspection) -> list[EventDraft]:
    """Return an inspector's verdict on a vessel, with what his phone signed."""
    where = {"id": vessel_place(found.vessel)}
    port = found.found["port"]
    event = event_of(
        "ObjectEvent",
        event_id("inspection", found.id),
        found.happened_ms,
        action="OBSERVE",
        bizStep="inspecting",
        disposition=found.result,
        epcList=[vessel_thing(found.vessel)],
        readPoint={"id": port_place(port)} if port else where,
        **{"gw:signed": found.statement},
        **(
            declared(found.organisation)
            | {"cbvmda:informationProvider": party_uri(found.authority)}
        ),
    )
    return [draft_of(event, found.happened_ms, found.vessel)]
