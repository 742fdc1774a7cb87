"""Finding what the store refuses, so that the rest is stored."""

from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeVar

from greenwater.kernel.errors import InputError
from greenwater.kernel.reading import Gap, Reading

T = TypeVar("T", Reading, Gap)

MAX_TRIES = 400
"""After so many writes for one group, what is undecided is refused together: the rest
of the province must not wait for one box's thousand bad readings."""


class Refused(NamedTuple):
    """A record the store will not take, and its sentence."""

    record: Reading | Gap
    reason: str


def write_bisecting(
    write: Callable[[Sequence[T]], None],
    records: Sequence[T],
    *,
    max_tries: int = MAX_TRIES,
) -> list[Refused]:
    """Write all that the store takes; return what it refuses, one by one.

    Writing again what went in already is harmless (the store is idempotent).

    Raises:
        UnavailableError: the store did not answer; write all again.
    """
    refused: list[Refused] = []
    waiting: list[Sequence[T]] = [records] if records else []
    tries = 0
    while waiting:
        part = waiting.pop()
        tries += 1
        try:
            write(part)
        except InputError as exc:
            if len(part) == 1:
                refused.append(Refused(part[0], str(exc)))
            elif tries >= max_tries:
                reason = f"refused together with {len(part) - 1} others: {exc}"
                refused.extend(Refused(record, reason) for record in part)
            else:
                middle = len(part) // 2
                waiting.extend((part[middle:], part[:middle]))
    return refused
