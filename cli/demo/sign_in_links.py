"""One link for each role of the demo, good once; and its administrator."""

import secrets
from collections.abc import Iterator
from typing import Final

from firmware_sim.scenarios import Scenario
from greenwater.storage.registry import Registry
from greenwater.storage.registry.links import LinkKind
from greenwater.storage.registry.people import OrganisationKind, Role
from greenwater.storage.registry.places import SiteKind

ADMIN: Final = "anh-quan"
SYSTEM: Final = "sim-quan-tri"
ONLOOKER: Final = "sim-nguoi-xem"
LASTS_MS: Final = 90 * 24 * 3600 * 1000
"""Of the demo's clock, which may run a thousand times faster than a watch."""


def add_administrator(registry: Registry) -> None:
    """Add the demo's administrator.

    He has no secret: in a demo one steps into his role, elsewhere he cannot sign in.
    """
    registry.add_organisation(
        SYSTEM, "Quản trị hệ thống (mô phỏng)", kind=OrganisationKind.AUTHORITY
    )
    registry.add_person(ADMIN, "Hồ Văn Quân", "0900000031")
    registry.add_member(ADMIN, SYSTEM, Role.ADMIN)


def add_onlooker(registry: Registry, scenario: Scenario) -> None:
    """Add somebody who sees what a scenario that plays alone has: its farms, its boats."""
    registry.add_person(ONLOOKER, "Người xem (mô phỏng)", "0900000041")
    organisation = scenario.organisation.id
    if any(site.kind == SiteKind.FARM for site in scenario.sites):
        registry.add_member(ONLOOKER, organisation, Role.FARMER)
    if scenario.vessels:
        registry.add_member(ONLOOKER, organisation, Role.BOAT_OWNER)


def sign_in_links(
    registry: Registry, public_url: str, now_ms: int
) -> Iterator[tuple[Role, str, str]]:
    """Make a link for one person of each role; yield role, name and address.

    The site takes them in demo mode only, each once.
    """
    people = registry.list_people()
    for role in Role:
        one = next(
            (p for p in people if role in {held for _, held in p.memberships}), None
        )
        if one is None:
            continue
        token = secrets.token_urlsafe(18)
        registry.add_link(
            secrets.token_hex(8),
            token,
            kind=LinkKind.DEMO,
            person=one.id,
            now_ms=now_ms,
            lasts_ms=LASTS_MS,
        )
        yield role, one.name, f"{public_url}/once/{token}"
