"""The JSON beside the pages."""

import re
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any, cast

import pytest
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from greenwater.kernel.channels import Channel
from greenwater.kernel.errors import FAMILIES
from greenwater.kernel.ids import DeviceId, ProbeId
from greenwater.kernel.reading import Reading, milliseconds
from greenwater.storage.registry import Registry
from tests.examples import examples
from tests.pages.reading_pages import parse_page
from tests.pages.test_every_route import every
from tests.pages.world import (
    DO,
    HOLE_MS,
    MINUTE_MS,
    NOW_MS,
    TEMPERATURE,
    TOP,
    World,
)
from web.api.parameters import gives_data
from web.app import create_app
from web.errors import STATUS, status_of
from web.home import main_of, main_words
from web.views.facts import gather
from web.words import Lang


def asked(site: TestClient, path: str, **params: Any) -> dict[str, Any]:
    answer = site.get(path, params=params)
    assert answer.status_code == 200, answer.text
    assert answer.headers["cache-control"] == "no-store"
    document: dict[str, Any] = answer.json()
    return document


def test_units_come_with_their_latest_values(site: TestClient) -> None:
    document = asked(site, "/api/v1/units")
    assert document["now"] == "2026-11-22T20:12:00.000Z"
    units = {unit["unit"]: unit for unit in document["units"]}
    assert units.keys() == {"ao-1", "ao-2", "ao-3", "ao-10", "long-1"}
    top, bottom, _mains = units["ao-1"]["probes"]
    assert (top["probe"], top["depth_m"], bottom["depth_m"]) == (TOP, 0.5, 1.5)
    assert top["is_simulated"] is True
    assert units["ao-3"]["probes"][0]["outbox_depth"] == 1204
    assert units["ao-3"]["probes"][0]["is_online"] is False
    oxygen = next(x for x in top["latest"] if x["channel"] == "dissolved_oxygen")
    assert oxygen["unit"] == "mg/L"
    assert oxygen["taken_at"] == "2026-11-22T20:11:00.000Z"
    assert 3 < oxygen["value"] < 5.5
    assert not any(one["derived"] for one in top["latest"]), "it sends all that is told"


def test_what_follows_from_a_reading_is_told_as_derived(own_world: World) -> None:
    own_world.registry.add_organisation("ho", "Hộ")
    own_world.registry.add_site("be", organisation="ho", name="Bè")
    own_world.registry.add_unit(
        "long-1", site="be", name="Lồng 1", kind="cage", species="NUR"
    )
    own_world.add_device("box", site="be")
    own_world.hang("box", "top", unit="long-1", depth_m=1.0)
    sent = {TEMPERATURE: 28.0, Channel.CONDUCTIVITY: 34.0, DO: 6.0}
    slow = {TEMPERATURE: 28.0, Channel.OXYGEN_SATURATION: 80.0}
    own_world.registry.add_unit("long-2", site="be", name="Lồng 2", kind="cage")
    own_world.hang("box", "slow", unit="long-2", depth_m=1.0)
    own_world.telemetry.write(
        [
            Reading(DeviceId("box"), ProbeId(probe), channel, NOW_MS - ago, value)
            for probe, some, times in (
                ("top", sent, [0]),
                ("slow", slow, [n * 30 * MINUTE_MS for n in range(1, 9)]),
            )
            for ago in times
            for channel, value in some.items()
        ]
    )
    with TestClient(create_app(own_world.services)) as client:
        unit, _ = asked(client, "/api/v1/units")["units"]
        page = client.get("/units/long-1?lang=vi").text
    latest = {one["channel"]: one for one in unit["probes"][0]["latest"]}
    assert [one for one in latest if latest[one]["derived"]] == [
        "salinity",
        "oxygen_saturation",
    ]
    salt = latest["salinity"]
    assert (salt["unit"], 19.5 < salt["value"] < 20.5) == ("PSU", True)
    assert salt["taken_at"] == latest["dissolved_oxygen"]["taken_at"]
    assert page.count("tính ra") == 2
    facts = gather(own_world.services)
    main = main_of(own_world.services, facts.in_units["long-2"], facts.now_ms)
    assert main is not None
    words = main_words(Lang.VI, main, facts.now_ms)
    assert words.value == "Oxy 6,3\N{NO-BREAK SPACE}mg/L", "80 % at 28 °C, if fresh"
    assert (words.age, words.trend) == ("tính ra, 30 phút trước", "")
    assert words.state == "fresh", "its box is slow, and not lost"
    assert "dưới ngưỡng" in page, "salinity of 20 is critical of lobster"


def test_answered_badly_is_null(site: TestClient) -> None:
    units = {unit["unit"]: unit for unit in asked(site, "/api/v1/units")["units"]}
    latest = {x["channel"]: x for x in units["long-1"]["probes"][0]["latest"]}
    assert latest["ph"]["value"] is None


def test_a_series_is_buckets_with_nulls_where_data_is_missing(site: TestClient) -> None:
    document = asked(
        site, "/api/v1/series", unit="ao-1", channel="dissolved_oxygen", lang="en"
    )
    assert document["every_s"] == 300
    assert document["unit_of_measure"] == "mg/L"
    top, bottom = document["lines"]
    assert None not in top["mean"]
    (index,) = [i for i, value in enumerate(bottom["mean"]) if value is None]
    assert bottom["min"][index] is None
    before, after = bottom["t"][index - 1], bottom["t"][index + 1]
    half_ms = 150_000  # t is the middle of a bucket
    assert before * 1000 - half_ms < HOLE_MS[0]
    assert HOLE_MS[1] < after * 1000 + half_ms
    assert before < bottom["t"][index] < after
    assert bottom["missing"] == [[1795360500, 1795367700]]
    for line in (top, bottom):
        lengths = {len(line[name]) for name in ("t", "min", "mean", "max", "count")}
        assert len(lengths) == 1
        assert line["t"] == sorted(line["t"])
        for low, mean, high in zip(line["min"], line["mean"], line["max"], strict=True):
            assert mean is None or low <= mean <= high


def test_a_series_carries_the_gaps_the_box_confessed(site: TestClient) -> None:
    document = asked(site, "/api/v1/series", unit="ao-3", channel="dissolved_oxygen")
    (gap,) = document["lines"][0]["gaps"]
    assert (gap["count"], gap["reason"]) == (1204, "thinned")
    assert gap["end"] - gap["start"] == 7200


def test_a_vessels_channels_are_series_too(site: TestClient) -> None:
    document = asked(site, "/api/v1/series", vessel="KH-95123-TS", channel="speed")
    assert document["unit_of_measure"] == "kn"
    assert len(document["lines"]) == 1


def test_a_series_may_end_earlier(site: TestClient) -> None:
    document = asked(
        site,
        "/api/v1/series",
        unit="ao-1",
        channel="ph",
        hours=6,
        until="2026-11-22T12:00:00+07:00",
    )
    assert document["end"] == "2026-11-22T05:01:00.000Z"
    last = milliseconds(datetime.fromisoformat(document["end"]))
    assert all(t * 1000 < last for t in document["lines"][0]["t"])


@pytest.mark.parametrize(
    ("params", "status", "reason"),
    [
        ({"unit": "ao-1"}, 422, "channel"),
        ({"unit": "ao-1", "channel": "temprature"}, 422, "channel"),
        ({"channel": "ph"}, 422, "either unit"),
        ({"unit": "ao-1", "vessel": "KH-95123-TS", "channel": "ph"}, 422, "either"),
        ({"unit": "ao-4", "channel": "ph"}, 404, "no unit 'ao-4'"),
        ({"vessel": "KH-1", "channel": "ph"}, 404, "no vessel 'KH-1'"),
        ({"unit": "ao-1", "channel": "ph", "hours": "5"}, 422, "hours=5"),
        ({"unit": "ao-1", "channel": "ph", "hours": "x"}, 422, "hours"),
        ({"unit": "ao-1", "channel": "ph", "until": "now"}, 422, "until='now'"),
        ({"unit": "ao-1", "channel": "ph", "until": "2026-11-22"}, 422, "zone"),
        ({"unit": "ao-1", "channel": "ph", "until": "0001-01-01T00:00Z"}, 422, "zone"),
    ],
)
def test_a_wrong_question_is_refused_in_a_sentence(
    site: TestClient, params: dict[str, str], status: int, reason: str
) -> None:
    answer = site.get("/api/v1/series", params=params)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert reason in answer.json()["detail"]


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("/api/v1/readings?unit=ao-1&strat=2026-11-22T00:00Z", "'strat' here. Did you mean 'start'?"),
        ("/api/v1/readings?unit=ao-1&form=2026-11-22T00:00Z", "channel, end, format, lang"),
        ("/api/v1/sites?limt=5", "'limit'"),
        ("/api/v1/session?x", "'x'"),
        ("/api/v1/labels/check?text=https://id/01/1?10=2&s=3", "'s'"),
        ("/units/ao-1/chart.json?channel=ph&hour=6", "'hours'"),
        ("/fleet.json?%00%E1=1", "Known: lang"),
    ],
)  # fmt: skip
def test_a_parameter_that_nobody_knows_is_named(
    site: TestClient, path: str, told: str
) -> None:
    """A misspelt start was answered with everything."""
    answer = site.get(path)
    assert answer.status_code == 422, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert told in answer.json()["detail"]


def test_each_address_of_data_knows_its_parameters(site: TestClient) -> None:
    tried = set()
    app: Any = site.app
    for method, path, _fields in every(app.routes):
        if gives_data(path) and path != app.openapi_url:
            tried.add(path)
            plain = re.sub(r"{[^}]+}", "1", path)
            answer = site.request(method, plain, params={"gibt-es-nicht": "1"})
            assert answer.status_code == 422, (path, answer.text)
            assert "gibt-es-nicht" in answer.text, path
    assert {"/fleet/trips.csv", "/areas.xlsx", "/api/v1/steps/{step}"} < tried


@pytest.mark.parametrize(
    ("path", "status", "told"),
    [
        ("/api/v1/sites?limit=x", 422, "limit='x': Input should be a valid integer"),
        ("/api/v1/readings?unit=ao-1&channel=oxygen", 422, "channel='oxygen': Input"),
        ("/api/v1/readings?unit=ao-1&format=xml", 422, "format='xml': Input should be 'csv'"),
        ("/api/v1/labels/check", 422, "text: Field required"),
        ("/api/v1/sites/ao", 404, "there is no address '/api/v1/sites/ao'"),
        ("/api/v1/trips?start=2026-11-22T00:00Z&end=2026-11-21T00:00Z", 422, "is before start"),
        ("/api/v1/readings?unit=ao-1&start=2026-11-22T00:00Z&end=2026-11-21T00:00Z", 422, "before"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_with_its_name_and_value(
    site: TestClient, path: str, status: int, told: str
) -> None:
    answer = site.get(path)
    assert answer.status_code == status, answer.text
    assert told in answer.json()["detail"]


def test_a_token_that_is_not_good_is_told_so(site: TestClient) -> None:
    answer = site.get("/api/v1/sites", headers={"X-API-Key": "nonsense"})
    assert answer.status_code == 401
    assert answer.json()["detail"] == "this token is not known, or its time is over"
    wrong = site.delete("/api/v1/steps").json()["detail"]
    assert wrong == "DELETE is not for this address, only GET, POST"


@pytest.mark.parametrize(
    "path",
    [
        *("/healthz?t=1", "/static/site.css?v=1", "/board?utm_source=zalo"),
        *("/.well-known/jwks.json?t=1", "/.well-known/gs1resolver?t=1"),
        *("/live.json?site=&lang=en", "/api/v1/units?lang=vi&limit=5"),
        "/api/v1/series?unit=ao-1&channel=ph&lang=en",
    ],
)
def test_what_is_meant_to_be_open_stays_open(site: TestClient, path: str) -> None:
    assert site.get(path).status_code == 200
    site.cookies.clear()


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    max_examples=examples(60),
)
@given(
    name=st.sampled_from(
        ["unit", "vessel", "channel", "hours", "until", "lang", "site"]
    ),
    value=st.text(max_size=30)
    | st.sampled_from(["9" * 40, "-1", "\x00", "\ud800", "NaN"]),
    path=st.sampled_from(
        ["/", "/units/ao-1", "/api/v1/series", "/live.json", "/vessels/x"]
    ),
)
def test_no_address_is_ever_our_own_fault(
    site: TestClient, name: str, value: str, path: str
) -> None:
    valid = {"unit": "ao-1", "channel": "ph", "hours": "24"}
    try:
        value.encode()
    except UnicodeEncodeError:
        return
    answer = site.get(path, params=valid | {name: value})
    assert answer.status_code in (200, 404, 422)
    site.cookies.clear()


def test_the_live_update_says_what_the_page_says(site: TestClient) -> None:
    """What a script writes into an open page is what a new page would show."""
    page = parse_page(site.get("/?lang=vi").text)
    news = asked(site, "/live.json", lang="vi")
    assert news["updated"] == page.one(class_="updated").text
    shown = {
        node.attrs["data-value"]: [
            node.one("b").text,
            node.one("i").text,
            node.classes[-1],
        ]
        for node in page.all(class_="value")
        if node.attrs["data-value"].split("/")[1] != "gps"
    }
    told = {
        key: [" ".join(text.split()), note, state]
        for key, (text, note, state) in news["values"].items()
    }
    assert told == shown
    notices = {
        node.attrs["data-notices"]: [item.text for item in node.all("li")]
        for node in page.all("ul")
        if "data-notices" in node.attrs
    }
    assert notices == {
        unit: [" ".join(word.split()) for word in words]
        for unit, (_, words) in news["units"].items()
    }


def test_one_units_page_is_told_of_one_unit(site: TestClient) -> None:
    news = asked(site, "/live.json", unit="ao-2")
    assert news["units"].keys() == {"ao-2"}
    assert news["values"].keys() == {"box-1/do-2/dissolved_oxygen"}


def test_health_is_asked_of_both_stores(site: TestClient) -> None:
    assert site.get("/healthz").json() == {"status": "ok"}


def test_the_api_describes_itself_without_a_page_from_elsewhere(
    site: TestClient,
) -> None:
    document = site.get("/api/v1/openapi.json").json()
    assert {"/api/v1/units", "/api/v1/series", "/healthz"} <= document["paths"].keys()
    assert site.get("/docs").status_code == 404
    assert site.get("/redoc").status_code == 404


def test_the_page_for_programs_has_every_address_that_they_may_ask(
    site: TestClient,
) -> None:
    page = (Path(__file__).parents[2] / "docs" / "api.md").read_text("utf-8")
    missing = []
    for path, item in site.get("/api/v1/openapi.json").json()["paths"].items():
        said = item.get("get", {}).get("security")
        if not path.startswith("/api/v1/") or said == [{"session": []}]:
            continue
        if path.removeprefix("/api/v1/").split("/{")[0] not in page:
            missing.append(path)
    assert not missing, f"docs/api.md: write what {missing} give"


def test_every_family_has_a_status() -> None:
    assert {family: status_of(_error(family)) for family in FAMILIES}.items() >= (
        STATUS.items()
    )
    assert sorted({status_of(_error(family)) for family in FAMILIES}) == [
        404,
        409,
        422,
        500,
        503,
    ]


def _error(family: type[Any]) -> Any:
    return family("because")


def test_our_own_faults_are_told_as_ours_and_tell_nothing_else(world: World) -> None:
    class Broken:
        def visible_to(self, person: str | None) -> Any:
            raise RuntimeError("a secret path")

    services = replace(world.services, registry=cast("Registry", Broken()))
    with TestClient(create_app(services), raise_server_exceptions=False) as site:
        answer = site.get("/?lang=vi")
        assert answer.status_code == 500
        assert "secret" not in answer.text
        assert (
            parse_page(answer.text).one("h1").text == "Chưa làm được: máy chủ gặp lỗi."
        )
        assert "default-src" in answer.headers["content-security-policy"]
        assert site.get("/api/v1/units").json()["detail"] == "see the log"


def test_files_may_be_kept_since_their_address_has_a_version(site: TestClient) -> None:
    page = site.get("/").text
    (address,) = re.findall(r'href="(/static/site\.css\?v=\w+)"', page)
    answer = site.get(address)
    assert answer.headers["cache-control"] == "public, max-age=86400"
    assert site.get("/static/../app.py").status_code == 404
