"""The ways of a programme leader, each to what they take to the meeting."""

import re
from collections.abc import Callable
from pathlib import Path

import docx
import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Watched

pytestmark = pytest.mark.browser
Watch = Callable[..., Watched]


def take(page: Page, link: str, folder: Path) -> docx.document.Document:
    """Press a link that gives a Word file, and open the file with a reader of its own."""
    with page.expect_download() as waiting:
        page.get_by_role("link", name=link, exact=True).click()
    path = folder / waiting.value.suggested_filename
    waiting.value.save_as(path)
    assert path.suffix == ".docx"
    return docx.Document(str(path))


def paragraphs(word: docx.document.Document, style: str) -> list[str]:
    return [one.text for one in word.paragraphs if one.style.name == style]


def test_from_the_front_page_to_a_board_seminar_list_in_hand_without_a_question(
    watch: Watch, tmp_path: Path
):
    page = watch().go("/")

    page.get_by_role("link", name="Sjekkliste til styreseminaret").click()  # the first click

    expect(page.get_by_role("heading", level=1)).to_have_text("Sjekkliste: Styreseminar")
    expect(page.get_by_role("button", name="Skriv ut")).to_be_visible()
    items = page.locator(".check-item")
    statements = items.locator(".lesson-title").all_inner_texts()
    page.emulate_media(media="print")
    for item in items.all():
        expect(item.locator(".lesson-title")).to_be_visible()
        expect(item.locator(".source-link")).to_contain_text(re.compile(r"side \d+"))
        expect(item.locator(".paper-address")).to_have_text(re.compile(r"^http.*/kilde/\w+/side/"))
        quote = item.locator(".quote.on-paper, .verbatim").first
        expect(quote).to_be_visible()
    assert items.count() > 2
    assert not page.locator(".files, .top-nav, .quote-fold").first.is_visible()
    page.emulate_media(media="screen")
    word = take(page, "Word", tmp_path)  # the second click
    assert paragraphs(word, "Title") == ["Sjekkliste: Styreseminar"]
    assert paragraphs(word, "Heading 2") == statements
    assert all("«" in quote for quote in paragraphs(word, "Quote"))
    assert any(re.search(r"side \d+", caption) for caption in paragraphs(word, "Caption"))


def test_the_start_pack_is_one_click_away_and_comes_as_word(watch: Watch, tmp_path: Path):
    page = watch().go("/")
    page.get_by_role("link", name=re.compile("^Startpakke")).click()

    word = take(page, "Word", tmp_path)

    parts = paragraphs(word, "Heading 1")
    assert parts[0] == "Hvem gjør hva"
    assert "Kilder om prosessen" in parts
    roles = [row.cells[0].text for row in word.tables[0].rows]
    assert {"Kommunen", "Styret", "Fylkeskommunen"} <= set(roles)
    assert all(row.cells[2].text for row in word.tables[0].rows)
    titles = page.locator(".lesson-title").all_inner_texts()
    assert paragraphs(word, "Heading 2") == titles
    assert len(titles) > 3


def test_where_is_your_programme_now_without_javascript(watch: Watch):
    page = watch(390, 844, java_script_enabled=False).go("/")
    page.get_by_role("link", name="Gjennomføring").click()
    assert "min-fase=gjennomforing" in page.url

    page.get_by_label("Programtype").select_option("enkeltkommune")
    page.get_by_label("Måned").select_option("1")
    page.get_by_label("År", exact=True).select_option(index=4)
    page.get_by_role("button", name="Vis lærdommene").click()

    expect(
        page.get_by_role("heading", name=re.compile(r"^\d+ lærdommer? som betyr"))
    ).to_be_visible()
    cards = page.locator(".card")
    assert 1 < cards.count() <= 7
    expect(cards.first).to_contain_text(re.compile("Fordi d(ere er i fasen|ette er aktuelt nå)"))
    expect(cards.first).to_contain_text("Hypotese")
    assert page.get_by_label("Programtype").input_value() == "enkeltkommune"
    assert page.locator(".calendar .event-when").count() > 0
    too_wide = page.evaluate("document.documentElement.scrollWidth > innerWidth")
    assert not too_wide


def test_a_self_check_by_keyboard_alone(watch: Watch):
    page = watch().go("/egensjekk/gjennomforing")
    bar = page.locator("#progress-bar")
    assert bar.get_attribute("value") == "0"
    every = int(bar.get_attribute("max") or 0)

    press(page, re.compile("^Gjort$"))
    expect(bar).to_have_attribute("value", "1")
    expect(page.locator(".is-marked")).to_have_count(1)
    press(page, re.compile("^Gjenstår"), key="Shift+Tab")  # the filter stands above the lesson

    expect(page.locator(".check-card")).to_have_count(every - 1)
    expect(page.locator(".is-marked")).to_have_count(0)
    expect(page.locator("label[for=progress-bar]")).to_have_text(f"1 av {every}")


def press(page: Page, name: re.Pattern[str], key: str = "Tab") -> None:
    """Go to the first link with this name by ``key``, see that it shows, and press Enter."""
    wanted = page.get_by_role("link", name=name).first
    for _ in range(80):
        page.keyboard.press(key)
        if wanted.evaluate("link => link === document.activeElement"):
            assert wanted.evaluate("link => getComputedStyle(link).outlineStyle") != "none"
            page.keyboard.press("Enter")
            page.wait_for_load_state()
            return
    raise AssertionError(f"{name} cannot be reached by Tab")
