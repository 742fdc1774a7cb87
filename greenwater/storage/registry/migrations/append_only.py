"""Triggers that refuse to change or delete rows: legal records are only ever added to."""

from collections.abc import Iterable

from alembic import op

_REFUSE = """
CREATE OR REPLACE FUNCTION greenwater_refuse() RETURNS trigger AS $$
BEGIN
  RAISE EXCEPTION 'rows of % are never changed or deleted', TG_TABLE_NAME
    USING ERRCODE = 'integrity_constraint_violation';
END
$$ LANGUAGE plpgsql
"""


def make_append_only(tables: Iterable[str]) -> None:
    """Have the database refuse UPDATE and DELETE on these tables."""
    is_postgres = op.get_bind().dialect.name == "postgresql"
    if is_postgres:
        op.execute(_REFUSE)
    for table in tables:
        for act in ("UPDATE", "DELETE"):
            name = f"{table}_no_{act.lower()}"
            body = (
                "EXECUTE FUNCTION greenwater_refuse()"
                if is_postgres
                else "BEGIN SELECT RAISE(ABORT, "
                f"'rows of {table} are never changed or deleted'); END"
            )
            op.execute(
                f"CREATE TRIGGER {name} BEFORE {act} ON {table} FOR EACH ROW {body}"
            )
