"""A recording of one probe through the watch: which alarms it would have raised. Pure."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Final

from msgspec import Struct

from analytics.alarms.levels import LimitsOf
from analytics.alarms.watch import Watch
from analytics.places import Places
from greenwater.kernel.channels import Channel
from greenwater.kernel.ids import DeviceId, DeviceState, ProbeId
from greenwater.kernel.reading import HOUR_MS, Reading
from greenwater.reference.limits import species_limits
from greenwater.reference.own_limits import OwnLimits
from greenwater.storage.registry.alarms import Alarm
from greenwater.storage.registry.devices import Deployed, DeviceInfo
from greenwater.storage.registry.places import SiteInfo, SiteKind, UnitInfo, UnitKind

UNIT: Final = "unit"
DEVICE: Final = DeviceId("box")
PROBE: Final = ProbeId("probe")
LAG_MS: Final = 1_000
CHATTER_MS: Final = HOUR_MS
CHATTER_TIMES: Final = 3

Row = tuple[int, Mapping[Channel, float | None]]
"""An instant, and what was measured then."""


class Replayed(Struct):
    """What came of a recording.

    ``raises`` are the instants at which each condition was raised, or came again,
    ``worse`` those at which one grew critical; ``told`` counts the calls that people
    would have had.
    """

    alarms: dict[str, Alarm] = {}
    raises: dict[str, list[int]] = {}
    worse: list[tuple[str, int]] = []
    told: int = 0

    def chattering(self) -> int:
        """Return how often a condition came three times within an hour."""
        last = CHATTER_TIMES - 1
        return sum(
            late - early <= CHATTER_MS
            for times in self.raises.values()
            for early, late in zip(times, times[last:], strict=False)
        )


def a_place(species: str | None, limits: tuple[OwnLimits, ...] = ()) -> Places:
    """Return one probe in one unit where a species lives, with its own limits."""
    unit = UnitInfo(
        id=UNIT,
        site="site",
        raft=None,
        name=UNIT,
        kind=UnitKind.POND,
        species=species,
        area_m2=None,
        depth_m=None,
        limits=limits,
    )
    site = SiteInfo("site", "owner", "site", SiteKind.FARM, None, None, None)
    box = DeviceInfo(
        DEVICE, "box", "owner", "site", DeviceState.ACTIVE, False, "", "", "site",
        None, 0, None,
    )  # fmt: skip
    hung = Deployed(DEVICE, PROBE, UNIT, None, 0.5, -(2**62), None)
    return Places([hung], [unit], [site], [box])


def replayed(
    rows: Iterable[Row],
    *,
    species: str | None,
    believes: Callable[[Reading], bool],
    limits_of: LimitsOf = species_limits,
) -> Replayed:
    """Return the alarms of a recording read as if it came in live, in order of time.

    ``believes`` says which readings alarms may look at (``flagging.is_believable``).

    Silence is not judged: a recording does not say when it was sent.
    """
    places, watch, found = (
        a_place(species),
        Watch({}, (), limits_of=limits_of),
        Replayed(),
    )
    for at_ms, values in rows:
        readings = [one for one in _readings(at_ms, values) if believes(one)]
        watch.take(readings, at_ms + LAG_MS, places)
        watch.tick(at_ms + LAG_MS, 0, places, is_up_to_date=False)
        _kept(found, watch)
    return found


def _readings(at_ms: int, values: Mapping[Channel, float | None]) -> Iterator[Reading]:
    for channel in sorted(values):
        yield Reading(DEVICE, PROBE, channel, at_ms, values[channel])


def _kept(found: Replayed, watch: Watch) -> None:
    changes = watch.taken()
    found.alarms.update(changes.alarms)
    found.told += len(changes.calls)
    for step in changes.steps:
        condition = changes.alarms[step.alarm].condition
        if step.kind == "escalated":
            found.worse.append((condition, step.at_ms))
        elif step.kind in ("raised", "again"):
            found.raises.setdefault(condition, []).append(step.at_ms)
