"""GDST's certificates: a list of them has one shape, wherever it stands. Pure."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from traceability.epcis.faults import step
from traceability.gdst.findings import Finding, Severity

LIST: Final = "cbvmda:certificationList"
TYPE: Final = "gdst:certificationType"
REQUIRED: Final = (
    TYPE,
    "certificationAgency",
    "certificationStandard",
    "certificationIdentification",
)
ALLOWED: Final = frozenset({*REQUIRED, "certificationValue"})
_TYPE: Final = re.compile(r"urn:gdst:certType:\S+")


def certification_findings(event: Mapping[str, Any], index: int) -> Iterator[Finding]:
    """Yield what is wrong with the certificates of an event and of its ilmd."""
    ilmd = event.get("ilmd")
    for held, at in ((event, ""), (ilmd if isinstance(ilmd, dict) else {}, "/ilmd")):
        if LIST in held:
            yield from _listed(held[LIST], index, step(at, LIST))


def _listed(value: Any, index: int, at: str) -> Iterator[Finding]:
    listed = value.get("certification") if isinstance(value, dict) else None
    if not isinstance(listed, list):
        yield _found("List", index, at, "needs certification, a list")
        return
    for name in value:
        if name != "certification":
            yield _found("List", index, step(at, name), "has nothing but certification")
    for place, one in enumerate(listed):
        yield from _one(one, index, step(step(at, "certification"), place))


def _one(one: Any, index: int, at: str) -> Iterator[Finding]:
    if not isinstance(one, dict):
        yield _found("List", index, at, "is a list of objects")
        return
    for name in dict.fromkeys((*REQUIRED, *one)):
        where, value = step(at, name), one.get(name)
        local = name.partition(":")[2] or name.removeprefix("certification")
        if name not in ALLOWED:
            reason = f"has no {name[:60]!r}; it has {', '.join(sorted(ALLOWED))}"
            yield _found("List", index, where, reason)
        elif not isinstance(value, str) or not value.strip():
            yield _found(local, index, where, f"needs {name}, a text")
        elif name == TYPE and not _TYPE.fullmatch(value):
            reason = f"is of type urn:gdst:certType:…, not {value[:60]!r}"
            yield _found(local, index, where, reason)


def _found(name: str, index: int, at: str, reason: str) -> Finding:
    rule = f"certification_{name.removeprefix('certification').lower()}"
    return Finding(rule, Severity.ERROR, index, at, f"a certification {reason}")
