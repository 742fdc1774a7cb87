"""What InfluxDB's every way of failing becomes for the caller."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import format_datetime

import pytest
from structlog.testing import capture_logs

from greenwater.kernel.channels import Channel
from greenwater.kernel.errors import ConfigError, InputError, UnavailableError
from greenwater.kernel.ids import DeviceId, ProbeId, WorkerId
from greenwater.kernel.quality import Flag, Flagged
from greenwater.kernel.reading import Gap, Reading
from greenwater.storage.telemetry import open_telemetry
from greenwater.storage.telemetry.ports import Intake, Series, Span, Telemetry
from tests.live import scripted_influx as script
from tests.live.scripted_influx import (
    BUCKET,
    ORG,
    TOKEN,
    Fault,
    ScriptedInflux,
    running,
)

T0 = 1_764_000_000_000
POND = Series(DeviceId("box-1"), ProbeId("pond"))
GOOD = Reading(*POND, Channel.TEMPERATURE, T0, 20.5)
TAGS = (("device", "box-1"), ("probe", "pond"))
ROW = ("water", TAGS, T0 * 10**6)


@pytest.fixture
def server() -> Iterator[ScriptedInflux]:
    with running(ScriptedInflux()) as scripted:
        yield scripted


@pytest.fixture
def store(server: ScriptedInflux) -> Iterator[Telemetry]:
    opened = open_telemetry(f"{server.url}&timeout_s=1")
    yield opened
    opened.close()


def intake(sequence: int) -> Intake:
    return Intake(
        WorkerId("w"), sequence, POND.device, "o" * 16, 1, 2, 3, 0, 0, 0, T0, T0, T0
    )


def test_a_write_is_one_gzipped_request_with_token_org_bucket_and_precision(
    server: ScriptedInflux, store: Telemetry
) -> None:
    store.write([GOOD, Reading(*POND, Channel.PH, T0, 7.0)])
    (asked,) = server.writes
    assert asked.query == {"org": ORG, "bucket": BUCKET, "precision": "ms"}
    assert asked.headers["Authorization"] == f"Token {TOKEN}"
    assert asked.headers["Content-Encoding"] == "gzip"
    assert server.points == {ROW: {"temperature": 20.5, "ph": 7.0}}


def test_everything_that_is_written_is_line_protocol_to_the_letter(
    server: ScriptedInflux, store: Telemetry
) -> None:
    values = [0.0, -1.5, 1e-300, 1e22, 5e-324, 3.4e38]
    store.write(
        [Reading(*POND, Channel.PH, T0 + n, value) for n, value in enumerate(values)],
        [Gap(*POND, T0, T0 + 5, 3, 'a "b", c=d \\ é')],
    )
    store.record([intake(1)])
    ph = {
        time_ns // 10**6 - T0: fields["ph"]
        for (measurement, _, time_ns), fields in server.points.items()
        if measurement == "water"
    }
    assert ph == dict(enumerate(values))
    assert [
        (time_ns // 10**6, fields)
        for (measurement, _, time_ns), fields in server.points.items()
        if measurement == "gap"
    ] == [(T0, {"end": T0 + 5, "count": 3, "reason": 'a "b", c=d \\ é'})]


def later(seconds: int) -> str:
    at = datetime(2026, 6, 1, 0, 0, seconds, tzinfo=UTC)
    return format_datetime(at, usegmt=True)


REFUSED = {"code": "invalid", "message": "unable to parse 'x': no fields, line 1"}
PAGE = b"<html><body>nginx says no</body></html>"

UNAVAILABLE: list[tuple[Fault, str]] = [
    (
        script.status(500, {"code": "internal error", "message": "engine closed"}),
        "engine",
    ),
    (script.status(500, b""), "500"),
    (script.status(502, PAGE), "nginx says no"),
    (script.status(503, {"message": "service is starting"}), "starting"),
    (script.status(504, PAGE), "504"),
    (script.status(400, PAGE), "nginx says no"),
    (script.status(422, PAGE), "422"),
    (script.status(401, {"code": "unauthorized", "message": "expired"}), "expired"),
    (script.status(403, {"code": "forbidden", "message": "read only"}), "read only"),
    (script.status(404, {"message": 'bucket "telemetry" not found'}), "not found"),
    (script.status(408, PAGE), "408"),
    (script.status(302, b"", headers={"Location": "http://127.0.0.1:1/"}), "302"),
    (script.frozen, "did not answer"),
    (script.cut_unanswered, "did not answer"),
    (script.cut_in_body, "did not answer"),
    (script.cut_in_chunk, "did not answer"),
    (script.cut_after_a_chunk, "did not answer"),
    (script.trickling, "when time was up"),
]


@pytest.mark.parametrize(("fault", "says"), UNAVAILABLE)
def test_what_may_pass_is_unavailable_and_doing_it_again_stores_it(
    server: ScriptedInflux, store: Telemetry, fault: Fault, says: str
) -> None:
    server.script.append(fault)
    started_s = time.monotonic()
    with pytest.raises(UnavailableError, match=says) as caught:
        store.write([GOOD])
    assert time.monotonic() - started_s < 15  # and would be 20 if it waited for all
    assert caught.value.retry_after_s is None
    assert TOKEN not in str(caught.value)
    store.write([GOOD])
    assert server.points == {ROW: {"temperature": 20.5}}


@pytest.mark.parametrize(("fault", "says"), UNAVAILABLE)
def test_no_way_of_failing_to_answer_a_query_looks_like_an_empty_store(
    server: ScriptedInflux, store: Telemetry, fault: Fault, says: str
) -> None:
    for ask in (
        lambda: list(store.read(Span(POND, 0, T0))),
        lambda: store.read_many([Span(POND, 0, T0)]),
        lambda: store.newest([POND]),
        lambda: store.intake_after({}, 10),
        lambda: store.last_sequence(WorkerId("w")),
    ):
        if fault in (script.frozen, script.trickling) and len(server.asked) > 4:
            break
        server.script.append(fault)
        with pytest.raises(UnavailableError):
            ask()


@pytest.mark.parametrize(
    "document",
    [
        {"results": [{"statement_id": 0, "error": "query interrupted"}]},
        {"error": "query timeout reached"},
        {"code": "invalid", "message": "no results"},
        b"{}garbage",
        b'{"results":[{"series":[{"tags":{"worker":"w"},"columns":["time","last"],'
        b'"values":[[1,"x"]],'
        b'"partial":true}],"partial":true}]}',
    ],
)
def test_an_answer_that_is_an_error_or_cut_short_is_unavailable(
    server: ScriptedInflux, store: Telemetry, document: object
) -> None:
    server.script.append(script.status(200, document))
    with pytest.raises(UnavailableError, match="InfluxDB"):
        store.last_sequence(WorkerId("w"))


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "7"}, 7.0),
        ({"Retry-After": "0.5"}, 0.5),
        ({"Retry-After": later(30), "Date": later(10)}, 20.0),
        ({"Retry-After": later(10), "Date": later(30)}, 0.0),
        ({"Retry-After": "soon"}, None),
        ({}, None),
    ],
)
@pytest.mark.parametrize("code", [429, 503])
def test_how_long_to_wait_is_what_the_server_said(
    server: ScriptedInflux,
    store: Telemetry,
    code: int,
    headers: dict[str, str],
    seconds: float | None,
) -> None:
    server.script.append(script.status(code, {"message": "wait"}, headers=headers))
    with pytest.raises(UnavailableError, match="wait") as caught:
        store.write([GOOD])
    assert caught.value.retry_after_s == seconds


@pytest.mark.parametrize("code", [400, 413, 422])
def test_what_the_server_itself_refuses_is_an_input_error_in_its_words(
    server: ScriptedInflux, store: Telemetry, code: int
) -> None:
    server.script.append(script.status(code, REFUSED))
    with pytest.raises(InputError, match="no fields, line 1"):
        store.write([GOOD])


def test_a_proxy_that_finds_a_body_too_large_makes_the_caller_bisect(
    server: ScriptedInflux, store: Telemetry
) -> None:
    server.script.append(script.status(413, PAGE))
    with pytest.raises(InputError, match="413"):
        store.write([GOOD])


def test_of_a_partial_write_the_rest_is_stored(
    server: ScriptedInflux, store: Telemetry
) -> None:
    server.oldest_ms = T0
    old = Reading(*POND, Channel.PH, T0 - 1, 7.0)
    with pytest.raises(InputError, match="beyond retention policy dropped=1"):
        store.write([old, GOOD])
    assert server.points == {ROW: {"temperature": 20.5}}


def test_a_flag_that_the_store_will_not_have_is_told_and_the_others_are_kept(
    server: ScriptedInflux, store: Telemetry
) -> None:
    server.oldest_ms = T0
    flags = [Flagged(*POND, Channel.PH, T0 + at, Flag.GOOD, 1) for at in (-1, 0)]
    with capture_logs() as said:
        store.write_flags(flags)
    assert [one["event"] for one in said] == ["telemetry.finding_refused"]
    assert server.points == {ROW: {"ph_flag": 1, "ph_tests": 1}}


def test_a_field_of_another_type_is_refused_with_its_name(
    server: ScriptedInflux, store: Telemetry
) -> None:
    server.types["water", "ph"] = int
    with pytest.raises(InputError, match='conflict: input field "ph"'):
        store.write([GOOD, Reading(*POND, Channel.PH, T0 + 1, 7.0)])
    assert ROW in server.points


def test_intake_in_a_store_that_forgets_is_an_operators_matter(
    server: ScriptedInflux, store: Telemetry
) -> None:
    server.oldest_ms = T0
    with pytest.raises(ConfigError, match="must keep everything"):
        store.record([intake(1)])


def test_refused_credentials_are_loud(server: ScriptedInflux, store: Telemetry) -> None:
    server.script.append(script.status(401, {"message": "token expired"}))
    with capture_logs() as logs, pytest.raises(UnavailableError):
        store.write([GOOD])
    (entry,) = logs
    assert entry["event"] == "telemetry.credentials_refused"
    assert entry["log_level"] == "error"
    assert TOKEN not in repr(logs)


def test_wrong_credentials_at_the_start_are_a_matter_for_the_operator(
    server: ScriptedInflux,
) -> None:
    url = f"influxdb://:wrong-secret@127.0.0.1:{server.port}/{BUCKET}?org=o"
    with pytest.raises(ConfigError, match="unauthorized access") as caught:
        open_telemetry(url)
    assert "wrong-secret" not in str(caught.value)


def test_influxdb_2_without_an_organisation_is_refused_at_the_start(
    server: ScriptedInflux,
) -> None:
    with pytest.raises(ConfigError, match=r"add \?org=ORGANISATION"):
        open_telemetry(server.url.split("?")[0])


def test_a_server_that_is_down_at_the_start_is_reached_later() -> None:
    with running(ScriptedInflux()) as scripted:
        url = scripted.url
        scripted.script.append(script.cut_unanswered)
        store = open_telemetry(url)
        store.write([GOOD])
        assert ROW in scripted.points
        store.close()
    store = open_telemetry(url)
    with pytest.raises(UnavailableError, match="did not answer"):
        store.write([GOOD])
    store.close()
    with pytest.raises(UnavailableError):
        store.write([GOOD])


MISSING = {"results": [{"statement_id": 0, "error": "database not found: telemetry"}]}


def test_a_database_that_may_not_be_created_is_a_matter_for_the_operator() -> None:
    with running(ScriptedInflux(version="1.6.7")) as scripted:
        scripted.script.append(script.status(200, MISSING))
        scripted.script.append(script.status(403, {"error": "requires admin"}))
        with pytest.raises(ConfigError, match="create it, or give the rights"):
            open_telemetry(scripted.url)


def policies(duration: str, name: str = "autogen", default: bool = True) -> object:
    row = {
        "columns": ["name", "duration", "default"],
        "values": [[name, duration, default]],
    }
    return {"results": [{"statement_id": 0, "series": [row]}]}


@pytest.mark.parametrize(
    ("document", "says"),
    [
        (policies("720h0m0s"), "forgets after 720h0m0s"),
        (policies("0s", default=False), "has no default retention policy"),
        ({"results": [{"statement_id": 0}]}, "influx v1 dbrp create"),
    ],
)
def test_a_bucket_that_forgets_or_is_not_mapped_is_refused_at_the_start(
    server: ScriptedInflux, document: object, says: str
) -> None:
    server.script.append(script.status(200, document))
    with pytest.raises(ConfigError, match=says):
        open_telemetry(server.url)


@pytest.mark.parametrize(
    ("version", "path", "bucket"),
    [
        ("1.7.11", "/write", None),
        ("1.8.0", "/api/v2/write", f"{BUCKET}/autogen"),
        ("v2.7.6", "/api/v2/write", BUCKET),
        ("v3.0.1-core", "/api/v2/write", BUCKET),
        ("Cloud", "/api/v2/write", BUCKET),
    ],
)
def test_the_way_to_write_is_chosen_by_the_servers_version(
    version: str, path: str, bucket: str | None
) -> None:
    with running(ScriptedInflux(version=version)) as scripted:
        store = open_telemetry(f"{scripted.url}&rp=autogen")
        scripted.asked.clear()
        scripted.script.append(script.status(204))
        store.write([GOOD])
        (asked,) = scripted.asked
        assert asked.path == path
        if bucket is None:
            assert asked.query == {"db": BUCKET, "precision": "ms", "rp": "autogen"}
        else:
            assert asked.query == {"org": ORG, "bucket": bucket, "precision": "ms"}
        store.close()


def test_a_user_and_password_write_to_influxdb_2_the_compatible_way() -> None:
    with running(ScriptedInflux()) as scripted:
        scripted.script += [script.status(200, policies("0s")), script.status(204)]
        store = open_telemetry(f"influxdb://u:p%40ss@127.0.0.1:{scripted.port}/db")
        store.write([GOOD])
        assert scripted.asked[-1].path == "/write"
        assert scripted.asked[-1].headers["Authorization"] == "Basic dTpwQHNz"
        store.close()
