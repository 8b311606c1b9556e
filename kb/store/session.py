"""The verbs of the store. Each that writes is one transaction: all of it or nothing."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Executable,
    Row,
    Select,
    Table,
    and_,
    delete,
    func,
    insert,
    select,
    union,
    update,
)

from kb.domain import (
    Lesson,
    LessonId,
    Page,
    Programme,
    ProgrammeSlug,
    Report,
    ReportId,
    Status,
    ThemeId,
)
from kb.errors import (
    AlreadyIngestedError,
    DecidedError,
    NotFoundError,
    StoreDamagedError,
    StoreUnavailableError,
)
from kb.store import alike, audit, files, purge, sqlite
from kb.store import lessons as lessons_of
from kb.store import records as rec
from kb.store.accounts import Accounts
from kb.store.changes import Changes, drop_programme_without_reports
from kb.store.collections import Collections
from kb.store.heads import Heads
from kb.store.jobs import Holding, Jobs
from kb.store.leaders import Leaders
from kb.store.publications import Publications
from kb.store.records import FacetRow, IndexPointer, IndexRow, Markings, ReportSummary
from kb.store.relations import Relations
from kb.store.saved import Saved
from kb.store.schema import (
    change_item,
    evidence_span,
    gone,
    lesson,
    lesson_theme,
    page,
    programme,
    state,
    token_vector,
    vector,
)
from kb.store.schema import report as report_table
from kb.store.state import generation, raise_generation
from kb.tokens import Tokens

DATABASE = "erfaringsbanken.db"
_MOST_PAGES = 2**31
_BLOCK = 5_000
"""So many lessons are read at a time where all are read."""
_READING_ORDER = (report_table.c.added, lesson.c.position, lesson.c.number)

Vectors = Mapping[LessonId, NDArray[np.float32]]
TokenVectors = Mapping[LessonId, Sequence[Tokens]]
NO_TOKENS: TokenVectors = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Replaced:
    """A report that is read anew, as it was seen: at which generation, after which change."""

    report_id: ReportId
    generation: int
    last_change: int | None


class Store:
    """One session with the database. Not for several threads: each opens its own.

    Absence is not an error when reading: what is not there is None or left out.
    """

    def __init__(self, connection: Connection, home: Path) -> None:
        """Take over ``connection``. Callers use :meth:`open`."""
        self._connection, self._home = connection, home
        self._is_reading = False

    @classmethod
    def open(cls, home: Path) -> Self:
        """Return a session with the store in the folder ``home``; both are made if need be.

        Raises:
            StoreDamagedError: the file there is not a database of ours.
            StoreUnavailableError: the folder cannot be made, opened or written.
        """
        try:
            home.mkdir(mode=0o700, parents=True, exist_ok=True)  # it holds password hashes
        except OSError as error:
            raise StoreUnavailableError(str(error)) from error
        return cls(sqlite.connect(home / DATABASE), home)

    def close(self) -> None:
        """End the session."""
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Let everything read inside be of one instant, whatever others write. Nests."""
        if self._connection.in_transaction():
            yield
            return
        with sqlite.transaction(self._connection, sqlite.READ):
            self._is_reading = True
            try:
                yield
            finally:
                self._is_reading = False

    @contextmanager
    def _writing(self) -> Iterator[None]:
        self._refuse_while_reading()
        with sqlite.transaction(self._connection, sqlite.WRITE):
            yield

    def _refuse_while_reading(self) -> None:
        if self._is_reading:
            raise RuntimeError("what takes the write lock cannot be done inside reading()")

    def generation(self) -> int:
        """Return the number of the last committed change; 0 for a new store."""
        with self.reading():
            return generation(self._connection)

    @property
    def jobs(self) -> Jobs:
        """The files on their way in."""
        return Jobs(self._connection, self._home)

    @property
    def heads(self) -> Heads:
        """The lesson classifiers that were trained here."""
        return Heads(self._connection)

    @property
    def changes(self) -> Changes:
        """What people decided, and the way to decide."""
        return Changes(self._connection)

    @property
    def relations(self) -> Relations:
        """What people decided about pairs of lessons."""
        return Relations(self._connection)

    @property
    def collections(self) -> Collections:
        """The lessons that people keep for themselves."""
        return Collections(self._connection)

    @property
    def accounts(self) -> Accounts:
        """Who may log in."""
        return Accounts(self._connection)

    @property
    def publications(self) -> Publications:
        """When lessons became visible to readers."""
        return Publications(self._connection)

    @property
    def leaders(self) -> Leaders:
        """Where people's programmes are, and what they made of the lessons."""
        return Leaders(self._connection)

    @property
    def saved(self) -> Saved:
        """The searches people keep, and the e-mails about them."""
        return Saved(self._connection)

    # --- adding and removing reports ------------------------------------------------------------

    def add_report(  # noqa: PLR0913  # what a report consists of, stored in one transaction
        self,
        report: Report,
        pages: Sequence[Page],
        lessons: Sequence[Lesson],
        vectors: Vectors,
        model_id: str,
        original: bytes,
        *,
        tokens: TokenVectors = NO_TOKENS,
        job: Holding | None = None,
        replaces: Replaced | None = None,
    ) -> None:
        """Keep a report with everything that belongs to it; durable when this returns.

        A programme that is known by its slug keeps what is known and gets what was unknown.

        Args:
            report: not in the store, but for the one it ``replaces``.
            pages: with the texts that the quotes stand in.
            lessons: in reading order.
            vectors: for each lesson float32 of shape (passages, dim), as ``passages_of`` has them.
            model_id: of the encoder that made ``vectors``.
            original: the file whose SHA-256 is the report's.
            tokens: of the lessons' quotes, by the same encoder; a lesson may have none.
            job: what this is done for; noted, and mostly ended, in the same transaction.
            replaces: the same file as it was read before, which goes in the same transaction.

        Raises:
            AlreadyIngestedError: a report with the same SHA-256 is in the store.
            DecidedError: what it replaces is not as it was seen.
            LeaseLostError: somebody else has taken the job; nothing is stored.
            ValueError: a quote does not stand at its spans, or a vector lacks.
        """
        if replaces is None:
            self._refuse_known(report)  # before a large file is written for nothing
        audit.refuse_unsound(report, pages, lessons)
        rows = [row for one in lessons for row in _vectors_of(one, vectors, model_id)]
        files.keep(files.place(self._home, report.sha256, report.file), original)
        with self._writing():
            if replaces is not None:
                self._make_way(replaces)
            self._refuse_known(report)
            generation = raise_generation(self._connection)
            self._put_programme(report.programme)
            self._insert(report_table, [rec.report_record(report, generation)])
            self._insert(page, [rec.page_record(report.id, one) for one in pages])
            self._insert(
                lesson,
                [lessons_of.lesson_record(one, i, generation) for i, one in enumerate(lessons)],
            )
            lessons_of.insert_parts(self._connection, lessons)
            self._insert(vector, rows)
            self._put_tokens(tokens, model_id)
            self._delete(gone.c.lesson_id, [one.id for one in lessons])
            lessons_of.put_words(self._connection, [one.id for one in lessons])
            if job is not None:
                self.jobs.stored(job, report.id)

    def _make_way(self, replaced: Replaced) -> None:
        """Remove a report, if it is there and nothing about it has changed since it was seen."""
        own = report_table.c.id == replaced.report_id
        known = self._first(select(report_table.c.changed).where(own))
        if known is None:
            return
        of_it = lesson.c.report_id == replaced.report_id
        last = self._one(select(func.max(lesson.c.changed)).where(of_it))[0] or 0
        told = select(func.max(change_item.c.change_id))
        newest = self._one(told.where(change_item.c.report_id == replaced.report_id))[0]
        if max(known.changed, last) > replaced.generation or newest != replaced.last_change:
            raise DecidedError(f"report {replaced.report_id} was changed since")
        self._remove(replaced.report_id)

    def remove_report(self, report_id: ReportId) -> None:
        """Forget a report and its lessons; its original file stays, so that it can be read again.

        Raises:
            NotFoundError: there is no such report.
        """
        with self._writing():
            self._remove(report_id)

    def purge_report(self, report_id: ReportId) -> None:
        """Forget a report for good: with its file, its jobs and its part in the history.

        Raises:
            NotFoundError: there is no such report.
        """
        with self._writing():
            sha256 = self._remove(report_id)
            purge.purge(self._connection, self._home, report_id, sha256)

    def _remove(self, report_id: ReportId) -> str:
        row = self._first(select(report_table).where(report_table.c.id == report_id))
        if row is None:
            raise NotFoundError(f"no report {report_id}")
        generation = raise_generation(self._connection)
        found = self._all(select(lesson.c.id).where(lesson.c.report_id == report_id))
        lessons_of.remove(self._connection, [one.id for one in found], generation)
        self._delete(page.c.report_id, [report_id])
        self._delete(report_table.c.id, [report_id])
        drop_programme_without_reports(self._connection, row.programme)
        return str(row.sha256)

    def _refuse_known(self, report: Report) -> None:
        known = self.report_by_sha256(report.sha256)
        if known is not None:
            raise AlreadyIngestedError(known.id)

    def _put_programme(self, new: Programme) -> None:
        values = rec.programme_record(new)
        same = programme.c.slug == new.slug
        row = self._first(select(programme).where(same))
        if row is None:
            self._insert(programme, [values])
            return
        known = row._asdict()
        learned = {
            name: value
            for name, value in values.items()
            if known[name] is None and value is not None
        }
        if learned:
            self._connection.execute(update(programme).where(same).values(learned))

    # --- vectors --------------------------------------------------------------------------------

    def put_vectors(
        self, vectors: Vectors, model_id: str, tokens: TokenVectors = NO_TOKENS
    ) -> None:
        """Replace all vectors, also those of tokens, of these lessons, and make their words afresh.

        Lessons that are gone are left out.

        Raises:
            ValueError: not one finite vector per passage.
        """
        with self._writing():
            found = self.lessons(list(vectors))
            if not found:
                return
            generation = raise_generation(self._connection)
            rows = [row for one in found.values() for row in _vectors_of(one, vectors, model_id)]
            self._delete(vector.c.lesson_id, list(found))
            self._delete(token_vector.c.lesson_id, list(found))
            self._insert(vector, rows)
            self._put_tokens({id_: own for id_, own in tokens.items() if id_ in found}, model_id)
            self._touch(list(found), {"changed": generation})
            lessons_of.put_words(self._connection, list(found))

    def _put_tokens(self, tokens: TokenVectors, model_id: str) -> None:
        for lesson_id, own in tokens.items():
            self._insert(token_vector, rec.token_records(lesson_id, own, model_id))

    def tokens(self, ids: Sequence[LessonId], model_id: str) -> dict[LessonId, list[Tokens]]:
        """Return the token vectors of the quotes of some dozens of lessons, by id.

        A lesson without any of this model is left out.
        """
        chosen = (
            select(token_vector)
            .where(token_vector.c.lesson_id.in_(ids), token_vector.c.model_id == model_id)
            .order_by(token_vector.c.lesson_id, token_vector.c.position)
        )
        found: dict[LessonId, list[Tokens]] = defaultdict(list)
        for row in self._all(chosen):
            found[row.lesson_id].append(rec.tokens_of(row))
        return dict(found)

    def _touch(self, lesson_ids: Sequence[LessonId], values: Mapping[str, object]) -> None:
        for batch in rec.batches(lesson_ids):
            self._connection.execute(update(lesson).where(lesson.c.id.in_(batch)).values(values))

    # --- the index ------------------------------------------------------------------------------

    def point_index(self, name: str, generation: int, model_id: str) -> bool:
        """Let readers use the snapshot ``name``; False, and no change, if theirs is newer.

        Is no change of what is known, so the generation stays.
        """
        is_older = state.c.index_generation.is_(None) | (state.c.index_generation <= generation)
        values = {
            "index_name": name,
            "index_generation": generation,
            "index_model_id": model_id,
        }
        with self._writing():
            result = self._connection.execute(update(state).where(is_older).values(values))
            return result.rowcount == 1

    def index_pointer(self) -> IndexPointer | None:
        """Return the snapshot that readers use, or None before the first."""
        row = self._one(select(state))
        if row.index_name is None:
            return None
        return IndexPointer(
            name=row.index_name, generation=row.index_generation, model_id=row.index_model_id
        )

    def rows(self, model_id: str, *, since: int = 0) -> tuple[IndexRow, ...]:
        """Return the vectors of published lessons changed after ``since``, in reading order."""
        # Asked in one statement, SQLite reads all lessons in order rather than sort the few.
        changed = select(lesson.c.id).where(
            lesson.c.changed > since, lesson.c.status == Status.PUBLISHED
        )
        with self.reading():
            ids = [row.id for row in self._all(changed)]
            found = [
                each
                for batch in rec.batches(ids)
                for each in self._index_rows(model_id, lesson.c.id.in_(batch))
            ]
        return tuple(row for _, row in sorted(found, key=lambda each: each[0]))

    def each_row(self, model_id: str) -> Iterator[IndexRow]:
        """Yield the vectors of all published lessons by number, a block of them at a time.

        To be read to the end inside one :meth:`reading`, so that all is of one instant.
        """
        last = self._one(select(func.coalesce(func.max(lesson.c.number), 0)))[0]
        for start in range(0, last, _BLOCK):
            some = self._index_rows(model_id, _between(start))
            yield from (row for _, row in sorted(some, key=lambda each: each[1].number))

    def _index_rows(
        self, model_id: str, which: ColumnElement[bool]
    ) -> list[tuple[tuple[int, ...], IndexRow]]:
        """Return the vectors of the published lessons that are ``which``, with their places."""
        is_wanted = (lesson.c.status == Status.PUBLISHED, which)
        chosen = (
            select(
                vector.c.lesson_id,
                lesson.c.number,
                lesson.c.language,
                vector.c.role,
                vector.c.dim,
                vector.c.data,
                lesson.c.position,
                report_table.c.added,
            )
            .join(lesson, lesson.c.id == vector.c.lesson_id)
            .join(report_table, report_table.c.id == lesson.c.report_id)
            .where(*is_wanted, vector.c.model_id == model_id)
            .order_by(vector.c.lesson_id, vector.c.position)
        )
        with_pieces = (
            select(token_vector.c.lesson_id, token_vector.c.ids)
            .join(lesson, lesson.c.id == token_vector.c.lesson_id)
            .where(*is_wanted, token_vector.c.model_id == model_id)
            .order_by(token_vector.c.lesson_id)
        )
        groups = groupby(self._all(with_pieces), lambda row: row.lesson_id)
        pieces = {id_: rec.pieces_of(list(own)) for id_, own in groups}
        found: list[tuple[tuple[int, ...], IndexRow]] = []
        for id_, rows in groupby(self._all(chosen), lambda row: row.lesson_id):
            own = list(rows)
            place = (own[0].added, own[0].position, own[0].number)
            found.append((place, rec.index_row_of(own, pieces.get(id_, rec.NO_PIECES))))
        return found

    def lacking(self, model_id: str, *, since: int = 0) -> int:
        """Return how many published lessons changed after ``since`` have no vector of a model."""
        has = select(vector.c.lesson_id).where(
            vector.c.lesson_id == lesson.c.id, vector.c.model_id == model_id
        )
        chosen = select(func.count()).where(
            lesson.c.status == Status.PUBLISHED, lesson.c.changed > since, ~has.exists()
        )
        return int(self._one(chosen.select_from(lesson))[0])

    def words(self, numbers: Collection[int]) -> dict[int, str]:
        """Return the tokens that the lessons with these numbers are found by, joined by blanks."""
        found: dict[int, str] = {}
        with self.reading():
            for batch in rec.batches(numbers):
                found |= sqlite.words(self._connection, batch)
        return found

    def each_words(self, numbers: Iterable[int]) -> Iterator[str]:
        """Yield what :meth:`words` gives of each lesson, in the order of ``numbers``."""
        for batch in rec.batches(numbers):
            found = self.words(batch)
            yield from (found.get(number, "") for number in batch)

    def vectors_of(self, report_id: ReportId, model_id: str) -> dict[LessonId, NDArray[np.float32]]:
        """Return the vectors of a report's lessons of any status, as ``passages_of`` orders them.

        A lesson without vectors of this model is left out.
        """
        chosen = (
            select(vector.c.lesson_id, vector.c.role, vector.c.dim, vector.c.data)
            .join(lesson, lesson.c.id == vector.c.lesson_id)
            .where(lesson.c.report_id == report_id, vector.c.model_id == model_id)
            .order_by(lesson.c.position, lesson.c.number, vector.c.position)
        )
        groups = groupby(self._all(chosen), lambda row: row.lesson_id)
        return {id_: rec.vectors_of(list(own)) for id_, own in groups}

    def changed_since(self, generation: int) -> frozenset[LessonId]:
        """Return all lessons touched after ``generation``, also those removed or not published."""
        changed = union(
            select(lesson.c.id).where(lesson.c.changed > generation),
            select(gone.c.lesson_id).where(gone.c.generation > generation),
        )
        return frozenset(row[0] for row in self._all(changed))

    def model_ids(self) -> frozenset[str]:
        """Return the models that vectors of published lessons are stored for."""
        chosen = (
            select(vector.c.model_id)
            .join(lesson, lesson.c.id == vector.c.lesson_id)
            .where(lesson.c.status == Status.PUBLISHED)
            .distinct()
        )
        return frozenset(row[0] for row in self._all(chosen))

    def grams_match(self, grams: Sequence[str]) -> dict[LessonId, float]:
        """Return the BM25 of published lessons with any of ``grams``; higher is better."""
        with self.reading():
            return sqlite.match_words(self._connection, grams)

    def gram_counts(self, grams: Collection[str]) -> dict[str, int]:
        """Return how many published lessons hold each of ``grams``; 0 is left out."""
        with self.reading():
            return sqlite.count_words(self._connection, grams)

    def gram_terms(self, prefix: str) -> dict[str, int]:
        """Return how many published lessons hold each token that begins with ``prefix``."""
        with self.reading():
            return sqlite.words_with_prefix(self._connection, prefix)

    # --- reading --------------------------------------------------------------------------------

    def reports(self) -> tuple[ReportSummary, ...]:
        """Return every report with its counts, last added first."""
        with self.reading():
            counts: dict[ReportId, dict[str, int]] = defaultdict(dict)
            counted = select(lesson.c.report_id, lesson.c.status, func.count().label("lessons"))
            for row in self._all(counted.group_by(lesson.c.report_id, lesson.c.status)):
                counts[row.report_id][Status(row.status)] = row.lessons
            rows = self._all(select(report_table).order_by(report_table.c.added.desc()))
            programmes = {one.slug: one for one in self.programmes()}
        return tuple(
            ReportSummary(
                report=rec.report_of(row, programmes[row.programme]), lessons=counts[row.id]
            )
            for row in rows
        )

    def report(self, report_id: ReportId) -> Report | None:
        """Return one report."""
        return self._report(select(report_table).where(report_table.c.id == report_id))

    def reports_of(self, ids: Collection[ReportId]) -> dict[ReportId, Report]:
        """Return these reports by id; those that are not there are left out."""
        found: dict[ReportId, Report] = {}
        with self.reading():
            for batch in rec.batches(ids):
                chosen = select(report_table, programme).join(
                    programme, programme.c.slug == report_table.c.programme
                )
                for row in self._all(chosen.where(report_table.c.id.in_(batch))):
                    found[row.id] = rec.report_of(row, rec.programme_of(row))
        return found

    def report_by_sha256(self, sha256: str) -> Report | None:
        """Return the report whose file has this SHA-256 (hex)."""
        return self._report(select(report_table).where(report_table.c.sha256 == sha256))

    def report_by_words(self, text_key: str) -> Report | None:
        """Return the oldest report with the same words (``Report.text_key``)."""
        same = select(report_table).where(report_table.c.text_key == text_key)
        return self._report(same.order_by(report_table.c.added).limit(1))

    def likely_edition_of(self, report_id: ReportId) -> ReportId | None:
        """Return another report that holds most of this one's words; None if none does."""
        with self.reading():
            return alike.likely_edition_of(self._connection, report_id)

    def _report(self, chosen: Select[Any]) -> Report | None:
        with self.reading():
            row = self._first(chosen)
            about = None if row is None else self.programme(row.programme)
        return None if row is None or about is None else rec.report_of(row, about)

    def editions_of(self, report_id: ReportId) -> tuple[Report, ...]:
        """Return the newer editions of a report, whatever became of them; mostly none or one."""
        with self.reading():
            chosen = select(report_table.c.id).where(report_table.c.edition_of == report_id)
            found = [
                self.report(row.id) for row in self._all(chosen.order_by(report_table.c.added))
            ]
        return tuple(one for one in found if one is not None)

    def original_path(self, report_id: ReportId) -> Path | None:
        """Return where the original file of a report stands."""
        found = self.report(report_id)
        return None if found is None else files.place(self._home, found.sha256, found.file)

    def pages(self, report_id: ReportId) -> tuple[Page, ...]:
        """Return the pages of a report in order."""
        chosen = select(page).where(page.c.report_id == report_id).order_by(page.c.number)
        return tuple(rec.page_of(row) for row in self._all(chosen))

    def page(self, report_id: ReportId, number: int) -> Page | None:
        """Return one page of a report; ``number`` is its 1-based position in the file."""
        if not 0 < number <= _MOST_PAGES:
            return None
        row = self._first(
            select(page).where(page.c.report_id == report_id, page.c.number == number)
        )
        return None if row is None else rec.page_of(row)

    def programmes(self) -> tuple[Programme, ...]:
        """Return every programme, by slug."""
        rows = self._all(select(programme).order_by(programme.c.slug))
        return tuple(rec.programme_of(row) for row in rows)

    def programme(self, slug: ProgrammeSlug) -> Programme | None:
        """Return one programme."""
        row = self._first(select(programme).where(programme.c.slug == slug))
        return None if row is None else rec.programme_of(row)

    def lessons(self, ids: Sequence[LessonId]) -> dict[LessonId, Lesson]:
        """Return these lessons by id, in the order of ``ids``."""
        with self.reading():
            found = lessons_of.read(self._connection, ids)
        return {lesson_id: found[lesson_id] for lesson_id in ids if lesson_id in found}

    def heir(self, lesson_id: LessonId) -> LessonId | None:
        """Return the published lesson that readers of this one are sent to; None if there is none.

        That is the one it was merged into, or the one that continues it in a newer edition.
        """
        with self.reading():
            seen: set[LessonId] = set()
            while lesson_id not in seen:
                seen.add(lesson_id)
                row = self._first(select(lesson).where(lesson.c.id == lesson_id))
                if row is None:
                    return None
                if row.status == Status.PUBLISHED:
                    return lesson_id
                newer = select(lesson.c.id).where(lesson.c.previous == lesson_id)
                following = row.merged_into or next(iter(self._first(newer) or ()), None)
                if following is None:
                    return None
                lesson_id = following
        return None

    def lesson_ids(
        self,
        *,
        status: Status | None = None,
        report_id: ReportId | None = None,
        programme: ProgrammeSlug | None = None,
        theme: ThemeId | None = None,
        page: int | None = None,
    ) -> tuple[LessonId, ...]:
        """Return the lessons that fit every given value, in reading order.

        That is the order in which reports were added, and within one its own. ``page`` asks for
        lessons with a quote that stands on that page, wholly or in part.
        """
        chosen = select(lesson.c.id).join(report_table, report_table.c.id == lesson.c.report_id)
        if status is not None:
            chosen = chosen.where(lesson.c.status == status)
        if report_id is not None:
            chosen = chosen.where(lesson.c.report_id == report_id)
        if programme is not None:
            chosen = chosen.where(report_table.c.programme == programme)
        if theme is not None:
            with_theme = select(lesson_theme.c.lesson_id).where(lesson_theme.c.theme == theme)
            chosen = chosen.where(lesson.c.id.in_(with_theme))
        if page is not None:
            on_page = select(evidence_span.c.lesson_id).where(evidence_span.c.page == page)
            chosen = chosen.where(lesson.c.id.in_(on_page))
        return tuple(row[0] for row in self._all(chosen.order_by(*_READING_ORDER)))

    def facets(self) -> tuple[FacetRow, ...]:
        """Return what each published lesson can be filtered by, in reading order."""
        with self.reading():
            themes: dict[LessonId, list[ThemeId]] = defaultdict(list)
            tagged = select(lesson_theme.c.lesson_id, lesson_theme.c.theme)
            for row in self._all(tagged.order_by(*lesson_theme.primary_key.columns)):
                themes[row.lesson_id].append(row.theme)
            rows = self._all(
                select(
                    lesson.c.id,
                    lesson.c.report_id,
                    lesson.c.kind,
                    lesson.c.phase,
                    lesson.c.language,
                    report_table.c.programme,
                    report_table.c.report_type,
                    report_table.c.year,
                    programme.c.programme_type,
                )
                .join(report_table, report_table.c.id == lesson.c.report_id)
                .join(programme, programme.c.slug == report_table.c.programme)
                .where(lesson.c.status == Status.PUBLISHED)
                .order_by(*_READING_ORDER)
            )
        return tuple(rec.facet_row_of(row, themes[row.id]) for row in rows)

    def markings(self, *, since: int = 0) -> Markings:
        """Return what published lessons changed after ``since`` can be filtered by."""
        which = (lesson.c.status == Status.PUBLISHED, lesson.c.changed > since)
        with self.reading():
            return Markings(
                lessons=self._all(
                    select(
                        lesson.c.number,
                        lesson.c.id,
                        lesson.c.report_id,
                        lesson.c.position,
                        lesson.c.kind,
                        lesson.c.phase,
                        lesson.c.language,
                    ).where(*which)
                ),
                themes=self._all(
                    select(lesson.c.number, lesson_theme.c.position, lesson_theme.c.theme)
                    .join(lesson, lesson.c.id == lesson_theme.c.lesson_id)
                    .where(*which)
                ),
                reports=self._all(
                    select(
                        report_table.c.id,
                        report_table.c.added,
                        report_table.c.programme,
                        programme.c.programme_type,
                        report_table.c.report_type,
                        report_table.c.year,
                    ).join(programme, programme.c.slug == report_table.c.programme)
                ),
            )

    def check(self) -> tuple[str, ...]:
        """Return what is wrong with anything kept, in plain English; () if nothing.

        Reads all of it: the database's own check, page texts and original files against their
        SHA-256, every quote against its page, every statement against its quotes, vectors and
        words against the lessons, and generations against the store's.
        """
        self._refuse_while_reading()
        found = sqlite.damage(self._connection)
        try:
            with self.reading():
                found.extend(audit.problems(self._connection, self._home))
        except StoreDamagedError as error:
            found.append(f"database: {error}")
        return tuple(found)

    # --- statements -----------------------------------------------------------------------------

    def _all(self, chosen: Executable) -> Sequence[Row[Any]]:
        with self.reading():
            return self._connection.execute(chosen).all()

    def _first(self, chosen: Executable) -> Row[Any] | None:
        with self.reading():
            return self._connection.execute(chosen).first()

    def _one(self, chosen: Executable) -> Row[Any]:
        with self.reading():
            return self._connection.execute(chosen).one()

    def _insert(self, table: Table, records: Sequence[rec.Record]) -> None:
        if records:
            self._connection.execute(insert(table), records)

    def _delete(self, column: Column[Any], values: Collection[str]) -> None:
        for batch in rec.batches(values):
            self._connection.execute(delete(column.table).where(column.in_(batch)))


def _between(start: int) -> ColumnElement[bool]:
    return and_(lesson.c.number > start, lesson.c.number <= start + _BLOCK)


def _vectors_of(one: Lesson, vectors: Vectors, model_id: str) -> list[rec.Record]:
    return rec.vector_records(one, vectors.get(one.id), model_id)
