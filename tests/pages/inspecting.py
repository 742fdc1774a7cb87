"""What an inspector does on his phone, in a browser."""

import time
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Page, expect


def comes(is_there: Callable[[], bool]) -> None:
    """Wait until the platform has what the worker sends."""
    for _ in range(200):
        if is_there():
            return
        time.sleep(0.05)
    raise AssertionError("it never came")


def enrols(page: Page, url: str) -> None:
    """The phone makes a key that it cannot give away, and is believed."""
    page.goto(f"{url}/inspections")
    expect(page.locator("#phone[data-phone=new]")).to_have_count(1, timeout=30_000)
    page.fill("#kname", "Máy thử")
    page.click("[data-part=enrol] button")
    expect(page.locator("#phone[data-phone=enrolled]")).to_have_count(1)
    is_kept = page.evaluate(
        "async () => (await (await import('/static/duty.js')).anyKey()).secret.extractable"
    )
    assert is_kept is False


def signs(page: Page, uri: str, result: str, photos: list[Path]) -> None:
    """A label is typed, judged with no network, and the inspector signs what he found."""
    expect(page.locator("#check[data-ready]")).to_have_count(1)
    page.fill("#typed", uri)
    page.click(".typed button")
    expect(page.locator("[data-part=verdict]")).to_have_attribute("data-code", "valid")
    page.fill("#inote", "Đã cân lại")
    page.set_input_files("#iphotos", photos)
    page.click(f"[data-part=inspect] button[value={result}]")
    expect(page.locator("[data-part=signed]")).to_contain_text("Đã ký")
