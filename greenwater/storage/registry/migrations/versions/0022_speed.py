"""Numbers of events in order of time; a site's records of one kind."""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the indexes."""
    some = sa.text("value IS NOT NULL")
    op.create_index(
        "ix_epcis_entry_value_time",
        "epcis_entry",
        ["name", "event_ms", "organisation", "event", "value"],
        sqlite_where=some,
        postgresql_where=some,
    )
    op.create_index("ix_record_kind", "record", ["site", "kind", "happened_ms"])
