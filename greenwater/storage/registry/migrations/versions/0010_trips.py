"""Trips, hauls, and candidates of fishing in closed waters."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _table(
        "trip",
        "departure_ms",
        sa.Column("departure_port", sa.Text(), nullable=False),
        sa.Column("landing_ms", sa.BigInteger(), nullable=True),
        sa.Column("landing_port", sa.Text(), nullable=True),
        sa.Column("hauls", sa.BigInteger(), nullable=False),
        sa.Column("minutes", sa.JSON(), nullable=False),
    )
    _table(
        "haul",
        "began_ms",
        sa.Column("trip", sa.Text(), nullable=True),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("gear", sa.Text(), nullable=False),
        sa.Column("set_ms", sa.BigInteger(), nullable=True),
        sa.Column("set_latitude", sa.Double(), nullable=True),
        sa.Column("set_longitude", sa.Double(), nullable=True),
        sa.Column("began_latitude", sa.Double(), nullable=False),
        sa.Column("began_longitude", sa.Double(), nullable=False),
        sa.Column("ended_ms", sa.BigInteger(), nullable=False),
        sa.Column("ended_latitude", sa.Double(), nullable=False),
        sa.Column("ended_longitude", sa.Double(), nullable=False),
        sa.Column("minutes", sa.JSON(), nullable=False),
    )
    _table(
        "violation",
        "began_ms",
        sa.Column("trip", sa.Text(), nullable=True),
        sa.Column("evidence", sa.JSON(), nullable=False),
    )
    for name in ("haul", "violation"):
        op.create_index(op.f(f"ix_{name}_trip"), name, ["trip"], unique=False)


def _table(name: str, began: str, *columns: sa.Column[object]) -> None:
    op.create_table(
        name,
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("vessel", sa.Text(), nullable=False),
        sa.Column(began, sa.BigInteger(), nullable=False),
        *columns,
        sa.Column("organisation", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation", "vessel"],
            ["vessel.organisation", "vessel.id"],
            name=op.f(f"fk_{name}_organisation_vessel"),
        ),
        sa.ForeignKeyConstraint(
            ["organisation"], ["organisation.id"], name=op.f(f"fk_{name}_organisation")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{name}")),
    )
    op.create_index(
        op.f(f"ix_{name}_organisation"), name, ["organisation"], unique=False
    )
    op.create_index(f"ix_{name}_vessel", name, ["vessel", began], unique=False)
