"""A real local receiver of notifications: what apprise's ``json://`` posts to."""

import contextlib
import json
import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

LINK = re.compile(r"https?://\S+/a/\S+")


class Receiver:
    """Keeps every message that came."""

    def __init__(self, port: int) -> None:
        self.url = f"json://127.0.0.1:{port}/told"
        self.messages: list[dict[str, Any]] = []

    def links(self) -> list[str]:
        """Return the links of all messages, in order."""
        return [link for one in self.messages for link in LINK.findall(one["message"])]


@contextlib.contextmanager
def receiving() -> Iterator[Receiver]:
    """Listen on a free port until left."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            size = int(self.headers["Content-Length"])
            receiver.messages.append(json.loads(self.rfile.read(size)))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    receiver = Receiver(server.server_address[1])
    serving = threading.Thread(target=server.serve_forever, daemon=True)
    serving.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        serving.join()
        server.server_close()
