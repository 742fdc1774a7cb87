"""Merging against a plain dict: any history of groups counts and stores the same."""

from collections.abc import Iterable, Mapping, Sequence

from hypothesis import given
from hypothesis import strategies as st

from greenwater.kernel.channels import Channel
from greenwater.kernel.ids import DeviceId, ProbeId
from greenwater.kernel.reading import Reading
from greenwater.storage.telemetry.ports import Series, Span
from ingest.merge import Identity, Merger, identity

readings = st.builds(
    Reading,
    st.just(DeviceId("box-1")),
    st.sampled_from([ProbeId("a"), ProbeId("b")]),
    st.sampled_from([Channel.PH, Channel.TEMPERATURE]),
    st.integers(0, 6),
    st.sampled_from([None, 0.0, 1.0, 2.0]),
)
groups = st.lists(
    st.lists(st.lists(readings, max_size=6), max_size=3), min_size=1, max_size=5
)


class DictStore:
    """What the telemetry port promises, as a dict; counts the questions asked."""

    def __init__(self) -> None:
        self.values: dict[Identity, Reading] = {}
        self.asked = 0

    def newest(self, series: Sequence[Series]) -> Mapping[Series, int]:
        found: dict[Series, int] = {}
        for one in self.values.values():
            key = Series(one.device, one.probe)
            if key in series:
                found[key] = max(found.get(key, 0), one.taken_ms)
        return found

    def read_many(self, spans: Sequence[Span]) -> Iterable[Reading]:
        self.asked += 1
        return [
            one
            for one in self.values.values()
            for span in spans
            if span.series == (one.device, one.probe)
            and span.start_ms <= one.taken_ms < span.end_ms
        ]

    def write(self, batch: Iterable[Reading]) -> None:
        for one in batch:
            self.values[identity(one)] = one


@given(history=groups, series_kept=st.sampled_from([0, 1, 100]))
def test_any_history_counts_and_stores_what_a_dict_would(
    history: list[list[list[Reading]]], series_kept: int
) -> None:
    store = DictStore()
    merger = Merger(store.newest, store.read_many, series_kept=series_kept)
    model: dict[Identity, float | None] = {}
    for group in history:
        merged = merger.merge(group)
        for batch, one in zip(group, merged, strict=True):
            repeated, replaced = 0, []
            fresh: set[Identity] = set()
            for reading in batch:
                key = identity(reading)
                if key in model and model[key] == reading.value:
                    repeated += 1
                    continue
                if key in model:
                    replaced.append(model[key])
                    repeated += key in fresh
                fresh.add(key)
                model[key] = reading.value
            assert len(one.stored) + one.repeated == len(batch)
            assert one.repeated == repeated
            assert [old.value for old in one.replaced] == replaced
            store.write(one.stored)
            merger.stored(one)
        assert {key: r.value for key, r in store.values.items()} == model


def test_a_box_that_names_ever_new_probes_does_not_fill_the_memory() -> None:
    store, counted = DictStore(), 0

    def newest(series: Sequence[Series]) -> Mapping[Series, int]:
        nonlocal counted
        counted += len(series)
        return store.newest(series)

    merger = Merger(newest, store.read_many, series_kept=10)
    for number in range(100):
        probe = ProbeId(f"p{number % 20}")
        (one,) = merger.merge([[Reading(DeviceId("b"), probe, Channel.PH, 1, 7.0)]])
        store.write(one.stored)
        merger.stored(one)
    assert counted == 100, "each was forgotten before it came again"


def test_live_data_in_order_never_asks_what_is_stored() -> None:
    store = DictStore()
    merger = Merger(store.newest, store.read_many)
    for taken_ms in range(1, 50):
        batch = [
            Reading(DeviceId("box-1"), ProbeId("a"), Channel.PH, taken_ms, 7.0),
            Reading(
                DeviceId("box-1"), ProbeId("a"), Channel.TEMPERATURE, taken_ms, 7.0
            ),
        ]
        (one,) = merger.merge([batch])
        assert one.stored == batch
        store.write(one.stored)
        merger.stored(one)
    assert store.asked == 0


def test_a_worker_that_shares_always_asks() -> None:
    store = DictStore()
    merger = Merger(store.newest, store.read_many, always_ask=True)
    merger.merge([[Reading(DeviceId("box-1"), ProbeId("a"), Channel.PH, 1, 7.0)]])
    assert store.asked == 1
