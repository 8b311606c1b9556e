"""The page of the report: the picture, the marked quote, the file."""

import io
import re
import shutil
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from kb.domain import Span
from kb.store.session import DATABASE
from kb.text import key
from tests.web.conftest import Client
from tests.web.tiny_pdf import HEIGHT, LEADING, LEFT, SIZE, TOP, WIDTH, tiny_pdf
from tests.web.world import FJELLVIK, HARBOUR, World
from web import create_app
from web.page_image import PageImage, is_pdf, page_image, rectangles
from web.present import text_fragment
from web.views.source import blocks


def _marks(html: str) -> list[str]:
    return re.findall(r"<mark>(.*?)</mark>", html)


def _rectangles(html: str) -> list[dict[str, float]]:
    return [
        {name: float(value) for name, value in re.findall(r' (x|y|width|height)="([\d.-]+)"', tag)}
        for tag in re.findall(r'<rect class="highlight"[^>]*>', html)
    ]


def test_the_quote_is_marked_in_the_picture_where_it_stands(client: FlaskClient, world: World):
    page = client.get(f"/kilde/{world.reports['fjellvik']}/side/2?l={world.lessons['styret']}").text

    [mark] = _rectangles(page)
    baseline = HEIGHT - (TOP - 1 * LEADING)
    assert mark["x"] == pytest.approx(LEFT, abs=3)
    assert mark["y"] < baseline - SIZE / 2
    assert baseline < mark["y"] + mark["height"] < baseline + LEADING / 2
    assert WIDTH / 2 < mark["width"] < WIDTH - LEFT
    assert _marks(page) == [FJELLVIK[1][1]]


def test_a_quote_over_a_page_break_is_marked_on_both_pages(client: FlaskClient, world: World):
    report, lesson = world.reports["fjellvik"], world.lessons["et"]

    pages = [client.get(f"/kilde/{report}/side/{number}?l={lesson}").text for number in (2, 3)]

    assert [_marks(page) for page in pages] == [[FJELLVIK[1][5]], [FJELLVIK[2][0]]]
    assert [len(_rectangles(page)) for page in pages] == [1, 1]


def test_a_text_report_shows_the_text_with_the_mark_and_no_picture(
    client: FlaskClient, world: World
):
    page = client.get(f"/kilde/{world.reports['harbour']}/side/1?l={world.lessons['the']}").text

    assert _marks(page) == [HARBOUR[2]]
    assert "<image" not in page
    assert "Last ned originalen" in page


def test_a_lesson_of_another_page_or_nonsense_marks_nothing(client: FlaskClient, world: World):
    report = world.reports["fjellvik"]

    for wanted in (world.lessons["dei"], world.lessons["seminaret"], "%3Cscript%3E", ""):
        page = client.get(f"/kilde/{report}/side/1?l={wanted}")
        assert page.status_code == 200
        assert _marks(page.text) == []


def test_pages_can_be_turned_and_end(client: FlaskClient, world: World):
    report = world.reports["fjellvik"]
    first, last = (client.get(f"/kilde/{report}/side/{number}").text for number in (1, 3))

    assert f'rel="next" href="/kilde/{report}/side/2"' in first
    assert 'rel="prev"' not in first
    assert f'rel="prev" href="/kilde/{report}/side/2"' in last
    assert 'rel="next"' not in last


def test_the_picture_is_the_page_and_may_be_kept_for_ever(client: FlaskClient, world: World):
    answer = client.get(f"/kilde/{world.reports['fjellvik']}/side/2.webp")

    assert answer.mimetype == "image/webp"
    assert "immutable" in answer.headers["Cache-Control"]
    assert Image.open(io.BytesIO(answer.data)).size == (2 * WIDTH, 2 * HEIGHT)


def test_the_link_opens_the_file_on_the_page_at_the_quote(client: FlaskClient, world: World):
    page = client.get(f"/kilde/{world.reports['fjellvik']}/side/2?l={world.lessons['styret']}").text

    assert f"/rapport/{world.reports['fjellvik']}/fil#page=2:~:text=Styret%20holdt" in page


def test_the_original_is_sent_byte_for_byte_and_can_do_nothing(client: FlaskClient, world: World):
    answer = client.get(f"/rapport/{world.reports['fjellvik']}/fil")

    assert answer.data == tiny_pdf(FJELLVIK)
    assert answer.mimetype == "application/pdf"
    assert answer.headers["Content-Disposition"].startswith("inline")
    assert "max-age=3" not in answer.headers["Cache-Control"], "it may be taken back"
    assert "sandbox" in answer.headers["Content-Security-Policy"]
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_a_text_report_is_downloaded_not_shown(client: FlaskClient, world: World):
    answer = client.get(f"/rapport/{world.reports['harbour']}/fil")

    assert answer.mimetype == "application/octet-stream"
    assert answer.headers["Content-Disposition"].startswith("attachment")


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        pytest.param(tiny_pdf([["Hei"]]), True, id="a PDF"),
        pytest.param(b"\xef\xbb\xbf\r\n" * 100 + tiny_pdf([["Hei"]]), True, id="rubbish before"),
        pytest.param(b" " * 1_024 + b"%PDF-1.4", False, id="too late"),
        pytest.param(b"Vi leste en %PDF", False, id="text"),
        pytest.param(b"", False, id="empty"),
    ],
)
@pytest.mark.parametrize("name", ["rapport", "rapport.pdf", "rapport.txt", "rapport.PDF_gammel"])
def test_a_pdf_is_known_by_what_is_in_it(tmp_path: Path, name: str, data: bytes, *, expected: bool):
    file = tmp_path / name
    file.write_bytes(data)

    assert is_pdf(file) is expected


def test_a_file_that_is_gone_is_no_pdf(tmp_path: Path):
    assert not is_pdf(None)
    assert not is_pdf(tmp_path / "gone.pdf")


def test_a_pdf_by_another_name_is_shown_and_opened_as_one(tmp_path: Path, world: World):
    home, report = tmp_path / "home", world.reports["fjellvik"]
    shutil.copytree(world.config.home, home)
    [original] = [
        one for one in (home / "files").iterdir() if one.read_bytes() == tiny_pdf(FJELLVIK)
    ]
    original.rename(original.with_suffix(""))
    with closing(sqlite3.connect(home / DATABASE)) as database, database:
        database.execute("UPDATE report SET file = 'rapport' WHERE id = ?", [report])
    app = create_app(replace(world.config, home=home), world.encoder)
    app.test_client_class = Client
    client = app.test_client()

    assert client.get(f"/kilde/{report}/side/2.webp").mimetype == "image/webp"
    assert "<image" in client.get(f"/kilde/{report}/side/2").text
    assert 'type="application/pdf"' in client.get(f"/rapport/{report}").text
    answer = client.get(f"/rapport/{report}/fil")
    assert answer.mimetype == "application/pdf"
    assert answer.headers["Content-Disposition"].startswith("inline")


def test_a_file_that_cannot_be_drawn_gives_no_picture_and_leaves_nothing(tmp_path: Path):
    broken = tmp_path / "broken.pdf"
    broken.write_bytes(b"%PDF-1.4\n" + bytes(range(256)))

    assert page_image(broken, "0" * 64, 1, tmp_path) is None
    assert page_image(tmp_path / "gone.pdf", "1" * 64, 1, tmp_path) is None
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [broken]


def test_a_page_that_is_not_in_the_file_gives_no_picture(tmp_path: Path):
    file = tmp_path / "one.pdf"
    file.write_bytes(tiny_pdf([["Alene"]]))

    assert page_image(file, "0" * 64, 2, tmp_path) is None


def test_a_page_as_large_as_a_house_is_drawn_small(tmp_path: Path):
    file = tmp_path / "huge.pdf"
    file.write_bytes(tiny_pdf([["Stor"]]).replace(b"[0 0 420 594]", b"[0 0 90000 90000]"))

    picture = page_image(file, "0" * 64, 1, tmp_path)

    assert picture is not None
    with Image.open(picture.file) as drawn:
        assert max(drawn.size) <= 2_400


@pytest.mark.parametrize(
    ("box", "shape", "first_x", "first_y"),
    [
        pytest.param(b"[0 0 420 594]", (420, 594), LEFT, HEIGHT - TOP, id="plain"),
        pytest.param(b"[20 30 420 594]", (400, 564), LEFT - 20, HEIGHT - TOP, id="corner not at 0"),
        pytest.param(
            b"[0 0 420 594] /Rotate 90", (594, 420), TOP, LEFT, id="turned: lines run downwards"
        ),
    ],
)
def test_marks_follow_a_page_that_is_moved_or_turned(
    tmp_path: Path, box: bytes, shape: tuple[int, int], first_x: int, first_y: int
):
    file = tmp_path / "page.pdf"
    file.write_bytes(tiny_pdf([["Ordet"]]).replace(b"[0 0 420 594]", box))

    picture = page_image(file, "0" * 64, 1, tmp_path)

    assert picture is not None
    assert (picture.width, picture.height) == shape
    assert picture.letters == "ordet"
    left, top, right, bottom = picture.boxes[0]
    assert left - SIZE <= first_x <= right + SIZE
    assert top - SIZE <= first_y <= bottom + SIZE


def _page(letters: str, per_line: int = 10) -> PageImage:
    boxes = tuple(
        (column * 10.0, line * 20.0, column * 10.0 + 9, line * 20.0 + 12)
        for line, column in (divmod(at, per_line) for at in range(len(letters)))
    )
    return PageImage(file=Path(), width=100, height=100, letters=letters, boxes=boxes)


@pytest.mark.parametrize(
    ("passage", "before", "lines"),
    [
        pytest.param("abc", "", [(0, 3)], id="one line"),
        pytest.param(
            "I j. K-l", "abcdefgh", [(8, 10), (10, 12)], id="over a line break and a hyphen"
        ),
        pytest.param("no such words", "", [], id="not there"),
        pytest.param("...", "", [], id="no letters at all"),
    ],
)
def test_a_passage_is_found_whatever_its_layout(
    passage: str, before: str, lines: list[tuple[int, int]]
):
    found = rectangles(_page("abcdefghijklmnopqrst"), passage, before)

    assert [round(mark.y + 1.5) for mark in found] == [20 * (start // 10) for start, _ in lines]
    assert [round(mark.width - 3) for mark in found] == [
        (end - start) * 10 - 1 for start, end in lines
    ]


def test_of_equal_places_the_nearest_to_the_text_before_is_marked():
    page = _page("samexxxxxxsameyyyyyy")

    [first] = rectangles(page, "same", "")
    [second] = rectangles(page, "same", "samexxxxxx")

    assert (first.y, second.y) == (-1.5, 18.5)


def test_a_ring_drawn_beside_its_letter_is_no_obstacle():
    """LaTeX and NFD files have «a» and a ring where the page text has «å»."""
    [mark] = rectangles(_page("vaarvar"), "VÅR", "vaar")

    assert mark.width == 3 * 10 - 1 + 3


def test_a_passage_the_file_has_in_pieces_is_marked_sentence_by_sentence():
    page = _page(key("Den første setningen. Fotnote her. Den andre setningen."), per_line=20)

    found = rectangles(page, "Den første setningen. Den andre setningen.", "")

    assert len(found) >= 2


@given(
    st.lists(st.text(alphabet="abc æ", min_size=0, max_size=12), max_size=6),
    st.data(),
)
def test_cutting_a_page_into_blocks_keeps_text_and_marks(lines: list[str], data: st.DataObject):
    text = "\n".join(lines)
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text)))
    spans = (Span(page=1, start=start, end=end),) if end > start else ()

    cut = blocks(text, spans)

    assert [block.text for block in cut] == [line for line in lines if line.strip()]
    marked = "".join(block.text[a:b] for block in cut for a, b in block.marks)
    assert "".join(marked.split()) == "".join(text[start:end].split())


@pytest.mark.parametrize(
    ("passage", "expected"),
    [
        pytest.param("Kort sitat", ":~:text=Kort%20sitat", id="short is named whole"),
        pytest.param(
            "en to tre fire fem seks sju åtte ni",
            ":~:text=en%20to%20tre%20fire,seks%20sju%20%C3%A5tte%20ni",
            id="long by its ends",
        ),
        pytest.param("a-b, c&d", ":~:text=a%2Db%2C%20c%26d", id="signs with a meaning are coded"),
    ],
)
def test_text_fragment(passage: str, expected: str):
    assert text_fragment(passage) == expected
