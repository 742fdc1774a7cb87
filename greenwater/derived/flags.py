"""How far a value may be believed that was worked out: no further than what it is made of.

The worst flag wins: that of the reading it stands for, and of the newest temperature and
salinity until then, of its probe or, where that has none, of another in the unit.
"""

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, Protocol

from msgspec.structs import replace

from greenwater.derived.ammonia import SALINITY_MS, TAN_MS, TEMPERATURE_MS
from greenwater.derived.following import SOURCES
from greenwater.derived.unit_water import Made
from greenwater.kernel.channels import Channel
from greenwater.kernel.quality import Flag, Flagged
from greenwater.storage.registry.devices import Deployed
from greenwater.storage.telemetry.ports import Series, Span

SALT: Final = frozenset(
    {Channel.SALINITY, Channel.CONDUCTIVITY, Channel.SPECIFIC_CONDUCTIVITY}
)
WARMTH: Final = frozenset({Channel.TEMPERATURE})
ACID: Final = frozenset({Channel.PH})
TOTAL: Final = frozenset({Channel.AMMONIA_TOTAL})

Beside = tuple[frozenset[Channel], int]
"""What else a value is made of, and how old it may be."""

_SALINE: Final[tuple[Beside, ...]] = ((WARMTH, TEMPERATURE_MS), (SALT, SALINITY_MS))
_BESIDE: Final[Mapping[Channel, tuple[Beside, ...]]] = {
    Channel.SALINITY: ((WARMTH, TEMPERATURE_MS),),
    Channel.OXYGEN_SATURATION: _SALINE,
    Channel.DISSOLVED_OXYGEN: _SALINE,
    Channel.AMMONIA_UNIONISED: ((ACID, 0), *_SALINE, (TOTAL, TAN_MS)),
}
_WORSE: Final = (
    Flag.GOOD,
    Flag.NOT_EVALUATED,
    Flag.SUSPECT,
    Flag.FAIL,
    Flag.MISSING,
)
"""The worse, the later."""


class Store(Protocol):
    """What is asked of the telemetry store."""

    def flags(
        self, span: Span, channels: Iterable[Channel] | None = None
    ) -> Sequence[Flagged]:
        """Return the flags of one series' readings."""
        ...


def flags_of(
    store: Store,
    own: Sequence[Flagged],
    hung: Iterable[Deployed],
    span: Span,
    channel: Channel,
    made: Made,
) -> Sequence[Flagged]:
    """Return the flags of one channel in a stretch, as its values were made.

    ``own`` are all flags of the probe there, ``hung`` the unit's probes.

    Raises:
        UnavailableError: the store did not answer.
    """
    if channel not in _BESIDE or made is Made.TOLD:
        return [one for one in own if one.channel is channel]
    sent, source = {one.channel for one in own}, channel
    if made is Made.DERIVED and channel in SOURCES:
        source = next((one for one in SOURCES[channel] if one in sent), channel)
    is_alone = source is Channel.SPECIFIC_CONDUCTIVITY
    lines = [
        (_lying(store, own, hung, span, channels, reach_ms), reach_ms)
        for channels, reach_ms in (() if is_alone else _BESIDE[channel])
    ]
    return [
        replace(one, channel=channel, flag=_worst(one, lines))
        for one in own
        if one.channel is source
    ]


def _lying(
    store: Store,
    own: Sequence[Flagged],
    hung: Iterable[Deployed],
    span: Span,
    channels: frozenset[Channel],
    reach_ms: int,
) -> Sequence[Flagged]:
    """Return the flags of what lies beside, in order of time."""
    mine = [one for one in own if one.channel in channels and _is_used(one)]
    if mine:
        return mine
    others = {Series(one.device, one.probe) for one in hung}
    start_ms = span.start_ms - reach_ms
    found = [
        flagged
        for series in others
        for flagged in store.flags(Span(series, start_ms, span.end_ms), channels)
        if _is_used(flagged)
    ]
    return sorted(found, key=lambda one: one.taken_ms)


def _is_used(one: Flagged) -> bool:
    return one.flag is not Flag.MISSING


def _worst(one: Flagged, lines: Sequence[tuple[Sequence[Flagged], int]]) -> Flag:
    flags = [one.flag]
    for line, reach_ms in lines:
        at = bisect_right(line, one.taken_ms, key=lambda other: other.taken_ms) - 1
        if at >= 0 and one.taken_ms - line[at].taken_ms <= reach_ms:
            flags.append(line[at].flag)
    return max(flags, key=_WORSE.index)
