"""Where the agent's ports meet their adapters: the whole object graph on one screen."""

import contextlib
import random
import ssl
from collections.abc import Iterator, Sequence
from pathlib import Path

from msgspec import structs

from edge import machine
from edge.agent import Agent
from edge.box import Box
from edge.commands import Commands
from edge.connection import Peer
from edge.control import Controller, check_feedback
from edge.drivers.modbus import Bus, CoilOutput, ModbusDriver
from edge.drivers.profile import generic, load_profile
from edge.keeper import Keeper
from edge.ledger import Ledger
from edge.notes import Notes
from edge.outbox import Outbox
from edge.samplers import Attached, BusSampler, NmeaSampler, OutputOnBus
from edge.schedule import Breaker, Turns
from edge.settings import BusSettings, EdgeSettings, ProbeSettings
from edge.timekeeper import Timekeeper
from edge.uplink import Uplink
from greenwater.kernel.broker_url import BrokerUrl
from greenwater.kernel.clock import Clock, SystemClock
from greenwater.kernel.errors import ConfigError, InputError
from greenwater.kernel.ids import DeviceId, ProbeId, parse_device, parse_probe
from greenwater.kernel.reading import milliseconds

BOOT_BITS = 64


@contextlib.contextmanager
def open_box(
    settings: EdgeSettings, clock: Clock, rng: random.Random | None = None
) -> Iterator[Box]:
    """Open the outbox and put the box together; release everything on the way out.

    ``rng`` makes identities and secrets too: leave it out but in tests.

    Raises:
        ConfigError: something in the settings is wrong, or names what is not there.
        UnavailableError: the outbox cannot be opened.
    """
    check(settings)
    check_files(settings)
    rng = rng or random.SystemRandom()
    with contextlib.ExitStack() as stack:
        outbox = _outbox(settings, clock, rng)
        stack.callback(outbox.close)
        keeper, agent, boot = _heart(settings, clock, rng, outbox, stack)
        box = Box(
            agent,
            keeper,
            outbox_id=outbox.id,
            outbox_path=settings.outbox,
            boot=boot,
            is_simulated=settings.is_simulated,
            status_path=settings.status_path,
        )
        turns = _attach(settings, clock, agent, box, stack)
        uplink = Uplink(
            _peer(settings, outbox.secret),
            outbox.id,
            box,
            rng=rng,
            window=settings.window,
            keepalive_s=settings.keepalive_s,
            status_every_s=settings.status_every_s,
        )
        stack.callback(uplink.close)
        box.connect(uplink, Commands(agent, outbox, Notes(outbox), turns))
        yield box


def check(settings: EdgeSettings) -> None:
    """Refuse settings that cannot work, before anything is opened.

    Raises:
        ConfigError: the sentence names the setting.
    """
    try:
        parse_device(settings.device)
        probes = _probes(settings)
    except InputError as exc:
        raise ConfigError(str(exc)) from exc
    _refuse_twice("probe", probes)
    _check_authority(settings)
    _check_names(settings)
    _check_lines(settings)
    for bus in settings.buses:
        for probe in bus.probes:
            _driver(Bus.tcp("127.0.0.1", 502, timeout_s=1.0), probe)


def _refuse_twice(what: str, names: Sequence[object]) -> None:
    for name in names:
        if names.count(name) > 1:
            raise ConfigError(f"{what} {name!r} is configured twice")


def _check_authority(settings: EdgeSettings) -> None:
    url = BrokerUrl.parse(settings.broker_url)
    if not url.is_tls:
        return
    if settings.ca_file is None:
        raise ConfigError(
            f"broker {url.host}: mqtts:// needs ca_file, the authority to be trusted"
        )


def check_files(settings: EdgeSettings) -> None:
    """Refuse settings that name a secret or an authority that cannot be read here.

    Raises:
        ConfigError: the sentence names the file.
    """
    _password(settings.password_file)
    if settings.ca_file is None:
        return
    try:
        ssl.create_default_context(cafile=settings.ca_file)
    except OSError as exc:  # ssl.SSLError is one too
        raise ConfigError(
            f"cannot read the broker's authority in {settings.ca_file}: {exc.strerror}; "
            "copy ca.pem from the platform"
        ) from exc


def _check_names(settings: EdgeSettings) -> None:
    _refuse_twice("bus", [bus.name for bus in settings.buses])
    _refuse_twice("output", [output.id for output in settings.outputs])
    _refuse_twice("rule", [rule.name for rule in settings.rules])
    buses = {bus.name for bus in settings.buses}
    for output in settings.outputs:
        if output.bus not in buses:
            raise ConfigError(f"output {output.id}: there is no bus {output.bus!r}")
    outputs = {output.id for output in settings.outputs}
    for rule in settings.rules:
        if rule.output not in outputs:
            raise ConfigError(f"rule {rule.name}: there is no output {rule.output!r}")
    check_feedback(
        settings.rules,
        {probe.id: probe.interval_s for bus in settings.buses for probe in bus.probes},
    )


def _check_lines(settings: EdgeSettings) -> None:
    """Refuse two who would speak at once on one line, or under one unit id."""
    for bus in settings.buses:
        if bus.kind == "rtu" and not bus.device:
            raise ConfigError(f"bus {bus.name}: rtu needs device, as /dev/ttyUSB0")
        _refuse_twice(
            f"bus {bus.name}: unit and profile",
            [f"{probe.unit} {probe.profile}" for probe in bus.probes],
        )
    for nmea in settings.nmea:
        if nmea.kind == "serial" and not nmea.device:
            raise ConfigError(
                f"positions {nmea.id}: serial needs device, as /dev/ttyUSB1"
            )
    _refuse_twice(
        "serial line",
        [bus.device for bus in settings.buses if bus.kind == "rtu"]
        + [nmea.device for nmea in settings.nmea if nmea.kind == "serial"],
    )


def _probes(settings: EdgeSettings) -> list[ProbeId]:
    on_buses = [probe.id for bus in settings.buses for probe in bus.probes]
    return [parse_probe(one) for one in (*on_buses, *(n.id for n in settings.nmea))]


def _outbox(settings: EdgeSettings, clock: Clock, rng: random.Random) -> Outbox:
    return Outbox(
        settings.outbox,
        device=DeviceId(settings.device),
        budget_bytes=settings.budget_mb * 2**20,
        rng=rng,
        now_ms=milliseconds(clock.now()),
        probes=_probes(settings),
    )


def _heart(
    settings: EdgeSettings,
    clock: Clock,
    rng: random.Random,
    outbox: Outbox,
    stack: contextlib.ExitStack,
) -> tuple[Keeper, Agent, str]:
    boot = f"{rng.getrandbits(BOOT_BITS):016x}"
    timekeeper = Timekeeper(
        clock,
        is_simulated=not isinstance(clock, SystemClock),
        is_trusted=settings.clock == "trusted",
        boot=machine.boot_id() or boot,
        has_battery=machine.has_battery_clock(),
    )
    ledger = None if settings.ledger is None else Ledger(settings.ledger)
    if ledger is not None:
        stack.callback(ledger.close)
    keeper = Keeper(
        outbox,
        timekeeper,
        commit_every_s=settings.commit_every_s,
        on_confirmed=(lambda readings, gaps: None) if ledger is None else ledger.write,
    )
    return keeper, Agent(DeviceId(settings.device), timekeeper, keeper.take), boot


def _attach(
    settings: EdgeSettings,
    clock: Clock,
    agent: Agent,
    box: Box,
    stack: contextlib.ExitStack,
) -> dict[str, Turns]:
    """Attach instruments and outputs; return when each probe is read."""
    turns: dict[str, Turns] = {}
    for bus_settings in settings.buses:
        bus = _bus(bus_settings)
        stack.callback(bus.close)
        attached = [_attached(bus, probe) for probe in bus_settings.probes]
        turns |= {one.probe: one.turns for one in attached}
        sampler = BusSampler(agent, clock, attached)
        box.add_sampler(f"bus-{bus_settings.name}", sampler.run)
        for output in settings.outputs:
            if output.bus == bus_settings.name:
                coil = CoilOutput(bus, output.unit, output.coil)
                agent.outputs[output.id] = OutputOnBus(sampler, coil)
    for nmea in settings.nmea:
        box.add_sampler(f"nmea-{nmea.id}", NmeaSampler(agent, nmea).run)
    started_ms = agent.timekeeper.steady_ms()
    for rule in settings.rules:
        agent.controllers[rule.name] = Controller(rule, started_ms)
    return turns


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
    driver = _driver(bus, settings)
    interval_ms = round(settings.interval_s * 1000)
    return Attached(
        parse_probe(settings.id),
        driver,
        Turns(interval_ms, round(driver.warmup_s * 1000)),
        # In a lockstep replay a probe that is left alone would stop the clock for all.
        Breaker() if interval_ms else Breaker(first_s=0.0, cap_s=0.0),
    )


def _driver(bus: Bus, settings: ProbeSettings) -> ModbusDriver:
    profile = load_profile(settings.profile)
    if settings.channels:
        profile = generic(settings.channels, profile)
    if not profile.registers:
        raise ConfigError(
            f"probe {settings.id}: profile {profile.name} needs channels = […]"
        )
    if settings.salinity_compensated is not None:
        said = settings.salinity_compensated
        profile = structs.replace(profile, salinity_compensated=said)
    return ModbusDriver(bus, settings.unit, profile)


def _peer(settings: EdgeSettings, secret: str) -> Peer:
    return Peer(
        DeviceId(settings.device),
        BrokerUrl.parse(settings.broker_url),
        _password(settings.password_file),
        settings.ca_file,
        secret,
    )


def _password(path: Path | None) -> str:
    if path is None:
        return ""
    try:
        return path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as exc:
        raise ConfigError(f"cannot read the password in {path}: {exc}") from exc
