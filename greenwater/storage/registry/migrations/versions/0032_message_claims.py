"""A message is one sender's for a while: two of one platform send it once."""

import sqlalchemy as sa
from alembic import op

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for table in ("notification", "bulletin_copy"):
        op.add_column(table, sa.Column("taken_ms", sa.BigInteger(), nullable=True))
