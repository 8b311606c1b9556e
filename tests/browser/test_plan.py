"""A programme leader checks a draft and goes home with a Word file; also without JavaScript."""

from collections.abc import Callable
from pathlib import Path

import pytest
from docx import Document
from playwright.sync_api import expect

from tests.browser.conftest import Watched
from tests.browser.test_access import violations
from tests.web.world import FJELLVIK

pytestmark = pytest.mark.browser

WARNING = FJELLVIK[1][2]


@pytest.fixture(scope="module")
def draft(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a draft plan as people write them, in Word."""
    document = Document()
    document.add_heading("Handlingsplan 2028", 0)
    document.add_heading("Rolleavklaring med næringshagen", 1)
    document.add_paragraph("Rollene med næringshagen avklares, så bedriftene ikke får to tilbud.")
    document.add_heading("Budsjett", 1)
    document.add_paragraph("Beløpene er i hele tusen kroner.")
    path = tmp_path_factory.mktemp("plan") / "utkast.docx"
    document.save(str(path))
    return path


@pytest.mark.parametrize("has_script", [True, False], ids=["with script", "without script"])
def test_a_draft_becomes_a_word_file_with_what_others_have_learned(
    watch: Callable[..., Watched], draft: Path, tmp_path: Path, has_script: bool
) -> None:
    page = watch(390 if has_script else 1280, java_script_enabled=has_script).go("/plansjekk")

    page.get_by_label("Fil med plan, søknad eller forstudie").set_input_files(draft)
    page.get_by_role("button", name="Sjekk planen").press("Enter")
    board = page.get_by_role("region", name="Rolleavklaring med næringshagen")
    expect(board.get_by_role("link", name=WARNING)).to_be_visible(timeout=60_000)
    with page.expect_download() as download:
        page.get_by_role("link", name="Word").press("Enter")
    download.value.save_as(tmp_path / "svar.docx")

    texts = [one.text for one in Document(str(tmp_path / "svar.docx")).paragraphs]
    assert texts[0] == "Plansjekk: utkast.docx"
    assert f"«{WARNING}»" in texts
    assert texts.index("Rolleavklaring med næringshagen") < texts.index(WARNING)


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
def test_neither_the_form_nor_the_result_breaks_a_rule(
    watch: Callable[..., Watched], draft: Path, width: int, scheme: str
) -> None:
    page = watch(width, color_scheme=scheme).go("/plansjekk")
    assert violations(page) == []

    page.get_by_label("Fil med plan, søknad eller forstudie").set_input_files(draft)
    page.get_by_role("button", name="Sjekk planen").click()
    expect(page.get_by_role("heading", name="Plansjekk: utkast.docx")).to_be_visible(timeout=60_000)

    assert violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
