"""The first pages of a report, cut for looking things up: cover, titles, running heads, lines."""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from statistics import median

from ingest.types import Body, RawDocument, RawPage, Role
from kb.domain import ReportType
from kb.text import key, normalise, sentences

_FRONT_CHARS = 9_000
_FIRST_PAGES, _LAST_PAGES = 4, 2
_LARGE = 1.3
"""A line so many times the size of the body's is a title or part of one."""
_COVER_WORDS = 160
_TITLE_CHARS = 160
_FULL_LINE = 22
_RUNS_ON = re.compile(r"[:,–-]$|\b(?:og|i|for|av|til|med|på|fra|frå|and|of|in|the|to|with)$", re.I)
_ON_PAGES = 3
UP = "A-ZÆØÅÄÖÉ"

TYPES: tuple[tuple[ReportType, re.Pattern[str]], ...] = tuple(
    (kind, re.compile(pattern, re.I))
    for kind, pattern in (
        (
            ReportType.PROGRAMSTATUSVURDERING,
            r"\bprogramstatusvurdering|\bPSV\b|\bstatus assessment",
        ),
        (ReportType.MIDTVEISEVALUERING, r"\bmidtve(?:is|gs)evaluering|\bmid-?term evaluation"),
        (ReportType.FORENKLET_EVALUERING, r"\bforenkl(?:et|a) (?:slutt)?evaluering"),
        (ReportType.SLUTTEVALUERING, r"\bsluttevaluering|\bfinal evaluation"),
        (ReportType.SLUTTRAPPORT, r"\bsluttrapport|\bfinal report"),
        (ReportType.SYNTESE, r"\bsyntese|\bsynthesis|\bsammenstilling av|\bsamanstilling av"),
        (ReportType.FORSTUDIE, r"\bforstudi"),
    )
)


@dataclass(frozen=True, slots=True)
class Place:
    """A line of the report, and the page it stands on."""

    page: int
    text: str


class Front:
    """What the front of a report says, by where it stands.

    ``cover`` are the lines of the first page where that is a cover, each whole, and
    ``cover_as_set`` the same as they are set on paper: names of people then stand alone. ``named``
    are the title, the subtitle and the running head, ``edges`` what runs along the head or foot of
    the pages, ``lines`` and ``sentences`` the first pages' running text, ``as_set`` its lines as
    they are set on paper (a fact box that was read as a paragraph still has its lines there),
    ``blocks`` all of the report's, and ``last`` the lines of its last pages.
    """

    def __init__(self, document: RawDocument, body: Body) -> None:
        """Read the front of ``document``, which was cut into ``body``."""
        self.all_text = "\n".join(page.text for page in body.pages)
        self.lines = list(_lines(body))
        self.usual_size = _usual_size(document)
        sized = _cover(document, body, self.usual_size)
        self.cover = [line for line, _ in sized]
        self.edges = _edges(document)
        self.head = _running_head(document, self.all_text)
        self.title, self.subtitle = self._titles(sized)
        self.named = [line for line in (self.title, self.subtitle, self.head) if line is not None]
        self.sentences = [
            Place(line.page, one) for line in self.lines for one in sentences(line.text)
        ]
        self.blocks = [Place(block.spans[0].page, block.text) for block in body.blocks]
        self.last = [
            Place(page.number, line)
            for page in body.pages[1:][-_LAST_PAGES:]
            for line in page.text.split("\n")
        ]
        self.as_set = [
            Place(page.number, normalise(line.text))
            for page in document.pages[:_FIRST_PAGES]
            for line in page.lines
            if line.text.strip()
        ]
        self.cover_as_set = [
            line for line in self.as_set if self.cover and line.page == 1
        ] or self.cover
        self.is_plain = all(page.is_plain for page in document.pages)

    def count(self, name: str) -> int:
        """Return how often ``name`` stands in the report as a whole word."""
        return len(re.findall(rf"(?<!\w){re.escape(name)}(?!\w)", self.all_text))

    def _titles(self, sized: list[tuple[Place, float]]) -> tuple[Place | None, Place | None]:
        """Return title and subtitle: the two largest lines of the cover, else the running head."""
        ranked = sorted(
            ((size, -position, line) for position, (line, size) in enumerate(sized) if size),
            key=lambda one: one[:2],
            reverse=True,
        )
        if len(ranked) == 1 and ranked[0][0] >= _LARGE * self.usual_size:
            return Place(ranked[0][2].page, self._cased(ranked[0][2].text)), None
        if len(ranked) > 1 and ranked[0][0] > ranked[-1][0]:
            is_larger = ranked[1][0] > ranked[-1][0] or len(ranked) > len(("title", "subtitle"))
            title = Place(ranked[0][2].page, self._cased(ranked[0][2].text))
            return title, ranked[1][2] if is_larger else None
        if self.head is not None:
            return self.head, None
        first = self.lines[0] if self.lines else None
        if first is None or len(first.text) >= _TITLE_CHARS:
            return None, None
        return (first if any(kind.search(first.text) for _, kind in TYPES) else None), None

    def _cased(self, text: str) -> str:
        return as_sentence(text, self.all_text) if text.isupper() else text


def as_sentence(capitals: str, all_text: str) -> str:
    """Return a title in capitals in sentence case; words the report writes large stay large."""
    amid = Counter(re.findall(rf"(?<=[\wæøå,] )[{UP}][\w-]+", all_text))
    small = Counter(re.findall(r"\b[a-zæøå][\w-]+", all_text))
    out = []
    for word in capitals.split():
        lower = word.lower()
        name = lower[:1].upper() + lower[1:]
        is_short_form = amid[word] > amid[name] and amid[word] > small[lower]
        out.append(word if is_short_form else name if amid[name] > small[lower] else lower)
    title = " ".join(out)
    return title[:1].upper() + title[1:]


def _lines(body: Body) -> Iterator[Place]:
    """Yield the lines of the page texts, headings left out, until enough has been seen."""
    headings = {key(block.text) for block in body.blocks if block.role is Role.HEADING}
    room = _FRONT_CHARS
    for page in body.pages:
        for line in page.text.split("\n"):
            if line and key(line) not in headings:
                yield Place(page.number, line)
            room -= len(line)
            if room < 0:
                return


def _cover(document: RawDocument, body: Body, usual: float) -> list[tuple[Place, float]]:
    """Return the lines of the cover with their sizes (points, 0 where unknown)."""
    first = document.pages[0]
    lines = [Place(1, line) for line in body.pages[0].text.split("\n") if line]
    in_body = {key(block.text) for block in body.blocks}
    sized = [(line, _size_of(line.text, first)) for line in lines]
    is_cover = (
        not first.is_plain
        and len(body.pages[0].text.split()) < _COVER_WORDS
        and any(size >= _LARGE * usual for _, size in sized)
    )
    if is_cover:
        return _joined(sized, _LARGE * usual)
    return _joined([one for one in sized if key(one[0].text) not in in_body], _LARGE * usual)


def _usual_size(document: RawDocument) -> float:
    sizes = [line.size for page in document.pages[1:] for line in page.lines if line.size]
    return median(sizes) if sizes else 11.0


def _size_of(text: str, page: RawPage) -> float:
    """Return the size that most letters of a line are set in."""
    letters = key(text)
    sizes: Counter[float] = Counter()
    for raw in page.lines:
        own = key(raw.text)
        if own and own in letters:
            sizes[raw.size] += len(own)
    return max(sizes, key=lambda size: sizes[size], default=0.0)


def _joined(sized: list[tuple[Place, float]], large: float) -> list[tuple[Place, float]]:
    """Put together titles that run over several lines of one size."""
    out: list[tuple[Place, float]] = []
    for line, size in sized:
        if out and size >= large and abs(out[-1][1] - size) < 0.03 * size:
            above = out[-1][0].text
            whole = f"{above} {line.text}"
            goes_on = _RUNS_ON.search(above) or line.text[0].islower() or len(above) >= _FULL_LINE
            if goes_on and len(whole) < _TITLE_CHARS:
                out[-1] = (Place(line.page, whole), size)
                continue
        out.append((line, size))
    return out


def _edges(document: RawDocument) -> list[Place]:
    """Return the lines along head and foot that come again on page after page."""
    seen: Counter[str] = Counter()
    first: dict[str, Place] = {}
    for page in document.pages:
        lines = sorted((line for line in page.lines if line.text.strip()), key=lambda one: -one.y)
        outer = [] if page.is_plain else lines[:2] + lines[-2:]
        for text in {_without_number(normalise(line.text)) for line in outer}:
            seen[key(text)] += 1
            first.setdefault(key(text), Place(page.number, text))
    return [first[letters] for letters, times in seen.items() if times >= _ON_PAGES and letters]


def _without_number(line: str) -> str:
    bare = re.sub(
        r"^(?:(?:side|page) )?\d{1,3}\s*(?=\D)|(?:\bside|\bpage)?\s*\d{1,3}$", "", line, flags=re.I
    )
    return bare.strip(" |–-·•")


def _running_head(document: RawDocument, all_text: str) -> Place | None:
    """Return the running head that names a report, capitals written as in a sentence."""
    seen: Counter[str] = Counter()
    pages: dict[str, int] = {}
    for page in document.pages:
        lines = [normalise(line.text) for line in page.lines if line.text]
        outer = lines if page.is_plain else lines[:3] + lines[-3:]
        for text in {_without_number(line) for line in outer}:
            if any(kind.search(text) for _, kind in TYPES) and len(text) < 150:  # noqa: PLR2004
                seen[text] += 1
                pages.setdefault(text, page.number)
    for text, times in seen.most_common():
        is_beside_number = text.isupper() and document.pages[0].is_plain
        if times >= _ON_PAGES or is_beside_number:
            readable = as_sentence(text, all_text) if text.isupper() else text
            return Place(pages[text], readable)
    return None
