"""What analytics finds about a series: how it will be, and what is wrong with it.

Both have ids made from what they are about, so that finding them again is harmless.
"""

from enum import StrEnum

from msgspec import Struct

from greenwater.kernel.channels import Channel
from greenwater.kernel.ids import DeviceId, ProbeId


class Outlook(Struct, frozen=True):
    """How a channel will be ``horizon_h`` hours on, in its canonical unit.

    Between ``low`` and ``high`` it will be nine times of ten. ``naive`` is the best naive
    forecast, ``used`` the method that ``value`` comes from, ``skill`` how much better
    than the naive one it has been lately (1 - RMSE / RMSE of the naive; None: not known).
    """

    horizon_h: float
    value: float
    low: float
    high: float
    naive: float
    used: str
    skill: float | None = None


class Forecast(Struct, frozen=True):
    """What was forecast of one channel of a probe, at one instant, nearest first."""

    device: DeviceId
    probe: ProbeId
    channel: Channel
    made_ms: int
    outlooks: tuple[Outlook, ...]
    model: str = ""
    """Which model, by its version; empty: none, naive forecasts alone."""


class EpisodeKind(StrEnum):
    """Whether to look at the probe or at the water."""

    SENSOR = "sensor"
    WATER = "water"


class Episode(Struct, frozen=True):
    """A stretch of readings that belong to one anomaly: ``[start_ms, end_ms]``.

    ``end_ms`` is its newest reading so far while ``is_open``. ``cause`` is a code of
    ``greenwater/reference/causes.toml``, ``compared_with`` names what it was held
    against (another probe, hand readings, its own days).
    """

    device: DeviceId
    probe: ProbeId
    id: str
    kind: EpisodeKind
    cause: str
    start_ms: int
    end_ms: int
    is_open: bool
    probability: float
    channels: tuple[Channel, ...]
    compared_with: str = ""
