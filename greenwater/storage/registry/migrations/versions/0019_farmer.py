"""Nothing: what the farmer's pages keep lies on his phone, or where it was kept before."""

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Change nothing."""
