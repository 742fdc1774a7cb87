"""What traceability asks of the two databases. The facades of ``greenwater.storage`` fit."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Protocol

from greenwater.kernel.channels import Channel
from greenwater.kernel.ids import DeviceId
from greenwater.kernel.reading import Reading
from greenwater.storage.telemetry.ports import Bucket, Span


class Telemetry(Protocol):
    """The readings."""

    def read(
        self, span: Span, channels: Iterable[Channel] | None = None
    ) -> Iterator[Reading]:
        """Yield the readings of one series in time order."""
        ...

    def downsample(
        self, span: Span, channel: Channel, every_ms: int
    ) -> Sequence[Bucket]:
        """Return non-empty buckets in time order."""
        ...

    def latest(self, device: DeviceId) -> Sequence[Reading]:
        """Return the newest reading of each channel of each probe of one device."""
        ...

    def uncompensated(self, span: Span, every_ms: int) -> Sequence[Bucket]:
        """Return those of oxygen that was told as of fresh water."""
        ...

    def write(self, readings: Sequence[Reading]) -> None:
        """Store readings."""
        ...
