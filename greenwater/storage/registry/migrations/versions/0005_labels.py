"""Signing keys, labels and what became of them, recalls."""

import sqlalchemy as sa
from alembic import op

from greenwater.storage.registry.migrations.append_only import make_append_only

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "signing_key",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("public", sa.Text(), nullable=False),
        sa.Column("from_ms", sa.BigInteger(), nullable=False),
        sa.Column("until_ms", sa.BigInteger(), nullable=True),
        sa.Column("revoked_ms", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_signing_key")),
    )
    op.create_table(
        "label",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("lot", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("uri", sa.Text(), nullable=False),
        sa.Column("issued_ms", sa.BigInteger(), nullable=False),
        sa.Column("issued_by", sa.Text(), nullable=False),
        sa.Column("organisation", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["issued_by"], ["person.id"], name=op.f("fk_label_issued_by")
        ),
        sa.ForeignKeyConstraint(["key"], ["signing_key.id"], name=op.f("fk_label_key")),
        sa.ForeignKeyConstraint(
            ["organisation", "lot"],
            ["lot.organisation", "lot.id"],
            name=op.f("fk_label_organisation_lot"),
        ),
        sa.ForeignKeyConstraint(
            ["organisation"], ["organisation.id"], name=op.f("fk_label_organisation")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_label")),
        sa.UniqueConstraint(
            "organisation", "id", name=op.f("uq_label_organisation_id")
        ),
    )
    with op.batch_alter_table("label", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_label_lot"), ["lot"], unique=False)
        batch_op.create_index(
            batch_op.f("ix_label_organisation"), ["organisation"], unique=False
        )

    op.create_table(
        "recall",
        sa.Column(
            "number",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            nullable=False,
        ),
        sa.Column("lot", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("phone", sa.Text(), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("ended_ms", sa.BigInteger(), nullable=True),
        sa.Column("organisation", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation", "lot"],
            ["lot.organisation", "lot.id"],
            name=op.f("fk_recall_organisation_lot"),
        ),
        sa.ForeignKeyConstraint(
            ["organisation"], ["organisation.id"], name=op.f("fk_recall_organisation")
        ),
        sa.ForeignKeyConstraint(
            ["person"], ["person.id"], name=op.f("fk_recall_person")
        ),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_recall")),
    )
    with op.batch_alter_table("recall", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_recall_organisation"), ["organisation"], unique=False
        )
        batch_op.create_index(
            "uq_recall_open",
            ["lot"],
            unique=True,
            sqlite_where=sa.text("ended_ms IS NULL"),
            postgresql_where=sa.text("ended_ms IS NULL"),
        )

    op.create_table(
        "label_act",
        sa.Column(
            "number",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            nullable=False,
        ),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("organisation", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation", "label"],
            ["label.organisation", "label.id"],
            name=op.f("fk_label_act_organisation_label"),
        ),
        sa.ForeignKeyConstraint(
            ["organisation"],
            ["organisation.id"],
            name=op.f("fk_label_act_organisation"),
        ),
        sa.ForeignKeyConstraint(
            ["person"], ["person.id"], name=op.f("fk_label_act_person")
        ),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_label_act")),
    )
    with op.batch_alter_table("label_act", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_label_act_label"), ["label"], unique=False)
        batch_op.create_index(
            batch_op.f("ix_label_act_organisation"), ["organisation"], unique=False
        )

    # ### end Alembic commands ###
    make_append_only(("label", "label_act"))
