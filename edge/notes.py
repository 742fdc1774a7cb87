"""What the box must not forget beside readings: commands answered, settings changed.

Kept in the outbox's file, so that a command's answer and its effect are one transaction.
"""

from typing import Final

from edge.outbox import Outbox
from greenwater.kernel.wire.messages import Reply

COMMANDS_KEPT: Final = 1_000


class Notes:
    """Answered commands and the overlay over the configuration; see ``Outbox``'s thread."""

    def __init__(self, outbox: Outbox) -> None:
        self._outbox = outbox

    def recall(self, command: str) -> Reply | None:
        """Return what a command was answered, if it came before."""
        with self._outbox.file.translated():
            row = self._outbox.file.db.execute(
                "SELECT is_done, message FROM command WHERE id = ?", (command,)
            ).fetchone()
        return None if row is None else Reply(command, bool(row[0]), str(row[1]))

    def remember(self, reply: Reply, now_ms: int) -> None:
        """Keep an answer; of very many the oldest are forgotten."""
        with self._outbox.together() as db:
            db.execute(
                "INSERT OR REPLACE INTO command VALUES (?, ?, ?, ?)",
                (reply.id, reply.is_done, reply.message, now_ms),
            )
            db.execute(
                "DELETE FROM command WHERE id IN (SELECT id FROM command "
                "ORDER BY answered_ms DESC LIMIT -1 OFFSET ?)",
                (COMMANDS_KEPT,),
            )

    def overlay(self) -> dict[str, str]:
        """Return the settings changed from afar, by name."""
        with self._outbox.file.translated():
            return dict(self._outbox.file.db.execute("SELECT name, value FROM overlay"))

    def change(self, name: str, value: str) -> None:
        """Keep a setting changed from afar."""
        with self._outbox.together() as db:
            db.execute("INSERT OR REPLACE INTO overlay VALUES (?, ?)", (name, value))
