"""What a person takes away, before it has a file format: lessons in order, with their sources.

Plain values. Whoever makes a document decides what is in it and in which order; a writer decides
only how it looks.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date

from kb.domain import Lesson, Report


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A lesson that is taken along.

    ``note`` is a user's own words, shown as such. ``label`` is a short fact about the lesson in
    this place: «3 programmer, 2 evaluatører».
    """

    lesson: Lesson
    report: Report
    note: str = ""
    label: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A heading with what stands under it, in this order: text, table, entries.

    ``text`` holds plain paragraphs with an empty line between them. ``rows`` are as long as
    ``columns``.
    """

    heading: str
    entries: tuple[Entry, ...] = ()
    text: str = ""
    columns: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()

    def __post_init__(self) -> None:
        if any(len(row) != len(self.columns) for row in self.rows):
            raise ValueError(f"the table under {self.heading!r} has rows of another length")


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """Everything that is taken away in one file.

    ``language`` is that of the reader (nb, nn, en); quotes keep their own. ``address`` is the
    permalink of what was exported, absolute; the addresses of lessons and sources are on the same
    site. ``query`` is the question that was asked, ``intro`` a user's own plain paragraphs.
    ``names`` gives the ids of kinds, phases, themes and report types their names in ``language``;
    an id without a name stands as it is.
    """

    title: str
    made: date
    language: str
    address: str
    query: str = ""
    intro: str = ""
    sections: tuple[Section, ...]
    checklist: tuple[str, ...] = ()
    names: Mapping[str, str] = field(default_factory=dict)

    def entries(self) -> Iterator[tuple[Section, Entry]]:
        """Yield every entry with its section, in reading order."""
        for section in self.sections:
            for entry in section.entries:
                yield section, entry

    def reports(self) -> tuple[Report, ...]:
        """Return each report once, in the order in which it is first cited: the source list."""
        return tuple({entry.report.id: entry.report for _, entry in self.entries()}.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class Format:
    """A file format: ``name`` is its id and the file's ending."""

    name: str
    mimetype: str
    write: Callable[[Document], bytes]
