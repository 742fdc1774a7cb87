"""``make load``: two hundred farmers with live pages, and everybody who scans a label.

A province of farms is made in files, and the site runs over it as a process of its own, as
it does in the field. This process is the farmers: each has a page open (a stream of
server-sent events, and the page asked for again as its script does), and goes to another
page now and then. Then labels are scanned as fast as the site answers. With ``--soak`` the
farmers stay for so many minutes and the site's memory is looked at.
"""

import argparse
import asyncio
import os
import random
import re
import subprocess
import sys
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import psutil

from benchmarks.load_world import Address, build, open_services
from greenwater.kernel.clock import SystemClock
from web.app import create_app
from web.server import serve

HOME_S: Final = 30.0
"""How often the script of a calm open page asks for it again (``static/farm.js``)."""

READ_S: Final = 30.0
"""How long somebody reads a page before he goes to another, on average."""

SCANNERS: Final = 16
EVERY_S: Final = 30.0
"""How often memory is looked at while soaking."""

PORT: Final = "port"
_LENGTH: Final = re.compile(rb"content-length: *([0-9]+)", re.IGNORECASE)


class Line:
    """One connection that is kept, as a browser keeps it."""

    def __init__(self, port: int, cookie: str = "") -> None:
        self._port, self._cookie = port, cookie
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    def _request(self, path: str) -> bytes:
        cookie = f"Cookie: gw_session={self._cookie}\r\n" if self._cookie else ""
        return (
            f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: text/html\r\n"
            f"Accept-Encoding: gzip\r\n{cookie}\r\n"
        ).encode()

    async def get(self, path: str) -> tuple[int, int]:
        """Ask for a page; return its status and how many bytes it has."""
        try:
            return await self._get(path)
        except (asyncio.IncompleteReadError, ConnectionError):
            # The site hangs up on whoever is silent for five seconds.
            self.close()
            return await self._get(path)

    async def _get(self, path: str) -> tuple[int, int]:
        if self._streams is None:
            self._streams = await asyncio.open_connection("127.0.0.1", self._port)
        reader, writer = self._streams
        writer.write(self._request(path))
        head = await reader.readuntil(b"\r\n\r\n")
        status = int(head[9:12])
        length = _LENGTH.search(head)
        if length is not None:
            await reader.readexactly(int(length[1]))
            return status, int(length[1])
        size = 0
        while count := int(await reader.readline(), 16):
            await reader.readexactly(count + 2)
            size += count
        await reader.readline()
        return status, size

    async def listen(self, path: str, heard: list[float]) -> None:
        """Keep a stream open, and note when something was heard."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        writer.write(self._request(path))
        head = await reader.readuntil(b"\r\n\r\n")
        if b" 200 " not in head[:16]:
            raise RuntimeError(f"{path}: {head[:60]!r}")
        while line := await reader.readline():
            if line.startswith(b"data:"):
                heard.append(time.monotonic())

    def close(self) -> None:
        """Hang up."""
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None


class Farmers:
    """Everybody with a page open, and how long each page took (ms), by kind."""

    def __init__(self, port: int, people: Sequence[Address], seed: int = 1) -> None:
        self._port, self._people, self._rng = port, people, random.Random(seed)
        self.took: dict[str, list[float]] = defaultdict(list)
        self.heard: list[float] = []
        self.failed = 0

    async def stay(self, seconds: float) -> None:
        """Have all of them look at their pages for so long."""
        tasks = [asyncio.create_task(self._one(who)) for who in self._people]
        await asyncio.sleep(HOME_S)
        self.took.clear()  # they came one after the other; now all are there
        await asyncio.sleep(seconds)
        for task in tasks:
            task.cancel()
        ended = await asyncio.gather(*tasks, return_exceptions=True)
        for one in ended:
            if isinstance(one, Exception):
                print(f"load: {one!r}", file=sys.stderr)
                self.failed += 1

    async def _one(self, who: Address) -> None:
        await asyncio.sleep(self._rng.uniform(0, HOME_S))
        async with asyncio.TaskGroup() as both:
            both.create_task(self._look(who))
            stream = Line(self._port, who.token)
            both.create_task(stream.listen("/events", self.heard))

    async def _look(self, who: Address) -> None:
        line, rng = Line(self._port, who.token), self._rng
        goes_s = time.monotonic() + rng.expovariate(1 / READ_S)
        while True:
            path, kind = "/", "live page, asked again"
            if time.monotonic() > goes_s:
                goes_s = time.monotonic() + rng.expovariate(1 / READ_S)
                path, kind = rng.choice(who.pages)
            began_s = time.perf_counter()
            status, size = await line.get(path)
            self.took[kind].append((time.perf_counter() - began_s) * 1000)
            self.failed += status != 200 or not size
            left_s = goes_s - time.monotonic()
            await asyncio.sleep(max(0.1, min(left_s, rng.uniform(0.9, 1.1) * HOME_S)))


async def scan(port: int, paths: Sequence[str], seconds: float) -> list[float]:
    """Scan labels as fast as the site answers; return what each took (ms)."""
    took: list[float] = []
    end_s = time.monotonic() + seconds

    async def one(number: int) -> None:
        line, rng = Line(port), random.Random(number)
        while time.monotonic() < end_s:
            began_s = time.perf_counter()
            status, _ = await line.get(rng.choice(paths))
            took.append((time.perf_counter() - began_s) * 1000)
            if status != 200:
                raise RuntimeError(f"a passport was answered {status}")
        line.close()

    await asyncio.gather(*(one(number) for number in range(SCANNERS)))
    return took


class Site:
    """The site as a process of its own, and what it takes."""

    def __init__(self, folder: Path) -> None:
        command = [sys.executable, "-m", "benchmarks.load", "--serve", str(folder)]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        told = (one.split() for one in self._process.stdout)
        self.port = next(int(one[1]) for one in told if one[:1] == [PORT])
        self._seen = psutil.Process(self._process.pid)

    def cpu_s(self) -> float:
        """Return the processor's time it took so far."""
        times = self._seen.cpu_times()
        return float(times.user + times.system)

    def rss_mb(self) -> float:
        """Return how much memory it has."""
        return float(self._seen.memory_info().rss / 1e6)

    def stop(self) -> None:
        """End it."""
        self._process.terminate()
        self._process.wait(20)


def part(took: Sequence[float], share: float) -> float:
    """Return a quantile."""
    return sorted(took)[min(len(took) - 1, int(len(took) * share))]


def row(name: str, took: Sequence[float]) -> None:
    """Print a row of the table of times."""
    print(
        f"| {name} | {len(took):,} | {part(took, 0.5):.0f} | {part(took, 0.95):.0f} "
        f"| {max(took):.0f} |",
        flush=True,
    )


def look(site: Site, people: Sequence[Address], seconds: float) -> None:
    """Have the farmers look at their pages, and print how long these took."""
    farmers, cpu_s, began_s = Farmers(site.port, people), site.cpu_s(), time.monotonic()
    asyncio.run(farmers.stay(seconds))
    passed_s = time.monotonic() - began_s - HOME_S
    every = [one for took in farmers.took.values() for one in took]
    print(f"\n### {len(people)} farmers, each with a live page, {passed_s:.0f} s")
    print(f"(load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores)\n")
    print("| page | asked | p50 ms | p95 ms | longest |\n|---|--:|--:|--:|--:|")
    for kind, took in sorted(farmers.took.items()):
        row(kind, took)
    row("**all**", every)
    print(
        f"\n{len(every) / passed_s:.1f} pages/s, {len(farmers.heard)} events heard, "
        f"{farmers.failed} failed; the site took {(site.cpu_s() - cpu_s) / (passed_s + HOME_S):.2f} "
        f"of a core, {site.rss_mb():.0f} MB",
        flush=True,
    )


def look_at_labels(site: Site, paths: Sequence[str], seconds: float) -> None:
    """Scan labels, few and many, and print how many the site answers."""
    print(
        "\n| passports scanned | requests/s | per second of the site's CPU | p95 ms |"
    )
    print("|---|--:|--:|--:|")
    for name, chosen in (
        ("one label, again and again", paths[:1]),
        (f"{len(paths)} labels, by chance", paths),
    ):
        asyncio.run(scan(site.port, chosen, 1.0))
        cpu_s, began_s = site.cpu_s(), time.monotonic()
        took = asyncio.run(scan(site.port, chosen, seconds))
        passed_s, used_s = time.monotonic() - began_s, site.cpu_s() - cpu_s
        print(
            f"| {name} | {len(took) / passed_s:,.0f} | {len(took) / used_s:,.0f} "
            f"| {part(took, 0.95):.1f} |",
            flush=True,
        )


def soak(
    site: Site, people: Sequence[Address], paths: Sequence[str], minutes: float
) -> None:
    """Have farmers and shoppers stay for so long, and print the site's memory."""
    began_s, end_s = time.monotonic(), time.monotonic() + minutes * 60
    stop = threading.Event()

    def sample() -> None:
        print("\n| minutes | memory MB |\n|--:|--:|", flush=True)
        while not stop.is_set():
            at = (time.monotonic() - began_s) / 60
            print(f"| {at:.1f} | {site.rss_mb():.1f} |", flush=True)
            stop.wait(EVERY_S)

    async def both() -> None:
        farmers = Farmers(site.port, people, seed=2)
        line, rng = Line(site.port), random.Random(3)
        staying = asyncio.create_task(farmers.stay(minutes * 60))
        while time.monotonic() < end_s:
            await line.get(rng.choice(paths))
            await asyncio.sleep(0.2)
        await staying
        print(
            f"\n{sum(map(len, farmers.took.values())):,} pages, {farmers.failed} failed"
        )

    watcher = threading.Thread(target=sample)
    watcher.start()
    try:
        asyncio.run(both())
    finally:
        stop.set()
        watcher.join()


def run_site(folder: Path) -> None:
    """Be the site until told to end; say the port on the first line."""
    with open_services(folder, SystemClock()) as services:
        serve(
            create_app(services),
            "127.0.0.1",
            0,
            threading.Event(),
            on_ready=lambda port: print(PORT, port, flush=True),
        )


@contextmanager
def running(folder: Path) -> Iterator[Site]:
    """Run the site over a province."""
    site = Site(folder)
    try:
        yield site
    finally:
        site.stop()


def main() -> None:
    """Build, serve, ask, print."""
    words = argparse.ArgumentParser(prog="greenwater bench load", description=__doc__)
    words.add_argument("--farmers", type=int, default=200)
    words.add_argument("--seconds", type=float, default=60.0)
    words.add_argument("--scan-seconds", type=float, default=10.0)
    words.add_argument("--soak", type=float, default=0.0, metavar="MINUTES")
    words.add_argument("--folder", type=Path, help="keep the province here")
    words.add_argument("--serve", type=Path, help=argparse.SUPPRESS)
    asked = words.parse_args()
    if asked.serve is not None:
        run_site(asked.serve)
        return
    with tempfile.TemporaryDirectory() as name:
        folder = asked.folder or Path(name)
        people, labels = build(folder, asked.farmers, SystemClock())
        with running(folder) as site:
            if asked.seconds:
                look(site, people, asked.seconds)
            if asked.scan_seconds:
                look_at_labels(site, labels, asked.scan_seconds)
            if asked.soak:
                soak(site, people, labels, asked.soak)


if __name__ == "__main__":
    main()
