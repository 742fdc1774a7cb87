"""Epochs of ingest: a new one tells every box to send again what is unacknowledged."""

from collections.abc import Callable

from greenwater.storage.registry.models import IngestEpoch
from greenwater.storage.registry.session import Sessions


class Epochs:
    """Mixed into ``Registry``."""

    _sessions: Sessions
    _new_id: Callable[[], str]

    def new_epoch(self) -> str:
        """Begin a new ingest epoch and return its id: ingest started, or was restored."""
        epoch = self._new_id()
        with self._sessions.writing() as session:
            session.add(IngestEpoch(id=epoch))
        return epoch
