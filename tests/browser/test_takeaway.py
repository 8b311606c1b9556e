"""What people take away, from the first click to the file opened by somebody else's reader."""

import io
import shutil
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import docx
import openpyxl
import pytest
from playwright.sync_api import Page, expect
from waitress.server import create_server

from kb.config import Config
from kb.store import Role
from tests.browser.conftest import Watched
from tests.web.staff import NAMES, PASSWORD, add_staff
from tests.web.world import FJELLVIK, World
from web import create_app

pytestmark = pytest.mark.browser
Watch = Callable[..., Watched]
LESSON = FJELLVIK[1][1]
QUESTIONS = [
    "Når bør styret holde seminar etter det første året?",
    "Hadde noen avklart rollene med næringshagen og bedriftene?",
    *(f"Hvor mye koster uvedkommende ting nummer {number}?" for number in range(3, 20)),
    "xyzzy",
]


@pytest.fixture(scope="module")
def base(world: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Return the address of a site of its own, with accounts."""
    home = tmp_path_factory.mktemp("takeaway") / "home"
    shutil.copytree(world.config.home, home)
    add_staff(home)
    app = create_app(Config(home=home, corpus=world.config.corpus), world.encoder)
    server = create_server(app, host="127.0.0.1", port=0)
    threading.Thread(target=server.run, daemon=True).start()
    yield f"http://127.0.0.1:{server.effective_port}"
    server.close()
    server.task_dispatcher.shutdown()


def logged_in(watch: Watch, **options: object) -> tuple[Watched, Page]:
    watched = watch(**options)
    page = watched.go("/inn")
    page.get_by_label("Brukernavn").fill(NAMES[Role.READER])
    page.get_by_label("Passord").fill(PASSWORD)
    page.get_by_role("main").get_by_role("button", name="Logg inn").click()
    return watched, page


def downloaded(page: Page, name: str) -> tuple[str, bytes]:
    with page.expect_download() as waiting:
        page.get_by_role("button", name=name, exact=True).click()
    return waiting.value.suggested_filename, Path(waiting.value.path()).read_bytes()


def test_a_consultant_goes_from_a_theme_to_a_note_in_word(watch: Watch):
    watched, page = logged_in(watch)
    watched.go("/tema/styreseminar")
    page.get_by_role("link", name=LESSON).first.click()
    page.get_by_role("button", name="Lagre i samling").click()
    page.get_by_role("link", name="Lagret i «Min samling»").click()
    page.get_by_role("link", name="Min samling").click()
    page.get_by_text("Skriv en kommentar").click()
    page.get_by_label("Kommentar", exact=True).fill("Legg fram for styret.")
    page.get_by_role("button", name="Lagre kommentaren").click()
    page.get_by_label("Innledning").fill("Til forstudien.")
    page.get_by_role("button", name="Lagre navn og innledning").click()
    page.get_by_label("Rekkefølge").select_option(label="Tema for tema")

    name, data = downloaded(page, "Word")

    assert name == "min-samling.docx"
    opened = docx.Document(io.BytesIO(data))
    told = [(one.style.name, one.text) for one in opened.paragraphs]
    assert ("Heading 2", LESSON) in told
    assert ("Quote", f"«{LESSON}»") in told
    assert ("Normal", "Til forstudien.") in told
    assert ("Normal", "Kommentar: Legg fram for styret.") in told
    links = [link.address for one in opened.paragraphs for link in one.hyperlinks]
    page.goto(links[0])
    expect(page.locator("rect.highlight")).to_have_count(1)


def test_a_list_of_twenty_questions_comes_back_as_excel_without_scripts(watch: Watch):
    page = watch(java_script_enabled=False).go("/sporsmal")
    page.get_by_label("Spørsmål, ett på hver linje").fill("\n".join(QUESTIONS))
    page.get_by_role("button", name="Finn lærdommer til spørsmålene").click()
    expect(page.get_by_role("heading", name="Svar på 20 spørsmål")).to_be_visible()

    name, data = downloaded(page, "Excel")

    assert name == "svar-paa-spoersmaal.xlsx"
    sheet = openpyxl.load_workbook(io.BytesIO(data))["Lærdommer"]
    head, *rows = [[cell.value for cell in row] for row in sheet.iter_rows()]
    told = [dict(zip(head, row, strict=True)) for row in rows]
    assert list(dict.fromkeys(row["Del"] for row in told)) == QUESTIONS
    assert told[0]["Lærdom"] == LESSON
    assert told[0]["Side"] == 2
    sure = {row["Del"] for row in told if row["Id"] and row["Om lærdommen"] != "Svakt treff"}
    assert set(QUESTIONS[:2]) <= sure
    assert [row["Lærdom"][:11] for row in told if row["Del"] == "xyzzy"] == ["Ingen treff"]


def test_a_shared_link_ends_when_its_owner_says_so(watch: Watch):
    watched, page = logged_in(watch)
    watched.go("/samlinger")
    page.get_by_label("Navn på en ny samling").fill("Delt med Ola")
    page.get_by_role("button", name="Lag samlingen").click()
    page.get_by_role("button", name="Lag en lenke").click()
    link = page.get_by_label("Lenken til samlingen").input_value()
    guest = watch(width=390)

    guest.page.goto(link)
    expect(guest.page.get_by_role("heading", name="Delt med Ola")).to_be_visible()
    page.get_by_role("button", name="Slutt å dele").click()
    expect(page.get_by_text("Lenken virker ikke lenger")).to_be_visible()
    answer = guest.page.goto(link)

    assert answer is not None
    assert answer.status == 404
    expect(guest.page.get_by_role("heading", name="Siden finnes ikke")).to_be_visible()


def test_a_collection_grows_from_page_to_page_without_an_account(watch: Watch, world: World):
    first, second = world.lessons["styret"], world.lessons["ingen"]
    watched = watch()
    page = watched.go(f"/laerdom/{first}")
    page.get_by_role("link", name="Legg i samling").click()
    watched.go(f"/laerdom/{second}")

    page.get_by_role("link", name="Legg i samling").click()

    expect(page).to_have_url(f"{watched.base}/samling?l={first}&l={second}")
    expect(page.locator(".kept")).to_have_count(2)
    page.get_by_role("link", name="Flytt opp").click()
    expect(page.locator(".kept").first).to_have_id(f"l-{second}")
    assert page.context.cookies() == []


@pytest.mark.parametrize("path", ["/sporsmal", "/samling", "/notat?tema=styreseminar"])
def test_nothing_is_cut_off_on_a_phone(watch: Watch, path: str):
    page = watch(width=320).go(path)

    assert page.evaluate("document.documentElement.scrollWidth") <= 320
