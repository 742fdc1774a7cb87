"""What a species would have borne: readings beyond its levels, and the alarms they make.

The alarms are the platform's own (``alarms.replaying``): delays, hysteresis, falls and swings
and all, as if the recording had come in live. Silence is none of them.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import numpy as np

from analytics.alarms.messages import limit_text, matter, severity_word
from analytics.alarms.replaying import Row, replayed
from analytics.flagging import is_believable
from analytics.score.probes import probes_of
from analytics.score.table import Table, canonical, format_instants
from greenwater.kernel.channels import Channel
from greenwater.reference.limits import Severity, species_limits
from greenwater.storage.registry.alarms import Alarm

LISTED: Final = 20


def limit_lines(table: Table, names: Sequence[str], species: str) -> Iterator[str]:
    """Yield how often each channel was beyond its levels, then the alarms of each probe."""
    for name in names:
        yield from _counted(table, name, species)
    alarms = [
        (place, alarm)
        for place, columns in probes_of(names).items()
        for alarm in _alarms(table, columns, species)
    ]
    plural = "" if len(alarms) == 1 else "s"
    yield f"{len(alarms)} alarm{plural} of {species}, the gravest first:"
    alarms.sort(key=lambda one: (-Severity(one[1].severity).rank, one[1].began_ms))
    for place, alarm in alarms[:LISTED]:
        yield _line(place, alarm)


def _counted(table: Table, name: str, species: str) -> Iterator[str]:
    meaning = canonical(name)
    limits = (
        species_limits(species, Channel(meaning)) if meaning in set(Channel) else None
    )
    for severity in (Severity.WARN, Severity.CRITICAL):
        bounds = limits.bounds(severity) if limits else None
        if bounds is None:
            continue
        values = table.numbers[name]
        beyond = np.zeros(len(values), bool)
        if bounds.low is not None:
            beyond |= values < bounds.low
        if bounds.high is not None:
            beyond |= values > bounds.high
        yield f"{name}: {int(beyond.sum())} readings beyond {severity} of {species}"


def _alarms(table: Table, columns: Sequence[str], species: str) -> list[Alarm]:
    ours = {
        Channel(meaning): name
        for name in columns
        if (meaning := canonical(name)) in set(Channel)
    }
    if not ours:
        return []
    found = replayed(_rows(table, ours), species=species, believes=is_believable)
    return list(found.alarms.values())


def _rows(table: Table, ours: Mapping[Channel, str]) -> Iterator[Row]:
    columns = {channel: table.numbers[name].tolist() for channel, name in ours.items()}
    for row, at_ms in enumerate(table.times_ms.tolist()):
        values = {channel: cells[row] for channel, cells in columns.items()}
        yield at_ms, {key: one for key, one in values.items() if one == one}


def _line(place: str, alarm: Alarm) -> str:
    ends_ms = alarm.returned_ms or alarm.taken_ms or alarm.raised_ms
    start, end = format_instants(np.array([alarm.began_ms, ends_ms]))
    where = f"{place}: " if place else ""
    beyond = ""
    if alarm.limit is not None and "rule" not in alarm.detail:
        beyond = f", limit {limit_text(alarm, alarm.limit, 'en')}"
    verdict = severity_word(alarm.severity, "en").lower()
    goes_on = "" if alarm.returned_ms is not None else ", and on"
    return (
        f"  {start} to {end}{goes_on}  {where}{verdict}: {matter(alarm, 'en')}{beyond}"
    )
