"""Weak hits, nothing and groups, as a reader meets them; the rest of search is in test_use."""

import shutil
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from playwright.sync_api import expect
from waitress.server import create_server

from kb.floors import Floors, Weights, write_floors
from tests.browser.conftest import Watched
from tests.web.world import World
from web import create_app

pytestmark = pytest.mark.browser
Watch = Callable[..., Watched]


@pytest.fixture(scope="module")
def base(world: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Return the address of the same site with floors for words alone."""
    corpus = tmp_path_factory.mktemp("strict")
    for path in world.config.corpus.glob("*.toml"):
        shutil.copy(path, corpus)
    floors = Floors(
        model=world.encoder.model_id,
        weights=Weights(0.0, 1.0, 0.0, 0.0, 0.0),
        rise=0.0,
        hits=dict.fromkeys(("nb", "nn", "en"), 0.75),
        weak=dict.fromkeys(("nb", "nn", "en"), 0.1),
    )
    write_floors(corpus / "floors.toml", floors, ())
    app = create_app(replace(world.config, corpus=corpus), world.encoder)
    server = create_server(app, host="127.0.0.1", port=0)
    threading.Thread(target=server.run, daemon=True).start()
    yield f"http://127.0.0.1:{server.effective_port}"
    server.close()
    server.task_dispatcher.shutdown()


@pytest.mark.parametrize("script", [True, False])
def test_weak_hits_stand_apart_and_are_not_counted(watch: Watch, script: bool):
    page = watch(java_script_enabled=script).go(
        "/sok?q=Sover+styret+om+vinteren+når+toget+går+til+Bergen"
    )

    expect(page.locator("#hit-count")).to_contain_text("Ingen klare treff")
    expect(page.get_by_role("heading", name="Svake treff")).to_be_visible()
    assert 0 < page.locator(".weak .card").count() <= 5
    expect(page.locator(".ways")).to_have_count(0)


def test_nothing_says_so_and_offers_a_way_on(watch: Watch):
    page = watch(390, 844).go("/sok?q=qqxz+wwyk")

    expect(page.locator("#hit-count")).to_contain_text("Ingen treff")
    expect(page.locator(".card")).to_have_count(0)
    expect(page.get_by_text("Temaer vi har lærdommer om")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_groups_by_keyboard_keep_the_filters(watch: Watch):
    page = watch().go("/sok?q=styret+seminar&type=recommendation")
    page.get_by_role("link", name="Program", exact=True).and_(page.locator(".ways a")).focus()
    page.keyboard.press("Enter")

    expect(page.locator(".group").first).to_be_visible()
    assert "type=recommendation" in page.url
    page.focus("#type-recommendation")
    page.keyboard.press("Space")
    expect(page.locator(".chosen .ds-chip")).to_have_count(0)
    assert "grupper=program" in page.url, "the form keeps the grouping"
    expect(page.locator(".group").first).to_be_visible()
