"""The evening's forecast of each unit, the morning's answer, and their copies."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "bulletin",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("unit", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("day", sa.Text(), nullable=False),
        sa.Column("made_ms", sa.BigInteger(), nullable=False),
        sa.Column("vi", sa.Text(), nullable=False),
        sa.Column("en", sa.Text(), nullable=False),
        sa.Column("detail", sa.JSON(), nullable=False),
        sa.Column("organisation", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation", "unit"],
            ["unit.organisation", "unit.id"],
            name=op.f("fk_bulletin_organisation_unit"),
        ),
        sa.ForeignKeyConstraint(
            ["organisation"], ["organisation.id"], name=op.f("fk_bulletin_organisation")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bulletin")),
    )
    with op.batch_alter_table("bulletin", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_bulletin_organisation"), ["organisation"], unique=False
        )
        batch_op.create_index("ix_bulletin_unit", ["unit", "made_ms"], unique=False)
    op.create_table(
        "bulletin_copy",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("head", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("due_ms", sa.BigInteger(), nullable=False),
        sa.Column("sent_ms", sa.BigInteger(), nullable=True),
        sa.Column("dropped_ms", sa.BigInteger(), nullable=True),
        sa.Column("attempts", sa.BigInteger(), nullable=False),
        sa.Column("organisation", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation"],
            ["organisation.id"],
            name=op.f("fk_bulletin_copy_organisation"),
        ),
        sa.ForeignKeyConstraint(
            ["person"], ["person.id"], name=op.f("fk_bulletin_copy_person")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bulletin_copy")),
    )
    with op.batch_alter_table("bulletin_copy", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_bulletin_copy_organisation"), ["organisation"], unique=False
        )
        batch_op.create_index(
            "ix_bulletin_copy_open",
            ["due_ms"],
            unique=False,
            sqlite_where=sa.text("sent_ms IS NULL AND dropped_ms IS NULL"),
            postgresql_where=sa.text("sent_ms IS NULL AND dropped_ms IS NULL"),
        )
