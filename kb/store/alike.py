"""Which report is this one most like? For a person to say whether it is a newer edition of it.

Compares the sentences of the page texts. A few of them find the reports that come in question, in
one pass over the pages.
"""

from sqlalchemy import Connection, or_, select

from kb.domain import ReportId, ReportStatus
from kb.store.schema import page, report
from kb.text import key, sentences

MOST = 0.6
"""A report that holds this share of another's words is like it enough to ask a person."""

_PROBES = 12
"""Where three of five sentences are shared, twelve miss them all once in 60 000 reports."""
_PROBE_CHARS = 200
_LEAST_CHARS = 40
"""Shorter ones are headings and phrases, and reports share those."""


def likely_edition_of(connection: Connection, report_id: ReportId) -> ReportId | None:
    """Return the report that holds most of this one's words, if ``MOST`` or more; else None.

    Reports in the trash, superseded ones, and those that are linked with this one are left out.
    """
    said = {key(one) for one in _sentences(connection, report_id)}
    total = sum(map(len, said))
    shares = {
        other: sum(map(len, said & {key(one) for one in _sentences(connection, other)})) / total
        for other in _in_question(connection, report_id)
    }
    best = max(shares, key=lambda other: shares[other], default=None)
    return best if best is not None and shares[best] >= MOST else None


def _in_question(connection: Connection, report_id: ReportId) -> list[ReportId]:
    said = sorted(_sentences(connection, report_id))
    probes = said[:: len(said) // _PROBES + 1]
    if not probes:
        return []
    holding = select(page.c.report_id).where(
        or_(*(page.c.text.contains(probe[:_PROBE_CHARS], autoescape=True) for probe in probes))
    )
    own = select(report.c.edition_of).where(report.c.id == report_id).scalar_subquery()
    chosen = select(report.c.id).where(
        report.c.id.in_(holding),
        report.c.id != report_id,
        report.c.id.is_distinct_from(own),
        report.c.edition_of.is_distinct_from(report_id),
        report.c.status.not_in([ReportStatus.TRASHED, ReportStatus.SUPERSEDED]),
    )
    return list(connection.scalars(chosen.order_by(report.c.added)))


def _sentences(connection: Connection, report_id: ReportId) -> set[str]:
    texts = connection.scalars(select(page.c.text).where(page.c.report_id == report_id))
    return {
        sentence
        for text in texts
        for block in text.split("\n")
        for sentence in sentences(block)
        if len(sentence) >= _LEAST_CHARS
    }
