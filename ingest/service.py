"""Ingest, running: its threads, and what they hand each other.

inlet ─ offer ─► queue ─► decoder ─► handoff (one group) ─► writer ─► acks

A full handoff stops the decoder, a full queue stops the broker (its in-flight limit),
and a store that does not answer stops the writer. Any thread that dies stops the
service: the supervisor starts it again, and what was not acknowledged comes again.
"""

import random
import threading
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from queue import Empty, Full, Queue

import structlog

from greenwater.kernel import topics
from greenwater.kernel.clock import Clock
from greenwater.kernel.errors import InputError, UnavailableError
from greenwater.kernel.ids import DeviceId, DeviceState
from greenwater.kernel.quarantine import Quarantined
from greenwater.kernel.reading import milliseconds
from greenwater.kernel.wire.messages import Reply, Status, decode_message
from ingest.counters import Counters
from ingest.duties import Duties
from ingest.intake import Batch, open_batch
from ingest.mapping import Mappings
from ingest.pipeline import Pipeline, Taken
from ingest.ports import Delivery, Outlet, Registry
from ingest.queue import DeliveryQueue
from ingest.schedule import backoff_s
from ingest.upkeep import Upkeep

log = structlog.get_logger()

IDLE_S = 0.5


@dataclass(slots=True)
class Group:
    """What the writer makes durable in one go."""

    deliveries: list[Delivery]
    batches: list[Batch] = field(default_factory=list)
    statuses: list[tuple[DeviceId, Status]] = field(default_factory=list)
    replies: deque[tuple[DeviceId, Reply]] = field(default_factory=deque)
    odd: list[Quarantined] = field(default_factory=list)


class Ingest:
    """The service. ``run`` returns when stopped and raises what a thread died of."""

    def __init__(
        self,
        *,
        pipeline: Pipeline,
        registry: Registry,
        outlet: Callable[[], Outlet],
        queue: DeliveryQueue,
        mappings: Mappings,
        duties: Duties,
        upkeep: Upkeep,
        counters: Counters,
        clock: Clock,
        rng: random.Random,
        group_deliveries: int,
        group_bytes: int,
    ) -> None:
        self._pipeline, self._registry, self._outlet = pipeline, registry, outlet
        self._queue, self._mappings, self._duties = queue, mappings, duties
        self._counters, self._clock, self._rng = counters, clock, rng
        self._upkeep = upkeep
        self._limits = group_deliveries, group_bytes
        self._handoff: Queue[Group] = Queue(maxsize=1)
        self._stop = threading.Event()
        self._died: BaseException | None = None

    def run(self, stop: threading.Event) -> None:
        """Work until ``stop`` is set.

        Raises:
            Whatever a thread died of.
        """
        threads = [
            threading.Thread(target=self._guarded, args=(work,), name=name)
            for name, work in (
                ("decoder", self._decode_all),
                ("writer", self._write_all),
                ("duties", self._do_duties),
                ("upkeep", self._keep_up),
            )
        ]
        for thread in threads:
            thread.start()
        while not stop.wait(IDLE_S) and not self._stop.is_set():
            continue
        self._stop.set()
        for thread in threads:
            thread.join()
        if self._died is not None:
            raise self._died

    def fail(self, error: BaseException) -> None:
        """End the service for something that died beside its threads."""
        self._died = self._died or error
        self._stop.set()

    def _guarded(self, work: Callable[[], None]) -> None:
        try:
            work()
        except BaseException as exc:
            self.fail(exc)
            log.exception("thread.died")
        finally:
            self._stop.set()

    def _decode_all(self) -> None:
        while not self._stop.is_set():
            deliveries = self._queue.take(*self._limits, IDLE_S)
            if deliveries:
                self._hand_over(self._opened(deliveries))

    def _hand_over(self, group: Group) -> None:
        while not self._stop.is_set():
            try:
                self._handoff.put(group, timeout=IDLE_S)
            except Full:
                continue
            return

    def _opened(self, deliveries: list[Delivery]) -> Group:
        group = Group(deliveries)
        states = self._duties.device_states()
        now_s = self._clock.now().timestamp()
        for delivery in deliveries:
            try:
                self._open(delivery, group, states, now_s)
            except InputError as exc:
                group.odd.append(_odd(delivery, str(exc), round(now_s * 1000)))
        return group

    def _open(
        self,
        delivery: Delivery,
        group: Group,
        states: Mapping[DeviceId, DeviceState],
        now_s: float,
    ) -> None:
        mapped = self._mappings.open(delivery, states=states, now_s=now_s)
        if mapped is not None:
            group.batches.append(mapped)
            return
        match topics.parse(delivery.topic):
            case topics.Up() as up:
                group.batches.append(
                    open_batch(delivery, up, states=states, now_s=now_s)
                )
            case topics.Status(device):
                if delivery.payload and device in states:
                    status = decode_message(delivery.payload, Status)
                    group.statuses.append((device, status))
            case topics.Reply(device, command):
                reply = decode_message(delivery.payload, Reply)
                if reply.id != command:
                    raise InputError(
                        f"reply to {reply.id!r} on the topic of {command!r}"
                    )
                if device in states:
                    group.replies.append((device, reply))

    def _write_all(self) -> None:
        while not self._stop.is_set():
            try:
                group = self._handoff.get(timeout=IDLE_S)
            except Empty:
                continue
            self._settle(group)

    def _settle(self, group: Group) -> None:
        """Make a group durable, however long the stores take, then acknowledge it."""
        attempt = 0
        taken: Taken | None = None
        while not self._stop.is_set():
            try:
                if taken is None:  # what was taken in is counted: never twice
                    taken = self._pipeline.take_in(group.batches)
                self._settle_rest(group)
            except UnavailableError as exc:
                self._counters.add(retries=1)
                pause_s = backoff_s(attempt, self._rng, exc.retry_after_s)
                attempt += 1
                log.warning("store.unavailable", error=str(exc), pause_s=pause_s)
                self._duties.store_failed(str(exc))
                self._stop.wait(pause_s)
                continue
            self._duties.contradicted(taken.clones)
            outlet = self._outlet()
            for topic, payload in taken.acks.messages():
                outlet.publish(topic, payload)
            outlet.acknowledge(group.deliveries)
            self._duties.settled(len(self._queue))
            return

    def _settle_rest(self, group: Group) -> None:
        now_ms = milliseconds(self._clock.now())
        if group.odd:
            self._registry.quarantine(group.odd)
            self._counters.add(received=len(group.odd), quarantined=len(group.odd))
            group.odd = []
        for device, status in group.statuses:  # each in its turn: A, B, A is two boxes
            self._duties.heard(device, status)
        self._counters.add(statuses=len(group.statuses))
        group.statuses = []
        while group.replies:
            self._registry.save_reply(*group.replies[0], now_ms)
            group.replies.popleft()
            self._counters.add(replies=1)

    def _do_duties(self) -> None:
        while not self._stop.wait(1.0):
            try:
                self._duties.do(self._outlet())
            except UnavailableError as exc:
                log.warning("registry.unavailable", error=str(exc))
            except InputError as exc:  # what a device said must not end the service
                log.warning("status.unstorable", error=str(exc))

    def _keep_up(self) -> None:
        while not self._stop.wait(10.0):
            self._upkeep.look()


def _odd(delivery: Delivery, reason: str, now_ms: int) -> Quarantined:
    """Return what to keep of a payload that is no batch; its device may be nonsense."""
    parts = delivery.topic.split("/")
    device = parts[2] if len(parts) > 2 else ""
    return Quarantined(
        device[:64], delivery.topic[:256], "message", delivery.payload, reason, now_ms
    )
