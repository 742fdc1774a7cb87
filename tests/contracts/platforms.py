"""A small platform with a box, a farm and labels, to be backed up and lost."""

import functools
import itertools
import os
import random
import secrets
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from pathlib import Path

import psycopg

from edge.outbox import Outbox
from greenwater.kernel.channels import Channel
from greenwater.kernel.clock import ManualClock
from greenwater.kernel.ids import DeviceId, ProbeId, WorkerId
from greenwater.kernel.reading import Reading, milliseconds
from greenwater.kernel.topics import Up, up
from greenwater.kernel.wire.messages import Ack, decode_message
from greenwater.storage.backup.making import Platform
from greenwater.storage.registry import Registry, migrate, open_registry
from greenwater.storage.registry.people import Role
from greenwater.storage.telemetry import open_telemetry
from greenwater.storage.telemetry.ports import Series, Span, Telemetry
from ingest.counters import Counters
from ingest.intake import open_batch
from ingest.pipeline import Pipeline
from ingest.ports import Delivery
from ingest.seen import Seen
from ingest.workers import held
from tests.contracts.test_books import Farm
from tests.servers import Influx, Postgres
from tests.templates import empty_registry
from traceability.book.photos import Album, Picture
from traceability.sea.photos import add_sea_photo
from traceability.sea.vessels import NewVesselRecord, VesselBooks

Servers = Callable[[str], Influx | Postgres]
"""Returns the session's server of that name."""

PROBE = ProbeId("top")
NUMBERS = itertools.count()


LICENCE = NewVesselRecord(
    id="6f1d7ac0-9a0e-4a52-8a8e-0d6f6d3c1b11", vessel="KH-90001-TS", kind="paper",
    happened_ms=0,
    fields={"paper": "licence", "number": "KH-1", "from_day": "2026-01-01"},
)  # fmt: skip


def a_platform(kind: str, home: Path, servers: Servers) -> Platform:
    """Return where a platform would be: nothing is there yet."""
    home.mkdir(parents=True, exist_ok=True)
    if kind == "files":
        return Platform(
            home=home,
            registry_url=f"sqlite:///{home}/registry.db",
            telemetry_url=f"sqlite:///{home}/telemetry.db",
        )
    postgres, influx = servers("postgres"), servers("influx")
    assert isinstance(postgres, Postgres)
    assert isinstance(influx, Influx)
    name = f"backup{next(NUMBERS)}_{secrets.token_hex(4)}"
    _sql(postgres, f"CREATE DATABASE {name} TEMPLATE {_template(postgres)}")
    return Platform(
        home=home, registry_url=postgres.url(name), telemetry_url=influx.url(name)
    )


@functools.cache
def _template(postgres: Postgres) -> str:
    name = "backup_template"
    _sql(postgres, f"CREATE DATABASE {name}")
    migrate(postgres.url(name))
    return name


def _sql(postgres: Postgres, statement: str) -> None:
    url = postgres.url().replace("+psycopg", "")
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(statement.encode())


class Running:
    """A platform, open: what ingest and the site do with it."""

    def __init__(
        self, platform: Platform, registry: Registry, telemetry: Telemetry
    ) -> None:
        self.platform, self.registry, self.telemetry = platform, registry, telemetry
        self.seen = Seen()
        self.seen.load(telemetry.intake_recent(1000))

    def take_in(self, box: "Box", raws: list[tuple[int, bytes]], now_ms: int) -> None:
        """Take in a box's batches as ingest does; the box notes what it is told."""
        with held(self.platform.home, WorkerId("w1")) as worker:
            pipeline = Pipeline(
                self.telemetry,
                self.registry,
                clock=box.clock,
                worker=worker,
                seen=self.seen,
                counters=Counters(),
            )
            states = self.registry.device_states()
            batches = []
            for number, raw in raws:
                to = Up(box.device, box.outbox.id, number)
                delivery = Delivery(up(*to), raw, None)
                batches.append(
                    open_batch(delivery, to, states=states, now_s=now_ms / 1000)
                )
            taken = pipeline.take_in(batches)
        for _, payload in taken.acks.messages():
            ack = decode_message(payload, Ack)
            told = [n for a, b in ack.stored for n in range(a, b + 1)]
            told += [one.batch for one in ack.refused]
            box.outbox.settle(set(told), milliseconds(box.clock.now()))

    def readings(self, device: DeviceId) -> dict[tuple[str, int], float | None]:
        """Return every reading of a box's probe by channel and time."""
        span = Span(Series(device, PROBE), 0, 2**53)
        return {(r.channel, r.taken_ms): r.value for r in self.telemetry.read(span)}


@contextmanager
def running(platform: Platform) -> Iterator[Running]:
    """Open a platform."""
    with ExitStack() as stack:
        path = Path(platform.registry_url.removeprefix("sqlite:///"))
        if platform.registry_url.startswith("sqlite"):
            empty_registry(path)
        registry = stack.enter_context(open_registry(platform.registry_url))
        telemetry = open_telemetry(platform.telemetry_url)
        stack.callback(telemetry.close)
        yield Running(platform, registry, telemetry)


class Box:
    """A real outbox, and the ledger of what it has confirmed."""

    def __init__(self, device: DeviceId, folder: Path, clock: ManualClock) -> None:
        self.device, self.clock = device, clock
        self.outbox = Outbox(
            folder / f"{device}-outbox.db",
            device=device,
            budget_bytes=2**26,
            rng=random.Random(1),
            now_ms=milliseconds(clock.now()),
        )
        self.confirmed: dict[tuple[str, int], float | None] = {}

    def measure(self, count: int = 20) -> None:
        """Take so many readings, a second apart."""
        some = []
        for _ in range(count):
            self.clock.advance(timedelta(seconds=1))
            at_ms = milliseconds(self.clock.now())
            some.append(Reading(self.device, PROBE, Channel.PH, at_ms, at_ms % 97 / 10))
        self.outbox.commit(some)
        self.confirmed |= {(r.channel, r.taken_ms): r.value for r in some}

    def deliver(self, to: Running, most: int = 1000) -> int:
        """Send what waits, until nothing does; return how many batches."""
        sent = 0
        while sent < most and (waiting := self.outbox.backlog(16, set())):
            raws = [(one.batch, one.payload) for one in waiting]
            to.take_in(self, raws, milliseconds(self.clock.now()))
            sent += len(raws)
        return sent

    def obey(self, to: Running) -> int:
        """Carry out the commands that wait for it; return how many readings come again."""
        count = 0
        for due in to.registry.commands_due(milliseconds(self.clock.now())):
            if due.device == self.device and due.command.kind == "resend":
                count += self.outbox.resend(due.command.args["since_ms"])
        to.seen.forget()
        return count


def a_farm_of(here: Running, folder: Path) -> tuple[Farm, Box]:
    """Return a household with goods, a key and photos, and its box."""
    home = here.platform.home
    farm = Farm(here.registry, here.telemetry, home).open()
    (home / "photos").mkdir()
    (home / "photos" / "a.jpg").write_bytes(os.urandom(100))
    here.registry.add_vessel("KH-90001-TS", organisation="hoa", name="Tàu của Hòa")
    here.registry.add_member("lan", "hoa", Role.SKIPPER)
    VesselBooks(here.registry, here.telemetry, farm.clock).record("lan", LICENCE)
    album = Album(here.registry, farm.clock, home / "photos")
    picture = Picture(os.urandom(100), 80, 60)
    add_sea_photo(here.registry, album, "lan", LICENCE.id, picture)
    (home / "logs").mkdir()
    (home / "logs" / "web.log").write_text("not kept")
    (home / "outbox.db").write_text("never copied")
    return farm, Box(farm.box, folder, farm.clock)
