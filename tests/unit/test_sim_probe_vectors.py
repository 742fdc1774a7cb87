"""The simulator's probes put on the wire what the golden files say, byte for byte.

The edge is held to the same files (``test_driver_vectors.py``) by code of its own, so
an error in the order of bytes cannot cancel out.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from firmware_sim.devices.probe import Refusal, VirtualProbe, carrying, load_map

VECTORS = Path(__file__).parent.parent / "vectors"
FILES = {path.stem[7:]: path for path in sorted(VECTORS.glob("modbus_*.json"))}


class Told:
    def __init__(self, values: Mapping[str, float | None]) -> None:
        self._values = values

    def values_at(self, t_s: float) -> Mapping[str, float | None]:
        return self._values


def text_of(name: str) -> dict[str, Any]:
    return dict(json.loads(FILES[name].read_text(encoding="utf-8")))


CASES = [
    (name, first)
    for name in FILES
    for first in text_of(name)["vectors"][0]["registers"]
]


@pytest.mark.parametrize(("name", "first"), CASES)
def test_the_probe_says_what_the_golden_file_says(name: str, first: str) -> None:
    text = text_of(name)
    vector, plain = text["vectors"][0], text.get("channels")
    told = dict(vector["values"])
    assert None not in told.values()
    if (name, first) == ("hach_ldo", "0"):
        # Told a saturation it works its mg/L out of that; tested elsewhere.
        del told["oxygen_saturation"]
    probe = VirtualProbe(carrying(plain) if plain else load_map(name), Told(told))
    if probe.map.start is not None:
        probe.write(probe.map.start.register, [0], -100.0)
    expected = vector["registers"][first].split()
    got = probe.read("holding", int(first, 0), len(expected), 0.0)
    assert not isinstance(got, Refusal)
    assert [f"{word:04x}" for word in got] == expected
