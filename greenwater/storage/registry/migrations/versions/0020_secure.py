"""Idle sessions, pulses of services, photos of inspections."""

import sqlalchemy as sa
from alembic import op

from greenwater.storage.registry.migrations.append_only import make_append_only

revision = "0020"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("session", sa.Column("idle_ms", sa.BigInteger(), nullable=True))
    op.create_table(
        "pulse",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("facts", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_pulse")),
    )
    _photos()
    make_append_only(("inspection_photo",))


def _photos() -> None:
    op.create_table(
        "inspection_photo",
        sa.Column("organisation", sa.Text(), nullable=False),
        sa.Column("inspection", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("kept", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("received_ms", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation"],
            ["organisation.id"],
            name=op.f("fk_inspection_photo_organisation"),
        ),
        sa.ForeignKeyConstraint(
            ["organisation", "inspection"],
            ["inspection.organisation", "inspection.id"],
            name=op.f("fk_inspection_photo_organisation_inspection"),
        ),
        sa.PrimaryKeyConstraint(
            "inspection", "digest", name=op.f("pk_inspection_photo")
        ),
    )
    op.create_index(
        op.f("ix_inspection_photo_organisation"), "inspection_photo", ["organisation"]
    )
