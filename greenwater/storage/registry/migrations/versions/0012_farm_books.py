"""What a farm's book holds beyond one pond: places, photos, confirmations."""

import sqlalchemy as sa
from alembic import op

from greenwater.storage.registry.migrations.append_only import make_append_only

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

_SITES = (
    "UPDATE record SET site = (SELECT unit.site FROM unit WHERE unit.id = record.unit)"
)


def upgrade() -> None:
    is_sqlite = op.get_bind().dialect.name == "sqlite"
    _records()
    if is_sqlite:
        op.execute(_SITES)
        make_append_only(["record"])  # SQLite rebuilt it, without its triggers
    else:
        op.execute("ALTER TABLE record DISABLE TRIGGER record_no_update")
        op.execute(_SITES)
        op.execute("ALTER TABLE record ENABLE TRIGGER record_no_update")
    op.create_table(
        "record_confirmation",
        sa.Column("record", sa.Text(), nullable=False),
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        *_of_a_record("record_confirmation", "person"),
        sa.PrimaryKeyConstraint(
            "record", "person", name=op.f("pk_record_confirmation")
        ),
    )
    op.create_table(
        "record_photo",
        sa.Column("record", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("width", sa.BigInteger(), nullable=False),
        sa.Column("height", sa.BigInteger(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("added_ms", sa.BigInteger(), nullable=False),
        sa.Column("added_by", sa.Text(), nullable=False),
        *_of_a_record("record_photo", "added_by"),
        sa.PrimaryKeyConstraint("record", "digest", name=op.f("pk_record_photo")),
    )
    for table in ("record_confirmation", "record_photo"):
        op.create_index(op.f(f"ix_{table}_organisation"), table, ["organisation"])
    make_append_only(["record_confirmation", "record_photo"])


def _records() -> None:
    with op.batch_alter_table("record", schema=None) as batch_op:
        batch_op.add_column(sa.Column("site", sa.Text(), nullable=True))
        batch_op.add_column(sa.Column("behalf_of", sa.Text(), nullable=True))
        for column in ("crop", "unit"):
            batch_op.alter_column(column, existing_type=sa.Text(), nullable=True)
        batch_op.drop_constraint("fk_record_organisation_corrects", type_="foreignkey")
        batch_op.create_foreign_key(
            batch_op.f("fk_record_organisation_site"),
            "site",
            ["organisation", "site"],
            ["organisation", "id"],
        )
        batch_op.create_foreign_key(
            batch_op.f("fk_record_behalf_of"), "person", ["behalf_of"], ["id"]
        )
    for name, columns in (
        ("ix_record_unit", ["unit", "happened_ms"]),
        ("ix_record_site", ["site", "happened_ms"]),
        ("ix_record_corrects", ["corrects"]),
        ("ix_record_entered", ["organisation", "entered_ms", "id"]),
    ):
        op.create_index(name, "record", columns)


def _of_a_record(table: str, person: str) -> list[sa.schema.SchemaItem]:
    """Return the organisation, and what the table refers to."""
    return [
        sa.Column("organisation", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation", "record"],
            ["record.organisation", "record.id"],
            name=op.f(f"fk_{table}_organisation_record"),
        ),
        sa.ForeignKeyConstraint(
            ["organisation"], ["organisation.id"], name=op.f(f"fk_{table}_organisation")
        ),
        sa.ForeignKeyConstraint(
            [person], ["person.id"], name=op.f(f"fk_{table}_{person}")
        ),
    ]
