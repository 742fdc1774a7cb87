"""What EPCIS keeps beside events: master data that came along, queries with a name."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from msgspec import Struct
from sqlalchemy import delete, select

from greenwater.kernel.errors import ConflictError, MissingError
from greenwater.storage.registry.models import Organisation
from greenwater.storage.registry.models.epcis import EpcisAttributeRow, EpcisQueryRow
from greenwater.storage.registry.rows import add_once, get_row, insert, parse_name
from greenwater.storage.registry.session import Sessions

MOST_QUERIES: Final = 200
"""The most named queries of an organisation."""


class Attribute(Struct, frozen=True):
    """One attribute of an element of master data; without a name, ``text`` is a child."""

    element: str
    name: str
    text: str


class NamedQuery(Struct, frozen=True):
    """A query with a name; ``parameters`` are as they came."""

    organisation: str
    name: str
    created_ms: int
    parameters: Mapping[str, Any]


class KeptSeen:
    """Mixed into ``Registry`` and ``Scope``."""

    _sessions: Sessions

    def elements_with(
        self, names: Sequence[str], texts: Sequence[str] | None, *, limit: int
    ) -> Sequence[str]:
        """Return elements that have an attribute, with one of ``texts`` if any is given."""
        row = EpcisAttributeRow
        query = select(row.element).where(row.name.in_(names))
        if texts is not None:
            query = query.where(row.text.in_(texts))
        with self._sessions.reading() as session:
            found = query.distinct().order_by(row.element).limit(limit)
            return list(session.scalars(found))

    def children_of(self, elements: Sequence[str]) -> Sequence[str]:
        """Return what master data says lies directly in these elements."""
        row = EpcisAttributeRow
        query = select(row.text).where(row.element.in_(elements), row.name == "")
        with self._sessions.reading() as session:
            return list(session.scalars(query.distinct().order_by(row.text)))

    def named_queries(self, *, after: str = "", limit: int) -> Sequence[NamedQuery]:
        """Return named queries by name, behind one."""
        row = EpcisQueryRow
        query = select(row).where(row.name > after).order_by(row.name, row.organisation)
        with self._sessions.reading() as session:
            return [_query(one) for one in session.scalars(query.limit(limit))]

    def get_named_query(self, name: str) -> NamedQuery:
        """Return one.

        Raises:
            MissingError: there is none of that name.
        """
        row = EpcisQueryRow
        query = select(row).where(row.name == name).order_by(row.organisation).limit(1)
        with self._sessions.reading() as session:
            found = session.scalar(query)
            if found is None:
                raise MissingError(f"there is no query {name[:100]!r}")
            return _query(found)


class Kept(KeptSeen):
    """Mixed into ``Registry``."""

    def add_attributes(
        self, organisation: str, attributes: Iterable[Attribute]
    ) -> None:
        """Keep master data; what stands there already is left as it is."""
        with self._sessions.writing() as session:
            for one in attributes:
                values = {"organisation": organisation, **_fields(one)}
                adding = insert(session, EpcisAttributeRow).values(values)
                session.execute(adding.on_conflict_do_nothing())

    def add_named_query(self, query: NamedQuery) -> None:
        """Keep a query under its name.

        Raises:
            ConflictError: the organisation has one of that name, or too many.
        """
        name = parse_name(query.name)
        with self._sessions.writing() as session:
            get_row(session, Organisation, query.organisation)
            row = EpcisQueryRow
            names = select(row.name).where(row.organisation == query.organisation)
            if len(session.scalars(names).all()) >= MOST_QUERIES:
                raise ConflictError(
                    f"there are {MOST_QUERIES} queries: delete one first"
                )
            key = {"organisation": query.organisation, "name": name}
            made = {"created_ms": query.created_ms, "parameters": query.parameters}
            if not add_once(session, EpcisQueryRow, key, {}, made=made):
                raise ConflictError(f"there is a query {name!r} already")

    def delete_named_query(self, organisation: str, name: str) -> None:
        """Forget a query.

        Raises:
            MissingError: the organisation has none of that name.
        """
        row = EpcisQueryRow
        gone = delete(row).where(row.organisation == organisation, row.name == name)
        with self._sessions.writing() as session:
            if not session.execute(gone.returning(row.name)).all():
                raise MissingError(f"there is no query {name[:100]!r}")


def _fields(one: Attribute) -> dict[str, str]:
    return {"element": one.element, "name": one.name, "text": one.text}


def _query(row: EpcisQueryRow) -> NamedQuery:
    return NamedQuery(row.organisation, row.name, row.created_ms, row.parameters)
