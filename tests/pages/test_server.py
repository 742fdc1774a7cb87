"""Listening and stopping."""

import hashlib
import http.client
import json
import socket
import ssl
import subprocess
import sys
import threading
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from cryptography import x509
from fastapi import FastAPI, Request

from cli.lan import DAYS, how_to_open, open_lan, own_address
from greenwater.kernel.errors import ConfigError, UnavailableError
from tests.pages.serving import served
from tests.pages.world import NOW, World
from web.app import create_app
from web.server import serve


def test_the_site_is_served_until_told_to_stop(world: World) -> None:
    with served(create_app(world.services)) as url:
        at = urlsplit(url).netloc
        connection = http.client.HTTPConnection(at, timeout=10)
        connection.request("GET", "/healthz")
        answer = connection.getresponse()
        assert (answer.status, answer.read()) == (200, b'{"status":"ok"}')
        assert answer.headers["server"] is None
        connection.close()
    with pytest.raises(ConnectionRefusedError):
        http.client.HTTPConnection(at, timeout=2).connect()


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


def test_a_phone_is_shown_a_certificate_of_this_machine_for_a_week(
    tmp_path: Path,
) -> None:
    lan = open_lan(tmp_path, 8443, NOW)
    with served(FastAPI(), certificate=lan.files.certificate) as url:
        port = urlsplit(url).port
        trusted = ssl.create_default_context(cafile=lan.files.ca)
        with (
            socket.create_connection(("127.0.0.1", port), 10) as plain,
            trusted.wrap_socket(plain, server_hostname="127.0.0.1") as wrapped,
        ):
            assert wrapped.version() in ("TLSv1.2", "TLSv1.3")
            wrapped.sendall(b"GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n")
            assert wrapped.recv(20).startswith(b"HTTP/1.1 200")
            shown = hashlib.sha256(wrapped.getpeercert(binary_form=True) or b"")
        with (
            socket.create_connection(("127.0.0.1", port), 10) as plain,
            pytest.raises(ssl.SSLCertVerificationError),
        ):
            ssl.create_default_context().wrap_socket(plain, server_hostname="127.0.0.1")
    told = "\n".join(how_to_open(lan))
    assert shown.hexdigest().upper() in told.replace(":", "")
    assert f"https://{own_address()}:8443" == lan.address
    assert "█" in told, "a code to scan"
    for file in lan.files[:2]:
        found = x509.load_pem_x509_certificate(file.read_bytes())
        assert found.not_valid_after_utc == NOW + timedelta(days=DAYS)


def test_only_a_trusted_proxy_says_where_a_visitor_comes_from() -> None:
    app = FastAPI()

    @app.get("/")
    def told(request: Request) -> list[str]:
        return [request.url.scheme, request.client.host if request.client else ""]

    through_proxy = {"X-Forwarded-Proto": "https", "X-Forwarded-For": "203.0.113.7"}
    seen = {}
    for proxies in ("127.0.0.1", "192.0.2.0/24"):
        with served(app, trusted_proxies=proxies) as url:
            asking = http.client.HTTPConnection(urlsplit(url).netloc, timeout=10)
            asking.request("GET", "/", headers=through_proxy)
            seen[proxies] = json.loads(asking.getresponse().read())
            asking.close()
    assert seen == {
        "127.0.0.1": ["https", "203.0.113.7"], "192.0.2.0/24": ["http", "127.0.0.1"],
    }  # fmt: skip


def test_what_is_no_certificate_is_said_before_anything_listens(tmp_path: Path) -> None:
    wrong = tmp_path / "x.pem"
    wrong.write_text("words")
    for path in (wrong, tmp_path / "none.pem"):
        with pytest.raises(ConfigError, match="certificate with its key"):
            serve(FastAPI(), "127.0.0.1", 0, threading.Event(), certificate=path)


BUSY = """
import ctypes, threading, time, urllib.request
from fastapi import FastAPI
from web.server import serve

app, stop, ready, ports = FastAPI(), threading.Event(), threading.Event(), []

@app.get("/")
def page() -> int:
    kept = [bytes(2_000 + n) for n in range(200)]  # past what Python keeps by itself
    time.sleep(0.2)
    return len(kept)

def opened(port: int) -> None:
    ports.append(port)
    ready.set()

def look() -> None:
    urllib.request.urlopen(f"http://127.0.0.1:{ports[0]}/").read()

def visit() -> None:
    ready.wait()
    lookers = [threading.Thread(target=look) for _ in range(16)]
    for one in lookers:
        one.start()
    for one in lookers:
        one.join()
    c = ctypes.CDLL(None)
    c.malloc_info(0, ctypes.c_void_p.in_dll(c, "stdout"))
    c.fflush(None)
    stop.set()

threading.Thread(target=visit).start()
serve(app, "127.0.0.1", 0, stop, on_ready=opened)
"""


def test_many_pages_at_once_share_two_heaps() -> None:
    """glibc lists its heaps (malloc_info(3))."""
    told = subprocess.run(
        [sys.executable, "-c", BUSY],
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert 1 <= told.stdout.count("<heap nr=") <= 2
