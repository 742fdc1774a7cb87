"""Ponds and cages are closed and opened again; what a place was before it was changed."""

import sqlalchemy as sa
from alembic import op

from greenwater.storage.registry.migrations.append_only import make_append_only

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("unit", sa.Column("closed_ms", sa.BigInteger(), nullable=True))
    table = "place_change"
    op.create_table(
        table,
        sa.Column(
            "number",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            nullable=False,
        ),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("place", sa.Text(), nullable=False),
        sa.Column("was", sa.JSON(), nullable=False),
        sa.Column("became", sa.JSON(), nullable=False),
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("organisation", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "kind IN ('site', 'raft', 'unit')", name=op.f(f"ck_{table}_known_kind")
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
    op.create_index(f"ix_{table}_place", table, ["kind", "place", "at_ms"])
    make_append_only((table,))
