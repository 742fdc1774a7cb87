"""Lifting a refusal of the gate: a reason, and a second person who agrees.

Any gate may use it: it returns refusals, ``standing`` parts those that an override in
force has lifted from those that stand. What was lifted is told on the passport.
"""

import uuid
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from msgspec import Struct

from greenwater.kernel.clock import Clock
from greenwater.kernel.errors import ConflictError, InputError, MissingError
from greenwater.kernel.reading import milliseconds
from greenwater.storage.registry import Registry
from greenwater.storage.registry.overrides import Override
from greenwater.storage.registry.people import Role
from traceability.gate.harvest import Refusal

LIFTABLE: Final = frozenset(
    {
        "withdrawal",
        "harvested_in_withdrawal",
        "paper_missing",
        "paper_expired",
        "closed_zone",
    }
)
"""What two people may answer for. What was never there, or is more than there was, is
not theirs to lift; nor is a banned substance."""

SIGNERS: Final = frozenset(
    {Role.FARMER, Role.TECHNICIAN, Role.BOAT_OWNER, Role.SKIPPER, Role.ADMIN}
)
"""Who may ask or agree within his own organisation; officers and inspectors anywhere."""

DUTY: Final = frozenset({Role.OFFICER, Role.INSPECTOR})
LEAST_REASON: Final = 10
"""Characters; "ok" is no reason."""


class Asked(Struct, frozen=True, kw_only=True):
    """That a refusal be lifted. ``id`` is made by the device (a UUID).

    ``subject`` is what the gate is asked about: ``landing/…``, ``crop/…``.
    """

    id: str
    organisation: str
    subject: str
    code: str
    reason: str


class Judged(NamedTuple):
    """Refusals that stand, and overrides in force that lifted others."""

    standing: tuple[Refusal, ...]
    lifted: tuple[Override, ...]


def judged(
    refusals: Sequence[Refusal],
    overrides: Sequence[Override],
    is_meant: Callable[[Refusal, Override], bool] = lambda _refusal, _override: True,
) -> Judged:
    """Return which refusals stand, given the overrides of the same subject.

    An override lifts the refusals of its code (that ``is_meant`` says it meant) from the
    moment a second person agreed.
    """
    agreed = [one for one in overrides if one.second is not None]
    standing, lifted = [], dict[str, Override]()
    for refusal in refusals:
        found = [
            one
            for one in agreed
            if one.code == refusal.code
            and one.code in LIFTABLE
            and is_meant(refusal, one)
        ]
        if not found:
            standing.append(refusal)
        lifted |= {one.id: one for one in found}
    return Judged(tuple(standing), tuple(lifted.values()))


class Overriding:
    """The use cases."""

    def __init__(self, registry: Registry, clock: Clock) -> None:
        self._registry, self._clock = registry, clock

    def _now_ms(self) -> int:
        return milliseconds(self._clock.now())

    def _may_sign(self, person: str, organisation: str) -> None:
        info = self._registry.get_person(person)
        sees_all = self._registry.reach_of(person) is None
        if not info.is_any(SIGNERS, organisation) and not (
            sees_all and info.roles & DUTY
        ):
            raise MissingError(f"{person} signs nothing for {organisation}")

    def ask(self, person: str, asked: Asked) -> Override:
        """Ask that a refusal be lifted; the same again changes nothing.

        Raises:
            InputError: that may not be lifted, or there is no reason.
            MissingError: he signs nothing for that organisation.
            ConflictError: the id stands for something else.
        """
        self._may_sign(person, asked.organisation)
        _check_id(asked.id)
        if asked.code not in LIFTABLE:
            raise InputError(
                f"{asked.code!r} cannot be lifted, only {', '.join(sorted(LIFTABLE))}",
                "not_liftable",
            )
        reason = " ".join(asked.reason.split())
        if len(reason) < LEAST_REASON:
            raise InputError(
                f"give the reason in {LEAST_REASON} characters or more",
                "reason_short",
                least=LEAST_REASON,
            )
        self._registry.ask_override(
            Override(
                id=asked.id,
                organisation=asked.organisation,
                subject=asked.subject,
                code=asked.code,
                reason=reason[:500],
                person=person,
                at_ms=self._now_ms(),
            )
        )
        return self._registry.get_override(asked.id)

    def agree(
        self, person: str, override: str, *, agreement: str, remark: str = ""
    ) -> Override:
        """Agree as the second person; once is for good.

        Raises:
            ConflictError: he asked for it himself.
            MissingError: nobody asked for that, or he signs nothing there.
        """
        asked = self._registry.get_override(override)
        self._may_sign(person, asked.organisation)
        _check_id(agreement)
        if asked.person == person:
            raise ConflictError(
                "who asks for an override does not agree to it himself: another person "
                "has to",
                "override_self",
            )
        self._registry.agree_to_override(
            override,
            agreement=agreement,
            person=person,
            remark=" ".join(remark.split())[:500],
            at_ms=self._now_ms(),
        )
        return self._registry.get_override(override)


def _check_id(text: str) -> None:
    try:
        uuid.UUID(text)
    except ValueError:
        raise InputError(f"id {text!r} is not a UUID", "form_old") from None
