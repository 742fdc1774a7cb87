"""A boat with its people, a tuna trip as analytics found it, and its book: for tests."""

import uuid
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from greenwater.kernel.channels import Channel
from greenwater.kernel.clock import ManualClock
from greenwater.kernel.ids import DeviceId, ProbeId
from greenwater.kernel.reading import Reading, Source, instant, milliseconds
from greenwater.kernel.trips import Haul, Trip, Violation
from greenwater.storage.registry import Registry
from greenwater.storage.registry.books import Lot
from greenwater.storage.registry.people import OrganisationKind, Role
from greenwater.storage.registry.trips import Sailed
from greenwater.storage.registry.vessel_books import VesselRecord
from greenwater.storage.telemetry.ports import Telemetry
from tests.contracts.registries import HOUR, NOW
from traceability.sea.vessels import NewCatchLot, NewVesselRecord, VesselBooks

REGISTRATION = "KH-95123-TS"
YFT, BET = "09521234543237", "09521234543244"
DAY = 24 * HOUR
TRIP_DAYS = 20
PEOPLE = {
    "bon": ("ba-tau", Role.BOAT_OWNER),
    "sau": ("ba-tau", Role.SKIPPER),
    "ut": ("ba-tau", Role.DELEGATE),
    "minh": ("chi-cuc", Role.OFFICER),
    "tam": ("khac", Role.BOAT_OWNER),
}


def a_trip(**more: Any) -> Trip:
    facts: dict[str, Any] = {
        "id": "trip-1", "vessel": REGISTRATION, "departure_ms": NOW,
        "departure_port": "CHR", "landing_ms": NOW + TRIP_DAYS * DAY,
        "landing_port": "CHR", "hauls": 3, "minutes": {"offshore": 1800.0},
    }  # fmt: skip
    return Trip(**facts | more)


def a_haul(number: int, **more: Any) -> Haul:
    began_ms = NOW + (3 + 4 * number) * DAY
    facts: dict[str, Any] = {
        "id": f"haul-{number}", "vessel": REGISTRATION, "trip": "trip-1",
        "number": number, "gear": "drifting longline", "set_ms": began_ms - 8 * HOUR,
        "set_at": (11.2, 112.4), "began_ms": began_ms, "began_at": (11.3, 112.6),
        "ended_ms": began_ms + 10 * HOUR, "ended_at": (11.4, 112.7),
        "minutes": {"offshore": 600.0},
    }  # fmt: skip
    return Haul(**facts | more)


def a_violation(**more: Any) -> Violation:
    facts: dict[str, Any] = {
        "id": "v-1", "vessel": REGISTRATION, "trip": "trip-1", "zone": "inshore",
        "allowed": "offshore", "kind": "15-<24", "gear": "drifting longline",
        "began_ms": NOW + 2 * DAY, "until_ms": NOW + 2 * DAY + HOUR, "is_over": True,
        "minutes": 60.0, "fixes": 12, "mean_kn": 2.9, "first_at": (12.2, 109.7),
        "source": "reference", "is_verified": False,
    }  # fmt: skip
    return Violation(**facts | more)


class Boat:
    """A boat whose positions are stored; ``sail`` gives it its trip and papers."""

    def __init__(self, registry: Registry, telemetry: Telemetry) -> None:
        self.registry, self.telemetry = registry, telemetry
        self.clock = ManualClock(instant(NOW))
        registry.add_organisation("ba-tau", "Hộ Ba Tàu")
        registry.add_organisation("khac", "Hộ khác")
        registry.add_organisation("chi-cuc", "Chi cục", kind=OrganisationKind.AUTHORITY)
        for person, (organisation, role) in PEOPLE.items():
            registry.add_person(person, person.title())
            registry.add_member(person, organisation, role)
        registry.add_vessel(
            REGISTRATION, organisation="ba-tau", name="Ba Tàu", length_m=17.2,
            gear="LLD",
        )  # fmt: skip
        registry.add_vessel("KH-90415-TS", organisation="khac", name="Tám", length_m=16)
        for gtin, name, species in (
            (YFT, "Cá ngừ vây vàng", "YFT"), (BET, "Cá ngừ mắt to", "BET"),
        ):  # fmt: skip
            registry.add_product(
                gtin,
                organisation="ba-tau",
                name_vi=name,
                name_en=species,
                species=species,
            )
        self.books = VesselBooks(registry, telemetry, self.clock)

    def at(self, ms: int) -> None:
        now_ms = milliseconds(self.clock.now())
        self.clock.advance(timedelta(milliseconds=max(0, ms - now_ms)))

    def sail(self, *, every_h: float = 2.0, source: Source = Source.BOX) -> "Boat":
        """Positions of the whole trip, what analytics made of them, what is asked for."""
        box, gps = DeviceId("tau-box"), ProbeId("gps")
        self.registry.add_device(box, vessel=REGISTRATION, now_ms=NOW)
        self.registry.add_probe(box, gps, source=source)
        self.registry.deploy(
            box, gps, vessel=REGISTRATION, depth_m=None, from_ms=NOW, now_ms=NOW
        )
        step = round(every_h * HOUR)
        self.telemetry.write(
            [
                Reading(box, gps, Channel.LATITUDE, at_ms, 11.3)
                for at_ms in range(NOW, NOW + TRIP_DAYS * DAY, step)
            ]
        )
        hauls = [a_haul(number) for number in (1, 2, 3)]
        self.found([a_trip()], hauls)
        for paper in ("registration", "licence"):
            self.paper(paper)
        self.at(NOW + TRIP_DAYS * DAY + 2 * HOUR)
        return self

    def found(
        self,
        trips: Sequence[Trip],
        hauls: Sequence[Haul] = (),
        violations: Sequence[Violation] = (),
    ) -> None:
        sailed = Sailed(
            vessel=REGISTRATION, trips=trips, hauls=hauls, violations=violations,
            since_ms=NOW - DAY,
        )  # fmt: skip
        self.registry.save_trips([sailed])

    def paper(self, paper: str, until: str = "2027-06-30") -> VesselRecord:
        fields = {
            "paper": paper, "number": f"KH-{paper}", "from_day": "2026-01-01",
            "until_day": until,
        }  # fmt: skip
        return self.write("paper", fields, trip=None, person="bon", at_ms=NOW - DAY)

    def new(
        self,
        kind: str,
        fields: Mapping[str, Any],
        *,
        trip: str | None = "trip-1",
        at_ms: int = 0,
        **more: Any,
    ) -> NewVesselRecord:
        facts: dict[str, Any] = {
            "id": str(uuid.uuid4()), "vessel": REGISTRATION, "kind": kind, "trip": trip,
            "happened_ms": at_ms or milliseconds(self.clock.now()) - HOUR,
            "fields": fields,
        }  # fmt: skip
        return NewVesselRecord(**facts | more)

    def write(
        self, kind: str, fields: Mapping[str, Any], *, person: str = "ut", **more: Any
    ) -> VesselRecord:
        if person == "ut":
            more.setdefault("entered_for", "sau")
        return self.books.record(person, self.new(kind, fields, **more))

    def declare(self, **more: Any) -> VesselRecord:
        fields = {
            "departure_ms": NOW, "departure_port": "CHR",
            "return_ms": NOW + TRIP_DAYS * DAY, "return_port": "CHR", "gear": "LLD",
            "crew": 9,
        }  # fmt: skip
        return self.write("trip", fields | more, at_ms=NOW)

    def catch(self, haul: int, *lines: tuple[str, float], **more: Any) -> VesselRecord:
        fields = {
            "haul": f"haul-{haul}",
            "lines": [{"species": species, "kg": kg} for species, kg in lines],
        }
        at_ms = NOW + (3 + 4 * haul) * DAY + 11 * HOUR
        return self.write("catch", fields, at_ms=at_ms, source="position", **more)

    def land(self, *lines: tuple[str, float], **more: Any) -> VesselRecord:
        fields = {
            "port": "CHR", "receiver": "Nậu vựa Hòn Rớ",
            "lines": [{"species": species, "kg": kg} for species, kg in lines],
        }  # fmt: skip
        return self.write("landing", fields, at_ms=NOW + TRIP_DAYS * DAY + HOUR, **more)

    def confirm(self, person: str = "sau") -> VesselRecord:
        return self.books.confirm(person, "trip-1", record=str(uuid.uuid4()))

    def fill(self) -> VesselRecord:
        """A whole trip in the book, confirmed and landed; return the landing."""
        self.declare()
        self.catch(1, ("YFT", 300), ("BET", 80))
        self.catch(2, ("YFT", 250))
        self.catch(3, ("YFT", 200), ("SWO", 30))
        landing = self.land(("YFT", 760), ("BET", 78), ("SWO", 30))
        self.confirm()
        return landing

    def lot(self, landing: str, kg: float = 500, product: str = YFT) -> Lot:
        new = NewCatchLot(id=str(uuid.uuid4()), landing=landing, product=product, kg=kg)
        return self.books.make_lot("bon", new)

    def renew(self, paper: str, **fields: str) -> VesselRecord:
        """Correct a paper that was entered."""
        old = next(
            one
            for one in self.registry.vessel_records(vessel=REGISTRATION)
            if one.fields.get("paper") == paper
        )
        return self.write(
            "paper", old.fields | fields, trip=None, person="bon", corrects=old.id
        )

    def codes(self, landing: str, species: str = "YFT", kg: float = 1) -> list[str]:
        """What stands against a lot."""
        asked = self.books.gate(landing, species, kg=kg)
        return [one.code for one in asked.standing]
