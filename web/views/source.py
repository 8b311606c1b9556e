"""A page of a report as it was printed, with the quote marked on it."""

from dataclasses import dataclass

from flask import Blueprint, Response, render_template, request, send_file

from kb.domain import Lesson, Page, Report, Span, Status
from kb.errors import NotFoundError
from kb.store import Store
from web.context import services, store
from web.page_image import PageImage, Rectangle, is_pdf, page_image, rectangles
from web.present import text_fragment
from web.views.published import in_order, published_report

bp = Blueprint("source", __name__, url_prefix="/kilde")
_ONE_YEAR_S = 31_536_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A heading, paragraph or bullet of the page text, and the spans of it that are quoted."""

    text: str
    marks: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SourcePage:
    """A page with what stands on it. ``lesson`` is the one whose quote is marked, if one was named.

    ``image`` is None for text files and for pages that could not be rendered. ``fragment`` opens
    the file on this page, at the quote.
    """

    report: Report
    page: Page
    last_number: int
    is_pdf: bool
    lesson: Lesson | None
    lessons: tuple[Lesson, ...]
    blocks: tuple[Block, ...]
    image: PageImage | None
    rectangles: tuple[Rectangle, ...]
    fragment: str


@bp.get("/<report_id>/side/<int:number>")
def page(report_id: str, number: int) -> str:
    """Show a page; ``?l=`` names the lesson whose quote is marked."""
    return render_template(
        "source.html", source=_source(store(), report_id, number, request.args.get("l"))
    )


@bp.get("/<report_id>/side/<int:number>.webp")
def image(report_id: str, number: int) -> Response:
    """Send the picture of a page. The id stands for the bytes, so it never changes."""
    report = published_report(store(), report_id)
    return send_picture(report, number, f"public, max-age={_ONE_YEAR_S}, immutable")


def send_picture(report: Report, number: int, cache_control: str) -> Response:
    """Send the picture of a page.

    Raises:
        NotFoundError: there is no such page, or no picture of it.
    """
    exists = store().page(report.id, number) is not None
    found = picture(store(), report, number) if exists else None
    if found is None:
        raise NotFoundError(f"a picture of page {number} of report {report.id}")
    response = send_file(found.file, mimetype="image/webp")
    response.headers["Cache-Control"] = cache_control
    return response


def _source(store: Store, report_id: str, number: int, lesson_id: str | None) -> SourcePage:
    with store.reading():
        report = published_report(store, report_id)
        page = store.page(report_id, number)
        if page is None:
            raise NotFoundError(f"page {number} of report {report_id}")
        ids = store.lesson_ids(report_id=report_id, page=number, status=Status.PUBLISHED)
        lessons = in_order(store, ids)
        last = report.pages or len(store.pages(report_id))
        path = store.original_path(report_id)
    lesson = next((each for each in lessons if each.id == lesson_id), None)
    spans = spans_on(lesson, number) if lesson else ()
    found = picture(store, report, number)
    return SourcePage(
        report=report,
        page=page,
        last_number=last,
        is_pdf=is_pdf(path),
        lesson=lesson,
        lessons=lessons,
        blocks=blocks(page.text, spans),
        image=found,
        rectangles=boxes(found, page.text, spans),
        fragment=_fragment(page, spans),
    )


def blocks(text: str, spans: tuple[Span, ...]) -> tuple[Block, ...]:
    """Cut a page's text into its blocks, each with its share of the spans."""
    cut, start = [], 0
    for line in text.split("\n"):
        end = start + len(line)
        marks = tuple(
            (max(span.start, start) - start, min(span.end, end) - start)
            for span in spans
            if span.start < end and span.end > start
        )
        if line.strip():
            cut.append(Block(text=line, marks=marks))
        start = end + 1
    return tuple(cut)


def spans_on(lesson: Lesson, number: int) -> tuple[Span, ...]:
    """Return what the quotes of a lesson take up of one page."""
    return tuple(
        span for evidence in lesson.evidence for span in evidence.spans if span.page == number
    )


def boxes(image: PageImage | None, text: str, spans: tuple[Span, ...]) -> tuple[Rectangle, ...]:
    """Return what to mark on the image of a page with this text; nothing without an image."""
    if image is None:
        return ()
    return tuple(
        rectangle
        for span in spans
        for rectangle in rectangles(image, text[span.start : span.end], text[: span.start])
    )


def _fragment(page: Page, spans: tuple[Span, ...]) -> str:
    marked = text_fragment(page.text[spans[0].start : spans[0].end]) if spans else ""
    return f"page={page.number}{marked}"


def picture(store: Store, report: Report, number: int) -> PageImage | None:
    """Return the image of a page of a PDF, with its letters; None for text files."""
    path = store.original_path(report.id)
    if path is None or not is_pdf(path):
        return None
    return page_image(path, report.sha256, number, services().config.home)
