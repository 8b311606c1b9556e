"""The form in which a person corrects what is known of a report, beside where it was read."""

from collections.abc import Mapping

from flask import make_response, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from kb.domain import Report
from kb.store import Role, Store
from kb.text import normalise
from web.auth import requires
from web.context import store
from web.review_context import (
    Wish,
    blueprint,
    conflict,
    decide,
    desk,
    find_report,
    take_notice,
    version_seen,
)
from web.review_facts import FIELDS, facts_of, in_words, known_of, read_facts

bp = blueprint("review_facts", "/desk/rapport/<report_id>/opplysninger")
_MAX_VALUE_CHARS = 300


@bp.get("")
@requires(Role.EDITOR)
def page(report_id: str) -> Response:
    """Show what is known, to be corrected."""
    report = find_report(report_id)
    return _form(report, {fact.field: fact.raw for fact in facts_of(report)}, {})


@bp.post("")
@requires(Role.EDITOR)
def correct(report_id: str) -> Response:
    """Set what is known."""
    report = find_report(report_id)
    written = {name: normalise(request.form.get(name, ""))[:_MAX_VALUE_CHARS] for name in FIELDS}
    known, problems = read_facts(written)
    if known is None:
        return _form(report, written, problems)
    return decide(
        lambda: desk().metadata(report_id, version_seen(), known),
        said=_("Opplysningene er lagret."),
        way=url_for("review_report.page", report_id=report_id),
        refuse=lambda: _refused(
            report_id, Wish(title=_("Du ville rette opplysningene."), values=in_words(known))
        ),
    )


def _form(report: Report, written: Mapping[str, str], problems: Mapping[str, str]) -> Response:
    page = render_template(
        "desk/review_facts.html",
        report=report,
        facts=facts_of(report),
        written=written,
        problems=problems,
        known=_known_values(store()),
        notice=take_notice(),
    )
    return make_response(page, 422 if problems else 200)


def _refused(report_id: str, wish: Wish) -> Response:
    now = find_report(report_id)
    return conflict(
        wish,
        in_words(known_of(now)),
        versions={"": now.version},
        last=desk().history(report=report_id, limit=1),
        back=url_for("review_facts.page", report_id=report_id),
    )


def _known_values(store: Store) -> dict[str, list[str]]:
    """Return what other reports say, to be picked from: the same thing under the same name."""
    reports = [summary.report for summary in store.reports()]
    values = {
        "programme": {one.programme_name for one in reports},
        "place": {one.programme.place for one in reports},
        "client": {one.client for one in reports},
        "contractor": {one.contractor for one in reports},
    }
    return {field: sorted(value for value in own if value) for field, own in values.items()}
