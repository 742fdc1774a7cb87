"""A lone probe on the platform: one quiet alarm, and it is believed all the same."""

from collections.abc import Sequence
from math import pi, sin
from random import Random

import msgspec

from analytics.alarms.claims import Claim
from analytics.oddities import Oddities
from greenwater.kernel.channels import Channel
from greenwater.kernel.findings import Episode
from greenwater.kernel.ids import WorkerId
from greenwater.kernel.reading import Reading
from greenwater.storage.telemetry.ports import Intake, Span
from tests.unit.ponds import BOX, HOUR, T0, hung, oxygen, places
from web.views.episodes import episode_view
from web.words import Lang


class Store:
    """A telemetry store that holds nothing and keeps the episodes written."""

    def __init__(self) -> None:
        self.episodes: dict[str, Episode] = {}

    @property
    def findings(self) -> "Store":
        return self

    def write(self, *, episodes: Sequence[Episode] = ()) -> None:
        self.episodes |= {one.id: one for one in episodes}

    def read_many(self, spans: Sequence[Span]) -> Sequence[Reading]:
        return []


def fouled(days: int) -> list[Reading]:
    """Return readings every half hour; growth takes 6 % a day from the eleventh on."""
    random = Random(1)
    values = [
        (6.5 + 2 * sin((n / 48 - 0.4) * 2 * pi) + random.gauss(0, 0.05))
        * 0.94 ** max(n / 48 - 11, 0)
        for n in range(days * 48)
    ]
    return oxygen(*values, every_ms=HOUR // 2)


def test_a_lone_probe_that_is_fouled_is_one_quiet_alarm_and_believed() -> None:
    store = Store()
    oddities, where = Oddities(store, {}), places(hung("top"))  # type: ignore[arg-type]
    claims: list[Claim] = []
    states: dict[str, bytes] = {}
    for reading in fouled(17):
        row = Intake(
            WorkerId("w"), 1, BOX, "o", 1, 1, 1, 0, 0, 0,
            reading.taken_ms, reading.taken_ms, reading.taken_ms,
        )  # fmt: skip
        claims += oddities.take(row, [reading], where)
        oddities.write()
        states |= oddities.taken()
    (claim,) = claims
    assert (claim.channel, claim.severity) == (Channel.DISSOLVED_OXYGEN, "watch")
    assert claim.detail["cause"] == "fouled"
    assert not claim.detail["is_sensor"], "it would not be believed beside another"
    assert str(claim.detail["compared_with"]).startswith("days ")
    assert T0 + 13 * 24 * HOUR < claim.at_ms < T0 + 17 * 24 * HOUR
    (episode,) = [one for one in store.episodes.values() if "days" in one.compared_with]
    assert episode.is_open
    assert episode.probability <= 0.8
    seen = episode_view(Lang.VI, episode, "", episode.end_ms)
    assert seen.compared.endswith(" % · so với các ngày trước của chính đầu đo")
    (kept,) = states.values()
    assert b'"days"' in kept, "a restart goes on from the days seen"
    assert len(kept) < 20_000
    assert msgspec.json.decode(kept)["claimed"]
