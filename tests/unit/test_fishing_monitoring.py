"""Vessel monitoring: each deadline a minute before and after, voice, ports, late positions."""

import pytest

from analytics.fishing.monitoring import MOST_VOICES, Contact, Monitoring
from greenwater.kernel.reading import Source
from greenwater.reference.monitoring import DEADLINES, is_required

MIN = 60_000
HOUR = 60 * MIN
DAY = 24 * HOUR
T0 = 1_780_000_000_000


def at_sea(source: Source = Source.VMS) -> Contact:
    """Return a vessel of 17 m that left port at T0 − 1 h and was heard at T0."""
    contact = Contact(is_required=True)
    contact.take(T0 - HOUR, source, is_in_port=True)
    contact.take(T0, source, is_in_port=False)
    return contact


@pytest.mark.parametrize(
    ("after_ms", "before", "then"),
    [
        (2 * HOUR + 20 * MIN, Monitoring.TRACKED, Monitoring.LATE),
        (6 * HOUR, Monitoring.LATE, Monitoring.LOST),
        (10 * DAY, Monitoring.LOST, Monitoring.OVERDUE),
    ],
)
def test_each_deadline(after_ms: int, before: Monitoring, then: Monitoring) -> None:
    contact = at_sea()
    assert contact.look(T0 + after_ms - MIN).state is before
    assert contact.look(T0 + after_ms).state is before
    assert contact.look(T0 + after_ms + MIN).state is then


def test_deadlines_are_told_as_instants() -> None:
    told = at_sea().look(T0 + 3 * HOUR + 50 * MIN)
    assert told.report_by_ms == T0 + 6 * HOUR  # 2 h 10 left
    assert told.port_by_ms == T0 + 10 * DAY


def test_a_report_by_voice_moves_the_six_hours_and_not_the_ten_days() -> None:
    contact = at_sea()
    contact.take(T0 + 5 * HOUR, Source.VOICE, is_in_port=False)
    told = contact.look(T0 + 11 * HOUR - MIN)
    assert told.state is Monitoring.REPORTING
    assert told.report_by_ms == T0 + 11 * HOUR
    assert told.port_by_ms == T0 + 10 * DAY
    assert contact.look(T0 + 11 * HOUR + MIN).state is Monitoring.LOST
    for number in range(1, 42):
        contact.take(T0 + number * 6 * HOUR, Source.VOICE, is_in_port=False)
    assert contact.look(T0 + 10 * DAY - MIN).state is Monitoring.REPORTING
    assert contact.look(T0 + 10 * DAY + MIN).state is Monitoring.OVERDUE


@pytest.mark.parametrize("wrong", [(-HOUR, True), (5 * HOUR, False), (5 * HOUR, True)])
@pytest.mark.parametrize("others", [(), (3 * HOUR,), (3 * HOUR, 4 * HOUR)])
def test_a_report_by_voice_that_is_taken_back_might_never_have_been(
    wrong: tuple[int, bool], others: tuple[int, ...]
) -> None:
    vessel, as_if_not = at_sea(), at_sea()
    after_ms, is_in_port = wrong
    for contact in (vessel, as_if_not):
        for other_ms in others:
            contact.take(T0 + other_ms, Source.VOICE, is_in_port=False)
        contact.look(T0 + 4 * HOUR + MIN)
    vessel.take(T0 + after_ms, Source.VOICE, is_in_port=is_in_port)
    for contact in (vessel, as_if_not):
        contact.look(T0 + 10 * HOUR + MIN)
    vessel.take_back(T0 + after_ms)
    for now_ms in (T0 + 10 * HOUR + 2 * MIN, T0 + 13 * HOUR):
        assert vessel.look(now_ms) == as_if_not.look(now_ms)
    assert vessel == as_if_not


def test_what_voice_told_long_ago_stays_told() -> None:
    contact = at_sea()
    for number in range(1, MOST_VOICES + 10):
        contact.take(T0 + number * HOUR, Source.VOICE, is_in_port=False)
    assert len(contact.voices) == MOST_VOICES
    for time_ms in list(contact.voices):
        contact.take_back(time_ms)
    assert contact.look(T0 + 16 * HOUR).report_by_ms == T0 + 15 * HOUR


def test_a_position_of_the_box_moves_no_legal_clock_and_its_silence_is_normal() -> None:
    contact = at_sea()
    contact.take(T0 + 5 * HOUR, Source.BOX, is_in_port=False)
    assert contact.look(T0 + 7 * HOUR).state is Monitoring.LOST
    silent = at_sea()
    for number in range(60):  # five days of monitoring, none of the box
        silent.take(T0 + number * 2 * HOUR, Source.VMS, is_in_port=False)
    told = silent.look(T0 + 119 * HOUR)
    assert told.state is Monitoring.TRACKED
    assert not told.is_out_of_contact


def test_in_port_nothing_is_due_and_the_clock_starts_on_leaving() -> None:
    contact = at_sea()
    contact.take(T0 + 3 * HOUR, Source.BOX, is_in_port=True)
    assert contact.look(T0 + 30 * DAY).state is Monitoring.IN_PORT
    left_ms = T0 + 30 * DAY
    contact.take(left_ms, Source.BOX, is_in_port=True)
    contact.take(left_ms + HOUR, Source.BOX, is_in_port=False)
    assert contact.look(left_ms + 2 * HOUR).state is Monitoring.TRACKED
    assert contact.look(left_ms + 3 * HOUR).state is Monitoring.LATE


def test_positions_that_come_late_close_the_hole_and_the_alarm_stays_on_record() -> (
    None
):
    contact = at_sea()
    assert contact.look(T0 + 7 * HOUR).state is Monitoring.LOST
    contact.take(T0 + 8 * HOUR, Source.VMS, is_in_port=False)
    assert contact.look(T0 + 8 * HOUR).state is Monitoring.TRACKED
    (lapse,) = contact.lapses
    assert lapse.holes == [(T0, T0 + 8 * HOUR)]
    for late_ms in (6 * HOUR, 2 * HOUR):
        contact.take(T0 + late_ms, Source.VMS, is_in_port=False)
    assert lapse.holes == [(T0 + 2 * HOUR, T0 + 6 * HOUR)]
    assert not lapse.is_filled
    contact.take(T0 + 4 * HOUR, Source.VMS, is_in_port=False)
    assert lapse.is_filled
    assert (lapse.began_ms, lapse.noticed_ms) == (T0, T0 + 7 * HOUR)
    assert lapse.worst is Monitoring.LOST
    assert contact.lapses == [lapse]


def test_a_backlog_taken_in_at_once_fills_as_well() -> None:
    contact = at_sea()
    contact.look(T0 + 9 * HOUR)
    for late_ms in range(2 * HOUR, 11 * HOUR, 2 * HOUR):
        contact.take(T0 + late_ms, Source.VMS, is_in_port=False)
    contact.look(T0 + 11 * HOUR)
    assert [one.is_filled for one in contact.lapses] == [True]


@pytest.mark.parametrize(("source", "hours"), [(Source.VMS, 12), (Source.VOICE, 24)])
def test_out_of_contact_is_when_no_source_at_all_is_heard(
    source: Source, hours: int
) -> None:
    contact = at_sea(source)
    contact.is_required = False
    assert not contact.look(T0 + hours * HOUR).is_out_of_contact
    assert contact.look(T0 + hours * HOUR + MIN).is_out_of_contact
    contact.take(T0 + hours * HOUR, Source.VOICE, is_in_port=False)
    assert not contact.look(T0 + hours * HOUR + MIN).is_out_of_contact


def test_a_vessel_with_a_box_alone_is_never_out_of_contact() -> None:
    contact = at_sea(Source.BOX)
    contact.is_required = False
    told = contact.look(T0 + 20 * DAY)
    assert told.state is Monitoring.NOT_REQUIRED
    assert not told.is_out_of_contact
    assert not contact.lapses


def test_only_vessels_from_fifteen_metres_are_asked() -> None:
    assert is_required(15.0)
    assert not is_required(14.9)
    assert not is_required(None)
    assert Contact().look(T0).state is Monitoring.NOT_REQUIRED
    assert Contact(is_required=True).look(T0).state is Monitoring.UNKNOWN
    assert not DEADLINES.report.verified
