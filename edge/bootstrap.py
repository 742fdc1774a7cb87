"""Where the agent's ports meet their adapters: the whole object graph on one screen."""

import contextlib
import random
import secrets
import string
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import msgspec
import structlog

from edge.agent import Agent
from edge.commands import Commands
from edge.control import Controller
from edge.drivers.modbus import Bus, CoilOutput, ModbusDriver
from edge.drivers.profile import generic, load_profile
from edge.outbox import Outbox
from edge.samplers import Attached, BusSampler, NmeaSampler
from edge.schedule import Breaker
from edge.settings import BusSettings, EdgeSettings, ProbeSettings
from edge.status import BoxStatus, ProbeStatus, write_status
from edge.uplink import Uplink
from greenwater import __version__
from greenwater.kernel.broker_url import BrokerUrl
from greenwater.kernel.clock import Clock, SystemClock
from greenwater.kernel.errors import ConfigError
from greenwater.kernel.ids import parse_device, parse_probe
from greenwater.kernel.reading import Reading
from greenwater.kernel.wire.messages import Command, Reply, Status

log = structlog.get_logger()

ALPHABET = string.digits + string.ascii_lowercase
STATUS_FILE_S = 2.0


class Box:
    """The agent with its uplink, ready to run; also what the uplink asks (``Host``)."""

    def __init__(
        self, settings: EdgeSettings, clock: Clock, stack: contextlib.ExitStack
    ) -> None:
        self._settings, self._clock = settings, clock
        self._boot = secrets.token_hex(8)
        device = parse_device(settings.device)
        self.outbox = Outbox(
            settings.outbox,
            new_id=lambda: "".join(secrets.choice(ALPHABET) for _ in range(16)),
            budget_bytes=settings.budget_mb * 2**20,
        )
        stack.callback(self.outbox.close)
        self.agent = Agent(
            device=device,
            outbox=self.outbox,
            clock=clock,
            boot=self._boot,
            is_simulated=not isinstance(clock, SystemClock),
            commit_every_s=settings.commit_every_s,
            on_live=self._went_live,
            on_confirmed=_ledger(settings.ledger, stack),
        )
        self.uplink = Uplink(
            self.outbox,
            device=device,
            url=BrokerUrl.parse(settings.broker_url),
            password=_password(settings),
            ca_file=settings.ca_file,
            host=self,
            rng=random.Random(),
            window=settings.window,
            status_every_s=settings.status_every_s,
        )
        self._workers: list[tuple[str, Callable[[threading.Event], None]]] = []
        attached = self._attach(stack)
        self._commands = Commands(self.agent, self.outbox, attached)
        for nmea in settings.nmea:
            sampler = NmeaSampler(self.agent, clock, nmea)
            self._workers.append((f"nmea-{nmea.id}", sampler.run))
        self._died: BaseException | None = None

    def _attach(self, stack: contextlib.ExitStack) -> list[Attached]:
        buses: dict[str, Bus] = {}
        every: list[Attached] = []
        for settings in self._settings.buses:
            bus = buses[settings.name] = _bus(settings)
            stack.callback(bus.close)
            attached = [_attached(bus, probe) for probe in settings.probes]
            if attached:
                sampler = BusSampler(self.agent, self._clock, attached)
                self._workers.append((f"bus-{settings.name}", sampler.run))
            every += attached
        for output in self._settings.outputs:
            if output.bus not in buses:
                raise ConfigError(f"output {output.id}: there is no bus {output.bus!r}")
            # A connection of its own: the bus's belongs to the bus's thread.
            wanted = next(b for b in self._settings.buses if b.name == output.bus)
            own = _bus(wanted) if wanted.kind == "tcp" else buses[output.bus]
            self.agent.outputs[output.id] = CoilOutput(own, output.unit, output.coil)
        for rule in self._settings.rules:
            if rule.output not in self.agent.outputs:
                raise ConfigError(
                    f"rule {rule.name}: there is no output {rule.output!r}"
                )
            self.agent.controllers[rule.name] = Controller(rule, self.agent.now_ms())
        return every

    def _went_live(self, batch: int) -> None:
        self.uplink.live(batch)

    def run(self, stop: threading.Event) -> None:
        """Work until ``stop`` is set.

        Raises:
            Whatever a thread died of.
        """
        ending = threading.Event()
        samplers = [self._thread(name, work, ending) for name, work in self._workers]
        samplers.append(self._thread("control", self.agent.control_all, ending))
        committed = threading.Event()
        committer = self._thread("committer", self.agent.commit_all, committed)
        uplink = self._thread("uplink", self.uplink.run, ending)
        while not stop.wait(STATUS_FILE_S) and self._died is None:
            self._write_status()
        ending.set()
        for thread in samplers:
            thread.join()
        committed.set()  # what the samplers left is confirmed before the end
        committer.join()
        uplink.join()
        if self._died is not None:
            raise self._died

    def _thread(
        self, name: str, work: Callable[[threading.Event], None], end: threading.Event
    ) -> threading.Thread:
        def guarded() -> None:
            try:
                work(end)
            except BaseException as exc:
                self._died = self._died or exc
                log.exception("thread.died", thread=name)

        thread = threading.Thread(target=guarded, name=name)
        thread.start()
        return thread

    def carry_out(self, command: Command) -> Reply:
        """See ``edge.uplink.Host``."""
        return self._commands.carry_out(command)

    def status(self, *, is_online: bool) -> Status:
        """See ``edge.uplink.Host``."""
        figures = self.outbox.figures()
        return Status(
            online=is_online,
            boot=self._boot,
            version=__version__,
            outbox=self.outbox.id,
            outbox_depth=figures.readings,
            days_left=self._days_left(),
            clock=self.agent.clock_quality(),
            at_ms=self.agent.now_ms(),
            is_simulated=self._settings.is_simulated,
            unhealthy=(
                *(p for p, h in self.agent.health.items() if h.is_left_alone),
                *self.agent.faults,
                *(
                    ("outbox: " + self.agent.confirmed.disk_error,)
                    if self.agent.confirmed.disk_error
                    else ()
                ),
            ),
        )

    def _days_left(self) -> float | None:
        """Return until when the budget lasts at the rate since start, if offline."""
        figures = self.outbox.figures()
        confirmed = self.agent.confirmed.readings
        running_s = time.monotonic() - self._started_s
        if confirmed < 100 or not figures.readings or running_s < 10:
            return None
        bytes_per_reading = max(figures.waiting_bytes / figures.readings, 20)
        free = self._settings.budget_mb * 2**20 - figures.waiting_bytes
        return round(free / (confirmed / running_s * bytes_per_reading) / 86_400, 1)

    _started_s = time.monotonic()

    def _write_status(self) -> None:
        path = self._settings.status_file or self._settings.outbox.with_suffix(
            ".status"
        )
        figures, done, up = (
            self.outbox.figures(),
            self.agent.confirmed,
            self.uplink.figures,
        )
        now_s = time.monotonic()
        status = BoxStatus(
            device=self._settings.device,
            written_ms=self.agent.now_ms(),
            version=__version__,
            outbox=self.outbox.id,
            waiting_readings=figures.readings,
            waiting_bytes=figures.waiting_bytes,
            bytes=figures.bytes,
            budget_bytes=self._settings.budget_mb * 2**20,
            days_left=self._days_left(),
            confirmed_readings=done.readings,
            slowest_commit_ms=round(done.slowest_ms, 1),
            disk_error=done.disk_error,
            is_online=up.is_online,
            ack_s_ago=None
            if up.last_ack_s is None
            else round(now_s - up.last_ack_s, 1),
            in_flight=up.in_flight,
            refused=up.refused,
            clock=self.agent.clock_quality(),
            jumps=tuple(done.jumps),
            faults=self.agent.faults,
            probes=tuple(
                ProbeStatus(
                    probe,
                    None if h.last_ok_s is None else round(now_s - h.last_ok_s, 1),
                    h.failures,
                    h.is_left_alone,
                    h.message,
                )
                for probe, h in self.agent.health.items()
            ),
        )
        with contextlib.suppress(OSError):  # a full disk must not stop the agent
            write_status(path, status)


def _bus(settings: BusSettings) -> Bus:
    if settings.kind == "tcp":
        return Bus.tcp(settings.host, settings.port, timeout_s=settings.timeout_s)
    return Bus.rtu(
        settings.device,
        baud=settings.baud,
        parity=settings.parity,
        timeout_s=settings.timeout_s,
    )


def _attached(bus: Bus, settings: ProbeSettings) -> Attached:
    profile = load_profile(settings.profile)
    if settings.channels:
        profile = generic(settings.channels, profile)
    if not profile.registers:
        raise ConfigError(
            f"probe {settings.id}: profile {profile.name} needs channels = […]"
        )
    return Attached(
        parse_probe(settings.id),
        ModbusDriver(bus, settings.unit, profile),
        round(settings.interval_s * 1000),
        # In a lockstep replay a probe that is left alone would stop the clock for all.
        Breaker() if settings.interval_s else Breaker(first_s=0.0, cap_s=0.0),
    )


def _password(settings: EdgeSettings) -> str:
    if settings.password_file is None:
        return ""
    try:
        return settings.password_file.read_text(encoding="utf-8").strip()
    except OSError as exc:
        raise ConfigError(
            f"cannot read {settings.password_file}: {exc.strerror}"
        ) from exc


def _ledger(
    path: Path | None, stack: contextlib.ExitStack
) -> Callable[[Sequence[Reading]], None]:
    """Return what writes confirmed readings to a ledger, for tests that count.

    A line is written after its commit and before anything of it is sent: a reading in
    the ledger is confirmed; a reading in the store is in the ledger or was confirmed in
    the instant before a crash.
    """
    if path is None:
        return lambda readings: None
    file = stack.enter_context(path.open("ab", buffering=0))

    def write(readings: Sequence[Reading]) -> None:
        file.write(b"".join(msgspec.json.encode(r) + b"\n" for r in readings))

    return write


@contextlib.contextmanager
def open_box(settings: EdgeSettings, clock: Clock) -> Iterator[Box]:
    """Open the outbox and build the agent; release everything on the way out.

    Raises:
        ConfigError: a profile, URL or file is wrong.
        UnavailableError: the outbox cannot be opened.
    """
    with contextlib.ExitStack() as stack:
        yield Box(settings, clock, stack)
