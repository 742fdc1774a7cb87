"""The telemetry store: readings, gaps and intake, behind one port with two adapters."""

from typing import TYPE_CHECKING

import structlog

from greenwater.kernel.errors import UnavailableError
from greenwater.storage.telemetry.urls import SqliteUrl, parse_url

if TYPE_CHECKING:
    from greenwater.storage.telemetry.ports import Telemetry

log = structlog.get_logger()

__all__ = ["open_telemetry"]


def open_telemetry(url: str) -> "Telemetry":
    """Return the store a URL names (``urls`` says how they are written); close it.

    A server that does not answer yet is not an error here: every call tries again. Only
    the adapter that is used is imported.

    Raises:
        ConfigError: the URL is wrong, the file is not ours, or the server refuses our
            credentials or names.
    """
    parsed = parse_url(url)
    if isinstance(parsed, SqliteUrl):
        from greenwater.storage.telemetry.sqlite import SqliteTelemetry

        return SqliteTelemetry(parsed.path)
    from greenwater.storage.telemetry.influx import InfluxTelemetry

    store = InfluxTelemetry(parsed)
    try:
        store.connect()
    except UnavailableError as exc:
        log.warning("telemetry.unavailable", error=str(exc))
    return store
