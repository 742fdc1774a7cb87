"""The places of goods' way, as anybody may know them: pure.

A farm is a commune and a square of a tenth of a degree, a fishing ground a square of five
degrees, both frozen into the lot; a port is where it is. Who processed and packed is named, in
the square of his one place as it was then.
"""

from collections.abc import Iterable, Iterator, Sequence

from msgspec import Struct

from greenwater.reference.communes import shown_name
from greenwater.reference.ports import PORTS
from traceability.book.locality import Box, Locality
from traceability.sea.catch_evidence import CatchEvidence


class StoryPlace(Struct, frozen=True):
    """One place; ``box`` is what holds it (a port: a point), None where nobody said.

    ``kind`` is farm, departure, waters, landing, processing or packing; ``name`` what people
    call it: a commune, a port, FAO's number of waters, who worked there. ``at_ms`` is when
    the goods were there, in ms since 1970.
    """

    kind: str
    name: str
    at_ms: int
    box: Box | None = None


_PORTS = {one.code: one for one in PORTS.port}


def farm_place(locality: Locality, at_ms: int) -> StoryPlace:
    """Return the place that goods were harvested at."""
    return StoryPlace("farm", shown_name(locality.commune), at_ms, locality.box)


def sea_places(caught: CatchEvidence) -> Iterator[StoryPlace]:
    """Yield a trip's places: whence it went, where it fished, where it landed."""
    if caught.departure_port:
        yield _port("departure", caught.departure_port, caught.departure_ms)
    yield StoryPlace("waters", caught.fao_area, caught.departure_ms, _waters(caught))
    yield _port("landing", caught.landing_port, caught.landing_ms)


def _waters(caught: CatchEvidence) -> Box | None:
    if caught.square is None:
        return None
    south, west, side = caught.square
    return south, west, south + side, west + side


def _port(kind: str, code: str, at_ms: int) -> StoryPlace:
    port = _PORTS.get(code)
    if port is None or port.latitude is None or port.longitude is None:
        return StoryPlace(kind, code if port is None else port.name, at_ms)
    latitude, longitude = round(port.latitude, 2), round(port.longitude, 2)
    return StoryPlace(kind, port.name, at_ms, (latitude, longitude) * 2)


def in_order(places: Iterable[StoryPlace]) -> Sequence[StoryPlace]:
    """Return places by time; one that was come to again in the same way stands once."""
    kept: dict[tuple[str, str, Box | None], StoryPlace] = {}
    for one in sorted(places, key=lambda place: place.at_ms):
        kept.setdefault((one.kind, one.name, one.box), one)
    return tuple(kept.values())
