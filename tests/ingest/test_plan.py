"""A plan is read, or refused with a reason: Word, PDF, text in any encoding, hostile files."""

import io
import json
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest
from docx import Document
from docx.enum.style import WD_STYLE_TYPE

from ingest import MAX_PLAN_CHARS, read_pasted, read_plan
from ingest.docx_child import RefusedError, paragraphs
from ingest.pdf import Limits
from kb.errors import PlanProblem, UnreadablePlanError
from tests.web.tiny_pdf import tiny_pdf

LIMITS = Limits()
WORDS = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
TEXT = "Styret skal ha seminar etter første år. Da blir mandatet klart for alle som er med."


def headings(name: str, data: bytes) -> list[str]:
    return [section.heading for section in read_plan(name, data, LIMITS).sections]


def docx(document: "Document") -> bytes:
    file = io.BytesIO()
    document.save(file)
    return file.getvalue()


def archive(**parts: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as made:
        for name, data in parts.items():
            made.writestr(f"word/{name}.xml", data)
    return file.getvalue()


def problem_of(name: str, data: bytes, limits: Limits = LIMITS) -> PlanProblem:
    with pytest.raises(UnreadablePlanError) as told:
        read_plan(name, data, limits)
    return told.value.problem


def test_the_headings_of_a_word_file_become_sections() -> None:
    document = Document()
    document.add_heading("Plan for Sørbygda", 0)
    document.add_heading("Styret", 1)
    document.add_paragraph(TEXT)
    document.add_heading("Innkalling", 2)
    document.add_paragraph("Papirene sendes ut en uke før.", style="List Bullet")
    own = document.styles.add_style("Egen overskrift", WD_STYLE_TYPE.PARAGRAPH)
    own.base_style = document.styles["Heading 1"]
    document.add_paragraph("Pengene", style="Egen overskrift")
    table = document.add_table(rows=1, cols=2)
    table.cell(0, 0).text, table.cell(0, 1).text = "Administrasjon av programmet", "2,1 millioner"

    plan = read_plan("plan.docx", docx(document), LIMITS)

    assert [(one.heading, one.paragraphs) for one in plan.sections] == [
        ("Styret", (TEXT,)),
        ("Innkalling", ("Papirene sendes ut en uke før.",)),
        ("Pengene", ("Administrasjon av programmet 2,1 millioner",)),
    ]


def test_bold_lines_are_headings_where_the_writer_used_no_style() -> None:
    document = Document()
    document.add_paragraph().add_run("Om styret").bold = True
    document.add_paragraph(TEXT).add_run(" Dette er viktig!").bold = True

    assert headings("plan.docx", docx(document)) == ["Om styret"]


def test_deleted_and_doubled_text_of_a_word_file_is_left_out() -> None:
    body = (
        f'<w:document xmlns:w="{WORDS}" '
        'xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006"><w:body><w:p>'
        "<w:r><w:t>Det som står.</w:t></w:r><w:del><w:r><w:delText>Borte.</w:delText></w:r></w:del>"
        "<mc:AlternateContent><mc:Choice><w:r><w:t> En gang.</w:t></w:r></mc:Choice>"
        "<mc:Fallback><w:r><w:t> En gang.</w:t></w:r></mc:Fallback></mc:AlternateContent>"
        "</w:p></w:body></w:document>"
    )

    plan = read_plan("plan.docx", archive(document=body.encode()), LIMITS)

    assert plan.sections[0].paragraphs == ("Det som står. En gang.",)


def test_a_pdf_takes_the_way_of_a_report_and_tells_its_pages() -> None:
    data = (Path(__file__).parent / "pdfs" / "pdf" / "typst_tagged.pdf").read_bytes()
    truth = json.loads((Path(__file__).parent / "pdfs" / "truth" / "typst_tagged.json").read_text())

    sections = read_plan("plan.pdf", data, LIMITS).sections

    known = {heading["text"]: heading["page"] for heading in truth["headings"]}
    assert len(sections) >= 8
    assert all(known[one.heading] == one.page for one in sections)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
def test_text_is_read_in_the_encodings_people_have(encoding: str) -> None:
    plan = read_plan("plan.txt", f"STYRET\r\n\r\n{TEXT}\r\n".encode(encoding), LIMITS)

    assert (plan.sections[0].heading, plan.sections[0].paragraphs) == ("STYRET", (TEXT,))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(f"# Plan\n\n## Styret\n\n{TEXT}\n", ["Styret"], id="markdown"),
        pytest.param(
            f"1 Styret\n{TEXT}\n2.1 Penger\n{TEXT}", ["1 Styret", "2.1 Penger"], id="numbers"
        ),
        pytest.param(
            f"Om styret\n\n{TEXT}\n\nOm penger\n{TEXT}", ["Om styret", "Om penger"], id="bare"
        ),
        pytest.param(f"{TEXT}\nog slik går\ndet videre {TEXT}", [""], id="wrapped lines"),
        pytest.param(f"Vi skal:\n- ansette folk\n- leie lokale\n{TEXT}", [""], id="a list"),
    ],
)
def test_headings_are_known_in_plain_text(text: str, expected: list[str]) -> None:
    assert [one.heading for one in read_pasted(text).sections] == expected


def test_text_without_headings_is_cut_into_pieces_that_lose_nothing() -> None:
    paragraphs = [f"{TEXT} Dette er avsnitt nummer {number}." for number in range(30)]

    sections = read_pasted("\n\n".join(paragraphs)).sections

    assert len(sections) > 2
    assert [text for one in sections for text in one.paragraphs] == paragraphs


def bomb() -> bytes:
    return archive(document=b"<a>" + b" " * 60_000_000 + b"</a>")


def entities() -> bytes:
    text = f'<!DOCTYPE d [<!ENTITY a "aaaa">]><w:document xmlns:w="{WORDS}">&a;</w:document>'
    return archive(document=text.encode())


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        pytest.param(entities(), PlanProblem.DAMAGED, id="entities"),
        pytest.param(archive(document=b"<a>" * 400), PlanProblem.LIMIT, id="deep"),
        pytest.param(archive(document=b"<a><b></a>"), PlanProblem.DAMAGED, id="no XML"),
        pytest.param(archive(other=b"<a/>"), PlanProblem.FOREIGN, id="another archive"),
        pytest.param(b"PK\x03\x04 no archive", PlanProblem.DAMAGED, id="cut off"),
        pytest.param(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1 old", PlanProblem.FOREIGN, id="old Word"),
    ],
)
def test_a_word_file_that_is_none_is_refused_with_its_reason(
    data: bytes, problem: PlanProblem
) -> None:
    with pytest.raises(RefusedError) as told:
        paragraphs(data)

    assert PlanProblem(str(told.value)) is problem


@pytest.mark.parametrize(
    ("name", "data", "problem"),
    [
        pytest.param("a.txt", b" \n", PlanProblem.EMPTY, id="nothing"),
        pytest.param("a.docx", bomb(), PlanProblem.LIMIT, id="a bomb"),
        pytest.param(
            "a.docx",
            b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "EncryptedPackage".encode("utf-16-le"),
            PlanProblem.ENCRYPTED,
            id="a password",
        ),
        pytest.param(
            "a.png", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", PlanProblem.FOREIGN, id="a picture"
        ),
        pytest.param("a.pdf", b"%PDF-1.7 nothing more", PlanProblem.DAMAGED, id="a broken PDF"),
        pytest.param("a.txt", b"ord " * MAX_PLAN_CHARS, PlanProblem.TOO_LONG, id="too long"),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_reason(
    name: str, data: bytes, problem: PlanProblem
) -> None:
    assert problem_of(name, data) is problem


def test_a_file_may_have_so_many_bytes() -> None:
    assert problem_of("a.txt", b"x" * 11, replace(LIMITS, max_bytes=10)) is PlanProblem.TOO_LARGE


def test_nothing_of_a_plan_is_left_on_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))

    read_plan("plan.pdf", tiny_pdf([["1 Styret", TEXT]]), LIMITS)
    problem_of("a.pdf", b"%PDF-1.7 nothing more")

    assert list(tmp_path.iterdir()) == []
