"""What the files say around the lessons, in bokmål, nynorsk and English, and how a quote is cited.

The website has its texts translated by Flask-Babel; files are also made where there is no website.
"""

import re
from dataclasses import dataclass
from datetime import date

from kb.domain import Evidence, Lesson, Report
from kb.export.document import Document

LOCALES = {"nb": "nb-NO", "nn": "nn-NO", "en": "en-GB"}
"""The language of a text as Word and browsers name it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """The fixed words of a file. ``made`` takes a date, ``query`` a question, ``page`` a number."""

    about: str
    lessons: str
    sources: str
    checklist: str
    made: str
    query: str
    found_at: str
    edited: str
    edited_long: str
    comment: str
    page: str
    section: str
    lesson: str
    number: str
    quote: str
    kind: str
    phase: str
    themes: str
    programme: str
    report: str
    contractor: str
    year: str
    page_column: str
    label: str
    lesson_address: str
    source_address: str
    id: str
    verbatim: str


_WORDS = {
    "nb": Words(
        about="Om utvalget",
        lessons="Lærdommer",
        sources="Kilder",
        checklist="Sjekkliste",
        made="Hentet fra Erfaringsbanken {date}.",
        query="Søk: «{query}»",
        found_at="Adresse",
        edited="redigert",
        edited_long="Setningen er formulert av redaksjonen. Sitatet under er ordrett.",
        comment="Kommentar",
        page="side {page}",
        section="Del",
        lesson="Lærdom",
        number="Sitat nr.",
        quote="Sitat",
        kind="Type",
        phase="Fase",
        themes="Tema",
        programme="Program",
        report="Rapport",
        contractor="Utført av",
        year="År",
        page_column="Side",
        label="Om lærdommen",
        lesson_address="Lærdommen på nett",
        source_address="Siden i rapporten",
        id="Id",
        verbatim="Sitatene er ordrette fra rapportene. Sidetallet er sidens plass i filen.",
    ),
    "nn": Words(
        about="Om utvalet",
        lessons="Lærdomar",
        sources="Kjelder",
        checklist="Sjekkliste",
        made="Henta frå Erfaringsbanken {date}.",
        query="Søk: «{query}»",
        found_at="Adresse",
        edited="redigert",
        edited_long="Setninga er formulert av redaksjonen. Sitatet under er ordrett.",
        comment="Kommentar",
        page="side {page}",
        section="Del",
        lesson="Lærdom",
        number="Sitat nr.",
        quote="Sitat",
        kind="Type",
        phase="Fase",
        themes="Tema",
        programme="Program",
        report="Rapport",
        contractor="Utført av",
        year="År",
        page_column="Side",
        label="Om lærdomen",
        lesson_address="Lærdomen på nett",
        source_address="Sida i rapporten",
        id="Id",
        verbatim="Sitata er ordrette frå rapportane. Sidetalet er plassen til sida i fila.",
    ),
    "en": Words(
        about="About this selection",
        lessons="Lessons",
        sources="Sources",
        checklist="Checklist",
        made="Taken from Erfaringsbanken on {date}.",
        query="Search: “{query}”",
        found_at="Address",
        edited="edited",
        edited_long="The sentence was worded by the editors. The quote below is verbatim.",
        comment="Comment",
        page="page {page}",
        section="Part",
        lesson="Lesson",
        number="Quote no.",
        quote="Quote",
        kind="Kind",
        phase="Phase",
        themes="Themes",
        programme="Programme",
        report="Report",
        contractor="Carried out by",
        year="Year",
        page_column="Page",
        label="About the lesson",
        lesson_address="The lesson online",
        source_address="The page in the report",
        id="Id",
        verbatim="Quotes are verbatim from the reports. Page numbers count the pages of the file.",
    ),
}
_EMPTY_LINE = re.compile(r"\n\s*\n")
_MONTHS = {
    "no": "januar februar mars april mai juni juli august september oktober november desember",
    "en": "January February March April May June July August September October November December",
}


def words_of(language: str) -> Words:
    """Return the words in ``language``; an unknown language falls back to bokmål."""
    return _WORDS.get(language, _WORDS["nb"])


def written_date(day: date, language: str) -> str:
    """Return «24. november 2026» or “24 November 2026”."""
    month = _MONTHS["en" if language == "en" else "no"].split()[day.month - 1]
    return f"{day.day}{'' if language == 'en' else '.'} {month} {day.year}"


def facts(document: Document) -> tuple[str, ...]:
    """Return the lines that say what was asked, when, where it stands, and what a quote is."""
    words = words_of(document.language)
    asked = (words.query.format(query=document.query),) if document.query else ()
    taken = words.made.format(date=written_date(document.made, document.language))
    return (*asked, taken, f"{words.found_at}: {document.address}", words.verbatim)


def paragraphs(text: str) -> tuple[str, ...]:
    """Return the paragraphs of a plain text: those with an empty line between them."""
    return tuple(each.strip() for each in _EMPTY_LINE.split(text) if each.strip())


def page_of(evidence: Evidence) -> str:
    """Return «12» or «12–13»."""
    last = evidence.last_page
    return f"{evidence.page}–{last}" if last > evidence.page else str(evidence.page)


def title_of(report: Report) -> str:
    """Return the report's title (its file name where none is known) with the remark on its cover.

    A remark such as «Oppdiktet eksempelrapport» is never left out where the report is named.
    """
    title = report.title or report.file
    return f"{title} [{report.note}]" if report.note else title


def short_citation(report: Report, evidence: Evidence, language: str) -> str:
    """Return «programme, report, year, page N»; what is unknown is left out, never made up."""
    page = words_of(language).page.format(page=page_of(evidence))
    year = str(report.year) if report.year else ""
    parts = (report.programme.name, title_of(report), year, page)
    return ", ".join(part for part in parts if part)


def full_citation(report: Report) -> str:
    """Return the report as a source list names it: who (year). Title. Programme."""
    origin = report.contractor or report.client
    year = f"({report.year})" if report.year else ""
    head = " ".join(part for part in (origin, year) if part)
    parts = (head, title_of(report), report.programme.name)
    return ". ".join(part.rstrip(".") for part in parts if part) + "."


def statement_of(lesson: Lesson, language: str) -> str:
    """Return the statement; one that people worded says so."""
    mark = f" [{words_of(language).edited}]" if lesson.is_edited else ""
    return lesson.statement + mark
