"""Where passes are worked out: in this process, or in a pool of processes."""

import ctypes
import gc
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import (
    BrokenExecutor,
    Executor,
    Future,
    ProcessPoolExecutor,
)
from contextlib import contextmanager
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from queue import SimpleQueue
from typing import Any, NamedTuple, TypeVar

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


class _Work(NamedTuple):
    """What is to be worked out, and who waits for it."""

    future: "Future[Any]"
    do: Callable[..., Any]
    args: tuple[Any, ...]
    kwargs: dict[str, Any]


class Learner(Executor):
    """Works things out one after another, each in a process of its own, behind all else.

    What learning took, hundreds of megabytes, is given back with each process. One that
    was killed (the machine may be small) fails its own work (``BrokenExecutor``) and no
    other. A ``ProcessPoolExecutor`` can do the first or the second, and hangs at its end.
    """

    def __init__(self) -> None:
        self._context = multiprocessing.get_context("spawn")
        self._waiting: SimpleQueue[_Work | None] = SimpleQueue()
        self._lock = threading.Lock()
        self._process: SpawnProcess | None = None
        self._is_over = False
        self._thread = threading.Thread(target=self._run, name="learner", daemon=True)
        self._thread.start()

    def submit(
        self, fn: Callable[..., T], /, *args: object, **kwargs: object
    ) -> "Future[T]":
        """Have something worked out there; all of it must pickle."""
        future: Future[T] = Future()
        self._waiting.put(_Work(future, fn, args, kwargs))
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """End, in the middle of learning too: what is half learnt is learnt again."""
        with self._lock:
            self._is_over = True
            if self._process is not None:
                self._process.kill()
        self._waiting.put(None)
        self._thread.join()

    def _run(self) -> None:
        while (work := self._waiting.get()) is not None:
            if self._is_over or not work.future.set_running_or_notify_cancel():
                work.future.cancel()
                continue
            try:
                work.future.set_result(self._worked_out(work))
            except BaseException as exc:  # noqa: BLE001  (whoever waits for it is told)
                work.future.set_exception(exc)

    def _worked_out(self, work: _Work) -> Any:
        ours, theirs = self._context.Pipe(duplex=False)
        process = self._context.Process(
            target=_work_out,
            args=(theirs, work.do, work.args, work.kwargs),
            daemon=True,
        )
        with ours:
            with theirs, self._lock:
                if self._is_over:
                    raise BrokenExecutor("analytics ends")
                process.start()
                self._process = process
            try:
                is_done, result = ours.recv()
            except EOFError:
                process.join()
                raise BrokenExecutor(
                    f"the process that learnt ended with {process.exitcode}"
                ) from None
            finally:
                with self._lock:
                    self._process = None
        process.join()
        if not is_done:
            raise result
        return result


def _work_out(
    answer: Connection,
    do: Callable[..., Any],
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
) -> None:
    _end_with_parent(10)
    try:
        said = True, do(*args, **kwargs)
    except Exception as exc:  # noqa: BLE001  (it is raised again where it was asked for)
        said = False, exc
    answer.send(said)
