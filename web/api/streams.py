"""How many streams of server-sent events a visitor holds: a few, the newest.

A browser opens six connections to a site at once (HTTP/1.1), and needs some of them for
pages; whoever means ill opens thousands. The oldest stream ends where one more begins, and
says why, so that its page asks by itself from then on.

Only the site's own loop touches this, between two awaits: no lock is needed.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from fastapi import Request

from web.door.doors import Doors

MOST_A_SESSION: Final = 4
MOST_A_PERSON: Final = 12
"""As many as three browsers hold."""

OVER: Final = 'event: over\ndata: {"reason": "too_many"}\n\n'
"""What a stream says last that a newer one took the place of."""


class Held:
    """One stream that is open; ``is_over``: a newer one took its place."""

    def __init__(self, keys: tuple[str, str]) -> None:
        self.keys, self.is_over = keys, False


class Streams:
    """The streams that are open, by session and by person, the oldest first."""

    def __init__(
        self, *, a_session: int = MOST_A_SESSION, a_person: int = MOST_A_PERSON
    ) -> None:
        self._most = (a_session, a_person)
        self._open: dict[str, list[Held]] = {}

    def begin(self, session: str, person: str) -> Held:
        """Return one more stream; the oldest that is too many is over."""
        made = Held((f"session/{session}", f"person/{person}"))
        for key, most in zip(made.keys, self._most, strict=True):
            held = self._open.setdefault(key, [])
            held.append(made)
            if len(held) > most:
                oldest = held[0]
                oldest.is_over = True
                self.end(oldest)
        return made

    @contextmanager
    def one_more(self, session: str, person: str) -> Iterator[Held]:
        """Count one more stream for as long as it is open."""
        held = self.begin(session, person)
        try:
            yield held
        finally:
            self.end(held)

    def end(self, one: Held) -> None:
        """Forget a stream, if it is there still."""
        for key in one.keys:
            held = self._open.get(key, [])
            if one in held:
                held.remove(one)
            if not held:
                self._open.pop(key, None)

    def __len__(self) -> int:
        """Return how many are open."""
        return len({id(one) for held in self._open.values() for one in held})


def holder_of(request: Request, doors: Doors) -> tuple[str, str]:
    """Return whose streams to count: the browser's session, and who is signed in there.

    At a screen where nobody signs in both are the machine that asks.
    """
    signed, visitor = doors.session(request), doors.visitor(request)
    host = request.client.host if request.client else ""
    person = visitor.person if visitor is not None else None
    return (host if signed is None else signed.id, person or host)
