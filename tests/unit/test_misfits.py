"""A refusal of a file says what would have fitted."""

from pathlib import Path
from typing import Any

import pytest

from edge.drivers.profile import load_profile
from edge.settings import EdgeSettings
from firmware_sim.scenarios import FOLDER, parse_scenario
from greenwater.kernel.errors import ConfigError
from greenwater.kernel.settings import load_toml

SCENARIO = (FOLDER / "fouled-probe.toml").read_text()


@pytest.mark.parametrize(
    ("was", "given", "ends"),
    [
        ('"fouling"', '"foul"', "there are: drift, stuck, "),
        ('model = "pond"', 'model = "tank"', "water.model`; there are: pond, cage"),
        ("amount = ", "amuont = ", "is `amount` meant?"),
        ("climate = ", "colour = 1\nclimate = ", "; there are: id, name, latitude, "),
    ],
)
def test_a_scenario_that_does_not_fit(was: str, given: str, ends: str) -> None:
    text = SCENARIO.replace(was, given, 1)
    assert text != SCENARIO
    with pytest.raises(ConfigError) as refused:
        parse_scenario(text.encode(), where="own.toml")
    assert ends in str(refused.value)


@pytest.mark.parametrize(
    ("kind", "text", "ends"),
    [
        ("profile", 'dtype = "i16"', "registers[0].dtype`; there are: bit, float32,"),
        ("box", 'kind = "usb"', "buses[0].kind`; there are: rtu, tcp"),
    ],
)
def test_a_profile_and_a_box(kind: str, text: str, ends: str, tmp_path: Path) -> None:
    path: Path = tmp_path / "own.toml"
    load: Any = load_profile
    if kind == "box":
        path.write_text(f'device="a-1"\nbroker_url="x"\n[[buses]]\nname="b"\n{text}\n')
        with pytest.raises(ConfigError) as refused:
            load_toml(EdgeSettings, path)
    else:
        path.write_text(
            f'name="a"\nsource="b"\n[[registers]]\nchannel="ph"\naddress=0\n{text}\n'
        )
        with pytest.raises(ConfigError) as refused:
            load(str(path))
    assert ends in str(refused.value)
