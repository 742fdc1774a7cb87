"""The profile's rules, by name: which key data elements each critical event needs.

The vocabulary is brought to its normal form first, so that a business step written as a
web address meets the same rules. GDST makes data of big vessels mandatory that small
boats do not have; "not applicable" stands for it openly and costs completeness.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache, reduce
from typing import Any, Final, NamedTuple

from greenwater.kernel.errors import InputError
from traceability.epcis.faults import step
from traceability.epcis.forms import is_uri, parse_time
from traceability.gdst.acts import Act, Event, act_of, why_no_step
from traceability.gdst.certifications import certification_findings
from traceability.gdst.findings import Finding, Severity

Test = Callable[[Any], bool]
NOT_APPLICABLE: Final = "urn:gdst:kde:notApplicable"
"""What stands on export for what a boat does not have."""

UNKNOWN: Final = "urn:gdst:kde:unknown"
"""What stands where nobody was asked: said openly, and as incomplete as nothing."""


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and value.strip() != ""


def _is_moment(value: Any) -> bool:
    try:
        return parse_time(value) is not None
    except InputError:
        return False


def _is_day(value: Any) -> bool:
    """A day alone, as trips' dates were written here before they had a time."""
    return isinstance(value, str) and _is_moment(f"{value}T00:00:00Z")


def _is_flag(value: Any) -> bool:
    return isinstance(value, bool)


def _one_of(*allowed: str) -> Test:
    return lambda value: value in allowed


def _like(pattern: str) -> Test:
    compiled = re.compile(pattern)
    return lambda value: isinstance(value, str) and bool(compiled.fullmatch(value))


class Kde(NamedTuple):
    """A key data element: the rule's name, the path in the event, what it must be.

    An optional one may be left out, and does not count for completeness.
    """

    rule: str
    path: tuple[str, ...]
    test: Test
    wanted: str
    is_optional: bool = False


def _kde(
    name: str,
    *path: str,
    test: Test = _is_text,
    wanted: str = "a text",
    is_optional: bool = False,
) -> Kde:
    return Kde(name, path, test, wanted, is_optional)


_OWNER: Final = (
    _kde("product_owner", "gdst:productOwner", test=is_uri, wanted="a URI"),
    _kde(
        "information_provider",
        "cbvmda:informationProvider",
        test=is_uri,
        wanted="a URI",
    ),
)
_WELFARE: Final = _kde(
    "human_welfare_policy",
    "gdst:humanWelfarePolicy",
    test=_one_of("None", "Internal", "3P Audit"),
    wanted="None, Internal or 3P Audit",
)
_LOT: Final = _kde("lot_number", "ilmd", "cbvmda:lotNumber")
_PORT: Final = _kde(
    "unloading_port", "cbvmda:unloadingPort", wanted="a port's code or URI"
)


def _method(*allowed: str) -> Kde:
    return _kde(
        "production_method",
        "ilmd",
        "cbvmda:productionMethodForFishAndSeafoodCode",
        test=_one_of(*allowed),
        wanted=" or ".join(allowed),
    )


_DATE: Final = "a date and time with a zone"
_MADE: Final = (
    _LOT,
    *(
        _kde(name, "ilmd", path, test=_is_moment, wanted=_DATE, is_optional=True)
        for name, path in (
            ("production_date", "cbvmda:productionDate"),
            ("item_expiration_date", "cbvmda:itemExpirationDate"),
        )
    ),
    _kde(
        "country_of_origin",
        "ilmd",
        "cbvmda:countryOfOrigin",
        test=_like("[A-Z]{2}"),
        wanted="two letters of ISO 3166",
        is_optional=True,
    ),
)
KDES: Final[Mapping[Act, tuple[Kde, ...]]] = {
    Act.FISHING: (_method("MARINE_FISHERY"), _LOT, _WELFARE),
    Act.TRANSSHIPMENT: (_PORT, _WELFARE),
    Act.LANDING: (_PORT, _WELFARE),
    Act.HATCHING: (
        _kde(
            "broodstock_source",
            "ilmd",
            "gdst:broodstockSource",
            test=_one_of("Domestic", "Wild Sources"),
            wanted="Domestic or Wild Sources",
        ),
        _LOT,
        _WELFARE,
    ),
    Act.FEED: (_kde("protein_source", "ilmd", "gdst:proteinSource"), *_MADE, _WELFARE),
    Act.FARM_HARVEST: (
        _kde("aquaculture_method", "ilmd", "gdst:aquacultureMethod"),
        _method("AQUACULTURE"),
        _LOT,
        _WELFARE,
    ),
    Act.PROCESSING: _MADE,
    Act.COMMINGLING: _MADE,
}
_TRIP: Final = "gdst:vesselTripDate"
VESSEL: Final[Mapping[str, tuple[Test, str]]] = {
    "cbvmda:economicZone": (_like(r"urn:gdst:eez:.+"), "urn:gdst:eez:…"),
    "cbvmda:fishingGearTypeCode": (_like(r"urn:gdst:gear:.+"), "urn:gdst:gear:…"),
    "cbvmda:vesselFlagState": (_like("[A-Z]{2}"), "two letters of ISO 3166"),
    "cbvmda:vesselID": (_is_text, "a text"),
    "cbvmda:vesselName": (_is_text, "a text"),
    "cbvmda:catchArea": (_like(r"urn:gdst:fao:.+"), "urn:gdst:fao:…"),
    "gdst:fisheryImprovementProject": (_is_text, "a text"),
    "gdst:gpsAvailability": (_is_flag, "true or false"),
    "gdst:imoNumber": (_like("IMO[0-9]{7,8}"), "IMO and seven digits"),
    "gdst:rfmoArea": (_like(r"urn:gdst:rfmo:.+"), "urn:gdst:rfmo:…"),
    "gdst:satelliteTrackingAuthority": (_is_text, "a text"),
    "gdst:subnationalPermitArea": (_is_text, "a text"),
    "gdst:vesselPublicRegistry": (_is_text, "a text"),
    _TRIP: (_is_moment, _DATE),
}
"""The fourteen data elements of a vessel."""

MAY_LACK: Final = frozenset(
    {
        "gdst:imoNumber",
        "gdst:fisheryImprovementProject",
        "gdst:rfmoArea",
        "gdst:satelliteTrackingAuthority",
        "gdst:subnationalPermitArea",
        "gdst:vesselPublicRegistry",
    }
)
"""What a small boat may lack, if it says so."""

_SHAPES: Final[Mapping[Act, tuple[tuple[str, str], ...]]] = {
    Act.FISHING: (("ObjectEvent", "ADD"),),
    Act.TRANSSHIPMENT: (("ObjectEvent", "OBSERVE"),),
    Act.LANDING: (("ObjectEvent", "OBSERVE"),),
    Act.HATCHING: (("ObjectEvent", "ADD"),),
    Act.FEED: (("ObjectEvent", "ADD"), ("TransformationEvent", "")),
    Act.FARM_HARVEST: (("TransformationEvent", ""), ("ObjectEvent", "ADD")),
    Act.COMMINGLING: (("TransformationEvent", ""),),
    Act.AGGREGATION: (("AggregationEvent", "ADD"),),
    Act.DISAGGREGATION: (("AggregationEvent", "DELETE"),),
    Act.SHIPPING: (("ObjectEvent", "OBSERVE"), ("AggregationEvent", "OBSERVE")),
    Act.RECEIVING: (("ObjectEvent", "OBSERVE"), ("AggregationEvent", "OBSERVE")),
}


class Checked(NamedTuple):
    """What was found, and how many elements were asked for and were there."""

    findings: tuple[Finding, ...]
    asked: int
    present: int

    @property
    def errors(self) -> tuple[Finding, ...]:
        """What breaks the profile."""
        return tuple(f for f in self.findings if f.severity is Severity.ERROR)

    @property
    def completeness(self) -> float:
        """The share of asked elements that are there, 0…1; 1 where none is asked."""
        return self.present / self.asked if self.asked else 1.0


def check(events: Sequence[Event]) -> Checked:
    """Return what the profile finds in events of EPCIS 2.0."""
    findings: list[Finding] = []
    asked = present = 0
    for index, event in enumerate(events):
        act = act_of(event)
        findings += _shape(event, act, index)
        for kde in (*_OWNER, *KDES.get(act, ())):
            found = _kde_findings(event, kde, index)
            asked += not kde.is_optional
            present += not found and not kde.is_optional
            findings += found
        findings += certification_findings(event, index)
        if act is Act.FISHING:
            found, lacking = _vessels(event, index)
            asked += len(VESSEL)
            present += max(0, len(VESSEL) - lacking)
            findings += found
        findings += _wishes(event, act, index)
    return Checked(tuple(findings), asked, present)


def _shape(event: Event, act: Act, index: int) -> Iterable[Finding]:
    told = why_no_step(event)
    if told is not None:
        at = "/bizStep" if "bizStep" in event else ""
        reason = f"{told}; by it a critical tracking event is known"
        yield Finding("biz_step", Severity.ERROR, index, at, reason)
    allowed = _SHAPES.get(act)
    here = (str(event.get("type")), str(event.get("action", "")))
    if allowed is not None and here not in allowed:
        wanted = " or ".join(" ".join(one).strip() for one in allowed)
        reason = f"{act} is {wanted}, not {' '.join(here).strip()}"
        yield Finding("event_type", Severity.ERROR, index, "/type", reason)


_GONE: Final = object()


@lru_cache(maxsize=256)
def _pointer(path: tuple[str, ...]) -> str:
    return reduce(step, path, "")


def _kde_findings(event: Event, kde: Kde, index: int) -> list[Finding]:
    value: Any = event
    for name in kde.path:
        value = value.get(name, _GONE) if isinstance(value, dict) else _GONE
    if (value != UNKNOWN and kde.test(value)) or (kde.is_optional and value is _GONE):
        return []
    pointer = _pointer(kde.path)
    if value == UNKNOWN:
        reason = f"{kde.path[-1]} is not known"
        return [Finding(kde.rule, Severity.WARNING, index, pointer, reason)]
    what = "is missing" if value is _GONE else f"is {str(value)[:60]!r}"
    reason = f"{kde.path[-1]} {what}; it must be {kde.wanted}"
    return [Finding(kde.rule, Severity.ERROR, index, pointer, reason)]


def _vessels(event: Event, index: int) -> tuple[list[Finding], int]:
    """Return what is wrong with the vessels, and the most that one of them lacks."""
    at = "/ilmd/cbvmda:vesselCatchInformationList/cbvmda:vesselCatchInformation"
    held: Any = event.get("ilmd")
    for name in at.split("/")[2:]:
        held = held.get(name) if isinstance(held, dict) else None
    if not isinstance(held, list) or not held:
        reason = "vesselCatchInformation is missing; a catch names its vessel"
        return [Finding("vessel_information", Severity.ERROR, index, at, reason)], len(
            VESSEL
        )
    findings: list[Finding] = []
    most = 0
    for place, vessel in enumerate(held):
        found = _vessel(
            vessel if isinstance(vessel, dict) else {}, index, step(at, place)
        )
        findings, most = findings + found, max(most, len(found))
    return findings, most


def _vessel(vessel: Event, index: int, at: str) -> list[Finding]:
    findings = []
    for name, (test, wanted) in VESSEL.items():
        value = vessel.get(name)
        if test(value) and value != NOT_APPLICABLE:
            continue
        is_said = value == NOT_APPLICABLE and name in MAY_LACK
        is_day = name == _TRIP and _is_day(value)
        findings.append(
            Finding(
                f"vessel_{name.partition(':')[2]}",
                Severity.WARNING if is_said or is_day else Severity.ERROR,
                index,
                step(at, name),
                f"{name} is not applicable to this vessel"
                if is_said
                else f"{name} is missing or wrong; it must be {wanted}",
            )
        )
    return findings


def _wishes(event: Event, act: Act, index: int) -> Iterable[Finding]:
    if act is Act.OTHER:
        yield Finding(
            "critical_event",
            Severity.WARNING,
            index,
            "/bizStep",
            f"{event.get('bizStep')!r} is no critical tracking event of GDST",
        )
    if "readPoint" not in event and "bizLocation" not in event:
        yield Finding(
            "location",
            Severity.WARNING,
            index,
            "",
            "readPoint and bizLocation are missing",
        )
    if act in (Act.SHIPPING, Act.RECEIVING) and not event.get("sourceList"):
        yield Finding(
            "owning_party",
            Severity.WARNING,
            index,
            "",
            "sourceList names no owning party",
        )
