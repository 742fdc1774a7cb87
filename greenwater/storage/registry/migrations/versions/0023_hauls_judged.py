"""What the model, and the speed rule beside it, say of a haul."""

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for name in ("probability", "rule_share"):
        op.add_column("haul", sa.Column(name, sa.Double(), nullable=True))
