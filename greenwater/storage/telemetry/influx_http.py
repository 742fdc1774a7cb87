"""The way to InfluxDB: requests over influxdb-client's connection pool, and what its
answers mean.

Every wait ends: connecting, each piece of a body, and the whole of it. What an answer
means is decided by what the caller must do (greenwater.kernel.errors):

* ``InputError`` only where InfluxDB itself says, in its own words, that it refuses the
  content: 400 and 422 with its error document, and 413. The same status from something
  in between (a proxy's page) is not a verdict on readings.
* ``UnavailableError`` for all else: no answer, 429, 5xx, and refused credentials too,
  since an expired token must hold readings back, not quarantine them.

Refused credentials, and a limit on series that 1.x reached (it refuses new series only,
so the rest must go on: ``InputError``), are errors in the log: only a person can end them.
"""

import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Any, Final, NamedTuple

import msgspec
import structlog
import urllib3
from influxdb_client.client.influxdb_client import InfluxDBClient

from greenwater.kernel.errors import ConfigError, InputError, UnavailableError
from greenwater.storage.telemetry.urls import InfluxUrl

log = structlog.get_logger()

CONNECT_S: Final = 5.0
MAX_ANSWER_BYTES: Final = 512 * 2**20
_PIECE: Final = 1 << 20


class Response(NamedTuple):
    """A whole answer."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class InfluxHttp:
    """Sends requests; thread-safe."""

    def __init__(self, url: InfluxUrl) -> None:
        self._url = url
        self._client: Any = InfluxDBClient(
            url=url.base,
            token="",  # the header is ours: a token, or a user and password
            org=url.org,
            ssl_ca_cert=url.ca,
            verify_ssl=True,
            connection_pool_maxsize=8,
        )
        manager = self._client.api_client.rest_client.pool_manager
        self._pool: Any = manager.connection_from_url(url.base)
        self._headers = {"User-Agent": self._client.api_client.user_agent}
        if url.authorization is not None:
            self._headers["Authorization"] = url.authorization

    def send(
        self,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        timeout_s: float | None = None,
    ) -> Response:
        """Return the answer, whatever its status.

        Raises:
            UnavailableError: there was none, or not all of it, in time.
        """
        limit_s = self._url.timeout_s if timeout_s is None else timeout_s
        deadline = time.monotonic() + limit_s
        try:
            response = self._pool.urlopen(
                method,
                path,
                body=body,
                headers=self._headers | dict(headers or {}),
                timeout=urllib3.Timeout(connect=min(CONNECT_S, limit_s), read=limit_s),
                preload_content=False,
                retries=False,
                redirect=False,
                assert_same_host=False,
            )
            try:
                content = _read(response, deadline)
            except BaseException:
                response.close()
                raise
            response.release_conn()
        except (urllib3.exceptions.HTTPError, OSError) as exc:
            raise UnavailableError(
                f"InfluxDB at {self._url.base} did not answer: {_said(exc)}"
            ) from exc
        return Response(response.status, response.headers, content)

    def close(self) -> None:
        """Close all connections."""
        self._client.close()
        self._pool.close()


def _read(response: Any, deadline: float) -> bytes:
    pieces: list[bytes] = []
    size = 0
    # read1 returns at each arrival, so that a trickle cannot outlast the deadline.
    while piece := response.read1(_PIECE):
        pieces.append(piece)
        size += len(piece)
        if time.monotonic() > deadline:
            raise TimeoutError(f"{size} bytes of its answer had come when time was up")
        if size > MAX_ANSWER_BYTES:
            raise OSError(f"its answer is longer than {MAX_ANSWER_BYTES} bytes")
    return b"".join(pieces)


def _said(exc: BaseException) -> str:
    return f"{type(exc).__name__}: {exc}"


class _ErrorDocument(msgspec.Struct):
    """1.x and 3.x say ``error``, 2.x says ``code`` and ``message``."""

    error: str = ""
    message: str = ""


def sentence(response: Response) -> str:
    """Return InfluxDB's own words for an error, empty if they are not its own."""
    try:
        document = msgspec.json.decode(response.body, type=_ErrorDocument)
    except msgspec.DecodeError:
        return str(response.headers.get("X-Influxdb-Error", ""))
    return document.error or document.message


def retry_after_s(headers: Mapping[str, str]) -> float | None:
    """Return how long the server asks us to wait: seconds, or until a date of its own."""
    asked = headers.get("Retry-After")
    if asked is None:
        return None
    try:
        return max(0.0, float(asked))
    except ValueError:
        pass
    try:
        now = parsedate_to_datetime(headers["Date"])
        return max(0.0, (parsedate_to_datetime(asked) - now).total_seconds())
    except (KeyError, ValueError, TypeError):
        return None


def raise_for(response: Response, what: str) -> None:
    """Return if the server did as asked.

    Raises:
        InputError: it refuses the content and will refuse it again.
        UnavailableError: anything else.
    """
    status, own = response.status, sentence(response)
    if 200 <= status < 300:
        return
    words = own or response.body[:200].decode("utf-8", "replace")
    if "max-values-per-tag" in own or "max-series-per-database" in own:
        log.error("telemetry.limit_reached", answer=words)
    if status == 413 or (own and status in (400, 422) and not _is_operators(own)):
        raise InputError(f"InfluxDB refuses {what}: {words} (status {status})")
    if status in (401, 403):
        log.error("telemetry.credentials_refused", status=status, answer=words)
    raise UnavailableError(
        f"InfluxDB cannot {what} now: {words} (status {status})",
        retry_after_s=retry_after_s(response.headers),
    )


def _is_operators(own: str) -> bool:
    """Return whether a 400 speaks of the server's set-up, not of the content."""
    return "database is required" in own or "database not found" in own


def refuse_to_start(response: Response, what: str) -> None:
    """Raise ``ConfigError`` where only an operator can help.

    Raises:
        ConfigError: credentials are refused, or what is addressed does not exist.
        UnavailableError: it may be otherwise later.
    """
    if response.status in (400, 401, 403, 404):
        words = sentence(response) or response.body[:200].decode("utf-8", "replace")
        raise ConfigError(
            f"InfluxDB refuses {what}: {words} (status {response.status})"
        )
    raise_for(response, what)
