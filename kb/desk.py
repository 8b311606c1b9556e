"""The desk: everything a person decides about lessons and reports goes through here.

Each verb is one change in the store's history: it happens whole or not at all, is refused when
somebody else was faster (the caller passes the versions the person saw), and can be undone. What
is shown as evidence stays a verbatim span of its page; a rewritten statement is marked as edited.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Literal

from kb.domain import (
    MAX_THEMES,
    AssignedBy,
    Evidence,
    Kind,
    Lesson,
    LessonId,
    Page,
    Phase,
    Programme,
    ProgrammeType,
    Report,
    ReportId,
    ReportStatus,
    ReportType,
    Span,
    Status,
    ThemeId,
    ThemeTag,
    lesson_id,
    part_of,
)
from kb.editions import EditionDiff, carried_over, difference, redecided
from kb.embed import Encoder, embed_lessons, tokens_of
from kb.errors import (
    ConflictError,
    EditionError,
    NotFoundError,
    NotVerbatimError,
    ReportState,
    ReportStateError,
    UndecidedError,
)
from kb.passages import passages_of
from kb.reasons import Code, told
from kb.store import Action, Change, Relating, Revision, Stance, Store
from kb.text import normalise, occurrences, sentences, slugify

_BY_HAND = told(Code.BY_HAND)
_AWAY = {
    ReportStatus.TRASHED: ReportState.TRASHED,
    ReportStatus.SUPERSEDED: ReportState.SUPERSEDED,
}
"""Where a report is of which nothing can be decided or published."""

Versions = Mapping[LessonId, int]
"""The lessons that are meant, each with the version the person saw."""


class Keep(StrEnum):
    """Stands for a value that an edit leaves alone, where None means «not known»."""

    KEEP = "keep"


KEEP: Literal[Keep.KEEP] = Keep.KEEP


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """What a person changes in a lesson; what is not given stays. The quotes are not touched.

    A ``statement`` that stands in a quote word for word is not marked as edited.
    """

    statement: str | None = None
    kind: Kind | None = None
    phase: Phase | Literal[Keep.KEEP] | None = KEEP
    themes: Sequence[ThemeId] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Metadata:
    """What is known of a report and its programme, as a person fills it in; None is unknown."""

    title: str | None
    programme: str | None
    place: str | None
    programme_type: ProgrammeType | None
    period_from: int | None
    period_to: int | None
    municipalities: int | None
    inhabitants: int | None
    budget: str | None
    report_type: ReportType | None
    client: str | None
    contractor: str | None
    year: int | None


class Desk:
    """One person's desk. Not for several threads, like the store it works on.

    Args:
        store: where the decisions are kept.
        encoder: gives the encoder; called only when words changed.
        by: who decides: the account's name.
    """

    def __init__(self, store: Store, encoder: Callable[[], Encoder], by: str) -> None:
        self._store, self._encoder, self._by = store, encoder, by

    # --- lessons --------------------------------------------------------------------------------

    def approve(self, lessons: Versions) -> int:
        """Approve lessons; those of a published report are published. Return the change's number.

        Raises:
            NotFoundError: one of them does not exist.
            ConflictError: one of them was changed since.
            ReportStateError: its report is in the trash or replaced.
        """
        return self._revise(Action.APPROVE, self._approved(self._seen(lessons)))

    def _approved(self, found: Sequence[Lesson]) -> list[Lesson]:
        own = {one.report_id: self._report(one.report_id) for one in found}
        for report in own.values():
            _refuse_away(report)
        published = {id_ for id_, one in own.items() if one.status is ReportStatus.PUBLISHED}
        return [
            replace(
                one,
                status=Status.PUBLISHED if one.report_id in published else Status.APPROVED,
                has_changed=False,
                merged_into=None,
            )
            for one in found
        ]

    def reject(self, lessons: Versions, reason: str) -> int:
        """Reject lessons for a reason: an id the interface knows, or the person's own words."""
        found = [
            replace(one, status=Status.REJECTED, merged_into=None, has_changed=False)
            for one in self._seen(lessons)
        ]
        return self._revise(Action.REJECT, found, reason=reason)

    def reconsider(self, lessons: Versions) -> int:
        """Make lessons candidates again; what was merged takes its quotes back."""
        seen = self._seen(lessons)
        found = [replace(one, status=Status.CANDIDATE, merged_into=None) for one in seen]
        return self._revise(Action.RECONSIDER, [*found, *self._without_merged(seen)])

    def _without_merged(self, merged: Sequence[Lesson]) -> list[Lesson]:
        """Return the lessons that ``merged`` were merged into, without their quotes."""
        into = {one.merged_into for one in merged if one.merged_into}
        left = []
        for kept in self._store.lessons(sorted(into - {one.id for one in merged})).values():
            taken = {e.quote for one in merged if one.merged_into == kept.id for e in one.evidence}
            evidence = tuple(one for one in kept.evidence if one.quote not in taken)
            if evidence and evidence != kept.evidence:
                left.append(_requoted(kept, evidence))
        return left

    def edit(self, lesson: LessonId, version: int, edit: Edit, *, approve: bool = False) -> int:
        """Change what is said about a lesson, and approve it in the same step if so wished.

        Its quotes stay.

        Raises:
            ValueError: an empty statement, or more than three themes.
        """
        (one,) = self._seen({lesson: version})
        if edit.statement is not None:
            one = _restated(one, edit.statement)
        if edit.kind not in (None, one.kind):
            one = replace(one, kind=edit.kind, kind_reason=_BY_HAND)
        if edit.phase not in (KEEP, one.phase):
            one = replace(one, phase=edit.phase, phase_reason=_BY_HAND)
        if edit.themes is not None:
            one = replace(one, tags=_tags(one, edit.themes))
        return self._revise(Action.EDIT, self._approved([one]) if approve else [one])

    def requote(self, lesson: LessonId, version: int, position: int, quote: str) -> int:
        """Cut or widen the ``position``-th quote of a lesson to ``quote``.

        Raises:
            NotVerbatimError: the text does not stand where the quote stood.
        """
        (one,) = self._seen({lesson: version})
        found = self._located(one.evidence[position], quote)
        evidence = (*one.evidence[:position], found, *one.evidence[position + 1 :])
        return self._revise(Action.REQUOTE, [_requoted(one, evidence)])

    def split(self, lesson: LessonId, version: int, parts: Sequence[str]) -> int:
        """Make one lesson of each part; the first keeps the id, all keep the status.

        A part that was merged into the lesson before is a lesson of its own again.

        Args:
            lesson: the lesson to split.
            version: as the person saw it.
            parts: two or more; each a whole quote of the lesson, or part of one.

        Raises:
            NotVerbatimError: a part stands in none of the quotes.
            ConflictError: a part is already a lesson of its own.
        """
        (one,) = self._seen({lesson: version})
        if len(parts) < 2:  # noqa: PLR2004 - that is what splitting means
            raise ValueError("a lesson is split into two or more parts")
        report = self._report(one.report_id)
        pieces = [self._part(one, part) for part in parts]
        left = [evidence for evidence in one.evidence if not _any_inside(evidence, pieces)]
        first = _requoted(one, (pieces[0], *left))
        ids = [lesson_id(report.sha256, piece.quote) for piece in pieces[1:]]
        stored = self._store.lessons(ids)
        taken = [other.id for other in stored.values() if other.merged_into != one.id]
        if taken or len({one.id, *ids}) <= len(ids):
            raise ConflictError(f"already lessons: {', '.join(taken) or 'a part twice'}")
        others = [
            replace(
                _requoted(one, (piece,)),
                id=id_,
                previous=None,
                version=stored[id_].version if id_ in stored else 0,
            )
            for id_, piece in zip(ids, pieces[1:], strict=True)
        ]
        return self._revise(Action.SPLIT, [first, *others])

    def merge(self, into: LessonId, others: Sequence[LessonId], versions: Versions) -> int:
        """Let ``into`` take over the quotes of ``others``, which are then merged into it.

        Raises:
            ValueError: they are not of one report, or one is to be merged with itself.
        """
        if into in others or not others:
            raise ValueError("a lesson is merged with others than itself")
        kept, *gone = self._seen({one: versions[one] for one in (into, *others)})
        if any(one.report_id != kept.report_id for one in gone):
            raise ValueError("only lessons of one report can be merged")
        known = {one.quote for one in kept.evidence}
        added = [one for other in gone for one in other.evidence if one.quote not in known]
        whole = replace(kept, evidence=(*kept.evidence, *added))
        merged = [replace(one, status=Status.MERGED, merged_into=into) for one in gone]
        return self._revise(Action.MERGE, [whole, *merged])

    def relate(
        self, lesson: LessonId, other: LessonId, said: Stance | None, seen: Stance | None
    ) -> int:
        """Say what ``lesson`` is to one of another report, or that it is not; None: undecided.

        Args:
            lesson: the one that is spoken of.
            other: what it is compared with.
            said: what shall stand.
            seen: what stood when the person looked.

        Raises:
            NotFoundError: one of the lessons is not there.
            ConflictError: something else than ``seen`` stands.
            ValueError: it is one lesson.
        """
        if lesson == other:
            raise ValueError(f"lesson {lesson} stands in no relation to itself")
        found = self._store.lessons([lesson, other])
        if len(found) < len((lesson, other)):
            raise NotFoundError(f"no lesson {' or '.join({lesson, other} - found.keys())}")
        revision = Revision(
            action=Action.RELATE,
            report_id=found[lesson].report_id,
            by=self._by,
            relations=(Relating(first=lesson, second=other, seen=seen, said=said),),
        )
        return self._store.changes.revise(revision)

    # --- reports --------------------------------------------------------------------------------

    def metadata(self, report: ReportId, version: int, known: Metadata) -> int:
        """Set what is known of a report and its programme.

        What is said of the programme holds for all its reports. A name that another programme has
        makes this report one of that programme's, of which everything stays as it is.

        What a person corrects no longer counts as read from the report: the text it was read from
        goes with it (and stands in the history).
        """
        kept = self._report(report, version)
        wanted = replace(
            kept,
            title=known.title,
            programme_name=known.programme,
            programme=self._programme(kept, known),
            report_type=known.report_type,
            client=known.client,
            contractor=known.contractor,
            year=known.year,
        )
        changed = _facts(kept) ^ _facts(wanted)
        fields = {name for name, _ in changed}
        sources = tuple(one for one in kept.sources if one[0] not in fields)
        return self._revise(Action.METADATA, [], reports=[replace(wanted, sources=sources)])

    def _programme(self, kept: Report, known: Metadata) -> Programme:
        name = known.programme or known.place or known.title or kept.programme.name
        slug = slugify(name)
        other = None if slug == kept.programme.slug else self._store.programme(slug)
        return other or Programme(
            slug=slug,
            name=name,
            place=known.place,
            programme_type=known.programme_type,
            period_from=known.period_from,
            period_to=known.period_to,
            municipalities=known.municipalities,
            inhabitants=known.inhabitants,
            budget=known.budget,
        )

    def publish(self, report: ReportId, version: int) -> int:
        """Publish a report with its approved lessons; an older edition of it is superseded.

        Raises:
            UndecidedError: candidates remain.
            ReportStateError: it is in the trash, replaced, or published with all that is approved.
            ConflictError: it was changed since.
        """
        kept = self._report(report, version)
        _refuse_away(kept)
        own = self._lessons_of(report)
        waiting = sum(one.status is Status.CANDIDATE for one in own)
        if waiting:
            raise UndecidedError(waiting)
        return self._publish(kept, own)

    def approve_and_publish(self, report: ReportId) -> int:
        """Approve every candidate of a report and publish it, in one change.

        Raises:
            ReportStateError: as for :meth:`publish`.
        """
        return self._publish(self._report(report), self._lessons_of(report))

    def _publish(self, report: Report, own: Sequence[Lesson]) -> int:
        _refuse_away(report)
        if self._published_edition_of(report.id):
            raise ReportStateError(ReportState.SUPERSEDED, report.id)
        older = None if report.edition_of is None else self._store.report(report.edition_of)
        late = {} if older is None else self._late_decisions(report.id, older.id, own)
        own = [late.get(one.id, one) for one in own]
        ready = {Status.APPROVED, Status.CANDIDATE}
        lessons = [replace(one, status=Status.PUBLISHED) for one in own if one.status in ready]
        lessons += [one for one in own if one.status is Status.REJECTED and one.id in late]
        if report.status is ReportStatus.PUBLISHED and not lessons:
            raise ReportStateError(ReportState.PUBLISHED, report.id)
        reports = [replace(report, status=ReportStatus.PUBLISHED)]
        if older is not None and older.status is ReportStatus.PUBLISHED:
            reports.append(replace(older, status=ReportStatus.SUPERSEDED))
            lessons += _with_status(self._lessons_of(older.id), Status.PUBLISHED, Status.RETIRED)
        return self._revise(Action.PUBLISH, lessons, reports=reports)

    def _late_decisions(
        self, new: ReportId, old: ReportId, own: Sequence[Lesson]
    ) -> dict[LessonId, Lesson]:
        """Return the lessons of ``new`` whose like in ``old`` was decided after it was linked.

        What was decided of the new edition later still, counts instead.
        """
        linked = max(
            (one.id for one in self._all_of(new) if one.action is Action.EDITION), default=0
        )
        late = {
            item.lesson_id: change.id
            for change in reversed(self._all_of(old))
            if change.id > linked
            for item in change.items
            if item.report_id == old and item.related is None
        }
        before = self._store.lessons([one for one in late if one is not None])
        return {
            one.id: redecided(one, before[one.previous])
            for one in own
            if one.previous in before and self._last_change(one.id) <= late[one.previous]
        }

    def _all_of(self, report: ReportId) -> tuple[Change, ...]:
        return self._store.changes.history(report_id=report, limit=None)

    def _last_change(self, lesson: LessonId) -> int:
        about = (
            one.id
            for one in self._store.changes.history(lesson_id=lesson, limit=None)
            if any(item.lesson_id == lesson and item.related is None for item in one.items)
        )
        return next(about, 0)

    def _published_edition_of(self, report: ReportId) -> bool:
        editions = self._store.editions_of(report)
        return any(one.status is ReportStatus.PUBLISHED for one in editions)

    def reinstate(self, report: ReportId, version: int) -> int:
        """Let a replaced edition be read again, where the newer one no longer is.

        Raises:
            ReportStateError: it was not replaced, or the newer one is published.
            ConflictError: it was changed since.
        """
        kept = self._report(report, version)
        _refuse_unless(kept, ReportStatus.SUPERSEDED, ReportState.NOT_SUPERSEDED)
        if self._published_edition_of(report):
            raise ReportStateError(ReportState.SUPERSEDED, report)
        lessons = _with_status(self._lessons_of(report), Status.RETIRED, Status.PUBLISHED)
        again = replace(kept, status=ReportStatus.PUBLISHED)
        return self._revise(Action.PUBLISH, lessons, reports=[again])

    def withdraw(self, report: ReportId, version: int, reason: str) -> int:
        """Take a published report and its lessons away from readers; every decision stays.

        Raises:
            ReportStateError: it is not published.
        """
        _refuse_unless(self._report(report), ReportStatus.PUBLISHED, ReportState.NOT_PUBLISHED)
        return self._hide(Action.WITHDRAW, report, version, ReportStatus.WITHDRAWN, reason)

    def trash(self, report: ReportId, version: int) -> int:
        """Put a report in the trash; nothing of it is lost.

        Raises:
            ReportStateError: it is there already.
        """
        if self._report(report).status is ReportStatus.TRASHED:
            raise ReportStateError(ReportState.TRASHED, report)
        return self._hide(Action.TRASH, report, version, ReportStatus.TRASHED, None)

    def _hide(
        self,
        action: Action,
        report: ReportId,
        version: int,
        status: ReportStatus,
        reason: str | None,
    ) -> int:
        kept = self._report(report, version)
        lessons = _with_status(self._lessons_of(report), Status.PUBLISHED, Status.APPROVED)
        return self._revise(action, lessons, reports=[replace(kept, status=status)], reason=reason)

    def restore(self, report: ReportId, version: int) -> int:
        """Take a report out of the trash; it is a candidate again.

        Raises:
            ReportStateError: it is not there.
        """
        kept = self._report(report, version)
        _refuse_unless(kept, ReportStatus.TRASHED, ReportState.NOT_TRASHED)
        again = replace(kept, status=ReportStatus.CANDIDATE)
        return self._revise(Action.RESTORE, [], reports=[again])

    # --- editions -------------------------------------------------------------------------------

    def link_edition(self, new: ReportId, old: ReportId) -> EditionDiff:
        """Make ``new`` the newer edition of ``old`` and carry over what people decided.

        The old edition stays as it is, seen by readers, until the new one is published. Linking
        what is linked already changes nothing.

        Raises:
            EditionError: ``new`` is an edition of another report or an older one than ``old``, or
                ``old`` has a newer one.
        """
        report, before = self._report(new), self._report(old)
        if report.edition_of != old:
            refuse_edition(self._store, old, report.sha256)
            carried = carried_over(
                self._lessons_of(old), self._lessons_of(new), report, self._store.pages(new)
            )
            linked = replace(
                report,
                edition_of=old,
                programme=before.programme,
                programme_name=before.programme_name or report.programme_name,
            )
            self._revise(Action.EDITION, carried, reports=[linked])
        return difference(self._lessons_of(old), self._lessons_of(new))

    def edition(self, report: ReportId) -> EditionDiff | None:
        """Return what became of the edition before; None if there is none in the store."""
        kept = self._report(report)
        if kept.edition_of is None or self._store.report(kept.edition_of) is None:
            return None
        return difference(self._lessons_of(kept.edition_of), self._lessons_of(report))

    # --- history --------------------------------------------------------------------------------

    def undo(self, change: int) -> int:
        """Take a change back; return the number of the change that does it.

        Raises:
            UndoError: it is undone already, or something it touched was changed since.
        """
        revision = self._store.changes.reverse(change, self._by)
        return self._store.changes.revise(self._with_vectors(revision))

    def history(
        self,
        *,
        report: ReportId | None = None,
        lesson: LessonId | None = None,
        limit: int = 200,
    ) -> tuple[Change, ...]:
        """Return what was done, last first."""
        return self._store.changes.history(report_id=report, lesson_id=lesson, limit=limit)

    # --- within ---------------------------------------------------------------------------------

    def _seen(self, versions: Versions) -> list[Lesson]:
        """Return the lessons, each with the version the person saw, for the store to compare."""
        found = self._store.lessons(list(versions))
        missing = versions.keys() - found.keys()
        if missing or not versions:
            raise NotFoundError(f"no lesson {', '.join(sorted(missing))}")
        return [replace(found[one], version=version) for one, version in versions.items()]

    def _report(self, report: ReportId, version: int | None = None) -> Report:
        found = self._store.report(report)
        if found is None:
            raise NotFoundError(f"no report {report}")
        return found if version is None else replace(found, version=version)

    def _lessons_of(self, report: ReportId) -> list[Lesson]:
        return list(self._store.lessons(self._store.lesson_ids(report_id=report)).values())

    def _revise(
        self,
        action: Action,
        lessons: Sequence[Lesson],
        *,
        reports: Sequence[Report] = (),
        reason: str | None = None,
    ) -> int:
        of = reports[0].id if reports else lessons[0].report_id
        revision = Revision(
            action=action,
            report_id=of,
            by=self._by,
            reason=reason,
            lessons=tuple(lessons),
            reports=tuple(reports),
        )
        return self._store.changes.revise(self._with_vectors(revision))

    def _with_vectors(self, revision: Revision) -> Revision:
        """Return the revision with vectors for the lessons whose words changed."""
        stored = self._store.lessons([one.id for one in revision.lessons])
        fresh = [
            one
            for one in revision.lessons
            if one.id not in stored or passages_of(one) != passages_of(stored[one.id])
        ]
        if not fresh:
            return revision
        encoder = self._encoder()
        return replace(
            revision,
            vectors=embed_lessons(fresh, encoder),
            tokens=tokens_of(fresh, encoder),
            model_id=encoder.model_id,
        )

    def _located(self, old: Evidence, quote: str) -> Evidence:
        """Return the evidence for ``quote`` on the pages where ``old`` stands."""
        wanted = normalise(quote)
        for number in range(old.page, old.last_page + 1):
            page = self._store.page(old.report_id, number)
            spans = None if page is None else _spans_near(page, wanted, old)
            if spans:
                return replace(old, spans=spans, quote=wanted)
        inside = _cut(old, wanted)
        if inside is None:
            raise NotVerbatimError(f"not on page {old.page}: {wanted[:60]}")
        return inside

    def _part(self, lesson: Lesson, part: str) -> Evidence:
        for evidence in lesson.evidence:
            found = _cut(evidence, normalise(part))
            if found is not None:
                return found
        raise NotVerbatimError(f"in no quote of {lesson.id}: {part[:60]}")


def _facts(report: Report) -> set[tuple[str, object]]:
    """Return what is known of a report, by the field names of its sources."""
    about = report.programme
    return {
        ("title", report.title),
        ("programme", report.programme_name),
        ("place", about.place),
        ("programme_type", about.programme_type),
        ("period", (about.period_from, about.period_to)),
        ("municipalities", about.municipalities),
        ("inhabitants", about.inhabitants),
        ("budget", about.budget),
        ("report_type", report.report_type),
        ("client", report.client),
        ("contractor", report.contractor),
        ("year", report.year),
    }


def refuse_edition(store: Store, old: ReportId, sha256: str) -> None:
    """Raise if the file with this SHA-256, read already or not, cannot be an edition of ``old``.

    Raises:
        NotFoundError: there is no such report, or it is in the trash.
        EditionError: it has a newer edition, or the file is its own, one of its older editions, or
            another report's.
    """
    with store.reading():
        before, known = store.report(old), store.report_by_sha256(sha256)
        if before is None or before.status is ReportStatus.TRASHED:
            raise NotFoundError(f"no report {old} to be an edition of")
        for one in store.editions_of(old):
            if one.sha256 != sha256:
                raise EditionError(f"{one.id} is a newer edition of {old}")
        is_others = known is not None and known.edition_of not in {None, old}
        if known is not None and (is_others or known.id in _line_of(store, before)):
            raise EditionError(f"{known.id} cannot be an edition of {old}")


def _line_of(store: Store, report: Report) -> set[ReportId]:
    """Return a report with all editions before it."""
    line: set[ReportId] = set()
    one: Report | None = report
    while one is not None and one.id not in line:
        line.add(one.id)
        one = None if one.edition_of is None else store.report(one.edition_of)
    return line


def _refuse_unless(report: Report, wanted: ReportStatus, reason: ReportState) -> None:
    if report.status is not wanted:
        raise ReportStateError(reason, f"report {report.id} is {report.status}")


def _refuse_away(report: Report) -> None:
    if report.status in _AWAY:
        raise ReportStateError(_AWAY[report.status], report.id)


def _with_status(lessons: Sequence[Lesson], old: Status, new: Status) -> list[Lesson]:
    return [replace(one, status=new) for one in lessons if one.status is old]


def _restated(lesson: Lesson, statement: str) -> Lesson:
    text = normalise(statement)
    if not text:
        raise ValueError("a lesson needs a statement")
    restated = replace(lesson, statement=text)
    return replace(restated, is_edited=not restated.is_said)


def _tags(lesson: Lesson, themes: Sequence[ThemeId]) -> tuple[ThemeTag, ...]:
    """Return ``themes`` as a person's tags, unless they are what is there."""
    if len(themes) > MAX_THEMES or len(set(themes)) != len(themes):
        raise ValueError(f"a lesson has up to {MAX_THEMES} different themes")
    if tuple(themes) == tuple(tag.theme for tag in lesson.tags):
        return lesson.tags
    return tuple(
        ThemeTag(theme=theme, confidence=1.0, assigned_by=AssignedBy.HUMAN, reason=_BY_HAND)
        for theme in themes
    )


def _requoted(lesson: Lesson, evidence: tuple[Evidence, ...]) -> Lesson:
    """Return the lesson with other quotes, and a statement that they hold if it was a quote's."""
    requoted = replace(lesson, evidence=evidence)
    if requoted.is_edited or requoted.is_said:
        return requoted
    return replace(requoted, statement=max(sentences(evidence[0].quote), key=len))


def _spans_near(page: Page, quote: str, old: Evidence) -> tuple[Span, ...] | None:
    """Return where ``quote`` stands on ``page``, the place nearest to where ``old`` stood."""
    starts = occurrences(page.text, quote)
    if not starts:
        return None
    there = next((span.start for span in old.spans if span.page == page.number), 0)
    start = min(starts, key=lambda found: abs(found - there))
    return (Span(page=page.number, start=start, end=start + len(quote)),)


def _cut(evidence: Evidence, part: str) -> Evidence | None:
    """Return the evidence for a part of its quote, over a page break too."""
    start = evidence.quote.find(part) if part else -1
    if start < 0:
        return None
    spans = part_of(evidence.spans, start, start + len(part))
    return replace(evidence, spans=spans, quote=part)


def _any_inside(evidence: Evidence, pieces: Sequence[Evidence]) -> bool:
    return any(piece.quote in evidence.quote for piece in pieces)
