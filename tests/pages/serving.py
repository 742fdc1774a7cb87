"""A site, or its scripts alone, on a port of this machine."""

import functools
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from fastapi import FastAPI

from web.assets import STATIC
from web.server import serve


@contextmanager
def served(app: FastAPI, **options: Any) -> Iterator[str]:
    """Serve an application, as in earnest, until the block ends; yield its address."""
    stop, ready, ports = threading.Event(), threading.Event(), list[int]()

    def opened(port: int) -> None:
        ports.append(port)
        ready.set()

    thread = threading.Thread(
        target=serve,
        args=(app, "127.0.0.1", 0, stop),
        kwargs={"on_ready": opened, **options},
    )
    thread.start()
    try:
        assert ready.wait(90)
        scheme = "https" if "certificate" in options else "http"
        yield f"{scheme}://127.0.0.1:{ports[0]}"
    finally:
        stop.set()
        thread.join(30)
    assert not thread.is_alive()


@contextmanager
def serving_scripts() -> Iterator[str]:
    """Serve the folder of scripts and nothing else; yield its address."""

    class Handler(SimpleHTTPRequestHandler):
        def log_message(self, format: str, *args: object) -> None:
            return

    handler = functools.partial(Handler, directory=str(STATIC))
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
