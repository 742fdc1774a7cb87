"""Counters to Prometheus, on loopback."""

import contextlib
from collections.abc import Iterable, Iterator

from prometheus_client import CollectorRegistry, start_http_server
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from greenwater.kernel.errors import UnavailableError
from ingest.counters import Counters
from ingest.queue import DeliveryQueue


class _Figures(Collector):
    def __init__(self, counters: Counters, queue: DeliveryQueue) -> None:
        self._counters, self._queue = counters, queue

    def collect(self) -> Iterable[CounterMetricFamily | GaugeMetricFamily]:
        for name, count in self._counters.snapshot().items():
            yield CounterMetricFamily(
                f"greenwater_ingest_{name}", f"See ingest/counters.py: {name}", count
            )
        yield GaugeMetricFamily(
            "greenwater_ingest_queue", "Deliveries waiting", len(self._queue)
        )


@contextlib.contextmanager
def serve_metrics(
    port: int, counters: Counters, queue: DeliveryQueue
) -> Iterator[None]:
    """Answer Prometheus on 127.0.0.1 until left.

    Raises:
        UnavailableError: the port is taken.
    """
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Figures(counters, queue))
    try:
        server, thread = start_http_server(port, "127.0.0.1", registry=registry)
    except OSError as exc:
        raise UnavailableError(
            f"cannot listen on 127.0.0.1 port {port}: {exc.strerror}; set another "
            "GREENWATER_INGEST_METRICS_PORT"
        ) from exc
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
