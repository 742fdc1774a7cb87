"""One InfluxDB server of any generation: write lines, ask in InfluxQL, delete.

| | 1.6, 1.7 | 1.8 | 2 | 3 |
|---|---|---|---|---|
| write | ``/write`` | ``/api/v2/write`` | ``/api/v2/write`` | ``/api/v2/write`` |
| read | ``/query`` | ``/query`` | ``/query`` (bucket mapped) | ``/query`` |
| delete | ``DELETE`` | ``DELETE`` | ``/api/v2/delete`` | not offered |
| database | made if missing | made if missing | must exist | made by the first write |

The version is what ``/ping`` says in ``X-Influxdb-Version``.
"""

import gzip
import re
import threading
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final
from urllib.parse import urlencode

import msgspec
import structlog

from greenwater.kernel.errors import ConfigError, InputError, UnavailableError
from greenwater.storage.telemetry.influx_http import (
    InfluxHttp,
    Response,
    raise_for,
    refuse_to_start,
    sentence,
)
from greenwater.storage.telemetry.influxql import (
    Row,
    name,
    parse_answer,
    string,
    within,
)
from greenwater.storage.telemetry.lines import bodies
from greenwater.storage.telemetry.urls import InfluxUrl

log = structlog.get_logger()

MAX_LINES: Final = 20_000
MAX_GET_CHARS: Final = 4_000
_FORM: Final = {"Content-Type": "application/x-www-form-urlencoded"}
_JSON: Final = {"Accept": "application/json"}
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class InfluxServer:
    """A server and one database or bucket on it; thread-safe."""

    def __init__(self, url: InfluxUrl) -> None:
        self._url, self._http = url, InfluxHttp(url)
        self._version: tuple[int, int] | None = None
        self._connecting = threading.Lock()

    def version(self) -> tuple[int, int]:
        """Return the server's version, having made sure of the database once.

        Raises:
            ConfigError: credentials or names are wrong, or the database would forget.
            UnavailableError: the server does not answer.
        """
        if self._version is None:
            with self._connecting:
                if self._version is None:
                    self._version = self._connect()
        return self._version

    def from_(self, measurement: str) -> str:
        """Return what to write behind FROM."""
        policy = self._url.retention_policy
        if policy is None:
            return name(measurement)
        return f"{name(policy)}.{name(measurement)}"

    def write(self, lines: Sequence[str], *, precision: str = "ms") -> None:
        """Store lines.

        Raises:
            InputError: some were refused; others may be stored.
            UnavailableError: some may be stored.
        """
        for body in bodies(lines, MAX_LINES):
            self._put(body, precision)

    def write_found(self, lines: Sequence[str], *, precision: str = "ms") -> None:
        """Store lines of what analytics found; what is refused for good is only told.

        A reading at the edge of the server's own retention is stored, and its flag a
        moment later is not: that must not end analytics, now and at every start.

        Raises:
            UnavailableError: some may be stored.
        """
        for body in bodies(lines, MAX_LINES):
            try:
                self._put(body, precision)
            except InputError as exc:
                log.error("telemetry.finding_refused", error=str(exc))

    def _put(self, body: bytes, precision: str) -> None:
        headers = {"Content-Type": "text/plain; charset=utf-8"}
        if self._url.gzip:
            headers["Content-Encoding"] = "gzip"
            # Level 1: the lines repeat so much that more effort gains little.
            body = gzip.compress(body, 1, mtime=0)
        path = self._write_path(precision)
        response = self._http.send("POST", path, headers=headers, body=body)
        raise_for(response, "store readings")

    def query(
        self, statements: Sequence[str], *, epoch: str = "ms"
    ) -> Iterator[tuple[int, Row]]:
        """Yield (statement's number, series) for statements, in one round trip.

        Raises:
            UnavailableError: the server did not answer all of it.
        """
        self.version()
        return self._ask(statements, epoch)

    def delete(
        self, measurement: str, start_ms: int, end_ms: int, tags: Mapping[str, str]
    ) -> None:
        """Delete ``[start_ms, end_ms)`` of a measurement's rows with these tags.

        Raises:
            UnavailableError: not all of it is deleted, or the server offers no delete.
        """
        major, _ = self.version()
        if major == 2 and self._url.is_token:
            self._delete_v2(measurement, start_ms, end_ms, tags)
            return
        tagged = "".join(f" AND {name(k)}={string(v)}" for k, v in tags.items())
        statement = (
            f"DELETE FROM {name(measurement)} WHERE {within(start_ms, end_ms)}{tagged}"
        )
        list(self._ask([statement], "ms", is_change=True))

    def close(self) -> None:
        """Close all connections."""
        self._http.close()

    def _connect(self) -> tuple[int, int]:
        response = self._http.send("GET", "/ping", timeout_s=10.0)
        refuse_to_start(response, "/ping")
        version = parse_version(
            response.headers.get("X-Influxdb-Version", ""), is_token=self._url.is_token
        )
        self._make_sure(version[0])
        log.info("telemetry.connected", server=self._url.base, version=version)
        return version

    def _make_sure(self, major: int) -> None:
        """See that the database is there and keeps what is old (intake's times are)."""
        if major == 2 and self._url.is_token and not self._url.org:
            raise ConfigError(
                f"{self._url.base} is InfluxDB 2: add ?org=ORGANISATION to the "
                "telemetry URL"
            )
        if major >= 3:
            return
        database = name(self._url.database)
        try:
            policies = self._retention_policies(
                f"SHOW RETENTION POLICIES ON {database}"
            )
        except UnavailableError as exc:
            if major != 1 or "database not found" not in str(exc):
                raise
            self._create(database)
            policies = self._retention_policies(
                f"SHOW RETENTION POLICIES ON {database}"
            )
        wanted = self._url.retention_policy
        for policy in policies:
            if policy["name"] == wanted or (wanted is None and policy["default"]):
                if policy["duration"] not in ("0s", "0"):
                    raise ConfigError(
                        f"retention policy {policy['name']} of {self._url.database} on "
                        f"{self._url.base} forgets after {policy['duration']}: make it "
                        "infinite; Greenwater retires readings itself"
                    )
                return
        raise ConfigError(self._no_policy(wanted, major))

    def _no_policy(self, wanted: str | None, major: int) -> str:
        which = f"retention policy {wanted}" if wanted else "default retention policy"
        hint = "; map the bucket with: influx v1 dbrp create" if major == 2 else ""
        return f"{self._url.base} has no {which} for {self._url.database}{hint}"

    def _retention_policies(self, statement: str) -> list[dict[str, object]]:
        response = self._send_query([statement], "ms", is_change=False)
        refuse_to_start(response, f"to show {self._url.database}")
        return [
            dict(zip(row.columns, values, strict=True))
            for _, row in parse_answer(response.body, 1)
            for values in row.values
        ]

    def _create(self, database: str) -> None:
        response = self._send_query(
            [f"CREATE DATABASE {database}"], "ms", is_change=True
        )
        what = f"to create database {self._url.database}: create it, or give the rights"
        refuse_to_start(response, what)
        list(parse_answer(response.body, 1))
        log.info("telemetry.database_created", database=self._url.database)

    def _write_path(self, precision: str) -> str:
        version, url = self.version(), self._url
        if version >= (1, 8) and (version[0] == 1 or url.is_token):
            bucket = url.bucket
            if version[0] == 1 and url.retention_policy:
                bucket = f"{url.bucket}/{url.retention_policy}"
            asked = {"bucket": bucket, "precision": precision}
            if url.org:
                asked["org"] = url.org
            return "/api/v2/write?" + urlencode(asked)
        short = "n" if precision == "ns" else precision
        legacy = {"db": url.database, "precision": short}
        if url.retention_policy:
            legacy["rp"] = url.retention_policy
        return "/write?" + urlencode(legacy)

    def _ask(
        self, statements: Sequence[str], epoch: str, *, is_change: bool = False
    ) -> Iterator[tuple[int, Row]]:
        response = self._send_query(statements, epoch, is_change=is_change)
        if response.status in (400, 422):
            # The question is ours: no reading is to blame, so never an InputError.
            raise UnavailableError(f"InfluxDB refuses a query: {sentence(response)}")
        raise_for(response, "answer a query")
        return parse_answer(response.body, len(statements))

    def _send_query(
        self, statements: Sequence[str], epoch: str, *, is_change: bool
    ) -> Response:
        # chunked: an answer of one piece would be cut at the server's max-row-limit.
        asked = {"db": self._url.database, "epoch": epoch, "chunked": "true"}
        if self._url.retention_policy:
            asked["rp"] = self._url.retention_policy
        question = {"q": ";".join(statements)}
        if not is_change and len(question["q"]) <= MAX_GET_CHARS:
            path = "/query?" + urlencode(asked | question)
            return self._http.send("GET", path, headers=_JSON)
        return self._http.send(
            "POST",
            "/query?" + urlencode(asked),
            headers=_FORM | _JSON,
            body=urlencode(question).encode(),
        )

    def _delete_v2(
        self, measurement: str, start_ms: int, end_ms: int, tags: Mapping[str, str]
    ) -> None:
        wanted = {"_measurement": measurement} | dict(tags)
        # Both ends are inclusive there; times are whole milliseconds here.
        document = {
            "start": _rfc3339(start_ms),
            "stop": _rfc3339(end_ms - 1),
            "predicate": " AND ".join(f'{k}="{v}"' for k, v in wanted.items()),
        }
        response = self._http.send(
            "POST",
            "/api/v2/delete?"
            + urlencode({"org": self._url.org, "bucket": self._url.bucket}),
            headers={"Content-Type": "application/json"},
            body=msgspec.json.encode(document),
        )
        raise_for(response, "delete")


def parse_version(text: str, *, is_token: bool) -> tuple[int, int]:
    """Return (major, minor) of ``X-Influxdb-Version``.

    Where a proxy hides it or it is no number (``Cloud``), a token tells 2 from 1.
    """
    found = re.match(r"v?(\d+)\.(\d+)", text)
    if found:
        return int(found[1]), int(found[2])
    return (2, 0) if is_token else (1, 0)


def _rfc3339(ms: int) -> str:
    at = _EPOCH + timedelta(milliseconds=max(ms, -2_208_988_800_000))
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
