"""One proposal beside its page: what a person needs to decide. Nothing here changes anything."""

from dataclasses import dataclass

from flask import render_template, request, url_for
from werkzeug.wrappers import Response

from kb.domain import Evidence, Lesson, LessonId, Page, Report, Status
from kb.errors import InvalidQueryError, NotFoundError
from kb.lint import Finding
from kb.relations import RelationKind
from kb.store import Change, Role
from kb.text import sentence_spans
from web.auth import requires
from web.context import services, store
from web.page_image import PageImage, Rectangle, is_pdf
from web.review_context import (
    blueprint,
    desk,
    find_lesson,
    find_report,
    is_closed,
    last_deed,
    lesson_address,
    lesson_meant,
    queue_of,
    report_address,
    short,
    take_notice,
)
from web.review_hints import Related, alike, related, remarks
from web.review_queue import Queue, write_choice
from web.review_words import (
    REJECT_REASONS,
    deed,
    differences,
    reason_words,
    reject_reason,
    relation_word,
    remark,
    status_word,
    when,
)
from web.views.reports import original
from web.views.source import Block, blocks, boxes, picture, send_picture, spans_on

bp = blueprint("review", "/desk")
_MAX_PARTS = 5
_ONE_DAY_S = 86_400
_JOINABLE = frozenset({Status.CANDIDATE, Status.APPROVED, Status.PUBLISHED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Sentence:
    """A sentence that a quote can hold: its place in the text it is cut from, and whether it does.

    ``place`` is ``start-end``, as forms carry it.
    """

    start: int
    end: int
    text: str
    is_chosen: bool

    @property
    def place(self) -> str:
        """The sentence as a form's value."""
        return f"{self.start}-{self.end}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    """A sentence of one of the quotes, which a split gives to one of the new lessons."""

    quote: int
    start: int
    end: int
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """A page of the report with the lesson's quotes marked; ``image`` is None without a picture."""

    page: Page
    last_number: int
    image: PageImage | None
    rectangles: tuple[Rectangle, ...]
    blocks: tuple[Block, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Review:
    """All that stands on the page of one proposal."""

    lesson: Lesson
    report: Report
    is_closed: bool
    queue: Queue
    place: int | None
    before: LessonId | None
    after: LessonId | None
    sheet: Sheet
    sentences: tuple[tuple[Sentence, ...], ...]
    units: tuple[Unit, ...]
    remarks: tuple[Finding, ...]
    alike: tuple[Lesson, ...]
    related: tuple[Related, ...] | None
    others: tuple[Lesson, ...]
    merged_into: Lesson | None
    previous: Lesson | None
    history: tuple[Change, ...]
    next_image: str | None


@bp.get("/laerdom/<lesson_id>")
@requires(Role.EDITOR)
def page(lesson_id: str) -> str:
    """Show a proposal; ``?orden=&vis=`` say which others are before and after it."""
    review = _review(lesson_id)
    return render_template(
        "desk/review_lesson.html",
        review=review,
        notice=take_notice(),
        undo=last_deed(review.report.id),
        reasons=REJECT_REASONS,
        choice=write_choice(review.queue.choice),
        max_parts=min(len(review.units), _MAX_PARTS),
        deed=deed,
        differences=differences,
        lesson_address=lesson_address,
        lesson_meant=lesson_meant,
        reason_words=reason_words,
        reject_reason=reject_reason,
        relation_kinds=tuple(RelationKind),
        relation_word=relation_word,
        remark=remark,
        report_address=report_address,
        short=short,
        status_word=status_word,
        when=when,
    )


@bp.get("/rapport/<report_id>/side/<int:number>.webp")
@requires(Role.EDITOR)
def image(report_id: str, number: int) -> Response:
    """Send the picture of a page, to editors only."""
    report = find_report(report_id)
    return send_picture(report, number, f"private, max-age={_ONE_DAY_S}, immutable")


@bp.get("/rapport/<report_id>/fil")
@requires(Role.EDITOR)
def file(report_id: str) -> Response:
    """Send the original file, to editors only."""
    return original(find_report(report_id))


def _review(lesson_id: LessonId) -> Review:
    with store().reading():
        lesson = find_lesson(lesson_id)
        report = find_report(lesson.report_id)
        queue = queue_of(report)
        history = desk().history(lesson=lesson_id)
    after, model = queue.after(lesson_id), services().model_id
    return Review(
        lesson=lesson,
        report=report,
        is_closed=is_closed(report),
        queue=queue,
        place=queue.place(lesson_id),
        before=queue.before(lesson_id),
        after=after,
        sheet=_sheet(report, lesson),
        sentences=tuple(sentences_around(one) for one in lesson.evidence),
        units=units_of(lesson),
        remarks=remarks([lesson], report)[lesson_id],
        alike=alike(store(), model, lesson, queue.lessons),
        related=related(store(), model, lesson, is_asked="forhold" in request.args),
        others=joinable(queue, lesson),
        merged_into=_other(lesson.merged_into),
        previous=_other(lesson.previous),
        history=history,
        next_image=_image_of(next((one for one in queue.lessons if one.id == after), None)),
    )


def _other(lesson_id: LessonId | None) -> Lesson | None:
    return None if lesson_id is None else store().lessons([lesson_id]).get(lesson_id)


def _sheet(report: Report, lesson: Lesson) -> Sheet:
    number = _page_asked(lesson)
    page = store().page(report.id, number)
    if page is None:
        raise NotFoundError(f"page {number} of report {report.id}")
    spans = spans_on(lesson, number)
    image = picture(store(), report, number)
    return Sheet(
        page=page,
        last_number=report.pages or len(store().pages(report.id)),
        image=image,
        rectangles=boxes(image, page.text, spans),
        blocks=blocks(page.text, spans),
    )


def _page_asked(lesson: Lesson) -> int:
    raw = request.args.get("side", "")
    if not raw:
        return lesson.evidence[0].page
    if not (raw.isascii() and raw.isdecimal() and len(raw) <= 5):  # noqa: PLR2004 - far more pages than we read
        raise InvalidQueryError(f"side={raw[:20]!r}")
    return int(raw)


def _image_of(lesson: Lesson | None) -> str | None:
    """Return the picture that the next page will need, for the browser to fetch ahead."""
    if lesson is None or picture_is_impossible(lesson):
        return None
    return url_for("review.image", report_id=lesson.report_id, number=lesson.evidence[0].page)


def picture_is_impossible(lesson: Lesson) -> bool:
    """Whether the report is plain text, of which there are no pictures."""
    return not is_pdf(store().original_path(lesson.report_id))


def joinable(queue: Queue, lesson: Lesson) -> tuple[Lesson, ...]:
    """Return the lessons that can be merged into ``lesson``, in the order of the queue."""
    return tuple(one for one in queue.lessons if one.id != lesson.id and one.status in _JOINABLE)


def text_behind(evidence: Evidence) -> tuple[str, int, int]:
    """Return what a quote can be cut from, and where in it the quote stands.

    That is its page, or the quote itself where it runs over a page break.
    """
    page = store().page(evidence.report_id, evidence.page)
    if len(evidence.spans) > 1 or page is None:
        return evidence.quote, 0, len(evidence.quote)
    return page.text, evidence.spans[0].start, evidence.spans[0].end


def sentences_around(evidence: Evidence) -> tuple[Sentence, ...]:
    """Return the sentences of the blocks that the quote stands in."""
    text, start, end = text_behind(evidence)
    first = text.rfind("\n", 0, start) + 1
    last = text.find("\n", end)
    found, at = [], first
    for line in text[first : len(text) if last < 0 else last].split("\n"):
        found += [
            Sentence(
                start=at + begin,
                end=at + close,
                text=line[begin:close],
                is_chosen=at + begin < end and at + close > start,
            )
            for begin, close in sentence_spans(line)
        ]
        at += len(line) + 1
    return tuple(found)


def units_of(lesson: Lesson) -> tuple[Unit, ...]:
    """Return every sentence of every quote, in order."""
    return tuple(
        Unit(quote=number, start=start, end=end, text=evidence.quote[start:end])
        for number, evidence in enumerate(lesson.evidence)
        for start, end in sentence_spans(evidence.quote)
    )
