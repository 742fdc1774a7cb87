"""The broker, through paho-mqtt: deliveries in, acknowledgements and messages out.

paho acknowledges a QoS 1 message when the callback returns; with ``manual_ack`` it does
so when told. Acknowledging from another thread is allowed; publishing at QoS 0 is too.
``on_message`` must never block: a blocked callback withholds every PUBACK and the broker
throws us off. A message that finds the queue full is dropped unread and PUBACKed: the
box still has it and sends it again.
"""

import contextlib
import ssl
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import paho.mqtt.client as paho
import structlog
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode

from greenwater.kernel.broker_url import BrokerUrl
from greenwater.kernel.errors import ConfigError, UnavailableError
from ingest.ports import Delivery

log = structlog.get_logger()

KEEPALIVE_S = 30
MAX_RECONNECT_S = 15


class Receipt(NamedTuple):
    """A message's number, good for the connection it came over."""

    connection: int
    mid: int


class MqttInlet:
    """The connection to the broker; implements ``ingest.ports.Outlet``.

    ``offer`` takes a delivery or answers False when it has no room. ``on_online`` is
    called after each (re)connection, from paho's thread.

    Raises:
        ConfigError: the authority's file cannot be read.
    """

    def __init__(
        self,
        url: BrokerUrl,
        *,
        client_id: str,
        filters: Sequence[str],
        offer: Callable[[Delivery], bool],
        on_online: Callable[[], None],
        ca_file: Path | None = None,
        keeps_session: bool = True,
    ) -> None:
        self._url, self._filters = url, tuple(filters)
        self._offer, self._on_online = offer, on_online
        self._connections = 0
        self.is_online = threading.Event()
        client = self._client = paho.Client(
            CallbackAPIVersion.VERSION2,
            client_id=client_id,
            clean_session=not keeps_session,
            manual_ack=True,
        )
        client.max_queued_messages_set(0)
        client.reconnect_delay_set(1, MAX_RECONNECT_S)
        _introduce(client, url, ca_file)
        client.on_connect = self._connected
        client.on_connect_fail = self._failed
        client.on_disconnect = self._disconnected
        client.on_subscribe = self._subscribed
        client.on_message = self._received
        self._has_failed = False

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        """Keep connected, in paho's own thread, until left."""
        self._client.connect_async(self._url.host, self._url.port, KEEPALIVE_S)
        self._client.loop_start()
        try:
            yield
        finally:
            self._client.disconnect()
            self._client.loop_stop()

    def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> None:
        """Send at QoS 0; lost if the connection is."""
        self._client.publish(topic, payload, qos=0, retain=retain)

    def acknowledge(self, deliveries: Sequence[Delivery]) -> None:
        """PUBACK what came over the present connection; the rest is sent again anyway."""
        for delivery in deliveries:
            receipt = delivery.receipt
            if isinstance(receipt, Receipt):
                self.acknowledge_mids(receipt.connection, (receipt.mid,))

    def acknowledge_mids(self, connection: int, mids: Iterable[int]) -> None:
        """The same, by the messages' numbers on one connection.

        What was published at QoS 0 has number 0: a PUBACK of that is a protocol error,
        for which a broker throws us off.
        """
        if connection != self._connections:
            return
        for mid in mids:
            if mid:
                self._client.ack(mid, 1)

    def _connected(
        self, client: paho.Client, _u: Any, _f: Any, reason: Any, _p: Any
    ) -> None:
        if reason.is_failure:
            log.error("broker.refused", reason=str(reason))
            return
        self._connections += 1
        self._has_failed = False
        client.subscribe([(topic, 1) for topic in self._filters])
        self.is_online.set()
        log.info("broker.connected", host=self._url.host, port=self._url.port)
        self._on_online()

    def _subscribed(
        self, _c: paho.Client, _u: Any, _m: int, reasons: Sequence[Any], _p: Any
    ) -> None:
        for topic, reason in zip(self._filters, reasons, strict=True):
            if reason.is_failure:
                log.error("broker.refused", reason=f"to hear {topic}: {reason}")

    def _failed(self, _c: paho.Client, _u: Any) -> None:
        if not self._has_failed:  # once, though it is tried every few seconds
            log.error("broker.unreachable", host=self._url.host, port=self._url.port)
        self._has_failed = True

    def _disconnected(
        self, _c: paho.Client, _u: Any, _f: Any, reason: Any, _p: Any
    ) -> None:
        self.is_online.clear()
        log.info("broker.disconnected", reason=str(reason))

    def _received(self, client: paho.Client, _u: Any, message: Any) -> None:
        receipt = Receipt(self._connections, message.mid)
        try:
            topic = message.topic
        except UnicodeDecodeError:  # an exception here would end paho's thread
            topic = ""
        if not self._offer(Delivery(topic, message.payload, receipt)):
            client.ack(message.mid, message.qos)


def _introduce(client: paho.Client, url: BrokerUrl, ca_file: Path | None) -> None:
    """Give a client its login and whom it trusts: one authority, or the system's."""
    if url.user:
        client.username_pw_set(url.user, url.password)
    if not url.is_tls:
        return
    try:
        client.tls_set(
            ca_certs=None if ca_file is None else str(ca_file),
            tls_version=ssl.PROTOCOL_TLS_CLIENT,
        )
    except OSError as exc:  # ssl.SSLError is one too
        raise ConfigError(f"the broker's authority {ca_file}: {exc}") from exc


def check_reachable(
    url: BrokerUrl, *, ca_file: Path | None = None, timeout_s: float = 5.0
) -> None:
    """Connect as ingest does, once, be let in, and leave.

    Raises:
        ConfigError: the authority's file cannot be read.
        UnavailableError: nobody answers, or the broker refuses, or cannot be trusted.
    """
    answers: list[Any] = []
    client = paho.Client(CallbackAPIVersion.VERSION2, reconnect_on_failure=False)
    client.connect_timeout = timeout_s
    client.on_connect = lambda _c, _u, _f, reason, _p: answers.append(reason)
    _introduce(client, url, ca_file)
    where, deadline_s = f"broker {url.host}:{url.port}", time.monotonic() + timeout_s
    try:
        client.connect(url.host, url.port)
        while not answers and time.monotonic() < deadline_s:
            if client.loop(0.1) is not MQTTErrorCode.MQTT_ERR_SUCCESS:
                break
    except ssl.SSLCertVerificationError as exc:
        raise UnavailableError(
            f"{where}: {exc.verify_message}: GREENWATER_INGEST_BROKER_CA_FILE names the "
            "authority that signed its certificate"
        ) from exc
    except OSError as exc:
        raise UnavailableError(f"{where}: {exc}") from exc
    finally:
        client.disconnect()
    if not answers:
        raise UnavailableError(f"{where} does not answer as a broker does")
    if answers[0].is_failure:
        raise UnavailableError(f"{where} refuses us: {answers[0]}")
