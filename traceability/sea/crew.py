"""Who writes in a vessel's book."""

from typing import Final

from greenwater.storage.registry import Registry
from greenwater.storage.registry.people import Role

SAILORS: Final = frozenset({Role.BOAT_OWNER, Role.SKIPPER, Role.DELEGATE, Role.ADMIN})
"""Who enters things in a vessel's book."""

DUTY: Final = frozenset({Role.OFFICER, Role.INSPECTOR})
OF_DUTY: Final = frozenset({"statement", "trip", "position"})
"""What those on duty enter too: what they say of a candidate; that a boat left or landed;
where it said by voice that it is."""


def may_write(registry: Registry, person: str, kind: str, organisation: str) -> bool:
    """Return whether somebody enters records of a kind for an organisation's vessels."""
    info = registry.get_person(person)
    if info.is_any(SAILORS, organisation):
        return True
    is_on_duty = bool(info.roles & DUTY)
    return kind in OF_DUTY and is_on_duty and registry.reach_of(person) is None
