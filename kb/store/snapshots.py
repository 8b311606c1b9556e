"""What of a lesson or report people can change, as plain values for the history, and back."""

from dataclasses import replace
from typing import Any

from kb.domain import (
    AssignedBy,
    Evidence,
    Found,
    Kind,
    Lesson,
    LessonId,
    Phase,
    Programme,
    ProgrammeType,
    Report,
    ReportId,
    ReportStatus,
    ReportType,
    Span,
    Status,
    ThemeTag,
)

Snapshot = dict[str, Any]


def of_lesson(lesson: Lesson) -> Snapshot:
    """Return all that is kept of ``lesson`` but its id, report and version."""
    return {
        "statement": lesson.statement,
        "is_edited": lesson.is_edited,
        "kind": lesson.kind.value,
        "phase": None if lesson.phase is None else lesson.phase.value,
        "status": lesson.status.value,
        "language": lesson.language,
        "reason": lesson.reason,
        "kind_reason": lesson.kind_reason,
        "phase_reason": lesson.phase_reason,
        "tags": [[t.theme, t.confidence, t.assigned_by.value, t.reason] for t in lesson.tags],
        "evidence": [
            {
                "section": list(one.section),
                "spans": [[span.page, span.start, span.end] for span in one.spans],
                "quote": one.quote,
                "lead_in": one.lead_in,
            }
            for one in lesson.evidence
        ],
        "confidence": lesson.confidence,
        "merged_into": lesson.merged_into,
        "previous": lesson.previous,
        "has_changed": lesson.has_changed,
    }


def lesson_of(
    lesson_id: LessonId, report_id: ReportId, kept: Snapshot, now: Lesson | None
) -> Lesson:
    """Return the lesson in a snapshot; values it does not hold are those of ``now``."""
    values = (of_lesson(now) if now else {}) | kept
    return Lesson(
        id=lesson_id,
        report_id=report_id,
        statement=values["statement"],
        is_edited=values["is_edited"],
        kind=Kind(values["kind"]),
        phase=None if values["phase"] is None else Phase(values["phase"]),
        status=Status(values["status"]),
        language=values["language"],
        reason=values["reason"],
        kind_reason=values["kind_reason"],
        phase_reason=values["phase_reason"],
        tags=tuple(
            ThemeTag(theme=theme, confidence=confidence, assigned_by=AssignedBy(by), reason=reason)
            for theme, confidence, by, reason in values["tags"]
        ),
        evidence=tuple(
            Evidence(
                report_id=report_id,
                section=tuple(one["section"]),
                spans=tuple(Span(page=p, start=s, end=e) for p, s, e in one["spans"]),
                quote=one["quote"],
                lead_in=one["lead_in"],
            )
            for one in values["evidence"]
        ),
        confidence=values["confidence"],
        merged_into=values["merged_into"],
        previous=values["previous"],
        has_changed=values["has_changed"],
        version=now.version if now else 0,
    )


def of_report(report: Report) -> Snapshot:
    """Return what of ``report`` people can change, its programme included."""
    about = report.programme
    return {
        "programme": [
            about.slug,
            about.name,
            about.place,
            None if about.programme_type is None else about.programme_type.value,
            about.period_from,
            about.period_to,
            about.municipalities,
            about.inhabitants,
            about.budget,
        ],
        "programme_name": report.programme_name,
        "title": report.title,
        "report_type": None if report.report_type is None else report.report_type.value,
        "client": report.client,
        "contractor": report.contractor,
        "year": report.year,
        "language": report.language,
        "note": report.note,
        "status": report.status.value,
        "edition_of": report.edition_of,
        "sources": [[name, one.value, one.page, one.evidence] for name, one in report.sources],
    }


def report_of(now: Report, kept: Snapshot) -> Report:
    """Return ``now`` with the values of a snapshot."""
    values = of_report(now) | kept
    slug, name, place, programme_type, first, last, *size = values["programme"]
    municipalities, inhabitants, budget = size
    return replace(
        now,
        programme=Programme(
            slug=slug,
            name=name,
            place=place,
            programme_type=None if programme_type is None else ProgrammeType(programme_type),
            period_from=first,
            period_to=last,
            municipalities=municipalities,
            inhabitants=inhabitants,
            budget=budget,
        ),
        programme_name=values["programme_name"],
        title=values["title"],
        report_type=None if values["report_type"] is None else ReportType(values["report_type"]),
        client=values["client"],
        contractor=values["contractor"],
        year=values["year"],
        language=values["language"],
        note=values["note"],
        status=ReportStatus(values["status"]),
        edition_of=values["edition_of"],
        sources=tuple(
            (field, Found(value=value, page=page, evidence=evidence))
            for field, value, page, evidence in values["sources"]
        ),
    )
