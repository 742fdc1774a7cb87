"""A light is a reading: what is past its limit is never well, whatever alarms say."""

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from greenwater.kernel.channels import Channel
from greenwater.kernel.ids import DeviceId, ProbeId
from greenwater.kernel.reading import Reading, Source
from greenwater.reference.limits import Severity, species_limits
from greenwater.storage.registry.devices import Deployed
from web.views.beyond import beyond_of, beyond_words, with_start
from web.views.facts import Hanging
from web.views.lights import light_of
from web.words import Lang

NOW = 1_780_000_000_000
MINUTE = 60_000
DO = Channel.DISSOLVED_OXYGEN
CHANNELS = (DO, Channel.SALINITY, Channel.TEMPERATURE, Channel.PH)
SPECIES = ("PNV", "GIT", "NUR", "CBA", None)


def hanging(
    *values: tuple[Channel, float | None, int], source: Source = Source.PROBE
) -> Hanging:
    """Return a probe whose newest readings are of so many minutes ago."""
    box, probe = DeviceId("box"), ProbeId("top")
    return Hanging(
        Deployed(box, probe, "ao-3", None, 0.5, 0, None),
        tuple(
            Reading(box, probe, channel, NOW - past * MINUTE, value)
            for channel, value, past in values
        ),
        source,
    )


readings = st.tuples(
    st.sampled_from(CHANNELS),
    st.none() | st.floats(0, 40, allow_nan=False),
    st.integers(0, 70),
)
probes = st.lists(
    st.lists(readings, max_size=4, unique_by=lambda one: one[0]).map(
        lambda some: hanging(*some)
    ),
    max_size=3,
)


@given(probes, st.sampled_from(SPECIES), st.sampled_from(["fresh", "stale", "silent"]))
def test_no_unit_whose_newest_reading_is_past_a_limit_is_green(
    hung: Sequence[Hanging], species: str | None, state: str
) -> None:
    past = [
        reading
        for one in hung
        for reading in one.readings
        if reading.value is not None
        and NOW - reading.taken_ms < 60 * MINUTE
        and (limits := species_limits(species, reading.channel)) is not None
        for severity in (Severity.WARN, Severity.CRITICAL)
        if (bounds := limits.bounds(severity)) and not bounds.holds(reading.value)
    ]

    beyond = beyond_of(species, hung, NOW)
    light = light_of((), state, is_beyond=beyond is not None).name

    assert (beyond is not None) == bool(past)
    assert light != "ok" or not past
    assert (light == "ok") == (state == "fresh" and not past)


def test_the_gravest_is_told_with_its_limit_and_since_when() -> None:
    low = hanging((Channel.TEMPERATURE, 34.0, 0), (DO, 3.4, 0))
    lower = hanging((DO, 2.8, 1))
    past = [
        Reading(DeviceId("box"), ProbeId("top"), DO, NOW - past * MINUTE, value)
        for past, value in ((20, 3.9), (18, 4.2), (6, 3.9), (0, 3.4))
    ]

    found = beyond_of("PNV", [low], NOW)
    assert found is not None
    assert found.reading.channel is DO
    assert (
        beyond_words(Lang.VI, with_start(found, past), NOW).replace("\xa0", " ")
        == "Oxy 3,4 mg/L, dưới ngưỡng 4,0 mg/L đã 6 phút"
    )
    for value, words in ((3.96, "3,96"), (3.998, "3,998")):
        close = beyond_of("PNV", [hanging((DO, value, 0))], NOW)
        assert close is not None
        told = beyond_words(Lang.VI, close, NOW)
        assert words in told, "4,0 below 4,0 is a riddle"
    worse = beyond_of("PNV", [low, lower], NOW)
    assert worse is not None
    assert (worse.severity, worse.bound) == (Severity.CRITICAL, 3.0)


def test_what_was_read_by_hand_this_morning_counts_where_no_probe_measures() -> None:
    hand = hanging((DO, 2.5, 300), source=Source.HAND)
    assert beyond_of("PNV", [hand], NOW) is not None
    assert beyond_of("PNV", [hand, hanging((DO, 6.0, 1))], NOW) is None
    just_now = hanging((DO, 2.5, 2), source=Source.HAND)
    assert beyond_of("PNV", [just_now, hanging((DO, 6.0, 1))], NOW) is not None
