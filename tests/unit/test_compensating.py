"""Oxygen of a probe that takes the sea for fresh water, as the water has it."""

import pytest

from greenwater.derived.ammonia import Known
from greenwater.derived.compensating import SALT_MS, compensated, newest_water
from greenwater.kernel.channels import Channel
from greenwater.kernel.ids import DeviceId, ProbeId
from greenwater.kernel.reading import Reading
from greenwater.storage.registry.devices import Deployed
from web.views.cards import probe_view
from web.views.facts import Hanging, worked_out
from web.words import Lang

AT = 1_780_000_000_000


def oxygen(value: float | None, told: bool | None = False) -> Reading:
    probe = DeviceId("hoa-box"), ProbeId("top")
    return Reading(*probe, Channel.DISSOLVED_OXYGEN, AT, value, is_compensated=told)


def test_a_probe_left_at_fresh_water_is_put_right_once() -> None:
    """Domain §2.5: 7.83 mg/L where 28 °C and 33 PSU hold 6.51."""
    sea, warm = Known(AT, 33.0), Known(AT, 28.0)
    right = compensated(oxygen(7.83), sea, warm)
    assert right.value == pytest.approx(6.51, abs=0.01)
    assert compensated(right, sea, warm) == right, "never twice"
    for known in (True, None):
        assert compensated(oxygen(7.83, known), sea, warm).value == 7.83
    assert compensated(oxygen(None), sea, warm).value is None
    assert compensated(oxygen(7.83), Known(AT, 0.0), warm).value == 7.83


def test_an_old_salinity_is_used_for_a_week_and_without_any_it_stays() -> None:
    for ago, value in ((SALT_MS, 6.51), (SALT_MS + 1, 7.83)):
        found = compensated(oxygen(7.83), Known(AT - ago, 33.0), None)
        assert found.value == pytest.approx(value, abs=0.01)
    assert compensated(oxygen(7.83), None, Known(AT, 28.0)).value == 7.83


def test_salinity_is_the_newest_that_was_told_or_follows_from_conductivity() -> None:
    def told(channel: Channel, value: float, ago: int, probe: str) -> Reading:
        return Reading(DeviceId("hoa-box"), ProbeId(probe), channel, AT - ago, value)

    salinity, temperature = newest_water(
        [
            told(Channel.SALINITY, 12.0, 9, "a"),
            told(Channel.CONDUCTIVITY, 53.0, 0, "b"),
            told(Channel.TEMPERATURE, 25.0, 0, "b"),
            told(Channel.TEMPERATURE, 30.0, 5, "a"),
        ]
    )
    assert salinity is not None
    assert salinity.taken_ms == AT
    assert salinity.value == pytest.approx(35.0, abs=0.2)
    assert temperature == Known(AT, 25.0)
    assert newest_water([]) == (None, None)
    for ago, psu in ((3_600_000, 35.0), (3_600_001, 5.0)):
        salts = [
            told(Channel.SALINITY, 35.0, ago, "deep"),
            told(Channel.SALINITY, 5.0, 0, "top"),
        ]
        assert newest_water(salts)[0] == Known(AT - ago if psu > 5 else AT, psu)


def test_people_see_what_the_water_holds_and_what_the_probe_told() -> None:
    def hung(probe: str, *readings: Reading) -> Hanging:
        probe_id = ProbeId(probe)
        at = Deployed(DeviceId("hoa-box"), probe_id, "ao-1", None, 1.0, 0, None)
        return Hanging(at, readings)

    told = oxygen(4.7)
    salt = Reading(told.device, ProbeId("meter"), Channel.SALINITY, AT - 1, 33.0)
    top, _ = worked_out([hung("top", told), hung("meter", salt)])
    (view,) = probe_view(Lang.VI, top, "Sâu 1 m", AT).values
    assert (view.text, view.note) == (
        "3,9\N{NO-BREAK SPACE}mg/L",
        "đã bù độ mặn; đầu đo nói 4,7\N{NO-BREAK SPACE}mg/L",
    )
    (alone,) = worked_out([hung("top", told)])
    (view,) = probe_view(Lang.VI, alone, "Sâu 1 m", AT).values
    assert view.text == "4,7\N{NO-BREAK SPACE}mg/L"
    assert view.note.startswith("chưa bù độ mặn")
