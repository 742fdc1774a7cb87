"""Debian's Chromium: the one that is there, or, for root with REQUIRE_LIVE, installed."""

import contextlib
import fcntl
import functools
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Playwright, sync_playwright

PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
PHONE: Mapping[str, Any] = {
    "viewport": {"width": 390, "height": 844},
    "device_scale_factor": 1,  # a real one draws four times the points, which no test reads
    "reduced_motion": "reduce",
    "is_mobile": True,
    "has_touch": True,
    "locale": "vi-VN",
    "timezone_id": "Asia/Ho_Chi_Minh",
}
DESKTOP: Mapping[str, Any] = {
    "viewport": {"width": 1280, "height": 900},
    "locale": "vi-VN",
    "timezone_id": "Asia/Ho_Chi_Minh",
}
# Without these it asks for hosts of its own at every start.
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)


def find_chromium() -> str | None:
    """Return a browser that is installed."""
    return next((found for name in PROGRAMS if (found := shutil.which(name))), None)


@functools.cache
def _install() -> str:
    """Install Debian's and return what went wrong, empty if nothing did."""
    with (Path(tempfile.gettempdir()) / "greenwater-chromium.lock").open("w") as alone:
        fcntl.flock(alone, fcntl.LOCK_EX)  # the stories run beside the other tests
        return "" if find_chromium() else _ask_apt()


def _ask_apt() -> str:
    for words in (["update", "-qq"], ["install", "-y", "-qq", "chromium"]):
        done = subprocess.run(
            ["apt-get", *words],
            check=False,
            capture_output=True,
            text=True,
            timeout=900,
            env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"},
        )
        if done.returncode:
            return (
                f"apt-get {words[0]} ended with {done.returncode}: {done.stderr[-500:]}"
            )
    return ""


def chromium() -> str:
    """Return the browser's program; skip the test by its name where there is none.

    With REQUIRE_LIVE a missing browser is a failure, and root installs it first.
    """
    found = find_chromium()
    is_required = bool(os.environ.get("REQUIRE_LIVE"))
    why = "no chromium: apt-get install chromium"
    if found is None and is_required and os.getuid() == 0 and shutil.which("apt-get"):
        why = _install() or why
        found = find_chromium()
    if found is None:
        if is_required:
            pytest.fail(why)
        pytest.skip(why)
    return found


@contextlib.contextmanager
def browsing(
    profile: Path,
    *,
    camera: Path | None = None,
    play: Playwright | None = None,
    lang: str = "",
    **options: Any,
) -> Iterator[BrowserContext]:
    """One browser with a profile of its own; ``camera`` is a film it sees (.mjpeg/.y4m).

    A second one beside it needs the same ``play``. ``lang`` is what the browser itself
    speaks (fields for dates and files), where Debian's ``chromium-l10n`` is installed.
    """
    flags = list(FLAGS)
    if camera is not None:
        flags += [
            "--use-fake-ui-for-media-stream",
            "--use-fake-device-for-media-stream",
            f"--use-file-for-fake-video-capture={camera}",
        ]
    with contextlib.ExitStack() as stack:
        by = play or stack.enter_context(sync_playwright())
        context = by.chromium.launch_persistent_context(
            str(profile),
            executable_path=chromium(),
            headless=True,
            env={**os.environ, "LANGUAGE": lang} if lang else None,
            args=flags,
            **{**PHONE, **options},
        )
        try:
            yield context
        finally:
            context.close()


def network_is_back(context: BrowserContext, url: str, tag: str) -> None:
    """Have the browser tell the worker of a site so, as it does while no page is open."""
    _of_worker(context, url, "dispatchSyncEvent", tag=tag, lastChance=False)


def push_comes(context: BrowserContext, url: str, data: str) -> None:
    """Have the browser give the worker of a site what its push service sent."""
    _of_worker(context, url, "deliverPushMessage", data=data)


def _of_worker(context: BrowserContext, url: str, method: str, **facts: Any) -> None:
    page = context.new_page()
    session: Any = context.new_cdp_session(page)
    known: dict[str, str] = {}

    def found(event: Any) -> None:
        for one in event["registrations"]:
            known[one["scopeURL"]] = one["registrationId"]

    session.on("ServiceWorker.workerRegistrationUpdated", found)
    session.send("ServiceWorker.enable")
    for _ in range(100):
        if f"{url}/" in known:
            break
        page.wait_for_timeout(50)
    session.send(
        f"ServiceWorker.{method}",
        {"origin": url, "registrationId": known[f"{url}/"], **facts},
    )
    page.close()
