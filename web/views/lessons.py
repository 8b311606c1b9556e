"""One lesson with everything that is known about it."""

from flask import Blueprint, redirect, render_template, url_for
from werkzeug import Response

from web.context import services, store
from web.views.published import published_lesson, published_report

bp = Blueprint("lessons", __name__)
_SIMILAR = 5


@bp.get("/laerdom/<lesson_id>")
def page(lesson_id: str) -> str | Response:
    """Show a lesson, its quotes and where they stand; an old address leads to what replaced it."""
    heir = store().heir(lesson_id)
    if heir not in {None, lesson_id}:
        return redirect(url_for("lessons.page", lesson_id=heir), 302)
    lesson = published_lesson(store(), lesson_id)
    report = published_report(store(), lesson.report_id)
    similar = services().searcher.similar(store(), lesson_id, _SIMILAR, elsewhere=True)
    return render_template("lesson.html", lesson=lesson, report=report, similar=similar)
