"""Messages that nobody's act brings about: papers that end soon; recalls, said to the end."""

import contextlib
import threading
from collections.abc import Iterator
from typing import Final

import structlog

from greenwater.kernel.clock import Clock
from greenwater.kernel.errors import PlatformError
from greenwater.kernel.reading import milliseconds
from greenwater.storage.registry import Registry

log = structlog.get_logger()

EVERY_S: Final = 1_800.0
LEAST_S: Final = 10.0
"""However fast the clock runs."""


@contextlib.contextmanager
def messages_made(
    registry: Registry, clock: Clock, stop: threading.Event
) -> Iterator[None]:
    """See to messages while the block runs."""
    over = threading.Event()
    thread = threading.Thread(
        target=_see_to, args=(registry, clock, over), name="telling"
    )
    thread.start()
    try:
        yield
    finally:
        stop.set()
        over.set()
        thread.join()


def _see_to(registry: Registry, clock: Clock, over: threading.Event) -> None:
    from traceability.label.telling import tell_papers, tell_recalls

    while True:
        now_ms = milliseconds(clock.now())
        try:
            tell_papers(registry, now_ms)
            tell_recalls(registry, now_ms)
        except PlatformError as exc:
            log.error("telling.failed", error=str(exc))
        if over.wait(max(LEAST_S, clock.real_seconds(EVERY_S))):
            return
