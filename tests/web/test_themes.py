"""A theme's page: what several say, what speaks for and against, proposals, and the rest."""

import io
import re
import shutil
from dataclasses import replace
from pathlib import Path

import docx
import openpyxl
import pytest
from flask import Flask
from flask.testing import FlaskClient

from kb.config import Config
from kb.desk import Desk
from kb.domain import ReportType
from kb.embed import embed_lessons
from kb.relations import RelationKind
from kb.store import Stance, Store, Verdict
from tests.make import a_filing, a_programme
from tests.web.conftest import site_over
from tests.web.world import CORPUS, FJELLVIK, HARBOUR, World
from web.views import themes

SEMINAR, COURSE, BOARD = FJELLVIK[1][1], FJELLVIK[1][4], HARBOUR[1]
GOAL = "Målene for programmet burde vært tallfestet før det første året var omme i {}."


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory, staffed: Path, world: World) -> Path:
    """Return a base in which people have related lessons, and two more are much alike."""
    home = Path(shutil.copytree(staffed, tmp_path_factory.mktemp("themes") / "home"))
    with Store.open(home) as store:
        own = store.lessons(store.lesson_ids())
        ids = {lesson.statement: id_ for id_, lesson in own.items()}
        desk = Desk(store, lambda: world.encoder, "kari")
        for first, second, kind in (
            (ids[SEMINAR], ids[BOARD], RelationKind.SAMME),
            (world.lessons["the"], ids[COURSE], RelationKind.MOTSIER),
        ):
            desk.relate(first, second, Stance(kind, Verdict.ACCEPTED), None)
        add(store, world, "Dal", ReportType.SLUTTEVALUERING)
        add(store, world, "Nes", ReportType.SLUTTRAPPORT)
    return home


def add(store: Store, world: World, name: str, report_type: ReportType) -> None:
    filing = a_filing(GOAL.format(name), original=name.encode(), themes=("maal",))
    report = replace(
        filing.report,
        programme=a_programme(name),
        report_type=report_type,
        contractor=f"{name} kommune",
    )
    vectors = embed_lessons(filing.lessons, world.encoder)
    model = world.encoder.model_id
    replace(filing, report=report, vectors=vectors, model_id=model).add_to(store)


@pytest.fixture(scope="module")
def app(home: Path, world: World) -> Flask:
    return site_over(Config(home=home, corpus=CORPUS), world.encoder)


def text_of(html: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html))


def section(page: str, name: str) -> str:
    """Return the part of a page that stands under the heading with this id."""
    begins = rf'<section class="chapter[^"]*" aria-labelledby="{name}">'
    found = re.search(begins + r"(.*?)\n  </section>", page, re.S)
    return found[1] if found else ""


# ---- what several say


def test_a_row_says_what_by_whom_and_how_broadly(client: FlaskClient):
    row = section(client.get("/tema/styreseminar").text, "together")
    text = text_of(row)

    assert "Gjentatt bekreftet i 2 programmer av 1 evaluator" in text
    assert SEMINAR in text
    assert BOARD in text
    assert "Sier det samme" in text
    assert text.count("Analyse AS") == 2
    assert f"«{BOARD}»" in re.sub(r"\s+", " ", row), "the quote, word for word"
    assert COURSE not in text


def test_a_theme_tells_which_programmes_speak(client: FlaskClient):
    page = client.get("/tema/styreseminar").text

    assert "2 av 5 programmer sier noe om dette, vurdert av 1 evaluator utenfra" in text_of(page)
    programmes = re.findall(r'href="/sok\?tema=styreseminar&amp;program=(\w+)"', page)
    assert programmes == ["fjellvik", "harbour"], "most lessons first"


def test_where_nobody_has_related_anything_the_page_says_so(client: FlaskClient):
    text = text_of(client.get("/tema/portefolje").text)

    assert "Ingen har koblet sammen lærdommer om dette temaet ennå." in text
    assert "Gjentatt" not in text
    assert "Vis alle 20" in text


def test_sides_stand_beside_each_other_and_are_not_averaged(client: FlaskClient):
    text = text_of(section(client.get("/tema/programleder").text, "disagree"))

    speaks_for, speaks_against = text.split("Taler mot")
    assert "Taler for" in speaks_for
    assert COURSE in speaks_for
    assert HARBOUR[2] in speaks_against
    assert text.count("bare ett program så langt") == 2


def test_what_nobody_related_is_listed_by_kind_and_phase(client: FlaskClient):
    text = text_of(section(client.get("/tema/naeringsliv-forankring").text, "alone"))

    assert "hypotese" in text
    assert text.index("Suksessfaktor") < text.index("Strategi og forankring")


# ---- narrowed


def test_the_address_narrows_rows_and_lists(client: FlaskClient):
    page = client.get("/tema/styreseminar?type=success").text

    assert BOARD in page, "a row stays whole, whatever of it was asked for"
    assert COURSE not in page
    assert '<option value="success" selected>' in page
    assert 'href="/eksport/docx?tema=styreseminar&amp;gruppe=program&amp;type=success"' in page


def test_narrowed_to_nothing_there_is_a_way_back(client: FlaskClient):
    page = client.get("/tema/styreseminar?fase=avklaring").text

    assert "Ingen lærdommer om temaet passer til valget ditt." in text_of(page)
    assert 'href="/tema/styreseminar">Vis alt om temaet</a>' in page
    assert "/eksport/" not in page


@pytest.mark.parametrize("query", ["fase=x", "type=x"])
def test_a_kind_or_phase_that_does_not_exist_is_refused(client: FlaskClient, query: str):
    assert client.get(f"/tema/styreseminar?{query}").status_code == 400


# ---- proposals


def test_proposals_are_labelled_and_not_counted(client: FlaskClient):
    page = client.get("/tema/maal").text
    proposed = text_of(section(page, "proposed"))

    assert "Foreslått automatisk, ikke kontrollert" in proposed
    assert GOAL.format("Dal") in proposed
    assert GOAL.format("Nes") in proposed
    assert "Ingen har koblet sammen" in section(page, "together")
    assert "Gjentatt" not in page
    assert "Avgjør" not in proposed, "readers do not decide"


def test_an_own_report_is_shown_as_not_independent(client: FlaskClient):
    alone = section(client.get("/tema/maal").text, "alone")
    items = alone.split('<li class="lesson-item">')[1:]
    own = [GOAL.format("Nes") in one for one in items]

    assert ["ikke uavhengig" in one for one in items] == own
    assert sorted(own) == [False, True]
    assert "Nes kommune" not in alone, "who wrote it is no evaluator"


def test_an_editor_gets_from_a_proposal_to_the_decision(editor: FlaskClient):
    proposed = section(editor.get("/tema/maal").text, "proposed")
    address = re.search(r'href="(/desk/laerdom/[^"]+)#forhold"', proposed)[1]

    page = editor.get(address.replace("&amp;", "&")).text

    assert 'id="forhold"' in page
    assert GOAL.format("Dal") in page
    assert GOAL.format("Nes") in page


def test_in_a_large_base_proposals_are_made_when_asked_for(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(themes, "AT_ONCE", 1)

    page = client.get("/tema/maal").text
    assert GOAL.format("Nes") not in section(page, "proposed")
    address = re.search(r'href="(/tema/maal\?forslag=1)#proposed"', page)[1]

    assert GOAL.format("Nes") in section(client.get(address).text, "proposed")


# ---- taking along


def test_each_lesson_can_be_saved_once(client: FlaskClient):
    page = client.get("/tema/styreseminar").text
    marks = re.findall(r'id="lagre-(\w+)"', page)

    assert len(marks) == len(set(marks)) == 4, "three of the theme, and one that speaks against"
    assert 'href="/feed/tema/styreseminar.atom"' in page


def test_the_page_goes_along_row_by_row_without_proposals(client: FlaskClient):
    answer = client.get("/tema/programleder/eksport/docx")
    document = docx.Document(io.BytesIO(answer.data))
    lines = [line.text for line in document.paragraphs]
    headings = [line.text for line in document.paragraphs if line.style.name.startswith("Heading")]

    assert any(line.startswith("Det rapportene er uenige om 1") for line in headings)
    assert any(line.startswith("Taler for: Hypotese: bare ett program") for line in lines)
    assert any(f"«{COURSE}»" in line for line in lines)
    assert any(f"«{HARBOUR[2]}»" in line for line in lines)

    goals = client.get("/tema/maal/eksport/xlsx").data
    book = openpyxl.load_workbook(io.BytesIO(goals))
    told = [str(cell) for row in book.worksheets[0].iter_rows(values_only=True) for cell in row]
    assert told.count("Programmets egen rapport, ikke uavhengig") == 1
    assert told.count("Sagt i én rapport") == 2
    assert not any("kanskje" in cell for cell in told)


def test_the_file_is_narrowed_as_the_page_is(client: FlaskClient):
    page = client.get("/tema/styreseminar?type=success").text
    address = re.search(r'href="(/tema/styreseminar/eksport/utskrift\?type=success)"', page)[1]

    paper = client.get(address).text

    assert "Gjentatt: bekreftet i 2 programmer av 1 evaluator" in paper
    assert BOARD in paper
    assert COURSE not in paper


@pytest.mark.parametrize("path", ["/tema/x/eksport/docx", "/tema/maal/eksport/pdf"])
def test_what_is_not_offered_is_not_found(client: FlaskClient, path: str):
    assert client.get(path).status_code == 404
