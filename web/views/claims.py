"""What shoppers are told of a certificate that goods claim. Pure."""

from traceability.vietgap.certificates import CertificateState
from traceability.vietgap.claims import CertificateShown
from web.views.formats import day
from web.words import Lang, say


def certificate_doubts(lang: Lang, shown: CertificateShown | None) -> list[str]:
    """Return what must not be overlooked of a certificate: that it is not valid."""
    if shown is None or shown.state is CertificateState.VALID:
        return []
    standing = say(lang, f"certificate_is_{shown.state}")
    return [say(lang, "certificate_doubt", code=shown.code, standing=standing)]


def certificate_rows(
    lang: Lang, shown: CertificateShown | None
) -> list[tuple[str, str]]:
    """Return the certificate, who gave it and how it stands: keys of words, and texts."""
    if shown is None:
        return []
    standing = say(lang, f"certificate_is_{shown.state}")
    if shown.state is CertificateState.VALID and shown.until_ms is not None:
        standing += f" {say(lang, 'certificate_till', day=day(shown.until_ms))}"
    rows = [
        ("passport_certificate", shown.code),
        ("certificate_office", shown.office),
        ("certificate_standing", standing),
    ]
    if shown.is_simulated:
        rows.append(("certificate_note", say(lang, "certificate_simulated")))
    return rows
