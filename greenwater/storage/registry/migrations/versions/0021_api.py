"""Who made a token: what its program writes is his to answer for."""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add who made it; tokens of before have nobody."""
    with op.batch_alter_table("api_token", schema=None) as batch_op:
        batch_op.add_column(sa.Column("made_by", sa.Text(), nullable=True))
        batch_op.create_foreign_key(
            batch_op.f("fk_api_token_made_by"), "person", ["made_by"], ["id"]
        )
