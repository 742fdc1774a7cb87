"""What a unit's water held, of whole stretches: as number by number, raw values untouched."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from greenwater.derived.ammonia import Known
from greenwater.derived.compensating import SALT_MS, compensated
from greenwater.derived.flags import flags_of
from greenwater.derived.following import following
from greenwater.derived.lines import Around, Line, follows, salt_factor
from greenwater.derived.unit_water import Made, UnitWater
from greenwater.kernel.channels import Channel
from greenwater.kernel.ids import DeviceId, ProbeId
from greenwater.kernel.quality import Flag, Flagged
from greenwater.kernel.reading import Reading
from greenwater.storage.registry.devices import Deployed
from greenwater.storage.telemetry.ports import Bucket, Series, Span
from greenwater.storage.telemetry.sqlite import SqliteTelemetry

MINUTE, HOUR, DAY = 60_000, 3_600_000, 24 * 3_600_000
T0 = 1_780_000_000_000 // (6 * HOUR) * 6 * HOUR
BOX = DeviceId("ao-box")
TOP, METER = Series(BOX, ProbeId("top")), Series(BOX, ProbeId("meter"))
ALL = Span(TOP, T0, T0 + DAY)
DO, SHARE, SALT, WARM, RAW, TURNED = (
    Channel.DISSOLVED_OXYGEN,
    Channel.OXYGEN_SATURATION,
    Channel.SALINITY,
    Channel.TEMPERATURE,
    Channel.CONDUCTIVITY,
    Channel.SPECIFIC_CONDUCTIVITY,
)


def told(
    channel: Channel,
    at_ms: int,
    value: float | None,
    series: Series = TOP,
    salted: bool | None = None,
) -> Reading:
    return Reading(*series, channel, at_ms, value, None, salted)


def hung(series: Series, from_ms: int = 0, to_ms: int | None = None) -> Deployed:
    return Deployed(*series, "ao-1", None, 1.0, from_ms, to_ms)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteTelemetry]:
    opened = SqliteTelemetry(tmp_path / "telemetry.db")
    yield opened
    opened.close()


def line(at_ms: int, *values: float) -> Line:
    times = np.array([at_ms + n for n in range(len(values))], np.int64)
    return Line(times, np.array(values, np.float64))


@given(st.floats(0, 20), st.floats(0, 44), st.floats(0, 39), st.booleans())
def test_whole_stretches_are_put_right_as_single_readings(
    mg_l: float, psu: float, celsius: float, is_warmth_known: bool
) -> None:
    warm = Known(T0, celsius) if is_warmth_known else None
    one = compensated(told(DO, T0, mg_l, salted=False), Known(T0, psu), warm)
    warmth = (line(T0, celsius),) if is_warmth_known else ()
    factor = salt_factor(np.array([T0], np.int64), Around(line(T0, psu), *warmth))
    assert one.value == pytest.approx(mg_l * factor[0], abs=1e-4)


@given(
    st.sampled_from([(SALT, RAW), (SALT, TURNED), (SHARE, DO), (DO, SHARE)]),
    st.floats(0.5, 60),
    st.one_of(st.none(), st.floats(0, 40)),
    st.floats(5, 38),
    st.booleans(),
)
def test_whole_stretches_follow_as_single_readings(
    pair: tuple[Channel, Channel],
    value: float,
    psu: float | None,
    celsius: float,
    is_fresh: bool,
) -> None:
    channel, source = pair
    own = [told(source, T0, value, salted=not is_fresh), told(WARM, T0, celsius)]
    salt = None if psu is None else Known(T0, psu)
    singly = {one.channel: one.value for one in following(own, salt, None)}
    around = Around(
        warmth=line(T0, celsius), salt_there=line(T0, *([] if psu is None else [psu]))
    )
    fresh = np.array([is_fresh])
    (found,) = follows(channel, source, line(T0, value), fresh, around)
    assert singly.get(channel) == (None if np.isnan(found) else pytest.approx(found))


def a_day(store: SqliteTelemetry) -> None:
    """A probe left at salinity 0 until noon, then set; its own temperature, a meter's salt."""
    readings = []
    for n in range(24 * 12):
        at_ms = T0 + n * 5 * MINUTE
        value = 5 + 2 * np.sin(n / 46)
        readings.append(told(DO, at_ms, value, salted=n >= 12 * 12 - 3))
        readings.append(told(WARM, at_ms, 28 + np.sin(n / 46)))
    readings += [told(SALT, T0 + n * HOUR, 30.0 + n / 8, METER) for n in range(24)]
    store.write(readings)


def test_means_of_stretches_are_those_of_its_readings(store: SqliteTelemetry) -> None:
    a_day(store)
    water = UnitWater(store, [hung(TOP), hung(METER)])
    held = [*water.held(ALL, [DO])]
    assert [one.told for one in held] == [one.value for one in store.read(ALL, [DO])], (
        "what was told is there as it was"
    )
    assert {one.made for one in held[:141]} == {Made.SALTED}
    assert {one.made for one in held[141:]} == {Made.TOLD}
    first = held[0]
    assert first.reading.value == pytest.approx(5 * 0.8456, abs=0.01)
    for every_ms in (10 * MINUTE, 2 * HOUR, DAY):
        buckets, made = water.past(ALL, DO, every_ms)
        assert made is Made.SALTED
        for bucket in buckets:
            inside = [
                one.reading.value or 0.0
                for one in held
                if 0 <= one.reading.taken_ms - bucket.start_ms < every_ms
            ]
            assert bucket.number == len(inside)
            rough = 0.002 if every_ms == 10 * MINUTE else 0.02
            assert bucket[2:] == pytest.approx(
                (min(inside), sum(inside) / len(inside), max(inside)), rel=rough
            )


def mean(store: SqliteTelemetry, *, salt: int | None, hung_ms: int = 0) -> float:
    store.write([told(DO, T0 + n * MINUTE, 7.83, salted=False) for n in range(60)])
    if salt is not None:
        store.write([told(SALT, T0 + salt, 33.0, METER), told(WARM, T0, 28.0)])
    water = UnitWater(store, [hung(TOP), hung(METER, hung_ms)])
    (bucket,) = water.downsample(Span(TOP, T0, T0 + HOUR), DO, HOUR)
    (one, *_) = water.read(Span(TOP, T0, T0 + HOUR), [DO])
    assert one.value == pytest.approx(bucket.mean, abs=0.001)
    return bucket.mean


@pytest.mark.parametrize(
    ("salt", "value"),
    [
        (0, 6.51),
        (-6 * DAY, 6.51),
        (6 * DAY, 6.51),
        (-SALT_MS - 2 * HOUR, 7.83),
        (SALT_MS + 2 * HOUR, 7.83),
        (None, 7.83),
    ],
)
def test_salinity_is_of_the_unit_and_of_the_week(
    store: SqliteTelemetry, salt: int | None, value: float
) -> None:
    """Domain §2.5: 7.83 mg/L where 28 °C and 33 PSU hold 6.51."""
    assert mean(store, salt=salt) == pytest.approx(value, abs=0.01)


def test_what_hung_elsewhere_then_says_nothing(store: SqliteTelemetry) -> None:
    assert mean(store, salt=-DAY, hung_ms=T0 - HOUR) == pytest.approx(7.83)


def test_a_probes_own_salinity_comes_before_its_units(store: SqliteTelemetry) -> None:
    store.write([told(SALT, T0, 33.0), told(SALT, T0 + 1, 5.0, METER)])
    assert mean(store, salt=None) == pytest.approx(6.51, abs=0.01)


def test_newest_readings_spare_the_store_a_week(store: SqliteTelemetry) -> None:
    """Only as far as they are older than what is asked for."""
    asked: list[Span] = []

    class Spy:
        def downsample(self, span: Span, channel: Channel, every_ms: int) -> object:
            asked.append(span)
            return store.downsample(span, channel, every_ms)

        read, uncompensated, latest = store.read, store.uncompensated, store.latest

    store.write([told(DO, T0 + n * MINUTE, 7.83, salted=False) for n in range(60)])
    newest = [told(SALT, T0 - 5 * DAY, 33.0, METER)]
    water = UnitWater(Spy(), [hung(TOP), hung(METER)], newest)  # type: ignore[arg-type]
    (bucket,) = water.downsample(Span(TOP, T0, T0 + HOUR), DO, HOUR)
    assert bucket.mean == pytest.approx(6.51, abs=0.01)
    assert min(span.start_ms for span in asked) >= T0 - HOUR


def test_what_is_not_sent_has_a_past(store: SqliteTelemetry) -> None:
    """Domain §2.5: 53 mS/cm at 28 °C are 32.748 PSU."""
    for n in range(0, 24 * 60, 7):
        at_ms = T0 + n * MINUTE
        store.write([told(RAW, at_ms, 53.0), told(WARM, at_ms, 28.0)])
        store.write([told(DO, at_ms, 6.51, salted=True)])
    water = UnitWater(store, [hung(TOP)])
    for every_ms in (MINUTE, 30 * MINUTE, 2 * HOUR):
        buckets, made = water.past(ALL, SALT, every_ms)
        assert made is Made.DERIVED
        assert sum(one.number for one in buckets) == 206
        assert [one.mean for one in buckets] == pytest.approx(
            [32.748] * len(buckets), abs=1e-3
        )
        buckets, made = water.past(ALL, SHARE, every_ms)
        assert made is Made.DERIVED
        assert [one.mean for one in buckets] == pytest.approx(
            [100] * len(buckets), abs=0.3
        )
    rows = [*water.held(ALL)]
    assert [one.reading.channel for one in rows[:5]] == [WARM, DO, SHARE, SALT, RAW]
    assert {one.told for one in rows if one.made is Made.DERIVED} == {None}
    assert len(rows) == 5 * 206
    singly = following(
        [one.reading for one in rows[:5] if one.told is not None], None, None
    )
    assert {one.channel: one.value for one in singly} == {
        one.reading.channel: one.reading.value
        for one in rows[:5]
        if one.made is Made.DERIVED
    }


def test_per_cent_alone_gives_mg_l_as_of_fresh_water_where_nobody_knows(
    store: SqliteTelemetry,
) -> None:
    store.write([told(SHARE, T0, 100.0), told(WARM, T0, 28.0)])
    water = UnitWater(store, [hung(TOP)])
    assert [one.mean for one in water.downsample(ALL, DO, HOUR)] == [
        pytest.approx(7.83, abs=0.01)
    ]
    store.write([told(SALT, T0 - HOUR, 33.0)])
    water = UnitWater(store, [hung(TOP)])
    assert [one.value for one in water.read(ALL, [DO])] == [
        pytest.approx(6.51, abs=0.01)
    ]


def test_there_is_no_second_number_of_what_a_probe_answers_badly(
    store: SqliteTelemetry,
) -> None:
    store.write([told(RAW, T0, 53.0), told(WARM, T0, 28.0), told(SALT, T0, None)])
    water = UnitWater(store, [hung(TOP)])
    assert water.past(ALL, SALT, HOUR) == ([], Made.TOLD)
    assert [one.reading.value for one in water.held(ALL, [SALT])] == [None]


def test_what_no_sound_probe_says_makes_nothing(store: SqliteTelemetry) -> None:
    store.write([told(RAW, T0, -9.99), told(WARM, T0, 28.0), told(SHARE, T0, -9.99)])
    water = UnitWater(store, [hung(TOP)])
    for channel in (SALT, DO):
        assert water.downsample(ALL, channel, HOUR) == []
        assert [*water.read(ALL, [channel])] == []


def test_readings_of_several_probes_are_put_right_each_by_its_water(
    store: SqliteTelemetry,
) -> None:
    store.write([told(SALT, T0 - HOUR, 33.0, METER), told(WARM, T0, 28.0)])
    other = Series(BOX, ProbeId("deep"))
    some = [
        told(DO, T0, 7.83, salted=False),
        told(DO, T0, 7.83, other, salted=False),
        told(DO, T0, 7.83, other, salted=True),
        told(WARM, T0, 28.0),
    ]
    water = UnitWater(store, [hung(TOP), hung(METER), hung(other)])
    assert [one.value for one in water.salted(some)] == [
        pytest.approx(6.51, abs=0.01),
        pytest.approx(6.51, abs=0.01),
        7.83,
        28.0,
    ]


def flagged(channel: Channel, flag: Flag, at_ms: int = T0) -> Flagged:
    return Flagged(*TOP, channel, at_ms, flag, 0)


@pytest.mark.parametrize(
    ("channel", "made", "inputs", "worst"),
    [
        (DO, Made.TOLD, {DO: 1, SALT: 4}, 1),
        (DO, Made.SALTED, {DO: 1, SALT: 1, WARM: 1}, 1),
        (DO, Made.SALTED, {DO: 1, SALT: 4, WARM: 3}, 4),
        (DO, Made.SALTED, {DO: 3, SALT: 1, WARM: 1}, 3),
        (SALT, Made.DERIVED, {RAW: 1, WARM: 3}, 3),
        (SALT, Made.DERIVED, {TURNED: 2, WARM: 3}, 2),
        (SHARE, Made.DERIVED, {DO: 1, RAW: 3, WARM: 1}, 3),
        (Channel.AMMONIA_UNIONISED, Made.DERIVED, {Channel.PH: 3, WARM: 1}, 3),
    ],
)
def test_the_worst_flag_of_what_it_is_made_of_wins(
    store: SqliteTelemetry,
    channel: Channel,
    made: Made,
    inputs: dict[Channel, int],
    worst: int,
) -> None:
    if channel is Channel.AMMONIA_UNIONISED:
        inputs = {channel: 1, **inputs}
    own = [flagged(one, Flag(flag)) for one, flag in inputs.items()]
    (found,) = flags_of(store, own, [hung(TOP)], ALL, channel, made)
    assert (found.channel, found.flag) == (channel, worst)


def test_the_flag_of_a_neighbours_salinity_counts(store: SqliteTelemetry) -> None:
    store.write([told(SALT, T0 - HOUR, 33.0, METER)])
    store.write_flags([Flagged(*METER, SALT, T0 - HOUR, Flag.SUSPECT, 0)])
    own = [flagged(DO, Flag.GOOD), flagged(DO, Flag.GOOD, T0 - 2 * HOUR)]
    own.append(flagged(DO, Flag.GOOD, T0 + 25 * HOUR))
    found = flags_of(store, own, [hung(METER)], ALL, DO, Made.SALTED)
    assert [one.flag for one in found] == [Flag.SUSPECT, Flag.GOOD, Flag.GOOD]


def test_a_bucket_stays_as_it_was_told_where_its_readings_were_given_up(
    store: SqliteTelemetry,
) -> None:
    a_day(store)
    bucket = Bucket(T0, 1000, 1.0, 2.0, 3.0)
    water = UnitWater(store, [hung(TOP)])
    assert water._reading_by_reading(ALL, bucket, DAY) == bucket


def test_of_two_that_speak_in_turn_the_salt_is_always_the_same_ones(
    store: SqliteTelemetry,
) -> None:
    """Fresh water lies on salt: without a salinity of its own oxygen is the lower one."""
    top = Series(BOX, ProbeId("lens"))
    for n in range(6):
        at_ms = T0 + n * 10 * MINUTE
        store.write([told(DO, at_ms + 7 * MINUTE, 7.83, salted=False)])
        store.write([told(SALT, at_ms, 33.0, METER), told(WARM, at_ms, 28.0, METER)])
        store.write([told(SALT, at_ms + 5 * MINUTE, 8.0, top)])
    water = UnitWater(store, [hung(TOP), hung(METER), hung(top)])
    for value in (
        *(one.mean for one in water.downsample(ALL, DO, 10 * MINUTE)),
        *(one.value for one in water.read(ALL, [DO])),
    ):
        assert value == pytest.approx(6.51, abs=0.01)
