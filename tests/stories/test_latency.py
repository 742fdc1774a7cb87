"""From a probe's reading to the alarm on an open page: real nights, timed."""

import os
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import sync_playwright

from cli.demo.shrimp_farm import FARM, FARMER, add_people
from cli.home import Home
from cli.processes import free_port, greenwater
from cli.supervisor import Part
from greenwater.kernel.clock import ScaledClock
from greenwater.kernel.reading import milliseconds
from greenwater.storage.registry import Registry, open_registry
from tests.chromium import browsing
from tests.stories.nights import Night, Row, falls_below, oxygen_of, serving
from tests.stories.scenes import alarms_of, sign_in, wait_for
from tests.stories.theatre import Backing, Embedded, raised

pytestmark = [pytest.mark.live, pytest.mark.slow]
SHORT_ON = Embedded.name

OPENS = datetime(2026, 6, 1, 17, 0, tzinfo=UTC)
SPEED = 240.0
IS_ALONE = "ALONE" in os.environ
NIGHTS = 24 if IS_ALONE else 8
FIRST = timedelta(minutes=90)
APART = timedelta(minutes=7)
BOX = "sim-dem"
LIMIT = 4.0
"""mg/L; the warning for whiteleg shrimp (domain.md §2.2), for a quarter of an hour."""

AIM_S = 3.0

WATCH = """
window.seen = {};
const look = () => {
  for (const one of document.querySelectorAll("[data-alarm]"))
    if (!(one.dataset.alarm in window.seen)) window.seen[one.dataset.alarm] = Date.now();
};
addEventListener("DOMContentLoaded", () => {
  look();
  new MutationObserver(look).observe(document.body, { childList: true, subtree: true });
});
"""


def test_an_alarm_is_on_the_page_within_three_seconds_of_its_reading(
    backing: Backing,
    shared: Callable[[str], Path],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    home = Home(backing.settings(tmp_path / "home"))
    port, nights = free_port(), list(some_nights(shared))
    with open_registry(home.registry_url) as registry:
        config = enrol(registry, home, backing.box_url, port)
        backing.put_up(home, registry)
    clock = ScaledClock(OPENS, SPEED, anchor := time.time() + 1.0)
    box = Part(
        f"edge-{BOX}",
        greenwater("edge", "run", "--config", str(config)),
        {"GREENWATER_CLOCK": str(clock)},
    )
    with (
        serving(nights, clock, port),
        raised(home, backing, [box], clock) as theatre,
        sync_playwright() as play,
        browsing(tmp_path / "phone", play=play) as phone,
    ):
        page = phone.new_page()
        page.add_init_script(WATCH)
        sign_in(page, theatre, FARMER)

        def page_seen() -> dict[str, float]:
            found: dict[str, float] = page.evaluate("window.seen")
            return found

        wait_for(
            "every night's alarm",
            lambda: len(alarms_of(theatre, "limit")) == NIGHTS,
            theatre,
        )
        alarms = alarms_of(theatre, "limit")
        wait_for(
            "every alarm on the page",
            lambda: {one.id for one in alarms} <= set(page_seen()),
            theatre,
        )
        seen = page_seen()
    waits = [seen[one.id] / 1000 - real_s(one.raised_ms, anchor) for one in alarms]
    p50, p95 = np.percentile(waits, [50, 95])
    with capsys.disabled():
        print(
            f"\nprobe to alarm on the page, {backing.name}, {NIGHTS} real nights: "
            f"p50 {p50:.2f} s, p95 {p95:.2f} s, most {max(waits):.2f} s "
            f"(asked: p95 <= {AIM_S:g} s)"
        )
    assert min(waits) > 0
    # Beside other lots of tests, whose load is not ours, the slowest ones say how
    # busy the machine is; alone (`make latency`) they say how fast the platform is.
    assert (p95 if IS_ALONE else p50) <= AIM_S


def real_s(at_ms: int, anchor: float) -> float:
    """Return when the machine's clock stood at an instant of the story."""
    return anchor + (at_ms - milliseconds(OPENS)) / 1000 / SPEED


def some_nights(shared: Callable[[str], Path]) -> Iterator[Night]:
    """Yield nights of both sondes on which oxygen fell below the limit, one by one."""
    falls: list[tuple[list[Row], int]] = []
    for station in ("cat_point", "dry_bar"):
        file = shared(f"data/sondes/apalachicola_{station}_2012_2013.csv.gz")
        rows = oxygen_of(file)
        found = falls_below(rows, LIMIT)
        falls += [(rows, at) for at in found[:: len(found) // (NIGHTS // 2)]]
    for number, (rows, at) in enumerate(falls[:NIGHTS]):
        yield Night(rows, at, (OPENS + FIRST + number * APART).timestamp())


def enrol(registry: Registry, home: Home, broker: str, port: int) -> Path:
    """Register a pond a night and one box for all; return its configuration."""
    registry.add_organisation(FARM, "Trại đo thử")
    add_people(registry)
    registry.add_site("sim-trai", organisation=FARM, name="Trại đo thử")
    password = registry.add_device(
        BOX, site="sim-trai", now_ms=milliseconds(OPENS), is_simulated=True
    )
    folder = home.path / "boxes" / BOX
    folder.mkdir(parents=True)
    secret = folder / "password"
    secret.write_text(f"{password}\n")
    secret.chmod(0o600)
    lines = [
        f'device = "{BOX}"', f'broker_url = "{broker}"', f'password_file = "{secret}"',
        f'outbox = "{folder / "outbox.db"}"', "budget_mb = 64", "is_simulated = true",
        "[[buses]]", 'name = "bus"', f"port = {port}",
    ]  # fmt: skip
    for unit in range(1, NIGHTS + 1):
        registry.add_unit(
            f"sim-ao-{unit}", site="sim-trai", name=f"Ao {unit}", species="PNV"
        )
        registry.add_probe(BOX, f"p{unit}", profile="generic_float32")
        registry.deploy(
            BOX, f"p{unit}", unit=f"sim-ao-{unit}",
            from_ms=0, now_ms=milliseconds(OPENS),
        )  # fmt: skip
        lines += [
            "[[buses.probes]]", f'id = "p{unit}"', 'profile = "generic_float32"',
            f"unit = {unit}", "interval_s = 120", 'channels = ["dissolved_oxygen"]',
        ]  # fmt: skip
    config = folder / "edge.toml"
    config.write_text("\n".join(lines) + "\n")
    return config
