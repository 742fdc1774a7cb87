"""What both stores say alike of findings. Pure."""

from collections.abc import Iterable

from greenwater.kernel.findings import Episode
from greenwater.storage.telemetry.ports import Span


def touching(episodes: Iterable[Episode], span: Span) -> list[Episode]:
    """Return the episodes that touch a span, in order of their start, then id."""
    found = [
        one
        for one in episodes
        if one.start_ms < span.end_ms and (one.is_open or one.end_ms >= span.start_ms)
    ]
    return sorted(found, key=lambda one: (one.start_ms, one.id))
