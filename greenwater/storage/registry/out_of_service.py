"""What is out of service for maintenance: rows that people add, each with an end."""

from collections.abc import Sequence
from typing import Final

from msgspec import Struct
from sqlalchemy import func, select

from greenwater.kernel.errors import InputError, MissingError
from greenwater.storage.registry.models import Device, Person, Unit
from greenwater.storage.registry.models.alarms import OutOfServiceRow
from greenwater.storage.registry.rows import get_row, storable
from greenwater.storage.registry.session import Sessions

MOST_MS: Final = 30 * 24 * 3600 * 1000
"""The longest stretch; who needs more takes the probe out of its unit."""

MAX_REASON: Final = 200


class OutOfService(Struct, frozen=True, kw_only=True):
    """A unit, a device, or one probe of it, not watched in ``[from_ms, until_ms)``."""

    number: int
    unit: str | None
    device: str | None
    probe: str | None
    person: str
    reason: str
    from_ms: int
    until_ms: int

    def holds(
        self, at_ms: int, unit: str | None, device: str | None, probe: str | None
    ) -> bool:
        """Return whether it speaks of something at an instant."""
        if not self.from_ms <= at_ms < self.until_ms:
            return False
        if self.unit is not None:
            return self.unit == unit
        return self.device == device and self.probe in (None, probe)


class ServicesSeen:
    """What may be asked; mixed into ``Registry`` and ``Scope``."""

    _sessions: Sessions

    def out_of_service(self, since_ms: int) -> Sequence[OutOfService]:
        """Return what is out of service, or was until ``since_ms`` or later."""
        query = (
            select(OutOfServiceRow)
            .where(
                func.coalesce(OutOfServiceRow.ended_ms, OutOfServiceRow.until_ms)
                >= since_ms
            )
            .order_by(OutOfServiceRow.number)
        )
        with self._sessions.reading() as session:
            return [_info(row) for row in session.scalars(query)]


class Services(ServicesSeen):
    """Mixed into ``Registry``."""

    def take_out_of_service(
        self,
        *,
        unit: str | None = None,
        device: str | None = None,
        probe: str | None = None,
        person: str,
        reason: str,
        from_ms: int,
        until_ms: int,
    ) -> None:
        """Have no alarm raised about a unit, a device or a probe of it, for a while.

        What is still bad at the end is raised then.

        Raises:
            InputError: neither or both of unit and device, no reason, or no such times.
            MissingError: no such unit, device or person.
        """
        if (unit is None) == (device is None):
            raise InputError(
                "give a unit, or a device: one of the two", "service_place"
            )
        if not reason.strip():
            raise InputError("say why: others will read it", "say_why")
        if not from_ms < until_ms <= from_ms + MOST_MS:
            raise InputError(
                "out of service: it must end within 30 days, not before it begins",
                "service_long",
            )
        with self._sessions.writing() as session:
            get_row(session, Person, person)
            of = (
                get_row(session, Device, device or "")
                if unit is None
                else get_row(session, Unit, unit)
            )
            session.add(
                OutOfServiceRow(
                    organisation=of.organisation,
                    unit=unit,
                    device=device,
                    probe=probe,
                    person=person,
                    reason=storable(reason.strip())[:MAX_REASON],
                    from_ms=from_ms,
                    until_ms=until_ms,
                )
            )

    def end_out_of_service(self, number: int, *, person: str, at_ms: int) -> None:
        """End it before its time; ended is ended.

        Raises:
            MissingError: no such row or person.
        """
        with self._sessions.writing() as session:
            get_row(session, Person, person)
            row = session.get(OutOfServiceRow, number, with_for_update=True)
            if row is None:
                raise MissingError(f"nothing is out of service under {number}")
            if row.ended_ms is None and at_ms < row.until_ms:
                row.ended_ms, row.ended_by = at_ms, person


def _info(row: OutOfServiceRow) -> OutOfService:
    until_ms = row.until_ms if row.ended_ms is None else row.ended_ms
    return OutOfService(
        number=row.number,
        unit=row.unit,
        device=row.device,
        probe=row.probe,
        person=row.person,
        reason=row.reason,
        from_ms=row.from_ms,
        until_ms=until_ms,
    )
