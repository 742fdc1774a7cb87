"""Ingest's end of the line: starts the inlet, takes what it receives, tells it what to send."""

import contextlib
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from typing import Final

import structlog

from greenwater.kernel.errors import ConfigError, UnavailableError
from ingest.inlet.frames import (
    Acknowledge,
    Connect,
    Deliveries,
    Line,
    Online,
    Publish,
    Ready,
)
from ingest.mqtt import Receipt
from ingest.ports import Delivery

log = structlog.get_logger()

ENDS_WITHIN_S: Final = 5.0


class InletProcess:
    """The connection to the broker; implements ``ingest.ports.Outlet``.

    ``offer`` takes a delivery or answers False when it has no room: then it is shed, as
    is what finds no room in the inlet while this process is behind (``on_shed`` is told
    how many). ``on_online`` is called after each (re)connection. ``on_end`` is called if
    the inlet ends by itself: nothing will come any more.
    """

    def __init__(
        self,
        connect: Connect,
        *,
        offer: Callable[[Delivery], bool],
        on_online: Callable[[], None],
        on_shed: Callable[[int], None],
        on_end: Callable[[BaseException], None],
    ) -> None:
        self._connect, self._offer = connect, offer
        self._on_online, self._on_shed, self._on_end = on_online, on_shed, on_end
        self._sending = threading.Lock()
        self._stop = threading.Event()
        self._line: Line | None = None

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        """Have the inlet running until left.

        Raises:
            ConfigError: the authority's file cannot be read.
            UnavailableError: the inlet's process did not start.
        """
        ours, theirs = socket.socketpair()
        with theirs:
            process = subprocess.Popen(
                [sys.executable, "-m", "ingest.inlet", str(theirs.fileno())],
                stdin=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
            )
        line = self._line = Line(ours)
        reader = threading.Thread(target=self._read, args=(line,), name="inlet")
        try:
            self._begin(line)
            reader.start()
            yield
        finally:
            self._stop.set()
            line.close()
            if reader.ident is not None:
                reader.join()
            _ended(process)

    def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> None:
        """Send at QoS 0; lost if the connection is."""
        self._send(Publish(topic, payload, retain))

    def acknowledge(self, deliveries: Sequence[Delivery]) -> None:
        """PUBACK what came over the present connection; the rest is sent again anyway."""
        receipts = [
            one.receipt for one in deliveries if isinstance(one.receipt, Receipt)
        ]
        for connection, some in groupby(receipts, lambda one: one.connection):
            self._send(Acknowledge(connection, [one.mid for one in some]))

    def _begin(self, line: Line) -> None:
        try:
            line.send(self._connect)
            ready = line.news()
        except EOFError as exc:
            raise UnavailableError(f"the inlet did not start: {exc}") from exc
        if isinstance(ready, Ready) and ready.trouble:
            raise ConfigError(ready.trouble)

    def _send(self, frame: Acknowledge | Publish) -> None:
        if self._line is None:
            return
        with self._sending, contextlib.suppress(EOFError):  # the reader says it ended
            self._line.send(frame)

    def _read(self, line: Line) -> None:
        try:
            while not self._stop.is_set():
                match line.news():
                    case Deliveries(connection, shed, messages):
                        if shed:
                            self._on_shed(shed)
                        self._take(connection, messages)
                    case Online():
                        self._on_online()
        except EOFError as exc:
            if not self._stop.is_set():
                log.error("inlet.ended")
                self._on_end(UnavailableError(f"the inlet ended: {exc}"))
        except BaseException as exc:
            self._on_end(exc)
            raise

    def _take(
        self, connection: int, messages: Sequence[tuple[str, bytes, int]]
    ) -> None:
        """Offer each; what finds no room is PUBACKed unread, and its box sends it again.

        To stop reading instead would withhold PUBACKs, and block the orders behind.
        """
        shed = []
        for topic, payload, mid in messages:
            if not self._offer(Delivery(topic, payload, Receipt(connection, mid))):
                shed.append(mid)
        if shed:
            self._on_shed(len(shed))
            self._send(Acknowledge(connection, shed))


def _ended(process: subprocess.Popen[bytes]) -> None:
    try:
        process.wait(ENDS_WITHIN_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
