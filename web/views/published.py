"""What anyone may read: a report or lesson that is not published is as if it did not exist."""

from collections.abc import Sequence

from kb.domain import Lesson, LessonId, Report, ReportId, ReportStatus, Status
from kb.errors import NotFoundError
from kb.store import Store


def published_report(store: Store, report_id: ReportId) -> Report:
    """Return the report.

    Raises:
        NotFoundError: there is none, or it is not published.
    """
    report = store.report(report_id)
    if report is None or report.status is not ReportStatus.PUBLISHED:
        raise NotFoundError(f"report {report_id}")
    return report


def published_lesson(store: Store, lesson_id: LessonId) -> Lesson:
    """Return the lesson.

    Raises:
        NotFoundError: there is none, or it is not published.
    """
    lesson = store.lessons([lesson_id]).get(lesson_id)
    if lesson is None or lesson.status is not Status.PUBLISHED:
        raise NotFoundError(f"lesson {lesson_id}")
    return lesson


def in_order(store: Store, ids: Sequence[LessonId]) -> tuple[Lesson, ...]:
    """Return the lessons with these ids, in this order."""
    lessons = store.lessons(ids)
    return tuple(lessons[each] for each in ids if each in lessons)
