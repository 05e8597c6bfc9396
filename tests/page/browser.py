"""A real browser for the page: headless Chromium, which tells of each request, each line on its console and each error."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.material import programs

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

_PATIENCE = 10_000  # milliseconds, for what never takes one second
WIDE, PHONE = (1280, 900), (390, 844)
"""Width and height of a screen, in pixels of the page."""


@dataclass
class Seen:
    """What a page did."""

    page: Page
    requests: list[str] = field(default_factory=list)
    """Addresses of what it asked for, itself included."""
    refused: list[str] = field(default_factory=list)
    """Those of them that its policy kept from being asked for."""
    said: list[str] = field(default_factory=list)
    """Lines on the console that are no news, and errors."""


@contextmanager
def chromium() -> Iterator[Browser]:
    """The browser; skips where it is missing, or what drives it."""
    driver = pytest.importorskip("playwright.sync_api", reason="needs playwright (pip install --group dev)")
    program = programs.need("chromium")
    with driver.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox", "--disable-gpu"])
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def opened(browser: Browser, file: Path, *, phone: bool = False, dark: bool = False) -> Iterator[Seen]:
    """The page in a file, opened."""
    width, height = PHONE if phone else WIDE
    context = browser.new_context(
        viewport={"width": width, "height": height},
        color_scheme="dark" if dark else "light",
        has_touch=phone,
        is_mobile=phone,
        device_scale_factor=2 if phone else 1,
    )
    page = context.new_page()
    page.set_default_timeout(_PATIENCE)
    seen = Seen(page)
    page.on("request", lambda request: seen.requests.append(request.url))
    page.on("requestfailed", lambda request: seen.refused.append(request.url) if request.failure == "csp" else None)
    page.on("console", lambda line: seen.said.append(line.text))
    page.on("pageerror", lambda error: seen.said.append(str(error)))
    try:
        page.goto(file.as_uri())
        yield seen
    finally:
        context.close()
