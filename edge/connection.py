"""One MQTT connection: paho behind four verbs, driven by the uplink's own thread.

Every connection has a fresh client, so that nothing of an old one is sent behind our
back; paho's own queue holds at most the batch that the socket would not take.
"""

import contextlib
import select
import socket
import ssl
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode

from greenwater.kernel import topics
from greenwater.kernel.broker_url import BrokerUrl
from greenwater.kernel.errors import UnavailableError
from greenwater.kernel.ids import DeviceId

CONNECT_S: Final = 15.0
FAREWELL_S: Final = 2.0
UNSENT_BYTES: Final = 4096
"""What may wait in the system for the line; behind it live batches go first."""


class DeniedError(UnavailableError):
    """The broker answered, and does not let this box in: somebody must act."""


@dataclass(frozen=True)
class Peer:
    """Who connects where, and how it proves who it is.

    ``secret`` is 128 random bits that make the client id one nobody can guess; it lives
    as long as the outbox, so that a broker that still holds a dead connection ends it.
    """

    device: DeviceId
    url: BrokerUrl
    password: str
    ca_file: Path | None
    secret: str


class Connection:
    """Connects, listens to ``filters``, publishes; until something goes wrong.

    Every verb raises ``UnavailableError`` or ``OSError`` when the connection is gone.
    """

    def __init__(
        self,
        peer: Peer,
        *,
        window: int,
        keepalive_s: int,
        will: bytes,
        on_message: Callable[[str, bytes], None],
    ) -> None:
        self._peer, self._on_message = peer, on_message
        self._keepalive_s = keepalive_s
        self._connack: Any = None
        self._suback: Sequence[Any] | None = None
        self._lost = ""
        self._client = self._made(window, will)

    def _made(self, window: int, will: bytes) -> paho.Client:
        peer = self._peer
        client = paho.Client(
            CallbackAPIVersion.VERSION2,
            client_id=f"{peer.device}-{peer.secret}",
            clean_session=True,
        )
        client.username_pw_set(peer.device, peer.password)
        if peer.url.is_tls:
            client.tls_set(str(peer.ca_file), tls_version=ssl.PROTOCOL_TLS_CLIENT)
        client.connect_timeout = CONNECT_S
        client.max_inflight_messages_set(2 * window)
        client.max_queued_messages_set(4 * window)
        client.will_set(topics.status(peer.device), will, qos=1, retain=True)
        client.on_connect = self._connected
        client.on_disconnect = self._disconnected
        client.on_subscribe = self._subscribed
        client.on_message = self._received
        return client

    def _connected(self, _c: Any, _u: Any, _f: Any, reason: Any, _p: Any) -> None:
        self._connack = reason

    def _disconnected(self, _c: Any, _u: Any, _f: Any, reason: Any, _p: Any) -> None:
        self._lost = f"connection lost: {reason}"

    def _subscribed(self, _c: Any, _u: Any, _m: Any, reasons: Any, _p: Any) -> None:
        self._suback = reasons

    def _received(self, _c: Any, _u: Any, message: paho.MQTTMessage) -> None:
        self._on_message(message.topic, bytes(message.payload))

    def open(self, filters: Sequence[str], stop: threading.Event) -> None:
        """Connect and subscribe at QoS 0; return when the broker has granted it."""
        device = self._peer.device
        url = self._peer.url
        self._client.connect(url.host, url.port, self._keepalive_s)
        self._keep_queue_short()
        self._await(stop, lambda: self._connack is not None)
        if self._connack is None:
            raise UnavailableError(f"the broker has not let {device} in")
        if self._connack.is_failure:
            raise DeniedError(
                f"the broker refuses {device}: {self._connack}: is password_file what "
                "device add or renew printed last, or is it revoked?"
            )
        self._client.subscribe([(one, 0) for one in filters])
        self._await(stop, lambda: self._suback is not None)
        granted = self._suback
        for index, one in enumerate(filters):
            if granted is None or granted[index].is_failure:
                raise DeniedError(f"the broker refuses {device} to hear {one}")

    def _keep_queue_short(self) -> None:
        """Let ``is_clogged`` see a slow line: the system would queue minutes of 2G."""
        connection = self._client.socket()
        if isinstance(connection, socket.socket):
            connection.setsockopt(
                socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, UNSENT_BYTES
            )

    def _await(self, stop: threading.Event, is_there: Callable[[], bool]) -> None:
        deadline_s = time.monotonic() + CONNECT_S
        while not (is_there() or stop.is_set()):
            if time.monotonic() > deadline_s:
                raise UnavailableError("the broker does not answer")
            try:
                self.move(0.2)
            except UnavailableError:
                if not is_there():  # who refuses us hangs up, too
                    raise

    def move(self, timeout_s: float, ear: socket.socket | None = None) -> None:
        """Read and write what can be; wait so long at most, or until ``ear`` hears."""
        connection = self._client.socket()
        if connection is None:
            raise UnavailableError(self._lost or "connection lost")
        pending = getattr(connection, "pending", None)
        has_more = pending is not None and pending() > 0  # decrypted and not yet read
        reading = [connection] if ear is None else [connection, ear]
        writing = [connection] if self._client.want_write() else []
        readable, writable, _ = select.select(
            reading, writing, [], 0.0 if has_more else timeout_s
        )
        if ear in readable and ear is not None:
            ear.recv(4096)
        if has_more or connection in readable:
            self._client.loop_read()
        if connection in writable:
            self._client.loop_write()
        self._client.loop_misc()
        if self._lost:
            raise UnavailableError(self._lost)

    @property
    def is_clogged(self) -> bool:
        """Whether the socket has not taken all that was published."""
        return bool(self._client.want_write())

    def publish(
        self, topic: str, payload: bytes, *, retain: bool = False
    ) -> paho.MQTTMessageInfo:
        """Publish at QoS 1."""
        info = self._client.publish(topic, payload, qos=1, retain=retain)
        if info.rc is not MQTTErrorCode.MQTT_ERR_SUCCESS:
            raise UnavailableError(f"cannot publish: {paho.error_string(info.rc)}")
        return info

    def part(self, farewell: bytes) -> None:
        """Say goodbye in one's own words, so that the last will need not."""
        deadline_s = time.monotonic() + FAREWELL_S
        with contextlib.suppress(UnavailableError, OSError):
            said = self.publish(topics.status(self._peer.device), farewell, retain=True)
            while not said.is_published() and time.monotonic() < deadline_s:
                self.move(0.1)
            self._client.disconnect()
            while self.is_clogged and time.monotonic() < deadline_s:
                self.move(0.1)

    def close(self) -> None:
        """Hang up without a word: the last will speaks."""
        connection = self._client.socket()
        if connection is not None:
            connection.close()
