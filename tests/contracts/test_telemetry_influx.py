"""What only a real InfluxDB 1.6.7 shows: its traps, its limits, its users, its death."""

import itertools
import tracemalloc
import urllib.parse
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from structlog.testing import capture_logs

from greenwater.kernel.channels import Channel, Measurement
from greenwater.kernel.errors import ConfigError, InputError, UnavailableError
from greenwater.kernel.ids import DeviceId, ProbeId, WorkerId
from greenwater.kernel.reading import Reading
from greenwater.storage.telemetry import open_telemetry
from greenwater.storage.telemetry.ports import Bucket, Intake, Series, Span, Telemetry
from tests.conftest import started
from tests.live import scripted_influx as script
from tests.live.scripted_influx import ScriptedInflux, running
from tests.servers import Influx

pytestmark = pytest.mark.live

T0 = 1_764_000_000_000
HOUR = 3_600_000
POND = Series(DeviceId("box-1"), ProbeId("pond"))
ALWAYS = Span(POND, 0, 2**62)
NUMBERS = itertools.count()


class Configured(Influx):
    """A server with another line of configuration in place of one of ours."""

    change = ("", "")

    def argv(self) -> tuple[Sequence[str], dict[str, str]]:
        argv = super().argv()
        config = self.folder / "influxdb.conf"
        text = config.read_text()
        config.write_text(text.replace(*self.change))
        return argv


@pytest.fixture
def url(influx: Influx) -> str:
    return influx.url(f"real{next(NUMBERS)}")


@pytest.fixture
def store(url: str) -> Iterator[Telemetry]:
    opened = open_telemetry(url)
    yield opened
    opened.close()


def reading(taken_ms: int, value: float | None = 1.0) -> Reading:
    return Reading(*POND, Channel.PH, taken_ms, value)


def lines(url: str, text: str) -> None:
    address = urlsplit(url)
    urllib.request.urlopen(
        f"http://{address.netloc}/write?db={address.path[1:]}&precision=ms",
        text.encode(),
        timeout=10,
    ).close()


def command(port: int, text: str, user: str = "", database: str = "") -> str:
    asked = {"db": database} | ({"u": user, "p": user} if user else {})
    with urllib.request.urlopen(
        f"http://127.0.0.1:{port}/query?{urllib.parse.urlencode(asked)}",
        urllib.parse.urlencode({"q": text}).encode(),
        timeout=10,
    ) as response:
        return str(response.read().decode())


def test_flags_beside_a_value_outlive_every_raw_write(
    url: str, store: Telemetry, influx: Influx
) -> None:
    store.write([reading(T0)])
    lines(url, f"water,device=box-1,probe=pond ph_flag=4i,ph_tests=1423i {T0}")
    asked = "SELECT ph_flag, ph_tests FROM water"
    for value in (1.0, None, 2.0):
        store.write([reading(T0, value)])
        answer = command(influx.port, asked, database=urlsplit(url).path[1:])
        assert ",4,1423]]" in answer
        assert [r.value for r in store.read(ALWAYS)] == [value]


def test_a_flag_where_no_reading_is_makes_no_reading(
    url: str, store: Telemetry
) -> None:
    store.write([reading(T0)])
    lines(url, f"water,device=box-1,probe=pond ph_flag=9i {T0 + 5}")
    assert list(store.read(ALWAYS)) == [reading(T0)]
    assert store.newest([POND]) == {POND: T0}
    assert list(store.latest(POND.device)) == [reading(T0)]


def test_a_field_of_another_type_is_refused_and_the_rest_is_stored(
    url: str, store: Telemetry
) -> None:
    lines(url, f"water,device=other,probe=p temperature=7i {T0}")
    with pytest.raises(InputError, match="field type conflict"):
        store.write([Reading(*POND, Channel.TEMPERATURE, T0, 20.0), reading(T0 + 1)])
    assert list(store.read(ALWAYS)) == [reading(T0 + 1)]


def test_a_database_that_vanishes_is_unavailable_and_not_made_anew(
    url: str, store: Telemetry, influx: Influx
) -> None:
    name = urlsplit(url).path[1:]
    command(influx.port, f'DROP DATABASE "{name}"')
    with pytest.raises(UnavailableError, match="database not found"):
        store.write([reading(T0)])
    with pytest.raises(UnavailableError, match="database not found"):
        store.newest([POND])
    assert name not in command(influx.port, "SHOW DATABASES")


def test_a_database_that_forgets_is_refused_at_the_start(
    url: str, influx: Influx
) -> None:
    name = urlsplit(url).path[1:]
    command(influx.port, f'CREATE DATABASE "{name}" WITH DURATION 30d NAME "month"')
    with pytest.raises(ConfigError, match=r"month of .* forgets after 720h0m0s"):
        open_telemetry(url)
    command(
        influx.port,
        f'CREATE RETENTION POLICY "all" ON "{name}" DURATION INF REPLICATION 1',
    )
    store = open_telemetry(f"{url}?rp=all")
    store.write([reading(T0)])
    store.record(
        [Intake(WorkerId("w"), 1, POND.device, "o", 1, 1, 1, 0, 0, 0, 0, 0, 1)]
    )
    assert list(store.read(ALWAYS)) == [reading(T0)]
    assert len(store.intake_after({}, 9)) == 1
    store.close()


def test_an_answer_longer_than_the_servers_row_limit_is_still_whole(
    tmp_path: Path,
) -> None:
    server = Configured(tmp_path)
    server.change = ("[http]", "[http]\n max-row-limit = 50")
    with started(server), closing(open_telemetry(server.url("t"))) as store:
        readings = [reading(T0 + n) for n in range(7_000)]
        store.write(readings)
        assert list(store.read(ALWAYS)) == readings
        assert len(store.read_many([ALWAYS])) == 7_000


def test_a_limit_on_series_refuses_the_new_ones_only_and_is_loud(
    tmp_path: Path,
) -> None:
    server = Configured(tmp_path)
    server.change = ("max-values-per-tag = 0", "max-values-per-tag = 3")
    with started(server), closing(open_telemetry(server.url("t"))) as store:
        boxes = [
            Reading(DeviceId(f"box-{n}"), ProbeId("p"), Channel.PH, T0, 7.0)
            for n in range(3)
        ]
        store.write(boxes)
        new = Reading(DeviceId("box-9"), ProbeId("p"), Channel.PH, T0, 7.0)
        again = Reading(boxes[0].device, boxes[0].probe, Channel.PH, T0 + 1, 7.0)
        with capture_logs() as logs, pytest.raises(InputError, match=r"limit exceeded"):
            store.write([new, again])
        assert [entry["event"] for entry in logs] == ["telemetry.limit_reached"]
        assert store.newest([Series(again.device, again.probe)]) != {}
        assert list(store.latest(new.device)) == []
        store.write([again])


def test_a_killed_server_has_all_that_was_acknowledged(tmp_path: Path) -> None:
    server = Influx(tmp_path)
    with started(server), closing(open_telemetry(server.url("t"))) as store:
        for n in range(50):
            store.write([reading(T0 + n)])
        server.kill()
        with pytest.raises(UnavailableError):
            store.write([reading(T0 + 50)])
        server.start()
        assert [r.taken_ms - T0 for r in store.read(ALWAYS)] == list(range(50))
        store.write([reading(T0 + 50)])


def test_users_rights_decide_what_is_made_and_what_is_refused(tmp_path: Path) -> None:
    server = Configured(tmp_path)
    server.change = ("[http]", "[http]\n auth-enabled = true")
    with started(server):
        at, boss = f"127.0.0.1:{server.port}", "boss"
        command(
            server.port, "CREATE USER boss WITH PASSWORD 'boss' WITH ALL PRIVILEGES"
        )
        command(server.port, "CREATE USER clerk WITH PASSWORD 'clerk'", boss)
        for who in ("", "clerk:guess@", "clerk:clerk@"):
            with pytest.raises(ConfigError, match="InfluxDB refuses"):
                open_telemetry(f"influxdb://{who}{at}/t")
        open_telemetry(f"influxdb://boss:boss@{at}/t").close()
        command(server.port, "GRANT ALL ON t TO clerk", boss)
        with closing(open_telemetry(f"influxdb://clerk:clerk@{at}/t")) as store:
            store.write([reading(T0)])
            store.trim_intake(WorkerId("w"), 5)
            store.retain(Measurement.WATER, T0 - HOUR)
            assert list(store.read(ALWAYS)) == [reading(T0)]
            command(server.port, "REVOKE ALL ON t FROM clerk", boss)
            with pytest.raises(UnavailableError, match="403"):
                store.write([reading(T0 + 1)])


def test_a_long_export_streams_in_bounded_memory(store: Telemetry) -> None:
    def peak_of(total: int) -> int:
        tracemalloc.start()
        try:
            assert sum(1 for _ in store.read(Span(POND, T0, T0 + total))) == total
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    for start in range(0, 60_000, 20_000):
        store.write([reading(T0 + n) for n in range(start, start + 20_000)])
    assert peak_of(60_000) < 1.2 * peak_of(15_000)


@pytest.mark.parametrize("fault", [script.cut_unanswered, script.cut_late])
def test_retention_interrupted_anywhere_loses_and_doubles_nothing(
    influx: Influx, fault: script.Fault
) -> None:
    week = 7 * 24 * HOUR
    hours = [0, 1, 2, 3, 2 * week // HOUR, 2 * week // HOUR + 1]
    readings = [reading(T0 + n * HOUR + 7, n / 8) for n in hours]
    end_ms = T0 + 3 * week
    steps = 0
    while True:
        url = influx.url(f"cut{next(NUMBERS)}")
        open_telemetry(url).close()
        scripted = ScriptedInflux(
            upstream=f"http://{urlsplit(url).netloc}", database=urlsplit(url).path[1:]
        )
        with running(scripted):
            store = open_telemetry(scripted.url)
            store.write(readings)
            before = store.downsample(ALWAYS, Channel.PH, 24 * HOUR)
            scripted.script.extend([script.nothing] * steps + [fault])
            try:
                store.retain(Measurement.WATER, end_ms)
            except UnavailableError:
                is_whole = False
            else:
                is_whole = True
            scripted.script.clear()
            assert_same(store.downsample(ALWAYS, Channel.PH, 24 * HOUR), before)
            store.retain(Measurement.WATER, end_ms)
            assert_same(store.downsample(ALWAYS, Channel.PH, 24 * HOUR), before)
            assert list(store.read(ALWAYS)) == []
            store.close()
        if is_whole:
            break
        steps += 1
    # The state; twice: find, find, roll up, write, find, say, delete, say. The count is
    # asserted so that the loop is known to cover them all.
    assert steps == 1 + 2 * 8


def assert_same(found: Sequence[Bucket], wanted: Sequence[Bucket]) -> None:
    assert len(found) == len(wanted)
    for one, other in zip(found, wanted, strict=True):
        assert one == pytest.approx(other)
