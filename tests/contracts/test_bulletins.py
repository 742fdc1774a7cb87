"""The evening's sentence and the morning's answer: made once, sent once to each address."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from analytics.alarms.notifying import MOST_COPIES, Notifier
from analytics.bulletins import hour_of_bulletin, night_of
from analytics.oxygen.evening import Tonight
from analytics.places import Places
from analytics.speaking import Night, Speaker
from greenwater.kernel.channels import Channel
from greenwater.kernel.clock import ManualClock
from greenwater.kernel.ids import DeviceId, ProbeId
from greenwater.kernel.reading import Reading, milliseconds
from greenwater.storage.registry import Registry, open_registry
from greenwater.storage.registry.people import Role
from greenwater.storage.telemetry import open_telemetry
from greenwater.storage.telemetry.ports import Telemetry
from tests.contracts.registries import Databases

EVENING = datetime(2026, 6, 10, 13, 0, tzinfo=UTC)  # 20:00 in Khánh Hòa
MORNING = EVENING + timedelta(hours=11)
HOUR_MS = 3_600_000
BOX, TOP = DeviceId("hoa-box"), ProbeId("top")
DAWN_MS = milliseconds(EVENING) + 9 * HOUR_MS
NIGHTS = {
    "ao-3": Night("hoa", Tonight("Ao 3", 3.44, DAWN_MS, 2.8, 3.9)),
    "ao-4": Night("hoa", Tonight("Ao 4", 5.1, DAWN_MS, 4.2, 5.8)),
}


@pytest.fixture
def registry(databases: Databases) -> Iterator[Registry]:
    with open_registry(databases.migrated()) as registry:
        registry.add_organisation("hoa", "Hộ Hòa")
        registry.add_site("farm", organisation="hoa", name="Trại")
        for unit, name in (("ao-3", "Ao 3"), ("ao-4", "Ao 4")):
            registry.add_unit(unit, site="farm", name=name, species="PNV")
        registry.add_device(BOX, site="farm", now_ms=0)
        registry.add_probe(BOX, TOP)
        registry.deploy(BOX, TOP, unit="ao-3", depth_m=0.5, from_ms=0, now_ms=0)
        yield registry


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Telemetry]:
    telemetry = open_telemetry(f"sqlite:///{tmp_path}/telemetry.db")
    yield telemetry
    telemetry.close()


def a_person(registry: Registry, name: str, url: str, **more: object) -> str:
    person = f"p{len(registry.names())}"
    registry.add_person(person, name)
    registry.add_member(person, "hoa", Role.FARMER)
    registry.add_contact("hoa", person, url, **more)  # type: ignore[arg-type]
    return person


def places_of(registry: Registry) -> Places:
    return Places(
        registry.deployments(), registry.units(), registry.sites(),
        registry.list_devices(), registry.list_probes(),
    )  # fmt: skip


class Postman:
    """Takes what is sent; ``is_open`` says whether he does."""

    def __init__(self) -> None:
        self.got: list[tuple[str, str, str]] = []
        self.is_open = True

    def __call__(self, url: str, head: str, text: str) -> bool:
        if self.is_open:
            self.got.append((url, head, text))
        return self.is_open


def test_the_evening_is_said_once_and_everybody_is_sent_all_of_it_once(
    registry: Registry, store: Telemetry
) -> None:
    a_person(registry, "Chị Hoa", "json://127.0.0.1/hoa", hours=(6 * 60, 18 * 60))
    a_person(registry, "Anh Hòa", "json://127.0.0.1/hoa2", place=1)
    speaker, places = Speaker(registry, store), places_of(registry)
    now_ms = milliseconds(EVENING)
    assert speaker.speak(NIGHTS, places, now_ms) == 2
    assert speaker.speak(NIGHTS, places, now_ms + HOUR_MS) == 0
    said = {one.unit: one for one in registry.bulletins()}
    assert said["ao-3"].vi == (
        "Ao 3 đêm nay thấp nhất 3,4 mg/L lúc 05:00 (khoảng 2,8–3,9); "
        "người trực: Anh Hòa"
    )
    assert said["ao-3"].en.startswith("Ao 3: lowest tonight 3.4 mg/L at 05:00")
    postman, clock = Postman(), ManualClock(EVENING)
    notifier = Notifier(registry, clock, "http://x", send=postman)
    assert notifier.send_due() == 2
    assert notifier.send_due() == 0
    (_, head, text), _ = postman.got
    assert head == "Oxy đêm nay"
    assert text.splitlines() == [f"{said[unit].vi}." for unit in ("ao-3", "ao-4")]


def test_a_telephone_gets_it_without_diacritics(
    registry: Registry, store: Telemetry
) -> None:
    a_person(registry, "Chị Hoa", "json://127.0.0.1/sms?plain=yes")
    Speaker(registry, store).speak(NIGHTS, places_of(registry), milliseconds(EVENING))
    postman = Postman()
    Notifier(registry, ManualClock(EVENING), "http://x", send=postman).send_due()
    ((_, head, text),) = postman.got
    assert head == ""
    assert text.isascii()
    assert text.startswith("Oxy dem nay: Ao 3 dem nay thap nhat 3,4 mg/L luc 05:00")


def test_the_morning_answers_what_the_evening_said(
    registry: Registry, store: Telemetry
) -> None:
    speaker, places = Speaker(registry, store), places_of(registry)
    evening_ms, morning_ms = milliseconds(EVENING), milliseconds(MORNING)
    speaker.speak(NIGHTS, places, evening_ms)
    store.write(
        [
            Reading(
                BOX, TOP, Channel.DISSOLVED_OXYGEN, evening_ms + at * HOUR_MS, value
            )
            for at, value in ((-1, 0.5), (1, 5.0), (8, 3.1), (9, -9.99), (12, 0.4))
        ]
    )
    assert speaker.speak({}, places, morning_ms) == 2
    assert speaker.speak({}, places, morning_ms + HOUR_MS) == 0
    said = {one.unit: one for one in registry.bulletins() if one.kind == "morning"}
    assert said["ao-3"].vi == (
        "Ao 3 đêm qua thấp nhất 3,1 mg/L lúc 04:00; đã dự báo 3,4: trong khoảng dự báo"
    )
    assert "không có số đo oxy" in said["ao-4"].vi
    assert said["ao-3"].day == "2026-06-10"


def test_what_cannot_be_sent_is_tried_again_and_given_up(
    registry: Registry, store: Telemetry
) -> None:
    a_person(registry, "Chị Hoa", "json://127.0.0.1/hoa")
    Speaker(registry, store).speak(NIGHTS, places_of(registry), milliseconds(EVENING))
    postman, clock = Postman(), ManualClock(EVENING)
    postman.is_open = False
    notifier = Notifier(registry, clock, "http://x", send=postman)
    for _ in range(3):
        notifier.send_due()
        clock.advance(timedelta(minutes=1))
    postman.is_open = True
    assert notifier.send_due() == 1
    postman.is_open = False
    Speaker(registry, store).speak({}, places_of(registry), milliseconds(MORNING))
    clock.advance(timedelta(hours=11))
    for _ in range(MOST_COPIES):
        assert registry.due_copies(milliseconds(clock.now()))
        notifier.send_due()
        clock.advance(timedelta(hours=1))
    assert not registry.due_copies(milliseconds(clock.now()))


def test_another_organisation_sees_and_is_sent_nothing(
    registry: Registry, store: Telemetry
) -> None:
    registry.add_organisation("lan", "Hộ Lan")
    registry.add_person("lan", "Chị Lan")
    registry.add_member("lan", "lan", Role.FARMER)
    registry.add_contact("lan", "lan", "json://127.0.0.1/lan")
    Speaker(registry, store).speak(NIGHTS, places_of(registry), milliseconds(EVENING))
    assert registry.due_copies(milliseconds(EVENING)) == []
    assert registry.visible_to("lan").bulletins() == []
    assert len(registry.visible_to(None).bulletins(unit="ao-3")) == 1


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        ("2026-06-10T19:59+07:00", None),
        ("2026-06-10T20:00+07:00", ("evening", "2026-06-10")),
        ("2026-06-10T23:00+07:00", None),
        ("2026-06-11T06:59+07:00", None),
        ("2026-06-11T07:00+07:00", ("morning", "2026-06-10")),
        ("2026-06-11T11:00+07:00", None),
    ],
)
def test_the_hours_of_bulletins(at: str, expected: tuple[str, str] | None) -> None:
    assert hour_of_bulletin(milliseconds(datetime.fromisoformat(at))) == expected
    start_ms, end_ms = night_of("2026-06-10")
    assert end_ms - start_ms == 11 * HOUR_MS


def test_the_night_names_the_farm_where_a_household_has_two(registry: Registry) -> None:
    """Two ponds may both be "Ao 3": of a neighbour's it does not matter."""
    for organisation, site, name in (
        ("lang-gieng", "xa", "Trại xa"), ("hoa", "hai", "Trại hai"),
    ):  # fmt: skip
        assert places_of(registry).unit_name("ao-3") == "Ao 3"
        if organisation != "hoa":
            registry.add_organisation(organisation, "Hộ láng giềng")
        registry.add_site(site, organisation=organisation, name=name)
        registry.add_unit(f"{site}-3", site=site, name="Ao 3", species="PNV")
    places = places_of(registry)
    assert places.unit_name("hai-3") == "Ao 3 – Trại hai"
    assert places.unit_name("ao-3").startswith("Ao 3 – ")
    assert places.unit_name("xa-3") == "Ao 3"
