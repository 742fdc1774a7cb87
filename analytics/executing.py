"""Where passes are worked out: in this process, or in a pool of processes."""

import ctypes
import gc
import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import (
    BrokenExecutor,
    Executor,
    Future,
    ProcessPoolExecutor,
)
from contextlib import contextmanager
from typing import TypeVar

T = TypeVar("T")

_PR_SET_PDEATHSIG = 1


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
    with ProcessPoolExecutor(
        workers, mp_context=context, initializer=_end_with_parent, initargs=(0,)
    ) as pool:
        yield pool


def _end_with_parent(nice: int) -> None:
    """Have the kernel end this process with the one that wanted it, however that ends:
    a service that was killed must not leave its workers at work."""
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    os.nice(nice)
    if os.getppid() == 1:  # it has ended already
        os._exit(0)


class Learner(Executor):
    """A process in which models are learnt, behind everything else.

    It ends after each model: what learning took, hundreds of megabytes, is given back.
    One that was killed (the machine may be small) is followed by another.
    """

    def __init__(self) -> None:
        self._pool = _learning_pool()

    def submit(
        self, fn: Callable[..., T], /, *args: object, **kwargs: object
    ) -> Future[T]:
        """Have something worked out there."""
        try:
            return self._pool.submit(fn, *args, **kwargs)
        except BrokenExecutor:
            self._pool.shutdown(wait=True)
            self._pool = _learning_pool()
            return self._pool.submit(fn, *args, **kwargs)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """End it, in the middle of learning too: what is half learnt is learnt again."""
        for child in multiprocessing.active_children():
            child.kill()
        self._pool.shutdown(wait=True, cancel_futures=True)


def _learning_pool() -> ProcessPoolExecutor:
    return ProcessPoolExecutor(
        1,
        mp_context=multiprocessing.get_context("spawn"),
        initializer=_end_with_parent,
        initargs=(10,),
        max_tasks_per_child=1,
    )
