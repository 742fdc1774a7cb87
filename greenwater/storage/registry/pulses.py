"""Signs of life: what a service last said of itself, and when."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from msgspec import Struct
from sqlalchemy import select

from greenwater.storage.registry.models.pulses import PulseRow
from greenwater.storage.registry.rows import insert
from greenwater.storage.registry.session import Sessions

BACKUP: Final = "backup"
"""The pulse of the last backup that was made and checked."""


class Pulse(Struct, frozen=True):
    """What a service said at an instant; ``facts`` are numbers and words of its own."""

    name: str
    at_ms: int
    facts: Mapping[str, Any]


class Pulses:
    """Mixed into ``Registry``."""

    _sessions: Sessions

    def beat(self, name: str, at_ms: int, facts: Mapping[str, Any]) -> None:
        """Keep a service's newest sign of life, and forget the one before."""
        with self._sessions.writing() as session:
            row = insert(session, PulseRow).values(
                name=name, at_ms=at_ms, facts=dict(facts)
            )
            session.execute(
                row.on_conflict_do_update(
                    index_elements=["name"],
                    set_={"at_ms": at_ms, "facts": row.excluded.facts},
                )
            )

    def pulses(self) -> Sequence[Pulse]:
        """Return every sign of life, by name."""
        with self._sessions.reading() as session:
            rows = session.scalars(select(PulseRow).order_by(PulseRow.name))
            return [Pulse(row.name, row.at_ms, row.facts) for row in rows]
