"""Numbers of events in order of time: what many have is found from the newest on."""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the index."""
    some = sa.text("value IS NOT NULL")
    op.create_index(
        "ix_epcis_entry_value_time",
        "epcis_entry",
        ["name", "event_ms", "organisation", "event", "value"],
        sqlite_where=some,
        postgresql_where=some,
    )
