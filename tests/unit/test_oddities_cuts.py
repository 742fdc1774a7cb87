"""What a watcher finds is the same however a probe's readings are cut into batches."""

from collections.abc import Sequence
from random import Random

import msgspec
import pytest

from analytics.alarms.claims import Claim
from analytics.oddities import Oddities
from analytics.watching import Kept, Probe
from greenwater.kernel.channels import Channel
from greenwater.kernel.findings import Episode
from greenwater.kernel.ids import ProbeId, WorkerId
from greenwater.kernel.reading import Reading
from greenwater.storage.telemetry.ports import Intake, Series, Span, Telemetry
from tests.unit.ponds import BOX, HOUR, T0, a_store, hung, places

STEP_MS = HOUR // 4
FALLEN, LIFTED = 140, range(170, 176)
AFTER_MS = T0 + 300 * STEP_MS
LEVELS = {
    Channel.TEMPERATURE: 29.0,
    Channel.DISSOLVED_OXYGEN: 6.5,
    Channel.SALINITY: 20.0,
    Channel.PH: 8.1,
}
TOP = Series(BOX, ProbeId("top"))
Cuts = Sequence[Sequence[Reading]]


def a_stream() -> list[Reading]:
    """Return a probe's readings; pH begins late, and one of ten instants lacks a channel.

    It is lifted, its temperature jumps, and at the end it is heard once more.
    """
    random = Random(4)
    found = []
    for number in range(220):
        at_ms = T0 + number * STEP_MS
        lacks = random.choice(list(LEVELS)) if random.random() < 0.1 else None
        for channel, level in LEVELS.items():
            if channel is lacks or (channel is Channel.PH and number < 60):
                continue
            value = level + random.gauss(0, 0.05)
            if number in LIFTED and channel is Channel.SALINITY:
                value = 0.0
            if number >= FALLEN and channel is Channel.TEMPERATURE:
                value -= 9.0
            found.append(Reading(BOX, ProbeId("top"), channel, at_ms, value))
    found += [
        Reading(BOX, ProbeId("top"), channel, AFTER_MS, level)
        for channel, level in LEVELS.items()
    ]
    return found


def cut(readings: Sequence[Reading], random: Random) -> Cuts:
    """Return readings cut anywhere, each instant's in any order."""
    mixed = sorted(readings, key=lambda one: (one.taken_ms, random.random()))
    ends = sorted(random.sample(range(1, len(mixed)), len(mixed) // 2))
    pairs = zip([0, *ends], [*ends, len(mixed)], strict=True)
    return [mixed[start:end] for start, end in pairs]


def found_in(
    batches: Cuts, *, restarts: Random | None = None
) -> tuple[Kept, list[Claim], dict[str, Episode]]:
    """Take batches in, a pass each; return what is kept, claimed and written."""
    with a_store() as store:
        states, claims = _taken(store, batches, restarts)
        found = store.findings.episodes(Span(TOP, T0, AFTER_MS + HOUR))
    (kept,) = states.values()
    return msgspec.json.decode(kept, type=Kept), claims, {one.id: one for one in found}


def _taken(
    store: Telemetry, batches: Cuts, restarts: Random | None
) -> tuple[dict[str, bytes], list[Claim]]:
    states, claims = dict[str, bytes](), list[Claim]()
    oddities = Oddities(store, states)
    for batch in batches:
        if restarts is not None and restarts.random() < 0.2:
            oddities = Oddities(store, states)
        store.write(batch)
        last_ms = batch[-1].taken_ms
        row = Intake(
            WorkerId("w"), 1, BOX, "o", 1, 1, len(batch), 0, 0, 0,
            batch[0].taken_ms, last_ms, last_ms,
        )  # fmt: skip
        ordered = sorted(batch, key=lambda one: (one.taken_ms, one.channel))
        claims += oddities.take(row, ordered, places(hung("top")))
        oddities.write()
        states |= oddities.taken()
    return states, claims


def test_an_instant_cut_in_two_is_one_instant() -> None:
    readings = a_stream()
    whole = found_in([readings])
    assert {one.cause for one in whole[2].values()} >= {"out_of_water", "level_shift"}
    assert whole[0].newest_ms == AFTER_MS
    for seed in range(3):
        kept, _, episodes = found_in(cut(readings, Random(seed)))
        assert (kept.state, episodes) == (whole[0].state, whole[2])


@pytest.mark.parametrize("seed", range(3))
def test_an_instant_cut_by_a_kill_is_one_instant(seed: int) -> None:
    batches = cut(a_stream(), Random(seed))
    kept, claims, episodes = found_in(batches)
    again = found_in(batches, restarts=Random(seed))
    assert again[0].state == kept.state
    assert again[2] == episodes
    said = [
        {(one.condition, one.began_ms) for one in some} for some in (claims, again[1])
    ]
    assert said[0] == said[1]


def test_an_instant_waits_for_all_its_channels_and_for_none_before_it() -> None:
    def at(step: int, channel: Channel) -> Reading:
        return Reading(BOX, ProbeId("top"), channel, T0 + step * STEP_MS, 8.0)

    probe = Probe(TOP, None)
    list(probe.whole([at(0, Channel.PH), at(0, Channel.SALINITY)]))
    assert list(probe.whole([at(2, Channel.PH)])) == []
    assert probe.has_passed(T0 + STEP_MS)
    assert not probe.has_passed(T0 + 2 * STEP_MS)
    assert list(probe.whole([at(1, Channel.SALINITY)])) == []
    ((at_ms, points),) = probe.whole([at(2, Channel.SALINITY)])
    assert at_ms == T0 + 2 * STEP_MS
    assert [one.channel for one in points] == [Channel.PH, Channel.SALINITY]
