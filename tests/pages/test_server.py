"""Listening and stopping."""

import http.client
import socket
import threading

import pytest

from greenwater.kernel.errors import UnavailableError
from tests.pages.world import World
from web.app import create_app
from web.server import serve


def test_the_site_is_served_until_told_to_stop(world: World) -> None:
    stop = threading.Event()
    ports: list[int] = []
    ready = threading.Event()

    def opened(port: int) -> None:
        ports.append(port)
        ready.set()

    thread = threading.Thread(
        target=serve,
        args=(create_app(world.services), "127.0.0.1", 0, stop),
        kwargs={"on_ready": opened},
    )
    thread.start()
    try:
        assert ready.wait(90)
        connection = http.client.HTTPConnection("127.0.0.1", ports[0], timeout=10)
        connection.request("GET", "/healthz")
        answer = connection.getresponse()
        assert (answer.status, answer.read()) == (200, b'{"status":"ok"}')
        assert answer.headers["server"] is None
        connection.close()
    finally:
        stop.set()
        thread.join(10)
    assert not thread.is_alive()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", ports[0]), timeout=2)


def test_many_phones_at_once_are_answered(world: World) -> None:
    """Pages are made on several threads over the same open stores."""
    from fastapi.testclient import TestClient

    app = create_app(world.services)
    faults: list[object] = []

    def look(path: str) -> None:
        with TestClient(app) as site:
            for _ in range(4):
                answer = site.get(path)
                if answer.status_code != 200:
                    faults.append((path, answer.status_code))

    paths = ["/", "/units/ao-1", "/live.json", "/vessels/KH-95123-TS"] * 2
    threads = [threading.Thread(target=look, args=(path,)) for path in paths]
    for one in threads:
        one.start()
    for one in threads:
        one.join(60)
    assert faults == []


def test_a_port_that_is_taken_is_named(world: World) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(UnavailableError, match=f"port {port}.*--port"):
            serve(create_app(world.services), "127.0.0.1", port, threading.Event())
