"""Boats are changed, taken out of service, given another number; time in closed areas."""

from typing import Any, Final

import sqlalchemy as sa
from alembic import op

from greenwater.storage.registry.migrations.append_only import make_append_only

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None

_NEW: Final[dict[str, sa.types.TypeEngine[Any]]] = {
    "home_port": sa.Text(),
    "radio": sa.Text(),
    "owner": sa.Text(),
    "retired_ms": sa.BigInteger(),
    "successor": sa.Text(),
}


def upgrade() -> None:
    op.add_column(
        "trip", sa.Column("passed", sa.JSON(), nullable=False, server_default="{}")
    )
    for name, kind in _NEW.items():
        op.add_column("vessel", sa.Column(name, kind, nullable=True))
    table = "vessel_change"
    op.create_table(
        table,
        sa.Column(
            "number",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            nullable=False,
        ),
        sa.Column("vessel", sa.Text(), nullable=False),
        sa.Column("was", sa.JSON(), nullable=False),
        sa.Column("became", sa.JSON(), nullable=False),
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("organisation", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation", "vessel"],
            ["vessel.organisation", "vessel.id"],
            name=op.f(f"fk_{table}_organisation_vessel"),
        ),
        sa.ForeignKeyConstraint(
            ["organisation"], ["organisation.id"], name=op.f(f"fk_{table}_organisation")
        ),
        sa.ForeignKeyConstraint(
            ["person"], ["person.id"], name=op.f(f"fk_{table}_person")
        ),
        sa.PrimaryKeyConstraint("number", name=op.f(f"pk_{table}")),
    )
    op.create_index(op.f(f"ix_{table}_organisation"), table, ["organisation"])
    op.create_index(f"ix_{table}_vessel", table, ["vessel", "at_ms"])
    make_append_only((table,))
