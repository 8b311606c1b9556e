"""What the programmes say of a theme together: who agrees, who disagrees, what stands alone.

Rows and counts rest on relations that a person accepted, and on nothing else
(:mod:`kb.support`). What the program would relate is kept apart, in :class:`Pairs`.
"""

import threading
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

from kb.domain import (
    Kind,
    Lesson,
    LessonId,
    Programme,
    ProgrammeSlug,
    Report,
    ReportId,
    ReportType,
    Status,
    ThemeId,
)
from kb.lint import lint
from kb.relations import Proposal, Proposer, RelationKind
from kb.store import FacetRow, Relation, Store
from kb.support import Agreement, Support, evaluator

_JOINING = (RelationKind.STOTTER, RelationKind.PRESISERER, RelationKind.PRESISERES)
"""What brings a lesson into the row of another that it does not say the same as; the first that
holds is told."""

_Core = frozenset[LessonId]
"""Lessons that say the same, by way of each other."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Voice:
    """A lesson in a row, and what it is to those that the row is about."""

    lesson: Lesson
    report: Report
    relation: RelationKind = RelationKind.SAMME

    @property
    def is_independent(self) -> bool:
        """Whether somebody else than the programme itself wrote the report."""
        return self.report.report_type is not ReportType.SLUTTRAPPORT

    @property
    def is_counted(self) -> bool:
        """Whether the row's counts rest on it: to say it more exactly is not to say it too."""
        return self.relation in {RelationKind.SAMME, RelationKind.STOTTER}


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """Lessons that say the same, the clearest first; then those that support or specify it."""

    voices: tuple[Voice, ...]
    support: Support
    is_disputed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Disagreement:
    """Two sides of which one speaks against the other.

    If ``is_for_and_against``, the second warns of what the first found good. Otherwise they differ
    in another way, and neither is «against».
    """

    sides: tuple[Cluster, Cluster]
    is_for_and_against: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """All there is about a theme.

    ``alone`` are the lessons that nobody has related to any other, in reading order.
    ``programmes`` are those that say something, most lessons first; ``evaluators`` those who judged
    them from outside.
    """

    clusters: tuple[Cluster, ...]
    disagreements: tuple[Disagreement, ...]
    alone: tuple[Voice, ...]
    programmes: tuple[tuple[Programme, int], ...]
    programmes_in_base: int
    evaluators: frozenset[str]


def evidence_of(store: Store, theme: ThemeId) -> Evidence:
    """Return what published lessons say of a theme, as people have related them."""
    with store.reading():
        rows = store.facets()
        reports = {each.report.id: each.report for each in store.reports()}
        relations = store.relations.accepted()
        about = [row for row in rows if theme in row.themes]
        report_of = {row.lesson_id: row.report_id for row in rows}
        agreement = Agreement(relations, reports, report_of)
        web = _Web(relations, agreement, Agreement((), reports, report_of))
        cores = web.cores(row.lesson_id for row in about)
        members = {core: web.members(core) for core in cores}
        pairs = web.disputes(cores)
        wanted = {row.lesson_id for row in about}.union(*members.values(), *chain(*pairs))
        wanted |= {one for core in chain(*pairs) for one in web.support(core).lessons}
        lessons = store.lessons([row.lesson_id for row in rows if row.lesson_id in wanted])
    voices = _Voices(lessons, reports)
    clusters = _clusters(web, voices, members, frozenset(chain(*pairs)))
    disagreements = [_disagreement(web, voices, pair) for pair in pairs]
    told = {one.lesson.id for row in clusters for one in row.voices}
    told |= {one.lesson.id for two in disagreements for side in two.sides for one in side.voices}
    return Evidence(
        clusters=clusters,
        disagreements=tuple(sorted(disagreements, key=_least_heard)),
        alone=tuple(voices.of(row.lesson_id) for row in about if row.lesson_id not in told),
        programmes=_programmes(store.programmes(), about),
        programmes_in_base=len({row.programme for row in rows}),
        evaluators=frozenset(
            name for row in about if (name := evaluator(reports[row.report_id])) is not None
        ),
    )


class _Web:
    """The accepted relations as seen from each of their lessons.

    ``alone`` is where nobody agrees with anybody.
    """

    def __init__(
        self, relations: Sequence[Relation], agreement: Agreement, alone: Agreement
    ) -> None:
        self._links: dict[LessonId, dict[LessonId, RelationKind]] = defaultdict(dict)
        """What another lesson is to this one."""
        for one in relations:
            self._links[one.first][one.second] = one.kind.inverse
            self._links[one.second][one.first] = one.kind
        self._agreement, self._alone = agreement, alone

    def cores(self, lesson_ids: Iterable[LessonId]) -> tuple[_Core, ...]:
        """Return the cores of those lessons that are related to any, in their order."""
        related = (one for one in lesson_ids if one in self._links)
        return tuple(dict.fromkeys(self._agreement.same(one) for one in related))

    def members(self, core: _Core) -> dict[LessonId, RelationKind]:
        """Return the lessons of a core's row, with what they are to it."""
        found = dict.fromkeys(sorted(core), RelationKind.SAMME)
        for kind in _JOINING:
            for one in sorted(core):
                for other, is_to in sorted(self._links[one].items()):
                    if is_to is kind:
                        found.setdefault(other, kind)
        return found

    def disputes(self, cores: Iterable[_Core]) -> tuple[tuple[_Core, _Core], ...]:
        """Return which cores speak against each other, each pair once.

        Where people have said of two lessons both that they say the same, by way of others, and
        that they do not, the two stand against each other alone.
        """
        found: dict[frozenset[_Core], tuple[_Core, _Core]] = {}
        for core in cores:
            for one in sorted(core):
                for other, kind in sorted(self._links[one].items()):
                    if kind is RelationKind.MOTSIER:
                        pair = core, self._agreement.same(other)
                        if other in core:
                            pair = frozenset({one}), frozenset({other})
                        found.setdefault(frozenset(pair), pair)
        return tuple(found.values())

    def support(self, core: _Core) -> Support:
        """Return who says what a core says."""
        one = min(core)
        is_whole = self._agreement.same(one) == core
        return (self._agreement if is_whole else self._alone).support(one)


@dataclass(frozen=True, slots=True)
class _Voices:
    lessons: Mapping[LessonId, Lesson]
    reports: Mapping[ReportId, Report]

    def of(self, lesson_id: LessonId, relation: RelationKind = RelationKind.SAMME) -> Voice:
        lesson = self.lessons[lesson_id]
        return Voice(lesson=lesson, report=self.reports[lesson.report_id], relation=relation)

    def clearest_first(self, members: Mapping[LessonId, RelationKind]) -> tuple[Voice, ...]:
        voices = [self.of(one, relation) for one, relation in members.items()]
        return tuple(sorted(voices, key=_clearness))


def _clearness(voice: Voice) -> tuple[object, ...]:
    """Return what puts the voices of a row in order."""
    order = (RelationKind.SAMME, *_JOINING)
    remarks = lint(voice.lesson, voice.report)
    return (
        order.index(voice.relation),
        not voice.is_independent,
        len(remarks),
        len(voice.lesson.statement),
        voice.lesson.id,
    )


def _clusters(
    web: _Web,
    voices: _Voices,
    members: Mapping[_Core, Mapping[LessonId, RelationKind]],
    disputed: frozenset[_Core],
) -> tuple[Cluster, ...]:
    """Return the rows, the best supported first, without those that only repeat others."""
    rows = [
        (
            core,
            Cluster(
                voices=voices.clearest_first(own),
                support=web.support(core),
                is_disputed=core in disputed,
            ),
        )
        for core, own in members.items()
        if len(own) > 1
    ]
    shown: set[LessonId] = set()
    kept = []
    for core, row in sorted(rows, key=lambda item: _least_supported(item[1])):
        own = members[core].keys()
        if not own <= shown:
            kept.append(row)
            shown |= own
    return tuple(kept)


def _least_supported(row: Cluster) -> tuple[int, int, int]:
    support = row.support
    return -len(support.programmes), -len(support.evaluators), -len(row.voices)


def _least_heard(found: Disagreement) -> int:
    return -sum(len(side.support.programmes) for side in found.sides)


def _disagreement(web: _Web, voices: _Voices, pair: tuple[_Core, _Core]) -> Disagreement:
    first, second = (_side(web, voices, core, against) for core, against in (pair, reversed(pair)))
    warns = [side.voices[0].lesson.kind is Kind.WARNING for side in (first, second)]
    if warns == [True, False]:
        first, second = second, first
    return Disagreement(sides=(first, second), is_for_and_against=warns[0] is not warns[1])


def _side(web: _Web, voices: _Voices, core: _Core, against: _Core) -> Cluster:
    """Return a core with those that its counts rest on; who says the opposite is not among them."""
    support = web.support(core)
    relations = dict.fromkeys(sorted({*support.lessons} - core - against), RelationKind.STOTTER)
    own = dict.fromkeys(sorted(core), RelationKind.SAMME)
    return Cluster(voices=voices.clearest_first(own | relations), support=support, is_disputed=True)


def _programmes(
    known: Iterable[Programme], about: Iterable[FacetRow]
) -> tuple[tuple[Programme, int], ...]:
    counts: Counter[ProgrammeSlug] = Counter(row.programme for row in about)
    speaking = (one for one in known if counts[one.slug])
    return tuple(
        (one, counts[one.slug])
        for one in sorted(speaking, key=lambda one: (-counts[one.slug], one.slug))
    )


class Pairs:
    """The relations that the program proposes within a theme. Shared by all threads.

    Lessons are compared once for each state of the lessons; a decision about a pair leaves them as
    they are, so that only the two it is about are compared again.
    """

    def __init__(self, model_id: str) -> None:
        """Take the model whose vectors are compared."""
        self._model_id = model_id
        self._lock = threading.Lock()
        self._generation = -1
        self._proposer = Proposer((), {})
        self._found: dict[tuple[LessonId, frozenset[LessonId]], tuple[Proposal, ...]] = {}

    def of(self, store: Store, theme: ThemeId) -> tuple[Proposal, ...]:
        """Return what nobody has decided about two lessons of the theme, the most alike first.

        Each pair is there once. The first time takes a second for some hundred lessons.
        """
        with store.reading(), self._lock:
            self._refresh(store)
            about = [row.lesson_id for row in store.facets() if theme in row.themes]
            decided = store.relations.decided()
            agreement = Agreement.read(store)
            found: dict[frozenset[LessonId], Proposal] = {}
            for one in about:
                without = decided.get(one, frozenset()) | agreement.same(one)
                for proposal in self._propose(one, without):
                    found.setdefault(frozenset({one, proposal.other}), proposal)
        within = frozenset(about)
        pairs = (proposal for both, proposal in found.items() if both <= within)
        return tuple(sorted(pairs, key=lambda one: (-one.likeness, one.lesson, one.other)))

    def _refresh(self, store: Store) -> None:
        generation = store.generation()
        if self._generation < 0 or store.changed_since(self._generation):
            lessons = store.lessons(store.lesson_ids(status=Status.PUBLISHED))
            vectors = {row.lesson_id: row.vectors for row in store.rows(self._model_id)}
            self._proposer = Proposer(tuple(lessons.values()), vectors)
            self._found = {}
        self._generation = generation

    def _propose(self, lesson_id: LessonId, decided: frozenset[LessonId]) -> tuple[Proposal, ...]:
        key = (lesson_id, decided)
        if key not in self._found:
            self._found[key] = self._proposer.propose(lesson_id, decided)
        return self._found[key]
