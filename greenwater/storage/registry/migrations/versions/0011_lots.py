"""Lots of every origin, what was done to them, and the flow of kilograms."""

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass
