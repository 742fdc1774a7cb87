"""A lone probe on the platform: one quiet alarm, and it is believed all the same."""

from collections.abc import Sequence
from math import pi, sin
from random import Random

import msgspec

from analytics.alarms.claims import Claim
from analytics.oddities import Oddities
from greenwater.kernel.channels import Channel
from greenwater.kernel.ids import ProbeId, WorkerId
from greenwater.kernel.reading import Reading
from greenwater.storage.telemetry.ports import Intake, Series, Span, Telemetry
from tests.unit.ponds import BOX, HOUR, T0, a_store, hung, oxygen, places
from web.views.episodes import episode_view
from web.words import Lang


def fouled(days: int) -> list[Reading]:
    """Return readings every half hour; growth takes 6 % a day from the eleventh on."""
    random = Random(1)
    values = [
        (6.5 + 2 * sin((n / 48 - 0.4) * 2 * pi) + random.gauss(0, 0.05))
        * 0.94 ** max(n / 48 - 11, 0)
        for n in range(days * 48)
    ]
    return oxygen(*values, every_ms=HOUR // 2)


def taken(
    store: Telemetry, readings: Sequence[Reading]
) -> tuple[list[Claim], dict[str, bytes]]:
    """Take readings in, a pass each; return what was claimed, and what is kept."""
    oddities, where = Oddities(store, {}), places(hung("top"))
    claims, states = list[Claim](), dict[str, bytes]()
    for reading in readings:
        row = Intake(
            WorkerId("w"), 1, BOX, "o", 1, 1, 1, 0, 0, 0,
            reading.taken_ms, reading.taken_ms, reading.taken_ms,
        )  # fmt: skip
        claims += oddities.take(row, [reading], where)
        oddities.write()
        states |= oddities.taken()
    return claims, states


def test_a_lone_probe_that_is_fouled_is_one_quiet_alarm_and_believed() -> None:
    with a_store() as store:
        claims, states = taken(store, fouled(17))
        span = Span(Series(BOX, ProbeId("top")), T0, T0 + 18 * 24 * HOUR)
        episodes = store.findings.episodes(span)
    (claim,) = claims
    assert (claim.channel, claim.severity) == (Channel.DISSOLVED_OXYGEN, "watch")
    assert claim.detail["cause"] == "fouled"
    assert not claim.detail["is_sensor"], "it would not be believed beside another"
    assert str(claim.detail["compared_with"]).startswith("days ")
    assert T0 + 13 * 24 * HOUR < claim.at_ms < T0 + 17 * 24 * HOUR
    (episode,) = [one for one in episodes if "days" in one.compared_with]
    assert episode.is_open
    assert episode.probability <= 0.8
    seen = episode_view(Lang.VI, episode, "", episode.end_ms)
    assert seen.compared.endswith(" % · so với các ngày trước của chính đầu đo")
    (kept,) = states.values()
    assert b'"days"' in kept, "a restart goes on from the days seen"
    assert len(kept) < 20_000
    assert msgspec.json.decode(kept)["claimed"]
