"""The bad wire is bad in the way that is asked for, and loses nothing by itself."""

import contextlib
import socket
import threading
from collections.abc import Iterator

import pytest

from firmware_sim.modem import FreezingProxy
from tests.live.system import wait_until

SILENCE_S = 0.3


class Echo:
    """A server that sends back what it hears, one connection at a time."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self.heard = bytearray()
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                with client, contextlib.suppress(OSError):
                    while data := client.recv(65536):
                        self.heard += data
                        client.sendall(data)

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()


@pytest.fixture
def echo() -> Iterator[Echo]:
    server = Echo()
    yield server
    server.close()


@pytest.fixture
def proxy(echo: Echo) -> Iterator[FreezingProxy]:
    between = FreezingProxy(echo.port)
    yield between
    between.close()


@pytest.fixture
def client(proxy: FreezingProxy) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", proxy.port), 5) as one:
        yield one


def is_silent(client: socket.socket) -> bool:
    client.settimeout(SILENCE_S)
    try:
        client.recv(1)
    except TimeoutError:
        client.settimeout(5)
        return True
    return False


def heard(client: socket.socket, count: int) -> bytes:
    data = bytearray()
    while len(data) < count:
        part = client.recv(65536)
        assert part, f"the connection ended after {len(data)} of {count} bytes"
        data += part
    return bytes(data)


def test_a_megabyte_passes_whole(client: socket.socket) -> None:
    sent = bytes(range(256)) * 4096
    threading.Thread(target=client.sendall, args=(sent,), daemon=True).start()
    assert heard(client, len(sent)) == sent


def test_a_frozen_wire_is_silent_and_thawed_gives_all(
    proxy: FreezingProxy, client: socket.socket
) -> None:
    client.sendall(b"one")
    assert heard(client, 3) == b"one"
    proxy.freeze()
    client.sendall(b"two")
    assert is_silent(client)
    proxy.thaw()
    assert heard(client, 3) == b"two"


def test_a_wire_frozen_downwards_still_carries_up(
    proxy: FreezingProxy, client: socket.socket, echo: Echo
) -> None:
    proxy.freeze("down")
    client.sendall(b"up")
    wait_until("the server hears", lambda: echo.heard == b"up", 90)
    assert is_silent(client)
    proxy.thaw("down")
    assert heard(client, 2) == b"up"


def test_a_wire_frozen_upwards_carries_nothing_up(
    proxy: FreezingProxy, client: socket.socket, echo: Echo
) -> None:
    client.sendall(b"a")
    assert heard(client, 1) == b"a"
    proxy.freeze("up")
    client.sendall(b"b")
    assert is_silent(client)
    assert echo.heard == b"a"


def test_an_end_of_stream_does_not_pass_a_frozen_wire(
    proxy: FreezingProxy, client: socket.socket
) -> None:
    client.sendall(b"a")
    assert heard(client, 1) == b"a"
    proxy.freeze()
    client.shutdown(socket.SHUT_WR)
    assert is_silent(client)
    assert proxy.connections == 1
    proxy.thaw()
    assert client.recv(1) == b""
    wait_until("the connection is gone", lambda: proxy.connections == 0, 90)


def test_a_cut_wire_is_reset_at_both_ends(
    proxy: FreezingProxy, client: socket.socket
) -> None:
    client.sendall(b"a")
    assert heard(client, 1) == b"a"
    proxy.cut()
    with pytest.raises(ConnectionResetError):
        client.recv(1)
    with socket.create_connection(("127.0.0.1", proxy.port), 5) as again:
        again.sendall(b"b")
        assert heard(again, 1) == b"b"


def test_a_server_that_is_down_ends_the_connection() -> None:
    with socket.create_server(("127.0.0.1", 0)) as gone:
        port = gone.getsockname()[1]
    proxy = FreezingProxy(port)
    with socket.create_connection(("127.0.0.1", proxy.port), 5) as client:
        assert client.recv(1) == b""
    proxy.close()
