"""A scenario of one's own in the demo."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from cli.demo.sign_in_links import ONLOOKER, add_onlooker, sign_in_links
from cli.demo.simulation import ScenarioStart, Simulation
from cli.home import Home, HomeSettings
from firmware_sim.scenarios import FOLDER, load_scenario
from greenwater.storage.registry import open_registry
from greenwater.storage.registry.people import Role
from tests.templates import empty_registry


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


def test_somebody_may_look_at_a_scenario_that_plays_alone(tmp_path: Path) -> None:
    scenario = load_scenario("tuna-trip")
    organisation = scenario.organisation
    with open_registry(empty_registry(tmp_path / "registry.db")) as registry:
        registry.add_organisation(organisation.id, organisation.name)
        add_onlooker(registry, scenario)
        (person,) = registry.list_people()
        assert (person.id, person.memberships) == (
            ONLOOKER,
            ((organisation.id, Role.BOAT_OWNER),),
        )
        ((role, _, address),) = sign_in_links(registry, "http://x", 0)
    assert role is Role.BOAT_OWNER
    assert address.startswith("http://x/once/")
