"""Photos on the records of a vessel's book."""

import sqlalchemy as sa
from alembic import op

from greenwater.storage.registry.migrations.append_only import make_append_only

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None


def upgrade() -> None:
    table = "vessel_record_photo"
    op.create_table(
        table,
        sa.Column("record", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("width", sa.BigInteger(), nullable=False),
        sa.Column("height", sa.BigInteger(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("added_ms", sa.BigInteger(), nullable=False),
        sa.Column("added_by", sa.Text(), nullable=False),
        sa.Column("organisation", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation", "record"],
            ["vessel_record.organisation", "vessel_record.id"],
            name=op.f(f"fk_{table}_organisation_record"),
        ),
        sa.ForeignKeyConstraint(
            ["organisation"], ["organisation.id"], name=op.f(f"fk_{table}_organisation")
        ),
        sa.ForeignKeyConstraint(
            ["added_by"], ["person.id"], name=op.f(f"fk_{table}_added_by")
        ),
        sa.PrimaryKeyConstraint("record", "digest", name=op.f(f"pk_{table}")),
    )
    op.create_index(op.f(f"ix_{table}_organisation"), table, ["organisation"])
    make_append_only((table,))
