"""The way to the platform: one MQTT connection at a time, and what goes over it.

A batch is done when the platform says ``stored`` or ``refused`` on this box's own ack
topic; PUBACK means nothing here. What to send next is ``edge.sending``'s to decide.

Network timers run on monotonic time: the system's clock may be simulated, or jump.
"""

import contextlib
import random
import socket
import threading
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol

import structlog

from edge.connection import Connection, DeniedError, Peer
from edge.outbox import Waiting
from edge.schedule import connect_pause_s
from edge.sending import Sending
from greenwater.kernel import topics
from greenwater.kernel.errors import InputError, UnavailableError
from greenwater.kernel.ids import CommandId, OutboxId, parse_command
from greenwater.kernel.wire.messages import (
    Ack,
    Command,
    Platform,
    Reply,
    Status,
    decode_message,
    encode_message,
)

log = structlog.get_logger()

STEADY_S: Final = 60.0
REPLIES_KEPT: Final = 100


class Host(Protocol):
    """What the uplink asks of the box."""

    def status(self, *, is_online: bool) -> Status:
        """Return what the box says of itself."""
        ...

    def settle(self, batches: Sequence[int]) -> None:
        """Note that batches are done."""
        ...

    def want(self, batches: int) -> None:
        """Ask for more of the backlog, to be offered."""
        ...

    def order(self, command: Command) -> None:
        """Take a command, to be answered with ``Uplink.reply``."""
        ...

    def went_online(self, is_online: bool) -> None:
        """Note that the connection is there, or gone."""
        ...


@dataclass
class Traffic:
    """What status shows of the connection. Times are monotonic seconds."""

    is_online: bool = False
    connects: int = 0
    last_ack_s: float | None = None
    sent: int = 0
    done: int = 0
    refused: int = 0
    bad_messages: int = 0
    in_flight: int = 0
    trouble: str = ""


class Uplink:
    """Keeps connected and sends; ``run`` is its thread."""

    def __init__(
        self,
        peer: Peer,
        outbox: OutboxId,
        host: Host,
        *,
        rng: random.Random,
        window: int,
        keepalive_s: int,
        status_every_s: float,
    ) -> None:
        self._peer, self._outbox, self._host, self._rng = peer, outbox, host, rng
        self._window, self._keepalive_s = window, keepalive_s
        self._status_every_s = status_every_s
        self._sending = Sending(window)
        self._offers: deque[tuple[Sequence[Waiting], bool]] = deque()
        self._replies: deque[Reply] = deque(maxlen=REPLIES_KEPT)
        self._ear, self._bell = socket.socketpair()
        self._ear.setblocking(False)
        self._bell.setblocking(False)
        self._takes_live = False
        self._epoch: str | None = None
        self._status_at_s = 0.0
        self.traffic = Traffic()

    def close(self) -> None:
        """Release the bell; after ``run`` has returned."""
        self._ear.close()
        self._bell.close()

    def takes_live(self) -> bool:
        """Return whether a batch committed now would go out at once. Any thread."""
        return self._takes_live and len(self._offers) < self._window

    def offer(self, batches: Sequence[Waiting], *, is_live: bool) -> None:
        """Take batches to send; kept until they are reported done. Any thread."""
        self._offers.append((batches, is_live))
        self.wake()

    def reply(self, reply: Reply) -> None:
        """Answer a command, now or when connected. Any thread."""
        self._replies.append(reply)
        self.wake()

    def wake(self) -> None:
        """Let ``run`` look around."""
        with contextlib.suppress(BlockingIOError):  # it is awake
            self._bell.send(b"!")

    def run(self, stop: threading.Event) -> None:
        """Keep connected and send until ``stop`` is set."""
        attempt = 0
        while not stop.is_set():
            began_s = time.monotonic()
            try:
                self._hold(stop)
            except DeniedError as exc:
                if self.traffic.trouble != str(exc):
                    log.warning("uplink.refused", why=str(exc))
                self.traffic.trouble = str(exc)
            except (OSError, UnavailableError) as exc:
                self.traffic.trouble = str(exc)
                log.info("uplink.lost", why=str(exc))
            attempt = 0 if time.monotonic() - began_s > STEADY_S else attempt + 1
            stop.wait(connect_pause_s(attempt, self._rng))

    def _hold(self, stop: threading.Event) -> None:
        """Hold one connection until ``stop`` is set or it is lost."""
        device = self._peer.device
        connection = Connection(
            self._peer,
            window=self._window,
            keepalive_s=self._keepalive_s,
            will=self._status(is_online=False),
            on_message=self._received,
        )
        try:
            connection.open(
                (topics.ack(device), topics.all_commands(device), topics.PLATFORM), stop
            )
            self._sending.connected(time.monotonic())
            self._status_at_s = 0.0
            self.traffic.connects += 1
            self._went_online(True)
            while not stop.is_set():
                self._turn(connection)
            connection.part(self._status(is_online=False))
        finally:
            self._went_online(False)
            connection.close()

    def _went_online(self, is_online: bool) -> None:
        if self.traffic.is_online != is_online:
            log.info("uplink.connected" if is_online else "uplink.disconnected")
        self.traffic.is_online = is_online
        self._takes_live = is_online and self._sending.takes_live()
        self._host.went_online(is_online)

    def _status(self, *, is_online: bool) -> bytes:
        return encode_message(self._host.status(is_online=is_online))

    def _turn(self, connection: Connection) -> None:
        """Once round: hear, take what is offered, send what is due."""
        connection.move(self._sending.next_due_s(time.monotonic()), self._ear)
        while self._offers:
            batches, is_live = self._offers.popleft()
            offer = self._sending.offer_live if is_live else self._sending.offer_backlog
            offer(batches)
        now_s = time.monotonic()
        self._say(connection, now_s)
        self._send_due(connection, now_s)
        wanted = self._sending.wants(now_s)
        if wanted:
            self._host.want(wanted)
        self._takes_live = self._sending.takes_live()
        self.traffic.in_flight = len(self._sending.air)
        if self._sending.is_stuck(now_s):
            raise UnavailableError("connected, but nothing is acknowledged for long")

    def _say(self, connection: Connection, now_s: float) -> None:
        device = self._peer.device
        if now_s >= self._status_at_s:
            self._status_at_s = now_s + self._status_every_s
            status = self._status(is_online=True)
            connection.publish(topics.status(device), status, retain=True)
        while self._replies:
            reply = self._replies[0]
            topic = topics.reply(device, CommandId(reply.id))
            connection.publish(topic, encode_message(reply))
            self._replies.popleft()

    def _send_due(self, connection: Connection, now_s: float) -> None:
        # While the socket takes no more, nothing is put behind what it did not take.
        while not connection.is_clogged:
            one = self._sending.next(now_s)
            if one is None:
                return
            topic = topics.up(self._peer.device, self._outbox, one.batch)
            connection.publish(topic, one.payload)
            self.traffic.sent += 1

    def _received(self, topic: str, payload: bytes) -> None:
        try:
            self._hear(topic, payload)
        except InputError as exc:
            self.traffic.bad_messages += 1
            log.warning("message.refused", topic=topic, why=str(exc))

    def _hear(self, topic: str, payload: bytes) -> None:
        if topic == topics.ack(self._peer.device):
            self._acknowledged(decode_message(payload, Ack))
        elif topic == topics.PLATFORM:
            self._met_epoch(decode_message(payload, Platform).epoch)
        else:
            command = decode_message(payload, Command)
            if topic != topics.command(self._peer.device, parse_command(command.id)):
                raise InputError(f"command {command.id!r} came on the topic of another")
            self._host.order(command)

    def _acknowledged(self, ack: Ack) -> None:
        if ack.outbox != self._outbox:
            return  # for an outbox that this box had before, or for a clone's
        refused = {one.batch: one.reason for one in ack.refused}
        ranges = [*ack.stored, *((batch, batch) for batch in refused)]
        done = self._sending.acked(ranges, time.monotonic())
        for batch in refused.keys() & set(done):
            self.traffic.refused += 1
            log.warning("batch.refused", batch=batch, why=refused[batch][:200])
        self.traffic.done += len(done)
        self.traffic.last_ack_s = time.monotonic()
        if done:
            self._host.settle(done)

    def _met_epoch(self, epoch: str) -> None:
        # The first one heard counts: what went out before the platform was there to
        # hear it was PUBACKed by the broker and lies nowhere.
        if epoch != self._epoch:
            log.info("epoch.changed", epoch=epoch)
            self._sending.send_all_again()
        self._epoch = epoch
