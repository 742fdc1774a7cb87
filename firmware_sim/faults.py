"""What goes wrong, when, and the truth about it.

A fault is data. Those of ``SIGNAL`` wrap a probe's values (``wrapped``), those of
``POSITION`` a receiver's fixes; ``WORLD`` changes the water or the mains; ``WIRE`` is
applied by the servers in ``devices``, ``PROCESS`` by whoever runs the edge.
"""

from collections.abc import Iterator
from enum import StrEnum
from typing import Final

from msgspec import Struct

from greenwater.kernel.channels import Channel


class FaultKind(StrEnum):
    """The kinds, each with what ``amount`` means."""

    DRIFT = "drift"  # canonical units a day, added
    STUCK = "stuck"  # shows the value it had at the start
    SPIKES = "spikes"  # height; one slot of ``every_s`` in ten spikes
    DROPOUT = "dropout"  # share of slots of ``every_s`` without a valid value
    OUT_OF_WATER = "out_of_water"  # the probe hangs in the air
    FOULING = "fouling"  # share of the oxygen lost per day behind the growth
    GPS_VOID = "gps_void"  # the receiver has no fix
    GPS_JUMP = "gps_jump"  # nautical miles off
    AERATOR_FAILURE = "aerator_failure"  # told to run, does not
    POWER_CUT = "power_cut"  # mains off at a site; a box without battery dies
    WRONG_BYTE = "wrong_byte"  # share of answers with one byte changed
    SLOW_UNIT = "slow_unit"  # seconds until it answers
    SILENT_UNIT = "silent_unit"  # no answer at all
    DUPLICATE_FRAMES = "duplicate_frames"  # share of frames sent twice
    CLOCK_SKEW = "clock_skew"  # seconds that the box's clock is wrong by
    MODEM_OUTAGE = "modem_outage"  # no network at the box


SIGNAL: Final = frozenset(
    {
        FaultKind.DRIFT,
        FaultKind.STUCK,
        FaultKind.SPIKES,
        FaultKind.DROPOUT,
        FaultKind.OUT_OF_WATER,
        FaultKind.FOULING,
    }
)
POSITION: Final = frozenset({FaultKind.GPS_VOID, FaultKind.GPS_JUMP})
WORLD: Final = frozenset({FaultKind.AERATOR_FAILURE, FaultKind.POWER_CUT})
WIRE: Final = frozenset(
    {
        FaultKind.WRONG_BYTE,
        FaultKind.SLOW_UNIT,
        FaultKind.SILENT_UNIT,
        FaultKind.DUPLICATE_FRAMES,
    }
)
PROCESS: Final = frozenset({FaultKind.CLOCK_SKEW, FaultKind.MODEM_OUTAGE})
WITHOUT_AMOUNT: Final = WORLD | {
    FaultKind.STUCK,
    FaultKind.OUT_OF_WATER,
    FaultKind.GPS_VOID,
    FaultKind.SILENT_UNIT,
    FaultKind.MODEM_OUTAGE,
}


class FaultSpec(Struct, frozen=True, forbid_unknown_fields=True):
    """One fault in a scenario, from one of its hours until another.

    ``device`` and ``probe`` say where; ``channel`` narrows a signal fault to one
    channel; ``site`` is for the mains, ``aerator`` for a failing one.
    """

    kind: FaultKind
    from_h: float
    to_h: float
    device: str | None = None
    probe: str | None = None
    channel: Channel | None = None
    site: str | None = None
    aerator: str | None = None
    amount: float = 0.0
    every_s: float = 60.0

    def misfits(
        self, probes: set[tuple[str, str]], *, sites: set[str], aerators: set[str]
    ) -> Iterator[str]:
        """Say what this fault names that is not there."""
        what = f"fault {self.kind} from {self.from_h} h"
        if not 0 <= self.from_h < self.to_h:
            yield f"{what}: to_h {self.to_h} does not follow"
        if self.amount == 0 and self.kind not in WITHOUT_AMOUNT:
            yield f"{what}: amount is missing"
        if self.every_s <= 0:
            yield f"{what}: every_s {self.every_s} is not above 0"
        yield from self._strangers(what, probes, sites, aerators)

    def _strangers(
        self,
        what: str,
        probes: set[tuple[str, str]],
        sites: set[str],
        aerators: set[str],
    ) -> Iterator[str]:
        if self.kind is FaultKind.AERATOR_FAILURE:
            is_there, named = self.aerator in aerators, f"aerator {self.aerator!r}"
        elif self.kind is FaultKind.POWER_CUT:
            is_there, named = self.site in sites, f"site {self.site!r}"
        elif self.kind in PROCESS:
            is_there = any(device == self.device for device, _ in probes)
            named = f"device {self.device!r}"
        else:
            is_there = (self.device, self.probe) in probes
            named = f"probe {self.probe!r} of device {self.device!r}"
        if not is_there:
            whose = self.kind in WORLD or self.device is not None
            yield (
                f"{what}: there is no {named}"
                if whose
                else f"{what}: device is missing"
            )
