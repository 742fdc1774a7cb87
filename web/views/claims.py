"""What shoppers are told of a certificate that goods claim. Pure."""

from traceability.vietgap.certificates import CertificateState
from traceability.vietgap.claims import CertificateShown
from web.views.formats import day
from web.words import Lang, say


def certificate_line(lang: Lang, shown: CertificateShown | None) -> str:
    """Return the certificate with its state in a line; empty: goods claim none."""
    if shown is None:
        return ""
    parts = [
        f"{shown.code} ({shown.office})",
        say(lang, f"certificate_is_{shown.state}"),
    ]
    if shown.state is CertificateState.VALID and shown.until_ms is not None:
        parts.append(say(lang, "certificate_till", day=day(shown.until_ms)))
    if shown.is_simulated:
        parts.append(say(lang, "certificate_simulated"))
    return "; ".join(parts)
