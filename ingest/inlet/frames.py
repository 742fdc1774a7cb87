"""What the two processes tell each other: frames of msgpack behind their length."""

import contextlib
import socket
import struct
from typing import Final

import msgspec
from msgspec import Struct

_LENGTH: Final = struct.Struct(">I")
_READ: Final = 1 << 18


class Connect(Struct, frozen=True, tag="connect", array_like=True):
    """The first frame to the inlet: where to connect, and how. It holds secrets, which
    is why it is no command line."""

    url: str
    client_id: str
    filters: list[str]
    ca_file: str | None
    keeps_session: bool
    log_level: str


class Acknowledge(Struct, frozen=True, tag="acknowledge", array_like=True):
    """PUBACK these messages of that connection."""

    connection: int
    mids: list[int]


class Publish(Struct, frozen=True, tag="publish", array_like=True):
    """Send at QoS 0."""

    topic: str
    payload: bytes
    retain: bool


Order = Connect | Acknowledge | Publish


class Ready(Struct, frozen=True, tag="ready", array_like=True):
    """The inlet could begin; ``trouble`` is why it could not (an operator must act)."""

    trouble: str = ""


class Online(Struct, frozen=True, tag="online", array_like=True):
    """The broker let us in, once more."""


class Deliveries(Struct, frozen=True, tag="deliveries", array_like=True):
    """Messages of one connection, in order; ``shed`` were dropped before them for want
    of room."""

    connection: int
    shed: int
    messages: list[tuple[str, bytes, int]]


News = Ready | Online | Deliveries


class Line:
    """One end of the line between the two. One thread reads; sending is the caller's
    to lock.

    Raises (both methods):
        EOFError: the other process has ended.
    """

    def __init__(self, end: socket.socket) -> None:
        self._end = end
        self._encoder = msgspec.msgpack.Encoder()
        self._orders: msgspec.msgpack.Decoder[Order] = msgspec.msgpack.Decoder(Order)
        self._news: msgspec.msgpack.Decoder[News] = msgspec.msgpack.Decoder(News)
        self._buffer = bytearray()

    def send(self, frame: Order | News) -> None:
        """Send a frame; waits while the other end does not read."""
        body = self._encoder.encode(frame)
        try:
            self._end.sendall(_LENGTH.pack(len(body)) + body)
        except OSError as exc:
            raise EOFError("the other process has ended") from exc

    def order(self) -> Order:
        """Return the next frame to the inlet."""
        return self._orders.decode(self._frame())

    def news(self) -> News:
        """Return the next frame from the inlet."""
        return self._news.decode(self._frame())

    def close(self) -> None:
        """End the line; the other end notices."""
        with contextlib.suppress(OSError):  # it has ended already
            self._end.shutdown(socket.SHUT_RDWR)
        self._end.close()

    def _frame(self) -> bytes:
        self._fill(_LENGTH.size)
        (length,) = _LENGTH.unpack_from(self._buffer)
        self._fill(_LENGTH.size + length)
        frame = bytes(self._buffer[_LENGTH.size : _LENGTH.size + length])
        del self._buffer[: _LENGTH.size + length]
        return frame

    def _fill(self, size: int) -> None:
        while len(self._buffer) < size:
            try:
                got = self._end.recv(_READ)
            except OSError as exc:
                raise EOFError("the other process has ended") from exc
            if not got:
                raise EOFError("the other process has ended")
            self._buffer += got
