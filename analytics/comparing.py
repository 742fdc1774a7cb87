"""Which readings of two instruments in the same water belong beside each other."""

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from statistics import median
from typing import Final

from analytics.places import Places
from analytics.qc.hand import BESIDE_MS as BY_HAND_MS
from analytics.qc.hand import checked
from analytics.qc.stretch import Point
from analytics.water.watch import Beside
from greenwater.derived.stretches import Told
from greenwater.derived.unit_water import UnitWater
from greenwater.kernel.channels import Channel
from greenwater.kernel.reading import MINUTE_MS, Reading
from greenwater.storage.telemetry.ports import Series

APART_MS: Final = 15 * MINUTE_MS
"""Readings further apart are not held to each other."""

ByChannel = Mapping[Channel, Sequence[Point]]


def by_channel(
    readings: Iterable[Reading], channels: frozenset[Channel]
) -> dict[Series, dict[Channel, list[Point]]]:
    """Return what has a value, by probe and channel, in order of time."""
    found: dict[Series, dict[Channel, list[Point]]] = {}
    for one in sorted(readings, key=lambda one: one.taken_ms):
        if one.channel in channels and one.value is not None:
            series = Series(one.device, one.probe)
            points = found.setdefault(series, {}).setdefault(one.channel, [])
            points.append(Point(one.taken_ms, one.value))
    return found


def put_right(
    told: Told, places: Places, series: Series, at_ms: int, readings: Sequence[Reading]
) -> Sequence[Reading]:
    """Return readings of a probe's unit with oxygen as its salt water held it.

    Two instruments of which one takes the sea for fresh water would never agree.

    Raises:
        UnavailableError: the store did not answer.
    """
    place = places.at(series, at_ms)
    if place is None or place.unit is None:
        return readings
    return UnitWater(told, places.hung_in(place.unit)).salted(readings)


def beside_probes(mine: ByChannel, others: Mapping[Series, ByChannel]) -> list[Beside]:
    """Return each reading with what the probes around it said nearest to its instant.

    Of several it is their median: one that is ill does not make this one look so.
    """
    found = []
    for channel, points in mine.items():
        there = {
            series: some for series, one in others.items() if (some := one.get(channel))
        }
        if not there:
            continue
        by = "+".join("/".join(series) for series in sorted(there))
        lines = [([one.taken_ms for one in some], some) for some in there.values()]
        for point in points:
            said = [
                value
                for times, some in lines
                if (value := _nearest(point.taken_ms, times, some)) is not None
            ]
            if said and point.value is not None:
                at_ms, other = point.taken_ms, float(median(said))
                found.append(Beside(at_ms, str(channel), point.value, other, by=by))
    return sorted(found, key=lambda one: one.at_ms)


def beside_hand(by: Series, hand: ByChannel, mine: ByChannel) -> list[Beside]:
    """Return hand readings with what the probe said then (``analytics.qc.hand``)."""
    checks = [
        (channel, check)
        for channel, points in hand.items()
        for point in points
        if (check := checked(channel, point, mine.get(channel, ()))) is not None
    ]
    return [
        Beside(
            one.taken_ms,
            str(channel),
            one.probe,
            one.hand,
            is_hand=True,
            by="/".join(by),
        )
        for channel, one in sorted(checks, key=lambda pair: pair[1].taken_ms)
    ]


def hand_span_ms(hand: ByChannel) -> tuple[int, int]:
    """Return the stretch of the probe's readings that these are held to."""
    times = [one.taken_ms for points in hand.values() for one in points]
    return min(times) - BY_HAND_MS, max(times) + BY_HAND_MS + 1


def _nearest(at_ms: int, times: Sequence[int], points: Sequence[Point]) -> float | None:
    index = bisect_left(times, at_ms)
    near = min(
        points[max(index - 1, 0) : index + 1],
        key=lambda one: abs(one.taken_ms - at_ms),
        default=None,
    )
    if near is None or abs(near.taken_ms - at_ms) > APART_MS:
        return None
    return near.value
