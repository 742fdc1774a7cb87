"""A pond's own limits laid over its species': what may be set, and what comes out."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from analytics.alarms.claims import forecast_alarm
from analytics.alarms.latches import OFF, moved
from analytics.alarms.messages import body, grounds
from greenwater.kernel.channels import Channel
from greenwater.kernel.ids import ProbeId
from greenwater.reference.limits import (
    TABLES,
    Basis,
    Bounds,
    Severity,
    SpeciesLimits,
    legal_limits,
    species_limits,
    timing,
)
from greenwater.reference.own_limits import (
    LEVELS,
    NOTHING,
    SETTABLE,
    SIDES,
    OwnLimits,
    is_stricter,
    laid_over,
    limits_at,
    on_side,
    range_of,
    troubles_of,
    unit_limits,
)
from greenwater.reference.quality import QUALITY
from greenwater.storage.telemetry.ports import Series
from tests.unit.ponds import BOX, MINUTE, OXYGEN, T0, Story, hung, oxygen, places

ROWS = [row for row in TABLES.operating if row.channel in SETTABLE]
VALUES = st.one_of(st.none(), st.integers(-2, 60).map(float), st.floats(0.01, 49.9))


@st.composite
def own_limits(draw: st.DrawFn) -> OwnLimits:
    """Anything a farm might type, for a channel its species has limits of or not."""
    row = draw(st.sampled_from(ROWS))
    species = draw(st.sampled_from([row.species, row.species, None]))
    near = VALUES
    for bounds in (row.warn, row.critical):
        edges = [one for side in SIDES if (one := on_side(bounds, side)) is not None]
        if edges:
            near = (
                near
                | st.sampled_from(edges)
                | st.floats(-1, 1).map(
                    lambda by, at=edges[0]: at + by  # type: ignore[misc]
                )
            )
    warn, critical = (Bounds(draw(near), draw(near)) for _ in LEVELS)
    return OwnLimits(
        channel=row.channel,
        species=species,
        warn=warn,
        critical=critical,
        reason=draw(st.sampled_from(["", "vì sao"])),
    )


def outer(limits: SpeciesLimits | None, severity: Severity, side: str) -> float | None:
    """Return one level on one side."""
    return on_side(limits.bounds(severity) if limits else None, side)


@given(own_limits())
def test_whatever_is_set_comes_out_in_order_and_never_looser_than_law(
    own: OwnLimits,
) -> None:
    reference = species_limits(own.species, own.channel)
    laid = laid_over(reference, [own], own.species, own.channel)
    for side in SIDES:
        warn, critical = (outer(laid, one, side) for one in LEVELS)
        if warn is not None and critical is not None:
            assert not is_stricter(side, critical, warn)
        for law in legal_limits(own.species, own.channel):
            bound = on_side(law.bounds, side)
            if (
                bound is not None
                and own.warn != NOTHING
                and own.level(Severity.WARN, side) is not None
            ):
                assert warn is not None
                assert not is_stricter(side, bound, warn)
        for severity in LEVELS:
            if own.level(severity, side) is None and severity is Severity.CRITICAL:
                assert outer(laid, severity, side) == outer(reference, severity, side)
    assert laid is None or reference is None or laid.optimal == reference.optimal


@given(own_limits())
def test_what_is_accepted_holds_exactly_as_it_was_typed(own: OwnLimits) -> None:
    if troubles_of(own):
        return
    reference = species_limits(own.species, own.channel)
    laid = unit_limits(own.species, [own], own.channel)
    low, high = range_of(own.channel)
    is_loose = False
    for severity in LEVELS:
        for side in SIDES:
            mine, theirs = own.level(severity, side), outer(reference, severity, side)
            assert outer(laid, severity, side) == (theirs if mine is None else mine)
            assert mine is None or low < mine < high
            if mine is not None and theirs is not None:
                is_loose = is_loose or is_stricter(side, theirs, mine)
        bounds = laid.bounds(severity) if laid else None
        if bounds and bounds.low is not None and bounds.high is not None:
            assert bounds.low < bounds.high
    assert own.reason or not is_loose


@given(own_limits(), st.sampled_from(["PNV", "NUR", None]))
def test_limits_set_for_another_species_or_channel_say_nothing(
    own: OwnLimits, species: str | None
) -> None:
    for channel in (own.channel, Channel.TURBIDITY):
        if (species, channel) != (own.species, own.channel):
            expected = species_limits(species, channel)
            assert unit_limits(species, [own], channel) == expected


def test_the_tables_own_values_may_all_be_set_as_they_are() -> None:
    for row in ROWS:
        own = OwnLimits(
            channel=row.channel,
            species=row.species,
            warn=row.warn or NOTHING,
            critical=row.critical or NOTHING,
        )
        assert troubles_of(own) == [], row
        assert unit_limits(row.species, [own], row.channel) == row


@pytest.mark.parametrize(
    ("warn", "critical", "reason", "field", "key"),
    [
        (Bounds(3.4), NOTHING, "x", "warn_low", "limits_law_low"),
        (Bounds(3.5), NOTHING, "", "reason", "limits_reason"),
        (Bounds(3.5), NOTHING, "x", "", ""),
        (Bounds(4.5), NOTHING, "", "", ""),
        (NOTHING, Bounds(4.5), "x", "critical_low", "limits_order_low"),
        (Bounds(5), Bounds(4.5), "", "", ""),
        (NOTHING, Bounds(2), "", "reason", "limits_reason"),
        (Bounds(0), NOTHING, "x", "warn_low", "limits_range"),
        (Bounds(high=30), NOTHING, "x", "warn_high", "limits_range"),
        (Bounds(high=3.9), NOTHING, "x", "warn_high", "limits_crossed"),
        (Bounds(6, 5), NOTHING, "x", "warn_low", "limits_crossed"),
        (Bounds(float("nan")), NOTHING, "x", "warn_low", "limits_range"),
        (Bounds(high=12), Bounds(high=10), "x", "critical_high", "limits_order_high"),
    ],
)
def test_nonsense_is_named_beside_its_field(
    warn: Bounds, critical: Bounds, reason: str, field: str, key: str
) -> None:
    own = OwnLimits(
        channel=OXYGEN, species="PNV", warn=warn, critical=critical, reason=reason
    )
    found = [(one.field, one.error.key) for one in troubles_of(own)]
    assert found == ([(field, key)] if field else [])


def test_a_species_level_that_is_law_itself_is_never_looser() -> None:
    law = SpeciesLimits(
        "PNV", OXYGEN, "x", warn=Bounds(4), critical=Bounds(3), basis=Basis.LAW
    )
    own = OwnLimits(channel=OXYGEN, species="PNV", critical=Bounds(2), reason="x")
    laid = laid_over(law, [own], "PNV", OXYGEN)
    assert laid is not None
    assert laid.critical == Bounds(3)


def test_what_a_probe_can_measure_is_not_moved_by_limits() -> None:
    before = dict(QUALITY)
    unit_limits(
        "PNV", [OwnLimits(channel=OXYGEN, species="PNV", warn=Bounds(9))], OXYGEN
    )
    assert before == QUALITY


def test_a_latch_whose_limit_was_moved_away_is_over_at_once() -> None:
    rule = timing(OXYGEN, Severity.WARN)
    on = OFF
    for minute in (0, 15):
        on = moved(on, T0 + minute * MINUTE, 4.2, 4.5, "low", rule)
    assert on.is_on
    assert moved(on, T0 + 16 * MINUTE, 4.6, 4.5, "low", rule).is_on, "hysteresis"
    stays = moved(on, T0 + 16 * MINUTE, 4.2, 4.3, "low", rule)
    assert (stays.is_on, stays.began_ms, stays.limit) == (True, T0, 4.3)
    assert moved(on, T0 + 16 * MINUTE, 4.2, 4.0, "low", rule) == OFF


def test_a_forecast_is_held_against_the_ponds_own_limit() -> None:
    night = T0 - T0 % (24 * 60 * MINUTE) + 16 * 60 * MINUTE  # 23:00 here
    own = OwnLimits(
        channel=OXYGEN, species="PNV", warn=Bounds(4.5), critical=Bounds(3.5)
    )
    for limits, is_over, limit in (((), True, 3.0), ((own,), False, 3.5)):
        place = places(hung("top"), limits=limits).at(Series(BOX, ProbeId("top")), T0)
        assert place is not None
        claim = forecast_alarm(place, night, 3.2, 2.8, 5.0)
        assert claim is not None
        assert (claim.is_over, claim.limit) == (is_over, limit)
        assert ("own" in claim.detail) is bool(limits)


def own_at(set_ms: int, low: float | None, channel: Channel = OXYGEN) -> OwnLimits:
    """Return a warning's limit that was set then; None: taken back."""
    warn = NOTHING if low is None else Bounds(low)
    return OwnLimits(
        channel=channel, species="PNV", warn=warn, reason="x", set_ms=set_ms
    )


def test_each_instant_has_the_limits_of_its_own_time() -> None:
    salt = own_at(10, 12.0, Channel.SALINITY)
    changes = [own_at(0, 5.0), salt, own_at(20, 3.6), own_at(20, 3.7), own_at(30, None)]
    held = [
        (at, [(one.channel, one.warn.low) for one in limits_at(changes, at)])
        for at in (-1, 0, 9, 10, 19, 20, 29, 30, 99)
    ]
    assert held == [
        (-1, []), (0, [(OXYGEN, 5.0)]), (9, [(OXYGEN, 5.0)]),
        (10, [(OXYGEN, 5.0), (Channel.SALINITY, 12.0)]),
        (19, [(OXYGEN, 5.0), (Channel.SALINITY, 12.0)]),
        (20, [(OXYGEN, 3.7), (Channel.SALINITY, 12.0)]),
        (29, [(OXYGEN, 3.7), (Channel.SALINITY, 12.0)]),
        (30, [(Channel.SALINITY, 12.0)]), (99, [(Channel.SALINITY, 12.0)]),
    ]  # fmt: skip


@pytest.mark.parametrize("restarts", [False, True])
def test_a_late_reading_is_held_against_the_limit_of_its_own_time(
    restarts: bool,
) -> None:
    changed = T0 + 60 * MINUTE
    for first, then, kinds in (
        (5.0, 3.6, ["raised", "returned"]),  # was past the limit then, now is not
        (3.6, 5.0, []),  # was well then; too little is known since
    ):
        history = [own_at(T0, first), own_at(changed, then)]
        story = Story(places(hung("top"), limits_set=history))
        readings = oxygen(*[4.6] * 12) + oxygen(4.6, 4.6, start_ms=changed)
        for one in readings:  # a box that was cut off sends all of it two hours later
            story.take([one], lag_ms=120 * MINUTE)
            if restarts:
                story.restart()
        assert story.kinds == kinds
        if kinds:
            assert (story.only.limit, story.only.is_late) == (first, True)
            assert story.only.returned_ms == changed
            assert story.calls == [], "history calls nobody"


def test_an_alarm_says_that_its_limit_is_the_ponds_own_and_looser() -> None:
    own = OwnLimits(
        channel=OXYGEN, species="PNV", warn=Bounds(3.6), reason="quen", person="lan",
        set_ms=T0,
    )  # fmt: skip
    story = Story(places(hung("top"), limits=(own,)))
    story.take(oxygen(3.7, 3.7, 3.7, 3.7, 3.7))
    assert not story.alarms
    story.take(oxygen(3.55, 3.55, 3.55, 3.55, start_ms=T0 + 25 * MINUTE))
    assert story.only.limit == 3.6
    said = grounds(story.only, "vi", "pond", "Chị Lan")
    assert said == (
        "Ngưỡng 3,6 mg/L: ngưỡng riêng của ao, do Chị Lan đặt ngày 29/05/2026; "
        "lỏng hơn mức 4,0 mg/L của loài: quen"
    )
    assert said in body(story.only, "Ao 3", "pond", "http://x", "vi", "Chị Lan")
    assert "set by somebody of the farm on" in grounds(story.only, "en")

    # A level no table has: the unit's own is all there is, and its end ends the alarm.
    bare = replace(own, species=None, channel=Channel.TURBIDITY, warn=Bounds(high=80.0))
    story = Story(places(hung("top"), species=None, limits=(bare,)))
    story.take(oxygen(*[90.0] * 8, channel=Channel.TURBIDITY))
    assert story.only.side == "high"
    story.places = places(hung("top"), species=None)
    story.tick(T0 + 40 * MINUTE)
    assert story.kinds == ["raised", "returned"]
