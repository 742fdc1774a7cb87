"""People, places and devices, all within an organisation; what operators keep."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "ingest_epoch",
        sa.Column(
            "number",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            nullable=False,
        ),
        sa.Column("id", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_ingest_epoch")),
        sa.UniqueConstraint("id", name=op.f("uq_ingest_epoch_id")),
    )
    op.create_table(
        "operator_alarm",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("raised_ms", sa.BigInteger(), nullable=False),
        sa.Column("cleared_ms", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_operator_alarm")),
    )
    with op.batch_alter_table("operator_alarm", schema=None) as batch_op:
        batch_op.create_index(
            "uq_operator_alarm_open",
            ["kind", "subject"],
            unique=True,
            sqlite_where=sa.text("cleared_ms IS NULL"),
            postgresql_where=sa.text("cleared_ms IS NULL"),
        )

    op.create_table(
        "organisation",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_organisation")),
    )
    op.create_table(
        "person",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("phone", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_person")),
        sa.UniqueConstraint("phone", name=op.f("uq_person_phone")),
    )
    op.create_table(
        "quarantine",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("device", sa.Text(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("topic", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("received_ms", sa.BigInteger(), nullable=False),
        sa.Column("replayed_ms", sa.BigInteger(), nullable=True),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("raw", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_quarantine")),
        sa.UniqueConstraint(
            "device", "kind", "digest", name=op.f("uq_quarantine_device_kind_digest")
        ),
    )
    with op.batch_alter_table("quarantine", schema=None) as batch_op:
        batch_op.create_index(
            "ix_quarantine_held",
            ["account", "id"],
            unique=False,
            sqlite_where=sa.text("raw IS NOT NULL"),
            postgresql_where=sa.text("raw IS NOT NULL"),
        )

    op.create_table(
        "quarantine_account",
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("held_bytes", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("account", name=op.f("pk_quarantine_account")),
    )
    op.create_table(
        "membership",
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("organisation", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation"],
            ["organisation.id"],
            name=op.f("fk_membership_organisation"),
        ),
        sa.ForeignKeyConstraint(
            ["person"], ["person.id"], name=op.f("fk_membership_person")
        ),
        sa.PrimaryKeyConstraint(
            "person", "organisation", "role", name=op.f("pk_membership")
        ),
    )
    with op.batch_alter_table("membership", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_membership_organisation"), ["organisation"], unique=False
        )

    op.create_table(
        "site",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("commune", sa.Text(), nullable=True),
        sa.Column("latitude", sa.Double(), nullable=True),
        sa.Column("longitude", sa.Double(), nullable=True),
        sa.Column("organisation", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation"], ["organisation.id"], name=op.f("fk_site_organisation")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_site")),
        sa.UniqueConstraint("organisation", "id", name=op.f("uq_site_organisation_id")),
    )
    with op.batch_alter_table("site", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_site_organisation"), ["organisation"], unique=False
        )

    op.create_table(
        "vessel",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("length_m", sa.Double(), nullable=True),
        sa.Column("gear", sa.Text(), nullable=True),
        sa.Column("organisation", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation"], ["organisation.id"], name=op.f("fk_vessel_organisation")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_vessel")),
        sa.UniqueConstraint(
            "organisation", "id", name=op.f("uq_vessel_organisation_id")
        ),
    )
    with op.batch_alter_table("vessel", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_vessel_organisation"), ["organisation"], unique=False
        )

    op.create_table(
        "device",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("site", sa.Text(), nullable=True),
        sa.Column("vessel", sa.Text(), nullable=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("is_simulated", sa.Boolean(), nullable=False),
        sa.Column("bcrypt_hash", sa.Text(), nullable=False),
        sa.Column("pbkdf2_hash", sa.Text(), nullable=False),
        sa.Column("added_ms", sa.BigInteger(), nullable=False),
        sa.Column("revoked_ms", sa.BigInteger(), nullable=True),
        sa.Column("organisation", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "(site IS NULL) <> (vessel IS NULL)", name=op.f("ck_device_one_place")
        ),
        sa.ForeignKeyConstraint(
            ["organisation", "site"],
            ["site.organisation", "site.id"],
            name=op.f("fk_device_organisation_site"),
        ),
        sa.ForeignKeyConstraint(
            ["organisation", "vessel"],
            ["vessel.organisation", "vessel.id"],
            name=op.f("fk_device_organisation_vessel"),
        ),
        sa.ForeignKeyConstraint(
            ["organisation"], ["organisation.id"], name=op.f("fk_device_organisation")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_device")),
        sa.UniqueConstraint(
            "organisation", "id", name=op.f("uq_device_organisation_id")
        ),
    )
    with op.batch_alter_table("device", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_device_organisation"), ["organisation"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_device_site"), ["site"], unique=False)
        batch_op.create_index(batch_op.f("ix_device_vessel"), ["vessel"], unique=False)

    op.create_table(
        "raft",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("site", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("organisation", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation", "site"],
            ["site.organisation", "site.id"],
            name=op.f("fk_raft_organisation_site"),
        ),
        sa.ForeignKeyConstraint(
            ["organisation"], ["organisation.id"], name=op.f("fk_raft_organisation")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_raft")),
        sa.UniqueConstraint("site", "id", name=op.f("uq_raft_site_id")),
    )
    with op.batch_alter_table("raft", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_raft_organisation"), ["organisation"], unique=False
        )

    op.create_table(
        "command",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("device", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("args", sa.JSON(), nullable=False),
        sa.Column("created_ms", sa.BigInteger(), nullable=False),
        sa.Column("expires_ms", sa.BigInteger(), nullable=False),
        sa.Column("settled_ms", sa.BigInteger(), nullable=True),
        sa.Column("is_done", sa.Boolean(), nullable=True),
        sa.Column("message", sa.Text(), nullable=True),
        sa.Column("organisation", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation", "device"],
            ["device.organisation", "device.id"],
            name=op.f("fk_command_organisation_device"),
        ),
        sa.ForeignKeyConstraint(
            ["organisation"], ["organisation.id"], name=op.f("fk_command_organisation")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_command")),
    )
    with op.batch_alter_table("command", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_command_device"), ["device"], unique=False)
        batch_op.create_index(
            "ix_command_open",
            ["expires_ms"],
            unique=False,
            sqlite_where=sa.text("settled_ms IS NULL"),
            postgresql_where=sa.text("settled_ms IS NULL"),
        )
        batch_op.create_index(
            batch_op.f("ix_command_organisation"), ["organisation"], unique=False
        )

    op.create_table(
        "device_status",
        sa.Column("device", sa.Text(), nullable=False),
        sa.Column("received_ms", sa.BigInteger(), nullable=False),
        sa.Column("document", sa.JSON(), nullable=False),
        sa.Column("organisation", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation", "device"],
            ["device.organisation", "device.id"],
            name=op.f("fk_device_status_organisation_device"),
        ),
        sa.ForeignKeyConstraint(
            ["organisation"],
            ["organisation.id"],
            name=op.f("fk_device_status_organisation"),
        ),
        sa.PrimaryKeyConstraint("device", name=op.f("pk_device_status")),
    )
    with op.batch_alter_table("device_status", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_device_status_organisation"), ["organisation"], unique=False
        )

    op.create_table(
        "probe",
        sa.Column("device", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("profile", sa.Text(), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("organisation", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation", "device"],
            ["device.organisation", "device.id"],
            name=op.f("fk_probe_organisation_device"),
        ),
        sa.ForeignKeyConstraint(
            ["organisation"], ["organisation.id"], name=op.f("fk_probe_organisation")
        ),
        sa.PrimaryKeyConstraint("device", "id", name=op.f("pk_probe")),
    )
    with op.batch_alter_table("probe", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_probe_organisation"), ["organisation"], unique=False
        )

    op.create_table(
        "unit",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("site", sa.Text(), nullable=False),
        sa.Column("raft", sa.Text(), nullable=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("species", sa.Text(), nullable=True),
        sa.Column("area_m2", sa.Double(), nullable=True),
        sa.Column("depth_m", sa.Double(), nullable=True),
        sa.Column("organisation", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation", "site"],
            ["site.organisation", "site.id"],
            name=op.f("fk_unit_organisation_site"),
        ),
        sa.ForeignKeyConstraint(
            ["organisation"], ["organisation.id"], name=op.f("fk_unit_organisation")
        ),
        sa.ForeignKeyConstraint(
            ["site", "raft"], ["raft.site", "raft.id"], name=op.f("fk_unit_site_raft")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_unit")),
        sa.UniqueConstraint("organisation", "id", name=op.f("uq_unit_organisation_id")),
    )
    with op.batch_alter_table("unit", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_unit_organisation"), ["organisation"], unique=False
        )
        batch_op.create_index("ix_unit_place", ["site", "raft"], unique=False)

    op.create_table(
        "deployment",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("device", sa.Text(), nullable=False),
        sa.Column("probe", sa.Text(), nullable=False),
        sa.Column("unit", sa.Text(), nullable=True),
        sa.Column("vessel", sa.Text(), nullable=True),
        sa.Column("depth_m", sa.Double(), nullable=True),
        sa.Column("from_ms", sa.BigInteger(), nullable=False),
        sa.Column("to_ms", sa.BigInteger(), nullable=True),
        sa.Column("recorded_ms", sa.BigInteger(), nullable=False),
        sa.Column("superseded_ms", sa.BigInteger(), nullable=True),
        sa.Column("organisation", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "(unit IS NULL) <> (vessel IS NULL)", name=op.f("ck_deployment_one_place")
        ),
        sa.CheckConstraint(
            "to_ms IS NULL OR to_ms > from_ms", name=op.f("ck_deployment_forward")
        ),
        sa.ForeignKeyConstraint(
            ["device", "probe"],
            ["probe.device", "probe.id"],
            name=op.f("fk_deployment_device_probe"),
        ),
        sa.ForeignKeyConstraint(
            ["organisation", "device"],
            ["device.organisation", "device.id"],
            name=op.f("fk_deployment_organisation_device"),
        ),
        sa.ForeignKeyConstraint(
            ["organisation", "unit"],
            ["unit.organisation", "unit.id"],
            name=op.f("fk_deployment_organisation_unit"),
        ),
        sa.ForeignKeyConstraint(
            ["organisation", "vessel"],
            ["vessel.organisation", "vessel.id"],
            name=op.f("fk_deployment_organisation_vessel"),
        ),
        sa.ForeignKeyConstraint(
            ["organisation"],
            ["organisation.id"],
            name=op.f("fk_deployment_organisation"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deployment")),
    )
    with op.batch_alter_table("deployment", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_deployment_organisation"), ["organisation"], unique=False
        )
        batch_op.create_index(
            "ix_deployment_probe", ["device", "probe", "from_ms"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_deployment_unit"), ["unit"], unique=False)
        batch_op.create_index(
            batch_op.f("ix_deployment_vessel"), ["vessel"], unique=False
        )
        batch_op.create_index(
            "uq_deployment_open",
            ["device", "probe"],
            unique=True,
            sqlite_where=sa.text("to_ms IS NULL AND superseded_ms IS NULL"),
            postgresql_where=sa.text("to_ms IS NULL AND superseded_ms IS NULL"),
        )
