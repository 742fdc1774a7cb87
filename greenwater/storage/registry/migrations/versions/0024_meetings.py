"""Which words of events ever met, and when; filled from the events there are."""

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None

# The same as meeting.meetings_of: words by the day, with a place by four weeks.
# The remainder is taken twice since that of a time before 1970 is negative.
_FILL = """
INSERT INTO epcis_meeting (first, second, organisation, from_ms)
SELECT DISTINCT
  substr(one.name || '=' || one.text, 1, 200),
  substr(other.name || '=' || other.text, 1, 200),
  one.organisation,
  one.event_ms - ((one.event_ms % pair.length) + pair.length) % pair.length
FROM epcis_entry AS one
JOIN epcis_entry AS other
  ON other.organisation = one.organisation AND other.event = one.event
JOIN meeting_pair AS pair
  ON pair.first = one.name AND pair.second = other.name
WHERE one.text IS NOT NULL AND other.text IS NOT NULL
"""
_NAMES = ("action", "bizLocation", "bizStep", "disposition", "eventType", "readPoint")
_PLACES = {"bizLocation", "readPoint"}
_DAY_MS = 86_400_000


def upgrade() -> None:
    op.create_table(
        "epcis_meeting",
        sa.Column("first", sa.Text(), nullable=False),
        sa.Column("second", sa.Text(), nullable=False),
        sa.Column("organisation", sa.Text(), nullable=False),
        sa.Column("from_ms", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation"],
            ["organisation.id"],
            name=op.f("fk_epcis_meeting_organisation"),
        ),
        sa.PrimaryKeyConstraint(
            *("first", "second", "organisation", "from_ms"),
            name=op.f("pk_epcis_meeting"),
        ),
        sqlite_with_rowid=False,
    )
    pairs = op.create_table(
        "meeting_pair",
        sa.Column("first", sa.Text(), nullable=False),
        sa.Column("second", sa.Text(), nullable=False),
        sa.Column("length", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("first", "second"),
    )
    op.bulk_insert(
        pairs,
        [
            {"first": first, "second": second}
            | {"length": _DAY_MS * (28 if {first, second} & _PLACES else 1)}
            for first in _NAMES
            for second in _NAMES
            if first < second
        ],
    )
    op.execute(_FILL)
    op.drop_table("meeting_pair")
