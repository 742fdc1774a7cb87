"""Any history of writes leaves every store equal to a plain dict."""

import itertools
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from greenwater.kernel.channels import SPECS, Channel, Measurement
from greenwater.kernel.ids import DeviceId, ProbeId
from greenwater.kernel.reading import ClockQuality, Reading
from greenwater.storage.telemetry import open_telemetry
from greenwater.storage.telemetry.ports import Series, Span, Telemetry
from tests.examples import examples

T0 = 1_764_000_000_000
CHANNELS = [
    Channel.TEMPERATURE,
    Channel.DISSOLVED_OXYGEN,
    Channel.LATITUDE,
    Channel.BATTERY,
]
NUMBERS = itertools.count()

Write = tuple[str, Channel, int, float | None, ClockQuality | None, bool | None]

values = st.none() | st.sampled_from([0.0, -0.0, 1.5, 2.5]) | st.floats(-3.4e38, 3.4e38)
clocks = st.none() | st.sampled_from(ClockQuality)
writes = st.tuples(
    st.sampled_from(["p", "p.2"]),
    st.sampled_from(CHANNELS),
    st.integers(0, 3),
    values,
    clocks,
    st.none() | st.booleans(),
)
histories = st.lists(
    st.tuples(st.booleans(), st.lists(writes, min_size=1, max_size=12)),
    min_size=1,
    max_size=6,
)


class Model:
    """What a store promises, as dicts."""

    def __init__(self) -> None:
        self.values: dict[tuple[Series, Channel, int], float | None] = {}
        self.compensated: dict[tuple[Series, Channel, int], bool] = {}
        self.clocks: dict[tuple[Series, Measurement, int], ClockQuality] = {}

    def write(self, readings: list[Reading]) -> None:
        for one in readings:
            series = Series(one.device, one.probe)
            key = (series, one.channel, one.taken_ms)
            self.values[key] = one.value
            if one.is_compensated is not None:
                self.compensated[key] = one.is_compensated
            if one.clock is not None:
                measurement = SPECS[one.channel].measurement
                self.clocks[series, measurement, one.taken_ms] = one.clock

    def readings(self, series: Series) -> list[Reading]:
        order = list(Channel)
        keys = [key for key in self.values if key[0] == series]
        keys.sort(key=lambda key: (key[2], order.index(key[1])))
        return [
            Reading(
                *series,
                channel,
                at,
                self.values[series, channel, at],
                self.clocks.get((series, SPECS[channel].measurement, at)),
                self.compensated.get((series, channel, at)),
            )
            for _, channel, at in keys
        ]


@pytest.fixture(
    scope="module",
    params=["sqlite", pytest.param("influx", marks=pytest.mark.live)],
)
def stores(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[list[Telemetry]]:
    """Two openings of one store, as two processes would have."""
    folder: Path = tmp_path_factory.mktemp("model")
    with ExitStack() as stack:
        if request.param == "sqlite":
            url = f"sqlite:///{folder}/t.db"
        else:
            influx = request.getfixturevalue("influx")
            url = influx.url("model")
        opened = [open_telemetry(url), open_telemetry(url)]
        for store in opened:
            stack.callback(store.close)
        yield opened


@settings(max_examples=examples(40))
@given(history=histories)
def test_any_history_of_writes_leaves_the_store_equal_to_a_dict(
    stores: list[Telemetry],
    history: list[tuple[bool, list[Write]]],
) -> None:
    device = DeviceId(f"box-{next(NUMBERS)}")
    both = [Series(device, ProbeId(probe)) for probe in ("p", "p.2")]
    model = Model()
    for turn, (is_replacing, batch) in enumerate(history):
        readings = [
            Reading(device, ProbeId(probe), channel, T0 + at, value, clock, compensated)
            for probe, channel, at, value, clock, compensated in batch
        ]
        store = stores[turn % 2]
        (store.replace if is_replacing else store.write)(readings)
        model.write(readings)
    for store in stores:
        assert_equal(store, model, both)


def assert_equal(store: Telemetry, model: Model, both: list[Series]) -> None:
    newest = {}
    latest: dict[tuple[ProbeId, Channel], Reading] = {}
    for series in both:
        readings = model.readings(series)
        assert list(store.read(Span(series, T0, T0 + 10))) == readings
        if readings:
            newest[series] = readings[-1].taken_ms
        latest |= {(one.probe, one.channel): one for one in readings}
        for channel in CHANNELS:
            assert_buckets(store, series, channel, readings)
    bare = {
        (one.probe, one.channel, one.taken_ms): one.value
        for series in both
        for one in model.readings(series)
    }
    found = store.read_many([Span(series, T0, T0 + 10) for series in both])
    assert len(found) == len(bare)
    assert {(one.probe, one.channel, one.taken_ms): one.value for one in found} == bare
    assert store.newest(both) == newest
    now = store.latest(both[0].device)
    assert {(one.probe, one.channel): one for one in now} == latest


def assert_buckets(
    store: Telemetry, series: Series, channel: Channel, readings: list[Reading]
) -> None:
    every_ms = 2
    numbers: dict[int, list[float]] = {}
    for one in readings:
        if one.channel is channel and one.value is not None:
            start = one.taken_ms - one.taken_ms % every_ms
            numbers.setdefault(start, []).append(one.value)
    buckets = store.downsample(Span(series, T0, T0 + 10), channel, every_ms)
    assert [(b.start_ms, b.number, b.minimum, b.maximum) for b in buckets] == [
        (start, len(some), min(some), max(some)) for start, some in numbers.items()
    ]
