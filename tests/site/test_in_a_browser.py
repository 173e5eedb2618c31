"""Pages in a browser, at phone and desktop widths, have no horizontal overflow and no failures."""

import os
import shutil
import threading
from collections.abc import Generator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from typing_extensions import override

if TYPE_CHECKING:
    from playwright.sync_api import Browser

PAGES = (
    "",
    "quick-start/",
    "choose-a-store/",
    "stores/sqlite/",
    "stores/redis/",
    "api/errors/",
    "api/wrappers/",
)
WIDTHS = (390, 1280)
OPTIONS = ("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-sync")
BROKEN_WORDS = """
() => [...document.querySelectorAll("td code, th")]
    .filter(each => getComputedStyle(each).whiteSpace !== "nowrap").map(each => each.textContent)
"""


class Handler(SimpleHTTPRequestHandler):
    """Handler that serves files without logging."""

    @override
    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture(scope="module")
def address(site: Path) -> Generator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=site)) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def browser() -> "Generator[Browser]":
    api = pytest.importorskip("playwright.sync_api", reason="the dependency group docs is not installed")
    program = os.environ.get("KV_TEST_CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    if program is None:
        pytest.skip("there is no Chromium; scripts/install-servers installs it")
    with api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=OPTIONS)
        yield browser
        browser.close()


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", PAGES)
def test_a_page_fits(browser: "Browser", address: str, tmp_path: Path, name: str, width: int) -> None:
    page = browser.new_page(viewport={"width": width, "height": 900})
    faults: list[str] = []
    page.on("console", lambda message: faults.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("requestfailed", lambda request: faults.append(request.url))
    page.goto(address + name, wait_until="networkidle")
    page.screenshot(path=tmp_path / f"{width}.png", full_page=True)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate(BROKEN_WORDS) == []
    assert faults == []
    page.close()
