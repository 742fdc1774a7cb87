"""The readiness of a crop, asked of the two databases."""

from greenwater.kernel.reading import Source
from greenwater.reference.aerators import MONITOR
from greenwater.storage.registry import Registry
from greenwater.storage.registry.books import Crop, Record
from traceability.book.evidence import Evidence
from traceability.book.water import evidence_of
from traceability.corrections import in_force
from traceability.ports import Telemetry
from traceability.vietgap.readiness import Reference, Report, report_of
from traceability.vietgap.readiness_facts import Entry, Known, ProbeState


def readiness_of(
    registry: Registry,
    telemetry: Telemetry,
    crop: Crop,
    now_ms: int,
    evidence: Evidence | None = None,
) -> Report:
    """Return how ready a crop is now; its water is looked through if it is not given.

    Raises:
        InputError: nothing is known of what VietGAP asks of such a unit.
        UnavailableError: a database did not answer.
    """
    until_ms = end_of(crop, now_ms)
    water = evidence or evidence_of(registry, telemetry, crop, until_ms)
    unit = registry.get_unit(crop.unit)
    book = in_force(registry.records(organisation=crop.organisation))
    return report_of(
        Known(
            crop=crop,
            unit_kind=unit.kind,
            now_ms=now_ms,
            until_ms=until_ms,
            entries=tuple(_entry(one) for one in book),
            evidence=water,
            probes=probes_of(registry, crop, until_ms),
        )
    )


def end_of(crop: Crop, now_ms: int) -> int:
    """Return until when a crop is looked at: its end, or now."""
    return min(now_ms, crop.ended_ms or now_ms)


def probes_of(registry: Registry, crop: Crop, until_ms: int) -> tuple[ProbeState, ...]:
    """Return the probes that measured a crop's water by themselves, as calibrated then."""
    infos = {(one.device, one.id): one for one in registry.list_probes()}
    hung = registry.deployments(
        unit=crop.unit, start_ms=crop.started_ms, end_ms=until_ms + 1
    )
    found = []
    for device, probe in dict.fromkeys((one.device, one.probe) for one in hung):
        info = infos[device, probe]
        if info.source is not Source.PROBE or info.profile == MONITOR:
            continue
        done = [
            one
            for one in registry.calibrations(device=device, probe=probe)
            if one.at_ms <= until_ms
        ]
        last = done[-1] if done else None
        found.append(
            ProbeState(device, probe, last.at_ms, last.reference)
            if last
            else ProbeState(device, probe, None)
        )
    return tuple(found)


def reference_to(record: Record) -> Reference:
    """Return what a dossier says of a record that it rests on."""
    return Reference(record.id, record.kind, record.happened_ms, record.digest)


def _entry(record: Record) -> Entry:
    return Entry(
        id=record.id,
        kind=record.kind,
        happened_ms=record.happened_ms,
        entered_ms=record.entered_ms,
        fields=record.fields,
        digest=record.digest,
        crop=record.crop,
        unit=record.unit,
    )
