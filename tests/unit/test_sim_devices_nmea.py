"""Sentences as a receiver talks them: by hand, and read by pynmeagps."""

from datetime import UTC, date, datetime, time

import pynmeagps
import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware_sim.devices.nmea import checksum, degrees, misspelt, sentences, told
from firmware_sim.sources import Fix

AT = datetime(2026, 6, 1, 4, 5, 6, 780_000, tzinfo=UTC)
NHA_TRANG = Fix(12.2150, 109.2144, 7.4, 93.5)


def parsed(line: bytes) -> pynmeagps.NMEAMessage:
    message = pynmeagps.NMEAReader.parse(line, validate=pynmeagps.VALCKSUM)
    assert message is not None
    return message


def test_the_checksum_is_the_standards() -> None:
    # The example sentence of most receivers' manuals.
    body = "GPGGA,092750.000,5321.6802,N,00630.3372,W,1,8,1.03,61.7,M,55.2,M,,"
    assert checksum(body) == "76"


def test_rmc_and_gga_by_hand() -> None:
    rmc, gga, vtg, zda = sentences(AT, NHA_TRANG)
    assert rmc == (
        b"$GNRMC,040506.78,A,1212.90000,N,10912.86400,E,7.40,93.50,010626,,,A*"
        + checksum(rmc[1:].split(b"*")[0].decode()).encode()
        + b"\r\n"
    )
    assert gga.startswith(b"$GNGGA,040506.78,1212.90000,N,10912.86400,E,1,09,0.9,")
    assert vtg.startswith(b"$GNVTG,93.50,T,,M,7.40,N,13.70,K,A*")
    assert zda.startswith(b"$GNZDA,040506.78,01,06,2026,00,00*")


@pytest.mark.parametrize("talker", ["GP", "GN", "GL"])
def test_a_parser_of_others_reads_them(talker: str) -> None:
    messages = [parsed(line) for line in sentences(AT, NHA_TRANG, talker)]
    assert [m.msgID for m in messages] == ["RMC", "GGA", "VTG", "ZDA"]
    assert {m.talker for m in messages} == {talker}
    rmc = messages[0]
    assert (rmc.status, rmc.date, rmc.time) == (
        "A",
        date(2026, 6, 1),
        time(4, 5, 6, 780_000),
    )
    assert rmc.lat == pytest.approx(12.2150, abs=2e-7)
    assert rmc.lon == pytest.approx(109.2144, abs=2e-7)
    assert (rmc.spd, rmc.cog) == (7.4, 93.5)


def test_a_void_fix_has_no_position_but_the_time() -> None:
    rmc, gga, zda = [parsed(line) for line in sentences(AT, None)]
    assert (rmc.status, rmc.lat, rmc.date) == ("V", "", date(2026, 6, 1))
    assert gga.quality == 0
    assert zda.year == 2026


@given(
    st.floats(-89.999, 89.999),
    st.floats(-179.999, 179.999),
    st.floats(0, 40),
    st.floats(0, 360, exclude_max=True),
)
def test_any_fix_comes_back(
    lat: float, lon: float, speed: float, course: float
) -> None:
    rmc = parsed(sentences(AT, Fix(lat, lon, speed, course))[0])
    assert rmc.lat == pytest.approx(lat, abs=2e-7)
    assert rmc.lon == pytest.approx(lon, abs=2e-7)
    assert rmc.spd == pytest.approx(speed, abs=0.006)
    assert 0 <= rmc.cog < 360


def test_minutes_never_reach_sixty() -> None:
    assert degrees(12.999999999, width=2, letters="NS") == "1300.00000,N"
    assert degrees(-0.5, width=3, letters="EW") == "00030.00000,W"


def test_a_misspelt_sentence_is_refused_by_its_checksum() -> None:
    for line in misspelt(sentences(AT, NHA_TRANG)):
        with pytest.raises(pynmeagps.NMEAParseError):
            parsed(line)


def test_the_fix_belongs_to_the_stamp() -> None:
    asked = []

    class Source:
        def fix_at(self, t_s: float) -> Fix | None:
            asked.append(t_s)
            return NHA_TRANG

    line = told(Source(), AT.timestamp() + 0.004)[0]
    assert asked == [AT.timestamp()]
    assert b",040506.78," in line
