"""Under construction this hour."""

from collections.abc import Callable
from pathlib import Path


def score_water(
    file: Path,
    out: Path,
    *,
    channels: str,
    limits: str,
    label: Path | None,
    train_until: str,
    progress: Callable[[int, int], None],
) -> str:
    """Return the summary."""
    raise NotImplementedError
