"""The demo opens shortly before a pond goes wrong, on any date and at any hour."""

from datetime import datetime, timedelta

import pytest

from cli.demo.night import DAWN, EARLIER, USUAL, tonight
from firmware_sim.run import ScenarioRun
from firmware_sim.scenarios import load_scenario
from greenwater.kernel.channels import Channel
from greenwater.kernel.clock import VIETNAM, ManualClock

NIGHT = load_scenario("oxygen-tonight")
LIMIT, CRITICAL = 4.0, 3.0
WATCHED_S = 4 * 3600
"""Of the demo's time: four minutes at sixty times speed."""


@pytest.mark.parametrize(
    "now", ["2026-11-27T02:00:00+07:00", "2026-06-15T23:59:00+07:00"]
)
def test_the_pond_is_well_when_the_curtain_rises_and_not_an_hour_later(
    now: str,
) -> None:
    night = tonight(NIGHT, datetime.fromisoformat(now))

    assert night.began.astimezone(VIETNAM).hour == 0
    assert (
        timedelta(0) < datetime.fromisoformat(now) - night.opens < timedelta(hours=26)
    )
    run = ScenarioRun(NIGHT.starting(night.began), ManualClock(night.began + DAWN))
    began_s, opens_s = night.began.timestamp(), night.opens.timestamp()
    before: list[float] = []
    after: list[float] = []
    for row in run.history(began_s, opens_s + WATCHED_S, 600.0):
        value = row.values.get(Channel.DISSOLVED_OXYGEN)
        if value is not None:
            past_s = row.taken_ms / 1000 - opens_s
            (before if past_s <= 0 else after if past_s > 3600 else []).append(value)
    assert min(before) > LIMIT, "no alarm is from before the curtain"
    assert min(after) < LIMIT, "one comes while somebody looks"
    assert max(after[-2:]) < CRITICAL, "and is critical within minutes, at every probe"
    assert timedelta(minutes=20) < EARLIER < timedelta(minutes=40)


def test_a_night_in_which_nothing_happens_opens_after_midnight() -> None:
    night = tonight(
        load_scenario("tuna-trip"), datetime.fromisoformat("2026-11-27T09:00:00+07:00")
    )
    assert night.opens - night.began == USUAL
