"""When the demo begins: shortly before a pond goes wrong, on whatever day it is.

How low the oxygen falls at night, and how early, follows from the season's sun and
temperature. So the night is played in advance, which takes a second.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Final, NamedTuple

from firmware_sim.run import ScenarioRun
from firmware_sim.scenarios import Scenario
from greenwater.kernel.channels import Channel
from greenwater.kernel.clock import VIETNAM, ManualClock
from greenwater.reference.limits import species_limits

EARLIER: Final = timedelta(minutes=25)
"""Of the demo's time: half a minute to look around before the number turns."""

DUSK: Final = timedelta(hours=18)
DAWN: Final = timedelta(hours=30)
USUAL: Final = timedelta(hours=24, minutes=30)
EVERY_S: Final = 600.0


class Tonight(NamedTuple):
    """When the scenario began, and when the demo begins."""

    began: datetime
    opens: datetime


def tonight(scenario: Scenario, now: datetime) -> Tonight:
    """Return when a scenario of two nights plays, so that the second is this one's.

    It begins at midnight a day before. The demo begins ``EARLIER`` than its water first
    stays below the limit of alarms that night; in a night without that, after midnight.
    """
    here = now.astimezone(VIETNAM)
    midnight = here.replace(hour=0, minute=0, second=0, microsecond=0)
    began = (midnight - timedelta(days=1)).astimezone(now.tzinfo)
    moved = scenario.starting(began)
    for (_, first), (at, second) in pairwise(_lowest(moved, began)):
        if at >= began + DUSK and first < 0 and second < 0:
            return Tonight(began, at - timedelta(seconds=EVERY_S) - EARLIER)
    return Tonight(began, began + USUAL)


def _lowest(scenario: Scenario, began: datetime) -> Iterator[tuple[datetime, float]]:
    """Yield by time how far the lowest oxygen in any unit is above its limit."""
    limits = {}
    for site in scenario.sites:
        for unit in site.units:
            known = species_limits(unit.species, Channel.DISSOLVED_OXYGEN)
            if known and known.warn and known.warn.low is not None:
                limits[unit.id] = known.warn.low
    of_probe = {
        (device.id, probe.id): limits[probe.unit]
        for device in scenario.devices
        for probe in device.probes
        if probe.unit in limits
    }
    run = ScenarioRun(scenario, ManualClock(began + DAWN))
    found: dict[int, float] = {}
    start_s = began.timestamp()
    for row in run.history(start_s, start_s + DAWN.total_seconds(), EVERY_S):
        value = row.values.get(Channel.DISSOLVED_OXYGEN)
        limit = of_probe.get((row.device, row.probe))
        if value is not None and limit is not None:
            above = value - limit
            found[row.taken_ms] = min(above, found.get(row.taken_ms, above))
    for taken_ms, above in sorted(found.items()):
        yield began + timedelta(milliseconds=taken_ms - start_s * 1000), above
