"""A box's way to the network: a TCP proxy that can freeze (what mobile networks do most
often when they fail) or cut. Simulated boxes have it for a modem, tests for a bad wire.
"""

import contextlib
import select
import socket
import struct
import threading
from typing import Literal

Way = Literal["up", "down"]
BOTH: tuple[Way, Way] = ("up", "down")
HELD_BYTES = 65_536
TICK_MS = 20
RESET = struct.pack("ii", 1, 0)


class _Pipe:
    """One direction of one connection."""

    def __init__(self, way: Way, source: socket.socket, sink: socket.socket) -> None:
        self.way, self.source, self.sink = way, source, sink
        self.held = bytearray()
        self.has_ended = False

    def read(self) -> None:
        """Take what the source sent."""
        data = self.source.recv(HELD_BYTES)
        self.held += data
        self.has_ended = not data
        if self.has_ended and not self.held:
            self.sink.shutdown(socket.SHUT_WR)

    def write(self) -> None:
        """Pass on what is held."""
        del self.held[: self.sink.send(self.held)]
        if self.has_ended and not self.held:
            self.sink.shutdown(socket.SHUT_WR)

    @property
    def is_done(self) -> bool:
        """Whether nothing will come any more."""
        return self.has_ended and not self.held


class FreezingProxy:
    """Between clients and a real server on 127.0.0.1.

    ``freeze`` leaves connections open and moves nothing, not even an end of stream: when
    it has returned, no further byte passes. ``cut`` resets every connection.
    """

    def __init__(self, target_port: int) -> None:
        self._target = target_port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self._frozen: set[Way] = set()
        self._connections: list[tuple[_Pipe, _Pipe]] = []
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="proxy", daemon=True)
        self._thread.start()

    def freeze(self, *ways: Way) -> None:
        """From now on nothing moves up (to the server), down, or (by default) both."""
        with self._lock:
            self._frozen.update(ways or BOTH)

    def thaw(self, *ways: Way) -> None:
        """From now on all moves again, what was held included."""
        with self._lock:
            self._frozen.difference_update(ways or BOTH)

    def cut(self) -> None:
        """Reset every connection."""
        with self._lock:
            for pair in list(self._connections):
                self._drop(pair, with_reset=True)

    @property
    def connections(self) -> int:
        """How many connections are open through it now."""
        with self._lock:
            return len(self._connections)

    def close(self) -> None:
        """End; every connection is reset."""
        self._closing.set()
        self._thread.join(5)
        self.cut()
        self._listener.close()

    def _drop(self, pair: tuple[_Pipe, _Pipe], *, with_reset: bool = False) -> None:
        self._connections.remove(pair)
        for end in (pair[0].source, pair[0].sink):
            if with_reset:
                with contextlib.suppress(OSError):
                    end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            end.close()

    def _run(self) -> None:
        while not self._closing.is_set():
            with self._lock:
                poller = self._poller()
            ready = {fd for fd, _ in poller.poll(TICK_MS)}
            with self._lock:
                for pair in list(self._connections):
                    self._move(pair, ready)
                if self._listener.fileno() in ready and len(self._frozen) < len(BOTH):
                    self._accept()

    def _poller(self) -> select.poll:
        wanted: dict[int, int] = {}
        if len(self._frozen) < len(BOTH):
            wanted[self._listener.fileno()] = select.POLLIN
        for pipe in self._moving():
            if not pipe.has_ended and len(pipe.held) < HELD_BYTES:
                fd = pipe.source.fileno()
                wanted[fd] = wanted.get(fd, 0) | select.POLLIN
            if pipe.held:
                fd = pipe.sink.fileno()
                wanted[fd] = wanted.get(fd, 0) | select.POLLOUT
        poller = select.poll()
        for fd, events in wanted.items():
            poller.register(fd, events)
        return poller

    def _moving(self) -> list[_Pipe]:
        pipes = [pipe for pair in self._connections for pipe in pair]
        return [pipe for pipe in pipes if pipe.way not in self._frozen]

    def _move(self, pair: tuple[_Pipe, _Pipe], ready: set[int]) -> None:
        try:
            for pipe in pair:
                if pipe.way in self._frozen:
                    continue
                if pipe.source.fileno() in ready and not pipe.has_ended:
                    with contextlib.suppress(BlockingIOError):
                        pipe.read()
                if pipe.held:
                    with contextlib.suppress(BlockingIOError):
                        pipe.write()
        except OSError:
            self._drop(pair, with_reset=True)
            return
        if all(pipe.is_done for pipe in pair):
            self._drop(pair)

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            client, _ = self._listener.accept()
            try:
                server = socket.create_connection(("127.0.0.1", self._target), 2)
            except OSError:
                client.close()
                return
            for end in (client, server):
                end.setblocking(False)
                end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            up, down = _Pipe("up", client, server), _Pipe("down", server, client)
            self._connections.append((up, down))
