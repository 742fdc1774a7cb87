"""Work that the site repeats beside its pages."""

import threading

import pytest

from cli.site import repeated


def test_work_is_done_at_once_and_again_until_the_block_is_left() -> None:
    done, stop = threading.Semaphore(0), threading.Event()
    with repeated("work", done.release, 0.01, stop):
        for _ in range(3):
            assert done.acquire(timeout=90)
    assert "work" not in {one.name for one in threading.enumerate()}


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_work_that_dies_takes_the_site_down() -> None:
    stop = threading.Event()

    def dies() -> None:
        raise RuntimeError("a bug")

    with repeated("work", dies, 60.0, stop):
        assert stop.wait(90)
