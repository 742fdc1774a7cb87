"""The store of readings, gaps and intake: one port, two adapters."""

from pathlib import Path

from greenwater.kernel.errors import ConfigError
from greenwater.storage.telemetry.influx import InfluxTelemetry
from greenwater.storage.telemetry.influx_http import InfluxUrl
from greenwater.storage.telemetry.ports import Telemetry
from greenwater.storage.telemetry.sqlite import SqliteTelemetry

__all__ = ["Telemetry", "open_telemetry"]


def open_telemetry(url: str) -> Telemetry:
    """Return the store behind ``sqlite:///FILE`` or ``influxdb://…`` (see ``InfluxUrl``).

    Raises:
        ConfigError: the URL is neither, or the store was written by a newer version.
        UnavailableError: InfluxDB does not answer.
    """
    if url.startswith("sqlite:///"):
        return SqliteTelemetry(Path(url.removeprefix("sqlite:///")))
    if url.startswith("influxdb://"):
        store = InfluxTelemetry(InfluxUrl.parse(url))
        store.prepare()
        return store
    kind = url.split(":", 1)[0]
    raise ConfigError(
        f"telemetry URL starts with {kind!r}: write sqlite:///FILE or influxdb://…"
    )
