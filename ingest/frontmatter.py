"""What a report says about itself: on its cover, in its running head, on its first pages.

Every value carries the text and the page it was read from. What is not said stays None: firms
that only helped with a plan are not the contractor, and a year in running text is not the year of
the report. No names of people are taken.
"""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import zip_longest

from ingest.types import Body, Frontmatter, RawDocument, RawPage, Role
from kb.domain import Found, ProgrammeType, ReportType
from kb.text import STOP_WORDS, key, normalise, sentences, words

_FRONT_CHARS = 9_000
_EVIDENCE_CHARS = 240
_UP = "A-ZÆØÅÄÖÉ"
_NAME = rf"[{_UP}][\w-]*(?: [{_UP}][\w-]*)*"
_NAMES = rf"{_NAME}(?:, {_NAME})*(?: (?:og|and) {_NAME})?"
_MONTH = (
    "januar|februar|mars|april|mai|juni|juli|august|september|oktober|november|desember|"
    "january|february|march|may|june|july|october|december"
)
_YEAR = r"((?:19|20)\d\d)"
_DATE = rf"(?:\d{{1,2}}\.? )?(?:(?:{_MONTH}) )?"
_PERIOD = re.compile(
    rf"\b{_YEAR}\s*(?:[-–/]|til|to|–)\s*(?:og med )?{_DATE}(\d{{4}}|\d{{2}})\b(?!\d)", re.I
)
_COVER_YEAR = re.compile(
    rf"(?:.*\b(?:dato|date|utgitt|published)\b\W*)?(?:[{_UP}][\w ]+, )?{_DATE}{_YEAR}|"
    rf"\d{{1,2}}\.\d{{1,2}}\.{_YEAR}",
    re.I,
)
_REPORT_NUMBER = re.compile(
    rf"\b(?:rapport|report|nr\.?|R)\s*(?:nr\.? )?\d{{1,3}}[/-]{_YEAR}", re.I
)
_TYPES: tuple[tuple[ReportType, re.Pattern[str]], ...] = tuple(
    (kind, re.compile(pattern, re.I))
    for kind, pattern in (
        (ReportType.PROGRAMSTATUSVURDERING, r"\bprogramstatusvurdering|\bstatus assessment"),
        (ReportType.MIDTVEISEVALUERING, r"\bmidtve(?:is|gs)evaluering|\bmid-?term evaluation"),
        (ReportType.FORENKLET_EVALUERING, r"\bforenkl(?:et|a) (?:slutt)?evaluering"),
        (ReportType.SLUTTEVALUERING, r"\bsluttevaluering|\bfinal evaluation"),
        (ReportType.SLUTTRAPPORT, r"\bsluttrapport|\bfinal report"),
        (ReportType.SYNTESE, r"\bsyntese|\bsynthesis"),
        (ReportType.FORSTUDIE, r"\bforstudi"),
    )
)
_NOTE = re.compile(r"\b(oppdikt(?:et|a)|gjenfort(?:elling|eljing|alt)|fictional|retold)\b", re.I)
_CLIENT_LABEL = r"oppdragsgiver|oppdragsgjevar|client|commissioned by|bestiller|bestillar"
_CONTRACTOR_LABEL = (
    r"utarbeid(?:et|d|a)? av|utført av|gjennomført av|prepared by|evaluert av|leverandør|utfører"
)
_PLACE_LABEL = r"område|sted|stad|kommuner?|kommunar|region|area|municipalit(?:y|ies)|place"
_PROGRAMME_LABEL = r"program|programnavn|navn|namn|programme|navn på programmet"
_PERIOD_LABEL = (
    r"programperiode|programperioden|omstillingsperiode|periode|varighet|period|duration"
)
_LABELS = re.compile(
    rf"(?:{_CLIENT_LABEL}|{_CONTRACTOR_LABEL}|{_PLACE_LABEL}|{_PROGRAMME_LABEL}|{_PERIOD_LABEL})\W*$",
    re.I,
)
_ORGANISATION = re.compile(
    r"\b(as|asa|ba|sa|ltd|inc|group|gruppen|norge|noreg|norway)\b|analyse|analysis|rådgiv|rådgjev|"
    r"research|institut|forsk|consult|konsulent|kommune|program|prosjekt|regionråd|utvikling|senter|"
    r"center|centre|universit|høgskul|høyskole|høgskole|partner|advis|authority|council|fylke|"
    r"direktorat|departement|verksted|kompani|selskap|nettverk|næringshage",
    re.I,
)


@dataclass(frozen=True, slots=True)
class _Place:
    """A line of the front, and the page it stands on."""

    page: int
    text: str


class _Front:
    """The first pages, cut for looking things up."""

    def __init__(self, document: RawDocument, body: Body) -> None:
        self.all_text = "\n".join(page.text for page in body.pages)
        block_keys = {key(block.text) for block in body.blocks}
        self.is_plain = all(page.is_plain for page in document.pages)
        self.lines = list(_lines(body))
        self.cover = [
            line for line in self.lines if line.page == 1 and key(line.text) not in block_keys
        ]
        self.head = _running_head(document, self.all_text)
        self.title, self.subtitle = _titles(document.pages[0], self.cover, self.head, self.lines)
        self.named = [line for line in (self.title, self.subtitle, self.head) if line is not None]
        self.sentences = [
            _Place(line.page, one) for line in self.lines for one in sentences(line.text)
        ]
        self.blocks = [_Place(block.spans[0].page, block.text) for block in body.blocks]

    def count(self, name: str) -> int:
        """Return how often ``name`` stands in the report as a whole word."""
        return len(re.findall(rf"(?<!\w){re.escape(name)}(?!\w)", self.all_text))


def read_frontmatter(document: RawDocument, body: Body) -> Frontmatter:
    """Return what the report says about itself, each value with its source."""
    front = _Front(document, body)
    found: dict[str, Found] = {}
    if front.title is not None:
        found["title"] = _found(front.title.text, front.title)
    alone = {
        "report_type": _report_type(front),
        "period": _period(front),
        "year": _year(front),
        "client": _client(front),
        "contractor": _contractor(front),
        "note": _note(front),
        "programme": _programme(front),
    }
    found |= {name: value for name, value in alone.items() if value is not None}
    place = _place(front, found.get("programme"), found.get("client"))
    if place is not None:
        found["place"] = place
    programme_type = _programme_type(front, place, found.get("client"))
    if programme_type is not None:
        found["programme_type"] = programme_type
    years = [int(year) for year in found["period"].value.split("–")] if "period" in found else []
    return Frontmatter(
        title=_value(found, "title"),
        programme=_value(found, "programme"),
        place=_value(found, "place"),
        programme_type=ProgrammeType(found["programme_type"].value) if programme_type else None,
        report_type=ReportType(found["report_type"].value) if "report_type" in found else None,
        period_from=years[0] if years else None,
        period_to=years[1] if years else None,
        client=_value(found, "client"),
        contractor=_value(found, "contractor"),
        year=int(found["year"].value) if "year" in found else None,
        language=_language(front.all_text),
        note=_value(found, "note"),
        sources=found,
    )


def _value(found: dict[str, Found], name: str) -> str | None:
    return found[name].value if name in found else None


def _found(value: str, line: _Place) -> Found:
    return Found(value=value.strip(), page=line.page, evidence=line.text[:_EVIDENCE_CHARS])


def _lines(body: Body) -> Iterator[_Place]:
    """Yield the lines of the page texts, headings left out, until enough has been seen."""
    headings = {key(block.text) for block in body.blocks if block.role is Role.HEADING}
    room = _FRONT_CHARS
    for page in body.pages:
        for line in page.text.split("\n"):
            if line and key(line) not in headings:
                yield _Place(page.number, line)
            room -= len(line)
            if room < 0:
                return


# ---------------------------------------------------------------------------------------------
# Title
# ---------------------------------------------------------------------------------------------


def _titles(
    first: RawPage, cover: list[_Place], head: _Place | None, lines: list[_Place]
) -> tuple[_Place | None, _Place | None]:
    """Return title and subtitle: the two largest lines of the cover, else the running head."""
    ranked: list[tuple[float, int, _Place]] = []
    for position, line in enumerate(cover):
        letters = key(line.text)
        sizes = [
            raw.size
            for raw in first.lines
            if raw.size and key(raw.text) in letters and key(raw.text)
        ]
        if sizes:
            ranked.append((-max(sizes), position, line))
    ranked.sort()
    if len(ranked) > 1 and ranked[0][0] < ranked[-1][0]:
        second = ranked[1][2] if ranked[1][0] < ranked[-1][0] or len(ranked) > 2 else None  # noqa: PLR2004
        return ranked[0][2], second
    if head is not None:
        return head, None
    first_line = lines[0] if lines else None
    is_title = first_line is not None and any(kind.search(first_line.text) for _, kind in _TYPES)
    return (first_line if is_title and first_line and len(first_line.text) < 150 else None), None  # noqa: PLR2004


def _running_head(document: RawDocument, all_text: str) -> _Place | None:
    """Return the running head that names a report, capitals written as in a sentence."""
    seen: Counter[str] = Counter()
    pages: dict[str, int] = {}
    for page in document.pages:
        lines = [normalise(line.text) for line in page.lines if line.text]
        outer = lines if page.is_plain else lines[:3] + lines[-3:]
        for line in set(outer):
            text = re.sub(
                r"^(?:(?:side|page) )?\d{1,3}\s*(?=\D)|\s*\d{1,3}$", "", line, flags=re.I
            ).strip()
            if any(kind.search(text) for _, kind in _TYPES) and len(text) < 150:  # noqa: PLR2004
                seen[text] += 1
                pages.setdefault(text, page.number)
    for text, times in seen.most_common():
        is_beside_number = text.isupper() and document.pages[0].is_plain
        if times > 2 or is_beside_number:  # noqa: PLR2004
            readable = _as_sentence(text, all_text) if text.isupper() else text
            return _Place(pages[text], readable)
    return None


def _as_sentence(capitals: str, all_text: str) -> str:
    """Return a title in capitals in sentence case; words the report writes large stay large."""
    amid = Counter(re.findall(rf"(?<=[\wæøå,] )[{_UP}][\w-]+", all_text))
    small = Counter(re.findall(r"\b[a-zæøå][\w-]+", all_text))
    out = []
    for word in capitals.split():
        lower = word.lower()
        name = lower[:1].upper() + lower[1:]
        out.append(name if amid[name] > small[lower] else word if amid[word] else lower)
    title = " ".join(out)
    return title[:1].upper() + title[1:]


# ---------------------------------------------------------------------------------------------
# Fields that stand on their own
# ---------------------------------------------------------------------------------------------


def _report_type(front: _Front) -> Found | None:
    says = re.compile(r"\b(denne|dette|this|her)\b", re.I)
    places = [
        *front.named,
        *front.cover,
        *(one for one in front.sentences if says.search(one.text)),
    ]
    for line in places:
        for kind, pattern in _TYPES:
            if pattern.search(line.text):
                return _found(kind, line)
    return None


def _period(front: _Front) -> Found | None:
    labelled = re.compile(rf"^(?:{_PERIOD_LABEL}|{_PROGRAMME_LABEL})\b", re.I)
    told = re.compile(r"perioden|omstillingsplan|programme|programmet|period", re.I)
    places = [
        *front.named,
        *(line for line in front.lines if labelled.match(line.text)),
        *(one for one in front.sentences if told.search(one.text)),
    ]
    for line in places:
        for match in _PERIOD.finditer(line.text):
            first, last = int(match[1]), int(match[2])
            last = last if last > 99 else first // 100 * 100 + last  # noqa: PLR2004
            if 1 <= last - first <= 12:  # noqa: PLR2004
                return _found(f"{first}–{last}", line)
    return None


def _year(front: _Front) -> Found | None:
    for line in front.cover:
        match = _COVER_YEAR.fullmatch(line.text)
        if match:
            return _found(match[1] or match[2], line)
    for line in [*front.cover, *front.named]:
        number = _REPORT_NUMBER.search(line.text)
        if number:
            return _found(number[1], line)
    return None


def _note(front: _Front) -> Found | None:
    for line in front.cover:
        if _NOTE.search(line.text) and line not in front.named:
            return _found(line.text, line)
    return None


def _language(text: str) -> str:
    """Return ``nb``, ``nn`` or ``en`` by the function words that only one of them has."""
    marks = {
        "nb": {
            "ikke",
            "jeg",
            "en",
            "et",
            "fra",
            "hva",
            "hvordan",
            "noe",
            "være",
            "de",
            "mer",
            "var",
        },
        "nn": {
            "ikkje",
            "eg",
            "ein",
            "eit",
            "frå",
            "kva",
            "korleis",
            "noko",
            "vere",
            "dei",
            "meir",
            "vart",
        },
        "en": {
            "the",
            "and",
            "of",
            "is",
            "was",
            "with",
            "that",
            "this",
            "were",
            "which",
            "by",
            "to",
        },
    }
    seen = Counter(words(text))
    scores = {language: sum(seen[word] for word in own) for language, own in marks.items()}
    return max(scores, key=lambda language: scores[language])


# ---------------------------------------------------------------------------------------------
# Client and contractor
# ---------------------------------------------------------------------------------------------


def _labelled(lines: list[_Place], label: str) -> Iterator[tuple[str, _Place]]:
    """Yield what stands behind a label, on its line («Oppdragsgiver: X») or on the next one."""
    pattern = re.compile(rf"(?:{label})\s*(?::\s*|\s+(?=[{_UP}]))(?P<value>\S.*)$", re.I)
    alone = re.compile(rf"(?:{label})\s*:?$", re.I)
    for line, following in zip_longest(lines, lines[1:]):
        match = pattern.match(line.text)
        if match and match["value"][0].isupper():
            yield match["value"], line
        elif alone.match(line.text) and following is not None and not _LABELS.match(following.text):
            yield following.text, _Place(line.page, f"{line.text} {following.text}")


def _client(front: _Front) -> Found | None:
    for value, line in _labelled(front.lines, _CLIENT_LABEL):
        if len(value) < 100 and (len(value.split()) > 3 or _is_organisation(value)):  # noqa: PLR2004
            return _found(value.rstrip(" ."), line)
    pattern = re.compile(
        r"(?:på oppdrag (?:fra|frå|av|for)|commissioned by|"
        r"(?:utarbeidet|laget|utarbeidd|prepared) (?:for|to)) "
        rf"(?:(?:the|det|den) )?({_NAME}(?: (?:fylkes)?kommune|regionråd)?)"
    )
    for one in [*front.cover, *front.sentences]:
        match = pattern.search(one.text)
        if match and _is_organisation(match[1]):
            return _found(match[1], one)
    return None


_AFTER_CONTRACTOR = re.compile(r"\s+(?:på oppdrag|on behalf|for (?=Innovasjon|.*kommune))|[,;(]")


def _contractor(front: _Front) -> Found | None:
    for value, line in _labelled([*front.cover, *front.lines], _CONTRACTOR_LABEL):
        clean = _AFTER_CONTRACTOR.split(value)[0].rstrip(" .")
        if _is_organisation(clean) and not _NOTE.search(line.text):
            return _found(clean, line)
    report = r"(?:rapporten|evalueringen|evalueringa|vurderingen|vurderinga|report|evaluation)"
    done = (
        r"(?:skrevet|skriven|utarbeidet|utarbeidd|gjennomført|utført|written|prepared|carried out)"
    )
    patterns = (
        rf"(?i:{report}) (?i:er|ble|vart|was|is) (?i:{done}) (?i:av|by) ({_NAME})",
        rf"^({_NAME}) ha[rs] (?i:{done}) (?i:(?:the |this )?(?:evaluering|evaluation|r[ae]pport))",
        rf"\b[Ff]ors[kf]\w+ (?:ved|at) ({_NAME}) (?:har|has) (?i:{done})",
    )
    for pattern in patterns:
        for one in front.sentences:
            match = re.search(pattern, one.text)
            if match and _is_organisation(match[1]) and not _NOTE.search(one.text):
                return _found(match[1], one)
    return None


def _is_organisation(name: str) -> bool:
    """Two or three capitalised words without a word for an organisation may be a person."""
    parts = name.split()
    if _ORGANISATION.search(name):
        return True
    return len(parts) == 1 and len(name) > 2 and name[:1].isupper() and key(name) not in STOP_WORDS  # noqa: PLR2004


# ---------------------------------------------------------------------------------------------
# Programme and place
# ---------------------------------------------------------------------------------------------


_START = rf"[«\"“]?(?P<name>[{_UP}][^.,;:()«»\"”\n]*)"
_NAMING = (
    rf"(?:navnet|namnet|the name|heter|heiter|kalt|kalla) {_START}",
    rf"^Programmet {_START}",
    rf"^{_START} (?:er|var|is|was) (?:et|eit|a) (?:\w+ )?(?:omstillingsprogram|restructuring)",
)
_MENTIONING = (
    rf"(?:omstillings|utviklings)?(?:programmet|restructuring programme) {_START}",
    rf"(?:omstillingsplanen|programmet) (?:til|for|i) {_NAME} [–-] {_START}",
)
_TITLING = (
    r"(?:evaluering|evaluation|rapport|report|vurdering|studie|syntese)\w* "
    rf"(?:av|fra|frå|for|of|from|om) {_START}"
)


def _programme(front: _Front) -> Found | None:
    """Return the programme's name: from a label, the titles, or a sentence that names it."""
    for value, line in _labelled(front.lines, _PROGRAMME_LABEL):
        name = _name_in_use(value, front, at_least=2)
        if name is not None:
            return _found(name, line)
    told = [*front.named, *front.sentences]
    sources: list[tuple[str, list[_Place], int]] = [(_TITLING, front.named, 3)]
    sources += [(pattern, front.sentences, 1) for pattern in _NAMING]
    sources += [(pattern, told, 3) for pattern in _MENTIONING]
    sources += [(rf"^{_START}$", lines, 3) for lines in (front.named[1:2], front.named[:1])]
    for pattern, lines, at_least in sources:
        for line in lines:
            for match in re.finditer(pattern, line.text):
                name = _name_in_use(match["name"], front, at_least=at_least)
                if name is not None:
                    return _found(name, line)
    return None


def _name_in_use(text: str, front: _Front, *, at_least: int) -> str | None:
    """Return the longest beginning of ``text`` that the report uses so often as a name, or None.

    With ``at_least=1`` the text need not use it again: its first words with capitals are taken.
    """
    text = _PERIOD.split(re.split(r"[.,;:()«»\"”]", text)[0])[0].strip()
    tokens = text.split()[:6]
    if len(tokens) == len(text.split()) > 1 and front.count(text) > 1 and not _is_description(text):
        return text
    best: str | None = None
    often = 0
    for length in range(2, len(tokens) + 1):
        name, last = " ".join(tokens[:length]), tokens[length - 1]
        if last.lower() in STOP_WORDS or last in {"AS", "–", "-"}:
            continue
        if front.count(name) < max(2, at_least, 0.3 * often):
            break
        best, often = name, front.count(name)
    if best is None and at_least == 1:
        capitals = re.match(rf"[{_UP}]\w+(?: (?:[{_UP}]\w+|\d{{4}}))+", text)
        best = capitals[0] if capitals else None
    return None if best is None or _is_description(best) else best


def _is_description(name: str) -> bool:
    """«Omstillingsprogrammet i Hallingdal» tells what it is; it is not a name."""
    return bool(
        re.match(
            r"(?i)(omstilling|program|sluttevaluering|midtve|evaluering|final|mid-?term)", name
        )
        or re.search(r"(?i)\b(fylkes)?kommune$|^innovasjon norge|^regionråd", name)
    )


def _place(front: _Front, programme: Found | None, client: Found | None) -> Found | None:
    in_place = re.compile(
        rf"(?i:omstillings?program\w*|omstillingsarbeidet|restructuring programme|evaluering\w*) "
        rf"(?:i|for|in) ((?:the )?{_NAMES})"
    )
    for line in [*front.named, *front.sentences]:
        match = in_place.search(line.text)
        if match and not (programme and match[1].startswith(programme.value)):
            return _found(_place_name(match[1]), line)
    for value, line in _labelled(front.lines, _PLACE_LABEL):
        match = re.match(_NAMES, re.sub(r"\s*\([^)]*\)", "", value))
        if match:
            return _found(_place_name(match[0]), line)
    if client is not None and client.value.endswith(" kommune"):
        return Found(value=_place_name(client.value), page=client.page, evidence=client.evidence)
    if programme is not None:
        return _place_within(programme.value, front)
    return None


def _place_within(name: str, front: _Front) -> Found | None:
    """Return the word of a programme's name that the report speaks of as a place: «i Nordlia»."""
    for word in name.split():
        inside = re.compile(rf"\b(?i:i|in|til|to) (?i:{re.escape(word)})\b(?! \d| [{_UP}])")
        for line in front.blocks if word[:1].isupper() else ():
            if inside.search(line.text):
                return _found(word, line)
    return None


def _place_name(text: str) -> str:
    text = re.sub(r"\s+(?:kommune|municipality|region|AS)\b.*$", "", text)
    return re.sub(r"^the ", "", text).strip()


def _programme_type(front: _Front, place: Found | None, client: Found | None) -> Found | None:
    regional = re.compile(
        r"\b(?:er|var|av|is|was) (?:et|eit|a) (?:\w+ )?regionalt? (?:\w+ )?(?:omstillings)?program|"
        r"\b[Tt]ype: [Rr]egional|\b(?:to|tre|fire|fem|seks|sju|åtte|two|three|four|five|six) "
        r"(?:kommuner|kommunar|municipalities) (?:gikk|gjekk|søkte|joined|har|om)\b|"
        rf"\b[Kk]ommun[ea]ne {_NAME}(?:, {_NAME})* og {_NAME}|"
        rf"\b(?:municipalities of|Municipalities:) {_NAME}[^.]{{0,30}} and {_NAME}"
    )
    lines = [*front.named, *front.lines]
    for line in lines:
        if regional.search(line.text):
            return _found(ProgrammeType.REGIONALT, line)
    if place is None:
        return None
    single = f"{place.value} kommune"
    for line in ([_Place(client.page, client.evidence)] if client else []) + lines:
        if single in line.text:
            return _found(ProgrammeType.ENKELTKOMMUNE, line)
    return None
