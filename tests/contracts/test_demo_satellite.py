"""The demo's boat at sea: silent for an evening, then heard again, each time once."""

import threading
import time
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cli.demo.tuna_boat import BOAT, BOX
from cli.demo.tuna_positions import (
    EVERY_S,
    HEARD_AGAIN,
    SILENT,
    hear_by_satellite,
    keep_hearing,
)
from cli.home import Home, HomeSettings
from greenwater.kernel.clock import ManualClock
from greenwater.kernel.reading import milliseconds
from greenwater.storage.registry import open_registry
from greenwater.storage.registry.credentials import Credentials
from greenwater.storage.telemetry import open_telemetry
from ingest.workers import by_hand

OPENED = datetime(2026, 6, 1, 15, 0, tzinfo=UTC)
LEFT = OPENED - timedelta(days=3)
EVERY = timedelta(seconds=EVERY_S)


def test_she_is_heard_again_when_her_time_has_come(tmp_path: Path) -> None:
    home, clock = Home(HomeSettings(home=tmp_path / "home")), ManualClock(OPENED)
    with (
        open_registry(home.registry_url) as registry,
        closing(open_telemetry(home.telemetry_url)) as telemetry,
    ):

        def heard() -> datetime:
            newest = max(one.taken_ms for one in telemetry.latest(BOX))
            return datetime.fromtimestamp(newest / 1000, UTC)

        registry.add_organisation("chu", "Chủ tàu")
        registry.add_vessel(BOAT, organisation="chu", name="Tàu câu", length_m=17.2)
        registry.add_device(
            BOX, vessel=BOAT, credentials=Credentials("", "", ""), is_simulated=True,
            now_ms=milliseconds(LEFT),
        )  # fmt: skip
        with by_hand(home.path) as worker:
            told = hear_by_satellite(registry, telemetry, worker, left=LEFT, now=OPENED)
        assert told == 35, "every two hours of three days, but for the evening"
        assert heard() == OPENED - SILENT

        stop = threading.Event()
        listening = threading.Thread(
            target=keep_hearing,
            args=(home, clock, stop),
            kwargs={"left": LEFT, "opened": OPENED, "look_s": 0.02},
        )
        listening.start()
        try:
            clock.advance(HEARD_AGAIN - timedelta(minutes=1))
            time.sleep(0.3)
            assert heard() == OPENED - SILENT, "silent still"
            clock.advance(EVERY + timedelta(minutes=2))
            deadline_s = time.monotonic() + 20
            while heard() < OPENED + HEARD_AGAIN + EVERY:
                assert time.monotonic() < deadline_s, heard()
                time.sleep(0.05)
        finally:
            stop.set()
            listening.join()
        assert telemetry.latest(BOX), "and stored as any position is"
        assert registry.quarantined_since(0) == 0
