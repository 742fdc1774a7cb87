"""A vessel's book, papers drawn from landings, overrides of the gate; none ever changed."""

import sqlalchemy as sa
from alembic import op

from greenwater.storage.registry.migrations.append_only import make_append_only

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _table(
        "vessel_record",
        sa.Column("vessel", sa.Text(), nullable=False),
        sa.Column("trip", sa.Text(), nullable=True),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("happened_ms", sa.BigInteger(), nullable=False),
        sa.Column("entered_ms", sa.BigInteger(), nullable=False),
        sa.Column("received_ms", sa.BigInteger(), nullable=False),
        sa.Column("entered_by", sa.Text(), nullable=False),
        sa.Column("entered_for", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("fields", sa.JSON(), nullable=False),
        sa.Column("corrects", sa.Text(), nullable=True),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("frozen", sa.JSON(none_as_null=True), nullable=True),
        _within("vessel_record", "vessel", of="vessel"),
        _person("vessel_record", "entered_by"),
        _person("vessel_record", "entered_for"),
    )
    op.create_index(
        "ix_vessel_record_vessel",
        "vessel_record",
        ["vessel", "happened_ms"],
        unique=False,
    )
    _index("vessel_record", "trip")
    _table(
        "catch_paper",
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("landing", sa.Text(), nullable=False),
        sa.Column("parent", sa.Text(), nullable=True),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("holder", sa.Text(), nullable=False),
        sa.Column("kilograms", sa.JSON(), nullable=False),
        sa.Column("issued_ms", sa.BigInteger(), nullable=False),
        sa.Column("entered_ms", sa.BigInteger(), nullable=False),
        sa.Column("entered_by", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "(kind = 'receipt') = (parent IS NULL)",
            name=op.f("ck_catch_paper_drawn_from"),
        ),
        _within("catch_paper", "landing", of="vessel_record"),
        _within("catch_paper", "parent", of="catch_paper"),
        _person("catch_paper", "entered_by"),
    )
    _index("catch_paper", "landing")
    _index("catch_paper", "parent")
    _table(
        "gate_override",
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("agrees", sa.Text(), nullable=True),
        _within("gate_override", "agrees", of="gate_override"),
        _person("gate_override", "person"),
        sa.UniqueConstraint("agrees", name=op.f("uq_gate_override_agrees")),
    )
    _index("gate_override", "subject")
    make_append_only(("vessel_record", "catch_paper", "gate_override"))


def _table(name: str, *parts: sa.Column[object] | sa.Constraint) -> None:
    op.create_table(
        name,
        sa.Column("id", sa.Text(), nullable=False),
        *parts,
        sa.Column("organisation", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation"], ["organisation.id"], name=op.f(f"fk_{name}_organisation")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{name}")),
        sa.UniqueConstraint(
            "organisation", "id", name=op.f(f"uq_{name}_organisation_id")
        ),
    )
    _index(name, "organisation")


def _within(name: str, column: str, *, of: str) -> sa.Constraint:
    return sa.ForeignKeyConstraint(
        ["organisation", column],
        [f"{of}.organisation", f"{of}.id"],
        name=op.f(f"fk_{name}_organisation_{column}"),
    )


def _person(name: str, column: str) -> sa.Constraint:
    return sa.ForeignKeyConstraint(
        [column], ["person.id"], name=op.f(f"fk_{name}_{column}")
    )


def _index(name: str, column: str) -> None:
    op.create_index(op.f(f"ix_{name}_{column}"), name, [column], unique=False)
