"""What two probes side by side said in a stretch that came in late."""

from collections.abc import Collection, Sequence

import pytest

from analytics.pastalarms import Stretch, find_alarms_again
from greenwater.kernel.reading import Reading
from greenwater.storage.registry.alarms import Alarm
from greenwater.storage.registry.watching import Pass
from greenwater.storage.telemetry.ports import Span
from tests.unit.ponds import BOX, HOUR, T0, Story, hung, oxygen, places
from tests.unit.test_alarm_conditions import an_episode

WHERE = places(hung("top"), hung("beside", depth_m=0.6))


class Stores:
    """Both databases: the readings of the stretch, and the alarms that are known."""

    def __init__(self, readings: Sequence[Reading], known: Sequence[Alarm]) -> None:
        self.readings, self.known = readings, known
        self.kept: list[Alarm] = []

    def read_many(self, spans: Sequence[Span]) -> Sequence[Reading]:
        return [
            one
            for (_, probe), start_ms, end_ms in spans
            for one in self.readings
            if one.probe == probe and start_ms <= one.taken_ms < end_ms
        ]

    def alarms_about(
        self, conditions: Collection[str], from_ms: int, to_ms: int
    ) -> Sequence[Alarm]:
        return [one for one in self.known if one.condition in conditions]

    def save_pass(self, done: Pass) -> None:
        self.kept += done.alarms


def blamed(*, is_alone: bool) -> Alarm:
    """Return the alarm that has stood all the time: this probe is fouled."""
    story = Story(WHERE)
    claim = an_episode(story, T0 - HOUR, is_alone=is_alone)
    story.watch.claim([claim], story.places)
    return story.settle().only


@pytest.mark.parametrize(
    ("is_alone", "told"), [(False, []), (True, ["warn"])], ids=["another", "itself"]
)
def test_a_probe_that_was_known_to_be_fouled_is_not_believed_in_the_past_either(
    is_alone: bool, told: list[str]
) -> None:
    readings = oxygen(*[6.0] * 40, probe="beside") + oxygen(*[1.0] * 12, *[6.0] * 28)
    stores = Stores(readings, [blamed(is_alone=is_alone)])
    stretch = Stretch(BOX, T0, T0 + 3 * HOUR)
    find_alarms_again(stores, stores, WHERE, [stretch], T0 + 5 * HOUR)  # type: ignore[arg-type]
    assert [one.severity for one in stores.kept] == told
