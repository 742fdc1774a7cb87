"""A scenario of one's own in the demo."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from cli.demo.simulation import ScenarioStart, Simulation
from cli.home import Home, HomeSettings
from firmware_sim.scenarios import FOLDER


def test_a_scenario_of_ones_own_is_played_from_its_file(tmp_path: Path) -> None:
    own = tmp_path / "mine" / "own.toml"
    own.parent.mkdir()
    own.write_bytes((FOLDER / "flood.toml").read_bytes())
    home = Home(HomeSettings(home=tmp_path / "home"))
    opens = datetime(2026, 11, 28, tzinfo=UTC)
    simulation = Simulation(home, [ScenarioStart(str(own), timedelta(hours=1))], opens)
    (part, *_) = simulation.parts("wall")
    assert str(own) in part.argv
    assert simulation.played[0].folder == home.path / "sim" / "own"
    assert list(own.parent.iterdir()) == [own], "nothing is written beside it"
