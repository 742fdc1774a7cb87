"""Forecasts beside the readings, on each store: learnt, kept, made again, claimed once."""

import json
import math
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import BrokenExecutor, Executor, Future
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import psutil
import pytest

from analytics.alarms.claims import Claim
from analytics.executing import Learner
from analytics.forecasting import Forecasting, crash_claim, dawn_after
from analytics.oxygen.forecaster import Forecast as Expected
from analytics.oxygen.forecaster import History, Model, fit
from analytics.places import Places
from greenwater.derived.chemistry import oxygen_saturation_mg_l
from greenwater.kernel.channels import Channel
from greenwater.kernel.clock import ManualClock
from greenwater.kernel.findings import Forecast
from greenwater.kernel.ids import DeviceId, DeviceState, ProbeId
from greenwater.kernel.reading import DAY_MS, Reading, milliseconds
from greenwater.storage.registry import open_registry
from greenwater.storage.telemetry import open_telemetry
from greenwater.storage.telemetry.ports import Series, Span, Telemetry
from tests.servers import Influx
from tests.templates import empty_registry

EVENING = datetime(2026, 6, 10, 15, 30, tzinfo=UTC)  # 22:30 in Khánh Hòa
MINUTE_MS, HOUR_MS = 60_000, 3_600_000
POND = Series(DeviceId("hoa-box"), ProbeId("top"))
OXYGEN, WARMTH = Channel.DISSOLVED_OXYGEN, Channel.TEMPERATURE
NUMBERS = count()


class Inline(Executor):
    """Does the work at once, and counts it."""

    def __init__(self) -> None:
        self.done = 0

    def submit(
        self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any
    ) -> Future[Any]:
        self.done += 1
        future: Future[Any] = Future()
        future.set_result(fn(*args, **kwargs))
        return future


@pytest.fixture(params=["sqlite", pytest.param("influx", marks=pytest.mark.live)])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Telemetry]:
    url = f"sqlite:///{tmp_path}/telemetry.db"
    if request.param == "influx":
        influx: Influx = request.getfixturevalue("influx")
        url = influx.url(f"outlook{next(NUMBERS)}")
    telemetry = open_telemetry(url)
    yield telemetry
    telemetry.close()


@pytest.fixture
def places(tmp_path: Path) -> Places:
    with open_registry(empty_registry(tmp_path / "registry.db")) as registry:
        registry.add_organisation("hoa", "Hộ Hòa")
        registry.add_site("farm", organisation="hoa", name="Trại")
        registry.add_unit("ao-3", site="farm", name="Ao 3", species="PNV")
        registry.add_device(POND.device, site="farm", now_ms=0)
        registry.add_probe(POND.device, POND.probe)
        registry.deploy(
            POND.device, POND.probe, unit="ao-3", depth_m=0.5, from_ms=0, now_ms=0
        )
        assert registry.list_devices()[0].state is DeviceState.ACTIVE
        return Places(
            registry.deployments(), registry.units(), registry.sites(),
            registry.list_devices(), registry.list_probes(),
        )  # fmt: skip


def oxygen_at(at_ms: int, mean: float) -> float:
    """A pond's day: lowest at six in the morning here, highest in the afternoon."""
    hours = (at_ms - 23 * HOUR_MS) % DAY_MS / HOUR_MS
    return mean - 2.0 * math.cos(2 * math.pi * hours / 24)


def feed(store: Telemetry, until: datetime, *, days: float, mean: float = 6.0) -> None:
    end_ms = milliseconds(until)
    store.write(
        [
            Reading(*POND, channel, at_ms, round(value, 3))
            for at_ms in range(round(end_ms - days * DAY_MS), end_ms, 10 * MINUTE_MS)
            for channel, value in (
                (OXYGEN, oxygen_at(at_ms, mean)),
                (WARMTH, 28 + 0.5 * oxygen_at(at_ms, 0.0)),
            )
        ]
    )


class Bench:
    """Forecasting at work, its clock in the test's hands."""

    def __init__(self, store: Telemetry, places: Places, models: Path) -> None:
        self.clock, self.learner = ManualClock(EVENING), Inline()
        self.claims: list[Claim] = []
        self.store, self.places, self.models = store, places, models
        self.begin()

    def begin(self) -> None:
        self.forecasting = Forecasting(
            self.store, self.clock, self.models, self.learner, self.claims.append
        )

    def look(self) -> Forecast | None:
        self.forecasting.look(self.places)
        return self.store.findings.newest_forecast(Span(POND, 0, 2**62))


@pytest.fixture
def bench(store: Telemetry, places: Places, tmp_path: Path) -> Bench:
    return Bench(store, places, tmp_path / "models")


def test_what_was_learnt_forecasts_the_night(bench: Bench) -> None:
    feed(bench.store, EVENING, days=8)
    assert bench.look() is None, "it is being learnt"
    made = bench.look()
    assert made is not None
    assert bench.learner.done == 1
    assert [one.horizon_h for one in made.outlooks] == [1, 3, 6, 12, 24]
    assert made.made_ms == milliseconds(EVENING) - 10 * MINUTE_MS
    for one in made.outlooks:
        came = oxygen_at(made.made_ms + round(one.horizon_h * HOUR_MS), 6.0)
        assert abs(one.value - came) < 0.5, one
        assert one.low <= one.value <= one.high
    assert made.model.startswith("oxygen-")


@pytest.mark.parametrize("sent", [OXYGEN, Channel.OXYGEN_SATURATION])
def test_the_night_is_forecast_as_the_water_holds_it(
    bench: Bench, sent: Channel
) -> None:
    """Of a probe left at salinity 0 in the sea, and of one that sends per cent alone."""
    end_ms = milliseconds(EVENING)
    whole, fresh = (float(oxygen_saturation_mg_l(28.0, psu)) for psu in (32.0, 0.0))
    share = fresh / whole if sent is OXYGEN else 100 / whole
    told = False if sent is OXYGEN else None
    bench.store.write(
        [
            reading
            for at_ms in range(end_ms - 8 * DAY_MS, end_ms, 10 * MINUTE_MS)
            for reading in (
                Reading(*POND, sent, at_ms, oxygen_at(at_ms, 6.0) * share, None, told),
                Reading(*POND, WARMTH, at_ms, 28.0),
                Reading(*POND, Channel.SALINITY, at_ms, 32.0),
            )
        ]
    )
    bench.look()
    made = bench.look()
    assert made is not None
    for one in made.outlooks:
        came = oxygen_at(made.made_ms + round(one.horizon_h * HOUR_MS), 6.0)
        assert abs(one.value - came) < 0.5, one


def test_a_model_is_read_from_its_file_and_learnt_anew_each_day(bench: Bench) -> None:
    feed(bench.store, EVENING, days=4)
    bench.look()
    bench.look()
    bench.learner.done = 0
    bench.begin()  # another life
    assert bench.forecasting.look(bench.places) == 1
    assert bench.learner.done == 0
    bench.clock.advance(timedelta(days=1, hours=2))
    feed(bench.store, EVENING + timedelta(days=1, hours=2), days=1.1)
    bench.look()
    bench.look()
    assert bench.learner.done == 1


def test_a_file_that_is_no_model_is_refused_and_learnt_again(bench: Bench) -> None:
    feed(bench.store, EVENING, days=4)
    path = bench.models / POND.device / f"{POND.probe}.skops"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"not a model")
    assert bench.look() is None
    assert bench.look() is not None
    assert path.read_bytes()[:2] == b"PK"


def test_learning_that_was_killed_is_tried_again_an_hour_later(bench: Bench) -> None:
    class Killed(Inline):
        def submit(
            self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any
        ) -> Future[Any]:
            self.done += 1
            future: Future[Any] = Future()
            future.set_exception(BrokenExecutor("killed"))
            return future

    bench.learner = Killed()
    bench.begin()
    feed(bench.store, EVENING, days=4)
    for _ in range(4):
        assert bench.look() is None
    assert bench.learner.done == 1
    bench.clock.advance(timedelta(minutes=61))
    feed(bench.store, EVENING + timedelta(minutes=61), days=0.1)
    bench.look()
    assert bench.learner.done == 2


def test_too_little_or_too_old_makes_no_forecast(bench: Bench) -> None:
    feed(bench.store, EVENING, days=1.5)
    bench.look()
    assert bench.look() is None
    assert bench.learner.done == 0
    feed(bench.store, EVENING, days=4)
    bench.clock.advance(timedelta(hours=2))  # silent since
    bench.look()
    assert bench.look() is None


def test_a_stamp_of_tomorrow_does_not_keep_a_dead_probe_fresh(bench: Bench) -> None:
    feed(bench.store, EVENING, days=2.5)
    now_ms = milliseconds(EVENING)
    bench.store.write([Reading(*POND, OXYGEN, now_ms + DAY_MS, 6.0)])
    bench.look()
    assert bench.look() is not None, "one wrong clock does not silence a live probe"
    bench.clock.advance(timedelta(minutes=45))  # dead since, and not yet an hour
    assert bench.forecasting.look(bench.places) == 0


def test_a_night_that_will_be_short_of_oxygen_is_claimed_once_an_hour(
    bench: Bench,
) -> None:
    feed(bench.store, EVENING, days=8, mean=4.2)  # 2.2 mg/L at dawn, critical is 3
    bench.look()
    bench.look()
    (claim,) = bench.claims
    assert claim.kind == "forecast"
    assert claim.place.unit == "ao-3"
    assert not claim.is_over
    assert claim.value is not None
    assert claim.value < 3.0
    bench.look()
    assert len(bench.claims) == 1
    bench.clock.advance(timedelta(minutes=61))
    feed(bench.store, EVENING + timedelta(minutes=61), days=0.1, mean=4.2)
    bench.look()
    assert len(bench.claims) == 2
    assert bench.claims[1].condition == claim.condition


def test_a_good_night_claims_that_nothing_is_wrong(bench: Bench) -> None:
    feed(bench.store, EVENING, days=8, mean=7.0)
    bench.look()
    bench.look()
    assert [one.is_over for one in bench.claims] == [True]


def test_a_chance_of_a_crash_beyond_the_budget_warns_though_the_middle_is_well(
    places: Places,
) -> None:
    now_ms = milliseconds(EVENING)
    place = places.at(POND, now_ms)
    assert place is not None

    def expected(hours: int, *, is_minimum: bool, is_warning: bool) -> Expected:
        return Expected(
            made_ms=now_ms, hours=hours, is_minimum=is_minimum, value=3.4, low=1.2,
            high=5.6, naive=3.5, used="model", skill=0.2,
            chance=0.31 if is_warning else 0.02, is_warning=is_warning,
        )  # fmt: skip

    line = [expected(hours, is_minimum=False, is_warning=False) for hours in (6, 12)]
    calm = [*line, expected(6, is_minimum=True, is_warning=False)]
    claim = crash_claim(place, calm, now_ms)
    assert claim is not None
    assert claim.is_over
    claim = crash_claim(
        place, [*line, expected(6, is_minimum=True, is_warning=True)], now_ms
    )
    assert claim is not None
    assert not claim.is_over
    assert (claim.severity, claim.value, claim.detail["low"]) == ("warn", 3.4, 1.2)
    assert claim.detail["probability"] == 0.31
    near = [*line, expected(3, is_minimum=True, is_warning=True)]
    claim = crash_claim(place, near, now_ms)
    assert claim is not None
    assert claim.severity == "critical"


def test_dawn_is_the_next_six_oclock_here() -> None:
    six = datetime(2026, 6, 10, 23, 0, tzinfo=UTC)
    assert dawn_after(milliseconds(EVENING)) == milliseconds(six)
    assert dawn_after(milliseconds(six)) == milliseconds(six) + DAY_MS
    assert dawn_after(milliseconds(six) - 1) == milliseconds(six)


@pytest.mark.slow
def test_learning_in_a_process_of_its_own_comes_to_the_same() -> None:
    import numpy as np

    times = np.arange(0, 5 * DAY_MS, 10 * MINUTE_MS, dtype=np.int64)
    history = History(times, np.array([oxygen_at(int(at), 6.0) for at in times]), {})
    with Learner() as learner:
        with pytest.raises(BrokenExecutor):  # the machine killed it
            learner.submit(os._exit, 9).result(60)
        apart: Model = learner.submit(fit, history).result(120)
    here = fit(history)
    assert apart.fitted_ms == here.fitted_ms
    assert [a.skill for a in apart.learners] == pytest.approx(
        [b.skill for b in here.learners], nan_ok=True
    )


KILLED = """
import os, sys, time
from analytics.executing import Learner

if __name__ == "__main__":
    learner = Learner()
    print(learner.submit(os.getpid).result(60), flush=True)
    learner.submit(time.sleep, 300)
    second = learner.submit(os.getpid)
    time.sleep(2.0)
    print([p.pid for p in __import__("multiprocessing").active_children()], flush=True)
    os.kill(os.getpid(), 9)
"""


@pytest.mark.live
def test_a_service_that_was_killed_leaves_no_learning_behind(tmp_path: Path) -> None:
    program = tmp_path / "killed.py"
    program.write_text(KILLED)
    done = subprocess.run(
        [sys.executable, str(program)], capture_output=True, text=True, timeout=90,
        check=False, env={**os.environ, "PYTHONPATH": os.getcwd()},
    )  # fmt: skip
    children = json.loads(done.stdout.splitlines()[-1])
    assert children, done.stderr
    deadline = time.monotonic() + 20
    while any(psutil.pid_exists(child) for child in children):
        assert time.monotonic() < deadline, "it learns on, for nobody"
        time.sleep(0.05)
