"""Lots of every origin, what was done to them, and the flow of kilograms."""

import sqlalchemy as sa
from alembic import op

from greenwater.storage.registry.migrations.append_only import make_append_only

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _steps()
    _lots()
    _flows()
    op.create_table(
        "ledger_root",
        sa.Column("day", sa.Text(), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("signature", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("day", name=op.f("pk_ledger_root")),
    )
    made = ["lot_step", "lot_flow", "ledger_root"]
    if op.get_bind().dialect.name == "sqlite":
        made.append("lot")  # SQLite rebuilt it, without its triggers
    make_append_only(made)


def _steps() -> None:
    op.create_table(
        "lot_step",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("entered_ms", sa.BigInteger(), nullable=False),
        sa.Column("entered_by", sa.Text(), nullable=False),
        sa.Column("recipient", sa.Text(), nullable=True),
        sa.Column("shipment", sa.Text(), nullable=True),
        sa.Column("fields", sa.JSON(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("organisation", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["entered_by"], ["person.id"], name=op.f("fk_lot_step_entered_by")
        ),
        sa.ForeignKeyConstraint(
            ["organisation"], ["organisation.id"], name=op.f("fk_lot_step_organisation")
        ),
        sa.ForeignKeyConstraint(
            ["recipient"], ["organisation.id"], name=op.f("fk_lot_step_recipient")
        ),
        sa.ForeignKeyConstraint(
            ["shipment"], ["lot_step.id"], name=op.f("fk_lot_step_shipment")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lot_step")),
        sa.UniqueConstraint(
            "organisation", "id", name=op.f("uq_lot_step_organisation_id")
        ),
        sa.UniqueConstraint("shipment", name=op.f("uq_lot_step_shipment")),
    )
    for column in ("organisation", "recipient"):
        op.create_index(op.f(f"ix_lot_step_{column}"), "lot_step", [column])
    op.create_index("ix_lot_step_time", "lot_step", ["organisation", "at_ms"])


def _lots() -> None:
    with op.batch_alter_table("lot", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column("origin", sa.Text(), nullable=False, server_default="harvest")
        )
        batch_op.add_column(sa.Column("landing", sa.Text(), nullable=True))
        batch_op.add_column(sa.Column("step", sa.Text(), nullable=True))
        for column in ("crop", "unit", "harvest"):
            batch_op.alter_column(column, existing_type=sa.Text(), nullable=True)
        batch_op.create_foreign_key(
            batch_op.f("fk_lot_organisation_step"),
            "lot_step",
            ["organisation", "step"],
            ["organisation", "id"],
        )
        batch_op.create_index(batch_op.f("ix_lot_landing"), ["landing"])
        batch_op.create_index(batch_op.f("ix_lot_step"), ["step"])
    with op.batch_alter_table("lot", schema=None) as batch_op:
        batch_op.alter_column("origin", existing_type=sa.Text(), server_default=None)


def _flows() -> None:
    op.create_table(
        "lot_flow",
        sa.Column("step", sa.Text(), nullable=False),
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("lot", sa.Text(), nullable=False),
        sa.Column("direction", sa.Text(), nullable=False),
        sa.Column("kg", sa.Double(), nullable=False),
        sa.Column("species", sa.Text(), nullable=False),
        sa.Column("package", sa.Text(), nullable=True),
        sa.Column("organisation", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["lot"], ["lot.id"], name=op.f("fk_lot_flow_lot")),
        sa.ForeignKeyConstraint(
            ["organisation", "step"],
            ["lot_step.organisation", "lot_step.id"],
            name=op.f("fk_lot_flow_organisation_step"),
        ),
        sa.ForeignKeyConstraint(
            ["organisation"], ["organisation.id"], name=op.f("fk_lot_flow_organisation")
        ),
        sa.PrimaryKeyConstraint("step", "number", name=op.f("pk_lot_flow")),
    )
    op.create_index(op.f("ix_lot_flow_organisation"), "lot_flow", ["organisation"])
    op.create_index("ix_lot_flow_lot", "lot_flow", ["lot", "organisation"])
    op.create_index("ix_lot_flow_package", "lot_flow", ["package"])
