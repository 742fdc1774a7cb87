"""What ingest does beside taking in: device states, commands, clones, operator alarms.

Called from three threads; everything shared is behind one lock and nothing here waits
for the network but ``do``.
"""

import shutil
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from pathlib import Path

import structlog

from greenwater.kernel import topics
from greenwater.kernel.clock import Clock
from greenwater.kernel.errors import UnavailableError
from greenwater.kernel.ids import CommandId, DeviceId, DeviceState
from greenwater.kernel.reading import milliseconds
from greenwater.kernel.wire.messages import Platform, Status, encode_message
from ingest.clones import Clones
from ingest.counters import Counters
from ingest.pipeline import CLONED_BOX
from ingest.ports import Outlet, Registry

log = structlog.get_logger()

REPEAT_COMMAND_S = 30.0
BEAT_S = 15.0
RESEND = "resend"
HOUR_MS = 3600 * 1000


class Duties:
    """Housekeeping of the service, once a second."""

    def __init__(
        self,
        registry: Registry,
        *,
        clock: Clock,
        counters: Counters,
        home: Path,
        epoch: str,
        on_resend: Callable[[], None],
        disk_free_mb: int,
        lag_alarm_s: int,
        quarantine_per_hour: int,
        name: str = "ingest",
    ) -> None:
        self._registry, self._clock, self._counters = registry, clock, counters
        self._home, self._epoch, self._on_resend = home, epoch, on_resend
        self._disk_free_mb = disk_free_mb
        self._lag_alarm_s, self._per_hour = lag_alarm_s, quarantine_per_hour
        self._name = name
        self._lock = threading.Lock()
        self._states: Mapping[DeviceId, DeviceState] = registry.device_states()
        self._statuses: dict[DeviceId, Status] = {}
        self._clones = Clones()
        self._told: dict[DeviceId, int] = {}
        self._online: set[DeviceId] = set()
        self._sent: dict[CommandId, float] = {}
        self._must_announce = True
        self._connections = 0
        self._store_error: str | None = None
        self._settled_at = time.monotonic()
        self._waiting = 0
        self._beat_s = 0.0
        self._quarantined = deque([(milliseconds(clock.now()), 0)])
        self._open: set[tuple[str, str]] = set()
        self._recall()

    def _recall(self) -> None:
        """Learn which alarms an earlier run left open, so that they are cleared."""
        now_ms = milliseconds(self._clock.now())
        for alarm in self._registry.operator_alarms():
            if alarm.kind == CLONED_BOX:
                device = DeviceId(alarm.subject)
                self._clones.contradicted(device, alarm.message, now_ms)
                self._told[device] = now_ms
            elif alarm.subject in (self._name, "platform"):
                self._open.add((alarm.kind, alarm.subject))

    def device_states(self) -> Mapping[DeviceId, DeviceState]:
        """Return the devices known and whether each may speak; at most 2 s old."""
        return self._states

    def announce(self) -> None:
        """Begin a new epoch: the broker is new or has been away, and what it held is
        not to be trusted. Boxes send again what is unacknowledged."""
        self._connections += 1
        self._must_announce = True

    def heard(self, device: DeviceId, status: Status) -> None:
        """Note a status, to be kept within a second or so: five thousand boxes that come
        online together must not hold up the readings, and a status that is lost with
        the process is retained at the broker. Two boxes under one identity give
        themselves away here (``ingest.clones``): call in the order of arrival.
        """
        with self._lock:
            self._statuses[device] = status
            if status.online:
                self._online.add(device)
            self._clones.heard(device, status, milliseconds(self._clock.now()))

    def contradicted(self, clones: Mapping[DeviceId, str]) -> None:
        """Note devices whose batch numbers came with other bytes, and the sentences."""
        if clones:
            now_ms = milliseconds(self._clock.now())
            with self._lock:
                for device, why in clones.items():
                    self._clones.contradicted(device, why, now_ms)

    def store_failed(self, error: str) -> None:
        """Note that the store did not answer."""
        self._store_error = error

    def settled(self, waiting: int) -> None:
        """Note that a group is durable and how many deliveries wait behind it."""
        self._store_error, self._waiting = None, waiting
        self._settled_at = time.monotonic()

    def do(self, outlet: Outlet) -> None:
        """Do what is due.

        Raises:
            UnavailableError: the registry did not answer.
        """
        self._states = self._registry.device_states()
        if self._must_announce:
            self._must_announce = False
            epoch = Platform(f"{self._epoch}-{self._connections}")
            outlet.publish(topics.PLATFORM, encode_message(epoch), retain=True)
        self._keep_statuses()
        self._send_commands(outlet)
        self._watch()
        self._beat()

    def _keep_statuses(self) -> None:
        with self._lock:
            statuses, self._statuses = self._statuses, {}
        if not statuses:
            return
        try:
            self._registry.save_statuses(statuses, milliseconds(self._clock.now()))
        except UnavailableError:
            with self._lock:
                self._statuses = statuses | self._statuses
            raise

    def _send_commands(self, outlet: Outlet) -> None:
        now_s = time.monotonic()
        due = self._registry.commands_due(milliseconds(self._clock.now()))
        with self._lock:
            came_online, self._online = self._online, set()
        for device, command in due:
            command_id = CommandId(command.id)
            sent_s = self._sent.get(command_id)
            if sent_s is None and command.kind == RESEND:
                self._on_resend()
            if (
                sent_s is None
                or device in came_online
                or now_s - sent_s > REPEAT_COMMAND_S
            ):
                outlet.publish(
                    topics.command(device, command_id), encode_message(command)
                )
                self._sent[command_id] = now_s
        alive = {CommandId(command.id) for _, command in due}
        self._sent = {one: at for one, at in self._sent.items() if one in alive}

    def _beat(self) -> None:
        """Say now and then that it works, what waits, and for how long."""
        now_s = time.monotonic()
        if now_s - self._beat_s < BEAT_S:
            return
        self._beat_s = now_s
        is_behind = self._waiting > 0 or self._store_error is not None
        facts = {
            "queue": self._waiting,
            "lag_s": round(now_s - self._settled_at) if is_behind else 0,
            "stored": self._counters.snapshot()["stored"],
        }
        self._registry.beat(self._name, milliseconds(self._clock.now()), facts)

    def _watch(self) -> None:
        lag_s = time.monotonic() - self._settled_at
        lagging = self._store_error is not None and lag_s > self._lag_alarm_s
        self._alarm(
            "ingest-lag",
            self._name,
            f"nothing stored for {lag_s:.0f} s: {self._store_error}"
            if lagging
            else None,
        )
        free_mb = shutil.disk_usage(self._home).free // 2**20
        self._alarm(
            "disk",
            "platform",
            f"{free_mb} MB left on the platform's disk"
            if free_mb < self._disk_free_mb
            else None,
        )
        self._alarm("quarantine", self._name, self._quarantine_fault())
        self._watch_clones()

    def _watch_clones(self) -> None:
        now_ms = milliseconds(self._clock.now())
        with self._lock:
            signs = dict(self._clones.signs)
        for device, sign in signs.items():
            if sign.is_over(now_ms):
                self._registry.clear_operator_alarm(CLONED_BOX, device, now_ms)
                with self._lock:
                    self._clones.forget(device, sign)
            elif self._told.get(device) != sign.at_ms:
                self._registry.raise_operator_alarm(
                    CLONED_BOX, device, sign.why, now_ms
                )
                self._told[device] = sign.at_ms

    def _quarantine_fault(self) -> str | None:
        now_ms = milliseconds(self._clock.now())
        count = self._counters.snapshot()["quarantined"]
        self._quarantined.append((now_ms, count))
        while self._quarantined[0][0] < now_ms - HOUR_MS:
            self._quarantined.popleft()
        grown = count - self._quarantined[0][1]
        if grown <= self._per_hour:
            return None
        return f"{grown} entries in quarantine within the hour: see quarantine list"

    def _alarm(self, kind: str, subject: str, message: str | None) -> None:
        """Raise, keep or clear; the registry is asked only when something changes."""
        key = (kind, subject)
        if (message is None) == (key not in self._open):
            return
        now_ms = milliseconds(self._clock.now())
        if message is None:
            self._registry.clear_operator_alarm(kind, subject, now_ms)
            self._open.discard(key)
        else:
            log.error("operator_alarm.raised", kind=kind, subject=subject, why=message)
            self._registry.raise_operator_alarm(kind, subject, message, now_ms)
            self._open.add(key)
