"""GDST's profile over a document that was judged as EPCIS: its errors are faults, by name."""

from typing import Final

from msgspec.structs import replace

from traceability.epcis.documents import Document, Judged
from traceability.epcis.faults import Fault
from traceability.gdst.findings import Finding, Severity
from traceability.gdst.rules import check

NAME: Final = "gdst"
"""What a program asks for: ``?profile=gdst``."""


def held_to_gdst(judged: Judged) -> Judged:
    """Return a document with what GDST finds in its events, each fault with its rule.

    Events that are no EPCIS are left as they are; warnings join the document's own.
    """
    faults, warnings = list(judged.faults), list(judged.document.warnings)
    for index, event in enumerate(judged.document.events):
        if not judged.is_good(index):
            continue
        for finding in check([event]).findings:
            is_error = finding.severity is Severity.ERROR
            told = _fault(judged.document, index, finding)
            (faults if is_error else warnings).append(told)
    return Judged(replace(judged.document, warnings=tuple(warnings)), tuple(faults))


def _fault(document: Document, index: int, finding: Finding) -> Fault:
    at = document.pointers[index] + finding.pointer
    return Fault(index, at, finding.reason, finding.rule)
