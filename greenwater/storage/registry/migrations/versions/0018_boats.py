"""Trip cards that are called in before their week is over; never changed."""

import sqlalchemy as sa
from alembic import op

from greenwater.storage.registry.migrations.append_only import make_append_only

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "card_revocation",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("vessel", sa.Text(), nullable=False),
        sa.Column("until_ms", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("organisation", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation", "vessel"],
            ["vessel.organisation", "vessel.id"],
            name=op.f("fk_card_revocation_organisation_vessel"),
        ),
        sa.ForeignKeyConstraint(
            ["organisation"],
            ["organisation.id"],
            name=op.f("fk_card_revocation_organisation"),
        ),
        sa.ForeignKeyConstraint(
            ["person"], ["person.id"], name=op.f("fk_card_revocation_person")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_card_revocation")),
    )
    op.create_index(
        op.f("ix_card_revocation_organisation"),
        "card_revocation",
        ["organisation"],
        unique=False,
    )
    op.create_index(
        "ix_card_revocation_until", "card_revocation", ["until_ms"], unique=False
    )
    make_append_only(("card_revocation",))
