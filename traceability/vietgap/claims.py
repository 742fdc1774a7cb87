"""What goods claim of certification: what stands against it, and what shoppers are told."""

from collections.abc import Sequence

from msgspec import Struct

from greenwater.storage.registry import Registry
from greenwater.storage.registry.books import Lot
from greenwater.storage.registry.certification import Certificate
from traceability.gate.harvest import Refusal
from traceability.vietgap.certificates import (
    CertificateState,
    certificate_state,
    claimed_at,
    shown_code,
)
from traceability.vietgap.gate import certificate_refusals


class CertificateShown(Struct, frozen=True):
    """A certificate as shoppers are told of it: one in grace is over for them."""

    code: str
    procedure: str
    office: str
    state: CertificateState
    issued_ms: int
    until_ms: int | None
    is_simulated: bool


def claimed_by(registry: Registry, product: str, at_ms: int) -> Certificate | None:
    """Return the certificate that a product claims at an instant; None: none."""
    found = claimed_at(registry.claims(product=product), at_ms)
    return None if found is None else registry.get_certificate(found)


def claim_refusals(
    registry: Registry, lot: Lot, roots: Sequence[Lot], now_ms: int
) -> list[Refusal]:
    """Return what stands against the claim that labels of a lot would carry.

    Every harvest that the goods came from must be of the certificate's sites; what was
    caught at sea is of none.
    """
    certificate = claimed_by(registry, lot.product, now_ms)
    if certificate is None:
        return []
    acts, found = registry.certificate_acts(certificate.id), dict[str, Refusal]()
    for root in roots:
        site = "" if root.unit is None else registry.get_unit(root.unit).site
        species = registry.get_product(root.product).species
        for one in certificate_refusals(
            certificate, acts, site=site, species=species, now_ms=now_ms
        ):
            found.setdefault(one.code, one)
    return list(found.values())


def certificate_shown(
    registry: Registry, lot: Lot, issued_ms: int | None, now_ms: int
) -> CertificateShown | None:
    """Return the certificate that goods claim, as it stands now; None: they claim none.

    What counts is what was claimed when the label was issued, or (without a label) now.
    """
    at_ms = now_ms if issued_ms is None else issued_ms
    certificate = claimed_by(registry, lot.product, at_ms)
    if certificate is None:
        return None
    names = {one.organisation: one.name for one in registry.offices()}
    acts = registry.certificate_acts(certificate.id)
    return CertificateShown(
        shown_code(certificate.code),
        certificate.procedure,
        names.get(certificate.office, certificate.office),
        certificate_state(certificate, acts, now_ms).for_shoppers,
        certificate.issued_ms,
        certificate.until_ms,
        certificate.is_simulated,
    )
