"""Open pages are told of their own alarms' changes; the registry is asked once for all."""

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any, cast

from greenwater.storage.registry import Registry
from web.api.pulses import Pulses


class Alarms:
    """A registry with alarms, that counts how often it is asked for them."""

    def __init__(self) -> None:
        self.version, self.asked = 0, 0
        self.alarms: list[Any] = []

    def mark(self) -> str:
        return str(self.version)

    def open_alarms(self) -> Sequence[Any]:
        self.asked += 1
        return self.alarms


def alarm(organisation: str, **facts: object) -> SimpleNamespace:
    known = {
        "id": "a", "state": "unack", "severity": "high", "acknowledged_ms": None,
        "shelved_until_ms": None, "hidden": None, "taken_ms": 1, "is_active": True,
    }  # fmt: skip
    return SimpleNamespace(organisation=organisation, **(known | facts))


def test_each_is_told_of_his_own_and_nothing_is_asked_in_vain() -> None:
    registry = Alarms()
    pulses = Pulses(cast(Registry, registry))
    hoa, binh = frozenset({"hoa"}), frozenset({"binh"})
    pulses.ask()
    calm = pulses.of(hoa)
    assert calm == pulses.of(binh)

    registry.alarms, registry.version = [alarm("hoa")], 1
    pulses.ask()
    raised = pulses.of(hoa)
    assert raised != calm == pulses.of(binh)
    assert pulses.of(None) == pulses.of(hoa | binh)

    registry.alarms, registry.version = [alarm("hoa", taken_ms=2)], 2
    pulses.ask()
    assert pulses.of(hoa)[0] == raised[0]
    assert pulses.of(hoa)[1] != raised[1]

    pulses.ask()
    assert registry.asked == 3, "the mark is the same: nothing is asked"
    registry.alarms, registry.version = [], 3
    pulses.ask()
    assert pulses.of(hoa) == calm
