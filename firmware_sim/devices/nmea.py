"""NMEA 0183 as a receiver talks it: RMC, GGA, VTG and ZDA, with checksums.

Written here from the standard's published sentence layouts (domain.md §6.2), not with
the parser that the edge uses.
"""

import asyncio
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

from firmware_sim.sources import Fix, PositionSource
from greenwater.kernel.errors import UnavailableError

KMH_PER_KN = 1.852

Damage = Callable[[list[bytes]], list[bytes]]
"""What becomes of sentences on their way."""


def checksum(body: str) -> str:
    """Return the two hex digits: all bytes between ``$`` and ``*``, xor'ed."""
    total = 0
    for byte in body.encode("ascii"):
        total ^= byte
    return f"{total:02X}"


def sentence(body: str) -> bytes:
    """Return a sentence on the wire."""
    return f"${body}*{checksum(body)}\r\n".encode("ascii")


def degrees(value: float, *, width: int, letters: str) -> str:
    """Return ``ddmm.mmmmm,N``: degrees and decimal minutes without a separator."""
    total = round(abs(value) * 60, 5)
    whole, minutes = divmod(total, 60)
    return f"{int(whole):0{width}d}{minutes:08.5f},{letters[value < 0]}"


def sentences(at: datetime, fix: Fix | None, talker: str = "GN") -> list[bytes]:
    """Return what a receiver says of one instant; without a fix: void, no position."""
    clock, day = at.strftime("%H%M%S.%f")[:9], at.strftime("%d%m%y")
    date = at.strftime("%d,%m,%Y")
    if fix is None:
        bodies = [
            f"{talker}RMC,{clock},V,,,,,,,{day},,,N",
            f"{talker}GGA,{clock},,,,,0,00,99.9,,M,,M,,",
        ]
    else:
        place = (
            f"{degrees(fix.latitude, width=2, letters='NS')},"
            f"{degrees(fix.longitude, width=3, letters='EW')}"
        )
        speed = f"{fix.speed_kn:.2f}"
        course = f"{round(fix.course_deg, 2) % 360:.2f}"
        bodies = [
            f"{talker}RMC,{clock},A,{place},{speed},{course},{day},,,A",
            f"{talker}GGA,{clock},{place},1,09,0.9,2.0,M,-3.0,M,,",
            f"{talker}VTG,{course},T,,M,{speed},N,{fix.speed_kn * KMH_PER_KN:.2f},K,A",
        ]
    bodies.append(f"{talker}ZDA,{clock},{date},00,00")
    return [sentence(body) for body in bodies]


def misspelt(lines: Sequence[bytes]) -> list[bytes]:
    """Return sentences with a digit changed on the way: their checksums are wrong."""
    return [
        line[:7] + bytes([line[7] ^ 1]) + line[8:] if len(line) > 8 else line
        for line in lines
    ]


def told(source: PositionSource, now_s: float, talker: str = "GN") -> list[bytes]:
    """Return what a receiver says now.

    It reports hundredths of a second, and the fix belongs to the stamp.
    """
    stamp_s = round(now_s, 2)
    at = datetime.fromtimestamp(stamp_s, UTC)
    return sentences(at, source.fix_at(stamp_s), talker)


async def talk_on_line(
    say: Callable[[bytes], None],
    source: PositionSource,
    *,
    now_s: Callable[[], float],
    every_s: float = 1.0,
    talker: str = "GN",
    damage: Damage = list,
) -> None:
    """Tell a serial line the position every ``every_s`` real seconds, until cancelled."""
    while True:
        say(b"".join(damage(told(source, now_s(), talker))))
        await asyncio.sleep(every_s)


class NmeaServer:
    """A TCP server that tells every client the position, every ``every_s`` real seconds."""

    def __init__(
        self,
        source: PositionSource,
        *,
        now_s: Callable[[], float],
        every_s: float = 1.0,
        talker: str = "GN",
        damage: Damage = list,
    ) -> None:
        self._source, self._now_s, self._every_s = source, now_s, every_s
        self._talker, self._damage = talker, damage
        self._server: asyncio.Server | None = None
        self._listeners: set[asyncio.StreamWriter] = set()

    async def start(self, port: int = 0) -> int:
        """Listen on loopback; return the port.

        Raises:
            UnavailableError: the port is taken.
        """
        try:
            self._server = await asyncio.start_server(self._talk, "127.0.0.1", port)
        except OSError as exc:
            raise UnavailableError(f"port {port} is taken: name another one") from exc
        return int(self._server.sockets[0].getsockname()[1])

    async def stop(self) -> None:
        """Hang up on everyone."""
        if self._server is not None:
            self._server.close()
        for writer in list(self._listeners):
            writer.close()

    async def _talk(self, _reader: Any, writer: asyncio.StreamWriter) -> None:
        self._listeners.add(writer)
        try:
            while not writer.is_closing():
                lines = told(self._source, self._now_s(), self._talker)
                writer.writelines(self._damage(lines))
                await writer.drain()
                await asyncio.sleep(self._every_s)
        except (ConnectionError, asyncio.CancelledError):
            pass  # it has hung up, or we end
        finally:
            self._listeners.discard(writer)
            writer.close()
