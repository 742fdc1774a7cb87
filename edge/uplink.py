"""The way to the platform: live batches first, backlog behind, a window of credit.

A batch is done when the platform says ``stored`` or ``refused`` on this box's own ack
topic; PUBACK means nothing here. Network timers run on monotonic time, because the
system's clock may be simulated or jump. A fresh paho client is made for every
connection, so that nothing of an old one is sent again behind our back.
"""

import contextlib
import queue
import random
import secrets
import ssl
import threading
import time
from collections import deque
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import paho.mqtt.client as paho
import structlog
from paho.mqtt.enums import CallbackAPIVersion

from edge.outbox import Outbox
from edge.schedule import connect_pause_s, resend_pause_s
from greenwater.kernel import topics
from greenwater.kernel.broker_url import BrokerUrl
from greenwater.kernel.errors import InputError, UnavailableError
from greenwater.kernel.ids import CommandId, DeviceId
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

KEEPALIVE_S = 30
TICK_S = 0.05
LIVE_SHARE = 4  # of the window, one in so many is never given to the backlog
LIVE_KEPT = 1_000
SILENT_SENDS = 3


class Host(Protocol):
    """What the uplink asks of the agent."""

    def status(self, *, is_online: bool) -> Status:
        """Return what the box says of itself."""
        ...

    def carry_out(self, command: Command) -> Reply:
        """Carry out a command, once however often it comes."""
        ...


@dataclass
class _Sent:
    at_s: float
    sends: int


@dataclass
class UplinkFigures:
    """What status shows of the connection."""

    is_online: bool = False
    last_ack_s: float | None = None
    refused: int = 0
    bad_messages: int = 0
    in_flight: int = 0


class Uplink:
    """One connection at a time; ``run`` is its thread."""

    def __init__(
        self,
        outbox: Outbox,
        *,
        device: DeviceId,
        url: BrokerUrl,
        password: str,
        ca_file: Path | None,
        host: Host,
        rng: random.Random,
        window: int,
        status_every_s: float,
    ) -> None:
        self._outbox, self._device, self._url = outbox, device, url
        self._password, self._ca_file = password, ca_file
        self._host, self._rng = host, rng
        self._window, self._status_every_s = window, status_every_s
        self._client_id = f"{device}-{secrets.token_hex(16)}"
        self._incoming: queue.Queue[tuple[str, Any]] = queue.Queue(10_000)
        self._live: deque[int] = deque(maxlen=LIVE_KEPT)
        self._in_flight: dict[int, _Sent] = {}
        self._waiting: deque[int] = deque()
        self._position, self._reordered = 0, 0
        self._epoch: str | None = None
        self.figures = UplinkFigures()

    def live(self, batch: int) -> None:
        """Tell of a batch just committed; from any thread."""
        self._live.append(batch)
        self._wake()

    def _wake(self) -> None:
        with contextlib.suppress(queue.Full):  # then it is awake
            self._incoming.put_nowait(("wake", None))

    def run(self, stop: threading.Event) -> None:
        """Keep connected and send until ``stop`` is set."""
        attempt = 0
        while not stop.is_set():
            client = self._made()
            began_s = time.monotonic()
            try:
                self._connect(client, stop)
                self._serve(client, stop)
            except (OSError, UnavailableError) as exc:
                log.info("uplink.down", why=str(exc))
            finally:
                self._end(client, stop)
            attempt = 0 if time.monotonic() - began_s > 60 else attempt + 1
            stop.wait(connect_pause_s(min(attempt, 6), self._rng))

    def _made(self) -> paho.Client:
        client = paho.Client(
            CallbackAPIVersion.VERSION2, client_id=self._client_id, clean_session=True
        )
        client.username_pw_set(self._device, self._password)
        if self._url.is_tls:
            client.tls_set(
                ca_certs=None if self._ca_file is None else str(self._ca_file),
                tls_version=ssl.PROTOCOL_TLS_CLIENT,
            )
        client.connect_timeout = 10.0
        client.max_inflight_messages_set(self._window * 2)
        farewell = encode_message(self._host.status(is_online=False))
        client.will_set(topics.status(self._device), farewell, qos=1, retain=True)
        client.on_connect = lambda _c, _u, _f, reason, _p: self._post("connect", reason)
        client.on_disconnect = lambda _c, _u, _f, reason, _p: self._post("lost", reason)
        client.on_message = lambda _c, _u, message: self._post("message", message)
        client.suppress_exceptions = False
        return client

    def _post(self, kind: str, what: Any) -> None:
        try:
            self._incoming.put_nowait((kind, what))
        except queue.Full:
            self.figures.bad_messages += 1  # a lost ack costs one resend

    def _connect(self, client: paho.Client, stop: threading.Event) -> None:
        self._incoming = queue.Queue(10_000)
        client.connect(self._url.host, self._url.port, KEEPALIVE_S)
        client.loop_start()
        deadline_s = time.monotonic() + 15
        while not stop.is_set():
            try:
                kind, what = self._incoming.get(timeout=0.2)
            except queue.Empty:
                if time.monotonic() > deadline_s:
                    raise UnavailableError("the broker does not answer") from None
                continue
            if kind == "connect":
                if what.is_failure:
                    raise UnavailableError(f"the broker refuses {self._device}: {what}")
                break
            if kind == "lost":
                raise UnavailableError(f"the broker hung up: {what}")
        client.subscribe(
            [
                (topics.ack(self._device), 0),
                (topics.all_commands(self._device), 0),
                (topics.PLATFORM, 0),
            ]
        )
        self.figures.is_online = True
        self._begin_anew()

    def _begin_anew(self) -> None:
        """Forget what is under way: everything unacknowledged will be sent again."""
        self._in_flight.clear()
        self._waiting.clear()
        self._position = 0

    def _end(self, client: paho.Client, stop: threading.Event) -> None:
        if self.figures.is_online and stop.is_set():
            farewell = encode_message(self._host.status(is_online=False))
            info = client.publish(
                topics.status(self._device), farewell, qos=1, retain=True
            )
            with contextlib.suppress(RuntimeError, ValueError):  # gone already
                info.wait_for_publish(2.0)
        self.figures.is_online = False
        client.disconnect()
        client.loop_stop()

    def _serve(self, client: paho.Client, stop: threading.Event) -> None:
        next_status_s = 0.0
        while not stop.is_set():
            now_s = time.monotonic()
            if now_s >= next_status_s:
                next_status_s = now_s + self._status_every_s
                status = encode_message(self._host.status(is_online=True))
                client.publish(topics.status(self._device), status, qos=1, retain=True)
            self._take_incoming(client)
            if self._outbox.reordered != self._reordered:
                self._reordered = self._outbox.reordered
                self._waiting.clear()
                self._position = 0
            self._send_due(client, now_s)
            self._check_silence()
            self.figures.in_flight = len(self._in_flight)

    def _take_incoming(self, client: paho.Client) -> None:
        """Wait a moment for something to come, then take all there is."""
        try:
            kind, what = self._incoming.get(timeout=TICK_S)
            while True:
                if kind == "lost":
                    raise UnavailableError(f"connection lost: {what}")
                if kind == "message":
                    self._received(client, what)
                kind, what = self._incoming.get_nowait()
        except queue.Empty:
            return

    def _received(self, client: paho.Client, message: Any) -> None:
        try:
            if message.topic == topics.ack(self._device):
                self._acknowledged(decode_message(message.payload, Ack))
            elif message.topic == topics.PLATFORM:
                self._met_epoch(decode_message(message.payload, Platform).epoch)
            else:
                command = decode_message(message.payload, Command)
                reply = self._host.carry_out(command)
                topic = topics.reply(self._device, CommandId(command.id))
                client.publish(topic, encode_message(reply), qos=1)
        except InputError as exc:
            self.figures.bad_messages += 1
            log.warning("message.refused", topic=message.topic, why=str(exc))

    def _acknowledged(self, ack: Ack) -> None:
        if ack.outbox != self._outbox.id:
            return
        done = [*ack.stored, *((one.batch, one.batch) for one in ack.refused)]
        self._outbox.settle(done)
        for first, last in done:
            for batch in [b for b in self._in_flight if first <= b <= last]:
                del self._in_flight[batch]
        if ack.refused:
            self.figures.refused += len(ack.refused)
            log.warning(
                "batch.refused", batch=ack.refused[0].batch, why=ack.refused[0].reason
            )
        self.figures.last_ack_s = time.monotonic()

    def _met_epoch(self, epoch: str) -> None:
        if self._epoch is not None and epoch != self._epoch:
            log.info("epoch.changed", epoch=epoch)
            self._begin_anew()
        self._epoch = epoch

    def _send_due(self, client: paho.Client, now_s: float) -> None:
        for batch, sent in list(self._in_flight.items()):
            if now_s - sent.at_s >= resend_pause_s(sent.sends):
                self._send(client, batch, now_s, sent.sends + 1)
        while self._live and len(self._in_flight) < self._window:
            batch = self._live.popleft()
            if batch not in self._in_flight:
                self._send(client, batch, now_s, 1)
        room = self._window - self._window // LIVE_SHARE
        while len(self._in_flight) < room:
            backlog = self._next_waiting()
            if backlog is None:
                return
            if backlog not in self._in_flight:
                self._send(client, backlog, now_s, 1)

    def _next_waiting(self) -> int | None:
        if not self._waiting:
            numbers, self._position = self._outbox.backlog(self._position, self._window)
            self._waiting.extend(numbers)
        return self._waiting.popleft() if self._waiting else None

    def _send(self, client: paho.Client, batch: int, now_s: float, sends: int) -> None:
        waiting = self._outbox.get(batch)
        if waiting is None:
            self._in_flight.pop(batch, None)
            return
        topic = topics.up(self._device, self._outbox.id, batch)
        client.publish(topic, waiting.payload, qos=1)
        self._in_flight[batch] = _Sent(now_s, sends)

    def _check_silence(self) -> None:
        """Give up a connection over which nothing has been acknowledged for long."""
        if any(sent.sends > SILENT_SENDS for sent in self._in_flight.values()):
            raise UnavailableError("nothing acknowledged for several resends")
