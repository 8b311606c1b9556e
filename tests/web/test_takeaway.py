"""What is taken along is what the page shows: all of it, in its order, as a file or on paper."""

import csv
import io
import re

import docx
import openpyxl
import pytest
import rispy
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from kb.domain import Evidence, Lesson, Report
from kb.export import FORMATS
from kb.export.addresses import Addresses
from kb.store import Store
from tests.web.world import NOTE, World
from web.takeaway import MOST_IN_ADDRESS

TYPES = {
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "csv": "text/csv; charset=utf-8",
    "md": "text/markdown; charset=utf-8",
    "ris": "application/x-research-info-systems",
    "bib": "application/x-bibtex",
    "json": "application/vnd.citationstyles.csl+json",
}


def rows_of(answer: TestResponse) -> list[dict[str, str]]:
    assert answer.status_code == 200
    text = answer.data.decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text, newline=""), delimiter=";"))


def ids_of(rows: list[dict[str, str]]) -> list[str]:
    return list(dict.fromkeys(row["Id"] for row in rows))


def shown(page: str) -> list[str]:
    """Return the lessons that a page leads to, in order."""
    return list(dict.fromkeys(re.findall(r'href="/laerdom/([0-9a-f]{12})"', page)))


@pytest.mark.parametrize("name", FORMATS)
def test_a_file_is_told_to_be_one_and_kept_with_a_plain_name(client: FlaskClient, name: str):
    answer = client.get(f"/eksport/{name}?q=styret+seminar&tittel=%3Cb%3E%2F..%2F%22r%C3%B8d%22")

    assert answer.status_code == 200
    assert answer.content_type == TYPES[name]
    assert answer.headers["Content-Disposition"] == f'attachment; filename="b-roed.{name}"'
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Cache-Control"] == "no-store"
    assert "Set-Cookie" not in answer.headers


@pytest.mark.parametrize(
    "address",
    [
        "q=styret+seminar",
        "q=prosjekt+gav+god+l%C3%A6ring",
        "",
        "tema=styreseminar",
        "q=prosjekt+gav+god+l%C3%A6ring&program=sundet&ar=2019",
        "type=warning&type=success",
    ],
)
def test_the_file_has_all_hits_of_the_search_in_its_order(client: FlaskClient, address: str):
    pages = [client.get(f"/sok?{address}&side={number}") for number in (1, 2)]
    on_pages = [
        found
        for page in pages
        if page.status_code == 200
        for found in re.findall(r'id="hit-([0-9a-f]{12})"', page.text)
    ]

    in_file = ids_of(rows_of(client.get(f"/eksport/csv?{address}&side=2")))

    assert on_pages
    assert [each for each in in_file if each in on_pages] == on_pages
    total = int(re.search(r"(\d+) lærdom", pages[0].text)[1])
    assert len(in_file) == total


def test_a_search_without_hits_gives_a_file_that_says_so(client: FlaskClient):
    rows = rows_of(client.get("/eksport/csv?q=xyzzy"))

    assert [(row["Lærdom"], row["Id"]) for row in rows] == [("Ingen lærdommer passer.", "")]


def test_a_file_of_a_report_has_its_lessons_in_the_reports_order(client: FlaskClient, world: World):
    report = world.reports["fjellvik"]

    rows = rows_of(client.get(f"/eksport/csv?rapport={report}"))

    assert ids_of(rows) == shown(client.get(f"/rapport/{report}").text)
    assert {row["Rapport"] for row in rows} == {f"Omstilling i Fjellvik <2017–2021> [{NOTE}]"}


@pytest.mark.parametrize("path", ["/tema/styreseminar", "/program/fjellvik", "/rapport/{report}"])
def test_the_page_leads_to_a_file_of_its_lessons(client: FlaskClient, world: World, path: str):
    page = client.get(path.format(report=world.reports["fjellvik"])).text
    address = re.search(r'href="(/eksport/csv[^"]*)"', page)[1].replace("&amp;", "&")

    found = ids_of(rows_of(client.get(address)))

    assert found
    assert set(found) == set(shown(page)) & set(found)
    assert set(shown(page)) <= set(found)


def test_what_is_not_published_is_in_no_file(client: FlaskClient, world: World):
    draft, rejected = world.lessons["dette"], world.lessons["seminaret"]

    rows = rows_of(client.get(f"/eksport/csv?l={draft}&l={rejected}&l={world.lessons['styret']}"))

    assert ids_of(rows) == [world.lessons["styret"]]
    assert client.get(f"/eksport/csv?rapport={world.reports['kladd']}").status_code == 404


@pytest.mark.parametrize(
    ("address", "status"),
    [
        ("/eksport/exe?q=styret", 404),
        ("/eksport/csv?rapport=000000000000", 404),
        ("/eksport/csv?type=tull", 400),
        ("/eksport/csv?q=styret&gruppe=tull", 400),
        ("/notat?q=styret&gruppe=tull", 400),
        ("/eksport/csv?" + "&".join(f"l={n:012x}" for n in range(MOST_IN_ADDRESS + 1)), 400),
        ("/samling?" + "&".join(f"l={n:012x}" for n in range(MOST_IN_ADDRESS + 1)), 400),
    ],
)
def test_what_cannot_be_made_is_refused(client: FlaskClient, address: str, status: int):
    assert client.get(address).status_code == status


def test_a_note_has_the_readers_words_and_its_lessons_in_the_chosen_order(client: FlaskClient):
    answer = client.get(
        "/eksport/docx?q=styret+seminar&tittel=Til+styret&innledning=F%C3%B8r+m%C3%B8tet.&gruppe=program"
    )

    opened = docx.Document(io.BytesIO(answer.data))
    styles = [(one.style.name, one.text) for one in opened.paragraphs]
    assert styles[0] == ("Title", "Til styret")
    assert ("Normal", "Før møtet.") in styles
    headings = [text for style, text in styles if style == "Heading 1"]
    assert set(headings) == {"Fjellvik i vekst", "Harbour Forward", "Kilder"}
    assert "Adresse: http://localhost/sok?q=styret+seminar" in [text for _, text in styles]


@pytest.mark.parametrize("by", ["tema", "program", "fase"])
def test_grouping_loses_no_lesson(client: FlaskClient, by: str):
    plain = ids_of(rows_of(client.get("/eksport/csv")))

    grouped = rows_of(client.get(f"/eksport/csv?gruppe={by}"))

    assert sorted(ids_of(grouped)) == sorted(plain)
    parts = [row["Del"] for row in grouped]
    runs = [part for place, part in enumerate(parts) if place == 0 or parts[place - 1] != part]
    assert len(runs) == len(set(runs)) > 1


def test_the_files_speak_the_readers_language(client: FlaskClient):
    client.set_cookie("sprak", "en")

    book = openpyxl.load_workbook(io.BytesIO(client.get("/eksport/xlsx?tema=styreseminar").data))

    assert book.sheetnames == ["Lessons", "About this selection"]
    assert [cell.value for cell in book["Lessons"][1]][:2] == ["Part", "Lesson"]
    assert {row[9].value for row in book["Lessons"].iter_rows(min_row=2)} >= {"Success factor"}


def test_references_are_one_per_report(client: FlaskClient):
    records = rispy.loads(client.get("/eksport/ris?tema=styreseminar").data.decode())

    assert {one["secondary_title"] for one in records} == {"Fjellvik i vekst", "Harbour Forward"}


def test_the_addresses_in_files_are_those_of_the_site(app: Flask, world: World):
    from flask import url_for

    with Store.open(world.config.home) as store:
        lesson: Lesson = store.lessons([world.lessons["styret"]])[world.lessons["styret"]]
        report: Report | None = store.report(lesson.report_id)
    assert report is not None
    evidence: Evidence = lesson.evidence[1]
    addresses = Addresses("http://localhost")

    with app.test_request_context():
        site = {
            "lesson": url_for("lessons.page", lesson_id=lesson.id, _external=True),
            "report": url_for("reports.page", report_id=report.id, _external=True),
            "source": url_for(
                "source.page",
                report_id=report.id,
                number=evidence.page,
                l=lesson.id,
                _external=True,
            ),
        }

    assert site == {
        "lesson": addresses.lesson(lesson),
        "report": addresses.report(report),
        "source": addresses.source(lesson, evidence),
    }


def test_the_page_for_paper_has_quotes_pages_and_sources(client: FlaskClient):
    page = client.get("/eksport/utskrift?tema=styreseminar&gruppe=program").text

    assert "«The board should hold a seminar after the first year" in page
    assert "Harbour Forward, Rapport frå Harbour Forward, 2020, side 1" in page
    assert f"[{NOTE}]" in page
    assert "http://localhost/sok?tema=styreseminar" in page


# ---- the note and the collection in the address


def test_the_form_of_a_note_sends_the_lessons_along(client: FlaskClient, world: World):
    ids = [world.lessons["styret"], world.lessons["ingen"]]

    page = client.get(f"/notat?l={ids[0]}&l={ids[1]}&innledning=%3Cscript%3E").text

    assert re.findall(r'name="l" value="([0-9a-f]{12})"', page) == ids
    assert "&lt;script&gt;" in page
    assert 'formaction="/eksport/docx"' in page


def test_a_collection_in_the_address_keeps_its_order_and_can_be_rearranged(
    client: FlaskClient, world: World
):
    a, b, c = (world.lessons[word] for word in ("styret", "ingen", "arbeidet"))

    page = client.get(f"/samling?l={a}&l={b}&l={c}").text

    assert shown(page) == [a, b, c]
    links = [one.replace("&amp;", "&") for one in re.findall(r'href="(/samling\?[^"#]*)', page)]
    assert links == [
        f"/samling?l={b}&l={a}&l={c}",  # the first goes down
        f"/samling?l={b}&l={c}",  # or goes
        f"/samling?l={b}&l={a}&l={c}",  # the second goes up
        f"/samling?l={a}&l={c}&l={b}",
        f"/samling?l={a}&l={c}",
        f"/samling?l={a}&l={c}&l={b}",
        f"/samling?l={a}&l={b}",
    ]


def test_more_is_found_for_the_collection_in_the_address(client: FlaskClient, world: World):
    kept = world.lessons["ingen"]

    page = client.get(f"/samling?l={kept}&q=styret+seminar").text

    links = [one.replace("&amp;", "&") for one in re.findall(r'href="(/samling\?[^"#]*)', page)]
    assert f"/samling?l={kept}&l={world.lessons['styret']}&q=styret+seminar" in links


def test_a_lesson_that_is_gone_is_told_of_but_not_shown(client: FlaskClient, world: World):
    page = client.get(f"/samling?l={world.lessons['dette']}&l={world.lessons['styret']}").text

    assert "1 lærdom i adressen er trukket tilbake" in page
    assert "Dette er ikke publisert ennå" not in page


def test_collecting_without_an_account_leaves_no_cookie(client: FlaskClient, world: World):
    lesson = client.get(f"/laerdom/{world.lessons['styret']}")
    page = client.get(f"/samling?l={world.lessons['styret']}")

    assert f'href="/samling?l={world.lessons["styret"]}"' in lesson.text
    assert [answer.headers.get("Set-Cookie") for answer in (lesson, page)] == [None, None]
    assert "Vi lagrer ingenting" in page.text
