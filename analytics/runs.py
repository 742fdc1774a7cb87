"""The loop over intake: each pass reads what became readable, and keeps all it found.

    acts + intake rows ─► readings ─► flags ─► watch ─► one transaction in the registry

The cursor stands in that transaction. A pass that dies before it is done again from the
same cursor and state, and comes to the same end: ids are made from what happened, flags
from the readings.
"""

import secrets
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import Final

import msgspec
import structlog

from analytics.alarms.aerating import orders_of, told_by
from analytics.alarms.calling import messages_of
from analytics.alarms.claims import Claim
from analytics.alarms.life import AGAIN_MS
from analytics.alarms.standing import Changes
from analytics.alarms.tracked import Watched
from analytics.alarms.watch import LATE_MS, Watch
from analytics.boats import Boats
from analytics.deriving import Deriving
from analytics.flagging import (
    Flagging,
    decode_streams,
    encode_streams,
    is_believable,
)
from analytics.oddities import Oddities
from analytics.pastalarms import PastAlarms
from analytics.places import Places, places_of
from analytics.ports import Registry, Telemetry
from greenwater.kernel.clock import Clock
from greenwater.kernel.ids import DeviceId, WorkerId
from greenwater.kernel.reading import DAY_MS, MINUTE_MS, Reading, milliseconds
from greenwater.storage.registry.watching import PASS, Act, Pass
from greenwater.storage.telemetry.ports import Intake, Span

log = structlog.get_logger()

CURSOR: Final = "cursor"
DEVICE: Final = "device/"
FLAGS: Final = "flags-2/"
ROWS: Final = 200
READINGS: Final = 10_000
"""A pass takes in about so many: a backlog is kept bit by bit, and ended at once."""
PATIENCE_S: Final = 5.0
"""Real seconds that a device must have been silent, however fast the clock runs."""

MOST_MS: Final = 92 * DAY_MS
"""The longest stretch of time of one batch that is looked at."""

LONGEST_ORDER_MS: Final = DAY_MS
LONGEST_BACKLOG_MS: Final = 60 * DAY_MS
"""Readings this old may still come; what was out of service then is known."""

GRACE_MS: Final = 2 * MINUTE_MS
"""After a start, or a database that was away, boxes are given time to send what they
could not: none is silent yet."""


class Runs:
    """One worker of analytics. Used by one thread."""

    def __init__(
        self,
        registry: Registry,
        telemetry: Telemetry,
        clock: Clock,
        executor: Executor | None = None,
        *,
        new_token: Callable[[], str] = lambda: secrets.token_hex(8),
    ) -> None:
        self._registry, self._telemetry, self._clock = registry, telemetry, clock
        self._executor, self._new_token = executor, new_token
        self._places = Places((), (), (), ())
        self._claims: SimpleQueue[Claim] = SimpleQueue()
        self.reload()

    def reload(self) -> None:
        """Begin again from what is kept; after any failure of a pass."""
        self._began_ms = milliseconds(self._clock.now())
        states = self._registry.load_states()
        self._after = states.get(PASS, b"")
        kept = states.get(CURSOR)
        self._cursor: dict[WorkerId, int] = (
            {} if kept is None else msgspec.json.decode(kept, type=dict[WorkerId, int])
        )
        devices = {
            DeviceId(name.removeprefix(DEVICE)): msgspec.json.decode(
                document, type=Watched
            )
            for name, document in states.items()
            if name.startswith(DEVICE)
        }
        self._watch = Watch(
            devices,
            self._registry.open_alarms(),
            self._registry.alarms_cleared_since(self._began_ms - AGAIN_MS),
        )
        streams = {
            DeviceId(name.removeprefix(FLAGS)): decode_streams(document)
            for name, document in states.items()
            if name.startswith(FLAGS)
        }
        self._flagging = Flagging(self._telemetry, streams, self._executor)
        self._deriving = Deriving(self._telemetry, states)
        self._oddities = Oddities(self._telemetry, states)
        self._boats = Boats(self._telemetry, states)
        self._past = PastAlarms(self._registry, self._telemetry)
        self._flagged: set[DeviceId] = set()
        self.look_around()

    def look_around(self) -> None:
        """Learn where probes hang now, and what else the registry says of places."""
        registry, now_ms = self._registry, milliseconds(self._clock.now())
        self._places = places_of(registry, now_ms - LONGEST_BACKLOG_MS)
        self._watch.ordered(
            [
                *orders_of(registry.switches_since(now_ms - LONGEST_ORDER_MS)),
                *told_by(
                    {
                        device: (last.received_ms, last.status.unhealthy)
                        for device, last in registry.statuses().items()
                        if last.status.online
                    }
                ),
            ]
        )

    def claim(self, claim: Claim) -> None:
        """Have a claim taken in with the next pass; from any thread."""
        self._claims.put(claim)

    @property
    def places(self) -> Places:
        """Where probes hung when this looked around last."""
        return self._places

    def look(self) -> int:
        """Do one pass; return how many intake rows it took in.

        Raises:
            UnavailableError: a database did not answer, or another worker was faster;
                ``reload``, then look again.
        """
        acts = self._registry.open_acts()
        self._watch.act(acts)
        self._watch.claim(self._claimed(), self._places)
        waiting = self._telemetry.intake_after(self._cursor, ROWS)
        rows = _at_most(waiting, READINGS)
        self._take(rows)
        now_ms = milliseconds(self._clock.now())
        has_all = len(waiting) < ROWS and len(rows) == len(waiting)
        is_up_to_date = has_all and now_ms >= self._began_ms + GRACE_MS
        for claim in self._boats.settle(
            now_ms, self._places, is_up_to_date=is_up_to_date
        ):
            is_late = now_ms - claim.at_ms > LATE_MS
            self._watch.claim([claim], self._places, is_late=is_late)
        self._watch.tick(
            now_ms, self._patience_ms(), self._places, is_up_to_date=is_up_to_date
        )
        is_done = is_up_to_date and self._look_back(now_ms)
        self._flagging.write()
        self._oddities.write()
        sailed = self._boats.sailed()
        if sailed:
            self._registry.save_trips(sailed)
        changes = self._watch.taken()
        if rows or acts or changes.alarms or is_done:
            self._save(changes, acts, now_ms)
        return len(rows)

    def _look_back(self, now_ms: int) -> bool:
        """Go on with what came in behind; return whether there is something to keep."""
        episodes = self._oddities.look_back(now_ms, self._places)
        alarms = self._past.look_back(self._watch, now_ms, self._places)
        return episodes or alarms

    def _take(self, rows: Sequence[Intake]) -> None:
        batches = []
        for row in rows:
            # Counted as repeated after a crash, yet new here: all of it is looked at.
            if row.stored or row.repeated or row.overwritten:
                readings = self._readings(row)
                more = self._deriving.take(readings, self._places)
                readings = _in_order((*readings, *more)) if more else readings
                batches.append((row, readings))
                self._flagged |= {row.device, *(one.device for one in more)}
                self._boats.take(row, readings, self._places)
                believed = [one for one in readings if is_believable(one)]
                salted = self._deriving.in_salt_water(believed, self._places)
                self._watch.take(salted, row.recorded_ms, self._places)
                claims = self._oddities.take(row, readings, self._places)
                is_late = row.recorded_ms - row.max_ms > LATE_MS
                self._watch.claim(claims, self._places, is_late=is_late)
            self._cursor[row.worker] = row.sequence
        self._flagging.take(batches, self._places)

    def _claimed(self) -> Iterator[Claim]:
        """Yield the claims that wait. One lost with a failed pass is made again."""
        with suppress(Empty):
            while True:
                yield self._claims.get_nowait()

    def _patience_ms(self) -> int:
        real_s = self._clock.real_seconds(1.0)
        return round(PATIENCE_S / real_s * 1000) if real_s > 0 else 0

    def _readings(self, row: Intake) -> list[Reading]:
        """Return what lies in a batch's stretch of time, in order."""
        first_ms = max(row.min_ms, row.max_ms - MOST_MS)
        if first_ms > row.min_ms:  # one wrong time must not make this read years
            log.warning("batch.cut", device=row.device, batch=row.batch)
        probes = self._places.probes_of(row.device)
        found = self._telemetry.read_many(
            [Span(series, first_ms, row.max_ms + 1) for series in probes]
        )
        return _in_order(found)

    def _save(self, changes: Changes, acts: Sequence[Act], now_ms: int) -> None:
        name = self._new_token().encode()
        states = {CURSOR: msgspec.json.encode(self._cursor), PASS: name}
        for device in changes.devices:
            document = msgspec.json.encode(self._watch.devices[device])
            states[DEVICE + device] = document
        for device in self._flagged:
            states[FLAGS + device] = encode_streams(
                self._flagging.streams.get(device, {})
            )
        states |= self._deriving.taken() | self._oddities.taken() | self._boats.taken()
        notifications = (
            messages_of(changes.calls, self._registry.contacts())
            if changes.calls
            else ()
        )
        self._registry.save_pass(
            Pass(
                saved_ms=now_ms,
                states=states,
                alarms=list(changes.alarms.values()),
                steps=changes.steps,
                notifications=notifications,
                told=changes.told,
                acts=acts,
                after=self._after,
            )
        )
        self._after, self._flagged = name, set()
        for step in changes.steps:
            log.info("alarm.moved", alarm=step.alarm, step=step.kind, at_ms=step.at_ms)


def _at_most(rows: Sequence[Intake], readings: int) -> Sequence[Intake]:
    """Return the first rows, one at least, of so many readings together."""
    total = 0
    for number, row in enumerate(rows):
        total += row.stored + row.repeated + row.overwritten
        if total > readings and number:
            return rows[:number]
    return rows


def _in_order(readings: Iterable[Reading]) -> list[Reading]:
    """Return readings in order of time, the last of each identity."""
    found = {
        (one.taken_ms, one.device, one.probe, one.channel): one for one in readings
    }
    return [found[key] for key in sorted(found)]
