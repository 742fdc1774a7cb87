"""An MQTT client for tests that remembers all it was told. Asserts nothing by itself."""

import contextlib
import secrets
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

WAIT_S = 90.0


def wait_for(what: str, holds: Callable[[], bool], timeout_s: float = WAIT_S) -> None:
    """Wait until something holds.

    Raises:
        AssertionError: it did not within the time.
    """
    deadline = time.monotonic() + timeout_s
    while not holds():
        assert time.monotonic() < deadline, f"not within {timeout_s:g} s: {what}"
        time.sleep(0.01)


class Client:
    """One connection, made once and never again."""

    def __init__(
        self,
        port: int,
        user: str | None,
        password: str | None,
        *,
        client_id: str = "",
        lasting: bool = False,
        will: str = "",
        ca: Path | None = None,
        tls: bool = False,
        host: str = "127.0.0.1",
    ) -> None:
        self.got: list[tuple[str, bytes]] = []
        self.answer: str | None = None
        self.is_closed = threading.Event()
        self._answered = threading.Event()
        self._granted: dict[int, list[Any]] = {}
        self._acked: set[int] = set()
        self._said: list[int] = []
        client = self._client = paho.Client(
            CallbackAPIVersion.VERSION2,
            client_id=client_id or f"{user}-{secrets.token_hex(8)}",
            clean_session=not lasting,
            reconnect_on_failure=False,
        )
        if user is not None:
            client.username_pw_set(user, password)
        if will:
            client.will_set(will, b"will", 1, True)
        if tls or ca is not None:
            client.tls_set(None if ca is None else str(ca), cert_reqs=ssl.CERT_REQUIRED)
        client.on_connect = self._connected
        client.on_disconnect = self._disconnected
        client.on_message = self._received
        client.on_subscribe = lambda _c, _u, mid, codes, _p: self._granted.update(
            {mid: codes}
        )
        client.on_publish = lambda _c, _u, mid, _r, _p: self._acked.add(mid)
        client.connect(host, port)
        client.loop_start()
        self._answered.wait(WAIT_S)

    def _connected(self, _c: Any, _u: Any, _f: Any, reason: Any, _p: Any) -> None:
        self.answer = str(reason)
        self._answered.set()

    def _disconnected(self, *_: Any) -> None:
        self.is_closed.set()
        self._answered.set()

    def _received(self, _c: Any, _u: Any, message: Any) -> None:
        self.got.append((message.topic, message.payload))

    @property
    def is_in(self) -> bool:
        """Whether the broker let it in and it is connected still."""
        return self.answer == "Success" and not self.is_closed.is_set()

    def subscribe(self, topic: str, qos: int = 0) -> bool:
        """Subscribe; return whether the broker says that it granted it."""
        _, mid = self._client.subscribe(topic, qos)
        assert mid is not None
        wait_for(
            f"answer to subscribe {topic}",
            lambda: mid in self._granted or self.is_closed.is_set(),
        )
        codes = self._granted.get(mid, [])
        return bool(codes) and not codes[0].is_failure

    def publish(
        self, topic: str, payload: bytes, qos: int = 1, *, retain: bool = False
    ) -> None:
        """Publish; return when the broker has dealt with it, or ended the connection."""
        mid = self._client.publish(topic, payload, qos, retain).mid
        wait_for(
            f"answer to publish {topic}",
            lambda: mid in self._acked or self.is_closed.is_set(),
        )

    def say(self, topic: str, payload: bytes) -> None:
        """Publish at QoS 1 and go on."""
        self._said.append(self._client.publish(topic, payload, 1).mid)

    def wait_said(self) -> None:
        """Wait until the broker has dealt with all that was said."""
        wait_for("all is said", lambda: self._acked.issuperset(self._said))

    def heard(self, payload: bytes, timeout_s: float = WAIT_S) -> None:
        """Wait until a message with this payload has come."""
        wait_for(
            f"{payload!r} arrives",
            lambda: any(got == payload for _, got in self.got),
            timeout_s,
        )

    def die(self) -> None:
        """Lose the connection without a word: the broker sends the last will."""
        raw = self._client.socket()
        assert isinstance(raw, socket.socket)
        raw.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Leave in order."""
        self._client.disconnect()
        self._client.loop_stop()


@contextlib.contextmanager
def closing_all() -> Iterator[list[Client]]:
    """Close every client of the list on the way out."""
    clients: list[Client] = []
    try:
        yield clients
    finally:
        for client in clients:
            client.close()
