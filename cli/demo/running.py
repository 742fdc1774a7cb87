"""`greenwater demo`: a simulated farm, its boxes, and the whole platform, on one clock.

It plays the two stories of the product: a night on a shrimp farm, and the way from that
pond to a shopper and an inspector. The page opens on the choice of a role.
"""

import contextlib
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final, NamedTuple

import msgspec
import typer

from analytics.runs import CURSOR
from cli.demo.checks import Played, faults_of
from cli.demo.night import USUAL, tonight
from cli.demo.phones import add_calls, gateway
from cli.demo.pictures import give_pictures
from cli.demo.shrimp_farm import add_people, open_books
from cli.demo.sign_in_links import add_administrator, add_onlooker, sign_in_links
from cli.demo.simulation import ScenarioStart, Simulation
from cli.demo.tuna_boat import add_crew, open_boat_book
from cli.demo.tuna_positions import hear_by_satellite, keep_hearing
from cli.home import Home, HomeSettings
from cli.lan import Lan, how_to_open, open_lan, own_address
from cli.processes import answers, free_port, platform_parts
from cli.supervisor import Supervisor
from firmware_sim.scenarios import load_scenario
from greenwater.kernel.clock import HeldClock, ManualClock, ScaledClock, parse_clock
from greenwater.kernel.errors import ConfigError, UnavailableError
from greenwater.kernel.ids import DeviceId, WorkerId
from greenwater.kernel.reading import milliseconds
from greenwater.storage.registry import Registry, open_registry
from greenwater.storage.registry.people import Role
from greenwater.storage.telemetry import open_telemetry
from greenwater.storage.telemetry.ports import Telemetry
from ingest.workers import by_hand
from traceability.proof.keys import open_signer

NIGHT: Final = "oxygen-tonight"
CROP: Final = timedelta(days=96)

WITHDRAWAL_LEFT: Final = timedelta(hours=2)
HISTORY: Final = timedelta(days=3)
STORIES: Final = (
    ScenarioStart(NIGHT, USUAL, CROP),
    ScenarioStart("healthy-farm", HISTORY),
    ScenarioStart("tuna-trip", HISTORY),
    ScenarioStart("trawler-inshore", timedelta(hours=20)),
)
PATIENCE_S: Final = 90.0
"""How long the beginning waits for the boxes, for analytics, and for what is measured."""
SECOND_LOOK_S: Final = 3.0
ONCE_SPEED: Final = 720.0
ONCE_HOURS: Final = 6


class Wanted(NamedTuple):
    """What is asked for: a scenario alone (``scenario``), or the stories."""

    speed: float
    page_port: int
    page_host: str
    scenario: str
    once: bool

    @property
    def public_url(self) -> str:
        """How phones reach the page."""
        if self.is_open:
            return f"https://{own_address()}:{self.page_port}"
        return f"http://{self.page_host}:{self.page_port}"

    @property
    def is_open(self) -> bool:
        """Whether other machines may open the page."""
        return self.page_host == "0.0.0.0"


def run_demo(
    stop: threading.Event,
    *,
    speed: float,
    page_port: int,
    page_host: str,
    once: bool,
    scenario: str,
    folder: Path | None,
) -> int:
    """Run the demo; return the exit status (``--once``: 70 where its check fails).

    Raises:
        ConfigError: the speed or the scenario is not possible.
        UnavailableError: the page's port is taken.
    """
    if not 0 < speed <= 3_600:
        raise ConfigError(f"--speed {speed:g} is not between 0 and 3600")
    if answers(page_port) and not once:
        raise UnavailableError(f"port {page_port} is taken: try --port {page_port + 1}")
    if once:
        page_port, speed = free_port(), ONCE_SPEED
    wanted = Wanted(speed, page_port, page_host, scenario, once)
    with tempfile.TemporaryDirectory(prefix="greenwater-demo-") as temporary:
        settings = HomeSettings(
            home=folder or Path(temporary), public_url=wanted.public_url
        )
        return _play(Home(settings), wanted, stop)


def _play(home: Home, wanted: Wanted, stop: threading.Event) -> int:
    starts, opens = _starts_of(wanted)
    simulation, broker_port = Simulation(home, starts, opens), free_port()
    with open_registry(home.registry_url) as registry:
        simulation.enrol(registry, f"mqtt://127.0.0.1:{broker_port}")
        simulation.fill_history(registry, stop)
        if stop.is_set():
            return 0
        if wanted.scenario:
            add_administrator(registry)
            add_onlooker(registry, simulation.played[0].scenario)
        else:
            _tell_stories(home, registry, wanted, opens)
        now_ms = milliseconds(opens)
        ways_in = list(sign_in_links(registry, wanted.public_url, now_ms))
    lan = _lan(home, wanted)
    # Real time and the demo's meet once everybody is there, however slow the machine.
    held = HeldClock(opens, wanted.speed, home.path / "demo.began")
    held.path.unlink(missing_ok=True)
    with contextlib.ExitStack() as stack:
        sms_via = stack.enter_context(gateway(home.path, held.now))
        parts = platform_parts(
            home,
            page_port=wanted.page_port,
            page_host=wanted.page_host,
            broker_port=broker_port,
            certificate=None if lan is None else lan.files.certificate,
            beside=demo_environ(held, sms_via),
        )
        parts += simulation.parts(str(held))
        supervisor = Supervisor(parts, home.path / "logs")
        stack.callback(supervisor.stop)
        for name in supervisor.start(stop):
            typer.echo(
                f"{name} is not ready: see {home.path}/logs/{name}.log", err=True
            )
        _let_time_begin(home, simulation, held, supervisor, stop)
        _welcome(wanted, ways_in, lan)
        if wanted.once:
            authority = None if lan is None else lan.files.ca
            return _check_once(
                home, simulation, wanted, supervisor, stop, str(held), authority
            )
        if not wanted.scenario:
            _hear_on(home, str(held), stop, opens)
        supervisor.run(stop)
        return 0


def demo_environ(clock: ScaledClock, sms_via: str) -> dict[str, str]:
    """Return the variables of a demo's services: nothing they say leaves the machine."""
    return {
        "GREENWATER_CLOCK": str(clock),
        "GREENWATER_SMS_VIA": sms_via,
        "GREENWATER_MAIL_VIA": "",
        "GREENWATER_TELEGRAM_VIA": "",
        "GREENWATER_ZALO_VIA": "",
        "GREENWATER_WEB_IS_DEMO": "true",
    }


def _tell_stories(
    home: Home, registry: Registry, wanted: Wanted, opens: datetime
) -> None:
    """Add people, goods and books of the stories."""
    open_the_books(
        home,
        registry,
        opens,
        withdrawal_left=WITHDRAWAL_LEFT,
        public_url=wanted.public_url,
    )
    add_calls(registry)


def _welcome(
    wanted: Wanted, ways_in: Sequence[tuple[Role, str, str]], lan: Lan | None
) -> None:
    typer.echo(f"Greenwater demo: {wanted.public_url}/   (Ctrl-C ends it)")
    for role, name, address in ways_in:
        typer.echo(f"  {role:<12} {name:<20} {address}")
    for line in () if lan is None else how_to_open(lan):
        typer.echo(line)


def _hear_on(home: Home, clock: str, stop: threading.Event, opens: datetime) -> None:
    """Hear the boat at sea beside all else, for as long as the demo plays."""
    threading.Thread(
        target=keep_hearing,
        args=(home, parse_clock(clock), stop),
        kwargs={"left": opens - HISTORY, "opened": opens},
        name="satellite",
        daemon=True,
    ).start()


def _lan(home: Home, wanted: Wanted) -> Lan | None:
    """Return the certificate that phones are shown, made by the clock on the wall."""
    if not wanted.is_open:
        return None
    return open_lan(home.path, wanted.page_port, datetime.now(UTC))  # noqa: TID251


def _starts_of(wanted: Wanted) -> tuple[Sequence[ScenarioStart], datetime]:
    """Return what is played, and when the demo begins: this hour; for the stories, tonight."""
    now = datetime.now(UTC)  # noqa: TID251  (the demo begins now)
    if wanted.scenario:
        opens = now.replace(minute=0, second=0, microsecond=0)
        return (ScenarioStart(wanted.scenario, HISTORY),), opens
    night = tonight(load_scenario(NIGHT), now)
    first = STORIES[0]._replace(passed=night.opens - night.began)
    return (first, *STORIES[1:]), night.opens


def _let_time_begin(
    home: Home,
    simulation: Simulation,
    clock: HeldClock,
    supervisor: Supervisor,
    stop: threading.Event,
) -> None:
    """Let time begin when the boxes are connected and analytics knows all that was.

    Then wait for the first that the boxes measure.
    """
    boxes = simulation.steady_boxes()
    telemetry = open_telemetry(home.telemetry_url)
    opens_ms = milliseconds(simulation.opens)
    try:
        with open_registry(home.registry_url) as registry:
            _wait(supervisor, stop, lambda: boxes <= _online(registry))
            _wait(supervisor, stop, lambda: _has_seen_all(registry, telemetry))
        clock.release()
        _wait(
            supervisor,
            stop,
            lambda: all(
                any(one.taken_ms > opens_ms for one in telemetry.latest(DeviceId(box)))
                for box in boxes
            ),
        )
    finally:
        telemetry.close()


def _online(registry: Registry) -> set[str]:
    said = registry.statuses()
    return {str(device) for device, last in said.items() if last.status.online}


def _has_seen_all(registry: Registry, telemetry: Telemetry) -> bool:
    """Return whether analytics has looked at every reading that is stored."""
    cursor = registry.load_states().get(CURSOR)
    seen = cursor and msgspec.json.decode(cursor, type=dict[WorkerId, int])
    return bool(seen) and not telemetry.intake_after(seen or {}, 1)


def _wait(
    supervisor: Supervisor, stop: threading.Event, is_done: Callable[[], bool]
) -> None:
    deadline_s = time.monotonic() + PATIENCE_S
    while not is_done() and time.monotonic() < deadline_s and not stop.wait(0.2):
        supervisor.tend()


def open_the_books(
    home: Home,
    registry: Registry,
    opens: datetime,
    *,
    withdrawal_left: timedelta,
    public_url: str,
) -> None:
    """Add everybody of the demo, and what stands in their books when the demo begins."""
    add_people(registry)
    add_administrator(registry)
    telemetry = open_telemetry(home.telemetry_url)
    try:
        began_ms = milliseconds(opens - CROP)
        signer = open_signer(home.path / "keys", registry, began_ms)
        open_books(
            registry,
            telemetry,
            signer,
            opens,
            withdrawal_left=withdrawal_left,
            public_url=public_url,
        )
        add_crew(registry)
        open_boat_book(registry, telemetry, signer, opens, public_url=public_url)
        give_pictures(registry, ManualClock(opens), home.path / "photos")
        with by_hand(home.path) as worker:
            hear_by_satellite(
                registry, telemetry, worker, left=opens - HISTORY, now=opens
            )
    finally:
        telemetry.close()


def _check_once(
    home: Home,
    simulation: Simulation,
    wanted: Wanted,
    supervisor: Supervisor,
    stop: threading.Event,
    clock: str,
    authority: Path | None,
) -> int:
    """Let hours pass, then see that what should be is; return the exit status."""
    ticking = parse_clock(clock)
    start = ticking.now()
    end = start + timedelta(hours=ONCE_HOURS)
    with typer.progressbar(length=ONCE_HOURS * 3600, label="a short night") as bar:
        while ticking.now() < end and not stop.wait(0.2):
            supervisor.tend()
            bar.update(max(0, int((ticking.now() - start).total_seconds()) - bar.pos))
    played = Played(
        home, simulation.played, wanted.public_url, not wanted.scenario, authority
    )
    # What a slow machine has not got round to yet is not wrong.
    deadline_s = time.monotonic() + PATIENCE_S
    while (faults := faults_of(played, start, end)) and time.monotonic() < deadline_s:
        if stop.wait(SECOND_LOOK_S):
            break
        supervisor.tend()
    for fault in faults:
        typer.echo(f"WRONG: {fault}", err=True)
    if not faults:
        typer.echo("checked: every probe's readings are stored, nothing in quarantine")
        if not wanted.scenario:
            typer.echo("checked: the pond's alarm was raised, a label is valid")
    return 70 if faults else 0
