"""The bounded queue between paho's thread and the decoder: back-pressure in one place."""

import threading
from collections import deque

from ingest.ports import Delivery


class DeliveryQueue:
    """Deliveries in order of arrival, bounded in number and in bytes."""

    def __init__(self, max_deliveries: int, max_bytes: int) -> None:
        self._max_deliveries, self._max_bytes = max_deliveries, max_bytes
        self._waiting: deque[Delivery] = deque()
        self._bytes = 0
        self._changed = threading.Condition()

    def offer(self, delivery: Delivery) -> bool:
        """Add a delivery, or answer False at once where there is no room."""
        with self._changed:
            if (
                len(self._waiting) >= self._max_deliveries
                or self._bytes >= self._max_bytes
            ):
                return False
            self._waiting.append(delivery)
            self._bytes += len(delivery.payload)
            if len(self._waiting) == 1:
                self._changed.notify()
            return True

    def take(
        self, max_deliveries: int, max_bytes: int, timeout_s: float
    ) -> list[Delivery]:
        """Return what is waiting, up to the limits; wait until there is something."""
        with self._changed:
            if not self._waiting:
                self._changed.wait(timeout_s)
            group: list[Delivery] = []
            size = 0
            while self._waiting and len(group) < max_deliveries and size < max_bytes:
                delivery = self._waiting.popleft()
                size += len(delivery.payload)
                group.append(delivery)
            self._bytes -= size
            return group

    def __len__(self) -> int:
        return len(self._waiting)
