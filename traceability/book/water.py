"""The evidence of a crop's water, asked of the two databases."""

from greenwater.derived.compensating import SALT_MS
from greenwater.derived.unit_water import UnitWater
from greenwater.kernel.channels import Channel
from greenwater.kernel.reading import Source
from greenwater.reference.limits import SpeciesLimits, species_limits
from greenwater.storage.export import deployed_spans
from greenwater.storage.registry import Registry
from greenwater.storage.registry.books import Crop
from greenwater.storage.telemetry.ports import Series
from traceability.book.evidence import (
    ChannelEvidence,
    Evidence,
    Tally,
    joined,
    tallied,
)
from traceability.ports import Telemetry


def evidence_of(
    registry: Registry, telemetry: Telemetry, crop: Crop, until_ms: int
) -> Evidence:
    """Return how the water was from the crop's beginning until an instant.

    As it is shown on pages and as alarms have it: oxygen put right for salt, and worked out
    what probes do not send.

    Raises:
        UnavailableError: a database did not answer.
    """
    whole = (crop.started_ms, until_ms)
    around = registry.deployments(
        unit=crop.unit, start_ms=whole[0] - SALT_MS, end_ms=whole[1] + SALT_MS
    )
    water = UnitWater(telemetry, around)
    by_hand = {
        Series(probe.device, probe.id)
        for probe in registry.list_probes()
        if probe.source is Source.HAND
    }
    simulated = {one.id for one in registry.list_devices() if one.is_simulated}
    channels = []
    for channel in Channel:
        limits = species_limits(crop.species, channel)
        if limits is None or limits.outermost is None:
            continue
        tallies: list[tuple[Tally, bool]] = []
        for span in deployed_spans(around, *whole):
            readings = water.held(span, [channel])
            tally = tallied(readings, limits.outermost, span.end_ms)
            tallies.append((tally, span.series in by_hand))
        channels.append(_channel(channel, limits, tallies, whole))
    return Evidence(
        whole[0],
        whole[1],
        tuple(one for one in channels if one.readings),
        any(span.series.device in simulated for span in deployed_spans(around, *whole)),
    )


def _channel(
    channel: Channel,
    limits: SpeciesLimits,
    tallies: list[tuple[Tally, bool]],
    whole: tuple[int, int],
) -> ChannelEvidence:
    bounds = limits.outermost
    if bounds is None:
        raise ValueError("a channel without limits has no evidence")
    return joined(
        tallies,
        whole,
        channel=channel,
        limit=bounds,
        basis=limits.basis,
        source=limits.source,
        verified=limits.verified,
    )
