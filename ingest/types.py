"""One frozen type per arrow of the journey: pdf → layout → sections → lessons → tags → merge.

Offsets: ``Line`` belongs to a page of the file; from ``Block`` on, every text knows its spans in
the normalised page texts (:class:`kb.domain.Page`), so that a quote can always be looked up again.
"""

from dataclasses import dataclass, field
from enum import StrEnum

from kb.domain import Evidence, Found, Kind, Page, Phase, ProgrammeType, ReportType, Span, ThemeTag


@dataclass(frozen=True, slots=True, kw_only=True)
class RawLine:
    """A line as the reader of the file saw it.

    ``x``, ``y`` (baseline, PDF points from the lower left corner; y falls down the page) and
    ``size`` (points) are 0 for plain text. ``tag`` is the path of structure-tree roles such as
    ``("Document", "L", "LI", "LBody")``, empty where the file is not tagged; ``mcid`` tells apart
    two neighbouring items with the same roles. ``is_artifact`` marks running heads in tagged files.
    """

    text: str
    x: float = 0.0
    y: float = 0.0
    size: float = 0.0
    is_bold: bool = False
    tag: tuple[str, ...] = ()
    mcid: int | None = None
    is_artifact: bool = False
    width: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class RawPage:
    """A page as read: 1-based ``number``, printed ``label`` if the file tells it, lines in order.

    ``problem`` is a stable code for what was wrong with the page (``unreadable``, ``no-text``,
    ``garbled``) or None. ``is_plain`` is true for pages of a text file. ``is_ocr`` is true where
    the text was recognised in a picture, so that a letter may be wrong and a bullet lost.
    """

    number: int
    label: str | None
    width: float
    height: float
    lines: tuple[RawLine, ...]
    problem: str | None = None
    is_plain: bool = False
    is_ocr: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RawDocument:
    """What came out of the file: pages in order, and the title the file's properties claim.

    ``derived`` is the PDF with the recognised text laid under its pages, where text recognition
    was run: the same pages in the same order, and the file to find a quote's place in.
    """

    pages: tuple[RawPage, ...]
    file_title: str | None = None
    derived: bytes | None = field(default=None, repr=False)


class Role(StrEnum):
    """What a clean line or a block is."""

    HEADING = "heading"
    PARAGRAPH = "paragraph"
    BULLET = "bullet"
    TABLE_ROW = "table-row"
    CAPTION = "caption"
    FOOTNOTE = "footnote"


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A clean line: characters repaired, bullet glyph taken off, running heads already gone.

    ``level`` is the depth of a heading (1 = chapter) or of a bullet (1 = outermost), else 0.
    ``starts_block`` is true when the layout says that a new block begins here. ``is_apart`` is true
    for what stands in the page text but is no part of the body: the cover and the contents.
    """

    page: int
    text: str
    role: Role
    level: int = 0
    starts_block: bool = False
    indent: float = 0.0
    is_apart: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """The clean lines in reading order, and the pages they come from (also those without lines)."""

    pages: tuple[RawPage, ...]
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A heading, paragraph, bullet, table row … in one piece, also over line and page breaks.

    ``text`` equals the texts of ``spans`` joined by one space. ``section`` is the path of headings
    the block stands under, outermost first (for a heading: including itself). ``lead_in`` is the
    sentence that introduces the bullet list this bullet belongs to.
    """

    role: Role
    level: int
    text: str
    spans: tuple[Span, ...]
    section: tuple[str, ...]
    lead_in: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Body:
    """A report cut up: the page texts that are kept, and every block in reading order."""

    pages: tuple[Page, ...]
    blocks: tuple[Block, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Frontmatter:
    """What the first pages tell. None where they do not tell it; never guessed.

    ``sources`` gives for each field that has a value the text and the page it was read from, by
    field name (``title``, ``programme``, ``place``, ``programme_type``, ``report_type``,
    ``period``, ``municipalities``, ``inhabitants``, ``budget``, ``client``, ``contractor``,
    ``year``, ``note``). ``offered`` gives for the hard ones (``programme``, ``contractor``,
    ``municipalities``, ``inhabitants``, ``budget``) up to three values a person may choose from,
    likeliest first, also where none was sure enough to be taken.
    """

    title: str | None = None
    programme: str | None = None
    place: str | None = None
    programme_type: ProgrammeType | None = None
    report_type: ReportType | None = None
    period_from: int | None = None
    period_to: int | None = None
    municipalities: int | None = None
    inhabitants: int | None = None
    budget: str | None = None
    client: str | None = None
    contractor: str | None = None
    year: int | None = None
    language: str = "nb"
    note: str | None = None
    sources: dict[str, Found] = field(default_factory=dict)
    offered: dict[str, tuple[Found, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A passage that may be a lesson: whole sentences of one block.

    ``statement`` is the one sentence that says it best, a verbatim part of ``evidence.quote``.
    ``score`` orders candidates within a report (higher is surer; no unit). ``confidence`` is how
    sure it is, 0 to 1, that a person keeps it (never shown as a number), None where the rules
    decided. ``reason`` says in words why it was proposed, for staff; ``kind_reason`` and
    ``phase_reason`` why with that kind and phase, empty where there is nothing to tell.
    """

    statement: str
    evidence: Evidence
    kind: Kind
    phase: Phase | None
    language: str
    score: float
    reason: str
    kind_reason: str = ""
    phase_reason: str = ""
    confidence: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TaggedCandidate:
    """A candidate with its themes, main theme first (at most three)."""

    candidate: Candidate
    tags: tuple[ThemeTag, ...]
