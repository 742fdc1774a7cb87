"""Products, crops, records, lots, the ledger; none of the last three is ever changed."""

import sqlalchemy as sa
from alembic import op

from greenwater.storage.registry.migrations.append_only import make_append_only

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "product",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("name_vi", sa.Text(), nullable=False),
        sa.Column("name_en", sa.Text(), nullable=False),
        sa.Column("species", sa.Text(), nullable=False),
        sa.Column("brand", sa.Text(), nullable=True),
        sa.Column("organisation", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation"], ["organisation.id"], name=op.f("fk_product_organisation")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_product")),
        sa.UniqueConstraint(
            "organisation", "id", name=op.f("uq_product_organisation_id")
        ),
    )
    with op.batch_alter_table("product", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_product_organisation"), ["organisation"], unique=False
        )

    op.create_table(
        "trace_event",
        sa.Column("organisation", sa.Text(), nullable=False),
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=True),
        sa.Column("event_ms", sa.BigInteger(), nullable=False),
        sa.Column("recorded_ms", sa.BigInteger(), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("previous", sa.Text(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation"],
            ["organisation.id"],
            name=op.f("fk_trace_event_organisation"),
        ),
        sa.PrimaryKeyConstraint("organisation", "number", name=op.f("pk_trace_event")),
        sa.UniqueConstraint("id", name=op.f("uq_trace_event_id")),
    )
    with op.batch_alter_table("trace_event", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_trace_event_organisation"), ["organisation"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_trace_event_subject"), ["subject"], unique=False
        )

    op.create_table(
        "crop",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("unit", sa.Text(), nullable=False),
        sa.Column("product", sa.Text(), nullable=False),
        sa.Column("species", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("started_ms", sa.BigInteger(), nullable=False),
        sa.Column("ended_ms", sa.BigInteger(), nullable=True),
        sa.Column("organisation", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation", "product"],
            ["product.organisation", "product.id"],
            name=op.f("fk_crop_organisation_product"),
        ),
        sa.ForeignKeyConstraint(
            ["organisation", "unit"],
            ["unit.organisation", "unit.id"],
            name=op.f("fk_crop_organisation_unit"),
        ),
        sa.ForeignKeyConstraint(
            ["organisation"], ["organisation.id"], name=op.f("fk_crop_organisation")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_crop")),
        sa.UniqueConstraint("organisation", "id", name=op.f("uq_crop_organisation_id")),
    )
    with op.batch_alter_table("crop", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_crop_organisation"), ["organisation"], unique=False
        )
        batch_op.create_index(
            "uq_crop_open",
            ["unit"],
            unique=True,
            sqlite_where=sa.text("ended_ms IS NULL"),
            postgresql_where=sa.text("ended_ms IS NULL"),
        )

    op.create_table(
        "record",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("unit", sa.Text(), nullable=False),
        sa.Column("crop", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("happened_ms", sa.BigInteger(), nullable=False),
        sa.Column("entered_ms", sa.BigInteger(), nullable=False),
        sa.Column("entered_by", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("fields", sa.JSON(), nullable=False),
        sa.Column("corrects", sa.Text(), nullable=True),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("organisation", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["entered_by"], ["person.id"], name=op.f("fk_record_entered_by")
        ),
        sa.ForeignKeyConstraint(
            ["organisation", "corrects"],
            ["record.organisation", "record.id"],
            name=op.f("fk_record_organisation_corrects"),
        ),
        sa.ForeignKeyConstraint(
            ["organisation", "crop"],
            ["crop.organisation", "crop.id"],
            name=op.f("fk_record_organisation_crop"),
        ),
        sa.ForeignKeyConstraint(
            ["organisation", "unit"],
            ["unit.organisation", "unit.id"],
            name=op.f("fk_record_organisation_unit"),
        ),
        sa.ForeignKeyConstraint(
            ["organisation"], ["organisation.id"], name=op.f("fk_record_organisation")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_record")),
        sa.UniqueConstraint(
            "organisation", "id", name=op.f("uq_record_organisation_id")
        ),
    )
    with op.batch_alter_table("record", schema=None) as batch_op:
        batch_op.create_index("ix_record_crop", ["crop", "happened_ms"], unique=False)
        batch_op.create_index(
            batch_op.f("ix_record_organisation"), ["organisation"], unique=False
        )

    op.create_table(
        "lot",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("product", sa.Text(), nullable=False),
        sa.Column("crop", sa.Text(), nullable=False),
        sa.Column("unit", sa.Text(), nullable=False),
        sa.Column("harvest", sa.Text(), nullable=False),
        sa.Column("harvested_ms", sa.BigInteger(), nullable=False),
        sa.Column("kg", sa.Double(), nullable=False),
        sa.Column("evidence", sa.JSON(), nullable=False),
        sa.Column("evidence_digest", sa.Text(), nullable=False),
        sa.Column("created_ms", sa.BigInteger(), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("organisation", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["created_by"], ["person.id"], name=op.f("fk_lot_created_by")
        ),
        sa.ForeignKeyConstraint(
            ["organisation", "crop"],
            ["crop.organisation", "crop.id"],
            name=op.f("fk_lot_organisation_crop"),
        ),
        sa.ForeignKeyConstraint(
            ["organisation", "harvest"],
            ["record.organisation", "record.id"],
            name=op.f("fk_lot_organisation_harvest"),
        ),
        sa.ForeignKeyConstraint(
            ["organisation", "product"],
            ["product.organisation", "product.id"],
            name=op.f("fk_lot_organisation_product"),
        ),
        sa.ForeignKeyConstraint(
            ["organisation", "unit"],
            ["unit.organisation", "unit.id"],
            name=op.f("fk_lot_organisation_unit"),
        ),
        sa.ForeignKeyConstraint(
            ["organisation"], ["organisation.id"], name=op.f("fk_lot_organisation")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lot")),
        sa.UniqueConstraint("harvest", name=op.f("uq_lot_harvest")),
        sa.UniqueConstraint("organisation", "id", name=op.f("uq_lot_organisation_id")),
        sa.UniqueConstraint("product", "code", name=op.f("uq_lot_product_code")),
    )
    with op.batch_alter_table("lot", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_lot_organisation"), ["organisation"], unique=False
        )

    # ### end Alembic commands ###
    make_append_only(("record", "lot", "trace_event"))
