"""The ways people take through the site."""

import re
import time
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Watched
from tests.web.world import FJELLVIK, World

pytestmark = pytest.mark.browser
Watch = Callable[..., Watched]


def _wait(page: Page, claim: str) -> None:
    """Wait until ``claim`` is true. (``wait_for_function`` needs eval, which the page forbids.)"""
    deadline = time.monotonic() + 5
    while not page.evaluate(claim):
        assert time.monotonic() < deadline, claim
        page.wait_for_timeout(30)


def test_from_question_to_marked_source_by_keyboard_only(watch: Watch, world: World):
    page = watch().go("/")

    for _ in range(30):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.id") == "q":
            break
    page.keyboard.type("seminar etter det første året mandatet")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"/sok\?q="))
    link = f'a[href*="/kilde/{world.reports["fjellvik"]}/side/2?l={world.lessons["styret"]}"]'
    page.locator(link).first.focus()
    page.keyboard.press("Enter")

    expect(page.locator("rect.highlight")).to_have_count(1)
    expect(page.get_by_role("heading", level=1)).to_contain_text("Side 2")


def test_a_filter_changes_the_hits_without_losing_the_place(watch: Watch):
    page = watch().go("/sok?q=styret+seminar")
    before = page.locator(".card").count()
    page.evaluate("document.body.dataset.same = 'page'")

    page.focus("#type-recommendation")
    page.keyboard.press("Space")

    expect(page.locator(".chosen .ds-chip")).to_have_count(1)
    expect(page).to_have_url(re.compile("type=recommendation"))
    assert page.evaluate("document.body.dataset.same") == "page", "the page was loaded anew"
    assert page.evaluate("document.activeElement.id") == "type-recommendation"
    assert 0 < page.locator(".card").count() < before
    page.go_back()
    expect(page.locator(".chosen")).to_have_count(0)
    expect(page.locator(".card")).to_have_count(before)
    assert not page.locator("#type-recommendation").is_checked()


def test_folded_values_stay_open_while_filtering(watch: Watch):
    page = watch().go("/sok")
    more = page.locator("#more-tema")
    more.locator("summary").click()

    more.locator("input").first.check()

    expect(page.locator(".chosen .ds-chip")).to_have_count(1)
    expect(more).to_have_attribute("open", "")


def test_on_a_phone_the_filters_are_folded_until_asked_for(watch: Watch):
    page = watch(390, 844).go("/sok?q=styret+seminar")

    assert not page.locator("#type-recommendation").is_visible()
    page.locator("#filters-box > summary").click()
    page.locator("#type-recommendation").check()

    expect(page.locator(".chosen .ds-chip")).to_have_count(1)
    _wait(page, "document.getElementById('filters-box').open")


def test_everything_works_without_javascript(watch: Watch, world: World):
    page = watch(java_script_enabled=False).go("/")
    page.get_by_label("Hva vil du lære av andre programmer?").fill("styret seminar")
    page.get_by_role("button", name="Søk", exact=True).click()
    every = page.locator(".card").count()
    assert every > 1

    page.check("#type-recommendation")
    page.get_by_role("button", name="Vis treff").click()
    assert 0 < page.locator(".card").count() < every

    page.locator(".chosen .ds-chip").click()
    assert page.locator(".card").count() == every

    page.goto(page.url.split("/sok")[0] + "/matrise")
    cell = page.locator("td.heat-2 a").first
    count = int(re.findall(r"\d+$", cell.inner_text())[0])
    cell.click()
    assert page.locator(".card").count() == count

    page.locator(".source-link").first.click()
    assert page.locator("rect.highlight").count() >= 1
    page.locator("summary", has_text="Teksten på siden").click()
    expect(page.locator("mark").first).to_be_visible()

    page.get_by_role("button", name="Nynorsk").click()
    assert page.locator("html").get_attribute("lang") == "nn"
    assert "/kilde/" in page.url


def test_the_page_image_lies_under_the_marks(watch: Watch, paths: dict[str, str]):
    page = watch().go(paths["source"])
    page.wait_for_load_state("networkidle")

    sheet = page.locator("svg.sheet").bounding_box()
    mark = page.locator("rect.highlight").first.bounding_box()

    assert sheet
    assert mark
    assert sheet["x"] <= mark["x"]
    assert mark["x"] + mark["width"] <= sheet["x"] + sheet["width"]
    assert sheet["y"] <= mark["y"] <= sheet["y"] + sheet["height"]
    assert page.locator("mark").first.text_content() == FJELLVIK[1][1]


def test_injected_code_does_not_run(watch: Watch):
    watched = watch()
    page = watched.go("/sok?q=%3Cimg+src%3Dx+onerror%3Ddocument.title%3D1%3E")

    assert page.title() != "1"
    refused = page.evaluate(
        "() => { try { document.body.innerHTML = '<b>x</b>'; return 'let in' }"
        " catch (error) { return error.name } }"
    )
    assert refused == "TypeError"
    assert [fault for fault in watched.faults if "TrustedHTML" not in fault] == []
    watched.faults.clear()  # the browser reported what we tried


def test_the_search_page_is_light(watch: Watch):
    watched = watch()
    sizes: dict[str, int] = {}
    watched.page.on(
        "response",
        lambda answer: sizes.update({answer.url: len(answer.body())}) if answer.ok else None,
    )

    watched.go("/sok?q=styret").wait_for_load_state("networkidle")

    assert sum(sizes.values()) < 450_000, sizes
    assert len(sizes) < 20
