"""Questions are found in what people send; what is wicked in a file is refused, quickly."""

import io
import time
import zipfile
from contextlib import suppress

import docx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kb.errors import QuestionFileError
from kb.questions import MAX_FILE_BYTES, questions_in, questions_in_file

W = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"


def a_word_file(*paragraphs: str) -> bytes:
    document = docx.Document()
    for text in paragraphs:
        document.add_paragraph(text)
    file = io.BytesIO()
    document.save(file)
    return file.getvalue()


def a_zip(xml: bytes, name: str = "word/document.xml") -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, xml)
    return file.getvalue()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("Hva?\n\n  Hvem?  ", ["Hva?", "Hvem?"], id="one per line"),
        pytest.param("1. Hva?\n2) Hvem?\n3.1. Når?", ["Hva?", "Hvem?", "Når?"], id="numbers"),
        pytest.param("- Hva?\n• Hvem?\n☐ Når?", ["Hva?", "Hvem?", "Når?"], id="bullets"),
        pytest.param("Hva?\nHva?", ["Hva?"], id="once is enough"),
        pytest.param("Spørsmål\nHva?", ["Hva?"], id="a head is no question"),
        pytest.param("---\n???\n", [], id="no words"),
        pytest.param("3 av 10 bedrifter, hvorfor?", ["3 av 10 bedrifter, hvorfor?"], id="a figure"),
        pytest.param("Hva\tskjer?", ["Hva skjer?"], id="a tab is a blank"),
        pytest.param("a" * 5000, ["a" * 512], id="cut"),
    ],
)
def test_questions_are_the_lines(text: str, expected: list[str]) -> None:
    assert list(questions_in(text)) == expected


def test_of_a_word_file_the_paragraphs_that_ask_are_taken() -> None:
    file = a_word_file("Forstudie", "1. Hva gjorde styret?", "Bakgrunn", "Hvem eier planen?")

    assert questions_in_file("A.DOCX", file) == ("Hva gjorde styret?", "Hvem eier planen?")


def test_of_a_word_file_where_nothing_asks_all_paragraphs_are_taken() -> None:
    assert questions_in_file("a.docx", a_word_file("Styret", "Planen")) == ("Styret", "Planen")


@pytest.mark.parametrize(
    "data",
    [
        pytest.param("Nr;Spørsmål\r\n1;Hva gjør styret?\r\n".encode("utf-8-sig"), id="UTF-8"),
        pytest.param("Nr;Spørsmål\r\n1;Hva gjør styret?\r\n".encode("cp1252"), id="Excel's own"),
        pytest.param('Nr,Spørsmål\n1,"Hva gjør styret?"\n'.encode(), id="commas"),
    ],
)
def test_of_a_csv_the_longest_cell_of_each_row_is_taken(data: bytes) -> None:
    assert questions_in_file("a.csv", data) == ("Hva gjør styret?",)


WICKED = {
    "not a zip": b"PK\x03\x04 nonsense",
    "without a text": a_zip(b"x", "other.xml"),
    "a bomb": a_zip(b"<a>" + b" " * 60_000_000 + b"</a>"),
    "entities": a_zip(b'<!DOCTYPE a [<!ENTITY b "x">]><a>&b;</a>'),
    "another file": a_zip(b'<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>'),
    "cut off": a_zip(b"<a>"),
    "nested": a_zip(f'<w:p xmlns:w="{W}">'.encode() + b"<w:p>" * 400_000),
    "no text in it": a_zip(f'<w:p xmlns:w="{W}"/>'.encode()),
    "an unknown encoding": a_zip(b'<?xml version="1.0" encoding="klingon"?><a/>'),
}


@pytest.mark.parametrize("name", WICKED)
def test_a_wicked_word_file_is_refused_at_once(name: str) -> None:
    started = time.monotonic()

    with pytest.raises(QuestionFileError):
        questions_in_file("a.docx", WICKED[name])

    assert time.monotonic() - started < 5  # a hang is meant, not a slow machine


@pytest.mark.parametrize(
    ("name", "data"),
    [
        pytest.param("a.pdf", b"Hva?", id="another sort"),
        pytest.param("uten", b"Hva?", id="no ending"),
        pytest.param("a.txt", b"", id="empty"),
        pytest.param("a.txt", b"Hva\x00?", id="bytes"),
        pytest.param("a.txt", b"?" * (MAX_FILE_BYTES + 1), id="too large"),
        pytest.param("a.csv", b'"' + b"x" * 200_000, id="a cell without end"),
    ],
)
def test_what_holds_no_questions_is_refused(name: str, data: bytes) -> None:
    with pytest.raises(QuestionFileError):
        questions_in_file(name, data)


@settings(max_examples=30, deadline=None)
@given(data=st.binary(max_size=400), ending=st.sampled_from(["docx", "csv", "txt"]))
def test_no_bytes_raise_anything_else(data: bytes, ending: str) -> None:
    try:
        found = questions_in_file(f"a.{ending}", data)
    except QuestionFileError:
        return
    assert found
    assert all(question.strip() for question in found)


@settings(max_examples=25, deadline=None)
@given(place=st.integers(min_value=0), byte=st.integers(min_value=0, max_value=255))
def test_a_damaged_word_file_is_read_or_refused(place: int, byte: int) -> None:
    data = bytearray(DAMAGED)
    data[place % len(data)] = byte

    with suppress(QuestionFileError):
        questions_in_file("a.docx", bytes(data))


DAMAGED = a_word_file("Hva gjorde styret?")
