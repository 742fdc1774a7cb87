"""What the audit log notes of the site, in one place: every act, by the route it came on.

A page need not say that it is noted: whatever is posted by somebody who is signed in is,
once it was answered, and so is what was refused him. ``ACTS`` gives routes their words,
``KEPT_ELSEWHERE`` names those whose rows say for ever who wrote them anyway.
"""

from collections.abc import Mapping
from typing import Any, Final

import structlog
from fastapi import Request
from starlette.concurrency import run_in_threadpool

from greenwater.kernel.errors import PlatformError
from greenwater.storage.registry.audit import Outcome
from web.door.doors import Doors

log = structlog.get_logger()

ACTS: Final[Mapping[str, str]] = {
    "/sign-out": "sign_out",
    "/lots/{lot}/labels": "label_issue",
    "/lots/{lot}/recall": "recall",
    "/lots/{lot}/recall/end": "recall_end",
    "/crops/{crop}/overrides": "override",
    "/crops/{crop}/overrides/{override}": "override_agree",
    "/trips/{trip}/card/end": "card_end",
    "/trips/{trip}/overrides": "override",
    "/trips/{trip}/overrides/agree": "override_agree",
    "/certificates/{certificate}/acts": "certificate_act",
    "/certificates/{certificate}/claims": "certificate_act",
    "/crops/{crop}/dossiers": "dossier_step",
    "/dossiers/{dossier}/steps": "dossier_step",
    "/inspections/keys": "inspector_key",
    "/inspections/keys/{key}/end": "inspector_key_end",
    "/units/{unit}/aerators/{probe}": "aerator",
    "/calls/test": "call_test",
    "/calls/ways": "contact",
    "/calls/ways/push": "contact",
    "/calls/ways/push/renewed": "contact",
    "/calls/ways/end": "contact",
    "/calls/order": "contact",
    "/calls/hours": "contact",
    "/units": "unit_add",
    "/units/{unit}/change": "place_change",
    "/units/{unit}/limits/{channel}": "limits_set",
    "/units/{unit}/limits/{channel}/end": "limits_set",
    "/units/{unit}/close": "unit_close",
    "/units/{unit}/reopen": "unit_close",
    "/sites/{site}/change": "place_change",
    "/sites/{site}/rafts": "place_change",
    "/sites/{site}/rafts/{raft}": "place_change",
    "/crops/{crop}/end": "crop_end",
    "/units/{unit}/probes": "probe_hang",
    "/units/{unit}/probes/end": "probe_hang",
    "/units/{unit}/service": "out_of_service",
    "/units/{unit}/service/end": "out_of_service",
    "/records/import": "records_import",
    "/vessels/{vessel}/import": "records_import",
    "/scans/reports/{report}": "report_answer",
    "/account/sessions/end": "session_end",
    "/account/sessions/{session}/end": "session_end",
    "/account/second-factor/end": "second_factor_end",
    "/account/secret": "secret_set",
    "/account/tokens": "token_add",
    "/account/tokens/{token}/end": "token_end",
    "/account/consents/{purpose}": "consent",
    "/account/invitations": "invitation",
    "/account/invitations/{invitation}/end": "invitation_end",
    "/admin/invitations": "invitation",
    "/admin/organisations": "organisation_add",
    "/admin/people/{person}/roles/end": "role_end",
    "/admin/people/{person}/roles": "role_add",
    "/admin/people/{person}/sessions/end": "session_end",
    "/admin/people/{person}/link": "secret_link",
    "/admin/people/{person}/contacts": "contact",
    "/admin/people/{person}/contacts/end": "contact",
    "/admin/people/{person}/second-factor/end": "second_factor_end",
    "/admin/people/{person}/keys/{key}/end": "inspector_key_end",
    "/admin/vessels": "vessel_add",
    "/vessels/{vessel}/edit": "vessel_change",
    "/vessels/{vessel}/service": "vessel_service",
    "/vessels/{vessel}/number": "vessel_number",
    "/admin/devices": "device_add",
    "/admin/devices/{device}/renew": "device_renew",
    "/admin/devices/{device}/revoke": "device_revoke",
    "/admin/quarantine/{entry}/replay": "quarantine_replay",
}
"""A route, and what the log calls what is posted there. Others are called ``other``."""

LOOKS: Final[Mapping[str, str]] = {
    "/account/data.zip": "data_export",
    "/lots/{lot}/labels.pdf": "label_print",
    "/trips/{trip}/ecdt": "trip_export",
    "/fleet/trips.xlsx": "tables_export",
    "/fleet/trips.csv": "tables_export",
    "/fleet/hauls.csv": "tables_export",
    "/fleet/zones.csv": "tables_export",
    "/admin/audit": "audit_look",
    "/admin/quarantine/{entry}": "quarantine_look",
}
"""What is noted though it changes nothing: data that goes out, and the log itself."""

KEPT_ELSEWHERE: Final = frozenset(
    {
        "/sign-in",  # the doors note it themselves, with who it was
        "/sign-in/code",
        "/account/second-factor",
        "/demo/{person}",
        "/once/{token}",
        "/join/{token}",
        "/records",
        "/records/{record}/confirm",
        "/records/{record}/keep",
        "/records/{record}/photos",
        "/vessel-records/{written}/photos",
        "/lots/{lot}/picture",
        "/api/v1/records",
        "/api/v1/steps",
        "/vessels/{vessel}/records",
        "/alarms/{alarm}/acknowledge",
        "/alarms/{alarm}/shelve",
        "/alarms/{alarm}/unshelve",
        "/scans/place",
        "/report-label",
        "/api/v1/inspections/{inspection}/photos/{digest}",
    }
)
"""Posts whose own rows are never changed and say who and when, or are no act."""


def act_of(method: str, route: str) -> str | None:
    """Return what the log calls a request on a route; None: it is not noted."""
    if method in ("GET", "HEAD"):
        return LOOKS.get(route)
    if route in KEPT_ELSEWHERE or method == "OPTIONS":
        return None
    return ACTS.get(route, "other")


def outcome_of(status: int) -> Outcome | None:
    """Return how an act ended; None: a form that was not filled in rightly is no act."""
    if status < 400:
        return "done"
    if status in (401, 403, 404):
        return "refused"
    return "failed" if status != 422 else None


def subject_of(act: str, route: str, things: Mapping[str, Any]) -> str:
    """Return what an act was on: the ids in its address; for ``other``, its route too."""
    ids = " ".join(f"{name}={value}" for name, value in things.items())
    return " ".join(filter(None, (route if act == "other" else "", ids)))


async def note_act(doors: Doors, request: Request, status: int) -> None:
    """Note what a request did, by the status of its answer, if it is of the kind that is noted.

    It is answered already: should the registry not take the note, the log of the site
    says so, loudly.
    """
    path = getattr(request.scope.get("route"), "path", "")
    act = act_of(request.method, path)
    visitor = getattr(request.state, "visitor", None)
    outcome = outcome_of(status)
    if act is None or visitor is None or outcome is None:
        return
    told = getattr(request.state, "subject", "")
    subject = told or subject_of(act, path, request.scope.get("path_params", {}))
    try:
        await run_in_threadpool(doors.note, request, act, subject, outcome=outcome)
    except PlatformError as exc:
        log.error("audit.unwritten", act=act, subject=subject, error=str(exc))
