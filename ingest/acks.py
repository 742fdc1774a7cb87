"""Acknowledgements to boxes: batch numbers gathered into ranges, one message per outbox."""

from collections import defaultdict

from greenwater.kernel import topics
from greenwater.kernel.ids import DeviceId
from greenwater.kernel.wire.messages import Ack, Refused, encode_message


class AckBook:
    """What is to be told to boxes once the group is durable."""

    def __init__(self) -> None:
        self._stored: dict[tuple[DeviceId, str], list[int]] = defaultdict(list)
        self._refused: dict[tuple[DeviceId, str], list[Refused]] = defaultdict(list)

    def stored(self, up: topics.Up) -> None:
        """Note that a batch is durable."""
        self._stored[(up.device, up.outbox)].append(up.batch)

    def refused(self, up: topics.Up, reason: str) -> None:
        """Note that a batch rests in quarantine as a whole."""
        self._refused[(up.device, up.outbox)].append(Refused(up.batch, reason[:200]))

    def messages(self) -> list[tuple[str, bytes]]:
        """Return topic and payload of every acknowledgement."""
        out = []
        for device, outbox in self._stored.keys() | self._refused.keys():
            key = (device, outbox)
            ack = Ack(
                outbox,
                ranges(self._stored.get(key, [])),
                tuple(self._refused.get(key, [])),
            )
            out.append((topics.ack(device), encode_message(ack)))
        return out


def ranges(numbers: list[int]) -> tuple[tuple[int, int], ...]:
    """Return numbers as inclusive ranges, in order."""
    found: list[tuple[int, int]] = []
    for number in sorted(set(numbers)):
        if found and number == found[-1][1] + 1:
            found[-1] = (found[-1][0], number)
        else:
            found.append((number, number))
    return tuple(found)
