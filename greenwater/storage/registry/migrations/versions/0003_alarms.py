"""Alarms and what people do to them."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:

    op.create_table(
        "analytics_state",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("document", sa.LargeBinary(), nullable=False),
        sa.Column("saved_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_analytics_state")),
    )
    op.create_table(
        "contact",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("place", sa.BigInteger(), nullable=False),
        sa.Column("organisation", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation"], ["organisation.id"], name=op.f("fk_contact_organisation")
        ),
        sa.ForeignKeyConstraint(
            ["person"], ["person.id"], name=op.f("fk_contact_person")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contact")),
        sa.UniqueConstraint(
            "organisation",
            "person",
            "url",
            name=op.f("uq_contact_organisation_person_url"),
        ),
    )
    with op.batch_alter_table("contact", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_contact_organisation"), ["organisation"], unique=False
        )

    op.create_table(
        "alarm",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("condition", sa.Text(), nullable=False),
        sa.Column("site", sa.Text(), nullable=True),
        sa.Column("unit", sa.Text(), nullable=True),
        sa.Column("device", sa.Text(), nullable=True),
        sa.Column("probe", sa.Text(), nullable=True),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=True),
        sa.Column("side", sa.Text(), nullable=True),
        sa.Column("depth_m", sa.Double(), nullable=True),
        sa.Column("severity", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("began_ms", sa.BigInteger(), nullable=False),
        sa.Column("raised_ms", sa.BigInteger(), nullable=False),
        sa.Column("acknowledged_ms", sa.BigInteger(), nullable=True),
        sa.Column("acknowledged_by", sa.Text(), nullable=True),
        sa.Column("returned_ms", sa.BigInteger(), nullable=True),
        sa.Column("cleared_ms", sa.BigInteger(), nullable=True),
        sa.Column("taken_ms", sa.BigInteger(), nullable=True),
        sa.Column("value", sa.Double(), nullable=True),
        sa.Column("worst", sa.Double(), nullable=True),
        sa.Column("limit", sa.Double(), nullable=True),
        sa.Column("trend_per_h", sa.Double(), nullable=True),
        sa.Column("is_late", sa.Boolean(), nullable=False),
        sa.Column("is_simulated", sa.Boolean(), nullable=False),
        sa.Column("detail", sa.JSON(), nullable=False),
        sa.Column("organisation", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["acknowledged_by"], ["person.id"], name=op.f("fk_alarm_acknowledged_by")
        ),
        sa.ForeignKeyConstraint(
            ["organisation", "device"],
            ["device.organisation", "device.id"],
            name=op.f("fk_alarm_organisation_device"),
        ),
        sa.ForeignKeyConstraint(
            ["organisation", "site"],
            ["site.organisation", "site.id"],
            name=op.f("fk_alarm_organisation_site"),
        ),
        sa.ForeignKeyConstraint(
            ["organisation", "unit"],
            ["unit.organisation", "unit.id"],
            name=op.f("fk_alarm_organisation_unit"),
        ),
        sa.ForeignKeyConstraint(
            ["organisation"], ["organisation.id"], name=op.f("fk_alarm_organisation")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alarm")),
        sa.UniqueConstraint(
            "organisation", "id", name=op.f("uq_alarm_organisation_id")
        ),
    )
    with op.batch_alter_table("alarm", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_alarm_organisation"), ["organisation"], unique=False
        )
        batch_op.create_index(
            "ix_alarm_raised", ["organisation", "raised_ms"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_alarm_unit"), ["unit"], unique=False)
        batch_op.create_index(
            "uq_alarm_open",
            ["condition"],
            unique=True,
            sqlite_where=sa.text("cleared_ms IS NULL"),
            postgresql_where=sa.text("cleared_ms IS NULL"),
        )

    op.create_table(
        "alarm_act",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("alarm", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("via", sa.Text(), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("settled_ms", sa.BigInteger(), nullable=True),
        sa.Column("organisation", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation", "alarm"],
            ["alarm.organisation", "alarm.id"],
            name=op.f("fk_alarm_act_organisation_alarm"),
        ),
        sa.ForeignKeyConstraint(
            ["organisation"],
            ["organisation.id"],
            name=op.f("fk_alarm_act_organisation"),
        ),
        sa.ForeignKeyConstraint(
            ["person"], ["person.id"], name=op.f("fk_alarm_act_person")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alarm_act")),
        sa.UniqueConstraint(
            "alarm",
            "kind",
            "person",
            "via",
            name=op.f("uq_alarm_act_alarm_kind_person_via"),
        ),
    )
    with op.batch_alter_table("alarm_act", schema=None) as batch_op:
        batch_op.create_index(
            "ix_alarm_act_open",
            ["id"],
            unique=False,
            sqlite_where=sa.text("settled_ms IS NULL"),
            postgresql_where=sa.text("settled_ms IS NULL"),
        )
        batch_op.create_index(
            batch_op.f("ix_alarm_act_organisation"), ["organisation"], unique=False
        )

    op.create_table(
        "alarm_link",
        sa.Column("token_hash", sa.Text(), nullable=False),
        sa.Column("alarm", sa.Text(), nullable=False),
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("expires_ms", sa.BigInteger(), nullable=False),
        sa.Column("organisation", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation", "alarm"],
            ["alarm.organisation", "alarm.id"],
            name=op.f("fk_alarm_link_organisation_alarm"),
        ),
        sa.ForeignKeyConstraint(
            ["organisation"],
            ["organisation.id"],
            name=op.f("fk_alarm_link_organisation"),
        ),
        sa.ForeignKeyConstraint(
            ["person"], ["person.id"], name=op.f("fk_alarm_link_person")
        ),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("pk_alarm_link")),
    )
    with op.batch_alter_table("alarm_link", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_alarm_link_organisation"), ["organisation"], unique=False
        )

    op.create_table(
        "alarm_step",
        sa.Column(
            "number",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            nullable=False,
        ),
        sa.Column("alarm", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("person", sa.Text(), nullable=True),
        sa.Column("via", sa.Text(), nullable=True),
        sa.Column("detail", sa.JSON(), nullable=False),
        sa.Column("organisation", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation", "alarm"],
            ["alarm.organisation", "alarm.id"],
            name=op.f("fk_alarm_step_organisation_alarm"),
        ),
        sa.ForeignKeyConstraint(
            ["organisation"],
            ["organisation.id"],
            name=op.f("fk_alarm_step_organisation"),
        ),
        sa.ForeignKeyConstraint(
            ["person"], ["person.id"], name=op.f("fk_alarm_step_person")
        ),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_alarm_step")),
        sa.UniqueConstraint("alarm", "key", name=op.f("uq_alarm_step_alarm_key")),
    )
    with op.batch_alter_table("alarm_step", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_alarm_step_organisation"), ["organisation"], unique=False
        )

    op.create_table(
        "notification",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("alarm", sa.Text(), nullable=False),
        sa.Column("step", sa.Text(), nullable=False),
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("due_ms", sa.BigInteger(), nullable=False),
        sa.Column("sent_ms", sa.BigInteger(), nullable=True),
        sa.Column("dropped_ms", sa.BigInteger(), nullable=True),
        sa.Column("attempts", sa.BigInteger(), nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("organisation", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation", "alarm"],
            ["alarm.organisation", "alarm.id"],
            name=op.f("fk_notification_organisation_alarm"),
        ),
        sa.ForeignKeyConstraint(
            ["organisation"],
            ["organisation.id"],
            name=op.f("fk_notification_organisation"),
        ),
        sa.ForeignKeyConstraint(
            ["person"], ["person.id"], name=op.f("fk_notification_person")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notification")),
    )
    with op.batch_alter_table("notification", schema=None) as batch_op:
        batch_op.create_index(
            "ix_notification_open",
            ["due_ms"],
            unique=False,
            sqlite_where=sa.text("sent_ms IS NULL AND dropped_ms IS NULL"),
            postgresql_where=sa.text("sent_ms IS NULL AND dropped_ms IS NULL"),
        )
        batch_op.create_index(
            batch_op.f("ix_notification_organisation"), ["organisation"], unique=False
        )

    # ### end Alembic commands ###
