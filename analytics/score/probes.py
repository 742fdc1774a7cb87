"""Which columns of a file are one probe's, and which of them measure the same. Pure.

A file with one column a quantity is one probe. Where a quantity has several (``do_1`` and
``do_2``, ``temp_surface`` and ``temp_bottom``) there are as many probes, told apart by what else
their names say; what stands there once is the first one's, or that of the same number.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from statistics import median

from analytics.score.names import meaning_of
from analytics.water.watch import Beside


def probes_of(names: Sequence[str]) -> Mapping[str, list[str]]:
    """Return the columns of each probe by what its names call it ("" if there is one)."""
    meanings = {name: meaning_of(name) for name in names}
    counts = Counter(one.channel for one in meanings.values())
    if all(count == 1 for count in counts.values()):
        return {"": list(names)}
    probes: dict[str, list[str]] = {}
    taken: set[tuple[str, str]] = set()
    for name in names:
        channel, place = meanings[name]
        if counts[channel] > 1:
            while (channel, place) in taken:
                place += "'"
            taken.add((channel, place))
            probes.setdefault(place, []).append(name)
    first = next(iter(probes))
    for name in names:
        channel, place = meanings[name]
        if counts[channel] == 1:
            probes[place if place in probes else first].append(name)
    return {
        place: [name for name in names if name in mine]
        for place, mine in probes.items()
    }


def alike(names: Sequence[str]) -> Mapping[str, list[str]]:
    """Return for each column the others that measure the same; none where it is alone."""
    channels = {name: meaning_of(name).channel for name in names}
    found = {
        name: [
            other
            for other, channel in channels.items()
            if channel == channels[name] and other != name
        ]
        for name in names
    }
    return {name: others for name, others in found.items() if others}


def pairs_of(
    at_ms: int, row: Mapping[str, float], others: Mapping[str, list[str]]
) -> list[Beside]:
    """Return each value of a row with the median of those that measure the same."""
    found = []
    for name, beside in others.items():
        value = row[name]
        said = [row[one] for one in beside if row[one] == row[one]]
        if said and value == value:
            by = "+".join(beside)
            found.append(Beside(at_ms, name, value, float(median(said)), by=by))
    return found
