"""Every file is opened again by somebody else's reader, and holds what the document holds."""

import csv
import io
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import date

import docx
import openpyxl
import pytest
import rispy
from hypothesis import given, settings
from hypothesis import strategies as st

from kb.domain import Kind, Phase
from kb.export import FORMATS, Document, Entry, Section
from tests.make import a_lesson, a_programme, a_report

NOTE = "Oppdiktet eksempelrapport"
ELVDAL = a_report(
    b"elvdal",
    programme=a_programme("Nye Elvdal"),
    title="Sluttevaluering av Elvdal",
    contractor="Analyse AS",
    year=2021,
    note=NOTE,
)
SUNDET = a_report(
    b"sundet", programme=a_programme("Ny giv i Sundet"), file="sundet.pdf", language="nn"
)
BOARD = a_lesson(
    "Styret holdt seminar {først} etter ett år & brukte 50 % av tiden.",
    "Seminaret ga ro.",
    report=ELVDAL,
    themes=("styreseminar", "styrearbeid"),
    kind=Kind.SUCCESS,
    phase=Phase.STRATEGI,
)
NAME = a_lesson(
    "Namnet sa ingenting om omstilling.",
    report=SUNDET,
    statement="Velg et navn som sier hva dere gjør.",
    is_edited=True,
    language="nn",
    kind=Kind.WARNING,
)
SITE = "https://erfaring.example"
NAMES = {"success": "Suksessfaktor", "styreseminar": "Styreseminar", "strategi": "Strategi"}


def a_document(**known: object) -> Document:
    blank = Document(
        title="Styret – notat",
        made=date(2026, 11, 24),
        language="nb",
        address=f"{SITE}/sok?q=styret&tema=styreseminar",
        query="Hva gjør et godt styre?",
        intro="Til møtet.\n\nAndre avsnitt.",
        sections=(
            Section(
                heading="Styret",
                entries=(
                    Entry(
                        lesson=BOARD, report=ELVDAL, note="Ta opp med Kari", label="2 programmer"
                    ),
                    Entry(lesson=NAME, report=SUNDET),
                ),
            ),
        ),
        names=NAMES,
    )
    return replace(blank, **known)


def written(name: str, document: Document) -> bytes:
    return FORMATS[name].write(document)


def all_quotes() -> list[str]:
    return [one.quote for lesson in (BOARD, NAME) for one in lesson.evidence]


@pytest.mark.parametrize("name", FORMATS)
def test_no_format_minds_an_empty_document(name: str) -> None:
    assert isinstance(written(name, a_document(sections=(), query="", intro="")), bytes)


@pytest.mark.parametrize("name", ["docx", "xlsx", "csv", "md"])
@settings(max_examples=10, deadline=None)
@given(text=st.text(max_size=40))
def test_no_text_of_a_user_breaks_a_file(name: str, text: str) -> None:
    entry = Entry(lesson=BOARD, report=ELVDAL, note=text, label=text)
    section = Section(heading=text, entries=(entry,), columns=("A",), rows=((text,),))

    assert written(name, a_document(title=text, intro=text, sections=(section,)))


def test_a_table_with_a_row_of_another_length_cannot_be_made() -> None:
    with pytest.raises(ValueError, match="another length"):
        Section(heading="H", columns=("A", "B"), rows=(("1",),))


# ---- Word


def word(document: Document) -> docx.document.Document:
    return docx.Document(io.BytesIO(written("docx", document)))


def in_style(opened: docx.document.Document, style: str) -> list[str]:
    return [one.text for one in opened.paragraphs if one.style.name == style]


def links(opened: docx.document.Document) -> list[tuple[str, str]]:
    return [
        (link.text, link.address)
        for paragraph in opened.paragraphs
        for link in paragraph.hyperlinks
    ]


def test_word_has_headings_and_quotes_in_styles_of_their_own() -> None:
    opened = word(a_document())

    assert in_style(opened, "Title") == ["Styret – notat"]
    assert in_style(opened, "Heading 1") == ["Styret", "Kilder"]
    assert in_style(opened, "Heading 2") == [BOARD.statement, f"{NAME.statement} [redigert]"]
    assert in_style(opened, "Quote") == [f"«{quote}»" for quote in all_quotes()]


def test_word_cites_each_quote_with_a_link_to_its_page() -> None:
    found = links(word(a_document()))

    assert found[0] == (
        f"Nye Elvdal, Sluttevaluering av Elvdal [{NOTE}], 2021, side 1",
        f"{SITE}/kilde/{ELVDAL.id}/side/1?l={BOARD.id}",
    )
    assert [text for text, _ in found[2:3]] == ["Ny giv i Sundet, sundet.pdf, side 1"]


def test_word_numbers_its_sources_and_tells_query_date_and_note() -> None:
    opened = word(a_document())
    text = "\n".join(one.text for one in opened.paragraphs)

    sources = [one for one in opened.paragraphs if one.style.name == "List Number"]
    assert [one.text for one in sources] == [
        f"Analyse AS (2021). Sluttevaluering av Elvdal [{NOTE}]. Nye Elvdal.",
        "sundet.pdf. Ny giv i Sundet.",
    ]
    assert "Søk: «Hva gjør et godt styre?»" in text
    assert "24. november 2026" in text
    assert "Kommentar: Ta opp med Kari" in text
    assert "Suksessfaktor · Strategi · Styreseminar · styrearbeid · 2 programmer" in text
    assert in_style(opened, "Normal")[:2] == ["Til møtet.", "Andre avsnitt."]


@pytest.mark.parametrize(
    ("language", "locale"), [("nb", "nb-NO"), ("nn", "nn-NO"), ("en", "en-GB")]
)
def test_word_is_in_the_readers_language_and_quotes_in_their_own(
    language: str, locale: str
) -> None:
    opened = word(a_document(language=language))

    assert opened.core_properties.language == locale
    assert f'w:lang w:val="{locale}"' in opened.styles.element.xml
    last_quote = [one for one in opened.paragraphs if one.style.name == "Quote"][-1]
    assert 'w:lang w:val="nn-NO"' in last_quote.runs[0]._r.xml


def test_word_shows_tables_and_boxes_to_tick() -> None:
    table = Section(heading="Tall", columns=("Tema", "Antall"), rows=(("Styret", "3"),))

    opened = word(a_document(sections=(table,), checklist=("Bestill sal",)))

    cells = [[cell.text for cell in row.cells] for row in opened.tables[0].rows]
    assert cells == [["Tema", "Antall"], ["Styret", "3"]]
    assert "☐ Bestill sal" in [one.text for one in opened.paragraphs]


# ---- Excel and CSV


def sheets(document: Document) -> dict[str, openpyxl.worksheet.worksheet.Worksheet]:
    book = openpyxl.load_workbook(io.BytesIO(written("xlsx", document)))
    return {sheet.title: sheet for sheet in book.worksheets}


def csv_rows(document: Document) -> list[list[str]]:
    raw = written("csv", document)
    assert raw.startswith(b"\xef\xbb\xbf")
    return list(csv.reader(io.StringIO(raw.decode("utf-8-sig"), newline=""), delimiter=";"))


def test_excel_has_a_row_per_quote_in_a_table_with_filters_and_a_frozen_head() -> None:
    sheet = sheets(a_document())["Lærdommer"]

    head, *rows = [[cell.value for cell in row] for row in sheet.iter_rows()]
    told = [dict(zip(head, row, strict=True)) for row in rows]
    assert [one["Sitat"] for one in told] == all_quotes()
    assert told[0]["Side"] == 1
    assert told[0]["År"] == 2021
    assert told[0]["Rapport"] == f"Sluttevaluering av Elvdal [{NOTE}]"
    assert told[2]["Lærdom"] == f"{NAME.statement} [redigert]"
    assert [one["Sitat nr."] for one in told] == [1, 2, 1]
    assert sheet.freeze_panes == "A2"
    assert next(iter(sheet.tables.values())).autoFilter is not None
    place = (2, head.index("Siden i rapporten") + 1)
    assert sheet.cell(*place).hyperlink.target == f"{SITE}/kilde/{ELVDAL.id}/side/1?l={BOARD.id}"


def test_excel_says_where_it_came_from() -> None:
    about = sheets(a_document())["Om utvalget"]

    text = "\n".join(str(row[0].value) for row in about.iter_rows())
    assert "Styret – notat" in text
    assert f"{SITE}/sok?q=styret&tema=styreseminar" in text


def test_no_cell_is_a_formula() -> None:
    wicked = ("=1+1", "+1", "-1", "@A1", "\t=1", '=HYPERLINK("http://x")')
    table = Section(heading="Tall", columns=("=A", "B"), rows=tuple((one, "x") for one in wicked))
    entry = Entry(lesson=BOARD, report=ELVDAL, note="=cmd|' /C calc'!A0")
    document = a_document(sections=(Section(heading="H", entries=(entry,)), table))

    for sheet in sheets(document).values():
        assert {cell.data_type for row in sheet.iter_rows() for cell in row} <= {"s", "n"}
    cells = [cell for row in csv_rows(document) for cell in row]
    assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@", "\t", "\r"))]
    assert "'=1+1" in cells


def test_excel_takes_names_and_texts_that_are_too_long_for_it() -> None:
    long = Section(
        heading="Tema: [styret]/" + "x" * 40, columns=("A", "a"), rows=(("1", "y" * 40_000),)
    )

    found = sheets(a_document(sections=(long, replace(long, rows=(("2", "z"),)))))

    assert len(found) == 3
    assert all(len(name) <= 31 for name in found)


def test_csv_opens_in_norwegian_excel_and_keeps_a_section_without_lessons() -> None:
    silent = Section(heading="Hva koster det?", text="Ingen treff")

    rows = csv_rows(a_document(sections=(*a_document().sections, silent)))

    assert [row[3] for row in rows[1:4]] == all_quotes()
    assert rows[4][:2] == ["Hva koster det?", "Ingen treff"]
    assert {len(row) for row in rows} == {len(rows[0])}


def test_several_tables_follow_each_other_in_one_csv() -> None:
    table = Section(heading="Tall", columns=("Tema", "Antall"), rows=(("Styret", "3"),))

    rows = csv_rows(a_document(sections=(table,), checklist=("Bestill sal",)))

    assert rows == [
        ["Tema", "Antall"],
        ["Styret", "3"],
        [],
        ["Sjekkliste"],
        ["Sjekkliste"],
        ["Bestill sal"],
    ]


# ---- Markdown and references


def test_markdown_holds_quotes_with_their_pages_and_nothing_of_a_user_is_markup() -> None:
    entry = Entry(lesson=BOARD, report=ELVDAL, note="# ikke <b>en</b> *overskrift*")
    document = a_document(sections=(Section(heading="H", entries=(entry,)),), checklist=("Gjør",))

    text = written("md", document).decode()

    assert r"> «Styret holdt seminar \{først\} etter ett år & brukte 50 % av tiden.»" in text
    assert f"]({SITE}/kilde/{ELVDAL.id}/side/1?l={BOARD.id})" in text
    assert r"\# ikke \<b\>en\</b\> \*overskrift\*" in text
    assert "- [ ] Gjør" in text


def test_ris_has_one_record_per_report_with_quotes_and_pages_as_notes() -> None:
    records = rispy.loads(written("ris", a_document()).decode())

    first, second = records
    assert first["type_of_reference"] == "RPRT"
    assert first["title"] == f"Sluttevaluering av Elvdal [{NOTE}]"
    assert first["year"] == "2021"
    assert first["authors"] == ["Analyse AS"]
    assert first["notes"] == [
        *(f"«{one.quote}» (side 1)" for one in BOARD.evidence),
        "Kommentar: Ta opp med Kari",
    ]
    assert second["title"] == "sundet.pdf"
    assert "year" not in second
    assert f"{NAME.statement} [redigert]" in second["notes"]


def test_bibtex_has_balanced_braces_and_one_entry_per_report() -> None:
    lone = replace(BOARD, statement="En { alene", is_edited=True)
    entries = (Entry(lesson=lone, report=ELVDAL), Entry(lesson=NAME, report=SUNDET))

    text = written("bib", a_document(sections=(Section(heading="H", entries=entries),))).decode()

    found = list(bib_entries(text))
    assert [kind for kind, _, _ in found] == ["techreport", "techreport"]
    assert found[0][2]["title"] == f"{{Sluttevaluering av Elvdal [{NOTE}]}}"
    assert found[0][2]["year"] == "2021"
    assert r"50 \% av tiden" in found[0][2]["annote"]
    assert "side 1" in found[1][2]["annote"]


def bib_entries(text: str) -> Iterator[tuple[str, str, dict[str, str]]]:
    """Read BibTeX as BibTeX does: it counts braces, whatever stands before them."""
    position = 0
    while (found := re.compile(r"@(\w+)\{([^,]+),").search(text, position)) is not None:
        fields, position = {}, found.end()
        while (field := re.compile(r"\s*(\w+) = \{").match(text, position)) is not None:
            start = position = field.end()
            depth = 1
            while depth:
                depth += {"{": 1, "}": -1}.get(text[position], 0)
                position += 1
            fields[field[1]] = text[start : position - 1]
            position += 1  # the comma
        assert text[position:].lstrip().startswith("}")
        yield found[1], found[2], fields


def test_csl_json_is_what_reference_managers_expect() -> None:
    items = json.loads(written("json", a_document()))

    assert [item["type"] for item in items] == ["report", "report"]
    assert items[0]["issued"] == {"date-parts": [[2021]]}
    assert items[0]["author"] == [{"literal": "Analyse AS"}]
    assert items[0]["URL"] == f"{SITE}/rapport/{ELVDAL.id}"
    assert "(side 1)" in items[0]["note"]
    assert "issued" not in items[1]
