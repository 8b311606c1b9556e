"""Reading files: what comes out of a good one, and that a bad one has a name and costs little."""

import random
import subprocess
import sys
import time
import zlib
from pathlib import Path

import pytest
from pypdf import PdfReader, PdfWriter

from ingest.pdf import Limits, read_document
from ingest.pdf_child import (
    BREAK,
    _read_each_font_once,
    has_lost_spaces,
    is_garbled,
    repaired,
)
from kb.errors import Unreadable, UnreadableReportError
from tests.ingest.conftest import BOLD, Text, write_pdf

SENTENCE = "Styret i Tenkevik møttes hver måned, og det ga programmet fart og ro."
NORWEGIAN = "\n".join([SENTENCE] * 12)


def reason_of(path: Path, limits: Limits | None = None) -> Unreadable:
    with pytest.raises(UnreadableReportError) as caught:
        read_document(path, limits or Limits())
    return caught.value.reason


def test_a_line_keeps_its_place_size_and_weight(make_pdf):
    path = make_pdf([Text("1 Innledning", 70, 760, 16, BOLD), Text(SENTENCE, 70, 730)])

    heading, line = read_document(path, Limits()).pages[0].lines

    assert (heading.text, heading.size, heading.is_bold) == ("1 Innledning", 16, True)
    assert (line.text, line.x, line.y, line.is_bold) == (SENTENCE, 70, 730, False)


def test_a_tagged_file_tells_roles_and_which_lines_are_one_block(make_pdf):
    path = make_pdf([Text("Innledning", 70, 760, role="H1"), Text(SENTENCE, 70, 730, role="P")])

    heading, line = read_document(path, Limits()).pages[0].lines

    assert (heading.tag, line.tag) == (("H1",), ("P",))
    assert heading.mcid != line.mcid


def test_printed_page_numbers_are_told_where_the_file_tells_them(make_pdf):
    page = [Text(SENTENCE, 70, 730)]
    roman_first = "/PageLabels<</Nums[0<</S/r>>1<</S/D>>]>>"

    labelled = read_document(make_pdf(page, page, catalog=roman_first), Limits())
    bare = read_document(make_pdf(page, page), Limits())

    assert [one.label for one in labelled.pages] == ["i", "1"]
    assert [one.label for one in bare.pages] == [None, None]


def test_a_small_raised_number_after_a_word_is_no_part_of_the_text(make_pdf):
    path = make_pdf([Text("Beløpet er i løpende kroner.", 70, 700), Text("1", 215, 704, 7)])

    lines = read_document(path, Limits()).pages[0].lines

    assert [line.text for line in lines] == ["Beløpet er i løpende kroner."]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252"])
def test_a_text_file_is_read_in_either_encoding(tmp_path, encoding):
    path = tmp_path / "rapport.txt"
    path.write_bytes(f"{SENTENCE}\nÅrsmøte\n\fSide to".encode(encoding))

    pages = read_document(path, Limits()).pages

    assert [page.number for page in pages] == [1, 2]
    assert all(page.is_plain for page in pages)
    assert pages[0].lines[0].text == SENTENCE


def test_a_text_without_form_feeds_is_one_page(tmp_path):
    path = tmp_path / "rapport.txt"
    path.write_text("En linje\n\nEn til\n")

    assert len(read_document(path, Limits()).pages) == 1


@pytest.mark.parametrize(
    ("name", "data", "reason"),
    [
        pytest.param("r.pdf", b"", Unreadable.EMPTY, id="nothing in it"),
        pytest.param("r.txt", b" \n\n ", Unreadable.EMPTY, id="only blanks"),
        pytest.param("r.pdf", b"<html>rapport</html>", Unreadable.NOT_A_REPORT, id="HTML"),
        pytest.param("r.docx", b"PK\x03\x04word", Unreadable.NOT_A_REPORT, id="Word"),
        pytest.param("r.txt", b"ab\0cd", Unreadable.NOT_A_REPORT, id="bytes called text"),
        pytest.param("r.txt", b"\x01\x02\x03 x", Unreadable.NOT_A_REPORT, id="control codes"),
        pytest.param("r.pdf", b"%PDF-1.7\n", Unreadable.DAMAGED, id="only a head"),
    ],
)
def test_a_file_that_is_no_report_is_refused_by_name(tmp_path, name, data, reason):
    path = tmp_path / name
    path.write_bytes(data)

    assert reason_of(path) is reason


def test_a_missing_file_is_refused(tmp_path):
    assert reason_of(tmp_path / "borte.pdf") is Unreadable.MISSING


def test_a_password_is_asked_for_only_when_one_is_needed(tmp_path, make_pdf):
    page = [Text(SENTENCE, 70, 730)]
    for user, name in (("hemmelig", "closed.pdf"), ("", "open.pdf")):
        writer = PdfWriter(clone_from=PdfReader(make_pdf(page)))
        writer.encrypt(user, "eier", algorithm="AES-256")
        writer.write(tmp_path / name)

    assert reason_of(tmp_path / "closed.pdf") is Unreadable.ENCRYPTED
    assert read_document(tmp_path / "open.pdf", Limits()).pages[0].lines[0].text == SENTENCE


def test_a_truncated_file_is_damaged(tmp_path):
    path = tmp_path / "r.pdf"
    data = write_pdf([[Text(SENTENCE, 70, 730)]])
    path.write_bytes(data[: len(data) // 2])

    assert reason_of(path) is Unreadable.DAMAGED


def test_pages_without_text_are_empty_and_pictures_need_ocr(make_pdf):
    image = b"q 500 0 0 700 40 40 cm /Im1 Do Q"

    assert reason_of(make_pdf(b"0 0 m 10 10 l S")) is Unreadable.EMPTY
    path = make_pdf(image)
    data = path.read_bytes().replace(
        b"/Font<</F1 3 0 R/F2 4 0 R>>", b"/XObject<</Im1 9 0 R>>/Z(abcd) "
    )
    picture = b"9 0 obj<</Type/XObject/Subtype/Image/Width 1/Height 1/Length 0>>stream\n\nendstream"
    path.write_bytes(data.replace(b"xref\n0 1", picture + b"\nendobj\nxref\n0 1", 1))
    assert reason_of(path) is Unreadable.NEEDS_OCR


def test_a_page_that_cannot_be_read_costs_that_page_only(make_pdf):
    good = [Text(SENTENCE, 70, 730)]
    path = make_pdf(good, good, good)
    data = path.read_bytes()
    second = data.index(b"13 0 obj")
    broken = data[second:].replace(b"/FlateDecode", b"/FlatsDecode", 1)
    path.write_bytes(data[:second] + broken)

    pages = read_document(path, Limits()).pages

    assert [page.problem for page in pages] == [None, "unreadable", None]
    assert pages[2].lines[0].text == SENTENCE


@pytest.mark.parametrize(
    ("limits", "reason"),
    [
        pytest.param(Limits(max_bytes=500), Unreadable.TOO_LARGE, id="bytes"),
        pytest.param(Limits(max_pages=1), Unreadable.LIMIT, id="pages"),
        pytest.param(Limits(wall_s=0.01), Unreadable.LIMIT, id="seconds"),
        pytest.param(Limits(max_output_bytes=50), Unreadable.LIMIT, id="answer"),
    ],
)
def test_every_limit_bites(make_pdf, limits, reason):
    page = [Text(SENTENCE, 70, 730 - 15 * line) for line in range(9)]

    assert reason_of(make_pdf(page, page), limits) is reason


def test_a_bomb_is_stopped_early_and_leaves_no_process(make_pdf):
    bomb = b"BT (x) Tj ET\n" * 6_000_000  # 78 MB, 77 kB in the file
    before, started = children(), time.monotonic()

    assert reason_of(make_pdf(bomb)) is Unreadable.LIMIT

    assert time.monotonic() - started < 30
    assert children() <= before


def children() -> set[str]:
    """Return the process ids of this process's children; a browser of other tests may be one."""
    lists = Path("/proc/self/task").glob("*/children")
    return {number for each in lists for number in each.read_text().split()}


def test_children_are_seen():
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        seen = children()
        child.communicate(b"\n")

    assert str(child.pid) in seen


def test_too_many_characters_on_one_page_cost_that_page(make_pdf):
    good = [Text(SENTENCE, 70, 730)]
    path = make_pdf(good, good * 50)

    pages = read_document(path, Limits(max_page_chars=1_000)).pages

    assert [page.problem for page in pages] == [None, "unreadable"]


def outcome_of(path: Path) -> Unreadable | None:
    try:
        read_document(path, Limits())
    except UnreadableReportError as error:
        return error.reason
    return None


def test_a_damaged_file_gives_a_document_or_a_reason_and_nothing_else(make_pdf):
    path = make_pdf([Text(SENTENCE, 70, 730 - 20 * line) for line in range(20)])
    whole = path.read_bytes()
    dice = random.Random(7)
    outcomes = set()
    for _ in range(12):
        damaged = bytearray(whole)
        for _ in range(dice.randint(1, 30)):
            damaged[dice.randrange(20, len(damaged))] = dice.randrange(256)
        path.write_bytes(damaged)
        outcomes.add(outcome_of(path))

    assert outcomes & set(Unreadable)


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        pytest.param("sm\u02daabedrift p\u02da a", "småbedrift på", id="ring before the letter"),
        pytest.param("a\u030arsmøte", "årsmøte", id="decomposed"),
        pytest.param("\ufb01nn e\ufb00ekt", "finn effekt", id="ligatures"),
        pytest.param("40\u00a0000  kroner ", "40 000 kroner", id="blanks"),
        pytest.param("\uf0b7 punkt", "• punkt", id="Symbol bullet"),
        pytest.param("\x7f punkt", "• punkt", id="bullet lost by the font"),
        pytest.param("omstil\u00adlings", "omstillings", id="soft hyphen within"),
        pytest.param("omstil\u2010", "omstil" + BREAK, id="hyphen at the end"),
        pytest.param("omstil\x02", "omstil" + BREAK, id="pdfium's hyphen"),
        pytest.param("nærings- og", "nærings- og", id="a real hyphen stays"),
        pytest.param("bell\x07", "bell", id="control codes go"),
    ],
)
def test_characters_are_put_right(raw, expected):
    assert repaired(raw) == expected


def test_zip_bombs_in_the_text_do_not_reach_the_caller(make_pdf):
    packed = zlib.compress(b"\0" * 60_000_000)

    assert len(packed) < 100_000
    assert reason_of(make_pdf(b"\0" * 60_000_000)) in {Unreadable.LIMIT, Unreadable.DAMAGED}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(NORWEGIAN, False, id="Norwegian"),
        pytest.param(
            "\n".join(
                ["The board met once a month, and that was what it took for us to agree."] * 12
            ),
            False,
            id="English has no å",
        ),
        pytest.param(NORWEGIAN.replace("ø", "").replace("å", ""), True, id="å and ø are lost"),
        pytest.param("Tcpwvt " * 120, True, id="shifted glyphs"),
        pytest.param("Sum 12 450 31 200 77 650 " * 60, False, id="a page of figures"),
        pytest.param("Kort.", False, id="too short to say"),
        pytest.param("\ue001\ue002\ue003 abc", True, id="private use"),
    ],
)
def test_text_that_is_no_language_is_found_out(text, expected):
    assert is_garbled(text, text) is expected


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (SENTENCE, False),
        ("Styrethaddeseksmedlemmerogentilvara fra høsten", True),
        ("omstillingsorganisasjonen", False),
        ("Handlingsplanen ........................................ 7", False),
    ],
)
def test_glued_words_send_the_page_to_the_second_reader(line, expected):
    assert has_lost_spaces([line]) is expected


def shown(text: str, x: float, y: float, turn: str = "1 0 0 1") -> str:
    return f"BT /F1 11 Tf {turn} {x} {y} Tm ({text}) Tj ET "


@pytest.mark.parametrize(
    "dot",
    [
        pytest.param("76 702 3 3 re f", id="a square"),
        pytest.param("76 703.5 m 76 705 79 705 79 703.5 c 79 702 76 702 76 703.5 c S", id="a ring"),
    ],
)
def test_a_dot_that_is_drawn_in_front_of_a_line_is_a_bullet(make_pdf, dot):
    lines = shown("Hold styret lite", 90, 700) + shown("Uten prikk", 90, 680)
    chart = " 300 500 3 3 re f 320 500 3 3 re f 340 500 3 3 re f"

    found = read_document(make_pdf((lines + dot + chart).encode()), Limits()).pages[0].lines

    assert [(line.text, line.y) for line in found] == [
        ("Hold styret lite", 700),
        ("Uten prikk", 680),
        ("\u2022", 700),
    ]


def test_a_stamp_aslant_over_the_page_is_no_text_of_it(make_pdf):
    stamp = shown("Unntatt offentlighet", 200, 300, turn="0.64 0.77 -0.77 0.64")

    found = read_document(make_pdf((shown("Vanlig linje", 70, 700) + stamp).encode()), Limits())

    assert [(line.text, line.is_artifact) for line in found.pages[0].lines] == [
        ("Vanlig linje", False),
        ("Unntatt offentlighet", True),
    ]


def test_what_stands_for_a_soft_hyphen_breaks_a_line_and_no_word(make_pdf):
    soft = "/Span <</ActualText <FEFF00AD>>> BDC {} Tj EMC "
    page = (
        "BT /F1 11 Tf 1 0 0 1 70 700 Tm (nærings) Tj " + soft.format("( )") + "(livet om) Tj "
        + soft.format("(-) ") + "1 0 0 1 70 685 Tm (stilles) Tj ET"
    )  # fmt: skip

    lines = read_document(make_pdf(page.encode("cp1252")), Limits()).pages[0].lines

    assert [line.text for line in lines] == ["næringslivet om" + BREAK, "stilles"]


def test_a_page_whose_stream_breaks_off_is_not_passed_over_in_silence(make_pdf):
    page = [Text(f"{SENTENCE} {line * 7919 % 1000}", 70, 780 - 12 * line) for line in range(50)]
    path = make_pdf(page, [Text(SENTENCE, 70, 730)])
    data = bytearray(path.read_bytes())
    middle = data.index(b"stream\n") + 400
    data[middle : middle + 8] = b"\xff" * 8
    path.write_bytes(data)

    pages = read_document(path, Limits()).pages

    assert [page.problem for page in pages] == ["unreadable", None]


def test_letters_drawn_as_curves_need_ocr(make_pdf):
    curves = b"70 700 m 71 702 72 702 73 700 c f\n" * 500

    assert reason_of(make_pdf(curves)) is Unreadable.NEEDS_OCR


def test_the_cover_of_a_garbled_report_is_garbled_too(make_pdf):
    lost = SENTENCE.replace("ø", "").replace("å", "")
    cover = [Text("Omstilling i Prvebygd", 70, 600, 20)]
    body = [Text(lost, 70, 780 - 15 * line) for line in range(40)]
    short = [Text(SENTENCE, 70, 780 - 15 * line) for line in range(4)]

    pages = read_document(make_pdf(cover, body, short, short, short), Limits()).pages

    assert [page.problem for page in pages] == ["garbled", "garbled", None, None, None]


def test_each_font_is_read_once(monkeypatch, make_pdf):
    from pypdf.generic._font import Font

    read = []
    of_pypdf = Font.from_font_resource
    monkeypatch.setattr(Font, "from_font_resource", lambda one: read.append(one) or of_pypdf(one))
    _read_each_font_once()
    page = [Text(SENTENCE, 70, 730)]

    texts = [page.extract_text() for page in PdfReader(make_pdf(page, page, page)).pages]

    assert [text.strip() for text in texts] == [SENTENCE] * 3
    assert len(read) == 2  # the regular one and the bold one
