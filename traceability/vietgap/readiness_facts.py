"""What is known of a crop when its readiness is asked for: records, water, probes. Pure."""

from collections.abc import Sequence
from typing import Any

from msgspec import Struct

from greenwater.storage.registry.books import Crop
from traceability.book.evidence import Evidence
from traceability.vietgap.certificates import add_months


class Entry(Struct, frozen=True, kw_only=True):
    """A record that counts, as far as criteria need it; ``crop`` None: of the farm."""

    id: str
    kind: str
    happened_ms: int
    entered_ms: int
    fields: dict[str, Any]
    digest: str
    crop: str | None = None
    unit: str | None = None


class ProbeState(Struct, frozen=True):
    """A probe that hung in the unit during the crop, and its last calibration."""

    device: str
    probe: str
    calibrated_ms: int | None
    reference: str = ""


class Known(Struct, frozen=True, kw_only=True):
    """All that is known of a crop; ``entries`` are of the whole farm, in force.

    ``until_ms`` is the crop's end, or now.
    """

    crop: Crop
    unit_kind: str
    now_ms: int
    until_ms: int
    entries: tuple[Entry, ...]
    evidence: Evidence | None
    probes: tuple[ProbeState, ...]

    @property
    def of_crop(self) -> list[Entry]:
        """The records of this crop, and of its unit while it lasted."""
        crop = self.crop
        return [
            one
            for one in self.entries
            if one.crop == crop.id
            or (
                one.crop is None
                and one.unit in (None, crop.unit)
                and crop.started_ms <= one.happened_ms <= self.until_ms
            )
        ]


class Trouble(Struct, frozen=True):
    """What is missing, or wrong (a breach). ``code`` chooses the words; ``cure`` a page."""

    code: str
    cure: str
    facts: dict[str, Any] = {}
    is_breach: bool = False


def span_months(entries: Sequence[Entry], now_ms: int) -> int:
    """Return for how many whole months there has been a book."""
    first_ms = min((one.happened_ms for one in entries), default=now_ms)
    months = 0
    while months < 1200 and add_months(first_ms, months + 1) <= now_ms:
        months += 1
    return months
