"""The demo's gateway for text messages: it keeps them on this machine, for its page to show."""

import contextlib
import json
import threading
from collections import deque
from collections.abc import Callable, Iterator
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Final

import msgspec

from analytics.alarms.ways import own_address
from cli.demo.shrimp_farm import FARM, FARMER, PHONES, SECOND
from cli.demo.tuna_boat import DELEGATE, HOUSEHOLD, OWNER
from cli.demo.tuna_boat import PHONES as CREW
from greenwater.kernel.reading import milliseconds
from greenwater.storage.registry import Registry
from web.demo import MESSAGES, Message

KEPT: Final = 60
LARGEST: Final = 20_000
NIGHT: Final = (19 * 60, 7 * 60)


def add_calls(registry: Registry) -> None:
    """Have the demo's families told of alarms: who helps at the pond by night, first."""
    for organisation, person, phone, place, hours in (
        (FARM, SECOND, PHONES[SECOND], 0, NIGHT),
        (FARM, FARMER, PHONES[FARMER], 1, None),
        (HOUSEHOLD, DELEGATE, CREW[DELEGATE], 0, None),
        (HOUSEHOLD, OWNER, CREW[OWNER], 1, None),
    ):
        registry.add_contact(
            organisation, person, own_address("sms", phone), place=place, hours=hours
        )


@contextlib.contextmanager
def gateway(folder: Path, now: Callable[[], datetime]) -> Iterator[str]:
    """Take text messages until left; yield the address that analytics sends them to.

    It listens on loopback alone, and what comes is kept in ``folder``: the newest
    ``KEPT``, each with the instant of the demo's clock at which it came.
    """
    kept: deque[Message] = deque(maxlen=KEPT)
    lock, path = threading.Lock(), folder / MESSAGES

    class Taking(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            size = min(int(self.headers.get("Content-Length") or 0), LARGEST)
            said = json.loads(self.rfile.read(size))
            one = Message(
                to=str(said.get("to", "")),
                text=str(said.get("message", "")),
                at_ms=milliseconds(now()),
            )
            with lock:
                kept.append(one)
                fresh = path.with_suffix(".new")
                fresh.write_bytes(msgspec.json.encode(list(kept)))
                fresh.replace(path)
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            return

    path.unlink(missing_ok=True)
    with ThreadingHTTPServer(("127.0.0.1", 0), Taking) as server:
        thread = threading.Thread(
            target=server.serve_forever, name="gateway", daemon=True
        )
        thread.start()
        try:
            yield f"json://127.0.0.1:{server.server_address[1]}/sms?:to={{to}}"
        finally:
            server.shutdown()
            thread.join()
