"""The fleet's one loop: connect, publish within credit, take acks, send again.

Publishing goes round the boxes that are online and have credit; a socket that takes no
more is left alone until it does. Everything is on monotonic time, which no scenario's
clock moves.
"""

import contextlib
import random
import resource
import secrets
import selectors
import ssl
import threading
from array import array
from collections import deque
from collections.abc import Callable
from time import monotonic, process_time
from typing import Final, NamedTuple

from firmware_sim.fleet.box import Box
from firmware_sim.fleet.ledger import Ledger
from firmware_sim.fleet.link import Link
from firmware_sim.fleet.payloads import Payloads
from firmware_sim.fleet.plan import Credentials, FleetPlan, anonymous
from firmware_sim.fleet.report import FleetReport, percentiles
from greenwater.kernel.errors import ConfigError, UnavailableError

BURST: Final = 128  # publishes between two looks at the sockets
ROUND_S: Final = 2.0  # in which every box is looked after once
CONNECT_S: Final = 60.0  # until we begin with those that are there
NOBODY_S: Final = 10.0  # until we give up
CHECK_S: Final = 0.05
ERRORS_KEPT: Final = 10


class Progress(NamedTuple):
    """How far a run is; ``phase`` is connect, publish or drain."""

    phase: str
    connected: int
    sent: int
    settled: int


def run_fleet(
    plan: FleetPlan,
    *,
    credentials: Credentials = anonymous,
    stop: threading.Event | None = None,
    on_progress: Callable[[Progress], None] | None = None,
    client_id: Callable[[], str] = lambda: secrets.token_hex(16),
) -> tuple[FleetReport, Ledger]:
    """Run a fleet to its end, or until ``stop`` is set, and return what came of it.

    ``client_id`` makes a new id for each connection, 128 secret bits long.

    Raises:
        UnavailableError: no box could connect.
        ConfigError: the CA file cannot be used.
    """
    _allow_files(plan.devices + 256)
    fleet = _Fleet(plan, credentials, stop or threading.Event(), client_id)
    with contextlib.closing(fleet):
        return fleet.run(on_progress or (lambda progress: None))


def _allow_files(wanted: int) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft >= wanted:
        return
    if hard != resource.RLIM_INFINITY and hard < wanted:
        raise ConfigError(
            f"{wanted} connections need as many files; the limit is {hard} (ulimit -Hn)"
        )
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def _tls_of(plan: FleetPlan) -> ssl.SSLContext | None:
    if not plan.is_tls and plan.ca_file is None:
        return None
    try:
        return ssl.create_default_context(
            cafile=None if plan.ca_file is None else str(plan.ca_file)
        )
    except (OSError, ssl.SSLError) as exc:
        raise ConfigError(f"CA file {plan.ca_file}: {exc}") from exc


class _Fleet:
    """The loop's state; a ``Watcher`` of its links."""

    def __init__(
        self,
        plan: FleetPlan,
        credentials: Credentials,
        stop: threading.Event,
        client_id: Callable[[], str],
    ) -> None:
        self._plan, self._stop, self._client_id = plan, stop, client_id
        self._payloads = Payloads(plan)
        self._selector = selectors.DefaultSelector()
        self._ready: deque[Link] = deque()
        self._latencies = array("d")
        self._rng = random.Random(plan.seed)
        self._sent = self._bytes = self._reconnects = self._checked = 0
        self._may_begin = False
        self._start_s = self._last_ack_s = self._checked_s = 0.0
        self._errors: dict[str, None] = {}
        tls = _tls_of(plan)
        self._links = [
            Link(self._box(number), plan, credentials, tls, self)
            for number in range(plan.devices)
        ]

    def _box(self, number: int) -> Box:
        plan = self._plan
        return Box(
            number,
            plan.device(number),
            plan.outbox(number),
            resend_s=plan.resend_s,
            last=plan.batches,
        )

    def close(self) -> None:
        """Leave the broker and let the sockets go."""
        for link in self._links:
            link.close()
        self._selector.close()

    def ready(self, link: Link, taken_s: list[float]) -> None:
        """Queue a box that may have credit again."""
        if taken_s:
            self._latencies.extend(taken_s)
            self._last_ack_s = monotonic()
        if not link.is_queued:
            link.is_queued = True
            self._ready.append(link)

    def closing(self, link: Link) -> None:
        """Stop watching a socket."""
        link.is_writing = False
        with contextlib.suppress(KeyError, ValueError):  # not watched yet
            self._selector.unregister(link.socket)

    def run(
        self, on_progress: Callable[[Progress], None]
    ) -> tuple[FleetReport, Ledger]:
        """Connect, publish, drain."""
        cpu_s, began_s = process_time(), monotonic()
        self._connect_all(on_progress)
        connected, start_s = self._online(), monotonic()
        self._may_begin, self._start_s, self._last_ack_s = True, start_s, start_s
        for link in self._links:
            self.ready(link, [])
        self._turn_until("publish", start_s + self._plan.duration_s, on_progress)
        self._may_begin, end_s = False, monotonic()
        self._turn_until("drain", end_s + self._plan.drain_s, on_progress)
        report = self._report(
            connected, start_s - began_s, end_s - start_s, process_time() - cpu_s
        )
        return report, Ledger(tuple(link.box.entry() for link in self._links))

    def _connect_all(self, on_progress: Callable[[Progress], None]) -> None:
        began_s, next_s = monotonic(), 0.0
        for number, link in enumerate(self._links):
            due_s = began_s + number / self._plan.connects_per_s
            self._look(max(due_s - monotonic(), 0))
            self._connect(link)
            if self._stop.is_set():
                return
            if monotonic() > next_s:
                next_s = monotonic() + 1
                on_progress(self._progress("connect"))
        self._await_all(monotonic())
        if not self._online():
            said = "; ".join(self._errors) or "no answer"
            raise UnavailableError(
                f"broker {self._plan.host}:{self._plan.port}: no box connected: {said}"
            )

    def _await_all(self, since_s: float) -> None:
        while not all(link.is_online or link.is_refused for link in self._links):
            waited_s = monotonic() - since_s
            longest_s = CONNECT_S if self._online() else NOBODY_S
            if waited_s > longest_s or self._stop.is_set():
                break
            self._look(0.05)
            self._look_after()
        for link in self._links:
            self._note(link)

    def _turn_until(
        self, phase: str, end_s: float, on_progress: Callable[[Progress], None]
    ) -> None:
        begun_s, next_s, begun = monotonic(), 0.0, self._sent
        while (now_s := monotonic()) < end_s and not self._stop.is_set():
            if self._plan.rate and phase == "publish":
                budget = int(self._plan.rate * (now_s - begun_s)) - (self._sent - begun)
            else:
                budget = BURST
            did = self._publish(min(budget, BURST))
            self._look(0 if did and self._ready else 0.005)
            self._look_after()
            if self._is_done(phase):
                return
            if now_s >= next_s:
                next_s = now_s + 1
                on_progress(self._progress(phase))

    def _is_done(self, phase: str) -> bool:
        if monotonic() < self._checked_s:
            return False
        self._checked_s = monotonic() + CHECK_S
        if any(link.box.in_flight for link in self._links):
            return False
        if phase == "drain":
            return True
        last = self._plan.batches
        return last is not None and all(
            link.box.next_batch >= last for link in self._links
        )

    def _publish(self, budget: int) -> int:
        """Send at most ``budget`` batches, one box after the other."""
        done = 0
        while done < budget and self._ready:
            link = self._ready.popleft()
            link.is_queued = False
            if not link.is_online or link.is_writing:
                continue
            if not link.box.has_work(self._plan.window, may_begin=self._may_begin):
                continue
            batch = link.box.take(monotonic())
            payload = self._payloads.payload(link.box.number, batch)
            link.publish(batch, payload)
            self._sent += 1
            self._bytes += len(payload)
            done += 1
            self._watch(link)
            self.ready(link, [])
        return done

    def _look(self, timeout_s: float) -> None:
        """Let the sockets that have something say it."""
        for key, events in self._selector.select(timeout_s):
            link: Link = key.data
            if events & selectors.EVENT_READ:
                link.read()
            if events & selectors.EVENT_WRITE:
                link.write()
            self._watch(link)

    def _watch(self, link: Link) -> None:
        """Ask for the socket's room only while bytes wait."""
        if link.socket is None or link.wants_write == link.is_writing:
            return
        link.is_writing = not link.is_writing
        wanted = selectors.EVENT_READ
        if link.is_writing:
            wanted |= selectors.EVENT_WRITE
        self._selector.modify(link.socket, wanted, link)
        if not link.is_writing:
            self.ready(link, [])

    def _look_after(self) -> None:
        """Look after a few boxes: keep-alive, what is overdue, who must connect again."""
        now_s = monotonic()
        until = int(now_s / ROUND_S * len(self._links))
        if self._checked == 0:
            self._checked = until
        for number in range(max(self._checked, until - len(self._links)), until):
            link = self._links[number % len(self._links)]
            self._note(link)
            if link.socket is None:
                self._reconnect(link, now_s)
                continue
            link.check()
            link.box.check_overdue(now_s)
            self.ready(link, [])
        self._checked = until

    def _note(self, link: Link) -> None:
        if link.error:
            self._errors[link.error] = None
            link.error = ""

    def _reconnect(self, link: Link, now_s: float) -> None:
        if now_s >= link.retry_s:
            self._reconnects += 1
            self._connect(link)

    def _connect(self, link: Link) -> None:
        wait_s = min(0.5 * 2.0 ** min(link.attempts, 5), 15.0)
        link.retry_s = monotonic() + self._rng.uniform(wait_s / 2, wait_s)
        try:
            link.connect(self._client_id())
        except (OSError, ValueError) as exc:  # ValueError: a certificate's wrong name
            self._errors[f"broker {self._plan.host}:{self._plan.port}: {exc}"] = None
            link.forget()
            return
        if link.socket is not None:
            self._selector.register(link.socket, selectors.EVENT_READ, link)

    def _online(self) -> int:
        return sum(link.is_online for link in self._links)

    def _progress(self, phase: str) -> Progress:
        return Progress(phase, self._online(), self._sent, len(self._latencies))

    def _report(
        self, connected: int, connect_s: float, published_s: float, cpu_s: float
    ) -> FleetReport:
        boxes = [link.box for link in self._links]
        stored = sum(len(box.stored) for box in boxes)
        middle, high, higher = percentiles(self._latencies, (0.5, 0.95, 0.99))
        return FleetReport(
            devices=len(boxes),
            connected=connected,
            connect_s=connect_s,
            sent=self._sent,
            resent=sum(box.resent for box in boxes),
            stored=stored,
            refused=sum(len(box.refused) for box in boxes),
            unsettled=sum(box.in_flight for box in boxes),
            readings_stored=stored * self._plan.readings,
            published_s=published_s,
            settled_s=self._last_ack_s - self._start_s,
            cpu_s=cpu_s,
            reconnects=self._reconnects,
            payload_bytes=self._bytes,
            latency_p50_s=middle,
            latency_p95_s=high,
            latency_p99_s=higher,
            latency_max_s=max(self._latencies, default=0.0),
            errors=tuple(self._errors)[:ERRORS_KEPT],
        )
