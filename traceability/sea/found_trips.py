"""What analytics found of a trip, as it was when confirmed and as it is now. Pure.

Analytics replaces trips and hauls when late positions come; a confirmation keeps the
copy that the skipper saw.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from greenwater.kernel.trips import Haul, Trip
from traceability.records import digest

CLOSE_MS: Final = 15 * 60_000
"""Times that differ by less are the same to people."""


DECLARED_MS: Final = 60 * 60_000
"""A family writes times to the hour: what differs by more is told. Practice."""


class Found(Struct, frozen=True):
    """A trip with its hauls, as positions show them.

    ``is_declared``: nobody saw it leave; its ends are as the boat's people say, its hauls are
    those that positions show between them.
    """

    trip: Trip
    hauls: tuple[Haul, ...] = ()
    is_declared: bool = False


class Conflict(NamedTuple):
    """Something that people said of a trip and positions show otherwise; both are kept.

    ``what``: departure, return (a time or port that differs), or other (a departure seen
    in the middle of the trip).
    """

    what: str
    said: tuple[int, str] | None
    seen: tuple[int, str]


def frozen(found: Found | None) -> dict[str, Any] | None:
    """Return the copy that a confirmation keeps, with its digest."""
    if found is None:
        return None
    copy = msgspec.to_builtins(found)
    return {"found": copy, "digest": digest(copy)}


def thawed(copy: dict[str, Any] | None) -> Found | None:
    """Return what a confirmation kept; None: positions had shown nothing then."""
    return None if copy is None else msgspec.convert(copy["found"], Found)


def match(
    trips: Sequence[Trip], trip: str, span: tuple[int, int] | None
) -> Trip | None:
    """Return the found trip of that id, else the one that shares most of ``span`` (ms).

    Late positions may give a trip another id: it is made from when and where it began.
    """
    by_id = next((one for one in trips if one.id == trip), None)
    if by_id is not None or span is None:
        return by_id
    shared = [(_shared_ms(one, span), one) for one in trips]
    best = max(shared, key=lambda pair: (pair[0], pair[1].id), default=None)
    return best[1] if best is not None and best[0] > 0 else None


def _shared_ms(trip: Trip, span: tuple[int, int]) -> int:
    ended_ms = span[1] if trip.landing_ms is None else trip.landing_ms
    return min(ended_ms, span[1]) - max(trip.departure_ms, span[0])


def counted(
    trip: Trip,
    seen: Sequence[Haul],
    loose: Sequence[Haul],
    *,
    is_declared: bool = False,
) -> Found:
    """Return a trip with hauls of its own and those between its ends that are of none."""
    if not loose and not is_declared:
        return Found(trip, tuple(seen))
    every = sorted([*seen, *loose], key=lambda one: one.began_ms)
    hauls = tuple(replace(one, number=number) for number, one in enumerate(every, 1))
    minutes = dict(trip.minutes)
    for haul in loose:
        for zone, more in haul.minutes.items():
            minutes[zone] = round(minutes.get(zone, 0.0) + more, 1)
    whole = replace(trip, hauls=len(hauls), minutes=minutes)
    return Found(whole, hauls, is_declared)


def declared_trip(
    vessel: str, trip: str, span: tuple[int, int], said: Mapping[str, Any]
) -> Trip:
    """Return a trip that nobody saw leave, its ends as the declaration has them."""
    return Trip(
        id=trip,
        vessel=vessel,
        departure_ms=span[0],
        departure_port=str(said.get("departure_port") or ""),
        landing_ms=said.get("return_ms"),
        landing_port=said.get("return_port"),
    )


def conflicts(
    said: Mapping[str, Any], found: Found | None, trips: Sequence[Trip]
) -> list[Conflict]:
    """Return where a declared trip and positions differ; ``trips``: all that were seen.

    ``said`` are the fields of the declaration.
    """
    if not said or found is None:
        return []
    seen, told = found.trip, []
    ended_ms = said.get("return_ms")
    if not found.is_declared:
        left = said["departure_ms"], str(said["departure_port"])
        told += _differs("departure", left, (seen.departure_ms, seen.departure_port))
        if ended_ms is not None and seen.landing_ms is not None:
            back = ended_ms, str(said.get("return_port") or "")
            landed = seen.landing_ms, seen.landing_port or ""
            told += _differs("return", back, landed)
    until_ms = ended_ms or seen.landing_ms or said["departure_ms"]
    told += [
        Conflict("other", None, (one.departure_ms, one.departure_port))
        for one in reversed(trips)
        if one.id != seen.id and said["departure_ms"] < one.departure_ms < until_ms
    ]
    return told


def _differs(what: str, said: tuple[int, str], seen: tuple[int, str]) -> list[Conflict]:
    is_late = abs(said[0] - seen[0]) > DECLARED_MS
    is_elsewhere = bool(said[1] and seen[1]) and said[1] != seen[1]
    return [Conflict(what, said, seen)] if is_late or is_elsewhere else []


def drift(then: Found | None, now: Found | None) -> list[str]:
    """Return in what the trip as found now differs from the copy: words of the pages."""
    if then is None or now is None:
        return [] if then is now else ["appeared" if then is None else "gone"]
    was, is_ = then.trip, now.trip
    found = []
    if abs(was.departure_ms - is_.departure_ms) > CLOSE_MS:
        found.append("departure")
    if was.departure_port != is_.departure_port:
        found.append("departure_port")
    if _is_later(was.landing_ms, is_.landing_ms):
        found.append("landing")
    if was.landing_port != is_.landing_port:
        found.append("landing_port")
    if len(then.hauls) != len(now.hauls) or any(
        abs(old.began_ms - new.began_ms) > CLOSE_MS
        for old, new in zip(then.hauls, now.hauls, strict=False)
    ):
        found.append("hauls")
    if set(was.minutes) != set(is_.minutes):
        found.append("zones")
    return found


def _is_later(was_ms: int | None, is_ms: int | None) -> bool:
    if was_ms is None or is_ms is None:
        return was_ms != is_ms
    return abs(was_ms - is_ms) > CLOSE_MS
