"""Under construction this hour."""

from collections.abc import Callable
from pathlib import Path


def score_track(
    file: Path, out: Path, *, trips: Path | None, progress: Callable[[int, int], None]
) -> str:
    """Return the summary."""
    raise NotImplementedError
