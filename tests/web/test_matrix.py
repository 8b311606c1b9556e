"""The matrix: what it counts, along every axis, on the page and in its files."""

import csv
import html
import io
import re
from dataclasses import replace
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import openpyxl
import pytest
from flask.testing import FlaskClient
from werkzeug.datastructures import MultiDict

from kb.config import Config
from kb.search import Searcher
from kb.store import Store
from tests.make import a_filing, a_programme
from tests.web.conftest import site_over
from tests.web.world import CORPUS, World
from web.query import read_query
from web.views.matrix import Axis, heat

_CELL = re.compile(r'<td class="heat-(\d)"><a href="([^"]+)">(.*?)</a></td>', re.S)


def cells(page: str) -> list[tuple[str, str, str]]:
    """Return (shade, address, text) of each cell."""
    return [
        (shade, html.unescape(address), re.sub(r"<[^>]+>", "", text))
        for shade, address, text in _CELL.findall(page)
    ]


def number(text: str) -> int:
    return int(re.search(r": (\d+)", text)[1])


@pytest.mark.parametrize("axis", list(Axis))
def test_every_cell_leads_to_as_many_lessons_as_it_says(
    client: FlaskClient, world: World, axis: Axis
):
    shown = cells(client.get(f"/matrise?kolonner={axis.value}").text)
    searcher = Searcher(world.encoder, world.config.home)

    with Store.open(world.config.home) as store:
        for shade, address, text in shown:
            query = read_query(MultiDict(parse_qsl(urlsplit(address).query)))
            assert query.themes
            found = searcher.search(store, query).total
            assert (number(text), int(shade)) == (found, heat(found)), address
    assert len(shown) % 26 == 0
    assert sum(number(text) for _shade, _address, text in shown) > 0


@pytest.mark.parametrize(
    ("count", "shade"), [(0, 0), (1, 1), (2, 2), (3, 3), (4, 3), (5, 4), (7, 4), (8, 5), (99, 5)]
)
def test_shades_stand_for_fixed_numbers(count: int, shade: int):
    assert heat(count) == shade


def test_gaps_have_a_look_and_words_of_their_own(client: FlaskClient):
    shown = cells(client.get("/matrise").text)
    gaps = [(shade, text) for shade, _address, text in shown if number(text) == 0]

    assert gaps
    assert all(shade == "0" and text.endswith("0 (ingen)") for shade, text in gaps)
    assert ("Styreseminar og introkurs, Ny giv i Sundet: 0 (ingen)") in {text for _, text in gaps}


def test_rows_and_columns_have_totals(client: FlaskClient):
    page = client.get("/matrise").text
    (row,) = (one for one in page.split("<tr>") if ">Styreseminar og introkurs</a>" in one)
    text = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", row))
    foot = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", page[page.index("<tfoot>") :]))

    assert "I alt 3 i alt om Styreseminar" in text
    assert "2 av 3" in text
    assert "Lærdommer i alt" in foot
    assert "Ny giv i Sundet 22" in foot
    assert re.search(r"Temaer med lærdommer .*I alt 11 av 26", foot)


def test_lessons_in_no_column_are_told_and_counted(client: FlaskClient):
    text = re.sub(r"<[^>]+>", "", client.get("/matrise?kolonner=fase").text)

    assert "2 lærdommer gjelder ikke én bestemt fase, og er bare med i «I alt»." in text
    assert "gjelder ikke én bestemt fase" not in client.get("/matrise").text


def test_the_address_chooses_what_stands_above_the_columns(client: FlaskClient):
    page = client.get("/matrise?kolonner=ar").text
    chosen = re.search(r'<a class="ds-chip"[^>]*aria-current="true">([^<]+)<', page)[1]

    assert chosen == "Rapportens år"
    heads = re.findall(r'<th scope="col"><a class="ds-link" href="/sok\?ar=(\d+)"', page)
    assert heads == ["2019", "2020", "2021"]


@pytest.mark.parametrize("path", ["/matrise?kolonner=x", "/matrise.csv?kolonner=x"])
def test_an_axis_that_does_not_exist_is_refused(client: FlaskClient, path: str):
    assert client.get(path).status_code == 400


def test_there_are_only_the_files_that_are_offered(client: FlaskClient):
    assert client.get("/matrise.pdf").status_code == 404
    assert client.get("/matrise.docx").status_code == 404


def rows_of(answer: bytes) -> list[list[str]]:
    assert answer.startswith(b"\xef\xbb\xbf")
    return list(csv.reader(io.StringIO(answer.decode("utf-8-sig"), newline=""), delimiter=";"))


@pytest.mark.parametrize("axis", list(Axis))
def test_the_csv_has_the_numbers_of_the_page(client: FlaskClient, axis: Axis):
    page = client.get(f"/matrise?kolonner={axis.value}").text
    answer = client.get(f"/matrise.csv?kolonner={axis.value}")

    head, *rows = rows_of(answer.data)
    themes, totals = rows[:-2], rows[-2]
    assert head[:2] == ["Temagruppe", "Tema"]
    assert len(themes) == 26
    told = [int(cell) for row in themes for cell in row[2:-2]]
    assert told == [number(text) for _shade, _address, text in cells(page)]
    assert totals[-2] == "29"
    assert answer.headers["Content-Disposition"].endswith('.csv"')


def test_the_workbook_has_the_same_table_with_numbers(client: FlaskClient):
    rows = rows_of(client.get("/matrise.csv?kolonner=type").data)

    answer = client.get("/matrise.xlsx?kolonner=type")
    book = openpyxl.load_workbook(io.BytesIO(answer.data))
    table, about = book.worksheets
    found = [
        ["" if cell is None else cell for cell in row] for row in table.iter_rows(values_only=True)
    ]
    assert [[str(cell) for cell in row] for row in found] == rows
    assert all(isinstance(cell, int) for row in found[1:27] for cell in row[2:-1])
    told = " ".join(str(row[0]) for row in about.iter_rows(values_only=True))
    assert "En lærdom med to temaer telles i begge radene." in told
    assert "/matrise?kolonner=type" in told


def test_a_name_that_looks_like_a_formula_stays_text(tmp_path: Path, world: World):
    filing = a_filing("Navnet på programmet var feil.", themes=("navn",))
    report = replace(filing.report, programme=a_programme("=1+1", slug="rart"))
    with Store.open(tmp_path) as store:
        replace(filing, report=report).add_to(store)
    client = site_over(Config(home=tmp_path, corpus=CORPUS), world.encoder).test_client()

    assert rows_of(client.get("/matrise.csv").data)[0][2] == "'=1+1"
    book = openpyxl.load_workbook(io.BytesIO(client.get("/matrise.xlsx").data))
    assert book.worksheets[0]["C1"].data_type == "s"


def test_an_empty_base_has_no_table(empty_client: FlaskClient):
    page = empty_client.get("/matrise?kolonner=fase").text

    assert "Basen er tom" in page
    assert "<table" not in page
