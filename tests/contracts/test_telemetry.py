"""What every telemetry store promises, on each store: the port's docstrings as tests."""

import contextlib
import itertools
import math
import random
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

import msgspec
import pytest

from greenwater.kernel.channels import Channel, Measurement
from greenwater.kernel.errors import InputError
from greenwater.kernel.findings import Episode, EpisodeKind, Forecast, Outlook
from greenwater.kernel.ids import DeviceId, ProbeId, WorkerId, parse_device, parse_probe
from greenwater.kernel.quality import Flag, Flagged
from greenwater.kernel.reading import LARGEST, ClockQuality, Gap, Reading
from greenwater.storage.telemetry import open_telemetry
from greenwater.storage.telemetry.ports import Intake, Series, Span, Telemetry
from tests.live.scripted_influx import ScriptedInflux, running
from tests.servers import Influx

T0 = 1_764_000_000_000
HOUR = 3_600_000
DAY = 24 * HOUR
BOX = DeviceId("box-1")
POND = Series(BOX, ProbeId("pond.1_a-x"))
ALWAYS = Span(POND, 0, 2**62)
T, PH, DO = Channel.TEMPERATURE, Channel.PH, Channel.DISSOLVED_OXYGEN

NUMBERS = itertools.count()

Opener = Callable[[], Telemetry]


STORES = [
    "sqlite",
    pytest.param("influx-1", marks=pytest.mark.live),
    pytest.param("influx-2", marks=pytest.mark.live),
]


@pytest.fixture(params=STORES)
def opener(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Opener]:
    """Opens one empty store, as often as asked, as another process would.

    ``influx-2`` is the strict scripted server in front of the real 1.x one: the requests
    of the second generation, held against the same promises.
    """
    opened: list[Telemetry] = []
    with contextlib.ExitStack() as stack:
        if request.param == "sqlite":
            url = f"sqlite:///{tmp_path}/telemetry.db"
        else:
            url = request.getfixturevalue("influx_url")
        if request.param == "influx-2":
            open_telemetry(url).close()
            address = urlsplit(url)
            scripted = ScriptedInflux(
                upstream=f"http://{address.netloc}", database=address.path[1:]
            )
            url = stack.enter_context(running(scripted)).url

        def open_one() -> Telemetry:
            opened.append(open_telemetry(url))
            stack.callback(opened[-1].close)
            return opened[-1]

        yield open_one


@pytest.fixture
def influx_url(influx: Influx) -> str:
    return influx.url(f"contract{next(NUMBERS)}")


@pytest.fixture
def store(opener: Opener) -> Telemetry:
    return opener()


def reading(
    channel: Channel, taken_ms: int, value: float | None, series: Series = POND
) -> Reading:
    return Reading(series.device, series.probe, channel, taken_ms, value)


def in_order(readings: Sequence[Reading]) -> list[Reading]:
    channels = list(Channel)
    return sorted(readings, key=lambda r: (r.taken_ms, channels.index(r.channel)))


def intake(worker: str, sequence: int, recorded_ms: int | None = None) -> Intake:
    return Intake(
        WorkerId(worker),
        sequence,
        BOX,
        "0123456789abcdef",
        sequence * 7,
        digest=-(2**63) + sequence,
        stored=1,
        repeated=2,
        overwritten=3,
        quarantined=4,
        min_ms=T0,
        max_ms=T0 + sequence,
        recorded_ms=T0 + sequence if recorded_ms is None else recorded_ms,
    )


def test_what_was_written_is_read_in_time_order_with_channels_in_order(
    store: Telemetry,
) -> None:
    readings = [reading(c, T0 + at, at + 0.5) for at in (3, 1, 2) for c in Channel]
    store.write(readings[::-1])
    assert list(store.read(ALWAYS)) == in_order(readings)


def test_a_written_reading_is_visible_to_every_later_read_of_another_process(
    opener: Opener,
) -> None:
    one, other = opener(), opener()
    for at in range(20):
        one.write([reading(T, T0 + at, float(at))])
        assert len(list(other.read(ALWAYS))) == at + 1
        assert other.newest([POND]) == {POND: T0 + at}


def test_writing_the_same_reading_again_changes_nothing(store: Telemetry) -> None:
    readings = [reading(T, T0, 1.5), reading(PH, T0, None)]
    store.write(readings)
    store.write(readings)
    assert list(store.read(ALWAYS)) == readings


VALUES = [1.5, None, 2.5, 1.5, None, None, 1.5, 2.5, 2.5, None]


def test_the_last_write_wins_bad_answers_included(store: Telemetry) -> None:
    for value in VALUES:
        store.write([reading(T, T0, value)])
        assert [r.value for r in store.read(ALWAYS)] == [value]
        assert [r.value for r in store.read_many([ALWAYS])] == [value]
        assert [r.value for r in store.latest(BOX)] == [value]


def test_the_last_write_wins_whichever_process_wrote_before(opener: Opener) -> None:
    stores = [opener(), opener()]
    for at, value in enumerate(VALUES):
        stores[at % 2].write([reading(T, T0, value)])
        assert [r.value for r in stores[0].read(ALWAYS)] == [value]


def test_the_last_of_one_call_wins(store: Telemetry) -> None:
    for values in ([1.5, None], [None, 2.5], [2.5, 1.5, None], [None, 2.5, 1.5]):
        twins = [reading(T, T0, value) for value in values]
        others = [reading(PH, T0 + 1, 7.0)] * len(twins)
        store.write([r for pair in zip(twins, others, strict=True) for r in pair])
        assert [r.value for r in store.read(ALWAYS, [T])] == [values[-1]]


def test_replacing_is_writing(store: Telemetry) -> None:
    for value in VALUES:
        store.replace([reading(T, T0, value), reading(PH, T0, 7.0)])
        assert [r.value for r in store.read(ALWAYS)] == [value, 7.0]


def test_other_channels_of_the_instant_are_left_alone(store: Telemetry) -> None:
    store.write([reading(T, T0, 20.0), reading(PH, T0, 7.0)])
    store.write([reading(PH, T0, None)])
    store.write([reading(DO, T0, 5.0)])
    assert {r.channel: r.value for r in store.read(ALWAYS)} == {
        T: 20.0,
        PH: None,
        DO: 5.0,
    }


@pytest.mark.parametrize(
    "value",
    [0.0, -0.0, 1e-310, 5e-324, 0.1 + 0.2, -273.15, 1e22, LARGEST, 123456789.123456789],
)
def test_a_value_comes_back_to_the_last_bit(store: Telemetry, value: float) -> None:
    store.write([reading(T, T0, value)])
    assert [r.value for r in store.read(ALWAYS)] == [value]


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 1e308, -1e300])
def test_a_value_that_no_probe_can_say_is_refused(
    store: Telemetry, value: float
) -> None:
    with pytest.raises(InputError, match=r"temperature of box-1/pond\.1_a-x at 1764"):
        store.write(
            [reading(PH, T0, 7.0), reading(T, T0, value), reading(T, 9, -value)]
        )


def test_the_largest_values_are_summed_up_like_others(store: Telemetry) -> None:
    """An InfluxDB whose sum is infinite answers nothing at all, of any probe."""
    store.write([reading(T, T0 + n, LARGEST) for n in range(100)])
    (one,) = store.downsample(Span(POND, T0, T0 + 3600_000), T, 3600_000)
    assert (one.number, one.minimum, one.maximum) == (100, LARGEST, LARGEST)
    assert one.mean == pytest.approx(LARGEST)


def test_clock_and_compensation_come_back_and_stay_until_others_are_given(
    store: Telemetry,
) -> None:
    full = Reading(*POND, DO, T0, 5.0, ClockQuality.GPS, True)
    store.write([full])
    assert list(store.read(ALWAYS)) == [full]
    store.write([reading(DO, T0, 6.0)])
    assert list(store.read(ALWAYS)) == [
        Reading(*POND, DO, T0, 6.0, ClockQuality.GPS, True)
    ]
    other = Reading(*POND, DO, T0, 6.0, ClockQuality.RETIMED, False)
    store.write([other])
    assert list(store.read(ALWAYS)) == [other]
    assert list(store.latest(BOX)) == [other]


def test_oxygen_told_as_of_fresh_water_is_told_apart(store: Telemetry) -> None:
    """Among other readings, by a question of many too, and once readings are roll-ups."""

    def oxygen(at_ms: int, value: float | None, told: bool | None) -> Reading:
        return Reading(*POND, DO, at_ms, value, None, told)

    def fresh(of: Span = ALWAYS) -> list[tuple[int, int, float]]:
        found = store.uncompensated(of, HOUR)
        return [(one.start_ms, one.number, one.mean) for one in found]

    hour = T0 - T0 % HOUR
    assert fresh() == []
    readings = [
        oxygen(hour + 1, 6.0, False),
        oxygen(hour + 2, 8.0, False),
        oxygen(hour + 3, 5.0, True),
        oxygen(hour + 4, 4.0, None),
        oxygen(hour + 5, None, False),
        oxygen(hour + HOUR, 3.0, True),
        oxygen(hour + 2 * HOUR, 7.0, False),
    ]
    store.write([*readings, reading(T, hour + 1, 28.0)])
    store.write([oxygen(hour + 1, 6.0, None)])  # None says nothing of it
    assert fresh() == [(hour, 2, 7.0), (hour + 2 * HOUR, 1, 7.0)]
    assert fresh(Span(POND, hour + 2, hour + HOUR)) == [(hour, 1, 8.0)]
    found = {
        one.taken_ms: one for one in store.read_many([ALWAYS]) if one.channel is DO
    }
    assert [found[one.taken_ms].is_compensated for one in readings] == [
        one.is_compensated for one in readings
    ]
    store.retain(
        Measurement.WATER, hour + 2 * HOUR
    )  # what is kept says it of what went
    assert [one[:2] for one in fresh()] == [
        (hour, 4),
        (hour + HOUR, 1),
        (hour + 2 * HOUR, 1),
    ]
    store.write([oxygen(hour + 2 * HOUR, 7.0, True)])
    assert fresh() == []


@pytest.mark.parametrize("clock", list(ClockQuality))
def test_an_instant_shares_its_clock(store: Telemetry, clock: ClockQuality) -> None:
    store.write([reading(T, T0, 20.0), Reading(*POND, PH, T0, 7.0, clock)])
    store.write([reading(T, T0 + 1, 20.0), reading(Channel.BATTERY, T0, 12.0)])
    assert [(r.channel, r.taken_ms - T0, r.clock) for r in store.read(ALWAYS)] == [
        (T, 0, clock),
        (PH, 0, clock),
        (Channel.BATTERY, 0, None),
        (T, 1, None),
    ]


def test_a_span_has_its_start_and_not_its_end(store: Telemetry) -> None:
    store.write([reading(T, T0 + at, float(at)) for at in range(5)])
    assert [r.value for r in store.read(Span(POND, T0 + 1, T0 + 3))] == [1.0, 2.0]
    assert list(store.read(Span(POND, T0 + 3, T0 + 3))) == []
    assert list(store.read(Span(POND, T0 + 3, T0 + 1))) == []


def test_only_the_channels_asked_for_are_read(store: Telemetry) -> None:
    store.write([reading(c, T0, 1.0) for c in Channel])
    asked = [PH, Channel.LATITUDE]
    assert [r.channel for r in store.read(ALWAYS, asked)] == asked
    assert list(store.read(ALWAYS, [])) == []


def test_a_long_span_is_read_whole_across_pages(store: Telemetry) -> None:
    readings = [
        reading(channel, T0 + at, float(at))
        for at in range(0, 24_000, 2)
        for channel in (T, PH, Channel.BATTERY)
        if channel is not Channel.BATTERY or at % 3 == 0
    ]
    for start in range(0, len(readings), 5_000):
        store.write(readings[start : start + 5_000])
    assert list(store.read(ALWAYS)) == readings


def test_a_reader_does_not_stand_in_a_writers_way(store: Telemetry) -> None:
    store.write([reading(T, T0 + at, float(at)) for at in range(12_000)])
    reader = store.read(ALWAYS)
    first = next(reader)
    store.write([reading(T, T0 + 12_000, 1.0)])
    store.write([reading(T, first.taken_ms, -1.0)])
    assert sum(1 for _ in reader) >= 11_999


def test_series_do_not_mix(store: Telemetry) -> None:
    others = [
        Series(DeviceId("box-11"), POND.probe),
        Series(BOX, ProbeId("pond.1_a-xx")),
        Series(BOX, ProbeId("p")),
    ]
    for at, series in enumerate([POND, *others]):
        store.write([reading(T, T0, float(at), series)])
    for at, series in enumerate([POND, *others]):
        assert [r.value for r in store.read(ALWAYS._replace(series=series))] == [at]
    assert store.series() == sorted([POND, *others])


AWKWARD = [
    ("a--", "0"),
    ("000", "9."),
    ("x" + "-" * 63, "p" * 64),
    ("select-from", "0_.-_.-"),
    ("1-e-5", "1.5"),
    ("abc", "device"),
    ("true", "false"),
    ("now--7", "time"),
]


def test_awkward_names_that_ids_allow_are_kept_apart(store: Telemetry) -> None:
    series = [Series(parse_device(d), parse_probe(p)) for d, p in AWKWARD]
    store.write(
        [reading(T, T0, float(at), one) for at, one in enumerate(series)],
        [Gap(*one, T0, T0 + 1, at, "thinned") for at, one in enumerate(series)],
    )
    assert store.series() == sorted(series)
    assert store.newest(series) == dict.fromkeys(series, T0)
    found = store.read_many([Span(one, T0, T0 + 1) for one in series])
    assert {Series(r.device, r.probe): r.value for r in found} == {
        one: float(at) for at, one in enumerate(series)
    }
    for at, one in enumerate(series):
        assert [r.value for r in store.latest(one.device)] == [at]
        assert [g.count for g in store.gaps(Span(one, T0, T0 + 1))] == [at]


def test_many_spans_are_answered_in_one_call_each_reading_once(
    store: Telemetry,
) -> None:
    series = [Series(DeviceId(f"box-{n}"), ProbeId(f"p{n % 3}")) for n in range(300)]
    store.write(
        [
            reading(T, T0 + at, at + n, one)
            for n, one in enumerate(series)
            for at in (0, 9)
        ]
    )
    spans = [Span(one, T0 + 5, T0 + 10) for one in series]
    spans += [Span(one, T0 + 8, T0 + 12) for one in series[:50]]
    found = store.read_many(spans)
    assert sorted(found, key=lambda r: r.device) == sorted(
        [reading(T, T0 + 9, 9 + n, one) for n, one in enumerate(series)],
        key=lambda r: r.device,
    )
    assert store.read_many([]) == []


def test_spans_years_apart_are_answered_exactly(store: Telemetry) -> None:
    times = [T0 - 400 * DAY, T0 - 30 * DAY, T0 - HOUR, T0]
    other = Series(BOX, ProbeId("deep"))
    store.write([reading(T, at, 1.0, one) for at in times for one in (POND, other)])
    spans = [Span(POND, times[0], times[0] + 1), Span(other, times[1], times[1] + 1)]
    spans += [Span(POND, times[3], times[3] + 1), Span(POND, 0, 10)]
    assert {(r.probe, r.taken_ms) for r in store.read_many(spans)} == {
        (POND.probe, times[0]),
        (other.probe, times[1]),
        (POND.probe, times[3]),
    }


def test_the_newest_reading_is_that_of_any_channel_bad_ones_too(
    store: Telemetry,
) -> None:
    silent = Series(BOX, ProbeId("silent"))
    store.write([reading(T, T0 + 5, 1.0), reading(Channel.SIGNAL, T0 + 6, -70.0)])
    assert store.newest([POND, silent]) == {POND: T0 + 6}
    store.write([reading(PH, T0 + 7, None)])
    assert store.newest([POND, silent]) == {POND: T0 + 7}
    assert store.newest([]) == {}


def test_the_newest_of_hundreds_of_series_is_known(store: Telemetry) -> None:
    series = [Series(DeviceId(f"box-{n}"), ProbeId("p")) for n in range(500)]
    store.write([reading(T, T0 + n, 1.0, one) for n, one in enumerate(series)])
    assert store.newest(series) == {one: T0 + n for n, one in enumerate(series)}


def test_latest_is_the_newest_of_each_channel_of_each_probe(store: Telemetry) -> None:
    deep = Series(BOX, ProbeId("deep"))
    stranger = Series(DeviceId("box-2"), ProbeId("p"))
    store.write(
        [
            reading(T, T0, 1.0),
            reading(T, T0 + 5, 2.0),
            reading(PH, T0 + 1, 7.0),
            reading(DO, T0 + 2, 5.0),
            reading(DO, T0 + 9, None),
            reading(Channel.LATITUDE, T0 + 3, 12.2),
            reading(T, T0, 4.0, deep),
            reading(T, T0 + 50, 9.0, stranger),
        ]
    )
    assert list(store.latest(BOX)) == [
        reading(T, T0, 4.0, deep),
        reading(T, T0 + 5, 2.0),
        reading(DO, T0 + 9, None),
        reading(PH, T0 + 1, 7.0),
        reading(Channel.LATITUDE, T0 + 3, 12.2),
    ]
    assert list(store.latest(DeviceId("nobody"))) == []
    assert list(store.latest(BOX, T0 + 5)) == [
        reading(T, T0, 4.0, deep),
        reading(T, T0, 1.0),
        reading(DO, T0 + 2, 5.0),
        reading(PH, T0 + 1, 7.0),
        reading(Channel.LATITUDE, T0 + 3, 12.2),
    ], "what a clock gone wrong has stamped from then on is left out"
    assert list(store.latest(BOX, T0)) == []


def test_a_gap_again_changes_nothing_and_a_different_one_is_another(
    store: Telemetry,
) -> None:
    gaps = [
        Gap(*POND, T0, T0 + 10, 3, "thinned"),
        Gap(*POND, T0, T0 + 10, 3, "torn"),
        Gap(*POND, T0, T0 + 20, 4, "thinned"),
        Gap(*POND, T0 + 5, T0 + 6, 1, 'said "so" \\ and, more=1'),
    ]
    store.write((), gaps)
    store.write([reading(T, T0, 1.0)], gaps)
    assert sorted(store.gaps(ALWAYS), key=repr) == sorted(gaps, key=repr)
    assert [gap.start_ms for gap in store.gaps(ALWAYS)] == [T0, T0, T0, T0 + 5]


def test_gaps_that_touch_a_span_are_found(store: Telemetry) -> None:
    def gap(start: int, end: int) -> Gap:
        return Gap(*POND, T0 + start, T0 + end, 1, "thinned")

    inside, around, before, after = gap(12, 15), gap(0, 90), gap(0, 10), gap(20, 30)
    over_start, over_end, empty = gap(5, 11), gap(19, 25), gap(14, 14)
    store.write((), [inside, around, before, after, over_start, over_end, empty])
    found = store.gaps(Span(POND, T0 + 10, T0 + 20))
    assert set(found) == {inside, around, over_start, over_end, empty}


def test_a_gap_alone_makes_no_series_of_readings(store: Telemetry) -> None:
    store.write((), [Gap(*POND, T0, T0 + 1, 1, "thinned")])
    assert list(store.series()) == []
    assert store.newest([POND]) == {}
    assert list(store.latest(BOX)) == []


def a_flag(
    at_ms: int, channel: Channel = PH, flag: Flag = Flag.GOOD, tests: int = 1111
) -> Flagged:
    return Flagged(*POND, channel, at_ms, flag, tests)


def test_flags_come_back_in_the_order_of_their_readings(store: Telemetry) -> None:
    times = [T0, T0 + 1000, T0 + 2000]
    store.write([reading(c, at, 7.0) for at in times for c in (T, PH, DO)])
    flags = [
        a_flag(at, channel, flag, tests)
        for at, flag, tests in zip(
            times,
            (Flag.GOOD, Flag.SUSPECT, Flag.MISSING),
            (1, 31_001_000, 9 * 10**10),
            strict=True,
        )
        for channel in (T, DO)
    ]
    store.write_flags(list(reversed(flags)))

    assert list(store.flags(ALWAYS)) == flags
    assert list(store.flags(ALWAYS, {DO})) == flags[1::2]
    assert list(store.flags(Span(POND, T0 + 1000, T0 + 2000))) == flags[2:4]
    assert list(store.flags(Span(Series(BOX, ProbeId("other")), 0, 2**62))) == []
    assert {one.value for one in store.read(ALWAYS)} == {7.0}, "values are as they were"


def test_flagging_again_replaces_and_writing_values_leaves_flags(
    store: Telemetry,
) -> None:
    store.write([reading(PH, T0, 7.0)])
    store.write_flags([a_flag(T0, tests=7)])
    store.write_flags([a_flag(T0, flag=Flag.FAIL, tests=4)])
    store.write([reading(PH, T0, 8.0)])
    store.write([reading(PH, T0, None)])
    assert list(store.flags(ALWAYS)) == [a_flag(T0, flag=Flag.FAIL, tests=4)]
    assert [one.value for one in store.read(ALWAYS)] == [None]


def test_a_flag_beside_no_reading_is_not_seen(store: Telemetry) -> None:
    store.write([reading(PH, T0, 7.0)])
    store.write_flags([a_flag(T0 + 1), a_flag(T0, DO)])
    store.write_flags([])
    assert list(store.flags(ALWAYS)) == []
    assert [one.taken_ms for one in store.read(ALWAYS)] == [T0]


def test_flags_of_a_long_span_come_whole_across_pages(store: Telemetry) -> None:
    times = range(T0, T0 + 11_000)
    store.write([reading(PH, at, 7.0) for at in times])
    store.write_flags([a_flag(at) for at in times])
    assert [one.taken_ms for one in store.flags(ALWAYS)] == list(times)


def test_intake_comes_back_whole(store: Telemetry) -> None:
    rows = [intake("w", 1), intake("w", 2)]
    rows.append(
        Intake(WorkerId("w"), 3, BOX, "", 0, 2**63 - 1, 0, 0, 0, 0, 0, 0, T0 + 9)
    )
    store.record(rows)
    store.record(rows)
    store.record([])
    assert list(store.intake_after({}, 10)) == rows


def test_a_cursor_of_several_workers_reads_each_on_from_its_place(
    store: Telemetry,
) -> None:
    a = [intake("a", n) for n in range(1, 8)]
    b = [intake("b", n) for n in range(100, 105)]
    store.record(b)
    store.record(a)
    found = store.intake_after({WorkerId("a"): 4, WorkerId("gone"): 77}, 100)
    assert [row for row in found if row.worker == "a"] == a[4:]
    assert [row for row in found if row.worker == "b"] == b
    everything = {WorkerId("a"): 7, WorkerId("b"): 104}
    assert list(store.intake_after(everything, 100)) == []


def test_reading_on_with_a_limit_meets_every_row_once_in_its_workers_order(
    store: Telemetry,
) -> None:
    rng = random.Random(4)
    rows = [
        intake(worker, n * 3 + 1, T0 + rng.randrange(50))
        for worker in ("a", "b", "c")
        for n in range(17)
    ]
    store.record(rows)
    cursor: dict[WorkerId, int] = {}
    met: list[Intake] = []
    while page := store.intake_after(cursor, 4):
        assert len(page) <= 4
        met += page
        cursor |= {row.worker: row.sequence for row in page}
    assert sorted(met, key=lambda r: (r.worker, r.sequence)) == rows
    for worker in ("a", "b", "c"):
        assert [r for r in met if r.worker == worker] == [
            r for r in rows if r.worker == worker
        ]
    assert list(store.intake_after({}, 0)) == []


def test_a_reader_never_meets_half_a_row_nor_a_hole_that_fills_later(
    opener: Opener,
) -> None:
    writer, reader = opener(), opener()
    total, met = 2_000, 0
    done = threading.Event()

    def record() -> None:
        for start in range(1, total, 50):
            writer.record([intake("w", n) for n in range(start, start + 50)])
        done.set()

    with ThreadPoolExecutor(1) as pool:
        task = pool.submit(record)
        while True:
            is_last = done.is_set()
            rows = reader.intake_after({WorkerId("w"): met}, 10_000)
            assert list(rows) == [intake("w", met + n) for n in range(1, len(rows) + 1)]
            met += len(rows)
            if is_last:
                break
        task.result()
    assert met == total


def test_recent_intake_is_the_newest_over_all_workers_oldest_first(
    store: Telemetry,
) -> None:
    a = [intake("a", n, T0 + 10 * n) for n in range(1, 6)]
    b = [intake("b", n, T0 + 35 + n) for n in range(1, 4)]
    store.record([*a, *b])
    assert list(store.intake_recent(100)) == [*a[:3], *b, *a[3:]]
    assert list(store.intake_recent(4)) == [*b[1:], *a[3:]]
    assert list(store.intake_recent(1)) == a[4:]
    assert list(store.intake_recent(0)) == []


def test_recent_intake_keeps_a_workers_order_when_its_clock_stepped_back(
    store: Telemetry,
) -> None:
    rows = [intake("a", n, T0 - 1000 * n) for n in range(1, 6)]
    store.record(rows)
    assert list(store.intake_recent(3)) == rows[2:]


def test_recent_intake_is_read_across_pages(store: Telemetry) -> None:
    rows = [intake("a", n) for n in range(1, 12_001)]
    store.record(rows)
    assert list(store.intake_recent(11_000)) == rows[1_000:]


def test_the_last_sequence_is_the_highest_and_zero_without_rows(
    store: Telemetry,
) -> None:
    assert store.last_sequence(WorkerId("a")) == 0
    store.record([intake("a", n) for n in (5, 9, 7)])
    store.record([intake("b", 100)])
    assert store.last_sequence(WorkerId("a")) == 9


def test_trimming_intake_leaves_the_rest_and_always_the_last_row(
    store: Telemetry,
) -> None:
    store.record([intake(w, n) for w in ("a", "b") for n in range(1, 6)])
    store.trim_intake(WorkerId("a"), 4)
    assert [(r.worker, r.sequence) for r in store.intake_after({}, 99)] == [
        ("b", 1),
        ("b", 2),
        ("b", 3),
        ("a", 4),
        ("b", 4),
        ("a", 5),
        ("b", 5),
    ]
    store.trim_intake(WorkerId("a"), 1_000)
    assert store.last_sequence(WorkerId("a")) == 5
    store.trim_intake(WorkerId("nobody"), 5)


def a_day(start_ms: int = T0, every_ms: int = 60_000, hours: int = 24) -> list[Reading]:
    rng = random.Random(start_ms)
    return [
        reading(channel, at, None if rng.random() < 0.05 else rng.uniform(-5, 40))
        for at in range(start_ms, start_ms + hours * HOUR, every_ms)
        for channel in (T, PH)
    ]


def expected(
    readings: Sequence[Reading], channel: Channel, every_ms: int
) -> dict[int, tuple[int, float, float, float]]:
    buckets: dict[int, list[float]] = {}
    for one in readings:
        if one.channel is channel and one.value is not None:
            start = one.taken_ms - one.taken_ms % every_ms
            buckets.setdefault(start, []).append(one.value)
    return {
        start: (len(v), min(v), math.fsum(v) / len(v), max(v))
        for start, v in buckets.items()
    }


def assert_buckets(
    store: Telemetry, readings: Sequence[Reading], every_ms: int, span: Span = ALWAYS
) -> None:
    inside = [r for r in readings if span.start_ms <= r.taken_ms < span.end_ms]
    for channel in (T, PH):
        buckets = store.downsample(span, channel, every_ms)
        want = expected(inside, channel, every_ms)
        assert [bucket.start_ms for bucket in buckets] == sorted(want)
        for start_ms, *figures in buckets:
            assert figures == pytest.approx(list(want[start_ms]))


@pytest.mark.parametrize(
    "every_ms", [1_000, 60_000, 7 * 60_000, HOUR, 13 * HOUR, 30 * DAY]
)
def test_buckets_are_aligned_non_empty_and_leave_bad_answers_out(
    store: Telemetry, every_ms: int
) -> None:
    readings = a_day(hours=5) + a_day(T0 + 40 * HOUR + 123, hours=2)
    store.write(readings)
    assert_buckets(store, readings, every_ms)
    inner = Span(POND, T0 + 333, T0 + 41 * HOUR + 777)
    assert_buckets(store, readings, every_ms, inner)


def test_a_value_replaced_by_a_bad_answer_is_in_no_bucket(store: Telemetry) -> None:
    readings = a_day(hours=3)
    store.write(readings)
    bad = [reading(r.channel, r.taken_ms, None) for r in readings[: 3 * 60]]
    store.write(bad)
    now = bad + readings[3 * 60 :]
    for every_ms in (60_000, HOUR, DAY):
        assert_buckets(store, now, every_ms)
    store.roll_up(Measurement.WATER, T0, T0 + DAY)
    store.retain(Measurement.WATER, T0 + DAY)
    assert list(store.read(ALWAYS)) == []
    for every_ms in (HOUR, DAY):
        assert_buckets(store, now, every_ms)


def test_roll_ups_are_of_whole_hours_and_say_how_many(store: Telemetry) -> None:
    start = T0 - T0 % DAY
    readings = [r for r in a_day(start, hours=3) if r.value is not None]
    store.write(readings)
    assert store.roll_up(Measurement.WATER, start + 5, start + 2 * HOUR + 5) == 4
    assert store.roll_up(Measurement.WATER, start, start + DAY) == 6
    assert store.roll_up(Measurement.POWER, start, start + DAY) == 0
    assert store.roll_up(Measurement.WATER, start + DAY, start + 9 * DAY) == 0


def test_what_is_given_up_is_answered_by_roll_ups_exactly(store: Telemetry) -> None:
    readings = a_day(every_ms=120_000, hours=48)
    store.write(readings)
    cut = T0 - T0 % DAY + DAY + 5 * HOUR
    store.retain(Measurement.WATER, cut + 1234)
    left = [r for r in readings if r.taken_ms >= cut]
    assert list(store.read(ALWAYS)) == left
    for every_ms in (HOUR, 3 * HOUR, DAY, 30 * DAY):
        assert_buckets(store, readings, every_ms)
    store.retain(Measurement.WATER, cut)
    assert list(store.read(ALWAYS)) == left
    assert_buckets(store, readings, HOUR)


def test_giving_up_one_measurement_leaves_the_others(store: Telemetry) -> None:
    position = Reading(*POND, Channel.LATITUDE, T0, 12.0, ClockQuality.GPS)
    store.write([Reading(*POND, T, T0, 20.0, ClockQuality.NTP), position])
    store.retain(Measurement.WATER, T0 + DAY)
    assert list(store.read(ALWAYS)) == [position]


def test_readings_that_come_late_are_in_the_roll_up_of_their_hour(
    store: Telemetry,
) -> None:
    readings = a_day(hours=6)
    store.write(readings[::2])
    store.roll_up(Measurement.WATER, T0, T0 + DAY)
    store.write(readings[1::2])
    store.retain(Measurement.WATER, T0 + DAY)
    assert list(store.read(ALWAYS)) == []
    assert_buckets(store, readings, HOUR)


def test_a_reading_for_an_hour_already_given_up_stays_raw_and_counts(
    store: Telemetry,
) -> None:
    readings = a_day(hours=6)
    late = reading(T, T0 + 1, 99.0)
    store.write(readings)
    store.retain(Measurement.WATER, T0 + DAY)
    store.write([late])
    for _ in range(2):
        assert list(store.read(ALWAYS)) == [late]
        assert_buckets(store, [*readings, late], HOUR)
        store.roll_up(Measurement.WATER, T0 - DAY, T0 + DAY)
        store.retain(Measurement.WATER, T0 + DAY)


def test_a_series_that_is_all_given_up_has_no_readings(store: Telemetry) -> None:
    store.write([reading(T, T0, 1.0)])
    store.retain(Measurement.WATER, T0 + DAY)
    assert list(store.series()) == []
    assert store.newest([POND]) == {}
    assert list(store.latest(BOX)) == []
    store.write([reading(T, T0 + 2 * DAY, 2.0)])
    assert list(store.series()) == [POND]


def test_roll_ups_go_when_their_own_time_is_over(store: Telemetry) -> None:
    readings = a_day(hours=6)
    store.write(readings)
    start = T0 - T0 % HOUR
    store.retain(Measurement.WATER, T0 + DAY, start + 3 * HOUR)
    kept = [r for r in readings if r.taken_ms >= start + 3 * HOUR]
    assert_buckets(store, kept, HOUR)


def a_forecast(made_ms: int, **changes: object) -> Forecast:
    steps = (
        Outlook(1.0, 4.25, 3.9, 4.6, 4.4, "model", 0.31),
        Outlook(24.0, -0.1, -2.5, 3.0, 4.4, "persistence", None),
    )
    plain = Forecast(*POND, DO, made_ms, steps, 'v1 "2026\\11"')
    return msgspec.structs.replace(plain, **changes)


def an_episode(start_ms: int, end_ms: int, name: str, **changes: object) -> Episode:
    plain = Episode(
        *POND, name, EpisodeKind.SENSOR, "fouled_probe", start_ms, end_ms,
        False, 0.875, (DO, PH), "Ao 2, đầu đo \"A\"\nvà đo tay",
    )  # fmt: skip
    return msgspec.structs.replace(plain, **changes)


def test_a_forecast_comes_back_whole_and_made_again_replaces(store: Telemetry) -> None:
    findings = store.findings
    findings.write([a_forecast(T0 + HOUR), a_forecast(T0)])
    findings.write([a_forecast(T0, model="v2")])
    other = a_forecast(T0, probe=ProbeId("other"))
    findings.write([other])
    assert findings.forecasts(ALWAYS) == [
        a_forecast(T0, model="v2"),
        a_forecast(T0 + HOUR),
    ]
    assert findings.newest_forecast(ALWAYS) == a_forecast(T0 + HOUR)
    before = Span(POND, 0, T0 + HOUR)
    assert findings.newest_forecast(before) == a_forecast(T0, model="v2")
    assert findings.newest_forecast(Span(POND, 0, T0)) is None
    assert findings.forecasts(Span(Series(BOX, ProbeId("other")), T0, T0 + 1)) == [
        other
    ]


def test_forecasts_of_a_year_come_whole_across_pages(store: Telemetry) -> None:
    many = [a_forecast(T0 + number * HOUR) for number in range(2_005)]
    store.findings.write(many)
    assert store.findings.forecasts(ALWAYS) == many


def test_episodes_that_touch_a_span_are_found_open_ones_for_ever(
    store: Telemetry,
) -> None:
    findings = store.findings
    past = an_episode(T0, T0 + HOUR, "past")
    twin = an_episode(T0, T0 + 3 * HOUR, "twin", kind=EpisodeKind.WATER)
    going_on = an_episode(T0 + HOUR, T0 + 2 * HOUR, "open", is_open=True)
    findings.write(episodes=[going_on, twin, past])
    assert findings.episodes(ALWAYS) == [past, twin, going_on]
    assert findings.episodes(Span(POND, T0 + 2 * HOUR, T0 + DAY)) == [twin, going_on]
    assert findings.episodes(Span(POND, T0 + DAY, T0 + 2 * DAY)) == [going_on]
    assert findings.episodes(Span(POND, 0, T0)) == []
    ended = msgspec.structs.replace(going_on, is_open=False, end_ms=T0 + 4 * HOUR)
    findings.write(episodes=[ended])
    assert findings.episodes(Span(POND, T0 + DAY, T0 + 2 * DAY)) == []
    assert findings.episodes(ALWAYS) == [past, twin, ended]
    assert findings.episodes(Span(Series(BOX, ProbeId("none")), 0, 2**62)) == []
