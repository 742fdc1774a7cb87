"""Offices, certificates, claims, calibrations, dossiers and their signed steps."""

import sqlalchemy as sa
from alembic import op

from greenwater.storage.registry.migrations.append_only import make_append_only

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "office",
        sa.Column("organisation", sa.Text(), nullable=False),
        sa.Column("task", sa.Text(), nullable=False),
        sa.Column("commune", sa.Text(), nullable=True),
        sa.Column("code", sa.Text(), nullable=True),
        sa.Column("raw_code", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["organisation"], ["organisation.id"], name=op.f("fk_office_organisation")
        ),
        sa.PrimaryKeyConstraint("organisation", name=op.f("pk_office")),
    )
    with op.batch_alter_table("office", schema=None) as batch_op:
        batch_op.create_index(
            "uq_office_code",
            ["code"],
            unique=True,
            sqlite_where=sa.text("code IS NOT NULL"),
            postgresql_where=sa.text("code IS NOT NULL"),
        )
        batch_op.create_index(
            "uq_office_commune",
            ["commune"],
            unique=True,
            sqlite_where=sa.text("commune IS NOT NULL"),
            postgresql_where=sa.text("commune IS NOT NULL"),
        )

    op.create_table(
        "certificate",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("office", sa.Text(), nullable=False),
        sa.Column("procedure", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("raw_code", sa.Text(), nullable=False),
        sa.Column("scope", sa.JSON(), nullable=False),
        sa.Column("issued_ms", sa.BigInteger(), nullable=False),
        sa.Column("until_ms", sa.BigInteger(), nullable=True),
        sa.Column("dossier", sa.Text(), nullable=True),
        sa.Column("is_simulated", sa.Boolean(), nullable=False),
        sa.Column("recorded_ms", sa.BigInteger(), nullable=False),
        sa.Column("recorded_by", sa.Text(), nullable=False),
        sa.Column("organisation", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["office"], ["office.organisation"], name=op.f("fk_certificate_office")
        ),
        sa.ForeignKeyConstraint(
            ["organisation"],
            ["organisation.id"],
            name=op.f("fk_certificate_organisation"),
        ),
        sa.ForeignKeyConstraint(
            ["recorded_by"], ["person.id"], name=op.f("fk_certificate_recorded_by")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_certificate")),
        sa.UniqueConstraint("code", name=op.f("uq_certificate_code")),
        sa.UniqueConstraint(
            "organisation", "id", name=op.f("uq_certificate_organisation_id")
        ),
    )
    with op.batch_alter_table("certificate", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_certificate_office"), ["office"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_certificate_organisation"), ["organisation"], unique=False
        )

    op.create_table(
        "sanction",
        sa.Column(
            "number",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            nullable=False,
        ),
        sa.Column("office", sa.Text(), nullable=False),
        sa.Column("level", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("person", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["office"], ["office.organisation"], name=op.f("fk_sanction_office")
        ),
        sa.ForeignKeyConstraint(
            ["person"], ["person.id"], name=op.f("fk_sanction_person")
        ),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_sanction")),
    )
    with op.batch_alter_table("sanction", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_sanction_office"), ["office"], unique=False
        )

    op.create_table(
        "certificate_act",
        sa.Column(
            "number",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            nullable=False,
        ),
        sa.Column("certificate", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("organisation", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation", "certificate"],
            ["certificate.organisation", "certificate.id"],
            name=op.f("fk_certificate_act_organisation_certificate"),
        ),
        sa.ForeignKeyConstraint(
            ["organisation"],
            ["organisation.id"],
            name=op.f("fk_certificate_act_organisation"),
        ),
        sa.ForeignKeyConstraint(
            ["person"], ["person.id"], name=op.f("fk_certificate_act_person")
        ),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_certificate_act")),
    )
    with op.batch_alter_table("certificate_act", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_certificate_act_certificate"), ["certificate"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_certificate_act_organisation"),
            ["organisation"],
            unique=False,
        )

    op.create_table(
        "certificate_claim",
        sa.Column(
            "number",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            nullable=False,
        ),
        sa.Column("product", sa.Text(), nullable=False),
        sa.Column("certificate", sa.Text(), nullable=True),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("organisation", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation", "certificate"],
            ["certificate.organisation", "certificate.id"],
            name=op.f("fk_certificate_claim_organisation_certificate"),
        ),
        sa.ForeignKeyConstraint(
            ["organisation", "product"],
            ["product.organisation", "product.id"],
            name=op.f("fk_certificate_claim_organisation_product"),
        ),
        sa.ForeignKeyConstraint(
            ["organisation"],
            ["organisation.id"],
            name=op.f("fk_certificate_claim_organisation"),
        ),
        sa.ForeignKeyConstraint(
            ["person"], ["person.id"], name=op.f("fk_certificate_claim_person")
        ),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_certificate_claim")),
    )
    with op.batch_alter_table("certificate_claim", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_certificate_claim_organisation"),
            ["organisation"],
            unique=False,
        )
        batch_op.create_index(
            batch_op.f("ix_certificate_claim_product"), ["product"], unique=False
        )

    op.create_table(
        "calibration",
        sa.Column(
            "number",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            nullable=False,
        ),
        sa.Column("device", sa.Text(), nullable=False),
        sa.Column("probe", sa.Text(), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("recorded_ms", sa.BigInteger(), nullable=False),
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("organisation", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["device", "probe"],
            ["probe.device", "probe.id"],
            name=op.f("fk_calibration_device_probe"),
        ),
        sa.ForeignKeyConstraint(
            ["organisation", "device"],
            ["device.organisation", "device.id"],
            name=op.f("fk_calibration_organisation_device"),
        ),
        sa.ForeignKeyConstraint(
            ["organisation"],
            ["organisation.id"],
            name=op.f("fk_calibration_organisation"),
        ),
        sa.ForeignKeyConstraint(
            ["person"], ["person.id"], name=op.f("fk_calibration_person")
        ),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_calibration")),
    )
    with op.batch_alter_table("calibration", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_calibration_organisation"), ["organisation"], unique=False
        )
        batch_op.create_index(
            "ix_calibration_probe", ["device", "probe", "at_ms"], unique=False
        )

    op.create_table(
        "dossier",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("procedure", sa.Text(), nullable=False),
        sa.Column("site", sa.Text(), nullable=False),
        sa.Column("crop", sa.Text(), nullable=True),
        sa.Column("decider", sa.Text(), nullable=False),
        sa.Column("checker", sa.Text(), nullable=True),
        sa.Column("created_ms", sa.BigInteger(), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("organisation", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["checker"], ["office.organisation"], name=op.f("fk_dossier_checker")
        ),
        sa.ForeignKeyConstraint(
            ["created_by"], ["person.id"], name=op.f("fk_dossier_created_by")
        ),
        sa.ForeignKeyConstraint(
            ["decider"], ["office.organisation"], name=op.f("fk_dossier_decider")
        ),
        sa.ForeignKeyConstraint(
            ["organisation", "crop"],
            ["crop.organisation", "crop.id"],
            name=op.f("fk_dossier_organisation_crop"),
        ),
        sa.ForeignKeyConstraint(
            ["organisation", "site"],
            ["site.organisation", "site.id"],
            name=op.f("fk_dossier_organisation_site"),
        ),
        sa.ForeignKeyConstraint(
            ["organisation"], ["organisation.id"], name=op.f("fk_dossier_organisation")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dossier")),
        sa.UniqueConstraint(
            "organisation", "id", name=op.f("uq_dossier_organisation_id")
        ),
    )
    with op.batch_alter_table("dossier", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_dossier_checker"), ["checker"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_dossier_decider"), ["decider"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_dossier_organisation"), ["organisation"], unique=False
        )

    op.create_table(
        "dossier_step",
        sa.Column("dossier", sa.Text(), nullable=False),
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=True),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("previous", sa.Text(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("signature", sa.Text(), nullable=False),
        sa.Column("organisation", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["key"], ["signing_key.id"], name=op.f("fk_dossier_step_key")
        ),
        sa.ForeignKeyConstraint(
            ["organisation", "dossier"],
            ["dossier.organisation", "dossier.id"],
            name=op.f("fk_dossier_step_organisation_dossier"),
        ),
        sa.ForeignKeyConstraint(
            ["organisation"],
            ["organisation.id"],
            name=op.f("fk_dossier_step_organisation"),
        ),
        sa.ForeignKeyConstraint(
            ["person"], ["person.id"], name=op.f("fk_dossier_step_person")
        ),
        sa.PrimaryKeyConstraint("dossier", "number", name=op.f("pk_dossier_step")),
        sa.UniqueConstraint("code", name=op.f("uq_dossier_step_code")),
    )
    with op.batch_alter_table("dossier_step", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_dossier_step_organisation"), ["organisation"], unique=False
        )

    make_append_only(
        (
            "sanction",
            "certificate",
            "certificate_act",
            "certificate_claim",
            "calibration",
            "dossier",
            "dossier_step",
        )
    )
