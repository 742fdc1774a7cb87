"""What the box makes of a receiver's lines; the sentences are the simulator's own."""

import io
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.drivers.nmea import Fix, NmeaStream, parse_line
from firmware_sim import sources
from firmware_sim.devices.nmea import misspelt, sentence, sentences
from greenwater.kernel.errors import UnavailableError

AT = datetime(2026, 11, 24, 4, 5, 6, 500_000, UTC)
CAU_DA = sources.Fix(12.2150, 109.2144, 7.4, 93.5)
RMC = "GPRMC,040506.50,A,1212.90000,N,10912.86400,E,7.40,93.50,241126,,,A"


def test_a_fix_has_its_own_time_position_and_motion() -> None:
    assert parse_line(sentence(RMC)) == Fix(AT, 12.215, 109.2144, 7.4, 93.5)


@pytest.mark.parametrize("talker", ["GP", "GN", "GL", "BD", "GA"])
def test_only_rmc_of_any_talker_gives_a_fix(talker: str) -> None:
    found = [parse_line(line) for line in sentences(AT, CAU_DA, talker)]
    assert [fix is not None for fix in found] == [True, False, False, False]


def test_south_and_west_are_negative() -> None:
    (rmc, *_) = sentences(AT, sources.Fix(-12.5, -109.25, 0.0, 0.0))
    fix = parse_line(rmc)
    assert fix is not None
    assert (fix.latitude, fix.longitude) == (-12.5, -109.25)


def test_a_void_fix_gives_nothing() -> None:
    assert [parse_line(line) for line in sentences(AT, None)] == [None] * 3


def test_motion_may_be_left_out() -> None:
    fix = parse_line(sentence("GPRMC,040506,A,1212.9,N,10912.864,E,,,241126,,"))
    assert fix is not None
    assert (fix.speed_kn, fix.course_deg) == (None, None)


@pytest.mark.parametrize("rolls", [1, 2])
def test_a_week_counter_that_rolled_over_is_put_right(rolls: int) -> None:
    shown = AT - rolls * timedelta(weeks=1024)
    (rmc, *_) = sentences(shown, CAU_DA)
    fix = parse_line(rmc)
    assert fix is not None
    assert fix.at == AT


def test_a_date_that_is_right_is_left_alone() -> None:
    (rmc, *_) = sentences(AT + timedelta(days=7000), CAU_DA)
    fix = parse_line(rmc)
    assert fix is not None
    assert fix.at == AT + timedelta(days=7000)


@pytest.mark.parametrize(
    "line",
    [
        *misspelt(sentences(AT, CAU_DA)[:1]),
        f"${RMC}\r\n".encode(),  # no checksum
        sentence(RMC.replace("1212.90000", "9912.90000")),
        sentence(RMC.replace("7.40", "nan")),
        sentence(RMC.replace("7.40", "inf")),
        sentence(RMC.replace("93.50", "-4")),
        b"\xff\xfe noise \x00",
        b"\r\n",
    ],
)
def test_a_line_that_cannot_be_is_refused(line: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  (any sentence will do)
        parse_line(line)


@given(st.binary(max_size=120))
def test_any_bytes_are_a_fix_or_nothing_or_refused(line: bytes) -> None:
    with suppress(ValueError):
        assert parse_line(line) is None


@given(
    at=st.integers(0, 11),
    junk=st.sampled_from(
        ["", "A", "-", "1e400", "nan", "320199", "250000.00", "*", "9"]
    ),
)
def test_one_wrong_field_is_refused_or_a_place_on_earth(at: int, junk: str) -> None:
    fields = RMC.split(",")
    fields[at + 1] = junk
    with suppress(ValueError):
        fix = parse_line(sentence(",".join(fields)))
        assert fix is None or (abs(fix.latitude) <= 90 and abs(fix.longitude) <= 180)


@given(at=st.integers(0, 60), turned=st.integers(1, 255))
def test_one_wrong_byte_never_gives_another_fix(at: int, turned: int) -> None:
    line = bytearray(sentence(RMC))
    line[at] ^= turned
    with suppress(ValueError):
        assert parse_line(bytes(line)) is None


def test_checksum_errors_are_counted_and_passed_over() -> None:
    good, bad = sentences(AT, CAU_DA), misspelt(sentences(AT, CAU_DA))
    stream = NmeaStream("gps")
    fixes = stream.fixes(io.BytesIO(b"".join([*bad, *good, *bad[:1]])))
    found = [next(fixes) for _ in range(9)]
    assert stream.bad_lines == 5
    assert [fix.at for fix in found if fix] == [AT]
    with pytest.raises(UnavailableError, match="gps: the stream is silent"):
        next(fixes)


def test_a_line_without_end_is_cut() -> None:
    stream = NmeaStream("gps")
    with pytest.raises(UnavailableError):
        list(stream.fixes(io.BytesIO(b"x" * 10_000 + b"\n" + sentence(RMC))))
    assert stream.bad_lines == 51
