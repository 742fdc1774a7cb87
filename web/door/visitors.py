"""Somebody at the site: who he is and what he may do there."""

from typing import Final

from msgspec import Struct

from greenwater.storage.registry.people import Role

FARMS: Final = frozenset({Role.FARMER, Role.TECHNICIAN})
"""Whose farm it is: who adds places to it and hangs probes there."""


BOATS: Final = frozenset({Role.BOAT_OWNER, Role.SKIPPER, Role.DELEGATE})
"""Whose boat it is, or who writes for them."""


class Visitor(Struct, frozen=True):
    """Somebody who is signed in, or the operator at his own screen (``person`` None).

    ``administers``: the platform itself, not only an organisation. ``is_of_commune``: an
    officer who sees the dossiers that are addressed to his office, and no farm.
    """

    person: str | None
    name: str
    roles: frozenset[Role]
    organisations: tuple[str, ...] = ()
    administers: bool = False
    is_of_commune: bool = False

    @property
    def keeps_books(self) -> bool:
        """Whether he enters records and answers alarms."""
        return bool(
            self.roles
            & {
                Role.FARMER,
                Role.TECHNICIAN,
                Role.BOAT_OWNER,
                Role.SKIPPER,
                Role.ADMIN,
            }
        )

    @property
    def farms(self) -> bool:
        """Whether he is of a farm: adds ponds and cages, hangs probes in them."""
        return bool(self.roles & FARMS)

    @property
    def keeps_boats(self) -> bool:
        """Whether he enters things in vessels' books."""
        return bool(
            self.roles & {Role.BOAT_OWNER, Role.SKIPPER, Role.DELEGATE, Role.ADMIN}
        )

    @property
    def is_of_crew(self) -> bool:
        """Whether he does so under a name: an operator without one only looks."""
        return self.keeps_boats and self.person is not None

    @property
    def is_of_boats(self) -> bool:
        """Whether boats are what he comes for: he has no farm."""
        farm = {Role.FARMER, Role.TECHNICIAN, Role.ADMIN}
        return self.keeps_boats and not self.roles & farm

    @property
    def has_boats_too(self) -> bool:
        """Whether a farm's own person is one of a boat's as well: families have both."""
        return self.farms and bool(self.roles & BOATS)

    @property
    def is_on_duty(self) -> bool:
        """Whether he is an officer or inspector."""
        return bool(self.roles & {Role.OFFICER, Role.INSPECTOR})

    @property
    def inspects(self) -> bool:
        """Whether he checks labels on duty."""
        return Role.INSPECTOR in self.roles


OPERATOR: Final = Visitor(None, "", frozenset({Role.ADMIN}), administers=True)
