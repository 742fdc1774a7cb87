"""Answers to writes that came with a key, master data, named queries; faster entries."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

_SORTED = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
_COPY = """
INSERT INTO epcis_entry (organisation, event, place, name, text, value, event_ms)
SELECT entry.organisation, entry.event,
       row_number() OVER (PARTITION BY entry.organisation, entry.event ORDER BY entry.id),
       entry.name, entry.text, entry.value, epcis_event.event_ms
FROM epcis_entry_old AS entry
JOIN epcis_event ON epcis_event.organisation = entry.organisation
                AND epcis_event.number = entry.event
"""


def upgrade() -> None:
    _writes()
    _tenanted()
    _events()
    _entries()


def _writes() -> None:
    op.create_table(
        "api_write",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("made_ms", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.BigInteger(), nullable=True),
        sa.Column("headers", sa.JSON(), nullable=True),
        sa.Column("body", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_write")),
    )
    op.create_index(op.f("ix_api_write_made_ms"), "api_write", ["made_ms"])


def _tenanted() -> None:
    op.create_table(
        "epcis_attribute",
        _organisation(),
        sa.Column("element", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        _belongs("epcis_attribute"),
        sa.PrimaryKeyConstraint(
            *("organisation", "element", "name", "text"),
            name=op.f("pk_epcis_attribute"),
        ),
    )
    op.create_index(
        "ix_epcis_attribute_name",
        "epcis_attribute",
        ["name", "text", "organisation", "element"],
    )
    op.create_table(
        "epcis_query",
        _organisation(),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("created_ms", sa.BigInteger(), nullable=False),
        sa.Column("parameters", sa.JSON(), nullable=False),
        _belongs("epcis_query"),
        sa.PrimaryKeyConstraint("organisation", "name", name=op.f("pk_epcis_query")),
    )


def _events() -> None:
    for name, key in (("time", "event_ms"), ("recorded", "recorded_ms")):
        op.create_index(
            f"ix_epcis_event_own_{name}", "epcis_event", ["organisation", key, "number"]
        )
    # The primary key begins with it already.
    op.drop_index("ix_epcis_event_organisation", table_name="epcis_event")


def _entries() -> None:
    """Keep an event's words beside each other, and the time of the event with each."""
    for name in ("event", "organisation", "text", "value"):
        op.drop_index(f"ix_epcis_entry_{name}", table_name="epcis_entry")
    op.rename_table("epcis_entry", "epcis_entry_old")
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            "ALTER TABLE epcis_entry_old RENAME CONSTRAINT pk_epcis_entry TO pk_old"
        )
    op.create_table(
        "epcis_entry",
        _organisation(),
        sa.Column("event", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("place", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("text", _SORTED, nullable=True),
        sa.Column("value", sa.Float(precision=53), nullable=True),
        sa.Column("event_ms", sa.BigInteger(), nullable=False),
        _belongs("epcis_entry"),
        sa.ForeignKeyConstraint(
            ["organisation", "event"],
            ["epcis_event.organisation", "epcis_event.number"],
            name=op.f("fk_epcis_entry_organisation_event"),
        ),
        sa.PrimaryKeyConstraint(
            *("organisation", "event", "place"), name=op.f("pk_epcis_entry")
        ),
        sqlite_with_rowid=False,
    )
    op.execute(_COPY)
    op.drop_table("epcis_entry_old")
    behind = ["organisation", "event_ms", "event"]
    op.create_index("ix_epcis_entry_text", "epcis_entry", ["name", "text", *behind])
    ahead = ["name", "text", "event_ms", "organisation", "event"]
    op.create_index("ix_epcis_entry_time", "epcis_entry", ahead)
    there = sa.text("value IS NOT NULL")
    op.create_index(
        "ix_epcis_entry_value",
        "epcis_entry",
        ["name", "value", *behind],
        sqlite_where=there,
        postgresql_where=there,
    )


def _organisation() -> sa.Column[str]:
    return sa.Column("organisation", sa.Text(), nullable=False)


def _belongs(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["organisation"], ["organisation.id"], name=op.f(f"fk_{table}_organisation")
    )
