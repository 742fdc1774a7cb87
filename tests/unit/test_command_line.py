"""What somebody gets who mistypes a command: one sentence, its status, nothing harmed."""

import errno
import os
from collections.abc import Callable
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

import cli
from cli import main as command_line
from cli.data import whole
from cli.doctor import broker_certificate, names_of_events
from cli.gateways import profiles_of
from cli.home import (
    BrokerPlan,
    Home,
    HomeSettings,
    MosquittoPlan,
    open_home,
    the_only_one,
    write_mosquitto,
)
from cli.site import renew
from cli.supervisor import last_line
from edge.bootstrap import check, check_files
from edge.settings import EdgeSettings
from firmware_sim.devices.modbus import Pty
from greenwater.kernel.clock import SteppedClock, SystemClock
from greenwater.kernel.errors import ConfigError, ConflictError
from greenwater.kernel.settings import load_toml
from greenwater.storage.registry import open_registry
from ingest.brokers import tls
from tests.templates import empty_registry
from traceability.epcis.naming import name_under

Run = Callable[..., tuple[int, str]]
BOX = 'device = "box-1"\nbroker_url = "mqtt://127.0.0.1"\n'
PROBE = '[[buses.probes]]\nid = "{}"\nprofile = "supmea_do7013"\nunit = 3\n'


PROFILE = Path(cli.__file__).parents[1] / "ingest/profiles/chirpstack_v4.toml"
UP = "gw/1/+/up/+/+"


@pytest.fixture
def run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Run:
    """Run `greenwater …` in an empty folder; return its status and its last line."""
    (tmp_path / "var").mkdir()
    monkeypatch.setenv("GREENWATER_HOME", "var")
    monkeypatch.chdir(tmp_path)

    def greenwater(*words: str) -> tuple[int, str]:
        monkeypatch.setattr("sys.argv", ["greenwater", *words])
        with pytest.raises(SystemExit) as ended:
            command_line.main()
        said = capsys.readouterr()
        lines = [one for one in (said.err or said.out).splitlines() if one.strip()]
        return int(ended.value.code or 0), lines[-1] if lines else ""

    return greenwater


@pytest.mark.parametrize(
    ("words", "status", "part"),
    [
        ("device add", 2, "name the device and its --site"),
        ("device add box-1 --csv a.csv", 2, "not both"),
        ("device add --csv none.csv", 2, "none.csv cannot be read: No such file"),
        ("device add --csv .", 2, ". cannot be read: Is a directory"),
        ("device add --csv semicolon.csv", 2, "no column 'device' among device;site"),
        ("device add --csv latin.csv", 2, "latin.csv is not UTF-8 text"),
        ("device add --csv nobody.csv", 2, "no device below its first line"),
        ("device add --csv bad.csv", 2, "bad.csv, line 3: device id 'A b'"),
        ("demo --folder .", 78, "holds something already, an earlier demo perhaps: name"),
        ("demo --folder latin.csv", 78, "--folder latin.csv: Not a directory"),
        (
            "device add lora --site here --speaks zigbee",
            78,
            "no mapping profile 'zigbee'; there are: chirpstack_v4, or a path",
        ),
        ("device add lora --site x --speaks own.toml", 78, "topic 'gw/1/+/up/+/+'"),
        ("device resend all --since yesterday", 2, "--since 'yesterday': write 2026"),
        (
            "export --device box-1 --from 2026-02-01T00:00:00Z --to 2026-01-01T00:00:00Z",
            2,
            "is not before --to 2026-01-01",
        ),
        ("edge run --config none.toml", 78, "cannot read none.toml"),
        ("edge run --log-level shout", 78, "log level 'shout' is not debug"),
        ("edge scan --bus usb0", 2, "bus 'usb0': write tcp:HOST:PORT"),
        ("edge scan --bus tcp:127.0.0.1:99999", 2, "write tcp:HOST:PORT"),
        ("edge scan --bus rtu:/dev/none:9600:Q", 2, "rtu:DEVICE:BAUD:PARITY"),
        ("edge scan --bus rtu:/dev/none", 69, "/dev/none cannot be opened: [Errno 2]"),
        ("edge scan --bus tcp:127.0.0.1:1", 69, "cannot be opened: Connection to"),
        ("edge scan --bus tcp:127.0.0.1:1 --first 9 --last 3", 2, "--first 9 is beyond"),
        ("sim run healthy-farm --start gestern", 2, "--start 'gestern': write 2026"),
        ("sim run healthy-farm --ports bad.json", 2, "bad.json: "),
        ("sim run healthy-farm --ports other.json", 2, "is not in it"),
        ("sim probe --map supmea_do7013 --value ph=7", 2, "--value ph: Supmea"),
        ("sim probe --map supmea_do7013 --pty latin.csv", 78, "latin.csv is there already"),
        ("sim box x --scenario healthy-farm --config none.toml", 78, "no device 'x'"),
        ("sim fleet --passwords semicolon.csv", 2, "no column 'device'"),
        ("sim bench --ports abc --channels ph", 2, "--ports 'abc': write numbers"),
        ("sim bench --ports 0 --channels pH", 2, "'pH' is none of temperature"),
    ],
)  # fmt: skip
def test_a_wrong_word_is_named_and_says_what_to_do(
    run: Run, words: str, status: int, part: str
) -> None:
    Path("semicolon.csv").write_text("device;site\nbox-1;here\n")
    own = PROFILE.read_text().replace("application/+/device/+/event/up", UP)
    Path("own.toml").write_text(own)
    Path("latin.csv").write_bytes(b"device,site\n\xe0o,here\n")
    Path("nobody.csv").write_text("device,site\n\n")
    Path("bad.csv").write_text("device,site\nbox-1,here\nA b,here\n")
    Path("bad.json").write_text('{"x": 1')
    Path("other.json").write_text('{"x": [1, 2]}')
    got, said = run(*words.split())
    assert (got, part in said) == (status, True), said
    assert Path("latin.csv").read_bytes().startswith(b"device")


def test_a_table_from_a_spreadsheet_is_read(run: Run) -> None:
    empty_registry(Path("var/registry.db"))
    Path("excel.csv").write_bytes("\ufeffdevice,site\r\nbox-2,trại\r\n".encode())
    assert run("device", "add", "--csv", "excel.csv") == (
        2,
        "greenwater: site trại is not registered; no farm has been added on the pages",
    )


def test_a_gateway_of_other_make_is_added_with_its_profile(run: Run) -> None:
    with open_registry(empty_registry(Path("var/registry.db"))) as registry:
        registry.add_organisation("ho", "Hộ Lan")
        registry.add_site("trai", organisation="ho", name="Trại")
    assert run("device", "add", "lora", "--site", "trại")[1].endswith("there are: trai")
    home = Home(HomeSettings(home=Path("var")))
    (home.path / "broker").mkdir()
    home.keep_plan(BrokerPlan(1883, 4222))
    words = ("device", "add", "lora", "--site", "trai", "--speaks", "chirpstack_v4")
    assert run(*words) == (
        0,
        "start ingest (or up) again: it hears this gateway then",
    )
    assert profiles_of(home.path) == ("chirpstack_v4",)
    told = (home.path / "broker/nats.conf").read_text()
    assert told.count("application.*.device.*.event.up") == 2  # who says, who hears
    assert run("device", "revoke", "lora")[0] == 0
    assert "application" not in (home.path / "broker/nats.conf").read_text()


@pytest.mark.parametrize(
    ("went_wrong", "status", "part"),
    [
        (RuntimeError("oh"), os.EX_SOFTWARE, "our fault"),
        (OSError(errno.EBADF, "Bad file descriptor"), os.EX_SOFTWARE, "our fault"),
        (OSError(errno.ENOSPC, "No space left"), os.EX_UNAVAILABLE, "No space left"),
        (PermissionError(errno.EACCES, "Denied", "x.csv"), 2, "x.csv: Denied"),
        (
            ModuleNotFoundError("no", name="sqlalchemy.orm"),
            os.EX_CONFIG,
            "doctor needs sqlalchemy.orm, which is not installed here: "
            "pip install 'greenwater[platform,analytics,labels]'",
        ),
        (ModuleNotFoundError("no", name="cli.gone"), os.EX_SOFTWARE, "our fault"),
    ],
)
def test_what_nobody_foresaw_has_its_status_too(
    run: Run,
    monkeypatch: pytest.MonkeyPatch,
    went_wrong: Exception,
    status: int,
    part: str,
) -> None:
    def fail(_home: object) -> None:
        raise went_wrong

    monkeypatch.setattr("cli.doctor.examine", fail)
    got, said = run("doctor")
    assert (got, part in said) == (status, True), said


def test_a_home_that_is_a_file_is_named(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("GREENWATER_HOME", "file")
    got, said = run("doctor")
    assert got == os.EX_CONFIG
    assert said.endswith("/file cannot be a folder: File exists")


def test_of_one_folder_only_one_platform_runs(tmp_path: Path) -> None:
    home = Home(HomeSettings(home=tmp_path))
    with (
        the_only_one(home),
        pytest.raises(ConfigError, match="another Greenwater runs in /"),
        the_only_one(home),
    ):
        pass
    with the_only_one(home):  # it is free again
        pass


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ('[[buses]]\nname = "a"\n[[buses]]\nname = "a"\n', "bus 'a' is configured twice"),
        (
            '[[buses]]\nname = "a"\n' + PROBE.format("p") + PROBE.format("q"),
            "bus a: unit and profile '3 supmea_do7013' is configured twice",
        ),
        ('[[nmea]]\nid = "g"\nkind = "serial"\n', "positions g: serial needs device"),
        (
            '[[buses]]\nname = "a"\nkind = "rtu"\ndevice = "/dev/x"\n'
            '[[nmea]]\nid = "g"\nkind = "serial"\ndevice = "/dev/x"\n',
            "serial line '/dev/x' is configured twice",
        ),
        (
            '[[buses]]\nname = "a"\n'
            + '[[outputs]]\nid = "o"\nbus = "a"\nunit = 2\n' * 2,
            "output 'o' is configured twice",
        ),
    ],
)  # fmt: skip
def test_a_box_that_could_not_work_is_refused(
    tmp_path: Path, text: str, part: str
) -> None:
    (tmp_path / "edge.toml").write_text(BOX + text)
    with pytest.raises(ConfigError) as refused:
        check(load_toml(EdgeSettings, tmp_path / "edge.toml"))
    assert part in str(refused.value)


@pytest.mark.parametrize("content", [None, "no certificate"])
def test_an_authority_that_cannot_be_read_is_refused_before_anything_is_opened(
    tmp_path: Path, content: str | None
) -> None:
    settings = EdgeSettings(
        device="box-1", broker_url="mqtts://farm.example", ca_file=tmp_path / "ca.pem"
    )
    if content is not None:
        (tmp_path / "ca.pem").write_text(content)
    with pytest.raises(ConfigError, match=r"broker's authority in .*ca\.pem"):
        check_files(settings)
    made = tls.ensure(tmp_path / "tls", ["farm.example"], SystemClock().now())
    (tmp_path / "ca.pem").write_bytes(made.ca.read_bytes())
    check_files(settings)


def test_a_link_is_replaced_and_a_file_is_not(tmp_path: Path) -> None:
    (tmp_path / "line").symlink_to(tmp_path / "gone")
    line = Pty(tmp_path / "line")
    line.close()
    (tmp_path / "line").write_text("precious")
    with pytest.raises(ConfigError, match="line is there already"):
        Pty(tmp_path / "line")
    with pytest.raises(ConfigError, match=r"cannot link .*No such file"):
        Pty(tmp_path / "nowhere" / "line")
    assert (tmp_path / "line").read_text() == "precious"


def test_a_stepped_clock_writes_over_nothing_else(tmp_path: Path) -> None:
    path, now = tmp_path / "rows.csv", datetime(2026, 6, 1, tzinfo=UTC)
    path.write_text("time,ph\n2026-01-01T00:00:00Z,8.1\n")
    with pytest.raises(ConfigError, match=r"rows.csv is not a stepped clock"):
        SteppedClock(path, start=now)
    assert path.read_text().startswith("time,ph")
    SteppedClock(tmp_path / "clock", start=now)
    assert SteppedClock(tmp_path / "clock", start=now).now() == now


def test_an_export_that_breaks_off_leaves_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "pond.csv"
    with whole(path) as file:
        file.write(b"all of it")

    def break_off() -> None:
        with whole(path) as file:
            file.write(b"half")
            raise OSError(errno.ENOSPC, "No space left")

    with pytest.raises(OSError, match="No space"):
        break_off()
    assert [one.name for one in tmp_path.iterdir()] == ["pond.csv"]
    assert path.read_bytes() == b"all of it"
    with whole(Path(os.devnull)) as file:
        file.write(b"gone")


def test_why_a_part_ended_is_its_logs_last_line(tmp_path: Path) -> None:
    assert last_line(tmp_path / "none.log") == ""
    (tmp_path / "a.log").write_text("x" * 5_000 + "\ngreenwater: no such bucket\n\n")
    assert last_line(tmp_path / "a.log") == "greenwater: no such bucket"


def test_brokers_files_are_written_as_last_time_and_move_with_the_home(
    run: Run, tmp_path: Path
) -> None:
    empty_registry(tmp_path / "var" / "registry.db")
    assert run("broker-files")[0] == 78, "nothing was said before"
    words = ("--host", "farm.example", "--device-port", "8884")
    assert run("broker-files", str(tmp_path / "var" / "mosquitto"), *words)[0] == 0
    config = tmp_path / "var" / "mosquitto" / "mosquitto.conf"
    before = config.read_text()
    config.unlink()
    assert run("broker-files")[0] == 0
    assert config.read_text() == before
    (tmp_path / "var").rename(tmp_path / "restored")
    moved = Home(HomeSettings(home=tmp_path / "restored")).mosquitto()
    assert moved is not None
    assert moved.folder == tmp_path / "restored" / "mosquitto"


def test_the_brokers_certificate_is_renewed_before_boxes_are_shut_out(
    run: Run, tmp_path: Path
) -> None:
    home, now = Home(HomeSettings(home=Path("var"))), SystemClock().now()
    served = tmp_path / "var" / "mosquitto" / "server.pem"
    with open_registry(empty_registry(home.path / "registry.db")) as registry:
        plan = MosquittoPlan(
            folder=served.parent, service_port=1, device_port=2, hosts=("farm.example",)
        )
        write_mosquitto(home, registry, plan)
        home.keep_mosquitto(plan)
        new = served.read_text()
        renew(home, registry, now)
        assert served.read_text() == new
        (home.path / "tls" / "server.pem").unlink()
        made_at = now - timedelta(days=tls.SERVER_DAYS - tls.RENEW_DAYS + 1)
        tls.ensure(home.path / "tls", ["farm.example", "127.0.0.1"], made_at)
        renew(home, registry, now)
        assert served.read_text() not in (new, "")


@pytest.mark.parametrize(
    ("url", "domains", "said"),
    [
        ("https://ca.khanhhoa.vn", "ca.khanhhoa.vn,cu.vn", "under ca.khanhhoa.vn"),
        ("https://ca.khanhhoa.vn", "greenwater.example", "under greenwater.example"),
        ("https://ca.khanhhoa.vn:8443", "", "set GREENWATER_NAME_DOMAINS, to ca.khanhhoa.vn if"),
        ("http://192.168.1.5:8000", "", "under greenwater.example"),
        ("http://ao.local:8000", "", "under greenwater.example"),
        ("http://maychu:8000", "", "under greenwater.example"),
        ("", "", "under greenwater.example"),
    ],
)  # fmt: skip
def test_doctor_says_whose_names_trace_events_give(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, url: str, domains: str, said: str
) -> None:
    monkeypatch.setenv("GREENWATER_HOME", str(tmp_path))
    monkeypatch.setenv("GREENWATER_PUBLIC_URL", url)
    monkeypatch.setenv("GREENWATER_NAME_DOMAINS", domains)
    try:
        home = open_home()
        with (
            pytest.raises(ConflictError, match=said) if "set" in said else nullcontext()
        ):
            assert names_of_events(home) == said
    finally:
        name_under(())


def test_doctor_says_in_time_that_boxes_will_be_shut_out(
    run: Run, tmp_path: Path
) -> None:
    empty_registry(tmp_path / "var" / "registry.db")
    url = f"sqlite:///{tmp_path}/var/registry.db"
    with open_registry(url) as registry:
        registry.raise_operator_alarm("cloned-box", "box-1", "boots \x1b[2J and b", 1)
    assert run("doctor") == (
        69,
        "alarms      WRONG: cloned-box box-1: boots ?[2J and b",
    )
    home, now = Home(HomeSettings(home=Path("var"))), SystemClock().now()
    assert broker_certificate(home) == "none of ours"
    for days, is_late in ((31, False), (29, True)):
        (home.path / "tls" / "server.pem").unlink(missing_ok=True)
        made_at = now - timedelta(days=tls.SERVER_DAYS - days)
        tls.ensure(home.path / "tls", ["farm.example"], made_at)
        with pytest.raises(ConflictError) if is_late else nullcontext():
            assert broker_certificate(home).startswith("of the broker, until 20")
