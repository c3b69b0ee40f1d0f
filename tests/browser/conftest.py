"""A real server on SQLite and a real Chromium; every page looked at is kept as a picture in ``screenshots/``."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, sync_playwright
from werkzeug.serving import make_server

from tests.conftest import chromium
from tests.databases import SqliteFiles

PICTURES = Path(__file__).with_name("screenshots")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture
def database_url(sqlite_files: SqliteFiles) -> Iterator[str]:
    """One database is enough for what a browser shows."""
    url = sqlite_files.fresh(filled=True)
    yield url
    sqlite_files.drop(url)


@pytest.fixture(scope="session")
def chrome() -> Iterator[Browser]:
    path = chromium()
    if path is None:
        pytest.skip("no Chromium on this machine")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def site(app: Any, cast: Any) -> Iterator[str]:
    """The address of the platform with the cast in it; a browser asks for each script and style once, not on every page."""
    app.config["SEND_FILE_MAX_AGE_DEFAULT"] = 3600
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()


class Person:
    """Somebody at a browser of their own; a console error or a broken content policy fails the test."""

    def __init__(self, chrome: Browser, site: str, width: int = 1280) -> None:
        self.context = chrome.new_context(
            viewport={"width": width, "height": 900}, base_url=site, accept_downloads=True, locale="zh-CN", reduced_motion="reduce"
        )
        self.page: Page = self.context.new_page()
        self.complaints: list[str] = []
        self.width = width
        self.page.on("console", self._listen)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def _listen(self, message: ConsoleMessage) -> None:
        expected = "the server responded with a status of" in message.text
        if message.type == "error" and not expected:
            self.complaints.append(message.text)

    def sign_in(self, username: str, password: str) -> Page:
        self.page.goto("/login/")
        self.page.fill("[name=username]", username)
        self.page.fill("[name=password]", password)
        self.page.press("[name=password]", "Enter")
        self.page.wait_for_url(lambda address: not address.endswith("/login/"))
        return self.page

    def narrow(self, width: int) -> None:
        """Go on at a screen of this width."""
        self.width = width
        self.page.set_viewport_size({"width": width, "height": 900})

    def look(self, name: str) -> None:
        """Keep a picture, and check that nothing runs out of the screen."""
        PICTURES.mkdir(exist_ok=True)
        self.page.screenshot(path=PICTURES / f"{name}-{self.width}.jpg", type="jpeg", quality=80, full_page=True)
        wide = self.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert wide <= 0, f"{name}: the page is {wide} px too wide"
        assert not self.complaints, self.complaints


@pytest.fixture
def person(chrome: Browser, site: str) -> Iterator[Any]:
    """``person(width=390)``: somebody new at a browser."""
    people: list[Person] = []

    def arrive(width: int = 1280) -> Person:
        people.append(Person(chrome, site, width))
        return people[-1]

    yield arrive
    for one in people:
        one.context.close()
