"""By which standards goods are certified, as their passport names them. Pure."""

from typing import Protocol

from greenwater.kernel.errors import InputError
from greenwater.kernel.reading import day_of
from greenwater.reference.criteria import standard_on
from greenwater.reference.procedures import get_procedure
from traceability.vietgap.certificates import CertificateState
from traceability.vietgap.claims import CertificateShown

CERTIFIES = "certify"
"""The task of an office that certifies, rather than registers."""


class Grown(Protocol):
    """Goods; ``unit_kind`` is empty where they grew in several places."""

    @property
    def unit_kind(self) -> str:
        """Return what kind of unit they grew in."""


def standards_of(shown: CertificateShown | None, grown: Grown) -> tuple[str, ...]:
    """Return the standards behind a certificate that is valid; a registration has none."""
    if shown is None or shown.state is not CertificateState.VALID:
        return ()
    day = day_of(shown.issued_ms)
    if get_procedure(shown.procedure, day).decided_by != CERTIFIES:
        return ()
    try:
        return (f"VietGAP, {standard_on(day, grown.unit_kind).instrument}",)
    except InputError:
        return ("VietGAP",)
