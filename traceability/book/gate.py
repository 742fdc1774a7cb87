"""The gate of a crop's harvest, with what two people have answered for."""

from collections.abc import Sequence

from greenwater.storage.registry import Registry
from greenwater.storage.registry.books import Crop, Record
from greenwater.storage.registry.overrides import Override
from traceability.gate.harvest import Refusal, refusals_of
from traceability.gate.overriding import Judged, judged


def crop_subject(crop: str) -> str:
    """Return what an override about a crop is asked for."""
    return f"crop/{crop}"


def judged_crop(
    registry: Registry,
    crop: Crop,
    records: Sequence[Record],
    *,
    now_ms: int,
    harvest: str | None = None,
    kg: float | None = None,
) -> Judged:
    """Return what stands against a lot of this crop, and which overrides lifted what.

    An override speaks of what was known when it was asked for: a treatment after it
    closes the gate again.
    """
    refusals = refusals_of(crop, records, now_ms=now_ms, harvest=harvest, kg=kg)
    overrides = registry.overrides(subject=crop_subject(crop.id))
    return judged(refusals, overrides, _was_known)


def _was_known(refusal: Refusal, override: Override) -> bool:
    return override.at_ms >= int(refusal.facts.get("known_ms", 0))
