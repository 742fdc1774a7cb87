"""May goods carry a claim of certification? Pure; asked by the gate where one is claimed."""

from collections.abc import Sequence
from typing import Any

import msgspec

from greenwater.storage.registry.certification import Certificate, CertificateAct
from traceability.gate.harvest import Refusal
from traceability.vietgap.certificates import (
    CertificateScope,
    CertificateState,
    certificate_state,
    shown_code,
)


def certificate_refusals(
    certificate: Certificate,
    acts: Sequence[CertificateAct],
    *,
    site: str,
    species: str,
    now_ms: int,
) -> list[Refusal]:
    """Return what stands against claiming a certificate for goods of a site; empty: nothing.

    Only a certificate that is valid, and is of this site and species, may be claimed;
    in the months of grace after its end it may not.
    """
    cure = f"/certificates/{certificate.id}"
    facts: dict[str, Any] = {"certificate": shown_code(certificate.code)}
    found = []
    state = certificate_state(certificate, acts, now_ms)
    if state is not CertificateState.VALID:
        until = (
            {} if certificate.until_ms is None else {"until_ms": certificate.until_ms}
        )
        found.append(Refusal(f"certificate_{state}", cure, {**facts, **until}))
    sites = msgspec.convert(certificate.scope, CertificateScope).sites
    here = [one for one in sites if one.site == site]
    if not here:
        found.append(Refusal("certificate_other_site", cure, facts))
    elif not any(one.species == species for one in here):
        found.append(Refusal("certificate_other_species", cure, facts))
    return found
