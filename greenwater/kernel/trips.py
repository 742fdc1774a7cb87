"""What a vessel did, as it is kept: trips, hauls, perhaps fishing where it may not."""

from msgspec import Struct

Point = tuple[float, float]
"""Latitude and longitude in degrees."""


class Trip(Struct, frozen=True, kw_only=True):
    """From leaving ``departure_port``; ``landing_*`` None while it is at sea.

    ``minutes`` of work of the gear by zone; ``passed`` are minutes in closed areas, by
    their code, and in zones closed to the vessel's class, by theirs, whatever the vessel
    did there: passing through is allowed.
    """

    id: str
    vessel: str
    departure_ms: int
    departure_port: str
    landing_ms: int | None = None
    landing_port: str | None = None
    hauls: int = 0
    minutes: dict[str, float] = {}
    passed: dict[str, float] = {}


class Haul(Struct, frozen=True, kw_only=True):
    """One setting of the gear: when and where set (where that can be told) and worked.

    ``probability`` of fishing by the model, None where fixes are too rare to ask it;
    ``rule_share`` of its fixes are fishing by speed alone. None in hauls found before
    either was kept.
    """

    id: str
    vessel: str
    trip: str | None
    number: int
    gear: str
    set_ms: int | None
    set_at: Point | None
    began_ms: int
    began_at: Point
    ended_ms: int
    ended_at: Point
    minutes: dict[str, float]
    probability: float | None = None
    rule_share: float | None = None


class Violation(Struct, frozen=True, kw_only=True):
    """Perhaps fishing in waters closed to the vessel's class, and what says so.

    A candidate for a person to judge: ``is_verified`` says whether the line itself is.
    ``area`` is the code of a protected area or closed season (``reference/closed_areas.toml``)
    where it is about one; ``allowed`` is then empty, and ``kind`` too without a length.
    Else ``allowed`` are the zones open to it, with blanks between. ``serves``: no fishing,
    it lay where a vessel of its class may not serve others.
    """

    id: str
    vessel: str
    trip: str | None
    zone: str
    allowed: str
    kind: str
    gear: str
    began_ms: int
    until_ms: int
    is_over: bool
    minutes: float
    fixes: int
    mean_kn: float
    first_at: Point
    source: str
    is_verified: bool
    probability: float | None = None
    rule_share: float | None = None
    area: str | None = None
    serves: bool = False
