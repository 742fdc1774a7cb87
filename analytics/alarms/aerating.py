"""Whether a unit's aerators run, told in the history of its open alarms. Pure.

Proof is the motor's current, not the order: an order is a line of its own.
"""

from analytics.alarms import life
from analytics.alarms.standing import Standing
from analytics.alarms.tracked import Turning, Watched, is_news
from analytics.places import Place
from greenwater.kernel.reading import Reading
from greenwater.reference.aerators import is_running


def turned(
    standing: Standing,
    watched: Watched,
    reading: Reading,
    place: Place,
    recorded_ms: int,
) -> None:
    """Note a motor's current; where it began or ceased to run, open alarms tell."""
    before = watched.aerators.get(reading.probe)
    if reading.value is None or (
        before is not None
        and not is_news(reading.taken_ms, before.taken_ms, recorded_ms)
    ):
        return
    now = Turning(reading.taken_ms, is_running(reading.value))
    watched.aerators[reading.probe] = now
    standing.changes.devices.add(reading.device)
    if before is None or before.is_running is now.is_running:
        return
    for alarm in standing:
        if alarm.unit == place.unit and alarm.is_active:
            standing.keep(
                life.aerated(alarm, reading.probe, now.is_running, now.taken_ms)
            )
