"""Papers that end and goods called back are told to whom they concern, once, on each registry."""

from datetime import date, timedelta
from pathlib import Path

import pytest

from greenwater.kernel.reading import day_of
from greenwater.reference.vessel_rules import RULES
from greenwater.storage.registry import Registry
from greenwater.storage.telemetry import open_telemetry
from tests.contracts.boats import DAY, REGISTRATION, Boat
from tests.contracts.registries import HOUR, NOW
from traceability.label.telling import PAPERS, tell_papers
from web.words import Lang, say

MORNING = NOW - NOW % DAY + DAY + 2 * HOUR
"""Nine in the morning in Vietnam."""


@pytest.fixture
def boat(registry: Registry, tmp_path: Path) -> Boat:
    return Boat(registry, open_telemetry(f"sqlite:///{tmp_path}/telemetry.db"))


def sent(registry: Registry, now_ms: int) -> list[tuple[str, str]]:
    """To whom what goes out until then; it is sent by that."""
    due = registry.due_copies(now_ms)
    for one in due:
        registry.copy_sent(one.id, now_ms)
    return sorted((one.person, one.text) for one in due)


def test_a_paper_is_spoken_of_at_30_15_and_3_days_once_each_by_day(boat: Boat) -> None:
    registry, ends = boat.registry, day_of(MORNING) + timedelta(days=40)
    boat.paper("licence", until=ends.isoformat())
    boat.paper("registration", until="2099-01-01")
    for person, url in (("bon", "a://1"), ("sau", "a://2"), ("ut", "a://3")):
        registry.add_contact("ba-tau", person, url)
    registry.add_contact("khac", "tam", "a://4")
    told: dict[date, list[tuple[str, str]]] = {}
    for number in range(45):
        at_ms = MORNING + number * DAY
        assert tell_papers(registry, at_ms - 5 * HOUR) == 0, "nobody is woken"
        for later_ms in (at_ms, at_ms + HOUR):
            tell_papers(registry, later_ms)
        if found := sent(registry, at_ms + HOUR):
            told[day_of(at_ms)] = found
    assert [(ends - one).days for one in told] == list(RULES.warnings.days)
    for found in told.values():
        assert [person for person, _ in found] == ["bon", "sau"]
    (first, *_) = told.values()
    assert REGISTRATION in first[0][1]
    assert "giấy phép khai thác thủy sản KH-licence còn 30 ngày" in first[0][1]


def test_a_renewed_paper_and_a_platform_that_slept_say_what_is_true_now(
    boat: Boat,
) -> None:
    registry, ends = boat.registry, day_of(MORNING) + timedelta(days=10)
    boat.paper("licence", until=ends.isoformat())
    registry.add_contact("ba-tau", "ut", "a://3")
    tell_papers(registry, MORNING)
    ((who, text),) = sent(registry, MORNING)
    assert (who, "còn 10 ngày" in text) == ("ut", True), "nobody else has an address"
    boat.renew("licence", until_day=(ends + timedelta(days=400)).isoformat())
    tell_papers(registry, MORNING + 8 * DAY)
    assert sent(registry, MORNING + 8 * DAY) == []


def test_papers_are_called_the_same_in_messages_and_on_pages() -> None:
    for paper, name in PAPERS.items():
        assert name == say(Lang.VI, f"sea_papers_{paper}")
    assert set(PAPERS) == set(RULES.papers)
