"""EPCIS: what events are found by, capture jobs, tokens of programs."""

import sqlalchemy as sa
from alembic import op

from greenwater.storage.registry.migrations.append_only import make_append_only

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _tokens_and_jobs()
    _events()
    make_append_only(["epcis_event", "epcis_job"])


def _tokens_and_jobs() -> None:
    op.create_table(
        "api_token",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.Column("scopes", sa.Text(), nullable=False),
        sa.Column("made_ms", sa.BigInteger(), nullable=False),
        sa.Column("expires_ms", sa.BigInteger(), nullable=False),
        sa.Column("revoked_ms", sa.BigInteger(), nullable=True),
        sa.Column("organisation", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation"],
            ["organisation.id"],
            name=op.f("fk_api_token_organisation"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_token")),
        sa.UniqueConstraint("hash", name=op.f("uq_api_token_hash")),
    )
    with op.batch_alter_table("api_token", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_api_token_organisation"), ["organisation"], unique=False
        )

    op.create_table(
        "epcis_job",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("created_ms", sa.BigInteger(), nullable=False),
        sa.Column("finished_ms", sa.BigInteger(), nullable=False),
        sa.Column("behaviour", sa.Text(), nullable=False),
        sa.Column("is_success", sa.Boolean(), nullable=False),
        sa.Column("captured", sa.BigInteger(), nullable=False),
        sa.Column("detail", sa.JSON(), nullable=False),
        sa.Column("organisation", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation"],
            ["organisation.id"],
            name=op.f("fk_epcis_job_organisation"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_epcis_job")),
    )
    with op.batch_alter_table("epcis_job", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_epcis_job_organisation"), ["organisation"], unique=False
        )
        batch_op.create_index("ix_epcis_job_time", ["created_ms", "id"], unique=False)


def _events() -> None:
    op.create_table(
        "epcis_event",
        sa.Column("organisation", sa.Text(), nullable=False),
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("event_id", sa.Text(), nullable=False),
        sa.Column("is_error", sa.Boolean(), nullable=False),
        sa.Column("is_bare", sa.Boolean(), nullable=False),
        sa.Column("event_ms", sa.BigInteger(), nullable=False),
        sa.Column("recorded_ms", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation", "number"],
            ["trace_event.organisation", "trace_event.number"],
            name=op.f("fk_epcis_event_organisation_number"),
        ),
        sa.ForeignKeyConstraint(
            ["organisation"],
            ["organisation.id"],
            name=op.f("fk_epcis_event_organisation"),
        ),
        sa.PrimaryKeyConstraint("organisation", "number", name=op.f("pk_epcis_event")),
    )
    with op.batch_alter_table("epcis_event", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_epcis_event_organisation"), ["organisation"], unique=False
        )
        batch_op.create_index(
            "ix_epcis_event_recorded",
            ["recorded_ms", "organisation", "number"],
            unique=False,
        )
        batch_op.create_index(
            "ix_epcis_event_time", ["event_ms", "organisation", "number"], unique=False
        )
        batch_op.create_index(
            "uq_epcis_event_id", ["organisation", "event_id", "is_error"], unique=True
        )

    op.create_table(
        "epcis_entry",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("event", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=True),
        sa.Column("value", sa.Float(precision=53), nullable=True),
        sa.Column("organisation", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation", "event"],
            ["epcis_event.organisation", "epcis_event.number"],
            name=op.f("fk_epcis_entry_organisation_event"),
        ),
        sa.ForeignKeyConstraint(
            ["organisation"],
            ["organisation.id"],
            name=op.f("fk_epcis_entry_organisation"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_epcis_entry")),
    )
    with op.batch_alter_table("epcis_entry", schema=None) as batch_op:
        batch_op.create_index(
            "ix_epcis_entry_event", ["organisation", "event", "name"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_epcis_entry_organisation"), ["organisation"], unique=False
        )
        batch_op.create_index(
            "ix_epcis_entry_text",
            ["name", "text", "organisation", "event"],
            unique=False,
        )
        batch_op.create_index(
            "ix_epcis_entry_value",
            ["name", "value", "organisation", "event"],
            unique=False,
        )
