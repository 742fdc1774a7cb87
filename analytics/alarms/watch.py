"""What analytics watches: readings in, changes of alarms out. Pure: no store, no clock.

What is known of a device is one small document (``Watched``), kept beside the cursor in
the same transaction, so that a restart in the middle of a delay, or of an alarm, goes on
as if nothing had happened. Within a series only readings newer than the newest one seen
move anything: what comes out of order is flagged, and is no news. What of it is late is
noted: the alarms of that stretch are found by a watch of its own (``behind``).
"""

from collections.abc import Container, Iterable, Mapping, Sequence
from typing import Final

from analytics.alarms import life
from analytics.alarms.aerating import Order, judged, turned
from analytics.alarms.blind import watched_for
from analytics.alarms.claims import Claim, claimed, is_kept_up
from analytics.alarms.holding import held
from analytics.alarms.levels import Levels, LimitsOf
from analytics.alarms.percent import oxygen_of
from analytics.alarms.power import fed
from analytics.alarms.salt import warm_first, with_salinity
from analytics.alarms.silence import is_expected, noticed, regraded
from analytics.alarms.standing import Changes, Standing
from analytics.alarms.tracked import Watched, heard, is_news, note_behind
from analytics.places import Place, Places
from greenwater.kernel.channels import Channel
from greenwater.kernel.ids import DeviceId
from greenwater.kernel.reading import MINUTE_MS, Reading
from greenwater.reference.limits import species_limits
from greenwater.storage.registry.alarms import Alarm
from greenwater.storage.registry.watching import Act
from greenwater.storage.telemetry.ports import Series

LATE_MS: Final = 30 * MINUTE_MS
"""A reading recorded later than this after it was taken raises no live alarm.

Recorded is when ingest wrote its batch down, by the platform's clock: a fact of the
batch, so that the same batch is late however often it is looked at.
"""


class Watch:
    """The devices and the open alarms of one worker.

    ``past`` are alarms cleared within ``life.AGAIN_MS``, oldest first; ``limits_of`` says
    what a species bears of a channel.
    """

    def __init__(
        self,
        devices: Mapping[DeviceId, Watched],
        open_alarms: Iterable[Alarm],
        past: Iterable[Alarm] = (),
        *,
        limits_of: LimitsOf = species_limits,
    ) -> None:
        self.devices = dict(devices)
        self._standing = Standing(open_alarms, past)
        self._levels = Levels(self.devices, self._standing, limits_of)
        self._orders: Sequence[Order] = ()
        self._behind = {
            device for device, one in self.devices.items() if one.behind is not None
        }

    def taken(self) -> Changes:
        """Return what changed since this was asked last."""
        return self._standing.taken()

    def act(self, acts: Iterable[Act]) -> None:
        """Take over what people did."""
        self._standing.act(acts)

    def ordered(self, orders: Sequence[Order]) -> None:
        """Learn what aerators are ordered to do now."""
        self._orders = orders

    def claim(
        self, claims: Iterable[Claim], places: Places, *, is_late: bool = False
    ) -> None:
        """Take in what episodes and forecasts claim (``claims``)."""
        for claim in claims:
            claimed(self._standing, claim, places, is_late=is_late)

    def behind(self, settled_ms: int) -> DeviceId | None:
        """Return a device that sent late what was behind, and none of it since an instant."""
        return min(
            (one for one in self._behind if self.devices[one].behind_ms <= settled_ms),
            default=None,
        )

    def about(self, conditions: Container[str]) -> Sequence[Alarm]:
        """Return the alarms about some conditions that stand."""
        return [one for one in self._standing if one.condition in conditions]

    def looked_back(self, device: DeviceId, past: Changes) -> None:
        """Take over the alarms of a device's past: nothing of it is behind any more."""
        self.devices[device].behind = None
        self._behind.discard(device)
        changes = self._standing.changes
        changes.devices.add(device)
        changes.alarms |= past.alarms
        changes.steps += past.steps

    def wait_with(self, device: DeviceId, now_ms: int) -> None:
        """Have a device's past looked at once more, as if the last of it came in now."""
        self.devices[device].behind_ms = now_ms
        self._standing.changes.devices.add(device)

    def take(
        self, readings: Sequence[Reading], recorded_ms: int, places: Places
    ) -> None:
        """Take in readings of one device that can be believed, in order of time."""
        for reading in warm_first(readings):
            if reading.value is None:
                continue
            if reading.channel is Channel.BATTERY:
                self._power(reading, recorded_ms, places)
            series = Series(reading.device, reading.probe)
            place = places.at(series, reading.taken_ms)
            if place is not None and place.unit is not None:
                self._take(reading, place, recorded_ms, places)

    def _take(
        self, reading: Reading, place: Place, recorded_ms: int, places: Places
    ) -> None:
        """Take in what a probe says of the unit it hangs in."""
        self._hear(reading, recorded_ms, places)
        watched = self.devices[reading.device]
        if Series(reading.device, reading.probe) in places.aerators:
            if reading.channel is Channel.CURRENT:
                turned(self._standing, watched, reading, place, recorded_ms)
            elif reading.channel is Channel.CONTACT:
                self._power(reading, recorded_ms, places)
        is_late = _is_late(reading, recorded_ms)
        if note_behind(watched, reading, recorded_ms, is_late=is_late):
            self._behind.add(reading.device)
            self._standing.changes.devices.add(reading.device)
        oxygen = oxygen_of(watched, reading, str(place.unit), self._levels)
        for one in (*with_salinity(watched, reading), *oxygen):
            self._levels.measure(one, place, places, recorded_ms, is_late=is_late)

    def _power(self, reading: Reading, recorded_ms: int, places: Places) -> None:
        self.devices.setdefault(reading.device, Watched(tracked={}))
        is_late = _is_late(reading, recorded_ms)
        fed(
            self._standing,
            self.devices,
            reading,
            places,
            recorded_ms,
            is_late=is_late,
        )

    def tick(
        self,
        now_ms: int,
        patience_ms: int,
        places: Places,
        *,
        is_up_to_date: bool = True,
    ) -> None:
        """Notice what does not happen.

        Silent boxes, while nothing they said is still to be read (``is_up_to_date``);
        ``patience_ms`` is the least silence that counts, whatever the intervals are.
        Aerators that were switched on and do not run. Alarms that nothing measures any
        more; latched ones nobody looks at; what is put off, hidden, or no longer so.
        """
        standing = self._standing
        if is_up_to_date:
            noticed(standing, self.devices, places, now_ms, patience_ms)
            regraded(standing, self.devices, now_ms)
            watched_for(
                standing, self.devices, self._levels, places, now_ms, patience_ms
            )
        judged(standing, self.devices, self._levels, places, self._orders, now_ms)
        for alarm in standing:
            if alarm.is_active and not self._is_watched(alarm, now_ms, places):
                standing.over(alarm, now_ms)
                continue
            done = life.expired(alarm, now_ms)
            if done.step is not None:
                standing.keep(done)
        held(standing, self._levels, places, now_ms)

    def _hear(self, reading: Reading, recorded_ms: int, places: Places) -> None:
        watched = self.devices.setdefault(reading.device, Watched(tracked={}))
        if not is_news(reading.taken_ms, watched.newest_ms, recorded_ms):
            return
        watched.newest_ms = reading.taken_ms
        watched.rounds = heard(watched.rounds, reading.taken_ms)
        self._standing.changes.devices.add(reading.device)
        if watched.is_silent and not _is_late(reading, recorded_ms):
            watched.is_silent = False
            info = places.devices.get(reading.device)
            site = None if info is None else info.site
            for name in (f"silence/{reading.device}", f"site_silence/{site}"):
                alarm = self._standing.get(name)
                if alarm is not None:
                    self._standing.over(alarm, reading.taken_ms)

    def _is_watched(self, alarm: Alarm, now_ms: int, places: Places) -> bool:
        """Return whether something can still say that an alarm's condition is over."""
        at_ms = max(now_ms, alarm.taken_ms or 0)
        if alarm.unit is not None and places.is_closed(alarm.unit, at_ms):
            return False
        if alarm.kind in ("silence", "site_silence"):
            return any(
                is_expected(DeviceId(one), at_ms, places)
                or _is_serviced(alarm, at_ms, places)
                for one in alarm.detail.get("devices", (alarm.device,))
                if one is not None
            )
        if alarm.kind == "forecast":
            return is_kept_up(alarm, now_ms)
        if alarm.kind == "limit":
            return self._levels.is_held(alarm, at_ms, places)
        return True


def _is_serviced(alarm: Alarm, at_ms: int, places: Places) -> bool:
    return places.out_of_service(at_ms, alarm.unit, alarm.device, None) is not None


def _is_late(reading: Reading, recorded_ms: int) -> bool:
    return recorded_ms - reading.taken_ms > LATE_MS
