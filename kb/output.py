"""The JSON that other programs rely on: one shape for the command line and the web."""

from collections.abc import Mapping
from typing import Any

from kb.domain import Lesson, Report, Status
from kb.search import Hit, SearchResult
from kb.store import ReportSummary


def search_json(result: SearchResult) -> dict[str, Any]:
    """Return a search result as ``kb search --json`` and ``/api/v1/search`` print it.

    ``groups`` are there only if they were asked for, and then ``results`` is empty.
    """
    groups = [
        {
            "value": group.value,
            "total": group.total,
            "results": [_hit_json(hit) for hit in group.hits],
        }
        for group in result.groups
    ]
    return {
        "query": result.query.text,
        "no_match": result.no_match,
        "total": result.total,
        "took_ms": result.took_ms,
        "results": [_hit_json(hit) for hit in result.hits],
        "state": result.state.value,
        "weak": [_hit_json(hit) for hit in result.weak],
        "did_you_mean": result.did_you_mean,
        "hints": [
            {"field": hint.field, "value": hint.value, "known": list(hint.known)}
            for hint in result.hints
        ],
        **({"groups": groups} if result.query.group else {}),
    }


def _hit_json(hit: Hit) -> dict[str, Any]:
    return {
        "id": hit.lesson.id,
        "score": hit.score,
        "rank": hit.rank,
        "statement": hit.lesson.statement,
        "kind": hit.lesson.kind.value,
        "themes": [tag.theme for tag in hit.lesson.tags],
        "phase": hit.lesson.phase,
        "programme": hit.report.programme.name,
        "report": hit.report.file,
        "match": hit.match,
        "quotes": _quotes(hit.lesson),
        "report_type": hit.report.report_type,
        "year": hit.report.year,
        "nearly_same": [twin.id for twin in hit.twins],
    }


def lesson_json(lesson: Lesson, report: Report) -> dict[str, Any]:
    """Return one lesson as ``kb lessons --json`` prints it."""
    return {
        "id": lesson.id,
        "statement": lesson.statement,
        "kind": lesson.kind.value,
        "themes": [tag.theme for tag in lesson.tags],
        "phase": lesson.phase,
        "status": lesson.status.value,
        "programme": report.programme.name,
        "report": report.file,
        "quotes": _quotes(lesson),
    }


def report_json(summary: ReportSummary) -> dict[str, Any]:
    """Return one report as ``kb reports --json`` prints it; ``lessons`` counts the living ones."""
    report, programme = summary.report, summary.report.programme
    return {
        "id": report.id,
        "file": report.file,
        "title": report.title,
        "programme": report.programme_name,
        "place": programme.place,
        "programme_type": programme.programme_type,
        "report_type": report.report_type,
        "period_from": programme.period_from,
        "period_to": programme.period_to,
        "year": report.year,
        "contractor": report.contractor,
        "language": report.language,
        "pages": report.pages,
        "sha256": report.sha256,
        "lessons": sum(_living(summary.lessons).values()),
        "status": report.status.value,
        "counts": {one.value: summary.lessons.get(one, 0) for one in Status},
        "edition_of": report.edition_of,
        "context": context_json(report),
    }


def context_json(report: Report) -> dict[str, Any]:
    """Return what tells whether the report's lessons hold elsewhere: type, size and period."""
    programme = report.programme
    return {
        "programme_type": programme.programme_type,
        "municipalities": programme.municipalities,
        "inhabitants": programme.inhabitants,
        "budget": programme.budget,
        "period_from": programme.period_from,
        "period_to": programme.period_to,
    }


def _living(counts: Mapping[str, int]) -> dict[str, int]:
    living = {Status.CANDIDATE, Status.APPROVED, Status.PUBLISHED}
    return {status: n for status, n in counts.items() if status in living}


def _quotes(lesson: Lesson) -> list[dict[str, Any]]:
    return [
        {"text": one.quote, "page": one.page, "section": " › ".join(one.section)}
        for one in lesson.evidence
    ]
