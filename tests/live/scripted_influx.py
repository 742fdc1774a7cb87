"""A strict InfluxDB 2 made of one thread, for what Debian's 1.6.7 cannot do.

``/ping``, ``/api/v2/write``, ``/api/v2/delete`` and ``/query`` as documented for InfluxDB
2: token, org, bucket and precision are checked; every line is parsed strictly, typed,
and refused as the real one refuses it. With an ``upstream`` (a real 1.x server) what
passes goes there and queries are answered from there, so that the contract tests run on
this generation's requests too. ``script`` holds faults for the next requests.
"""

import gzip
import json
import re
import socket
import threading
import time
import urllib.error
import urllib.request
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Final, NamedTuple
from urllib.parse import parse_qs, urlencode, urlsplit

TOKEN: Final = "t0ken/with+odd=characters"
ORG: Final = "green water"
BUCKET: Final = "telemetry"

Fields = dict[str, float | int | bool | str]
Point = tuple[str, tuple[tuple[str, str], ...], int]

_NAME: Final = r"(?:[^,= \\\n]|\\[,= ])+"
_VALUE: Final = r'(?:"(?:[^"\\]|\\["\\])*"|[^," \n]+)'
_LINE: Final = re.compile(
    rf"(?P<measurement>(?:[^,# \\\n]|\\[, ])+)(?P<tags>(?:,{_NAME}={_NAME})*)"
    rf" (?P<fields>{_NAME}={_VALUE}(?:,{_NAME}={_VALUE})*) (?P<time>-?\d+)"
)
_TAG: Final = re.compile(rf",({_NAME})=({_NAME})")
_FIELD: Final = re.compile(rf"({_NAME})=({_VALUE})(?:,|$)")
_FLOAT: Final = re.compile(r"-?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?")
_TO_NS: Final = {"ns": 1, "us": 10**3, "ms": 10**6, "s": 10**9}


class Refusal(Exception):
    """An answer other than success."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message


class Asked(NamedTuple):
    """One request as it arrived."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes


Fault = Callable[["_Handler"], bool]
"""Does its mischief on a request; True: that was the answer, False: go on as usual."""


class ScriptedInflux:
    """The server's memory, and what it is told to do next."""

    def __init__(
        self,
        *,
        upstream: str | None = None,
        database: str = "",
        version: str = "v2.7.6",
    ) -> None:
        self.upstream, self.database, self.version = upstream, database, version
        self.oldest_ms: int | None = None
        self.keeps: set[str] = set()  # measurements that ``oldest_ms`` leaves alone
        self.wants_gzip = True
        self.script: deque[Fault] = deque()
        self.asked: list[Asked] = []
        self.points: dict[Point, Fields] = {}
        self.types: dict[tuple[str, str], type] = {}
        self.released = threading.Event()
        self.lock = threading.Lock()
        self.port = 0

    @property
    def url(self) -> str:
        """The telemetry URL that is right for this server."""
        token = TOKEN.replace("/", "%2F").replace("+", "%2B").replace("=", "%3D")
        org = ORG.replace(" ", "%20")
        return f"influxdb://:{token}@127.0.0.1:{self.port}/{BUCKET}?org={org}&gzip=1"

    @property
    def writes(self) -> list[Asked]:
        """The write requests so far."""
        return [one for one in self.asked if one.path == "/api/v2/write"]

    def store(self, text: str, precision: str) -> None:
        """Take lines in as InfluxDB 2 does: what is good stays, what is not is named."""
        refusals: list[Refusal] = []
        for number, line in enumerate(text.split("\n"), 1):
            try:
                self._store_line(line, number, _TO_NS[precision])
            except Refusal as refusal:
                refusals.append(refusal)
        if refusals:
            raise refusals[0]

    def _store_line(self, line: str, number: int, to_ns: int) -> None:
        (measurement, tags, time_ns), fields = parse_line(line, number, to_ns)
        oldest_ms = None if measurement in self.keeps else self.oldest_ms
        if oldest_ms is not None and time_ns < oldest_ms * 10**6:
            raise Refusal(
                422,
                "unprocessable entity",
                "failure writing points to database: partial write: "
                "points beyond retention policy dropped=1",
            )
        for name, value in fields.items():
            known = self.types.setdefault((measurement, name), type(value))
            if known is not type(value):
                raise Refusal(
                    422,
                    "unprocessable entity",
                    "failure writing points to database: partial write: field type "
                    f'conflict: input field "{name}" on measurement "{measurement}" is '
                    f"type {type(value).__name__}, already exists as type "
                    f"{known.__name__} dropped=1",
                )
        self.points.setdefault((measurement, tags, time_ns), {}).update(fields)


def parse_line(line: str, number: int, to_ns: int) -> tuple[Point, Fields]:
    """Return the point a line says.

    Raises:
        Refusal: it is not line protocol, to the letter.
    """

    def malformed(why: str) -> Refusal:
        message = f"unable to parse '{line}': {why}, line {number}"
        return Refusal(400, "invalid", message)

    found = _LINE.fullmatch(line)
    if found is None:
        raise malformed("invalid line")
    tags = [(_plain(k), _plain(v)) for k, v in _TAG.findall(found["tags"])]
    if len(dict(tags)) < len(tags):
        raise malformed("duplicate tags")
    pairs = _FIELD.findall(found["fields"])
    if len(dict(pairs)) < len(pairs):
        raise malformed("duplicate field")
    fields: Fields = {}
    for key, text in pairs:
        value = _value(text)
        if value is None:
            raise malformed(f"invalid value {text}")
        fields[_plain(key)] = value
    time_ns = int(found["time"]) * to_ns
    if abs(time_ns) >= 2**63:
        raise malformed("time outside range")
    return (_plain(found["measurement"]), tuple(sorted(tags)), time_ns), fields


def _value(text: str) -> float | int | bool | str | None:
    if text.startswith('"'):
        return re.sub(r'\\(["\\])', r"\1", text[1:-1])
    if text in ("t", "T", "true", "True", "TRUE"):
        return True
    if text in ("f", "F", "false", "False", "FALSE"):
        return False
    if re.fullmatch(r"-?\d+i", text):
        return int(text[:-1]) if abs(int(text[:-1]) + 0.5) < 2**63 else None
    return float(text) if _FLOAT.fullmatch(text) else None


def _plain(text: str) -> str:
    return re.sub(r"\\([,= ])", r"\1", text)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # one packet an answer: no waiting for a delayed ACK
    server: "_Server"
    timeout = 20
    is_mute = False

    def log_message(self, format: str, *args: object) -> None:
        pass

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def _answer(self) -> None:
        scripted = self.server.scripted
        parts = urlsplit(self.path)
        query = {k: v[-1] for k, v in parse_qs(parts.query, True).items()}
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        asked = Asked(self.command, parts.path, query, dict(self.headers), body)
        with scripted.lock:
            scripted.asked.append(asked)
            is_due = bool(scripted.script) and parts.path != "/ping"
            fault = scripted.script.popleft() if is_due else None
        if fault is not None and fault(self):
            return
        try:
            self._route(asked)
        except Refusal as refusal:
            document = {"code": refusal.code, "message": refusal.message}
            self.reply(refusal.status, json.dumps(document).encode())

    def _route(self, asked: Asked) -> None:
        if asked.path == "/ping":
            self.reply(204, b"", {"X-Influxdb-Version": self.server.scripted.version})
            return
        if asked.headers.get("Authorization") != f"Token {TOKEN}":
            raise Refusal(401, "unauthorized", "unauthorized access")
        match asked.method, asked.path:
            case "POST", "/api/v2/write":
                self._write(asked)
            case "POST", "/api/v2/delete":
                self._delete(asked)
            case (("GET" | "POST"), "/query"):
                self._query(asked)
            case _:
                raise Refusal(404, "not found", f"path not found: {asked.path}")

    def _bucket(self, asked: Asked, names: set[str]) -> None:
        if set(asked.query) != names:
            raise Refusal(400, "invalid", f"parameters are {sorted(asked.query)}")
        if asked.query["org"] != ORG:
            raise Refusal(404, "not found", "organization name not found")
        if asked.query["bucket"] != BUCKET:
            raise Refusal(404, "not found", "bucket not found")

    def _write(self, asked: Asked) -> None:
        self._bucket(asked, {"org", "bucket", "precision"})
        if asked.query["precision"] not in _TO_NS:
            raise Refusal(400, "invalid", "precision")
        is_gzip = asked.headers.get("Content-Encoding") == "gzip"
        if is_gzip != self.server.scripted.wants_gzip:
            raise Refusal(400, "invalid", "Content-Encoding is not the one expected")
        if not asked.headers["Content-Type"].startswith("text/plain"):
            raise Refusal(400, "invalid", "Content-Type is not text/plain")
        text = (gzip.decompress(asked.body) if is_gzip else asked.body).decode()
        with self.server.scripted.lock:
            self.server.scripted.store(text, asked.query["precision"])
        if self.server.scripted.upstream:
            precision = {"ns": "n", "us": "u"}.get(asked.query["precision"], "ms")
            self._forward(
                "/write", {"db": BUCKET, "precision": precision}, text.encode()
            )
        else:
            self.reply(204, b"")

    def _delete(self, asked: Asked) -> None:
        self._bucket(asked, {"org", "bucket"})
        document = json.loads(asked.body)
        if set(document) != {"start", "stop", "predicate"}:
            raise Refusal(400, "invalid", f"keys are {sorted(document)}")
        pairs = dict(re.findall(r'(\w+)="([^"]*)"(?: AND |$)', document["predicate"]))
        measurement = pairs.pop("_measurement")
        tags = "".join(f" AND \"{key}\"='{value}'" for key, value in pairs.items())
        statement = (
            f"DELETE FROM \"{measurement}\" WHERE time >= '{document['start']}' "
            f"AND time <= '{document['stop']}'{tags}"
        )
        form = urlencode({"q": statement}).encode()
        self._forward("/query", {}, form, status=204)

    def _query(self, asked: Asked) -> None:
        form = {k: v[-1] for k, v in parse_qs(asked.body.decode()).items()}
        both = asked.query | form
        if not {"db", "q", "epoch"} <= set(both):
            raise Refusal(400, "invalid", f"parameters are {sorted(both)}")
        if re.match("SHOW RETENTION|DELETE|CREATE|SHOW SERIES", both["q"]) is not None:
            self._show(both["q"])
        elif self.server.scripted.upstream:
            data = urlencode({"q": both.pop("q")}).encode()
            self._forward("/query", both, data)
        else:
            self.reply(200, b'{"results":[{"statement_id":0}]}\n')

    def _show(self, statement: str) -> None:
        if not statement.startswith("SHOW RETENTION"):
            raise Refusal(400, "invalid", f"not implemented: {statement[:20]}")
        row = {
            "columns": [
                "name",
                "duration",
                "shardGroupDuration",
                "replicaN",
                "default",
            ],
            "values": [["autogen", "0s", "168h0m0s", 1, True]],
        }
        document = {"results": [{"statement_id": 0, "series": [row]}]}
        self.reply(200, json.dumps(document).encode())

    def _forward(
        self,
        path: str,
        query: dict[str, str],
        body: bytes,
        *,
        status: int | None = None,
    ) -> None:
        scripted = self.server.scripted
        asked = urlencode(query | {"db": scripted.database})
        url = f"{scripted.upstream}{path}?{asked}"
        is_form = path == "/query"
        kind = "application/x-www-form-urlencoded" if is_form else "text/plain"
        request = urllib.request.Request(url, body, {"Content-Type": kind})
        try:
            with urllib.request.urlopen(request, timeout=20) as response:
                content = b"" if status == 204 else response.read()
                self.reply(status or response.status, content)
        except urllib.error.HTTPError as exc:
            with exc:
                self.reply(exc.code, exc.read())

    def reply(
        self, status: int, body: bytes, headers: dict[str, str] | None = None
    ) -> None:
        """Answer properly, unless told to do the work and hang up."""
        if self.is_mute:
            self.is_mute = False
            self.hang_up()
            return
        headers = {"Date": self.date_time_string()} | (headers or {})
        self.send_response_only(status)
        self.send_header("Content-Type", "application/json")
        if status != 204:
            self.send_header("Content-Length", str(len(body)))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        if status != 204:
            self.wfile.write(body)

    def hang_up(self) -> None:
        """Cut the connection."""
        self.close_connection = True
        self.wfile.flush()
        self.connection.shutdown(socket.SHUT_RDWR)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, scripted: ScriptedInflux) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.scripted = scripted

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that went away is what many scripts are about."""


@contextmanager
def running(scripted: ScriptedInflux) -> Iterator[ScriptedInflux]:
    """Serve on a free port until the block ends."""
    server = _Server(scripted)
    scripted.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield scripted
    finally:
        scripted.released.set()
        server.shutdown()
        server.server_close()
        thread.join(5)


def status(
    code: int,
    document: object | bytes = b"",
    *,
    headers: dict[str, str] | None = None,
) -> Fault:
    """Answer with a status, nothing stored."""
    body = document if isinstance(document, bytes) else json.dumps(document).encode()

    def fault(handler: _Handler) -> bool:
        handler.reply(code, body, headers)
        return True

    return fault


def frozen(handler: _Handler) -> bool:
    """Keep the connection open and say nothing."""
    handler.server.scripted.released.wait(20)
    handler.close_connection = True
    return True


def cut_unanswered(handler: _Handler) -> bool:
    """Take the request and hang up."""
    handler.hang_up()
    return True


def nothing(handler: _Handler) -> bool:
    """Let this request pass."""
    return False


def cut_late(handler: _Handler) -> bool:
    """Do as asked, and hang up instead of saying so."""
    handler.is_mute = True
    return False


def cut_in_body(handler: _Handler) -> bool:
    """Promise a body, send half of it, hang up."""
    handler.send_response(200)
    handler.send_header("Content-Length", "1000")
    handler.end_headers()
    handler.wfile.write(b'{"results":[{"statement_id":0,"series":[')
    handler.hang_up()
    return True


def cut_in_chunk(handler: _Handler) -> bool:
    """Send one whole document in a chunk, begin another, hang up."""
    document = b'{"results":[{"statement_id":0}]}\n'
    handler.send_response(200)
    handler.send_header("Transfer-Encoding", "chunked")
    handler.end_headers()
    handler.wfile.write(b"%x\r\n%s\r\n" % (len(document), document))
    handler.wfile.write(b"400\r\n{")
    handler.hang_up()
    return True


def cut_after_a_chunk(handler: _Handler) -> bool:
    """Send one whole document, hang up without saying that it was the last."""
    document = b'{"results":[{"statement_id":0}]}\n'
    handler.send_response(200)
    handler.send_header("Transfer-Encoding", "chunked")
    handler.end_headers()
    handler.wfile.write(b"%x\r\n%s\r\n" % (len(document), document))
    handler.hang_up()
    return True


def trickling(handler: _Handler) -> bool:
    """Send a body one byte at a time, for longer than anyone should wait."""
    handler.send_response(200)
    handler.send_header("Content-Length", "100000")
    handler.end_headers()
    pause = handler.server.scripted.released
    until = time.monotonic() + 20
    while time.monotonic() < until and not pause.wait(0.05):
        try:
            handler.wfile.write(b" ")
            handler.wfile.flush()
        except OSError:
            break
    handler.close_connection = True
    return True
