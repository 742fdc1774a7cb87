"""The evidence of a crop's water, asked of the two databases."""

from greenwater.kernel.channels import Channel
from greenwater.kernel.reading import Source
from greenwater.reference.limits import SpeciesLimits, species_limits
from greenwater.storage.registry import Registry
from greenwater.storage.registry.books import Crop
from greenwater.storage.telemetry.ports import Series, Span
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

    Raises:
        UnavailableError: a database did not answer.
    """
    whole = (crop.started_ms, until_ms)
    hung = registry.deployments(unit=crop.unit, start_ms=whole[0], end_ms=whole[1])
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
        for one in hung:
            series = Series(one.device, one.probe)
            end_ms = min(whole[1], one.to_ms or whole[1])
            span = Span(series, max(whole[0], one.from_ms), end_ms)
            readings = telemetry.read(span, [channel])
            tally = tallied(readings, limits.outermost, end_ms)
            tallies.append((tally, series in by_hand))
        channels.append(_channel(channel, limits, tallies, whole))
    return Evidence(
        whole[0],
        whole[1],
        tuple(one for one in channels if one.readings),
        any(one.device in simulated for one in hung),
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
