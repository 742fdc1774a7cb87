"""What every story does in the browser, and waits for."""

import time
from collections.abc import Callable, Sequence

from playwright.sync_api import Page

from cli.demo.shrimp_farm import PASSWORD, PHONES, PIN
from greenwater.storage.registry import open_registry
from greenwater.storage.registry.alarms import Alarm
from tests.stories.theatre import Theatre

PATIENCE_S = 120.0
"""Generous: CI is slow, and a story's minute is a quarter of a second."""


def sign_in(page: Page, theatre: Theatre, person: str, *, is_pin: bool = True) -> None:
    """Come in by the door, as anybody does."""
    page.goto(theatre.page_url + "/sign-in")
    page.fill("#phone", PHONES[person])
    page.fill("#secret", PIN if is_pin else PASSWORD)
    page.click("main form button")
    page.wait_for_url(lambda url: "/sign-in" not in url)


def wait_for(what: str, holds: Callable[[], bool], theatre: Theatre) -> None:
    """Wait until something holds.

    Raises:
        AssertionError: it did not in time; with the ends of all logs.
    """
    deadline = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < deadline, f"not in time: {what}\n{theatre.logs()}"
        time.sleep(0.1)


def alarms_of(theatre: Theatre, kind: str) -> Sequence[Alarm]:
    """Return the alarms of one kind, newest first."""
    with open_registry(theatre.home.registry_url) as registry:
        return [one for one in registry.alarms() if one.kind == kind]
