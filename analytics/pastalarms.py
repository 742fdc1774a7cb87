"""Alarms of a stretch of the past, found anew from the store: what came in behind.

When no more of it comes, what a box sent late is looked back at (``alarms.behind``), with
all that hangs in the same units: a few hours at each pass, so that what is live goes first.
That a stretch waits stands beside what is watched of its box, and is taken away in the
transaction that keeps its alarms: a pass that dies is done again to the same end.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from typing import Final, NamedTuple, Protocol

from msgspec.structs import replace

from analytics.alarms.behind import WARM_MS, Past, Replay, reckoned
from analytics.alarms.standing import Changes
from analytics.alarms.watch import Watch
from analytics.flagging import is_believable
from analytics.past import SETTLED_MS, WATCHED
from analytics.places import Places
from greenwater.derived.compensating import needs_salt
from greenwater.derived.stretches import Told
from greenwater.derived.unit_water import UnitWater
from greenwater.kernel.ids import DeviceId
from greenwater.kernel.reading import DAY_MS, HOUR_MS, Reading
from greenwater.storage.registry.alarms import Alarm, AlarmState
from greenwater.storage.registry.watching import Pass
from greenwater.storage.telemetry.ports import Series, Span

PIECE_MS: Final = 6 * HOUR_MS
"""So much of the past is looked at before what is live has its turn."""

LIVE_MS: Final = 2 * HOUR_MS
"""By then what goes on after the stretch has become a live alarm, or never will."""


class Telemetry(Told, Protocol):
    """What is asked of the telemetry store."""

    def read_many(self, spans: Sequence[Span]) -> Sequence[Reading]:
        """Return all readings of many spans."""
        ...


class Registry(Protocol):
    """What is asked of the registry."""

    def alarms_about(
        self, conditions: Collection[str], from_ms: int, to_ms: int
    ) -> Sequence[Alarm]:
        """Return the alarms about some conditions that held in a stretch of time."""
        ...

    def save_pass(self, done: Pass) -> None:
        """Keep what was found."""
        ...


class Stretch(NamedTuple):
    """What a device sent late: from its first instant to its last."""

    device: DeviceId
    start_ms: int
    end_ms: int


class LookBack:
    """A stretch of one device looked at anew, piece by piece."""

    def __init__(
        self,
        telemetry: Telemetry,
        registry: Registry,
        places: Places,
        stretch: Stretch,
        until_ms: int,
    ) -> None:
        self._telemetry, self._places = telemetry, places
        self._stretch, self._until_ms = stretch, until_ms
        self._units = _units(places, stretch)
        self._series = sorted(
            {
                *places.probes_of(stretch.device),
                *(one for unit in self._units for one in places.probes_in(unit)),
            }
        )
        blamed = _blamed(registry, self._series, stretch)
        self._replay = Replay(stretch[1:], blamed=blamed)

    def pieces(self) -> Iterator[None]:
        """Go through the stretch, and on until what began in it is over.

        Raises:
            UnavailableError: the store did not answer; begin anew.
        """
        first_ms = self._stretch.start_ms - WARM_MS
        for at_ms in range(first_ms, self._until_ms, PIECE_MS):
            if at_ms > self._stretch.end_ms and not self._replay.is_on:
                return
            end_ms = min(at_ms + PIECE_MS, self._until_ms)
            found = self._telemetry.read_many(
                [Span(one, at_ms, end_ms) for one in self._series]
            )
            believed = sorted(
                filter(is_believable, found),
                key=lambda one: (one.taken_ms, one.device, one.probe, one.channel),
            )
            self._replay.take(self._in_salt_water(believed), self._places)
            yield

    @property
    def is_on(self) -> bool:
        """Whether something that began in the stretch holds still."""
        return self._replay.is_on

    def found(self) -> list[Past]:
        """Return the alarms of the stretch."""
        mine = (None, *self._units)
        return [one for one in self._replay.found() if one.alarm.unit in mine]

    def _in_salt_water(self, readings: Sequence[Reading]) -> Sequence[Reading]:
        """Return oxygen as the salt water of that time had it."""
        for unit in self._units if any(map(needs_salt, readings)) else ():
            mine = [one for one in readings if self._unit_of(one) == unit]
            water = UnitWater(self._telemetry, self._places.hung_in(unit))
            right = dict(zip(map(id, mine), water.salted(mine), strict=True))
            readings = [right.get(id(one), one) for one in readings]
        return readings

    def _unit_of(self, one: Reading) -> str | None:
        place = self._places.at(Series(one.device, one.probe), one.taken_ms)
        return None if place is None else place.unit


class PastAlarms:
    """What waits to be looked back at. Used by one thread."""

    def __init__(self, registry: Registry, telemetry: Telemetry) -> None:
        self._registry, self._telemetry = registry, telemetry
        self._going: tuple[Stretch, int, LookBack, Iterator[None]] | None = None

    def look_back(self, watch: Watch, now_ms: int, places: Places) -> bool:
        """Go a piece on; return whether something is to be kept.

        To be asked when nothing is waiting. The watch takes over what was found.

        Raises:
            UnavailableError: a database did not answer.
        """
        going = self._going or self._next(watch, now_ms, places)
        self._going = None
        if going is None:
            return False
        stretch, recorded_ms, look, pieces = going
        watched = watch.devices[stretch.device]
        if (watched.behind, watched.behind_ms) != (stretch[1:], recorded_ms):
            return (
                False  # more of it has come: from the beginning, once it is all there
            )
        if next(pieces, self) is not self:
            self._going = going
            return False
        found = look.found()
        about = watch.about({one.alarm.condition for one in found})
        is_live = any(one.is_active for one in about)
        if look.is_on and not is_live and now_ms < stretch.end_ms + LIVE_MS:
            watch.wait_with(stretch.device, now_ms)
        else:
            past = _reckoned(self._registry, found, about, now_ms)
            watch.looked_back(stretch.device, past)
        return True

    def _next(
        self, watch: Watch, now_ms: int, places: Places
    ) -> tuple[Stretch, int, LookBack, Iterator[None]] | None:
        device = watch.behind(now_ms - SETTLED_MS)
        behind = None if device is None else watch.devices[device].behind
        if device is None or behind is None:
            return None
        stretch = Stretch(device, *behind)
        look = LookBack(self._telemetry, self._registry, places, stretch, now_ms)
        return stretch, watch.devices[device].behind_ms, look, look.pieces()


def find_alarms_again(
    telemetry: Telemetry,
    registry: Registry,
    places: Places,
    stretches: Sequence[Stretch],
    now_ms: int,
    *,
    unit: str = "",
    progress: Callable[[int, int], None] = lambda done, of: None,
) -> int:
    """Find and keep the alarms of some devices' past; return how many nobody knew.

    What is known is not found again; doing it twice changes nothing. ``unit``: of this one
    alone.

    Raises:
        UnavailableError: a database did not answer; do it all again.
    """
    count = 0
    for number, stretch in enumerate(stretches, 1):
        look = LookBack(telemetry, registry, places, stretch, now_ms)
        for _ in look.pieces():
            pass
        found = [one for one in look.found() if unit in ("", one.alarm.unit)]
        past = _reckoned(registry, found, (), now_ms)
        if past.steps:
            alarms = list(past.alarms.values())
            done = Pass(saved_ms=now_ms, states={}, alarms=alarms, steps=past.steps)
            registry.save_pass(done)
            count += len(alarms)
        progress(number, len(stretches))
    return count


def _reckoned(
    registry: Registry, found: Sequence[Past], standing: Sequence[Alarm], now_ms: int
) -> Changes:
    """Return what is to be kept; ``standing`` are alarms as they are in this pass."""
    if not found:
        return Changes()
    known = registry.alarms_about(
        {one.alarm.condition for one in found},
        min(one.alarm.began_ms for one in found),
        max(one.end_ms for one in found),
    )
    newest = {one.id: one for one in (*known, *standing)}
    return reckoned(found, newest.values(), now_ms)


def _blamed(
    registry: Registry, probes: Iterable[Series], stretch: Stretch
) -> list[Alarm]:
    """Return the alarms that said of a probe, all the time, that it was at fault.

    Beside a sound one it was not believed then, and is not now.
    """
    conditions = {
        f"episode/{device}/{probe}/{channel}"
        for device, probe in probes
        for channel in WATCHED
    }
    return [
        replace(one, state=AlarmState.RAISED, returned_ms=None)
        for one in registry.alarms_about(conditions, *stretch[1:])
        if one.began_ms <= stretch.start_ms
        and (one.returned_ms is None or one.returned_ms >= stretch.end_ms)
    ]


def _units(places: Places, stretch: Stretch) -> Collection[str]:
    """Return the units in which a device's probes hung, looked at day by day."""
    days = (*range(stretch.start_ms, stretch.end_ms, DAY_MS), stretch.end_ms)
    there = (
        places.at(series, at_ms)
        for series in places.probes_of(stretch.device)
        for at_ms in days
    )
    return sorted({one.unit for one in there if one is not None and one.unit})
