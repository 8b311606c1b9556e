"""The themes: all of them by group, and one with what the programmes say of it together."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from flask import Blueprint, Response, render_template, request, url_for
from flask_babel import gettext as _

from kb.domain import Lesson
from kb.errors import NotFoundError
from kb.evidence import Cluster, Evidence, Voice, evidence_of
from kb.relations import Proposal, RelationKind
from kb.store import Store
from kb.taxonomy import Theme
from web.context import services, store
from web.language import language
from web.query import read_query
from web.review_hints import AT_ONCE
from web.review_words import reason_words
from web.takeaway import PRINT, answer, new_document
from web.theme_words import relation_words, sections_of, side_words

bp = Blueprint("themes", __name__, url_prefix="/tema")
ASK = "forslag"
"""In the address: the reader wants the proposals of a base in which finding them takes long."""
FILES = ("docx", "xlsx", PRINT)
"""What the page can be taken along as, row by row; its lessons alone go in more formats."""
_SHOWN_ALONE = 12
"""A kind with more lessons that stand alone links to the search for the rest."""
_SHOWN_PAIRS, _MOST_PAIRS = 3, 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """Two lessons that the program would relate, and why."""

    first: Voice
    second: Voice
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pairs:
    """Proposals of one sort: some shown, more folded away, and how many there are in all."""

    shown: tuple[Pair, ...]
    folded: tuple[Pair, ...]
    total: int

    @property
    def hidden(self) -> int:
        """How many are not on the page at all."""
        return self.total - len(self.shown) - len(self.folded)


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposed:
    """What nobody has checked: pairs that may speak against each other, and pairs that may not."""

    against: Pairs
    alike: Pairs

    @property
    def total(self) -> int:
        """How many pairs there are."""
        return self.against.total + self.alike.total


@dataclass(frozen=True, slots=True, kw_only=True)
class Alone:
    """Lessons of one kind that are related to no other, the first of them by phase ("" is none)."""

    kind: str
    total: int
    by_phase: tuple[tuple[str, tuple[Voice, ...]], ...]

    @property
    def shown(self) -> int:
        """How many of them are on the page."""
        return sum(len(voices) for _phase, voices in self.by_phase)


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What the reader narrows the page to; an empty set is no limit."""

    phases: frozenset[str]
    kinds: frozenset[str]

    def takes(self, lesson: Lesson) -> bool:
        """Whether the reader wants this lesson."""
        return (not self.phases or lesson.phase in self.phases) and (
            not self.kinds or lesson.kind in self.kinds
        )

    def address(self) -> dict[str, Any]:
        """Return what ``url_for`` needs to narrow another address in the same way."""
        narrowed = {"fase": sorted(self.phases), "type": sorted(self.kinds)}
        return {name: values for name, values in narrowed.items() if values}


@dataclass(frozen=True, slots=True, kw_only=True)
class ThemePage:
    """A theme as its page shows it.

    ``proposed`` is None where it was not asked for and finding it takes long.
    """

    theme: Theme
    choice: Choice
    evidence: Evidence
    alone: tuple[Alone, ...]
    proposed: Proposed | None


@bp.get("")
def all_of_them() -> str:
    """Show every theme with its definition and how many lessons it has."""
    counts = Counter(theme for row in store().facets() for theme in row.themes)
    return render_template("themes.html", counts=counts)


@bp.get("/<theme_id>")
def page(theme_id: str) -> str:
    """Show what several programmes say of a theme, where they disagree, and the rest."""
    choice = _choice()
    shown = _page(store(), _theme(theme_id), choice)
    files = {
        name: url_for("themes.export", theme_id=theme_id, name=name, **choice.address())
        for name in FILES
    }
    return render_template(
        "theme.html",
        page=shown,
        ask=ASK,
        files=files,
        relation_words=relation_words,
        side_words=side_words,
    )


@bp.get("/<theme_id>/eksport/<name>")
def export(theme_id: str, name: str) -> Response | str:
    """Return what people have found of the theme as a file or on paper; no proposals."""
    theme = _theme(theme_id)
    choice = _choice()
    evidence = _narrowed(evidence_of(store(), theme_id), choice)
    document = new_document(
        title=theme.label.in_language(language()),
        sections=sections_of(evidence),
        address=url_for("themes.page", theme_id=theme_id, **choice.address()),
        intro=str(
            _("Tallene bygger bare på koblinger som en person har gjort. Forslag er ikke med.")
        ),
    )
    return answer(document, name)


def _theme(theme_id: str) -> Theme:
    theme = services().taxonomy.theme(theme_id)
    if theme is None:
        raise NotFoundError(f"theme {theme_id}")
    return theme


def _choice() -> Choice:
    query = read_query(request.args)
    return Choice(phases=query.phases, kinds=query.kinds)


def _page(store: Store, theme: Theme, choice: Choice) -> ThemePage:
    with store.reading():
        evidence = _narrowed(evidence_of(store, theme.id), choice)
        proposed = None
        if ASK in request.args or len(store.facets()) <= AT_ONCE:
            proposed = _proposed(store, services().pairs.of(store, theme.id), choice)
    return ThemePage(
        theme=theme,
        choice=choice,
        evidence=evidence,
        alone=_alone(evidence.alone),
        proposed=proposed,
    )


def _narrowed(evidence: Evidence, choice: Choice) -> Evidence:
    """Return the evidence without the rows of which the reader wants no lesson."""
    return replace(
        evidence,
        clusters=tuple(one for one in evidence.clusters if _takes(choice, one)),
        disagreements=tuple(one for one in evidence.disagreements if _takes(choice, *one.sides)),
        alone=tuple(one for one in evidence.alone if choice.takes(one.lesson)),
    )


def _takes(choice: Choice, *rows: Cluster) -> bool:
    """Whether the reader wants any lesson of the rows; the others stay, for the counts' sake."""
    return any(choice.takes(voice.lesson) for row in rows for voice in row.voices)


def _alone(voices: Sequence[Voice]) -> tuple[Alone, ...]:
    phases = [*(phase.id for phase in services().taxonomy.phases), ""]
    groups = []
    for kind in services().taxonomy.kinds:
        own = [one for one in voices if one.lesson.kind == kind.id]
        own.sort(key=lambda one: phases.index(one.lesson.phase or ""))
        first = own[:_SHOWN_ALONE]
        by_phase = (
            (phase, tuple(one for one in first if (one.lesson.phase or "") == phase))
            for phase in phases
        )
        if own:
            shown = tuple((phase, some) for phase, some in by_phase if some)
            groups.append(Alone(kind=kind.id, total=len(own), by_phase=shown))
    return tuple(groups)


def _proposed(store: Store, proposals: Iterable[Proposal], choice: Choice) -> Proposed:
    found = list(proposals)
    lessons = store.lessons([id_ for one in found for id_ in (one.lesson, one.other)])
    wanted = [
        one
        for one in found
        if choice.takes(lessons[one.lesson]) or choice.takes(lessons[one.other])
    ]
    against = [one for one in wanted if one.kind is RelationKind.MOTSIER]
    alike = [one for one in wanted if one.kind is not RelationKind.MOTSIER]
    return Proposed(against=_pairs(store, against, lessons), alike=_pairs(store, alike, lessons))


def _pairs(store: Store, proposals: Sequence[Proposal], lessons: dict[str, Lesson]) -> Pairs:
    pairs = []
    for one in proposals[:_MOST_PAIRS]:
        first, second = (_voice(store, lessons[id_]) for id_ in (one.lesson, one.other))
        if first is not None and second is not None:
            pairs.append(Pair(first=first, second=second, reasons=reason_words(one.reason)))
    return Pairs(
        shown=tuple(pairs[:_SHOWN_PAIRS]),
        folded=tuple(pairs[_SHOWN_PAIRS:]),
        total=len(proposals),
    )


def _voice(store: Store, lesson: Lesson) -> Voice | None:
    report = store.report(lesson.report_id)
    return None if report is None else Voice(lesson=lesson, report=report)
