"""What is known of a catch, asked of the two databases."""

from greenwater.kernel.channels import Channel
from greenwater.storage.registry import Registry
from greenwater.storage.telemetry.ports import Series, Span
from traceability.ports import Telemetry
from traceability.sea.catch_evidence import (
    CatchEvidence,
    PublicOverride,
    Seen,
    catch_evidence,
)
from traceability.sea.coverage import Coverage, coverage
from traceability.sea.trip_book import Standing, differences
from traceability.sea.trip_case import Asked, TripView


class TripEvidence:
    """The evidence of trips."""

    def __init__(self, registry: Registry, telemetry: Telemetry) -> None:
        self._registry, self._telemetry = registry, telemetry

    def of(self, view: TripView, landing: Standing, asked: Asked) -> CatchEvidence:
        """Return what is known of the catch behind a landing."""
        seen = Seen(
            vessel=view.vessel,
            found=view.found,
            coverage=self.coverage(view),
            papers=view.papers,
            is_simulated=self.is_simulated(view.vessel.id),
        )
        return catch_evidence(
            seen,
            view.book,
            landing,
            view.trip,
            differences=differences(view.book),
            warnings=asked.warnings,
            overrides=[
                PublicOverride(one.code, one.reason, one.agreed_ms or one.at_ms)
                for one in asked.lifted
            ],
        )

    def is_simulated(self, vessel: str) -> bool:
        """Return whether a vessel's boxes are simulated."""
        simulated = {
            one.id for one in self._registry.list_devices() if one.is_simulated
        }
        hung = self._registry.deployments(vessel=vessel)
        return any(one.device in simulated for one in hung)

    def coverage(self, view: TripView) -> Coverage | None:
        """Return how positions cover a trip; None: nobody knows when it was."""
        if view.span is None:
            return None
        from_ms, until_ms = view.span
        sources = {
            Series(one.device, one.id): one.source.value
            for one in self._registry.list_probes()
        }
        times: dict[str, list[int]] = {}
        for one in self._registry.deployments(
            vessel=view.vessel.id, start_ms=from_ms, end_ms=until_ms + 1
        ):
            series = Series(one.device, one.probe)
            ends_ms = min(until_ms + 1, one.to_ms or until_ms + 1)
            span = Span(series, max(from_ms, one.from_ms), ends_ms)
            readings = self._telemetry.read(span, [Channel.LATITUDE])
            times.setdefault(sources.get(series, "box"), []).extend(
                reading.taken_ms for reading in readings if reading.value is not None
            )
        return coverage(times, from_ms, until_ms)
