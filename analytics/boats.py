"""Vessels as their positions come in: the rim around ``fishing.vessel`` and monitoring.

Positions that come in order are taken as they are. A box out of coverage sends days of
them afterwards, often behind the newest ones: then the vessel's memory is put back to
where it last left port before them, and its positions are read again from the store. What
was found since then is replaced, with the same ids where it is the same. So it is with a
position told by voice that a correction takes back.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Final, Protocol

import msgspec
from msgspec import Struct, field
from msgspec.structs import replace

from analytics.alarms.afloat import contact_alarm, monitoring_alarm, zone_alarm
from analytics.alarms.claims import Claim
from analytics.alarms.tracked import AHEAD_MS
from analytics.fishing.monitoring import Contact, Monitoring, Standing
from analytics.fishing.vessel import Changes, Position, VesselState
from analytics.flagging import is_believable
from analytics.places import Place, Places
from greenwater.kernel.channels import Channel
from greenwater.kernel.reading import Reading, Source
from greenwater.kernel.trips import Trip, Violation
from greenwater.reference.monitoring import is_required
from greenwater.reference.ports import port_at
from greenwater.storage.registry.places import VesselInfo
from greenwater.storage.registry.trips import Sailed
from greenwater.storage.telemetry.ports import Intake, Series, Span

STATES: Final = "vessel/"
DEPARTURES: Final = 8
"""So many times of leaving port are remembered to go back to."""
LONGEST_MS: Final = 60 * 24 * 3600 * 1000
"""No memory is put back further than this."""
_CHANNELS: Final = (Channel.LATITUDE, Channel.LONGITUDE, Channel.SPEED)


class Telemetry(Protocol):
    """What is asked of the telemetry store."""

    def read_many(self, spans: Sequence[Span]) -> Sequence[Reading]:
        """Return all readings of many spans."""
        ...


class Kept(Struct):
    """What is kept of one vessel; ``told`` are violations claimed, true where over.

    ``open`` are those that are not over. ``traded`` is from when on it catches, or does
    not: what it was before is not judged anew by what it is now.
    """

    state: VesselState
    contact: Contact = field(default_factory=Contact)
    departures: list[int] = field(default_factory=list)
    first_ms: int | None = None
    monitoring: Monitoring = Monitoring.NOT_REQUIRED
    is_out_of_contact: bool = False
    told: dict[str, bool] = field(default_factory=dict)
    open: dict[str, Violation] = field(default_factory=dict)
    traded: list[tuple[int, bool]] = field(default_factory=list)

    def catches_at(self, time_ms: int) -> bool:
        """Return whether the vessel caught at an instant."""
        return [catches for ms, catches in self.traded if ms <= time_ms][-1]


class Boats:
    """The vessels of one worker. Used by one thread."""

    def __init__(self, telemetry: Telemetry, states: Mapping[str, bytes]) -> None:
        self._telemetry = telemetry
        self._kept = {
            name.removeprefix(STATES): msgspec.json.decode(document, type=Kept)
            for name, document in states.items()
            if name.startswith(STATES)
        }
        self._waiting: dict[str, dict[int, Position]] = {}
        self._taken_back: dict[str, int] = {}
        self._moved: set[str] = set()
        self._sailed: dict[str, Sailed] = {}

    def take(self, row: Intake, readings: Iterable[Reading], places: Places) -> None:
        """Take in a batch's positions; they move nothing until ``settle``."""
        known = [one for one in readings if one.taken_ms <= row.recorded_ms + AHEAD_MS]
        found = positions_of(known)
        for vessel, at_ms in _taken_back(known, found, places):
            self._take_back(vessel, at_ms)
        for (series, at_ms), position in found.items():
            aboard = places.vessel_at(series, at_ms)
            if aboard is None or aboard not in places.vessels:
                continue
            self._waiting.setdefault(aboard, {})[at_ms] = position
            kept = self._of(aboard)
            in_port = port_at(position.latitude, position.longitude) is not None
            kept.contact.take(at_ms, places.source_of(series), is_in_port=in_port)

    def _take_back(self, vessel: str, at_ms: int) -> None:
        """Forget a position told by voice, of which the store holds nothing any more."""
        self._waiting.setdefault(vessel, {}).pop(at_ms, None)
        self._of(vessel).contact.take_back(at_ms)
        self._taken_back[vessel] = min(at_ms, self._taken_back.get(vessel, at_ms))

    def settle(
        self, now_ms: int, places: Places, *, is_up_to_date: bool
    ) -> list[Claim]:
        """Move the vessels on that were heard of, look at all; return what alarms should know.

        Monitoring is looked at only where nothing is still to be read.
        """
        claims: list[Claim] = []
        for vessel in {*self._waiting, *self._kept} & places.vessels.keys():
            self._note_trade(places.vessels[vessel], now_ms)
        for vessel, positions in self._waiting.items():
            claims += self._sail(places.vessels[vessel], positions, places)
        self._waiting, self._taken_back = {}, {}
        if is_up_to_date:
            for vessel in self._kept:
                if vessel in places.vessels:
                    claims += self._look(places.vessels[vessel], now_ms, places)
        return claims

    def sailed(self) -> list[Sailed]:
        """Return what is to be written to the registry before the pass is kept."""
        sailed, self._sailed = list(self._sailed.values()), {}
        return sailed

    def taken(self) -> dict[str, bytes]:
        """Return what is to be kept now."""
        states = {
            STATES + vessel: msgspec.json.encode(self._kept[vessel])
            for vessel in self._moved
        }
        self._moved = set()
        return states

    def _of(self, vessel: str) -> Kept:
        self._moved.add(vessel)
        if vessel not in self._kept:
            self._kept[vessel] = Kept(VesselState(vessel))
        return self._kept[vessel]

    def _sail(
        self, info: VesselInfo, positions: Mapping[int, Position], places: Places
    ) -> list[Claim]:
        kept = self._of(info.id)
        last, since_ms = kept.state.last, None
        late = [ms for ms in positions if last is not None and ms <= last.time_ms]
        if last is not None and info.id in self._taken_back:
            late.append(self._taken_back[info.id])
        first_ms = min(positions, default=kept.first_ms)
        if late:
            since_ms = _since(kept, min(late))
            positions = self._again(
                info.id, since_ms, max(positions, default=0), places
            )
            kept.departures = [ms for ms in kept.departures if ms < since_ms]
            kept.state = VesselState(info.id)
        if first_ms is not None:
            kept.first_ms = min(first_ms, kept.first_ms or first_ms)
        kept.state.gear, kept.state.kind = info.gear or "", info.kind
        changes = _taken(kept, positions)
        _note_departures(kept, changes.trips)
        self._sailed[info.id] = _joined(info.id, changes, since_ms)
        place = _place(info, places)
        told = _untold(kept, changes.violations)
        return [
            zone_alarm(info, place, one) for one in [*told, *_gone(kept, is_over=False)]
        ]

    def _note_trade(self, info: VesselInfo, now_ms: int) -> None:
        traded = self._kept[info.id].traded if info.id in self._kept else []
        if not traded or traded[-1][1] is not info.catches:
            self._of(info.id).traded.append((now_ms if traded else 0, info.catches))

    def _again(
        self, vessel: str, since_ms: int, until_ms: int, places: Places
    ) -> dict[int, Position]:
        """Return a vessel's positions since an instant, from the store."""
        last = self._of(vessel).state.last
        end_ms = max(until_ms, 0 if last is None else last.time_ms) + 1
        found = self._telemetry.read_many(
            [Span(series, since_ms, end_ms) for series in places.aboard(vessel)]
        )
        return {
            at_ms: position
            for (series, at_ms), position in positions_of(found).items()
            if places.vessel_at(series, at_ms) == vessel
        }

    def _look(self, info: VesselInfo, now_ms: int, places: Places) -> list[Claim]:
        kept = self._kept[info.id]
        sources = {places.source_of(series) for series in places.aboard(info.id)}
        kept.contact.is_required = is_required(info.length_m) and Source.VMS in sources
        told = (
            kept.contact.look(now_ms)
            if info.is_in_service
            else Standing(Monitoring.NOT_REQUIRED, None)
        )
        place = _place(info, places)
        gone = [] if info.is_in_service else _gone(kept, is_over=True)
        claims = [zone_alarm(info, place, one) for one in gone]
        if gone:
            self._moved.add(info.id)
        if told.state is not kept.monitoring:
            if _is_silent(told.state) or _is_silent(kept.monitoring):
                claims.append(monitoring_alarm(info, place, kept.contact, told, now_ms))
            kept.monitoring = told.state
            self._moved.add(info.id)
        if told.is_out_of_contact is not kept.is_out_of_contact:
            claims.append(contact_alarm(info, place, kept.contact, told, now_ms))
            kept.is_out_of_contact = told.is_out_of_contact
            self._moved.add(info.id)
        return claims


def positions_of(readings: Iterable[Reading]) -> dict[tuple[Series, int], Position]:
    """Return the positions in readings that can be believed, each with its speed if any."""
    found: dict[tuple[Series, int], dict[Channel, float]] = {}
    for one in readings:
        if one.channel in _CHANNELS and one.value is not None and is_believable(one):
            key = Series(one.device, one.probe), one.taken_ms
            found.setdefault(key, {})[one.channel] = one.value
    return {
        key: Position(
            key[1],
            values[Channel.LATITUDE],
            values[Channel.LONGITUDE],
            values.get(Channel.SPEED),
        )
        for key, values in found.items()
        if Channel.LATITUDE in values and Channel.LONGITUDE in values
    }


def _taken_back(
    known: Iterable[Reading],
    found: Mapping[tuple[Series, int], Position],
    places: Places,
) -> Iterator[tuple[str, int]]:
    """Yield vessels and instants at which a position told by voice counts no more.

    A record of it was corrected. An instrument without a fix takes nothing back.
    """
    for one in known:
        if one.value is not None or one.channel not in _CHANNELS:
            continue
        key = Series(one.device, one.probe), one.taken_ms
        if key not in found and places.source_of(key[0]) is Source.VOICE:
            vessel = places.vessel_at(*key)
            if vessel is not None and vessel in places.vessels:
                yield vessel, one.taken_ms


def _taken(kept: Kept, positions: Mapping[int, Position]) -> Changes:
    """Have a vessel's state take positions, each by what the vessel was then."""
    whole = Changes([], [], [])
    for catches, some in groupby(sorted(positions), kept.catches_at):
        kept.state.catches = catches
        changes = kept.state.take(positions[ms] for ms in some)
        whole.trips.extend(changes.trips)
        whole.hauls.extend(changes.hauls)
        whole.violations.extend(changes.violations)
    return whole


def _since(kept: Kept, late_ms: int) -> int:
    """Return from when to begin again so that a late position falls in its place.

    What is taken back may have been the port that a trip seemed to leave.
    """
    left = [ms for ms in kept.departures if ms < late_ms]
    if left:
        return left[-1]
    return max(min(late_ms, kept.first_ms or late_ms), late_ms - LONGEST_MS)


def _note_departures(kept: Kept, trips: Sequence[Trip]) -> None:
    known = {*kept.departures, *(one.departure_ms for one in trips)}
    kept.departures = sorted(known)[-DEPARTURES:]


def _joined(vessel: str, changes: Changes, since_ms: int | None) -> Sailed:
    """Return the last of each, as the registry takes it."""
    return Sailed(
        vessel=vessel,
        trips=list({one.id: one for one in changes.trips}.values()),
        hauls=list({one.id: one for one in changes.hauls}.values()),
        violations=list({one.id: one for one in changes.violations}.values()),
        since_ms=since_ms,
    )


def _untold(kept: Kept, violations: Sequence[Violation]) -> list[Violation]:
    """Return what has not been told yet, and note it as told."""
    found = []
    for one in violations:
        if one.id not in kept.told or one.is_over > kept.told[one.id]:
            kept.told[one.id] = one.is_over
            found.append(one)
        kept.open[one.id] = one
        if one.is_over:
            del kept.open[one.id]
    while len(kept.told) > 4 * DEPARTURES:
        del kept.told[next(iter(kept.told))]
    return found


def _gone(kept: Kept, *, is_over: bool) -> list[Violation]:
    """Return what was told and goes on no longer, as over, though nothing said so.

    Positions that came late, or the model in the end, showed it to be none; or (``is_over``)
    nothing is asked of the vessel any more.
    """
    going_on = set() if is_over else kept.state.going_on()
    gone = [one for one in kept.open.values() if one.id not in going_on]
    for one in gone:
        del kept.open[one.id]
        kept.told[one.id] = True
    return [replace(one, is_over=True) for one in gone]


def _is_silent(state: Monitoring) -> bool:
    return state in (
        Monitoring.LATE,
        Monitoring.REPORTING,
        Monitoring.LOST,
        Monitoring.OVERDUE,
    )


def _place(info: VesselInfo, places: Places) -> Place:
    is_simulated = any(
        places.devices[series.device].is_simulated
        for series in places.aboard(info.id)
        if series.device in places.devices
    )
    return Place(info.organisation, None, None, None, None, is_simulated)
