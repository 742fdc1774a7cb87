"""``greenwater bench query``: passports and event queries while a registry grows.

The registry is filled to 10⁴, 10⁵ and 10⁶ trace events of a hundred farms (see
``query_fill``). At each size the same questions are asked of the real code, from the
parsing of the parameters to the bytes of the answer, and once over HTTP; then the chain
of a lot with 10,000 events is exported.
"""

import argparse
import http.client
import json
import math
import os
import random
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Final, NamedTuple
from urllib.parse import urlencode

import msgspec

from benchmarks.query_fill import (
    EVENTS_A_LOT,
    START_MS,
    Filler,
    Story,
    Template,
    add_farms,
    copy_passports,
    template_of,
)
from greenwater.kernel.reading import DAY_MS, MINUTE_MS, instant, milliseconds
from greenwater.storage.registry import Registry, open_registry
from greenwater.storage.telemetry import open_telemetry
from tests.pages.farms import GTINS, Farms
from tests.pages.world import NOW_MS, World, open_empty
from traceability.epcis.answers import EpcFormat, query_document
from traceability.epcis.capture import draft_of
from traceability.epcis.query import parse_query
from traceability.goods.exporting import export_chain
from traceability.label.passport import passport_of
from traceability.proof.keys import open_signer
from web.api.epcis_queries import descendants, elements
from web.app import create_app
from web.server import serve

Pairs = list[tuple[str, str]]
Question = Callable[[Story], Pairs]
FARM: Final = "hoa"
SECRET: Final = "bench-query"


def iso(ms: int) -> str:
    """Return an instant as the query language has it."""
    return instant(ms).isoformat(timespec="milliseconds").replace("+00:00", "Z")


QUESTIONS: Final[dict[str, Question]] = {
    "the newest": lambda _s: [],
    "one lot": lambda s: [("MATCH_anyEPCClass", s.link)],
    "one serial": lambda s: [
        ("MATCH_epc", f"https://id.gs1.org/01/{s.gtin}/21/{s.code}1")
    ],
    "all of a GTIN": lambda s: [("MATCH_anyEPC", f"https://id.gs1.org/01/{s.gtin}")],
    "a step": lambda _s: [("EQ_bizStep", "shipping")],
    "a step, a pond, a day": lambda s: [
        ("EQ_bizStep", "urn:gdst:bizStep:feeding"),
        ("EQ_readPoint", f"urn:greenwater:unit:{s.farm}-ao-1"),
        ("GE_eventTime", iso(s.began_ms)),
        ("LT_eventTime", iso(s.began_ms + DAY_MS)),
    ],
    "recorded since": lambda _s: [
        ("GE_recordTime", iso(START_MS + 50)),
        ("orderBy", "recordTime"),
        ("orderDirection", "ASC"),
    ],
    "a lot number in ILMD": lambda s: [("EQ_ILMD_gw:lotNumber", s.code)],
    "warmer than 31 °C": lambda _s: [("GT_value_KEL", "304.65")],
    "harvests before": lambda s: [
        ("eventType", "TransformationEvent"),
        ("LT_eventTime", iso(s.began_ms)),
    ],
    "one of two steps": lambda _s: [("EQ_bizStep", "shipping,receiving")],
    "two terms that often meet": lambda _s: [
        ("EQ_bizStep", "shipping"),
        ("EQ_disposition", "in_transit"),
    ],
    "a pond's shipping (none)": lambda s: [
        ("EQ_bizStep", "shipping"),
        ("EQ_readPoint", f"urn:greenwater:unit:{s.farm}-ao-1"),
    ],
    "two long terms that never meet": lambda _s: [
        ("EQ_bizStep", "urn:gdst:bizStep:feeding"),
        ("EQ_disposition", "in_transit"),
    ],
    "harvests of a commune": lambda _s: [
        ("WD_readPoint", "urn:greenwater:commune:22411"),
        ("EQ_bizStep", "urn:gdst:bizStep:farmHarvest"),
    ],
}


def answer(
    registry: Registry, story: Story, *, question: Question, is_wide: bool
) -> bytes:
    """Return the answer to a question, as ``GET /epcis/events`` makes it."""
    seen = (
        registry.visible_to(None)
        if is_wide
        else registry.visible_to_organisation(story.farm)
    )
    asked = parse_query(
        question(story),
        lambda place: descendants(seen, place),
        most=1000,
        having=lambda names, texts: elements(seen, names, texts),
    )
    found = seen.find_events(asked.query, limit=asked.per_page + 1)
    document = query_document(found, EpcFormat.LINK, NOW_MS, "SimpleEventQuery")
    return msgspec.json.encode(document)


class Took(NamedTuple):
    """How long each time took in ms, in order of length: waited, and worked."""

    waited: Sequence[float]
    worked: Sequence[float]

    def plus(self, other: "Took") -> "Took":
        """Return both together."""
        both = zip(self, other, strict=True)
        return Took(*(sorted([*mine, *its]) for mine, its in both))


def timed(act: Callable[[Story], object], stories: Sequence[Story]) -> Took:
    """Return how long each took: on the clock, and of this process's CPU."""
    waited, worked = list[float](), list[float]()
    for story in stories:
        started, busy = time.perf_counter(), time.process_time()
        act(story)
        waited.append((time.perf_counter() - started) * 1000)
        worked.append((time.process_time() - busy) * 1000)
    return Took(sorted(waited), sorted(worked))


def part(took: Sequence[float], share: float) -> float:
    """Return a quantile of what took so long, by nearest rank."""
    return took[max(0, math.ceil(len(took) * share) - 1)]


class Bench:
    """One registry that grows, or one that was filled before and is only asked."""

    def __init__(self, world: World, folder: Path, asked: int) -> None:
        self.registry, self.asked = world.registry, asked
        self._grown: dict[str, dict[int, tuple[float, float]]] = {}
        self._kept, self._rng = folder / "filled.json", random.Random(7)
        self._filler, self._template = Filler(world.registry), Template()
        signer = open_signer(folder / "keys", world.registry, NOW_MS)
        self._services = replace(world.services, signer=signer, is_guarded=True)
        if self._kept.exists():
            code, lots = json.loads(self._kept.read_text(encoding="utf-8"))
            self._code, self._copied = str(code), int(lots)
            self._filler.lots = self._copied
            return
        farms, self._copied = Farms(world, folder), 0
        add_farms(world.registry)
        self._code = world.registry.get_lot(farms.lots[FARM]).code
        self._template = template_of(world.registry, FARM)
        world.registry.add_api_token(
            "bench", SECRET, organisation="farm-007", name="bench",
            scopes=frozenset({"epcis:query"}), now_ms=NOW_MS,
            expires_ms=milliseconds(world.clock.now() + timedelta(days=9)),
        )  # fmt: skip

    def grow(self, events: int) -> None:
        """Fill the registry up to so many events, and a passport for each fifty."""
        started = time.perf_counter()
        lots = events // EVENTS_A_LOT
        self._filler.fill(lots)
        copy_passports(self.registry, self._template, self._copied, lots)
        self._copied = lots
        self._kept.write_text(json.dumps([self._code, lots]), encoding="utf-8")
        took = time.perf_counter() - started
        print(f"bench: {events:,} events, filled in {took:.0f} s", file=sys.stderr)

    @property
    def events(self) -> int:
        """How many trace events there are."""
        return self._copied * EVENTS_A_LOT

    def row(self, name: str, took: Took) -> None:
        """Print a row of the table, and keep it for that of the growth."""
        (p50, p95), worked = (
            (part(one, 0.5), part(one, 0.95)) for one in (took.waited, took.worked)
        )
        self._grown.setdefault(name, {})[self.events] = (p50, p95)
        cells = [p50, p95, took.waited[-1], *worked]
        print(f"| {name} | {' | '.join(f'{one:.1f}' for one in cells)} |", flush=True)

    def print_growth(self) -> None:
        """Print p50 / p95 of everything at every size, side by side."""
        sizes = sorted({size for found in self._grown.values() for size in found})
        print(
            f"\n### Growth: p50 / p95 in ms (load {os.getloadavg()[0]:.1f} at the end)\n"
        )
        print(f"| asked | {' | '.join(f'{one:,}' for one in sizes)} |")
        print(f"|---|{'--:|' * len(sizes)}")
        for name, found in self._grown.items():
            cells = [f"{found[one][0]:.1f} / {found[one][1]:.1f}" for one in sizes]
            print(f"| {name} | {' | '.join(cells)} |", flush=True)

    def ask(self, size: int) -> None:
        """Ask everything, and print how long it takes."""
        load = os.getloadavg()[0]
        print(f"\n### {size:,} events (load {load:.1f} on {os.cpu_count()} cores)\n")
        print("| asked | p50 ms | p95 ms | longest | of CPU p50 | of CPU p95 |")
        print("|---|--:|--:|--:|--:|--:|")
        self.row("**event queries of one farm**", self.questions(is_wide=False))
        self.row("**event queries of all farms**", self.questions(is_wide=True))
        self.passports()
        self.over_http()

    def _stories(self, number: int) -> list[Story]:
        return [Story(self._rng.randrange(self._filler.lots)) for _ in range(number)]

    def questions(self, *, is_wide: bool) -> Took:
        """Ask every question; print each and return all times."""
        every = Took((), ())
        whose = "all farms" if is_wide else "one farm"
        for name, question in QUESTIONS.items():
            ask = partial(answer, self.registry, question=question, is_wide=is_wide)
            took = timed(ask, self._stories(self.asked))
            self.row(f"{name} ({whose})", took)
            every = every.plus(took)
        return every

    def passports(self) -> Took:
        """Make passports of copied lots; print and return the times."""
        codes = [
            f"{self._code}{n:06}"[-20:]
            for n in self._rng.choices(range(self._copied), k=self.asked * 4)
        ]
        waiting = iter(codes)

        def passport(_story: Story) -> bytes:
            return msgspec.json.encode(
                passport_of(self.registry, GTINS[FARM], next(waiting), None, None)
            )

        took = timed(passport, self._stories(len(codes)))
        self.row("passport, in the code", took)
        return took

    def over_http(self) -> None:
        """Ask over HTTP, with one connection kept."""
        stop, ready, ports = threading.Event(), threading.Event(), list[int]()

        def told(port: int) -> None:
            ports.append(port)
            ready.set()

        app = create_app(self._services)
        server = threading.Thread(
            target=serve, args=(app, "127.0.0.1", 0, stop), kwargs={"on_ready": told}
        )
        server.start()
        ready.wait(10)
        try:
            with closing(http.client.HTTPConnection("127.0.0.1", ports[0])) as line:
                self._ask_over(line)
        finally:
            stop.set()
            server.join()

    def _ask_over(self, line: http.client.HTTPConnection) -> None:
        def get(path: str) -> None:
            line.request("GET", path, headers={"X-API-Key": SECRET})
            response = line.getresponse()
            body = response.read()
            assert response.status == 200, (path, body[:300])

        def asked(story: Story) -> None:
            pairs = self._rng.choice(list(QUESTIONS.values()))(story)
            get(f"/epcis/events?{urlencode(pairs)}")

        def passport(story: Story) -> None:
            code = f"{self._code}{story.number % self._copied:06}"[-20:]
            get(f"/api/v1/passports/{GTINS[FARM]}/{code}")

        self.row(
            "event queries, over HTTP", timed(asked, self._stories(self.asked * 5))
        )
        self.row("passport, over HTTP", timed(passport, self._stories(self.asked * 3)))


def chain_of(registry: Registry, steps: int) -> None:
    """Record a chain of ``steps`` events: lots split in two and mixed again."""
    registry.add_organisation("chain", "Chuỗi")
    base = "https://id.gs1.org/01/09521234543213/10"
    drafts = []
    for number in range(steps):
        come = [f"{base}/C{one}" for one in sorted({number // 2, number})]
        event = {
            "type": "TransformationEvent",
            "eventTime": iso(START_MS + number * MINUTE_MS),
            "eventTimeZoneOffset": "+07:00",
            "eventID": f"urn:chain:{number}",
            "bizStep": "commissioning",
            "inputQuantityList": [
                {"epcClass": one, "quantity": 5.0, "uom": "KGM"} for one in come
            ],
            "outputQuantityList": [
                {"epcClass": f"{base}/C{number + 1}", "quantity": 9.0, "uom": "KGM"}
            ],
        }
        drafts.append(draft_of(event, None))
    for at in range(0, steps, 500):
        registry.capture("chain", drafts[at : at + 500], now_ms=NOW_MS, is_whole=True)


def trace(registry: Registry, steps: int) -> None:
    """Export the chain of the last lot; print how long it took."""
    chain_of(registry, steps)
    goods = f"https://id.gs1.org/01/09521234543213/10/C{steps}"

    def export(_story: Story) -> object:
        made = export_chain(registry, frozenset({"chain"}), goods, NOW_MS)
        assert len(made.events) == steps, len(made.events)
        return made

    (waited, worked) = timed(export, [Story(0)] * 3)
    cells = [waited[1], waited[-1], waited[-1], worked[1], worked[-1]]
    what = f"chain of {steps:,} events, exported and checked"
    print(f"| {what} | {' | '.join(f'{one:.1f}' for one in cells)} |", flush=True)


@contextmanager
def opened(folder: Path, url: str | None) -> Iterator[World]:
    """Return a world with nothing in it, its registry in a file or where the URL says."""
    if url is None:
        with open_empty(folder) as world:
            yield world
        return
    telemetry = open_telemetry(f"sqlite:///{folder / 'telemetry.db'}")
    with open_registry(url) as registry, closing(telemetry):
        yield World(registry, telemetry)


def main() -> None:
    """Fill and measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--asked", type=int, default=20, help="of each question")
    parser.add_argument("--steps", type=int, default=10_000, help="of the chain")
    parser.add_argument("--folder", type=Path, help="keep the registry; ask it again")
    parser.add_argument("--registry", help="an empty database's URL; else a file")
    asked = parser.parse_args()
    os.nice(5)
    with tempfile.TemporaryDirectory() as name:
        folder = asked.folder or Path(name)
        folder.mkdir(exist_ok=True)
        is_filled = (folder / "filled.json").exists()
        sizes = [10**power for power in range(4, 9) if 10**power < asked.events]
        with opened(folder, asked.registry) as world:
            bench = Bench(world, folder, asked.asked)
            for size in [] if is_filled else [*sizes, asked.events]:
                bench.grow(size)
                bench.ask(size)
            if is_filled:
                bench.ask(bench.events)
            bench.print_growth()
        if asked.steps:
            chain = Path(name) / "chain"
            chain.mkdir()
            with opened(chain, asked.registry) as world:
                trace(world.registry, asked.steps)


if __name__ == "__main__":
    main()
