"""The inlet's process: ``python -m ingest.inlet FD``, started by ``InletProcess``.

It ends when the line does: no inlet outlives its ingest, however that died.
"""

import contextlib
import gc
import signal
import socket
import sys
import threading
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path
from typing import Final

from greenwater.kernel import logs
from greenwater.kernel.broker_url import BrokerUrl
from greenwater.kernel.errors import ConfigError
from ingest.inlet.frames import (
    Acknowledge,
    Connect,
    Deliveries,
    Line,
    News,
    Online,
    Publish,
    Ready,
)
from ingest.mqtt import MqttInlet, Receipt
from ingest.ports import Delivery
from ingest.queue import DeliveryQueue

WAITING: Final = 4_000
WAITING_BYTES: Final = 16 * 1024 * 1024
"""What waits here while ingest reads nothing; its own queue is the large one."""
FRAME: Final = 256
FRAME_BYTES: Final = 1024 * 1024
IDLE_S: Final = 0.5


class _Forwarder:
    """Broker to ingest: what paho's thread receives, in frames."""

    def __init__(self, line: Line) -> None:
        self._line, self._lock = line, threading.Lock()
        self._waiting = DeliveryQueue(WAITING, WAITING_BYTES)
        self._shed = 0
        self.stop = threading.Event()

    def offer(self, delivery: Delivery) -> bool:
        has_room = self._waiting.offer(delivery)
        self._shed += not has_room
        return has_room

    def tell(self, news: News) -> None:
        with self._lock, contextlib.suppress(EOFError):
            self._line.send(news)

    def run(self) -> None:
        told = 0
        while not self.stop.is_set():
            shed = self._shed
            for frame in _framed(self._waiting.take(FRAME, FRAME_BYTES, IDLE_S)):
                frame = Deliveries(frame.connection, shed - told, frame.messages)
                told = shed
                self.tell(frame)


def _framed(deliveries: Sequence[Delivery]) -> list[Deliveries]:
    """Return frames of one connection each: acknowledgements belong to theirs."""
    found = []
    for connection, some in groupby(deliveries, lambda one: _of(one).connection):
        messages = [(one.topic, one.payload, _of(one).mid) for one in some]
        found.append(Deliveries(connection, 0, messages))
    return found


def _of(delivery: Delivery) -> Receipt:
    receipt = delivery.receipt
    assert isinstance(receipt, Receipt), "it came from MqttInlet"
    return receipt


def _obey(line: Line, inlet: MqttInlet) -> None:
    """Do what ingest orders, until it ends."""
    with contextlib.suppress(EOFError):
        while True:
            match line.order():
                case Acknowledge(connection, mids):
                    inlet.acknowledge_mids(connection, mids)
                case Publish(topic, payload, retain):
                    inlet.publish(topic, payload, retain=retain)


def serve(line: Line) -> None:
    """Connect as the first order says, and pass messages both ways until the line ends."""
    wanted = line.order()
    assert isinstance(wanted, Connect), "the first frame says where to connect"
    logs.configure("ingest-inlet", level=wanted.log_level)
    forwarder = _Forwarder(line)
    try:
        inlet = MqttInlet(
            BrokerUrl.parse(wanted.url),
            client_id=wanted.client_id,
            filters=wanted.filters,
            offer=forwarder.offer,
            on_online=lambda: forwarder.tell(Online()),
            ca_file=None if wanted.ca_file is None else Path(wanted.ca_file),
            keeps_session=wanted.keeps_session,
        )
    except ConfigError as exc:
        forwarder.tell(Ready(str(exc)))
        return
    forwarder.tell(Ready())
    thread = threading.Thread(target=forwarder.run, name="forwarder", daemon=True)
    with inlet.running():
        thread.start()
        _obey(line, inlet)
        forwarder.stop.set()


def main() -> None:
    """Serve the line whose file descriptor is the argument."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C goes to all; ingest decides
    gc.freeze()
    gc.set_threshold(100_000, 50, 100)
    end = socket.socket(fileno=int(sys.argv[1]))
    with end, contextlib.suppress(EOFError):
        serve(Line(end))


if __name__ == "__main__":
    main()
