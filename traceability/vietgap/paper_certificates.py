"""A certificate that was granted on paper, entered by somebody who has seen it."""

import uuid

import msgspec
from msgspec import Struct

from greenwater.kernel.errors import InputError
from greenwater.storage.registry import Registry
from greenwater.storage.registry.certification import Certificate
from traceability.vietgap.certificates import (
    CertificateScope,
    CertifiedSite,
    issuer_of,
    parse_certificate_code,
    validity,
)


class Paper(Struct, frozen=True, kw_only=True):
    """What stands on it; ``crop`` is one of the site that it is of."""

    code: str
    office: str
    crop: str
    issued_ms: int
    months: int
    expected_kg: float | None = None


def certificate_on_paper(
    registry: Registry,
    paper: Paper,
    *,
    person: str,
    now_ms: int,
    is_simulated: bool = False,
) -> Certificate:
    """Return the certificate of a paper; the same paper again is the same.

    Raises:
        InputError: its code, issuer or validity cannot be.
        MissingError: no such crop.
    """
    code = parse_certificate_code(paper.code)
    offices = {one.organisation: one for one in registry.offices()}
    if paper.office not in offices or offices[paper.office].code != issuer_of(code):
        raise InputError(
            f"code {paper.code!r} was not given by {paper.office!r}", "paper_not_given"
        )
    crop = registry.get_crop(paper.crop)
    unit = registry.get_unit(crop.unit)
    site = next(one for one in registry.sites() if one.id == unit.site)
    place = CertifiedSite(
        site.id,
        site.name,
        site.commune or "",
        crop.species,
        (unit.name,),
        unit.area_m2,
        paper.expected_kg,
    )
    return Certificate(
        id=uuid.uuid5(uuid.NAMESPACE_URL, f"certificate/{code}").hex,
        organisation=crop.organisation,
        office=paper.office,
        procedure="vietgap",
        code=code,
        raw_code=" ".join(paper.code.split()),
        scope=msgspec.to_builtins(CertificateScope((place,))),
        issued_ms=paper.issued_ms,
        until_ms=validity(paper.issued_ms, paper.months, "vietgap"),
        dossier=None,
        is_simulated=is_simulated,
        recorded_ms=now_ms,
        recorded_by=person,
    )
