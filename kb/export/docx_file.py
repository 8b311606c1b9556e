"""Word: the only door to python-docx for what is written. Real styles, so that it can be reworked.

The heading styles give a table of contents, the quote style one place to change how quotes look,
and each quote carries the language it was written in.
"""

import io
import re
from collections.abc import Iterable
from datetime import UTC, datetime, time
from typing import Any

import docx
from docx.enum.table import WD_TABLE_ALIGNMENT
from docx.opc.constants import RELATIONSHIP_TYPE
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import Cm, Pt, RGBColor
from docx.text.paragraph import Paragraph
from docx.text.run import Run

from kb.export.addresses import Addresses
from kb.export.document import Document, Entry, Section
from kb.export.words import (
    LOCALES,
    facts,
    full_citation,
    paragraphs,
    short_citation,
    statement_of,
    words_of,
)

_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_INK, _SOFT, _LINK = RGBColor(0x1B, 0x2A, 0x41), RGBColor(0x4A, 0x55, 0x68), "0B4F9E"
_TABLE_STYLE = "Table Grid"


def write(document: Document) -> bytes:
    """Return the document as .docx."""
    writer = _Writer(document)
    writer.write_front()
    for section in document.sections:
        writer.write_section(section)
    writer.write_checklist()
    writer.write_sources()
    file = io.BytesIO()
    writer.word.save(file)
    return file.getvalue()


class _Writer:
    """One Word file in the making."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.words = words_of(document.language)
        self.addresses = Addresses.of(document)
        self.word = docx.Document()
        self.style_ids = {style.name: style.style_id for style in self.word.styles}
        self._set_up()

    def _set_up(self) -> None:
        about = self.word.core_properties
        about.title = _clean(self.document.title)[:255]
        about.author, about.comments = "Erfaringsbanken", ""
        about.language = LOCALES.get(self.document.language, LOCALES["nb"])
        about.created = about.modified = datetime.combine(self.document.made, time(), UTC)
        page = self.word.sections[0]
        page.page_width, page.page_height = Cm(21), Cm(29.7)
        page.left_margin = page.right_margin = Cm(2.5)
        _set_language(
            self.word.styles.element.find(f".//{qn('w:rPrDefault')}/{qn('w:rPr')}"), about
        )
        for name, size, colour in (
            ("Title", 24, _INK),
            ("Heading 1", 16, _INK),
            ("Heading 2", 12.5, _INK),
            ("Quote", 11, None),
            ("Caption", 9.5, _SOFT),
        ):
            font = self.word.styles[name].font
            font.size, font.color.rgb = Pt(size), colour
        self.word.styles["Heading 2"].paragraph_format.space_before = Pt(14)
        self.word.styles["Caption"].font.bold = False
        self.word.styles["Quote"].paragraph_format.left_indent = Cm(0.75)

    def write_front(self) -> None:
        """Write the title, what was asked and when, and the user's introduction."""
        self._paragraph(self.document.title, "Title")
        for fact in facts(self.document):
            self._paragraph(fact, "Caption")
        self._paragraphs(self.document.intro)

    def write_section(self, section: Section) -> None:
        """Write a heading with its text, its table and its lessons."""
        if section.heading:
            self._paragraph(section.heading, "Heading 1")
        self._paragraphs(section.text)
        if section.columns:
            self._table(section.columns, section.rows)
        for entry in section.entries:
            self._entry(entry)

    def write_checklist(self) -> None:
        """Write the boxes to tick, if there are any."""
        if self.document.checklist:
            self._paragraph(self.words.checklist, "Heading 1")
        for item in self.document.checklist:
            self._paragraph(f"☐ {item}").paragraph_format.left_indent = Cm(0.5)

    def write_sources(self) -> None:
        """Write the numbered list of the reports that are cited."""
        reports = self.document.reports()
        if reports:
            self._paragraph(self.words.sources, "Heading 1")
        for report in reports:
            paragraph = self._paragraph(style="List Number")
            self._link(paragraph, full_citation(report), self.addresses.report(report))

    def _entry(self, entry: Entry) -> None:
        lesson, names = entry.lesson, self.document.names
        heading = self._paragraph(style="Heading 2")
        statement = statement_of(lesson, self.document.language)
        _speak(heading.add_run(_clean(statement)), lesson.language)
        known = (lesson.kind, lesson.phase, *(tag.theme for tag in lesson.tags))
        described = [names.get(one, one) for one in known if one]
        line = self._paragraph(" · ".join([*described, *filter(None, [entry.label])]), "Caption")
        line.paragraph_format.keep_with_next = True
        if lesson.is_edited:
            self._paragraph(self.words.edited_long, "Caption")
        for evidence in lesson.evidence:
            quote = self._paragraph(style="Quote")
            quote.paragraph_format.keep_with_next = True
            _speak(quote.add_run(f"«{_clean(evidence.quote)}»"), lesson.language)
            cited = short_citation(entry.report, evidence, self.document.language)
            place = self._paragraph(style="Caption")
            place.paragraph_format.left_indent = Cm(0.75)
            self._link(place, cited, self.addresses.source(lesson, evidence))
        if entry.note:
            comment = self._paragraph()
            comment.add_run(f"{self.words.comment}: ").bold = True
            comment.add_run(_clean(entry.note))

    def _paragraphs(self, text: str) -> None:
        for paragraph in paragraphs(text):
            self._paragraph(paragraph)

    def _paragraph(self, text: str = "", style: str = "Normal") -> Paragraph:
        """Add a paragraph. python-docx would look its style up each time: half of all the work."""
        paragraph = self.word.add_paragraph(_clean(text))
        paragraph._p.style = self.style_ids[style]  # noqa: SLF001 - the same, without the look-up
        return paragraph

    def _table(self, columns: Iterable[str], rows: Iterable[Iterable[str]]) -> None:
        heads = tuple(columns)
        table = self.word.add_table(rows=1, cols=len(heads), style=_TABLE_STYLE)
        table.alignment = WD_TABLE_ALIGNMENT.LEFT
        for cell, head in zip(table.rows[0].cells, heads, strict=True):
            cell.paragraphs[0].add_run(_clean(head)).bold = True
        _repeat_on_every_page(table.rows[0])
        for row in rows:
            for cell, text in zip(table.add_row().cells, row, strict=True):
                cell.text = _clean(text)
        self._paragraph()

    def _link(self, paragraph: Paragraph, text: str, address: str) -> None:
        """Add a link to ``paragraph``: python-docx reads them but has no verb that makes one."""
        part = paragraph.part
        target = part.relate_to(address, RELATIONSHIP_TYPE.HYPERLINK, is_external=True)
        link = OxmlElement("w:hyperlink")
        link.set(qn("r:id"), target)
        run = paragraph.add_run(_clean(text))
        run.font.underline, run.font.color.rgb = True, RGBColor.from_string(_LINK)
        link.append(run._r)  # noqa: SLF001 - the run moves into the link; there is no public way
        paragraph._p.append(link)  # noqa: SLF001 - as above


def _clean(text: str) -> str:
    """Return ``text`` without what XML cannot hold."""
    return _NOT_XML.sub("", text)


def _set_language(properties: Any, about: Any) -> None:
    properties.find(qn("w:lang")).set(qn("w:val"), about.language)


def _speak(run: Run, language: str) -> None:
    """Mark ``run`` as being in ``language``, so that Word checks its spelling in it."""
    mark = OxmlElement("w:lang")
    mark.set(qn("w:val"), LOCALES.get(language, LOCALES["nb"]))
    run._r.get_or_add_rPr().append(mark)  # noqa: SLF001 - python-docx has no verb for languages


def _repeat_on_every_page(row: Any) -> None:
    mark = OxmlElement("w:tblHeader")
    mark.set(qn("w:val"), "true")
    row._tr.get_or_add_trPr().append(mark)  # noqa: SLF001 - python-docx has no verb for it
