"""The tables of limits say what can be, and name their sources."""

import pytest

from greenwater.kernel.channels import Channel
from greenwater.kernel.errors import MissingError
from greenwater.reference.limits import (
    TABLES,
    Bounds,
    Severity,
    SpeciesLimits,
    legal_limits,
    species_limits,
    timing,
)
from greenwater.reference.species import SPECIES, get_species


def within(inner: Bounds | None, outer: Bounds | None) -> bool:
    """Whether everything inside ``inner`` is inside ``outer``."""
    if inner is None or outer is None:
        return True
    low = outer.low is None or (inner.low is not None and inner.low >= outer.low)
    high = outer.high is None or (inner.high is not None and inner.high <= outer.high)
    return low and high


@pytest.mark.parametrize(
    "row", TABLES.operating, ids=lambda row: f"{row.species}-{row.channel}"
)
def test_levels_of_operation_lie_inside_each_other(row: SpeciesLimits) -> None:
    assert row.species in SPECIES
    assert row.source
    assert not row.verified
    levels = [row.optimal, row.warn, row.critical]
    for bounds in filter(None, levels):
        assert bounds.low is not None or bounds.high is not None
        if bounds.low is not None and bounds.high is not None:
            assert bounds.low < bounds.high
    for at, inner in enumerate(levels):
        for outer in levels[at + 1 :]:
            assert within(inner, outer), (inner, outer)


def test_no_row_stands_twice() -> None:
    keys = [(row.species, row.channel) for row in TABLES.operating]
    assert len(keys) == len(set(keys))


def test_what_domain_md_gives_for_whiteleg_shrimp() -> None:
    oxygen = species_limits("PNV", Channel.DISSOLVED_OXYGEN)
    assert oxygen is not None
    assert (oxygen.warn, oxygen.critical) == (Bounds(low=4), Bounds(low=3))
    assert oxygen.bounds(Severity.WATCH) == Bounds(low=5)
    assert species_limits("PNV", Channel.BATTERY) is None
    assert species_limits(None, Channel.DISSOLVED_OXYGEN) is None


def test_legal_values_carry_their_instrument_and_are_not_verified_yet() -> None:
    (oxygen,) = legal_limits("GIT", Channel.DISSOLVED_OXYGEN)
    assert oxygen.bounds == Bounds(low=3.5)
    assert oxygen.instrument == "QCVN 02-19:2014/BNNPTNT"
    assert not any(row.verified for row in TABLES.legal)
    assert legal_limits("NUR", Channel.DISSOLVED_OXYGEN) == []


def test_every_channel_and_severity_has_a_timing() -> None:
    for channel in Channel:
        for severity in Severity:
            one = timing(channel, severity)
            assert one.delay_s > 0
            assert one.clear_s > 0
            assert one.hysteresis >= 0
    critical = timing(Channel.DISSOLVED_OXYGEN, Severity.CRITICAL)
    assert (critical.samples, critical.delay_s, critical.hysteresis) == (2, 600, 0.5)
    assert timing(Channel.DISSOLVED_OXYGEN, Severity.WARN).samples == 0


def test_an_unknown_species_is_named() -> None:
    assert get_species("PNV").latin == "Penaeus vannamei"
    with pytest.raises(MissingError, match="'XXX'"):
        get_species("XXX")
