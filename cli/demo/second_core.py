"""Work for a second core, one item after the other, while the first uses what is ready."""

import multiprocessing
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from multiprocessing.connection import Connection
from typing import TypeVar

from greenwater.kernel.errors import UnavailableError

Item = TypeVar("Item")
Made = TypeVar("Made")


@contextmanager
def computed_beside(
    work: Callable[[Item], Made], items: Sequence[Item]
) -> Iterator[Iterator[Made]]:
    """Give an iterator over ``work`` of each item, done in a process of its own, in order.

    The process is forked: what ``work`` remembers from one item to the next stays there.
    It may use no database that is open here. It is ahead by what a pipe holds.

    Raises:
        UnavailableError: (the iterator) the process died; its traceback is on stderr.
    """
    fork = multiprocessing.get_context("fork")
    ours, theirs = fork.Pipe(duplex=False)
    process = fork.Process(target=_do, args=(work, items, ours, theirs), daemon=True)
    process.start()
    theirs.close()
    try:
        yield _received(ours, len(items))
    finally:
        ours.close()
        process.kill()
        process.join()


def _do(
    work: Callable[[Item], Made],
    items: Sequence[Item],
    ours: "Connection[object, object]",
    theirs: "Connection[object, object]",
) -> None:
    ours.close()
    for item in items:
        theirs.send(work(item))


def _received(ours: "Connection[Made, Made]", count: int) -> Iterator[Made]:
    for done in range(count):
        try:
            yield ours.recv()
        except EOFError:
            raise UnavailableError(
                f"the process beside died after {done} of {count} parts"
            ) from None
