"""What a unit's page says of the night to come, and how honestly."""

import pytest
from fastapi.testclient import TestClient
from msgspec.structs import replace

from greenwater.kernel.findings import Episode, EpisodeKind, Forecast, Outlook
from greenwater.kernel.ids import DeviceId, ProbeId
from greenwater.storage.registry.bulletins import Bulletin
from tests.pages.reading_pages import Node, parse_page
from tests.pages.world import DO, HOUR_MS, MINUTE_MS, NOW_MS, TOP, World
from web.app import create_app

STEPS = (
    Outlook(1.0, 4.1, 3.8, 4.4, 4.2, "model", 0.42),
    Outlook(3.0, 3.44, 2.76, 4.0, 4.2, "model", 0.3),
    Outlook(6.0, 3.9, 2.9, 4.8, 4.2, "diel", 0.18),
    Outlook(12.0, 5.6, 4.0, 7.1, 4.3, "diel", 0.1),
)


@pytest.fixture
def pond(own_world: World) -> World:
    registry = own_world.registry
    registry.add_organisation("org", "Hộ nuôi")
    registry.add_site("site", organisation="org", name="Trại")
    registry.add_unit("ao-1", site="site", name="Ao 1", species="PNV")
    own_world.add_device("box-1", site="site")
    own_world.hang("box-1", TOP, unit="ao-1", depth_m=0.5)
    own_world.feed("box-1", TOP, DO)
    return own_world


def made(at_ms: int = NOW_MS - 10 * MINUTE_MS, model: str = "v1") -> Forecast:
    return Forecast(DeviceId("box-1"), ProbeId(TOP), DO, at_ms, STEPS, model)


def sections(world: World, lang: str = "vi") -> list[Node]:
    with TestClient(create_app(world.services)) as site:
        answer = site.get(f"/units/ao-1?lang={lang}")
    assert answer.status_code == 200, answer.text
    page = parse_page(answer.text)
    return page.all("section", class_="forecast")


def test_the_lowest_hour_comes_first_with_its_range(pond: World) -> None:
    pond.telemetry.findings.write([made()])
    (view,) = sections(pond)
    assert "Thấp nhất 3,4 mg/L lúc 06:02, trong khoảng 2,8–4,0." in view.text
    assert "Gần đây hơn cách tính đơn giản 25 %." in view.text
    assert "Dự báo lúc 03:02" in view.text
    assert "warn" in view.classes, "3.44 is below the warning of 4"
    (english,) = sections(pond, "en")
    assert "Lowest 3.4 mg/L at 06:02, between 2.8 and 4.0." in english.text


def test_every_hour_has_its_value_and_range(pond: World) -> None:
    pond.telemetry.findings.write([made()])
    (view,) = sections(pond)
    rows = [[cell.text for cell in row.all("td")] for row in view.all("tr")][1:]
    assert rows == [
        ["4,1 mg/L", "3,8–4,4"],
        ["3,4 mg/L", "2,8–4,0"],
        ["3,9 mg/L", "2,9–4,8"],
        ["5,6 mg/L", "4,0–7,1"],
    ]
    (svg,) = view.all("svg")
    assert len(svg.all("polygon")) == 1


@pytest.mark.parametrize(
    ("model", "skill", "said"),
    [
        ("v1", 0.0, "Hôm nay dự báo chưa đáng tin, dùng cách tính đơn giản."),
        ("v1", -0.4, "Hôm nay dự báo chưa đáng tin, dùng cách tính đơn giản."),
        ("v1", None, "Chưa đủ số đo để học ao này"),
        ("", 0.3, "Chưa đủ số đo để học ao này"),
    ],
)
def test_a_forecast_without_skill_says_so(
    pond: World, model: str, skill: float | None, said: str
) -> None:
    steps = tuple(replace(one, skill=skill) for one in STEPS)
    pond.telemetry.findings.write([replace(made(model=model), outlooks=steps)])
    (view,) = sections(pond)
    assert said in view.text


def test_an_old_forecast_is_not_shown(pond: World) -> None:
    pond.telemetry.findings.write([made(NOW_MS - 7 * HOUR_MS)])
    assert sections(pond) == []


def test_a_forecast_that_could_be_negative_is_drawn_from_zero(pond: World) -> None:
    low = replace(STEPS[1], value=0.3, low=-1.2)
    pond.telemetry.findings.write([replace(made(), outlooks=(STEPS[0], low))])
    (view,) = sections(pond)
    assert "trong khoảng 0,0–4,0" in view.text
    assert "critical" in view.classes


def test_the_evening_and_the_morning_stand_above_the_newest_first(pond: World) -> None:
    def said(kind: str, hours_ago: int, words: str) -> Bulletin:
        return Bulletin(
            organisation="org", unit="ao-1", kind=kind, day=f"d{hours_ago}",
            made_ms=NOW_MS - hours_ago * HOUR_MS, vi=words, en=f"{words} (en)",
        )  # fmt: skip

    pond.registry.save_bulletins(
        [
            said("morning", 20, "Sáng nay"), said("evening", 7, "Tối nay"),
            said("evening", 23, "Tối cũ"), said("morning", 44, "Sáng cũ"),
        ],
        [],
    )  # fmt: skip
    with TestClient(create_app(pond.services)) as site:
        page = parse_page(site.get("/units/ao-1?lang=vi").text)
        english = parse_page(site.get("/units/ao-1?lang=en").text)
    assert [one.text for one in page.all("p", class_="bulletin")] == [
        "Tối nay.",
        "Sáng nay.",
    ]
    assert english.all("p", class_="bulletin")[0].text == "Tối nay (en)."


def test_what_was_odd_says_whether_the_probe_or_the_water_and_what_to_do(
    pond: World,
) -> None:
    def an_episode(
        name: str, start_h: float, end_h: float, **changes: object
    ) -> Episode:
        plain = Episode(
            DeviceId("box-1"), ProbeId(TOP), name, EpisodeKind.SENSOR, "stuck",
            NOW_MS - round(start_h * HOUR_MS), NOW_MS - round(end_h * HOUR_MS),
            False, 0.87, (DO, DO), "",
        )  # fmt: skip
        return replace(plain, **changes)

    pond.telemetry.findings.write(
        episodes=[
            an_episode("spike", 2.0, 2.0, cause="spike"),
            an_episode("over", 9.0, 6.0),
            an_episode("now", 2.5, 0.1, is_open=True),
            an_episode("crash", 4.0, 4.0, kind=EpisodeKind.WATER, cause="oxygen_crash"),
        ]
    )
    with TestClient(create_app(pond.services)) as site:
        page = parse_page(site.get("/units/ao-1?lang=vi").text)
    (shown,) = page.all("ul", class_="episodes")
    told = [one.text for one in shown.all("li")]
    assert len(told) == 3, "a spike is left to the flags"
    assert told[0].startswith("Lỗi đầu đo Số đo đứng yên: kiểm tra đầu đo.")
    assert "Oxy · Từ 00:42 đến giờ · Chắc khoảng 87 %" in told[0]
    assert told[1].startswith("Nước có vấn đề")
    assert "18:12 hôm qua" in told[2]
