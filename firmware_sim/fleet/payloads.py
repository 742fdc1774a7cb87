"""The bytes of a batch, and what they mean, from the numbers of device and batch alone.

A batch is one template with its base time and a run of ready-made numbers put in: the
publisher shares the machine with what it measures.
"""

import zlib
from collections.abc import Sequence
from typing import Final

from firmware_sim.fleet.plan import FleetPlan, Format
from firmware_sim.senml import Sent, cbor_template, json_template

PROBE: Final = "fleet"
CHANNELS: Final = ("temperature", "dissolved_oxygen", "ph", "salinity", "turbidity")
_BASES: Final = (27.0, 5.0, 7.6, 30.0, 10.0)
_RUNS: Final = 997  # prime: neighbouring devices and batches differ
_MIX: Final = (7919, 104_729)


class Payloads:
    """Batches of one plan."""

    def __init__(self, plan: FleetPlan) -> None:
        self._plan = plan
        self._samples = -(-plan.readings // len(CHANNELS))
        shape = [
            (CHANNELS[index % len(CHANNELS)], index // len(CHANNELS) * plan.interval_ms)
            for index in range(plan.readings)
        ]
        self._shape: Sequence[tuple[str, int]] = shape
        write = cbor_template if plan.format is Format.CBOR else json_template
        self._template = write(PROBE, shape)
        count = _RUNS * len(CHANNELS) + plan.readings
        self._values = [_value(index) for index in range(count)]
        self._numbers = tuple(self._template.number(value) for value in self._values)

    def payload(self, device: int, batch: int) -> bytes:
        """Return a batch's bytes: always the same."""
        first = self._first(device, batch)
        text = self._template.filled(
            self._base_ms(batch), self._numbers[first : first + self._plan.readings]
        )
        return zlib.compress(text, 1) if self._plan.format is Format.JSON_ZLIB else text

    def expected(self, device: int, batch: int) -> list[Sent]:
        """Return the readings a batch holds."""
        first, base_ms = self._first(device, batch), self._base_ms(batch)
        return [
            Sent(PROBE, channel, base_ms + offset_ms, self._values[first + index])
            for index, (channel, offset_ms) in enumerate(self._shape)
        ]

    def _base_ms(self, batch: int) -> int:
        plan = self._plan
        return plan.start_ms + batch * self._samples * plan.interval_ms

    def _first(self, device: int, batch: int) -> int:
        mixed = device * _MIX[0] + batch * _MIX[1]
        return mixed % _RUNS * len(CHANNELS)


def _value(index: int) -> float:
    return round(_BASES[index % len(CHANNELS)] + index * 37 % 1000 / 1000, 3)
