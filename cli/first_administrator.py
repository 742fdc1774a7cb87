"""The link by which the first administrator of a platform comes in, once."""

import secrets

from greenwater.storage.registry import Registry
from greenwater.storage.registry.links import LinkKind
from greenwater.storage.registry.people import OrganisationKind, Role


def first_administrator(registry: Registry, public_url: str, now_ms: int) -> str | None:
    """Return where the first administrator comes in, once; None: there is one already.

    Links of earlier starts are withdrawn.
    """
    registry.end_links(LinkKind.FIRST_START, now_ms)
    if registry.administrators():
        return None
    organisation, token = "quan-tri", secrets.token_urlsafe(24)
    registry.add_organisation(
        organisation, "Quản trị hệ thống", kind=OrganisationKind.AUTHORITY
    )
    registry.add_link(
        secrets.token_hex(8),
        token,
        kind=LinkKind.FIRST_START,
        organisation=organisation,
        role=Role.ADMIN,
        now_ms=now_ms,
    )
    return f"{public_url}/join/{token}"
