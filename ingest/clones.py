"""Two boxes under one identity: how they give themselves away, and when it is over.

The signs are two. A boot id never comes back, so statuses of boot A, then B, then A
again are of two boxes (or of one that was copied while it ran). And a batch number
stands for the same bytes for ever, so other bytes under it come from another outbox.

It is over when neither sign has come for ``QUIET_MS``: by then the operator has given
each box its own name and password, or taken one away.
"""

from typing import Final, NamedTuple

from greenwater.kernel.ids import DeviceId
from greenwater.kernel.wire.messages import Status

QUIET_MS: Final = 24 * 3600 * 1000
BOOTS_KEPT: Final = 4


class Sign(NamedTuple):
    """The latest sign: when it came, and a sentence."""

    at_ms: int
    why: str

    def is_over(self, now_ms: int) -> bool:
        """Return whether it has been quiet for long enough since."""
        return now_ms - self.at_ms >= QUIET_MS


class Clones:
    """What is known of each device's boots and signs. No I/O, no locks."""

    def __init__(self) -> None:
        self._boots: dict[DeviceId, dict[str, int]] = {}
        self.signs: dict[DeviceId, Sign] = {}

    def heard(self, device: DeviceId, status: Status, now_ms: int) -> None:
        """Note a status, in the order of arrival."""
        boots, boot = self._boots.setdefault(device, {}), status.boot
        if not boot:
            return
        current = next(reversed(boots), boot)
        said_ms = boots.pop(boot, None)
        # What the broker delivers once more is as old as when it first came.
        is_news = status.at_ms == 0 or said_ms is None or status.at_ms > said_ms
        is_back = said_ms is not None and boot != current
        if is_back and not is_news:
            boots[boot] = said_ms or 0
            boots[current] = boots.pop(current)
            return
        boots[boot] = max(status.at_ms, said_ms or 0)
        if len(boots) > BOOTS_KEPT:
            del boots[next(iter(boots))]
        if is_back and status.online:
            why = f"two boxes use the identity of {device}: boots {current} and {boot}"
            self.signs[device] = Sign(now_ms, why)

    def contradicted(self, device: DeviceId, why: str, now_ms: int) -> None:
        """Note that a batch number came with other bytes."""
        self.signs[device] = Sign(now_ms, why)

    def forget(self, device: DeviceId, sign: Sign) -> None:
        """Forget a sign, unless a later one has come."""
        if self.signs.get(device) == sign:
            del self.signs[device]
