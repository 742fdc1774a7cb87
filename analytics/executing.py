"""Where passes are worked out: in this process, or in a pool of processes."""

import gc
import multiprocessing
from collections.abc import Iterator
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import contextmanager


def spare_collector() -> None:
    """Let Python look for cycles a tenth as often: a pass makes many things and none.

    A quarter of a pass over ten thousand channels went into looking for them.
    """
    gc.set_threshold(50_000, 20, 100)


@contextmanager
def open_executor(workers: int) -> Iterator[Executor | None]:
    """Yield a pool of so many processes; None, which means in-process, below two.

    The same work comes to the same flags on any executor.
    """
    if workers < 2:
        yield None
        return
    # Forked processes would share this one's threads' locks and its open databases.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, mp_context=context) as pool:
        yield pool
