"""A real Chromium over a real server, both on this machine, and a page that forgives nothing."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright
from waitress.server import create_server

from tests.web.test_routes import addresses
from tests.web.world import World, build_world
from web import create_app

_CHROMIUM = "/usr/bin/chromium"
_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


expect.set_options(timeout=30_000)
"""What a page is expected to become may take its time on a machine with much to do."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give a test that drives a browser two more chances.

    A real browser on two busy cores now and then loses a race that no wait can win for it; a fault
    of ours fails three times out of three. No other test is run again.
    """
    for item in items:
        if item.get_closest_marker("browser"):
            item.add_marker(pytest.mark.flaky(reruns=2))


@dataclass
class Watched:
    """A page, and everything that went wrong on it: script errors, refused or foreign requests."""

    page: Page
    base: str
    faults: list[str] = field(default_factory=list)

    def go(self, path: str) -> Page:
        self.page.goto(self.base + path)
        return self.page


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return build_world(tmp_path_factory.mktemp("browser"))


@pytest.fixture(scope="session")
def base(world: World) -> Iterator[str]:
    """Return the address of the running site."""
    server = create_server(create_app(world.config, world.encoder), host="127.0.0.1", port=0)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.effective_port}"
    server.close()
    server.task_dispatcher.shutdown()


@pytest.fixture(scope="session")
def paths(world: World) -> dict[str, str]:
    asked = "/sporsmal?s=N%C3%A5r+b%C3%B8r+styret+holde+seminar%3F&s=xyzzy"
    return {**addresses(world), "questions": asked, "error": "/finnes-ikke"}


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    if not Path(_CHROMIUM).exists():
        pytest.skip(f"{_CHROMIUM} is not installed")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=_CHROMIUM, args=_FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def watch(chromium: Browser, base: str) -> Iterator[Callable[..., Watched]]:
    """Return a maker of watched pages; the test fails if any of them saw a fault."""
    opened: list[Watched] = []

    def open_page(width: int = 1280, height: int = 900, **options: Any) -> Watched:
        context = chromium.new_context(
            viewport={"width": width, "height": height}, locale="nb-NO", **options
        )
        watched = Watched(context.new_page(), base)
        faults, page = watched.faults, watched.page
        page.on("pageerror", lambda error: faults.append(f"script: {error}"))
        page.on("console", lambda message: faults.extend(_fault(message.type, message.text)))
        page.on("request", lambda request: faults.extend(_foreign(request.url, base)))
        opened.append(watched)
        return watched

    yield open_page
    for watched in opened:
        watched.page.context.close()
    assert [fault for watched in opened for fault in watched.faults] == []


def _fault(kind: str, text: str) -> list[str]:
    is_own_error_page = "status of 404" in text
    return [f"console: {text}"] if kind == "error" and not is_own_error_page else []


def _foreign(url: str, base: str) -> list[str]:
    return [] if url.startswith((base, "data:", "blob:")) else [f"foreign: {url}"]
