"""What inspectors signed of vessels, and the photos that their statements name."""

import sqlalchemy as sa
from alembic import op

from greenwater.storage.registry.migrations.append_only import make_append_only

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _inspections()
    _photos()
    make_append_only(("vessel_inspection", "vessel_inspection_photo"))


def _inspections() -> None:
    table = "vessel_inspection"
    op.create_table(
        table,
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("vessel", sa.Text(), nullable=False),
        sa.Column("authority", sa.Text(), nullable=False),
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("result", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("found", sa.JSON(), nullable=False),
        sa.Column("statement", sa.Text(), nullable=False),
        sa.Column("happened_ms", sa.BigInteger(), nullable=False),
        sa.Column("received_ms", sa.BigInteger(), nullable=False),
        sa.Column("organisation", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "result IN ('conformant', 'non_conformant')",
            name=op.f(f"ck_{table}_known_result"),
        ),
        sa.ForeignKeyConstraint(
            ["authority"], ["organisation.id"], name=op.f(f"fk_{table}_authority")
        ),
        sa.ForeignKeyConstraint(
            ["key"], ["inspector_key.id"], name=op.f(f"fk_{table}_key")
        ),
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
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
        sa.UniqueConstraint(
            "organisation", "id", name=op.f(f"uq_{table}_organisation_id")
        ),
    )
    for column in ("organisation", "person"):
        op.create_index(op.f(f"ix_{table}_{column}"), table, [column])
    op.create_index(f"ix_{table}_vessel", table, ["vessel", "happened_ms"])


def _photos() -> None:
    table = "vessel_inspection_photo"
    op.create_table(
        table,
        sa.Column("organisation", sa.Text(), nullable=False),
        sa.Column("inspection", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("kept", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("received_ms", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation"], ["organisation.id"], name=op.f(f"fk_{table}_organisation")
        ),
        sa.ForeignKeyConstraint(
            ["organisation", "inspection"],
            ["vessel_inspection.organisation", "vessel_inspection.id"],
            name=op.f(f"fk_{table}_organisation_inspection"),
        ),
        sa.PrimaryKeyConstraint("inspection", "digest", name=op.f(f"pk_{table}")),
    )
    op.create_index(op.f(f"ix_{table}_organisation"), table, ["organisation"])
