"""Adding a row once, and saying what is missing or contradicts: for every table alike."""

import unicodedata
from collections.abc import Mapping
from typing import Any, Final, TypeVar

import msgspec
from msgspec import Struct
from sqlalchemy import Select, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from greenwater.kernel.errors import ConflictError, InputError, MissingError
from greenwater.kernel.letters import TURNS, has_odd
from greenwater.storage.registry.models import Base, Person

Row = TypeVar("Row", bound=Base)
Made = TypeVar("Made", bound=Struct)

MAX_NAME: Final = 200


def insert(session: Session, model: type[Base]) -> postgresql.Insert | sqlite.Insert:
    """Return an INSERT in the session's dialect: both know ON CONFLICT, alike."""
    if session.get_bind().dialect.name == "postgresql":
        return postgresql.insert(model)
    return sqlite.insert(model)


def add_once(
    session: Session,
    model: type[Row],
    key: Mapping[str, str],
    facts: Mapping[str, Any],
    *,
    made: Mapping[str, Any] | None = None,
) -> bool:
    """Add a row under its key; return whether it is new.

    A row that stands there already must not contradict ``facts``, of which None says
    nothing; what was ``made`` for a new row is not compared.

    Raises:
        ConflictError: it does, or another row has what only one may have.
    """
    row = standing(session, model, {**key, **facts, **(made or {})})
    if row is None:
        return True
    what = f"{model.__tablename__} {'/'.join(key.values())}"
    for column, wanted in facts.items():
        stands = getattr(row, column)
        if wanted is not None and wanted != stands:
            raise ConflictError(
                f"{what} is registered with {column} {stands!r}, not {wanted!r}: "
                "take another id, or leave it as it is",
                "row_differs",
            )
    return False


def standing(
    session: Session, model: type[Row], values: Mapping[str, Any]
) -> Row | None:
    """Add a row unless one stands under its key; return that one, None: it was added.

    Of twins at one moment the second waits, and finds the first: looking before adding
    would find nothing, and fail.

    Raises:
        ConflictError: another row has what only one may have.
    """
    keys = model.__mapper__.primary_key
    statement = insert(session, model).values(values).on_conflict_do_nothing()
    if session.execute(statement.returning(*keys)).first() is not None:
        return None
    identity = tuple(values[column.name] for column in keys)
    row = session.get(model, identity, populate_existing=True)
    if row is None:
        raise ConflictError(
            f"{model.__tablename__} {'/'.join(map(str, identity))}: something of it "
            "belongs to another one already",
            "row_taken",
        )
    return row


def get_row(session: Session, model: type[Row], *key: str, lock: bool = False) -> Row:
    """Return the row under this key; with ``lock`` nobody else changes it meanwhile.

    Raises:
        MissingError: there is none.
    """
    row = session.get(model, key, with_for_update=lock or None)
    if row is None:
        raise MissingError(f"{model.__tablename__} {'/'.join(key)} is not registered")
    return row


def columns_of(kind: type[Struct], model: type[Base]) -> Select[Any]:
    """Return a query for a struct's fields alone: quicker than rows where there are many."""
    return select(*(getattr(model, name) for name in kind.__struct_fields__))


def struct_of(kind: type[Made], row: Base) -> Made:
    """Return a row as a struct whose fields are named as its columns."""
    return kind(*(getattr(row, name) for name in kind.__struct_fields__))


def parsed_of(kind: type[Made], row: Base) -> Made:
    """Return a row as a struct, its values brought to the types that the struct names."""
    return msgspec.convert(row, kind, from_attributes=True)


def facts_of(row: Base) -> dict[str, Any]:
    """Return all of a row, as a history of changes keeps it."""
    return {one.name: getattr(row, one.name) for one in row.__table__.columns}


def changed(
    session: Session, row: Base, facts: Mapping[str, Any], person: str
) -> tuple[dict[str, Any], dict[str, Any]] | None:
    """Change a row; return all of it before and after, None where nothing is different.

    Raises:
        MissingError: there is no such person.
    """
    get_row(session, Person, person)
    was = facts_of(row)
    for name, value in facts.items():
        setattr(row, name, value)
    became = facts_of(row)
    return None if became == was else (was, became)


def differing(
    was: Mapping[str, Any], became: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return of two states of a row what differs: before, and after."""
    names = [name for name in became if became[name] != was.get(name)]
    return {one: was.get(one) for one in names}, {one: became[one] for one in names}


def parse_name(text: str) -> str:
    """Return a name as it is kept: composed (NFC), without blanks at its ends.

    Raises:
        InputError: it is empty, over 200 characters or has odd letters (``letters``).
    """
    name = unicodedata.normalize("NFC", text).strip()
    if not 0 < len(name) <= MAX_NAME:
        raise InputError(
            f"a name has 1 to {MAX_NAME} characters, {text[:40]!r} has not",
            "name_wrong",
            most=MAX_NAME,
        )
    if has_odd(name):
        raise InputError(f"name {name!r} has control characters", "name_odd")
    return name


def storable(text: str) -> str:
    """Return text that either database takes: NUL and lone surrogates spelt out.

    So is what would turn the direction of the page it stands on.
    """
    whole = text.encode("utf-8", "backslashreplace").decode("utf-8")
    whole = TURNS.sub(lambda found: f"\\u{ord(found[0]):x}", whole)
    return whole.replace("\0", "\\x00")
