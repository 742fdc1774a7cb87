"""Derived readings beside a store that will not have them."""

from collections.abc import Iterator, Sequence
from typing import Any, cast

from structlog.testing import capture_logs

from analytics.deriving import Deriving
from analytics.ports import Telemetry
from greenwater.kernel.channels import Channel
from greenwater.kernel.errors import InputError
from greenwater.kernel.ids import ProbeId
from greenwater.kernel.reading import Reading
from tests.unit.ponds import BOX, T0, hung, places

WATER = {
    Channel.TEMPERATURE: 28.0,
    Channel.PH: 8.2,
    Channel.SALINITY: 15.0,
    Channel.AMMONIA_TOTAL: 1.0,
}


class Store:
    """A store without a past, that refuses what it is given or takes it."""

    def __init__(self, *, refuses: bool) -> None:
        self._refuses = refuses
        self.taken: list[Reading] = []

    def read(self, *_: Any) -> Iterator[Reading]:
        return iter(())

    def write(self, readings: Sequence[Reading]) -> None:
        if self._refuses:
            raise InputError("points beyond retention policy dropped=1")
        self.taken += readings


def derived(store: Store) -> list[Reading]:
    readings = [Reading(BOX, ProbeId("p"), one, T0, v) for one, v in WATER.items()]
    return Deriving(cast(Telemetry, store), {}).take(readings, places(hung("p")))


def test_what_is_derived_is_stored_and_handed_on() -> None:
    store = Store(refuses=False)
    found = derived(store)
    assert [one.channel for one in found] == [Channel.AMMONIA_UNIONISED]
    assert store.taken == found


def test_a_refusal_is_told_and_ends_nothing() -> None:
    with capture_logs() as said:
        assert derived(Store(refuses=True)) == []
    assert [one["event"] for one in said] == ["telemetry.finding_refused"]
