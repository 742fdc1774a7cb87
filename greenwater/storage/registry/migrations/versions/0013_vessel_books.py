"""A vessel's book: trips as confirmed, catches, landings, papers."""

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass
