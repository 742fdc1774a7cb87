"""A passport as linked data (JSON-LD 1.1 in schema.org's words), for search and other systems.

The whole passport stands in it as it is, under a word of ours; around it what others read:
product, maker, days, weight, certificate and the places of its way, as coarse as on the map.
"""

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urljoin

import msgspec

from greenwater.kernel.reading import day_of
from traceability.label.passport import Names, Passport
from traceability.label.places import StoryPlace
from traceability.vietgap.certificates import CertificateState
from traceability.vietgap.claims import CertificateShown

CONTEXT: Final[tuple[Any, ...]] = (
    "https://schema.org",
    {
        "gw": "https://greenwater.example/ns/",
        "gw:passport": {"@type": "@json"},
        "gw:way": {"@container": "@list"},
    },
)


def linked_passport(found: Passport, about: str) -> dict[str, Any]:
    """Return a passport as a JSON-LD document about the goods at an address."""
    document = {
        "@context": CONTEXT,
        "@id": about,
        "@type": "Product",
        "name": _names(found.product),
        "gtin14": found.gtin,
        "category": _names(found.species),
        "identifier": {
            "@type": "PropertyValue",
            "propertyID": "lot",
            "value": found.lot,
        },
        "serialNumber": found.serial,
        "image": found.picture and urljoin(about, found.picture),
        "brand": found.brand and {"@type": "Brand", "name": found.brand},
        "manufacturer": {"@type": "Organization", "name": found.producer},
        "productionDate": _day(found.harvested_ms),
        "hasCertification": _certification(found.certificate),
        "gw:way": [_place(one) for one in found.places],
        "gw:passport": msgspec.to_builtins(found),
    }
    return {name: value for name, value in document.items() if value not in (None, [])}


def _names(names: Names) -> list[Mapping[str, str]]:
    told = (("vi", names.vi), ("en", names.en))
    return [{"@language": lang, "@value": name} for lang, name in told if name]


def _day(ms: int) -> str:
    return day_of(ms).isoformat()


def _certification(shown: CertificateShown | None) -> dict[str, Any] | None:
    if shown is None:
        return None
    is_valid = shown.state is CertificateState.VALID
    known = {
        "@type": "Certification",
        "certificationIdentification": shown.code,
        "issuedBy": {"@type": "Organization", "name": shown.office},
        "certificationStatus": "CertificationActive"
        if is_valid
        else "CertificationInactive",
        "datePublished": _day(shown.issued_ms),
    }
    return known | ({} if shown.until_ms is None else {"expires": _day(shown.until_ms)})


def _place(place: StoryPlace) -> dict[str, Any]:
    known: dict[str, Any] = {
        "@type": "Place",
        "name": place.name,
        "gw:kind": place.kind,
        "gw:day": _day(place.at_ms),
    }
    if place.box is None:
        return known
    south, west, north, east = place.box
    if south == north:
        return known | {
            "geo": {"@type": "GeoCoordinates", "latitude": south, "longitude": west}
        }
    box = f"{south:g} {west:g} {north:g} {east:g}"
    return known | {"geo": {"@type": "GeoShape", "box": box}}
