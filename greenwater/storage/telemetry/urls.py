"""How ``GREENWATER_TELEMETRY_URL`` names a store.

* ``sqlite:///relative/file.db``, ``sqlite:////absolute/file.db``: one file.
* ``influxdb://[user:password@]host[:port]/database``: InfluxDB 1.x; the port is 8086
  unless given.
* ``influxdb://:token@host[:port]/bucket?org=ORG``: InfluxDB 2 or 3. Reading needs the
  bucket mapped to a database and retention policy (``influx v1 dbrp``); if the
  database is not named like the bucket, say ``db=``.

Parameters of ``influxdb://`` (any other is refused): ``org``; ``db`` (for reading, the
path's name unless given); ``rp`` (retention policy; the default one unless given);
``tls=1`` (HTTPS), ``ca=FILE`` (the only authority trusted, implies TLS); ``gzip=auto``,
``1`` or ``0`` (auto: not to loopback, where it costs more than it saves);
``timeout_s=30``. User, password, token and names are percent-encoded. Nothing here
shows a password or token in ``repr`` or a message.
"""

import base64
from pathlib import Path
from typing import Final
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from msgspec import Struct

from greenwater.kernel.errors import ConfigError

DEFAULT_PORT: Final = 8086
_KNOWN: Final = frozenset({"org", "db", "rp", "tls", "ca", "gzip", "timeout_s"})


class SqliteUrl(Struct, frozen=True):
    """A file."""

    path: Path


class InfluxUrl(Struct, frozen=True):
    """An InfluxDB server, what to write to and read from there, and how."""

    base: str
    bucket: str
    database: str
    retention_policy: str | None
    org: str
    authorization: str | None
    is_token: bool
    gzip: bool
    ca: str | None
    timeout_s: float

    def __repr__(self) -> str:
        return f"InfluxUrl({self.base}/{self.bucket})"


def parse_url(text: str) -> SqliteUrl | InfluxUrl:
    """Return what a URL says.

    Raises:
        ConfigError: it is none of the forms above; no secret is repeated.
    """
    try:
        url = urlsplit(text)
        port = url.port
    except ValueError as exc:
        raise ConfigError(f"the telemetry URL cannot be read: {exc}") from exc
    if url.scheme == "sqlite":
        return _sqlite(url)
    if url.scheme == "influxdb":
        return _influx(url, DEFAULT_PORT if port is None else port)
    raise ConfigError(
        f"telemetry URL of unknown kind {url.scheme!r}: "
        "use sqlite:///FILE or influxdb://USER:PASSWORD@HOST/DATABASE"
    )


def _sqlite(url: SplitResult) -> SqliteUrl:
    if url.netloc or url.query or len(url.path) < 2:
        raise ConfigError(
            f"telemetry URL {url.geturl()!r} names no file: use sqlite:///relative.db "
            "or sqlite:////absolute/file.db"
        )
    return SqliteUrl(Path(unquote(url.path[1:])))


def _influx(url: SplitResult, port: int) -> InfluxUrl:
    bucket = unquote(url.path.removeprefix("/"))
    if not url.hostname or not bucket:
        raise ConfigError("the telemetry URL needs influxdb://…@HOST/DATABASE")
    if url.username and not url.password:
        raise ConfigError(
            "the telemetry URL has a user and no password: a token stands behind a "
            "colon, influxdb://:TOKEN@HOST/BUCKET?org=ORG"
        )
    given = _parameters(url.query)
    is_token = not url.username and bool(url.password)
    ca = given.get("ca")
    is_tls = ca is not None or _switch("tls", given.get("tls", "0"))
    host = f"[{url.hostname}]" if ":" in url.hostname else url.hostname
    gzip = given.get("gzip", "auto")
    return InfluxUrl(
        base=f"{'https' if is_tls else 'http'}://{host}:{port}",
        bucket=bucket,
        database=given.get("db", bucket),
        retention_policy=given.get("rp"),
        org=given.get("org", ""),
        authorization=_authorization(url, is_token=is_token),
        is_token=is_token,
        gzip=not _is_loopback(url.hostname)
        if gzip == "auto"
        else _switch("gzip", gzip),
        ca=ca,
        timeout_s=_seconds(given.get("timeout_s", "30")),
    )


def _parameters(query: str) -> dict[str, str]:
    given: dict[str, str] = {}
    for name, value in parse_qsl(query, keep_blank_values=True):
        if name not in _KNOWN or name in given or not value:
            raise ConfigError(
                f"parameter {name!r} of the telemetry URL is unknown, empty or twice "
                f"there; known are {', '.join(sorted(_KNOWN))}"
            )
        given[name] = value
    return given


def _authorization(url: SplitResult, *, is_token: bool) -> str | None:
    password = unquote(url.password or "")
    if is_token:
        return f"Token {password}"
    if not url.username:
        return None
    pair = f"{unquote(url.username)}:{password}".encode()
    return f"Basic {base64.b64encode(pair).decode()}"


def _switch(name: str, value: str) -> bool:
    if value not in ("0", "1"):
        raise ConfigError(f"{name}={value!r} in the telemetry URL is neither 0 nor 1")
    return value == "1"


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0.1 <= seconds <= 600:
        raise ConfigError(f"timeout_s={text!r} in the telemetry URL: use 0.1 to 600")
    return seconds


def _is_loopback(host: str) -> bool:
    return host == "localhost" or host == "::1" or host.startswith("127.")
