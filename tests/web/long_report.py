"""A report of forty pages and sixty proposals: three of the sample reports, one after the other."""

import re
import textwrap
import tomllib
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from kb.config import Config
from kb.domain import (
    AssignedBy,
    Evidence,
    Found,
    Kind,
    Lesson,
    Page,
    Phase,
    Report,
    ReportStatus,
    Span,
    Status,
    ThemeTag,
    lesson_id,
    text_key,
)
from kb.embed import embed_lessons
from kb.store import Role, Store
from tests.fakes import WordHashEncoder
from tests.make import a_programme, a_report
from tests.web.review_world import Bench, app_over
from tests.web.tiny_pdf import tiny_pdf
from tests.web.world import CORPUS

_SOURCES = ("elvebakken", "nordlia", "hallingdal-gjenfortalt")
_LINE, _LINES = 88, 21
_MOST = 60


def build_long_bench(home: Path) -> Bench:
    """Fill a new base with the long report, and an editor called kari."""
    encoder = WordHashEncoder()
    pages = list(_pages(_paragraphs()))
    original = tiny_pdf([[line for block in page for line in _wrapped(block)] for page in pages])
    kept = [
        Page(number=number, label=None, text="\n".join(page))
        for number, page in enumerate(pages, start=1)
    ]
    kept[4] = replace(kept[4], problem="garbled")
    report = _report(original, kept)
    lessons = list(_lessons(report, kept))[:_MOST]
    with Store.open(home) as store:
        vectors = embed_lessons(lessons, encoder)
        store.add_report(report, kept, lessons, vectors, encoder.model_id, original)
        store.accounts.add("kari", Role.EDITOR, None)
        store.accounts.add("ola", Role.EDITOR, None)
    config = Config(home=home, corpus=CORPUS)
    return Bench(
        config=config,
        encoder=encoder,
        app=app_over(config, encoder),
        report=report.id,
        lessons={one.evidence[0].quote: one.id for one in lessons},
    )


def _paragraphs() -> Iterator[str]:
    for name in _SOURCES:
        text = (CORPUS / "reports" / name / "report.md").read_text(encoding="utf-8")
        for line in text.split("\n"):
            bare = re.sub(r"^[#>\-\s]+|\*+", "", line).strip()
            shown = bare.encode("cp1252", "ignore").decode("cp1252")
            if shown and not shown.startswith("|"):
                yield shown


def _pages(paragraphs: Iterator[str]) -> Iterator[list[str]]:
    page: list[str] = []
    for one in paragraphs:
        if page and sum(map(len, map(_wrapped, [*page, one]))) > _LINES:
            yield page
            page = []
        page.append(one)
    yield page


def _wrapped(block: str) -> list[str]:
    return textwrap.wrap(block, _LINE, break_on_hyphens=False)


def _report(original: bytes, pages: Sequence[Page]) -> Report:
    return a_report(
        original,
        programme=a_programme("Elvebakken", place="Elvebakken", period_from=2015, period_to=2020),
        file="samlet sluttevaluering.pdf",
        title="Tre omstillingsprogrammer sett under ett",
        year=2021,
        pages=len(pages),
        note="Oppdiktet eksempelrapport",
        status=ReportStatus.CANDIDATE,
        sources=(("place", Found(value="Elvebakken", page=1, evidence=pages[0].text[:60])),),
        text_key=text_key(pages),
    )


def _lessons(report: Report, pages: Sequence[Page]) -> Iterator[Lesson]:
    wanted = [one for name in _SOURCES for one in _expected(name)]
    for page in pages:
        here = [(page.text.index(quote), quote, one) for quote, one in wanted if quote in page.text]
        for start, quote, one in sorted(here, key=lambda found: found[0]):
            yield _lesson(report, page, start, quote, one)


def _expected(name: str) -> Iterator[tuple[str, dict[str, object]]]:
    text = (CORPUS / "reports" / name / "expected.toml").read_text(encoding="utf-8")
    for one in tomllib.loads(text)["lesson"]:
        for quote in one["quotes"]:
            yield quote, one


def _lesson(report: Report, page: Page, start: int, quote: str, one: dict[str, object]) -> Lesson:
    tags = tuple(
        ThemeTag(
            theme=str(theme),
            confidence=0.8,
            assigned_by=AssignedBy.MODEL,
            reason="close in meaning to the theme's examples",
        )
        for theme in list(one["themes"])[:3]  # type: ignore[call-overload]
    )
    span = Span(page=page.number, start=start, end=start + len(quote))
    return Lesson(
        id=lesson_id(report.sha256, quote),
        report_id=report.id,
        statement=quote,
        is_edited=False,
        kind=Kind(str(one["kind"])),
        phase=Phase(str(one["phase"])) if "phase" in one else None,
        status=Status.CANDIDATE,
        language="nb",
        reason="stands in a section of lessons; told in 2 places",
        tags=tags,
        evidence=(
            Evidence(report_id=report.id, section=("5 Læring",), spans=(span,), quote=quote),
        ),
        confidence=zlib.crc32(quote.encode()) % 100 / 100,
    )
