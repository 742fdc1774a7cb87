"""What a vessel does: catch, or carry and supply for others."""

import sqlalchemy as sa
from alembic import op

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "vessel",
        sa.Column("trade", sa.Text(), nullable=False, server_default="catching"),
    )
