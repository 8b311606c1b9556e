"""The vocabulary and the cues, read from ``corpus/taxonomy.toml`` and ``corpus/cues.toml``.

Both files are data that the people who know the field may edit; this module is where a slip in them
is caught, with the place named, before anything is ingested or shown.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType
from typing import TypeVar

from kb.domain import Kind, Phase, ProgrammeType, ReportType, ThemeId
from kb.errors import TaxonomyError
from kb.tables import Patterns, Table, read_tables
from kb.text import normalise

LANGUAGES = ("nb", "nn", "en")
_NORWEGIAN = ("nb", "nn")

_Named = TypeVar("_Named", "Term", "Theme", "Cue")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wording:
    """The same text in bokmål, nynorsk and English."""

    nb: str
    nn: str
    en: str

    def in_language(self, language: str) -> str:
        """Return the text in ``language``; an unknown language falls back to bokmål."""
        return {"nn": self.nn, "en": self.en}.get(language, self.nb)


@dataclass(frozen=True, slots=True, kw_only=True)
class Term:
    """A group, kind, phase, report type or programme type. ``cues`` are empty but for phases."""

    id: str
    label: Wording
    definition: Wording | None = None
    cues: Patterns = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Theme:
    """What a lesson can be about.

    A weak cue counts only beside a cue or another weak cue; a counter-cue asks for more than one
    cue. ``prototype`` is embedded as passages, and their mean is the theme's vector.
    """

    id: ThemeId
    group: str
    label: Wording
    definition: Wording
    cues: Patterns
    weak_cues: Patterns
    counter_cues: Patterns
    prototype: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Taxonomy:
    """Everything lessons and reports are described with, in the order it is shown."""

    groups: tuple[Term, ...]
    themes: tuple[Theme, ...]
    kinds: tuple[Term, ...]
    phases: tuple[Term, ...]
    report_types: tuple[Term, ...]
    programme_types: tuple[Term, ...]

    def theme(self, theme_id: ThemeId) -> Theme | None:
        """Return the theme with this id, or None."""
        return next((theme for theme in self.themes if theme.id == theme_id), None)

    def themes_in(self, group_id: str) -> tuple[Theme, ...]:
        """Return the themes of one group in order."""
        return tuple(theme for theme in self.themes if theme.group == group_id)


class SectionRole(StrEnum):
    """What a chapter of a report is for, as its heading tells."""

    LESSON = "lesson"
    ASSESS = "assess"
    ORG = "org"
    DESC = "desc"
    METHOD = "method"
    BACKGROUND = "background"


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """How headings of one sort are recognised, and what a sentence under one starts with.

    ``bullet`` is added to ``prior`` for bullets. Several sections may share a role. ``kinds`` are
    votes for the kind of lesson.
    """

    role: SectionRole
    prior: float
    bullet: float
    label: str
    kinds: Mapping[Kind, float]
    patterns: Patterns

    def matches(self, heading: str) -> bool:
        """Return whether ``heading`` (as :func:`cue_text` gives it) is of this sort."""
        return any(pattern.search(heading) for pattern in self.patterns)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cue:
    """A turn of phrase that speaks for (weight > 0) or against (weight < 0) a lesson.

    Several hits of one cue in a sentence count once. ``kinds`` are votes for the kind of lesson.
    ``label`` is the plain wording that staff read in the reason. ``patterns`` by language. Found in
    the sentence that introduces a list, a cue that ``governs_list`` holds for every bullet of it.
    """

    id: str
    weight: float
    governs_list: bool
    label: str
    kinds: Mapping[Kind, float]
    patterns: Mapping[str, Patterns]

    def found_in(self, sentence: str, language: str) -> str | None:
        """Return the words of ``sentence`` (as :func:`cue_text` gives it) that are the cue.

        Bokmål and nynorsk are tried together: a report quotes people who write the other.
        """
        for tried in (language,) if language == "en" else _NORWEGIAN:
            for pattern in self.patterns[tried]:
                if match := pattern.search(sentence):
                    return match.group().strip()
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """What a sentence's place and length add to its score, whatever it says."""

    opening: float
    """First of several sentences in a paragraph: it sets the scene more often than it concludes."""
    brief: float
    """Shorter than 50 characters."""
    ample: float
    """Longer than 150 characters."""
    table_row: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Cues:
    """How lessons are told: section roles in the order they are tried, and the cues.

    ``threshold`` is the score from which a sentence carries a lesson, ``joined`` the lower one
    from which it stays with a neighbour that does. In a house style whose phrases we do not know,
    all scores are low: then the threshold sinks, as far as ``floor``, until ``least_share`` of the
    sentences (0 to 1, method and background left out) pass.
    """

    threshold: float
    floor: float
    least_share: float
    joined: float
    place: Place
    sections: tuple[Section, ...]
    cues: tuple[Cue, ...]


def cue_text(text: str) -> str:
    """Return ``text`` in the form that cues are written for: lower case, NFC, on one line."""
    return normalise(text).replace("\n", " ").lower()


def load_taxonomy(path: Path) -> Taxonomy:
    """Read the taxonomy.

    Raises:
        TaxonomyError: the file is missing, not TOML, or does not say what is needed; the message
            names the place and what was expected.
    """
    root = read_tables(path, TaxonomyError)
    root.only("version", "group", "theme", "kind", "phase", "report_type", "programme_type")
    groups = _unique(_term(table) for table in root.tables("group"))
    group_ids = {group.id for group in groups}
    return Taxonomy(
        groups=groups,
        themes=_unique(_theme(table, group_ids) for table in root.tables("theme")),
        kinds=_terms_of(root, "kind", Kind),
        phases=_terms_of(root, "phase", Phase),
        report_types=_terms_of(root, "report_type", ReportType),
        programme_types=_terms_of(root, "programme_type", ProgrammeType),
    )


def load_cues(path: Path) -> Cues:
    """Read the discourse cues.

    Raises:
        TaxonomyError: as for :func:`load_taxonomy`.
    """
    root = read_tables(path, TaxonomyError)
    root.only(
        *("version", "threshold", "floor", "least_share", "joined", "place", "section", "cue")
    )
    return Cues(
        threshold=root.number("threshold"),
        floor=root.number("floor"),
        least_share=root.number("least_share"),
        joined=root.number("joined"),
        place=_place(root.table("place")),
        sections=tuple(_section(table) for table in root.tables("section")),
        cues=_unique(_cue(table) for table in root.tables("cue")),
    )


def wording_of(table: Table, prefix: str = "") -> Wording:
    """Return a text that stands in a table once per language: ``nb``, ``nn``, ``en``."""
    nb, nn, en = (table.text(prefix + language) for language in LANGUAGES)
    return Wording(nb=nb, nn=nn, en=en)


def _term(table: Table) -> Term:
    table.only("id", *LANGUAGES, *(f"definition_{language}" for language in LANGUAGES), "cues")
    return Term(
        id=table.text("id"),
        label=wording_of(table),
        definition=wording_of(table, "definition_") if "definition_nb" in table.values else None,
        cues=table.patterns("cues"),
    )


def _theme(table: Table, groups: Collection[str]) -> Theme:
    table.only(
        *("id", "group", *LANGUAGES, *(f"definition_{language}" for language in LANGUAGES)),
        *("cues", "weak_cues", "counter_cues", "prototype"),
    )
    if table.text("group") not in groups:
        raise table.wrong("group", f"one of {', '.join(sorted(groups))}")
    cues, prototype = table.patterns("cues"), table.texts("prototype")
    if not cues:
        raise table.wrong("cues", "at least one")
    if not prototype:
        raise table.wrong("prototype", "at least one text")
    return Theme(
        id=table.text("id"),
        group=table.text("group"),
        label=wording_of(table),
        definition=wording_of(table, "definition_"),
        cues=cues,
        weak_cues=table.patterns("weak_cues"),
        counter_cues=table.patterns("counter_cues"),
        prototype=prototype,
    )


def _place(table: Table) -> Place:
    table.only("opening", "brief", "ample", "table_row")
    return Place(
        opening=table.number("opening"),
        brief=table.number("brief"),
        ample=table.number("ample"),
        table_row=table.number("table_row"),
    )


def _section(table: Table) -> Section:
    table.only("role", "prior", "bullet", "label", "kinds", "patterns")
    return Section(
        role=table.member(SectionRole, "role"),
        prior=table.number("prior"),
        bullet=table.number("bullet"),
        label=table.text("label"),
        kinds=_votes(table),
        patterns=table.patterns("patterns"),
    )


def _cue(table: Table) -> Cue:
    table.only("id", "weight", "governs_list", "label", "kinds", *LANGUAGES)
    patterns = {language: table.patterns(language) for language in LANGUAGES}
    if not any(patterns.values()):
        raise table.wrong("nb", "a regular expression in at least one language")
    return Cue(
        id=table.text("id"),
        weight=table.number("weight"),
        governs_list=table.flag("governs_list"),
        label=table.text("label"),
        kinds=_votes(table),
        patterns=MappingProxyType(patterns),
    )


def _votes(table: Table) -> Mapping[Kind, float]:
    if "kinds" not in table.values:
        return MappingProxyType({})
    votes = table.table("kinds")
    votes.only(*Kind)
    return MappingProxyType({Kind(name): votes.number(name) for name in votes.values})


def _terms_of(root: Table, name: str, members: type[StrEnum]) -> tuple[Term, ...]:
    """Read the terms; their ids are exactly those the program knows, no more and no fewer."""
    terms = _unique(_term(table) for table in root.tables(name))
    known, found = set(map(str, members)), {term.id for term in terms}
    if known != found:
        differing = ", ".join(sorted(known ^ found))
        raise TaxonomyError(
            f"{root.place}: {name}: expected exactly {', '.join(members)}; look at {differing}"
        )
    return terms


def _unique(named: Iterable[_Named]) -> tuple[_Named, ...]:
    found: dict[str, _Named] = {}
    for one in named:
        if one.id in found:
            raise TaxonomyError(f"id {one.id!r}: expected to stand once, found twice")
        found[one.id] = one
    return tuple(found.values())
