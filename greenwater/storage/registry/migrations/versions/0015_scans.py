"""Scans of labels, reports of the public, inspections."""

import sqlalchemy as sa
from alembic import op

from greenwater.storage.registry.migrations.append_only import make_append_only

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Without a batch: it would rebuild the table, and lose the triggers of 0005.
    op.create_index(op.f("ix_label_uri"), "label", ["uri"], unique=False)
    _scans()
    _reports()
    _inspections()
    make_append_only(("inspection",))


def _owned(table: str) -> tuple[sa.Column[str], sa.ForeignKeyConstraint]:
    name = op.f(f"fk_{table}_organisation")
    return (
        sa.Column("organisation", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["organisation"], ["organisation.id"], name=name),
    )


def _scans() -> None:
    op.create_table(
        "scan",
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("hour_ms", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("place", sa.Text(), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        *_owned("scan"),
        sa.ForeignKeyConstraint(
            ["organisation", "label"],
            ["label.organisation", "label.id"],
            name=op.f("fk_scan_organisation_label"),
        ),
        sa.PrimaryKeyConstraint("label", "hour_ms", "place", name=op.f("pk_scan")),
    )
    op.create_index(op.f("ix_scan_organisation"), "scan", ["organisation"])
    op.create_index(op.f("ix_scan_hour_ms"), "scan", ["hour_ms"])


def _reports() -> None:
    op.create_table(
        "label_report",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("place", sa.Text(), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("answer", sa.Text(), nullable=True),
        sa.Column("answered_by", sa.Text(), nullable=True),
        sa.Column("answered_ms", sa.BigInteger(), nullable=True),
        *_owned("label_report"),
        sa.ForeignKeyConstraint(
            ["answered_by"], ["person.id"], name=op.f("fk_label_report_answered_by")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_label_report")),
        sa.UniqueConstraint(
            "organisation", "id", name=op.f("uq_label_report_organisation_id")
        ),
    )
    for column in ("organisation", "at_ms"):
        op.create_index(op.f(f"ix_label_report_{column}"), "label_report", [column])


def _inspections() -> None:
    op.create_table(
        "inspector_key",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("public", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("from_ms", sa.BigInteger(), nullable=False),
        sa.Column("ended_ms", sa.BigInteger(), nullable=True),
        sa.Column("is_lost", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["person"], ["person.id"], name=op.f("fk_inspector_key_person")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_inspector_key")),
    )
    op.create_index(op.f("ix_inspector_key_person"), "inspector_key", ["person"])
    op.create_table(
        "inspection",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("lot", sa.Text(), nullable=False),
        sa.Column("label", sa.Text(), nullable=True),
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("result", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("statement", sa.Text(), nullable=False),
        sa.Column("happened_ms", sa.BigInteger(), nullable=False),
        sa.Column("received_ms", sa.BigInteger(), nullable=False),
        *_owned("inspection"),
        sa.CheckConstraint(
            "result IN ('conformant', 'non_conformant')",
            name=op.f("ck_inspection_known_result"),
        ),
        sa.ForeignKeyConstraint(
            ["key"], ["inspector_key.id"], name=op.f("fk_inspection_key")
        ),
        sa.ForeignKeyConstraint(
            ["organisation", "lot"],
            ["lot.organisation", "lot.id"],
            name=op.f("fk_inspection_organisation_lot"),
        ),
        sa.ForeignKeyConstraint(
            ["person"], ["person.id"], name=op.f("fk_inspection_person")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_inspection")),
        sa.UniqueConstraint(
            "organisation", "id", name=op.f("uq_inspection_organisation_id")
        ),
    )
    for column in ("organisation", "person"):
        op.create_index(op.f(f"ix_inspection_{column}"), "inspection", [column])
    op.create_index("ix_inspection_lot", "inspection", ["lot", "happened_ms"])
