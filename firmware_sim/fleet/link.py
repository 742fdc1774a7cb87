"""One box's connection: a paho client on a loop that is not paho's.

Each connection is a new client, since paho would otherwise send its own unacknowledged
messages again beside ours. Nothing here waits but ``connect``.
"""

import ssl
from typing import Any, Final, Protocol

import msgspec
import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

from firmware_sim.fleet.box import AckMessage, Box, PlatformMessage
from firmware_sim.fleet.plan import Credentials, FleetPlan

PLATFORM: Final = "gw/1/platform"

_acks: Final = msgspec.json.Decoder(AckMessage)
_platforms: Final = msgspec.json.Decoder(PlatformMessage)


class Watcher(Protocol):
    """Who turns the loop."""

    def ready(self, link: "Link", taken_s: list[float]) -> None:
        """Note that a box may have work; an ack settled batches that took so long."""
        ...

    def closing(self, link: "Link") -> None:
        """Stop watching the socket, which is open still."""
        ...


class Link:
    """A box and how it is connected.

    ``is_online`` from the broker's answer to the subscription until the connection is
    lost; ``is_refused`` once the broker said no; ``is_queued`` and ``is_writing`` are the watcher's own notes.
    """

    __slots__ = (
        "_client",
        "_credentials",
        "_plan",
        "_tls",
        "_topic",
        "_watcher",
        "attempts",
        "box",
        "error",
        "is_online",
        "is_queued",
        "is_refused",
        "is_writing",
        "retry_s",
        "socket",
    )

    def __init__(
        self,
        box: Box,
        plan: FleetPlan,
        credentials: Credentials,
        tls: ssl.SSLContext | None,
        watcher: Watcher,
    ) -> None:
        self.box, self._plan, self._credentials = box, plan, credentials
        self._tls, self._watcher = tls, watcher
        self._topic = f"gw/1/{box.device}/up/{box.outbox}/"
        self._client: paho.Client | None = None
        self.socket: Any = None
        self.attempts, self.retry_s = 0, 0.0
        self.is_online = self.is_queued = self.is_writing = False
        self.is_refused = False
        self.error = ""

    def connect(self, client_id: str) -> None:
        """Open the connection and send CONNECT; the answer comes through ``read``.

        Raises:
            OSError: nobody answers.
        """
        user, password = self._credentials(self.box.device)
        client = paho.Client(
            CallbackAPIVersion.VERSION2, client_id=client_id, userdata=self
        )
        client.username_pw_set(user, password or None)
        client.max_inflight_messages_set(65_535)
        client.max_queued_messages_set(0)
        if self._tls is not None:
            client.tls_set_context(self._tls)
        if self._plan.has_status:
            client.will_set(*self._status(is_online=False), qos=1, retain=True)
        client.on_connect = _connected
        client.on_subscribe = _subscribed
        client.on_disconnect = _disconnected
        client.on_message = _received
        client.on_socket_close = _closed
        self.attempts += 1
        self._client = client
        client.connect(self._plan.host, self._plan.port, self._plan.keepalive_s)
        self.socket = client.socket()

    def publish(self, batch: int, payload: bytes) -> None:
        """Send a batch; what the socket does not take waits in ``wants_write``."""
        if self._client is not None:
            self._client.publish(f"{self._topic}{batch}", payload, qos=1)

    @property
    def wants_write(self) -> bool:
        """Whether bytes wait for the socket."""
        return self._client is not None and self._client.want_write()

    def read(self) -> None:
        """Take in what has come; TLS may hold more than the socket shows."""
        client = self._client
        if client is None:
            return
        client.loop_read()
        while (
            self._tls is not None and self.socket is not None and self.socket.pending()
        ):
            client.loop_read()

    def write(self) -> None:
        """Send what waits."""
        if self._client is not None:
            self._client.loop_write()

    def check(self) -> None:
        """Keep alive."""
        if self._client is not None:
            self._client.loop_misc()

    def close(self) -> None:
        """Leave, saying so."""
        client = self._client
        if client is None:
            return
        if self.is_online and self._plan.has_status:
            topic, payload = self._status(is_online=False)
            client.publish(topic, payload, qos=0, retain=True)
        client.disconnect()
        if client.want_write():
            client.loop_write()
        self.forget()

    def forget(self) -> None:
        """Drop the connection without a word: a box whose power went."""
        if self.socket is not None:
            sock = self.socket
            self.closed()
            sock.close()
        self.lost()

    def _status(self, *, is_online: bool) -> tuple[str, bytes]:
        state = {
            "online": is_online,
            "boot": self.box.outbox,
            "version": "fleet",
            "outbox": self.box.outbox,
            "outbox_depth": self.box.in_flight * self._plan.readings,
            "is_simulated": True,
        }
        return f"gw/1/{self.box.device}/status", msgspec.json.encode(state)

    def connected(self, client: paho.Client, reason: Any) -> None:
        """Take the broker's answer to CONNECT."""
        if reason.is_failure:
            self.error = f"broker refuses {self.box.device}: {reason}"
            self.is_refused = True
            return
        client.subscribe([(f"gw/1/{self.box.device}/ack", 0), (PLATFORM, 0)])
        if self._plan.has_status:
            topic, payload = self._status(is_online=True)
            client.publish(topic, payload, qos=1, retain=True)

    def subscribed(self, refused: str) -> None:
        """From here on no ack is missed."""
        if refused:
            self.error = f"broker refuses {self.box.device} its acks: {refused}"
            return
        self.is_online = True
        if self.attempts > 1:
            self.box.lost_connection()
        self._watcher.ready(self, [])

    def closed(self) -> None:
        """Note that paho is about to close the socket."""
        if self.socket is not None:
            self._watcher.closing(self)
        self.socket = None

    def lost(self) -> None:
        """Note that the connection is gone."""
        self.is_online = False
        self._client = self.socket = None

    def received(self, topic: str, payload: bytes, now_s: float) -> None:
        """Take an ack or the platform's epoch; what cannot be read is not ours."""
        try:
            if topic == PLATFORM:
                self.box.learn_epoch(_platforms.decode(payload).epoch)
                self._watcher.ready(self, [])
            else:
                taken = self.box.settle(_acks.decode(payload), now_s)
                self._watcher.ready(self, taken)
        except msgspec.MsgspecError as exc:
            self.error = f"{topic}: {exc}"


def _connected(client: paho.Client, link: Link, _f: Any, reason: Any, _p: Any) -> None:
    link.connected(client, reason)


def _subscribed(_c: paho.Client, link: Link, _m: int, reasons: Any, _p: Any) -> None:
    link.subscribed(next((str(r) for r in reasons if r.is_failure), ""))


def _disconnected(_c: paho.Client, link: Link, _f: Any, reason: Any, _p: Any) -> None:
    link.lost()


def _closed(_c: paho.Client, link: Link, sock: Any) -> None:
    link.closed()


def _received(client: paho.Client, link: Link, message: paho.MQTTMessage) -> None:
    link.received(message.topic, bytes(message.payload), message.timestamp)
