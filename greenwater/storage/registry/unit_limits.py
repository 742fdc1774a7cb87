"""The limits that a farm sets for its own ponds and cages (``reference.own_limits``).

Laws:

* Every change is a row of its own that is never changed: which limit held at any instant,
  who set it and why can be told.
* Nothing is kept that ``troubles_of`` would say anything about.
"""

from collections.abc import Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from greenwater.kernel.channels import Channel
from greenwater.kernel.errors import InputError
from greenwater.reference.limits import Bounds
from greenwater.reference.own_limits import SETTABLE, OwnLimits, troubles_of
from greenwater.storage.registry.models import Person, Unit
from greenwater.storage.registry.models.unit_limits import UnitLimitRow
from greenwater.storage.registry.rows import get_row, storable
from greenwater.storage.registry.session import Sessions

MAX_REASON = 200


class LimitChange(Struct, frozen=True):
    """What a unit's own limits of a channel were, and what they became.

    ``became`` says who, when and why; empty: the species' limits again.
    """

    unit: str
    was: OwnLimits | None
    became: OwnLimits


class UnitLimitsSeen:
    """What may be asked about own limits; mixed into ``Registry`` and ``Scope``."""

    _sessions: Sessions

    def limit_changes(
        self, unit: str, channel: str | None = None
    ) -> Sequence[LimitChange]:
        """Return how a unit's own limits were changed, newest first."""
        row = UnitLimitRow
        query = select(row).where(row.unit == unit).order_by(row.number)
        if channel is not None:
            query = query.where(row.channel == channel)
        found: list[LimitChange] = []
        last: dict[str, OwnLimits] = {}
        with self._sessions.reading() as session:
            for one in session.scalars(query):
                became = own_limits(one)
                found.append(LimitChange(unit, last.get(one.channel), became))
                last[one.channel] = became
        return found[::-1]

    def limits_set(self) -> Mapping[str, Sequence[OwnLimits]]:
        """Return all that was ever set or taken back, the oldest first, by unit.

        ``reference.own_limits.limits_at`` says what of it held when.
        """
        query = select(UnitLimitRow).order_by(UnitLimitRow.number)
        found: dict[str, list[OwnLimits]] = {}
        with self._sessions.reading() as session:
            for one in session.scalars(query):
                found.setdefault(one.unit, []).append(own_limits(one))
        return found


class UnitLimits(UnitLimitsSeen):
    """Mixed into ``Registry``."""

    def set_unit_limits(
        self, unit: str, own: OwnLimits, *, person: str, at_ms: int
    ) -> bool:
        """Set a unit's own limits of one channel: all of them; empty takes them back.

        Whose they are, when, and what lives there is noted here, whatever ``own`` says
        of it. Return whether anything changed: the same again leaves no row.

        Raises:
            InputError: such limits cannot be (``troubles_of``).
            MissingError: there is no such unit or person.
        """
        if own.channel not in SETTABLE:
            raise InputError(f"no limits are set for {own.channel}", "form_old")
        with self._sessions.writing() as session:
            get_row(session, Person, person)
            row = get_row(session, Unit, unit, lock=True)
            reason = storable(own.reason.strip())[:MAX_REASON]
            own = replace(own, species=row.species, reason=reason)
            for trouble in troubles_of(own):
                raise trouble.error
            if _is_same(_newest(session, unit, own.channel), own):
                return False
            session.add(
                UnitLimitRow(
                    organisation=row.organisation,
                    unit=unit,
                    channel=own.channel.value,
                    species=own.species,
                    warn_low=own.warn.low,
                    warn_high=own.warn.high,
                    critical_low=own.critical.low,
                    critical_high=own.critical.high,
                    reason=own.reason,
                    person=person,
                    at_ms=at_ms,
                )
            )
            return True


def own_limits(row: UnitLimitRow) -> OwnLimits:
    """Return what a row says."""
    return OwnLimits(
        channel=Channel(row.channel),
        species=row.species,
        warn=Bounds(row.warn_low, row.warn_high),
        critical=Bounds(row.critical_low, row.critical_high),
        reason=row.reason,
        person=row.person,
        set_ms=row.at_ms,
    )


def limits_now(session: Session, unit: str | None = None) -> dict[str, list[OwnLimits]]:
    """Return the limits that units have of their own now, by unit; of one, or of all."""
    row = UnitLimitRow
    newest = select(func.max(row.number)).group_by(row.unit, row.channel)
    if unit is not None:
        newest = newest.where(row.unit == unit)
    found: dict[str, list[OwnLimits]] = {}
    for one in session.scalars(
        select(row).where(row.number.in_(newest)).order_by(row.unit, row.channel)
    ):
        own = own_limits(one)
        if not own.is_empty:
            found.setdefault(one.unit, []).append(own)
    return found


def _newest(session: Session, unit: str, channel: Channel) -> OwnLimits | None:
    row = UnitLimitRow
    query = (
        select(row)
        .where(row.unit == unit, row.channel == channel.value)
        .order_by(row.number.desc())
    )
    found = session.scalars(query).first()
    return None if found is None else own_limits(found)


def _is_same(stands: OwnLimits | None, own: OwnLimits) -> bool:
    if stands is None or stands.is_empty:
        return own.is_empty
    return (stands.species, stands.warn, stands.critical, stands.reason) == (
        own.species, own.warn, own.critical, own.reason,
    )  # fmt: skip
