"""The whole life of alarms: shelved, out of service, hidden, repeated; hours of contacts."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0005"
branch_labels = None
depends_on = None

NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    for name in ("shelved_until_ms", "hidden_until_ms"):
        op.add_column("alarm", sa.Column(name, sa.BigInteger(), nullable=True))
    for name in ("shelved_by", "hidden", "hidden_by"):
        op.add_column("alarm", sa.Column(name, sa.Text(), nullable=True))
    op.add_column(
        "alarm",
        sa.Column("repeats", sa.BigInteger(), nullable=False, server_default="0"),
    )
    for name in ("from_min", "to_min"):
        op.add_column("contact", sa.Column(name, sa.BigInteger(), nullable=True))
    with op.batch_alter_table("alarm_act", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column("detail", sa.JSON(), nullable=False, server_default="{}")
        )
        batch_op.drop_constraint(
            batch_op.f("uq_alarm_act_alarm_kind_person_via"), type_="unique"
        )
        batch_op.create_unique_constraint(
            batch_op.f("uq_alarm_act_alarm_kind_person_via_at_ms"),
            ["alarm", "kind", "person", "via", "at_ms"],
        )
    op.create_table(
        "out_of_service",
        sa.Column("number", NUMBER, nullable=False),
        sa.Column("unit", sa.Text(), nullable=True),
        sa.Column("device", sa.Text(), nullable=True),
        sa.Column("probe", sa.Text(), nullable=True),
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("from_ms", sa.BigInteger(), nullable=False),
        sa.Column("until_ms", sa.BigInteger(), nullable=False),
        sa.Column("ended_ms", sa.BigInteger(), nullable=True),
        sa.Column("ended_by", sa.Text(), nullable=True),
        sa.Column("organisation", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["ended_by"], ["person.id"], name=op.f("fk_out_of_service_ended_by")
        ),
        sa.ForeignKeyConstraint(
            ["organisation", "device"],
            ["device.organisation", "device.id"],
            name=op.f("fk_out_of_service_organisation_device"),
        ),
        sa.ForeignKeyConstraint(
            ["organisation", "unit"],
            ["unit.organisation", "unit.id"],
            name=op.f("fk_out_of_service_organisation_unit"),
        ),
        sa.ForeignKeyConstraint(
            ["organisation"],
            ["organisation.id"],
            name=op.f("fk_out_of_service_organisation"),
        ),
        sa.ForeignKeyConstraint(
            ["person"], ["person.id"], name=op.f("fk_out_of_service_person")
        ),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_out_of_service")),
    )
    with op.batch_alter_table("out_of_service", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_out_of_service_organisation"), ["organisation"], unique=False
        )
        batch_op.create_index("ix_out_of_service_until", ["until_ms"], unique=False)
