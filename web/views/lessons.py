"""One lesson with everything that is known about it."""

from flask import Blueprint, render_template

from web.context import services, store
from web.views.published import published_lesson, published_report

bp = Blueprint("lessons", __name__)
_SIMILAR = 5


@bp.get("/laerdom/<lesson_id>")
def page(lesson_id: str) -> str:
    """Show a lesson, its quotes and where they stand."""
    lesson = published_lesson(store(), lesson_id)
    report = published_report(store(), lesson.report_id)
    similar = services().searcher.similar(store(), lesson_id, _SIMILAR, elsewhere=True)
    return render_template("lesson.html", lesson=lesson, report=report, similar=similar)
