"""Positions that a boat told by voice, through the loop: what counts, and what is taken back."""

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from greenwater.kernel.reading import DAY_MS, Source
from greenwater.storage.registry.people import Role
from greenwater.storage.telemetry.ports import Series, Span
from ingest.replay import hand_intake
from tests.contracts.seas import MIN_MS, Sea
from traceability.sea.vessels import NewVesselRecord, VesselBooks
from traceability.sea.voice import PROBE
from traceability.told import book_device


class Voice:
    """Where a boat at sea says by voice that it is, written in its book."""

    def __init__(self, sea: Sea, folder: Path) -> None:
        self.sea = sea
        sea.registry.add_person("p1", "Chị Hòa")
        sea.registry.add_member("p1", "hoa", Role.BOAT_OWNER)
        self.positions = sea.positions()[:100]
        sea.send(self.positions[:60])
        self.last = self.positions[59]
        (self.trip,) = sea.registry.trips()
        take_in = hand_intake(folder, sea.registry, sea.store, sea.clock)
        self.books = VesselBooks(sea.registry, sea.store, sea.clock, take_in)

    def write(
        self, number: int, minutes: int, at: tuple[float, float], corrects: int = 0
    ) -> None:
        fields = {"latitude": at[0], "longitude": at[1], "heard_by": "Lan"}
        self.books.record(
            "p1",
            NewVesselRecord(
                id=_uuid(number), vessel=self.sea.vessel.id, kind="position",
                trip=self.trip.id, fields=fields,
                happened_ms=self.last.time_ms + minutes * MIN_MS,
                corrects=_uuid(corrects) if corrects else None,
            ),
        )  # fmt: skip
        self.sea.runs.look_around()

    def look(self, minutes: int) -> list[str]:
        """Look so long after the last position of monitoring; return what is open."""
        self.sea.look(self.last.time_ms + minutes * MIN_MS)
        return [one.severity for one in self.sea.registry.open_alarms()]

    def told(self) -> list[tuple[float, ...]]:
        """Return the places that the store holds, in order of time."""
        series = Series(book_device(self.sea.vessel.id), PROBE)
        span = Span(series, self.last.time_ms, self.last.time_ms + DAY_MS)
        found: dict[int, list[float]] = {}
        for one in self.sea.store.read(span):
            if one.value is not None:
                found.setdefault(one.taken_ms, []).append(one.value)
        return [tuple(found[at_ms]) for at_ms in sorted(found)]

    def close(self) -> None:
        self.sea.close()


def _uuid(number: int) -> str:
    return f"0192f3a0-0000-7000-8000-{number:012d}"


@pytest.fixture
def voice(tmp_path: Path) -> Iterator[Voice]:
    voice = Voice(Sea(tmp_path, "tuna-trip", "KH-95123-TS", Source.VMS), tmp_path)
    yield voice
    voice.close()


def test_a_position_told_by_voice_and_written_down_moves_the_six_hours(
    voice: Voice,
) -> None:
    last = voice.last
    voice.look(301)
    voice.write(1, 300, (last.latitude + 9, last.longitude))
    voice.write(2, 299, (last.latitude, last.longitude), corrects=1)
    voice.write(2, 299, (last.latitude, last.longitude), corrects=1)
    assert voice.told() == [(last.latitude, last.longitude)]
    assert [voice.look(minutes) for minutes in (361, 658, 660)] == [
        ["watch"], ["watch"], ["warn"]
    ]  # fmt: skip


def test_two_reports_of_one_second_both_stand(voice: Voice) -> None:
    voice.look(301)
    place = uuid.UUID(_uuid(1)).int % 1000
    other = next(n for n in range(2, 9999) if uuid.UUID(_uuid(n)).int % 1000 == place)
    lat, lon = voice.last.latitude, voice.last.longitude
    voice.write(other, 300, (lat + 0.01, lon))
    voice.write(1, 300, (lat, lon))
    assert voice.told() == [(lat, lon), (lat + 0.01, lon)]
    voice.write(9999, 299, (lat + 0.02, lon), corrects=1)
    assert voice.told() == [(lat + 0.02, lon), (lat + 0.01, lon)]


@pytest.mark.parametrize("wrong", [(11.7, 111.2), (12.1975, 109.1920)])
def test_a_report_by_voice_that_was_corrected_might_never_have_been_made(
    tmp_path: Path, voice: Voice, wrong: tuple[float, float]
) -> None:
    (tmp_path / "as-if-not").mkdir()
    as_if_not = Voice(
        Sea(tmp_path / "as-if-not", "tuna-trip", "KH-95123-TS", Source.VMS),
        tmp_path / "as-if-not",
    )
    for one in (voice, as_if_not):
        one.look(300)
        one.write(3, 90, (one.last.latitude + 0.1, one.last.longitude))
    voice.write(1, 300, wrong)
    voice.look(301)
    voice.look(302)
    for one in (voice, as_if_not):
        told = (100, (one.last.latitude, one.last.longitude))
        one.write(*((2, *told, 1) if one is voice else (1, *told)))
        assert one.look(401) == ["watch"]
        assert one.look(100 + 361) == ["warn"]
        one.look(100 + 362)
    assert voice.sea.found() == as_if_not.sea.found()
    assert voice.sea.remembered() == as_if_not.sea.remembered()
    for one in (voice, as_if_not):
        one.look(475)
        one.write(4, 470, wrong)
    voice.write(5, 474, wrong)  # two in one port: it seems to have landed
    for one in (voice, as_if_not):
        one.sea.send(one.positions[92:98])
        told = (475, (one.last.latitude, one.last.longitude))
        one.write(*((6, *told, 5) if one is voice else (5, *told)))
        one.look(590)
    assert voice.sea.found() == as_if_not.sea.found()
    assert voice.sea.remembered() == as_if_not.sea.remembered()
    as_if_not.close()
