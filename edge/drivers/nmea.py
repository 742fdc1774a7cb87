"""NMEA 0183 positions, parsed by pynmeagps: RMC for the fix, its time and its motion.

A void fix (status V) is no position: nothing is sent for it, the gap is the truth. A
wrong checksum is counted and passed over. GPS receivers whose week counter has rolled
over show dates 1,024 weeks too early: they are put right.
"""

import contextlib
import re
import socket
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import IO, NamedTuple

import pynmeagps

from greenwater.kernel.errors import UnavailableError

ROLLOVER = timedelta(weeks=1024)
EARLIEST = datetime(2026, 1, 1, tzinfo=UTC)
READ_TIMEOUT_S = 5.0
LINE_MOST = 200
FASTEST_KN = 200.0
SENTENCE = re.compile(rb"[$!][^*]*\*[0-9A-Fa-f]{2}")


class Fix(NamedTuple):
    """A position and its own UTC instant; speed in knots, course in degrees."""

    at: datetime
    latitude: float
    longitude: float
    speed_kn: float | None
    course_deg: float | None


def parse_line(line: bytes) -> Fix | None:
    """Return the fix in a line, or None: another sentence, a void fix.

    Raises:
        ValueError: the line is no sentence, its checksum is wrong or left out, or what
            it says cannot be.
    """
    if not SENTENCE.fullmatch(line.strip()):
        raise ValueError(f"no sentence with a checksum: {line[:20]!r}")
    try:
        message = pynmeagps.NMEAReader.parse(
            line.strip() + b"\r\n", validate=pynmeagps.VALCKSUM
        )
    except (
        pynmeagps.NMEAParseError,
        pynmeagps.NMEAMessageError,
        pynmeagps.NMEATypeError,
    ) as exc:
        raise ValueError(str(exc)) from exc
    if message is None or message.msgID != "RMC" or message.status != "A":
        return None
    if message.lat == "" or message.lon == "" or not message.date or not message.time:
        return None
    return Fix(
        _unrolled(datetime.combine(message.date, message.time, UTC)),
        _number(message.lat, -90.0, 90.0),
        _number(message.lon, -180.0, 180.0),
        None if message.spd == "" else _number(message.spd, 0.0, FASTEST_KN),
        None if message.cog == "" else _number(message.cog, 0.0, 360.0) % 360.0,
    )


def _unrolled(at: datetime) -> datetime:
    while at < EARLIEST:
        at += ROLLOVER
    return at


def _number(told: float, least: float, most: float) -> float:
    number = float(told)
    if not least <= number <= most:
        raise ValueError(f"{number:g} is not from {least:g} to {most:g}")
    return number


class NmeaStream:
    """Lines from a TCP server or a serial port."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.bad_lines = 0

    @contextlib.contextmanager
    def tcp(self, host: str, port: int) -> Iterator[IO[bytes]]:
        """Open a stream from a TCP server (gpsd's or a multiplexer's NMEA port)."""
        try:
            with socket.create_connection((host, port), READ_TIMEOUT_S) as connection:
                connection.settimeout(READ_TIMEOUT_S)
                with connection.makefile("rb") as lines:
                    yield lines
        except OSError as exc:
            raise UnavailableError(f"positions {self.name}: {exc}") from exc

    @contextlib.contextmanager
    def serial(self, device: str, baud: int) -> Iterator[IO[bytes]]:
        """Open a stream from a serial port."""
        import serial

        try:
            with serial.Serial(device, baud, timeout=READ_TIMEOUT_S) as port:
                yield port
        except (serial.SerialException, OSError) as exc:
            raise UnavailableError(f"positions {self.name}: {exc}") from exc

    def fixes(self, lines: IO[bytes]) -> Iterator[Fix | None]:
        """Yield, for each line until the stream ends, its fix, or None: it has none.

        Raises:
            UnavailableError: nothing came for five seconds, or the stream ended.
        """
        while True:
            line = lines.readline(LINE_MOST)
            if not line:
                raise UnavailableError(f"positions {self.name}: the stream is silent")
            try:
                yield parse_line(line)
            except ValueError:
                self.bad_lines += 1
                yield None
