"""What a run of the fleet came to."""

from array import array
from collections.abc import Sequence

from msgspec import Struct


class FleetReport(Struct, frozen=True, kw_only=True):
    """Counts are batches unless they say otherwise; latencies are from the first
    publish to the durable ack, in seconds.

    ``sent`` counts publishes, so ``sent - resent`` batches were sent at least once.
    ``published_s`` is how long the fleet published, ``settled_s`` until the last ack.
    """

    devices: int
    connected: int
    connect_s: float
    sent: int
    resent: int
    stored: int
    refused: int
    unsettled: int
    readings_stored: int
    published_s: float
    settled_s: float
    cpu_s: float
    reconnects: int
    payload_bytes: int
    latency_p50_s: float
    latency_p95_s: float
    latency_p99_s: float
    latency_max_s: float
    errors: tuple[str, ...] = ()

    @property
    def batches_per_s(self) -> float:
        """Batches made durable per second, from the first publish to the last ack."""
        return self.stored / self.settled_s if self.settled_s else 0.0

    @property
    def readings_per_s(self) -> float:
        """Readings made durable per second."""
        return self.readings_stored / self.settled_s if self.settled_s else 0.0


def percentiles(values: "array[float]", shares: Sequence[float]) -> list[float]:
    """Return the values below which these shares lie (nearest rank); 0 of nothing."""
    if not values:
        return [0.0] * len(shares)
    ordered = sorted(values)
    return [
        ordered[min(int(share * len(ordered)), len(ordered) - 1)] for share in shares
    ]
