"""The water of a harvest as sensor elements of EPCIS 2.0: what was frozen into its lot. Pure.

CBV 2.0 has no type for pH, salinity and the like, and its mass concentrations do not say
"as nitrogen" (standards.md §3): these are words of ours, ``gw:ph``. Units are UN/ECE's.
"""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from greenwater.kernel.channels import Channel
from greenwater.kernel.reading import instant

METHOD: Final = "https://greenwater.example/ns/evidence"
"""How readings became shares and means: docs/traceability.md, Evidence."""


class Reported(NamedTuple):
    """How CBV names a channel: its type, UN/ECE's code of its unit, the substance."""

    kind: str
    uom: str = ""
    substance: str = ""


_REPORTED: Final[Mapping[str, Reported]] = {
    Channel.TEMPERATURE: Reported("Temperature", "CEL"),
    Channel.DISSOLVED_OXYGEN: Reported(
        "MassConcentration",
        "M1",
        "https://identifiers.org/inchikey:MYMOFIZGZYHOMD-UHFFFAOYSA-N",
    ),
    Channel.OXYGEN_SATURATION: Reported("gw:oxygen_saturation", "P1"),
    Channel.ORP: Reported("Voltage", "2Z"),
    Channel.TRANSPARENCY: Reported("Length", "CMT"),
    Channel.AMMONIA_TOTAL: Reported("gw:ammonia_total", "M1"),
    Channel.AMMONIA_UNIONISED: Reported("gw:ammonia_unionised", "M1"),
    Channel.NITRITE: Reported("gw:nitrite", "M1"),
    Channel.ALKALINITY: Reported("gw:alkalinity", "M1"),
}
_VALUES: Final = (
    ("minValue", "minimum"),
    ("meanValue", "mean"),
    ("maxValue", "maximum"),
)
_SHARES: Final = (
    *(("gw:insideShare", "inside_share"), ("gw:gapShare", "gap_share")),
    *(("gw:handShare", "hand_share"), ("gw:readings", "readings")),
    *(("gw:saltedShare", "salted_share"), ("gw:derivedShare", "derived_share")),
    *(("gw:limitBasis", "basis"), ("gw:limitSource", "source")),
    ("gw:limitVerified", "verified"),
)


def sensor_elements(evidence: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return frozen evidence as a list of one sensor element; empty: nothing was asked for.

    Each channel is a report: lowest, mean and highest value over the whole crop, the share
    of the measured time inside its limit, the share without readings and that by hand.
    """
    channels = evidence.get("channels") or ()
    if not channels:
        return []
    metadata = {
        "startTime": _iso(evidence["from_ms"]),
        "endTime": _iso(evidence["to_ms"]),
        "dataProcessingMethod": METHOD,
    }
    return [
        {
            "sensorMetadata": metadata,
            "sensorReport": [_report(one) for one in channels],
            "gw:simulated": bool(evidence.get("is_simulated")),
        }
    ]


def _report(channel: Mapping[str, Any]) -> dict[str, Any]:
    name = str(channel["channel"])
    known = _REPORTED.get(name, Reported(f"gw:{name}"))
    report: dict[str, Any] = {"type": known.kind, "gw:channel": name}
    has_value = False
    for field, own in (*_VALUES, *_SHARES):
        value = channel.get(own)
        if value is not None:
            report[field] = value
            has_value = has_value or field.endswith("Value")
    if known.uom and has_value:
        report["uom"] = known.uom
    if known.substance:
        report["chemicalSubstance"] = known.substance
    for bound, limit in (channel.get("limit") or {}).items():
        if bound in ("low", "high") and limit is not None:
            report[f"gw:limit{bound.title()}"] = limit
    return report | _stretch(channel)


def _stretch(channel: Mapping[str, Any]) -> dict[str, Any]:
    """Return the longest stretch outside the limit and the longest one without readings."""
    found: dict[str, Any] = {}
    out, gap = channel.get("longest_excursion"), channel.get("longest_gap")
    if out:
        found["gw:longestOutside"] = {
            "gw:from": _iso(out["from_ms"]),
            "gw:to": _iso(out["to_ms"]),
            "gw:worst": out["worst"],
        }
    if gap:
        found["gw:longestGap"] = {"gw:from": _iso(gap[0]), "gw:to": _iso(gap[1])}
    return found


def _iso(ms: int) -> str:
    return instant(ms).isoformat(timespec="milliseconds")
