"""A list of questions becomes a table of lessons: only real hits, and «no hits» said honestly."""

import csv
import io
import re

import openpyxl
import pytest
from flask.testing import FlaskClient

from kb.export import FORMATS
from tests.kb.test_questions import WICKED, a_word_file
from tests.web.world import World

SEMINAR, ROLES, NOTHING = (
    "Når bør styret holde seminar etter det første året?",
    "Hadde noen avklart rollene med næringshagen og bedriftene?",
    "xyzzy",
)


def answers(page: str) -> dict[str, list[str]]:
    """Return for each question on the page the lessons beside it."""
    found = {}
    for body in re.findall(r"<tbody>(.+?)</tbody>", page, re.DOTALL):
        question = re.sub(r"<[^>]+>", "", re.search(r"<th.+?</th>", body, re.DOTALL)[0]).strip()
        found[question] = re.findall(r'href="/laerdom/([0-9a-f]{12})"', body)
    return found


def test_each_question_gets_its_best_lessons(client: FlaskClient, world: World):
    page = client.post("/sporsmal", data={"sporsmal": f"1. {SEMINAR}\n2. {ROLES}\n"}).text

    found = answers(page)
    assert list(found) == [SEMINAR, ROLES]
    assert found[SEMINAR][0] == world.lessons["styret"]
    assert found[ROLES][0] == world.lessons["ingen"]
    assert all(len(hits) <= 5 for hits in found.values())


def test_the_lessons_are_those_of_the_search(client: FlaskClient):
    page = client.post("/sporsmal", data={"sporsmal": SEMINAR}).text

    search = client.get("/sok", query_string={"q": SEMINAR}).text
    hits = re.findall(r'id="hit-([0-9a-f]{12})"', search)
    assert answers(page)[SEMINAR] == hits[:5]


def test_a_question_without_hits_says_so(client: FlaskClient):
    page = client.post("/sporsmal", data={"sporsmal": f"{NOTHING}\n{SEMINAR}"}).text

    assert answers(page)[NOTHING] == []
    assert "Ingen treff: ingen lærdom i basen ligger nær nok" in page
    assert "1 spørsmål har ingen sikre treff" in page


def test_questions_can_stand_in_the_address(client: FlaskClient):
    posted = client.post("/sporsmal", data={"sporsmal": f"{SEMINAR}\n{ROLES}"}).text
    permalink = re.search(r'href="(/sporsmal\?[^"]+)"', posted)[1].replace("&amp;", "&")

    assert answers(client.get(permalink).text) == answers(posted)


def test_a_long_list_is_too_long_for_an_address_and_says_so(client: FlaskClient):
    many = "\n".join(f"{SEMINAR} {ROLES} {ROLES} Nummer {number}?" for number in range(28))

    page = client.post("/sporsmal", data={"sporsmal": many}).text

    assert 'href="/sporsmal?' not in page
    assert "for lang til å stå i en adresse" in page


def test_more_than_thirty_are_cut_and_it_is_told(client: FlaskClient):
    many = "\n".join(f"Spørsmål nummer {number}?" for number in range(33))

    page = client.post("/sporsmal", data={"sporsmal": many}).text

    assert len(answers(page)) == 30
    assert "Vi tok de 30 første. 3 spørsmål er ikke med." in page


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("a.docx", a_word_file("Forstudie", f"1) {SEMINAR}", ROLES)),
        ("a.csv", f"Nr;Spørsmål\n1;{SEMINAR}\n2;{ROLES}\n".encode("cp1252")),
        ("a.txt", f"{SEMINAR}\r\n{ROLES}\r\n".encode()),
    ],
)
def test_a_file_is_read_and_its_questions_can_be_corrected(
    client: FlaskClient, name: str, data: bytes
):
    form = {"sporsmal": "noe annet", "fil": (io.BytesIO(data), name)}

    page = client.post("/sporsmal", data=form).text

    assert list(answers(page)) == [SEMINAR, ROLES]
    written = re.search(r'<textarea[^>]*id="sporsmal"[^>]*>(.*?)</textarea>', page, re.DOTALL)[1]
    assert written.splitlines() == [SEMINAR, ROLES]


@pytest.mark.parametrize("name", ["not a zip", "a bomb", "another file", "nested"])
def test_a_wicked_file_gives_a_sentence_and_keeps_what_was_written(client: FlaskClient, name: str):
    form = {"sporsmal": SEMINAR, "fil": (io.BytesIO(WICKED[name]), "a.docx")}

    answer = client.post("/sporsmal", data=form)

    assert answer.status_code == 422
    assert "Vi finner ingen spørsmål i filen" in answer.text
    assert SEMINAR in answer.text


def test_what_is_too_large_is_not_read(client: FlaskClient):
    kind = "multipart/form-data; boundary=x"

    assert client.post("/sporsmal", data=b"x" * 3_000_000, content_type=kind).status_code == 413


@pytest.mark.parametrize("name", [*FORMATS, "utskrift"])
def test_the_answers_come_in_every_format(client: FlaskClient, name: str):
    answer = client.post(f"/sporsmal/eksport/{name}", data={"sporsmal": f"{SEMINAR}\n{NOTHING}"})

    assert answer.status_code == 200
    assert answer.data


def test_a_file_of_answers_leaves_no_question_out(client: FlaskClient, world: World):
    data = {"sporsmal": f"{SEMINAR}\n{NOTHING}"}

    csv_text = client.post("/sporsmal/eksport/csv", data=data).data.decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(csv_text), delimiter=";"))
    book = openpyxl.load_workbook(io.BytesIO(client.post("/sporsmal/eksport/xlsx", data=data).data))

    assert rows[0]["Id"] == world.lessons["styret"]
    assert rows[0]["Side"] == "2"
    assert rows[-1]["Del"] == NOTHING
    assert rows[-1]["Lærdom"].startswith("Ingen treff")
    in_excel = [row[0].value for row in book["Lærdommer"].iter_rows(min_row=2)]
    assert in_excel == [row["Del"] for row in rows]


def test_nothing_that_is_sent_is_kept(client: FlaskClient, world: World):
    secret = "hemmeligplan"
    form = {"fil": (io.BytesIO(f"Hva er {secret}?".encode()), "a.txt")}

    answer = client.post("/sporsmal", data=form)

    assert secret in answer.text
    assert "Set-Cookie" not in answer.headers
    kept = [path for path in world.config.home.rglob("*") if path.is_file()]
    assert kept
    assert not [path for path in kept if secret.encode() in path.read_bytes()]
