"""What services say of themselves: one row each, the newest word."""

from typing import Any

from sqlalchemy.orm import Mapped, mapped_column

from greenwater.storage.registry.models.core import Base


class PulseRow(Base):
    """A service's last sign of life; ``facts`` is what it says of itself."""

    __tablename__ = "pulse"
    name: Mapped[str] = mapped_column(primary_key=True)
    at_ms: Mapped[int]
    facts: Mapped[dict[str, Any]]
