"""Boats of a real loop: trips and hauls in the registry, however their positions came."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random

import pytest

from analytics.alarms.messages import sentence
from analytics.alarms.texting import text_message
from analytics.fishing.vessel import Position
from analytics.runs import Runs
from greenwater.kernel.reading import Source, milliseconds
from greenwater.reference.vessels import Trade
from greenwater.storage.registry.people import Role
from greenwater.storage.registry.vessel_changes import VesselFacts
from tests.contracts.seas import MIN_MS, Sea


@pytest.fixture
def sea(tmp_path: Path) -> Iterator[Sea]:
    sea = Sea(tmp_path, "tuna-trip", "KH-95123-TS")
    yield sea
    sea.close()


def batches(positions: Sequence[Position], size: int) -> list[Sequence[Position]]:
    return [positions[at : at + size] for at in range(0, len(positions), size)]


def test_days_that_come_after_landing_give_the_trip_that_was(sea: Sea) -> None:
    positions = sea.positions()
    changes = sea.truth().take(positions)
    near, far, home = positions[:36], positions[36:1170], positions[1170:]
    for some in batches(near, 12):
        sea.send(some)
    (one,) = sea.registry.trips()
    assert one.landing_ms is None
    for some in batches(home, 12):  # what is newest comes first
        sea.send(some)
    backlog = batches(far, 150)
    Random(3).shuffle(backlog)
    for number, some in enumerate(backlog):
        sea.send(some, at_ms=home[-1].time_ms + number * MIN_MS)
        if number == 3:
            sea.runs = Runs(sea.registry, sea.store, sea.clock)  # another life
    (trip,) = sea.registry.trips()
    assert trip == changes.trips[-1]
    assert trip.hauls == 10
    assert trip.landing_port == "CHR"
    assert sea.registry.hauls(trip.id) == changes.hauls
    assert sea.registry.violations() == []
    assert sea.registry.alarms() == [], "a box out of coverage is normal"


def test_a_trawler_inside_the_line_is_one_alarm_and_a_candidate(tmp_path: Path) -> None:
    sea = Sea(tmp_path, "trawler-inshore", "KH-92077-TS")
    sea.registry.add_person("p1", "Chị Hòa")
    sea.registry.add_member("p1", "hoa", Role.FARMER)
    sea.registry.add_contact("hoa", "p1", "json://localhost")
    positions = sea.positions(300)
    told = set[str]()
    for number, some in enumerate(batches(positions, 6)):
        sea.send(some)
        now_ms = milliseconds(sea.clock.now())
        told |= {one.alarm for one in sea.registry.due_notifications(now_ms)}
        if number % 20 == 0:
            sea.runs = Runs(sea.registry, sea.store, sea.clock)
    last = {one.id: one for one in sea.truth().take(positions).violations}
    assert last
    found = {one.id: one for one in sea.registry.violations()}
    assert found == last
    alarms = [one for one in sea.registry.alarms() if one.kind == "zone"]
    assert alarms
    for alarm in alarms:
        assert alarm.severity == "warn"
        assert (alarm.unit, alarm.detail["place"]) == (None, "Tàu Hòa")
        assert "vùng ven bờ" in alarm.detail["vi"]
        assert alarm.detail["verified"] is False
        assert alarm.returned_ms is not None
    assert told == {one.id for one in alarms}
    first = sentence(alarms[-1], "", "vi")
    assert first.startswith("Tàu Hòa: có thể đánh bắt sai vùng: ")
    assert "Goi tau" in text_message(alarms[-1], "", "", "gw.vn/x")
    sea.close()


def test_monitoring_that_falls_silent_is_an_alarm_until_it_is_heard(
    tmp_path: Path,
) -> None:
    sea = Sea(tmp_path, "tuna-trip", "KH-95123-TS", Source.VMS)
    positions = sea.positions()
    until = 4 * 30
    for some in batches(positions[:until], 4):
        sea.send(some)
    last_ms = positions[until - 1].time_ms
    seen = []
    for minutes in (139, 141, 359, 361, 719, 721):
        sea.look(last_ms + minutes * MIN_MS)
        seen.append(
            sorted((one.kind, one.severity) for one in sea.registry.open_alarms())
        )
    late, lost = ("monitoring", "watch"), ("monitoring", "warn")
    nobody = ("contact", "critical")
    assert seen == [[], [late], [late], [lost], [lost], [nobody, lost]]
    sea.send(positions[until + 52 : until + 56])
    assert not [one for one in sea.registry.open_alarms() if one.returned_ms is None]
    assert len(sea.registry.alarms()) == 2, "what was told stays on record"
    sea.close()


def test_a_vessel_that_serves_others_never_fishes_and_is_monitored(
    tmp_path: Path,
) -> None:
    sea = Sea(tmp_path, "tuna-trip", "KH-95123-TS", Source.VMS, Trade.LOGISTICS)
    positions = sea.positions()
    some = positions[: 4 * 60]
    assert sea.truth().take(some).hauls, "a vessel that catches would have hauls"
    sea.send(some)
    (trip,) = sea.registry.trips()
    assert (trip.hauls, trip.minutes, sea.registry.hauls(trip.id)) == (0, {}, [])
    sea.look(some[-1].time_ms + 141 * MIN_MS)
    (late,) = sea.registry.open_alarms()
    assert late.kind == "monitoring"
    sea.close()


def test_what_a_vessel_did_is_not_judged_anew_by_what_it_is_now(tmp_path: Path) -> None:
    sea = Sea(tmp_path, "trawler-inshore", "KH-92077-TS")
    sea.registry.add_person("p1", "Chị Hòa")
    positions = sea.positions(300)
    late = positions[40:43]
    state, until, some = sea.truth(), 0, positions[:0]
    while not any(not one.is_over for one in state.take(some).violations):
        until += 6
        some = positions[until - 6 : until]
    sea.send([one for one in positions[:until] if one not in late])
    (alarm,) = (one for one in sea.registry.open_alarms() if one.kind == "zone")
    assert alarm.returned_ms is None
    hauls = sum(one.hauls for one in sea.registry.trips())
    now_ms = milliseconds(sea.clock.now())
    facts = VesselFacts(name="Tàu Hòa", length_m=13.8, gear="OTB", trade="logistics")
    sea.registry.change_vessel(
        sea.vessel.id, facts, person="p1", at_ms=now_ms + MIN_MS
    )  # fmt: skip
    sea.runs.look_around()
    sea.look(now_ms + 2 * MIN_MS)
    for rest in batches(positions[until:], 100):
        sea.send(rest)
    sea.send(late, at_ms=positions[-1].time_ms + MIN_MS)
    (trip,) = sea.registry.trips()
    assert trip.landing_ms is not None
    assert trip.hauls == hauls + 1, "the one it was at, and none since"
    (violation,) = sea.registry.violations()
    assert violation.is_over
    assert not [one for one in sea.registry.open_alarms() if one.kind == "zone"]
    assert [one.kind for one in sea.registry.alarms()] == ["zone"]
    sea.close()


def test_late_positions_that_show_no_work_end_the_alarm_and_leave_it_on_record(
    tmp_path: Path,
) -> None:
    sea = Sea(tmp_path, "trawler-inshore", "KH-92077-TS")
    tow = [
        Position(sea.start_ms + n * 5 * MIN_MS, 12.2, 109.3, 3.0 if n < 5 or n > 9 else 9.0)
        for n in range(15)
    ]  # fmt: skip
    sea.send([*tow[:5], *tow[10:]])
    (alarm,) = sea.registry.open_alarms()
    assert (alarm.kind, alarm.returned_ms) == ("zone", None)
    sea.send(tow[5:10], at_ms=tow[-1].time_ms + MIN_MS)
    assert sea.registry.violations() == []
    (alarm,) = sea.registry.alarms()
    assert alarm.returned_ms is not None
    sea.close()
