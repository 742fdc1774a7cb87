"""Trips, hauls, and perhaps fishing in closed waters, as analytics found them."""

from collections.abc import Sequence
from typing import Any, Final

import msgspec
from msgspec import Struct
from sqlalchemy import delete, select, tuple_
from sqlalchemy.orm import Session

from greenwater.kernel.trips import Haul, Point, Trip, Violation
from greenwater.reference.vessels import parse_registration
from greenwater.storage.registry.models import Base, Vessel
from greenwater.storage.registry.models.trips import HaulRow, TripRow, ViolationRow
from greenwater.storage.registry.rows import get_row, insert, parsed_of
from greenwater.storage.registry.session import Sessions

_PLACES: Final = ("set", "began", "ended")

After = tuple[int, str]
"""When (ms) and by which id the last row of the page before began."""


class Sailed(Struct, frozen=True, kw_only=True):
    """What positions of one vessel changed.

    ``since_ms``: what had begun then or later is replaced, since positions came late that
    show it otherwise; None: nothing is.
    """

    vessel: str
    trips: Sequence[Trip] = ()
    hauls: Sequence[Haul] = ()
    violations: Sequence[Violation] = ()
    since_ms: int | None = None


class Fished(Struct, frozen=True):
    """That a vessel's gear worked: minutes by zone, from an instant on."""

    vessel: str
    began_ms: int
    minutes: dict[str, float]


class TripsSeen:
    """Mixed into ``Scope`` and ``Registry``."""

    _sessions: Sessions

    def trips(
        self, *, vessel: str | None = None, from_ms: int = 0, limit: int = 200
    ) -> Sequence[Trip]:
        """Return the trips that departed since an instant, the newest first."""
        query = select(TripRow).where(TripRow.departure_ms >= from_ms)
        if vessel is not None:
            query = query.where(TripRow.vessel == parse_registration(vessel))
        newest = query.order_by(TripRow.departure_ms.desc(), TripRow.id).limit(limit)
        with self._sessions.reading() as session:
            return [parsed_of(Trip, row) for row in session.scalars(newest)]

    def hauls(self, trip: str) -> Sequence[Haul]:
        """Return a trip's hauls in order."""
        query = select(HaulRow).where(HaulRow.trip == trip).order_by(HaulRow.began_ms)
        with self._sessions.reading() as session:
            return [_haul_of(row) for row in session.scalars(query)]

    def loose_hauls(self, vessel: str, from_ms: int, until_ms: int) -> Sequence[Haul]:
        """Return the hauls that began in a span and are of no trip: no departure was seen."""
        query = (
            select(HaulRow)
            .where(HaulRow.vessel == parse_registration(vessel), HaulRow.trip.is_(None))
            .where(HaulRow.began_ms >= from_ms, HaulRow.began_ms <= until_ms)
            .order_by(HaulRow.began_ms)
        )
        with self._sessions.reading() as session:
            return [_haul_of(row) for row in session.scalars(query)]

    def trips_between(
        self,
        start_ms: int,
        end_ms: int,
        *,
        vessel: str | None = None,
        after: After | None = None,
        limit: int | None = None,
    ) -> Sequence[Trip]:
        """Return the trips that departed in ``[start_ms, end_ms)``, the oldest first."""
        query = _between(
            select(TripRow), TripRow, TripRow.departure_ms, start_ms, end_ms,
            vessel=vessel, after=after,
        )  # fmt: skip
        with self._sessions.reading() as session:
            return [parsed_of(Trip, row) for row in session.scalars(query.limit(limit))]

    def hauls_between(
        self,
        start_ms: int,
        end_ms: int,
        *,
        vessel: str | None = None,
        after: After | None = None,
        limit: int | None = None,
    ) -> Sequence[Haul]:
        """Return the hauls that began in ``[start_ms, end_ms)``, the oldest first."""
        query = _between(
            select(HaulRow), HaulRow, HaulRow.began_ms, start_ms, end_ms,
            vessel=vessel, after=after,
        )  # fmt: skip
        with self._sessions.reading() as session:
            return [_haul_of(row) for row in session.scalars(query.limit(limit))]

    def fished(self, from_ms: int) -> Sequence[Fished]:
        """Return every haul that began since an instant, as little as counting needs."""
        query = select(HaulRow.vessel, HaulRow.began_ms, HaulRow.minutes).where(
            HaulRow.began_ms >= from_ms
        )
        with self._sessions.reading() as session:
            return [Fished(*row) for row in session.execute(query)]

    def violations(
        self, *, vessel: str | None = None, from_ms: int = 0, limit: int = 200
    ) -> Sequence[Violation]:
        """Return the candidates that began since an instant, the newest first."""
        query = select(ViolationRow).where(ViolationRow.began_ms >= from_ms)
        if vessel is not None:
            query = query.where(ViolationRow.vessel == parse_registration(vessel))
        newest = query.order_by(ViolationRow.began_ms.desc(), ViolationRow.id)
        with self._sessions.reading() as session:
            return [
                msgspec.convert(row.evidence, Violation)
                for row in session.scalars(newest.limit(limit))
            ]


class Trips(TripsSeen):
    """Mixed into ``Registry``; for analytics alone."""

    def save_trips(self, sailed: Sequence[Sailed]) -> None:
        """Keep what vessels did, all or nothing; the same again changes nothing.

        Raises:
            MissingError: a vessel is not registered.
        """
        with self._sessions.writing() as session:
            for one in sailed:
                organisation = get_row(session, Vessel, one.vessel).organisation
                if one.since_ms is not None:
                    _forget(session, one.vessel, one.since_ms)
                _put(
                    session, TripRow, organisation, map(msgspec.to_builtins, one.trips)
                )
                _put(session, HaulRow, organisation, map(_haul_values, one.hauls))
                _put(
                    session,
                    ViolationRow,
                    organisation,
                    map(_violation_values, one.violations),
                )


def _between(
    query: Any,
    table: type[TripRow] | type[HaulRow],
    began: Any,
    start_ms: int,
    end_ms: int,
    *,
    vessel: str | None,
    after: After | None,
) -> Any:
    query = query.where(began >= start_ms, began < end_ms).order_by(began, table.id)
    if vessel is not None:
        query = query.where(table.vessel == parse_registration(vessel))
    return query if after is None else query.where(tuple_(began, table.id) > after)


def _forget(session: Session, vessel: str, since_ms: int) -> None:
    for table, began in (
        (ViolationRow, ViolationRow.began_ms),
        (HaulRow, HaulRow.began_ms),
        (TripRow, TripRow.departure_ms),
    ):
        session.execute(delete(table).where(table.vessel == vessel, began >= since_ms))


def _put(session: Session, table: type[Base], organisation: str, rows: Any) -> None:
    for values in rows:
        statement = insert(session, table).values(**values, organisation=organisation)
        new = {name: statement.excluded[name] for name in values if name != "id"}
        session.execute(
            statement.on_conflict_do_update(index_elements=["id"], set_=new)
        )


def _haul_values(haul: Haul) -> dict[str, Any]:
    values = msgspec.structs.asdict(haul)
    for name in _PLACES:
        at: Point | None = values.pop(f"{name}_at")
        values[f"{name}_latitude"], values[f"{name}_longitude"] = at or (None, None)
    return values


def _haul_of(row: HaulRow) -> Haul:
    is_set = row.set_latitude is not None and row.set_longitude is not None
    return Haul(
        id=row.id,
        vessel=row.vessel,
        trip=row.trip,
        number=row.number,
        gear=row.gear,
        set_ms=row.set_ms,
        set_at=(row.set_latitude or 0.0, row.set_longitude or 0.0) if is_set else None,
        began_ms=row.began_ms,
        began_at=(row.began_latitude, row.began_longitude),
        ended_ms=row.ended_ms,
        ended_at=(row.ended_latitude, row.ended_longitude),
        minutes=row.minutes,
        probability=row.probability,
        rule_share=row.rule_share,
    )


def _violation_values(one: Violation) -> dict[str, Any]:
    return {
        "id": one.id,
        "vessel": one.vessel,
        "trip": one.trip,
        "began_ms": one.began_ms,
        "evidence": msgspec.to_builtins(one),
    }
