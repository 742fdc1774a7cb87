"""The people and the book of the simulated tuna boat: for the demo.

The boat is at sea when the demo begins; what is told here is its trip before, sailed by
the simulator, found by analytics' own code, written up by the family.
"""

import secrets
import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from analytics.fishing.vessel import Position, VesselState
from firmware_sim.scenarios import Scenario, load_scenario
from firmware_sim.world import World
from greenwater.kernel.channels import Channel
from greenwater.kernel.clock import ManualClock
from greenwater.kernel.ids import DeviceId, ProbeId
from greenwater.kernel.reading import Reading, Source, instant
from greenwater.kernel.trips import Haul, Trip
from greenwater.reference.vessel_rules import papers_asked
from greenwater.reference.vessels import vessel_class
from greenwater.storage.registry import Registry
from greenwater.storage.registry.people import Role
from greenwater.storage.registry.trips import Sailed
from greenwater.storage.telemetry.ports import Telemetry
from traceability.label.labels import Labels
from traceability.proof.keys import Signer
from traceability.sea.vessels import NewCatchLot, NewVesselRecord, VesselBooks
from web.door.hashing import hash_secret

SCENARIO: Final = "tuna-trip"
BOAT, BOX, PROBE = "KH-95123-TS", DeviceId("sim-tau-95123"), ProbeId("gps-truoc")
HOUSEHOLD: Final = "sim-chu-tau-hon-ro"
OWNER, SKIPPER, DELEGATE = "anh-bon", "chu-sau", "chi-ut"
PHONES: Final[Mapping[str, str]] = {
    OWNER: "0900000021",
    SKIPPER: "0900000022",
    DELEGATE: "0900000023",
}
PIN: Final = "274913"
GTIN: Final = "09521234543237"
"""From GS1's range for examples (prefix 952)."""

SINCE: Final = timedelta(days=36)
"""How long before the demo begins the trip's recording ended: before the shrimp's labels
were issued, of which the newest is the demo's sample."""

ENDING: Final = {
    "food_safety": 12,
    "crew_insurance": 160,
    "safety": 250,
    "licence": 900,
}
"""In how many days a paper of the boat ends; the first soon, the others never."""

EVERY_S: Final = 1_200
"""Rarer positions do not show when a longline was set."""
LABELS: Final = 12
HOUR: Final = timedelta(hours=1)
LANDED: Final = {"YFT": 1_190.0, "BET": 310.0, "SWO": 64.0}


def add_crew(registry: Registry) -> None:
    """Add the boat's owner, its skipper, and his daughter who writes for him."""
    for person, name, role in (
        (OWNER, "Võ Văn Bốn", Role.BOAT_OWNER),
        (SKIPPER, "Võ Văn Sáu", Role.SKIPPER),
        (DELEGATE, "Võ Thị Út", Role.DELEGATE),
    ):
        registry.add_person(person, name, PHONES[person])
        registry.add_member(person, HOUSEHOLD, role)
        registry.set_secret(person, hash_secret(PIN, is_pin=True), is_pin=True)


def open_boat_book(
    registry: Registry,
    telemetry: Telemetry,
    signer: Signer,
    now: datetime,
    *,
    public_url: str,
) -> str:
    """Sail the trip before, write it up, land it; return its lot, with labels."""
    scenario = load_scenario(SCENARIO)
    scenario = scenario.starting(now - SINCE - timedelta(hours=scenario.duration_h))
    trip, hauls = _sail(registry, telemetry, scenario)
    landed_ms = trip.landing_ms or trip.departure_ms
    clock = ManualClock(instant(landed_ms) + 3 * HOUR)
    books = VesselBooks(registry, telemetry, clock)
    landing = _write(books, trip, hauls, landed_ms)
    _enter_papers(books, trip, now)
    books.confirm(SKIPPER, trip.id, record=str(uuid.uuid4()))
    registry.add_product(
        GTIN,
        organisation=HOUSEHOLD,
        name_vi="Cá ngừ vây vàng Hòn Rớ",
        name_en="Yellowfin tuna of Hòn Rớ",
        species="YFT",
        brand="Nước xanh (mô phỏng)",
    )
    new = NewCatchLot(id=str(uuid.uuid4()), landing=landing, product=GTIN, kg=800)
    lot = books.make_lot(OWNER, new)
    labels = Labels(registry, signer, clock, public_url, secrets.token_bytes)
    labels.issue(OWNER, lot.id, LABELS)
    return lot.id


def _sail(
    registry: Registry, telemetry: Telemetry, scenario: Scenario
) -> tuple[Trip, Sequence[Haul]]:
    """Store the trip's positions, and what analytics makes of them."""
    voyage, start_s = World(scenario, {}).voyages[BOAT], round(scenario.start_s)
    positions = [
        Position(at_s * 1000, fix.latitude, fix.longitude, fix.speed_kn)
        for at_s in range(start_s, start_s + int(scenario.duration_h * 3600), EVERY_S)
        for fix in (voyage.fix_at(at_s),)
    ]
    first_ms, last_ms = positions[0].time_ms, positions[-1].time_ms
    registry.add_probe(BOX, PROBE, source=Source.BOX)
    registry.deploy(
        BOX, PROBE, vessel=BOAT, depth_m=None, from_ms=first_ms, now_ms=first_ms
    )
    registry.end_deployment(BOX, PROBE, last_ms + 1)
    telemetry.write(
        [
            Reading(BOX, PROBE, channel, one.time_ms, value)
            for one in positions
            for channel, value in (
                (Channel.LATITUDE, one.latitude),
                (Channel.LONGITUDE, one.longitude),
                (Channel.SPEED, one.speed_kn),
            )
        ]
    )
    vessel = registry.get_vessel(BOAT)
    state = VesselState(
        BOAT, gear=vessel.gear or "", kind=vessel_class(vessel.length_m or 15.0)
    )
    found = state.take(positions)
    sailed = Sailed(vessel=BOAT, trips=found.trips, hauls=found.hauls)
    registry.save_trips([sailed])
    trip = found.trips[-1]
    return trip, registry.hauls(trip.id)


def _write(
    books: VesselBooks, trip: Trip, hauls: Sequence[Haul], landed_ms: int
) -> str:
    """Write the trip up, as the skipper told his daughter; return its landing."""

    def enter(kind: str, happened_ms: int, fields: dict[str, Any]) -> str:
        new = NewVesselRecord(
            id=str(uuid.uuid4()),
            vessel=BOAT,
            kind=kind,
            trip=trip.id,
            happened_ms=happened_ms,
            fields=fields,
            entered_for=SKIPPER,
            source="position" if "haul" in fields else "hand",
        )
        return books.record(DELEGATE, new).id

    hour_ms = 3_600_000
    for passage, port, planned_ms in (
        ("out", trip.departure_port, trip.departure_ms),
        ("in", trip.landing_port or "CHR", landed_ms),
    ):
        notice = {"passage": passage, "port": port, "planned_ms": planned_ms}
        enter("notice", planned_ms - 2 * hour_ms, notice)
    declared = {
        "departure_ms": trip.departure_ms,
        "departure_port": trip.departure_port,
        "return_ms": landed_ms,
        "return_port": trip.landing_port or "CHR",
        "gear": "LLD",
        "crew": 9,
    }
    enter("trip", trip.departure_ms, declared)
    for number, haul in enumerate(hauls):
        lines = [{"species": "YFT", "kg": 120.0}, {"species": "BET", "kg": 31.0}]
        if number % 3 == 0:
            lines.append({"species": "SWO", "kg": 16.0})
        enter("catch", haul.ended_ms, {"haul": haul.id, "lines": lines})
    weighed = [{"species": one, "kg": kg} for one, kg in LANDED.items()]
    landing = {"port": "CHR", "receiver": "Nậu vựa Hòn Rớ", "lines": weighed}
    return enter("landing", landed_ms + hour_ms, landing)


def _enter_papers(books: VesselBooks, trip: Trip, now: datetime) -> None:
    begun = (now - timedelta(days=400)).date().isoformat()
    for number, paper in enumerate(papers_asked(None), 1):
        fields = {"paper": paper, "number": f"MP-{number:03}", "from_day": begun}
        if paper in ENDING:
            ends = now + timedelta(days=ENDING[paper])
            fields["until_day"] = ends.date().isoformat()
        new = NewVesselRecord(
            id=str(uuid.uuid4()),
            vessel=BOAT,
            kind="paper",
            happened_ms=trip.departure_ms,
            fields=fields,
        )
        books.record(OWNER, new)
