"""What a report says about itself: on its cover, in its running head, on its first pages.

Every value carries the text and the page it was read from. What is not said, or said in two ways,
stays None, and what it may be is offered to the person who checks: firms that only helped with a
plan are not the contractor, and a year in running text is not the year of the report. No names of
people are taken.
"""

import re
from collections import Counter
from dataclasses import replace
from typing import TypeVar

from ingest.front import TYPES, UP, Front, Place
from ingest.names import (
    CLIENT_LABEL,
    NAME,
    NOTE,
    choose,
    contractor,
    found,
    is_organisation,
    labelled,
    programme,
)
from ingest.size import size_of
from ingest.types import Body, Frontmatter, RawDocument
from kb.domain import Found, ProgrammeType, ReportType
from kb.text import language_of

_Kind = TypeVar("_Kind", ProgrammeType, ReportType)

_LIST = rf"{NAME}(?:, {NAME})+ (?:og|and) {NAME}"
_NAMES = rf"(?:{_LIST}|{NAME}(?: (?:og|and) {NAME})?)"
_MONTH = (
    "januar|februar|mars|april|mai|juni|juli|august|september|oktober|november|desember|"
    "january|february|march|may|june|july|october|december"
)
_SEASON = "våren|sommeren|høsten|vinteren|sumaren|hausten|spring|summer|autumn|winter"
_YEAR = r"((?:19|20)\d\d)"
_DATE = rf"(?:\d{{1,2}}\.? )?(?:(?:{_MONTH}) )?"
_RANGE = rf"\b{_YEAR}\s*(?:[-–/]|til|to)\s*(?:og med )?{_DATE}(\d{{4}}|\d{{2}})\b(?!\d)"
_PERIOD = re.compile(_RANGE, re.I)
_LASTING = re.compile(
    r"(?:\bfra|\bfrå|\bfrom|start\w*|launch\w*|sett i gang|satt i gang|began)\b[^.]{0,80}?\b"
    rf"{_YEAR}\b[^.]{{0,40}}?\b(?:til|ut|until|to|through)(?: og med| til)? {_DATE}{_YEAR}\b",
    re.I,
)
_TOLD = re.compile(
    r"perioden|omstillingsplan|programme|program|period|revisjon|\bi åra\b|varte\b|vare\b|launch",
    re.I,
)
_PART = re.compile(
    r"første (?:halv|to|tre)|fyrste|dei tre|de tre|first|så langt|hittil|halvveis", re.I
)
_PERIOD_LABEL = (
    r"programperiode|programperioden|omstillingsperiode|periode|varighet|varigheit|period|duration"
)
_PLACE_LABEL = r"område|sted|stad|kommuner?|kommunar|region|area|municipalit(?:y|ies)|place"
_FEW_YEARS, _MANY_YEARS = 1, 12
_REPORT_WORDS = re.compile(r"\bevaluering|\bevaluation", re.I)


def read_frontmatter(document: RawDocument, body: Body) -> Frontmatter:
    """Return what the report says about itself, each value with its source."""
    front = Front(document, body)
    period = _period(front)
    client = _client(front)
    called, maybe_called = choose(programme(front))
    place = _place(front, called, client)
    outside = [one.value for one in (called, client, place) if one is not None]
    made, maybe_made = choose(contractor(front, outside))
    kind = _programme_type(front, place, client)
    size = size_of(front, place, kind)
    values = {
        "title": None if front.title is None else found(front.title.text, front.title),
        "programme": called,
        "place": place,
        "programme_type": kind,
        "report_type": _report_type(front),
        "period": period,
        "client": client,
        "contractor": made,
        "year": _year(front, period),
        "note": _note(front),
        **{name: told.value for name, told in size.items()},
    }
    several = size["municipalities"].value
    if values["programme_type"] is None and several is not None and int(several.value) > 1:
        values["programme_type"] = replace(several, value=ProgrammeType.REGIONALT)
    sources = {name: value for name, value in values.items() if value is not None}
    years = [int(year) for year in period.value.split("–")] if period else [None, None]
    return Frontmatter(
        title=_value(sources, "title"),
        programme=_value(sources, "programme"),
        place=_value(sources, "place"),
        programme_type=_member(ProgrammeType, sources.get("programme_type")),
        report_type=_member(ReportType, sources.get("report_type")),
        period_from=years[0],
        period_to=years[1],
        municipalities=_count(sources, "municipalities"),
        inhabitants=_count(sources, "inhabitants"),
        budget=_value(sources, "budget"),
        client=_value(sources, "client"),
        contractor=_value(sources, "contractor"),
        year=int(sources["year"].value) if "year" in sources else None,
        language=language_of(front.all_text),
        note=_value(sources, "note"),
        sources=sources,
        offered={
            name: offered
            for name, offered in (
                ("programme", maybe_called),
                ("contractor", maybe_made),
                *((name, told.offered) for name, told in size.items()),
            )
            if offered
        },
    )


def _value(sources: dict[str, Found], name: str) -> str | None:
    return sources[name].value if name in sources else None


def _count(sources: dict[str, Found], name: str) -> int | None:
    return int(sources[name].value) if name in sources else None


def _member(members: type[_Kind], one: Found | None) -> _Kind | None:
    return None if one is None else members(one.value)


# ---------------------------------------------------------------------------------------------
# Type, period and year
# ---------------------------------------------------------------------------------------------


def _report_type(front: Front) -> Found | None:
    says = re.compile(r"\b(denne|dette|this|her|oppdrag)\b", re.I)
    places = [
        *front.named,
        *front.cover,
        *(one for one in front.sentences if says.search(one.text)),
    ]
    for line in places:
        for kind, pattern in TYPES:
            if not pattern.search(line.text):
                continue
            # «Evaluering av …, sluttrapport»: the last report of the evaluators, not of the board.
            is_evaluation = any(_REPORT_WORDS.search(one.text) for one in front.named)
            if kind is ReportType.SLUTTRAPPORT and is_evaluation:
                return found(ReportType.SLUTTEVALUERING, line)
            return found(kind, line)
    return None


def _period(front: Front) -> Found | None:
    """Return the years of the programme: as a title or a label has them, else as they are told."""
    is_labelled = re.compile(rf"^(?:{_PERIOD_LABEL}|program)\b", re.I)
    told = [one for one in front.sentences if _TOLD.search(one.text)]
    for lines in (
        [line for line in front.named if not _PART.search(line.text)],
        [line for line in front.lines if is_labelled.match(line.text)],
        [line for line in front.cover if not _PART.search(line.text)],
        told,
    ):
        for line in lines:
            for pattern in (_PERIOD, _LASTING) if lines is told else (_PERIOD,):
                for match in pattern.finditer(line.text):
                    first, last = int(match[1]), int(match[2])
                    last = last if last > 99 else first // 100 * 100 + last  # noqa: PLR2004
                    if _FEW_YEARS <= last - first <= _MANY_YEARS:
                        return found(f"{first}–{last}", line)
    return None


_DATED = re.compile(
    rf"(?:\b(?:{_MONTH}|{_SEASON})(?:\s*[–-]\s*(?:{_MONTH}))? |\d{{1,2}}\.\d{{1,2}}\.){_YEAR}\b",
    re.I,
)
_DATE_LABEL = re.compile(
    rf"^(?:dato|date|utgitt|utgjeve|published|levert|ferdig)\b.*?\b{_YEAR}\b", re.I
)
_NUMBERED = re.compile(
    rf"\b(?:rapport|report|notat|nr\.?|R)\s*(?:nr\.? ?)?(?:\d{{1,3}}[/-]{_YEAR}|{_YEAR}:\d{{1,3}})",
    re.I,
)
_SHORT_NUMBER = re.compile(r"\b(?:rapport|report|notat|R)\s*(?:nr\.? ?)?\d{1,3}/(\d\d)\b", re.I)
_YEARLY = re.compile(
    rf"(?:programstatusvurdering|PSV|årsrapport|årsmelding|annual report)\D{{0,12}}{_YEAR}\b", re.I
)
_BARE = re.compile(rf"(?:[{UP}][\w ]+, |(?P<maker>[{UP}][^\d]+) )?{_YEAR}")
_SIGNED = re.compile(rf"^(?:©|\(c\)|published by|utgitt av|utgjeve av)[^.]*\b{_YEAR}\b", re.I)


def _year(front: Front, period: Found | None) -> Found | None:
    """Return the year the report was made: from a date on the cover, a number, the colophon."""
    labels = [line for line in front.lines if _DATE_LABEL.match(line.text)]
    cover = [line for line in [*front.cover_as_set, *front.cover] if not _is_span(line.text)]
    ranked = (
        (_DATE_LABEL, [*cover, *labels]),
        (_DATED, cover),
        (_NUMBERED, [*front.cover_as_set, *front.named]),
        (_SIGNED, [*front.cover_as_set, *front.lines, *front.last]),
        (_BARE, cover),
        (_YEARLY, [*front.named, *front.cover]),
        (_SHORT_NUMBER, front.cover),
    )
    taken = set(period.value.split("–")) if period else set()
    for pattern, lines in ranked:
        for line in lines:
            match = pattern.fullmatch(line.text) if pattern is _BARE else pattern.search(line.text)
            if match is None or not _is_maker(match.groupdict().get("maker")):
                continue
            year = next(part for part in reversed(match.groups()) if part)
            if len(year) == 2:  # noqa: PLR2004 the report series' own short form: 12/09
                year = f"20{year}"
            if pattern is _BARE and year in taken and line in front.named:
                continue
            return found(year, line)
    return None


def _is_maker(words: str | None) -> bool:
    """«Senter for innsikt 2019» has a year, «Nordlia 2028» a name."""
    return words is None or (is_organisation(words) and len(words.split()) > 1)


def _is_span(text: str) -> bool:
    """«Prosjektperiode april–juni 2021» and «2016–2021» tell when work was done."""
    return bool(_PERIOD.search(text)) and not _DATED.search(text)


def _note(front: Front) -> Found | None:
    for line in front.cover:
        if NOTE.search(line.text) and line not in front.named:
            return found(line.text, line)
    return None


# ---------------------------------------------------------------------------------------------
# Client and place
# ---------------------------------------------------------------------------------------------

_COMMISSIONED = re.compile(
    r"(?:på oppdrag (?:fra|frå|av|for)|commissioned by|on behalf of|"
    r"(?:utarbeidet|laget|utarbeidd|prepared) (?:for|to)) "
    rf"(?:(?:the|det|den) )?({NAME}(?: (?:fylkes)?kommune| regionråd| of {NAME})?)"
)
_FOR = re.compile(
    r"(?:av|by|ved) [^.]{3,60}? for "
    rf"(Innovasjon Nor\w+|Innovation Norway|{NAME} (?:fylkes)?kommune)\b"
)
_ORDERED = re.compile(
    rf"({NAME}(?: (?:fylkes)?kommune)?) (?:bestilte|tinga|commissioned) (?:denne )?evaluering"
)


def _client(front: Front) -> Found | None:
    for value, line in labelled([*front.cover, *front.lines, *front.as_set], CLIENT_LABEL):
        if len(value) < 100 and (len(value.split()) > 3 or is_organisation(value)):  # noqa: PLR2004
            return found(value.rstrip(" ."), line)
    for pattern in (_COMMISSIONED, _FOR, _ORDERED):
        for one in [*front.cover, *front.sentences, *front.edges]:
            match = pattern.search(one.text)
            if match and is_organisation(match[1]):
                return found(match[1], one)
    return None


_IN_PLACE = re.compile(
    r"(?i:omstillings?program\w*|omstillingsarbeidet|restructuring programme|evaluering\w*) "
    rf"(?i:i|for|in) ((?:the )?{_NAMES})"
)
_MUNICIPALITIES = re.compile(
    r"(?:\b[Kk]ommun[ea]ne|\bmunicipalities of|\bMunicipalities:) "
    rf"({NAME}(?:, {NAME})* (?:og|and) {NAME})"
)
_ONE = re.compile(rf"\b([{UP}][\w-]*(?: [{UP}][\w-]*)?) kommunes?\b|[Mm]unicipality of ({NAME})")


def _place(front: Front, called: Found | None, client: Found | None) -> Found | None:
    own = called.value if called else ""
    for line in [*front.named, *front.cover, *front.sentences]:
        match = _IN_PLACE.search(line.text)
        if match and not (own and match[1].startswith(own)) and not _is_no_place(match[1]):
            return found(_place_name(match[1]), line)
    for value, line in labelled(front.lines, _PLACE_LABEL):
        listed = re.match(_NAMES, re.sub(r"\s*\([^)]*\)", "", value))
        if listed:
            return found(_place_name(listed[0]), line)
    if client is not None and client.value.endswith(" kommune"):
        return Found(value=_place_name(client.value), page=client.page, evidence=client.evidence)
    within = _place_within(own, front) if own else None
    if within is not None:
        return within
    for line in front.sentences:
        if match := _MUNICIPALITIES.search(line.text):
            return found(match[1], line)
    return _only_municipality(front)


def _is_no_place(name: str) -> bool:
    return bool(re.match(r"(?:Innovasjon|Innovation|Det|Den|The)\b", name))


def _only_municipality(front: Front) -> Found | None:
    """Return the municipality the front speaks of, where it is one or far ahead of the others."""
    seen: Counter[str] = Counter()
    first: dict[str, Place] = {}
    for line in [*front.cover, *front.sentences]:
        for match in _ONE.finditer(line.text):
            name = match[1] or match[2]
            seen[name] += 1
            first.setdefault(name, line)
    ranked = seen.most_common(2)
    if not ranked or (len(ranked) > 1 and ranked[0][1] < 2 * ranked[1][1]):
        return None
    return found(ranked[0][0], first[ranked[0][0]])


def _place_within(name: str, front: Front) -> Found | None:
    """Return the word of a programme's name that the report speaks of as a place: «i Nordlia»."""
    for word in name.split():
        inside = re.compile(
            rf"\b(?i:i|in|til|to|of) (?i:{re.escape(word)})\b(?! \d| [{UP}])"
            rf"|\b{re.escape(word)} kommunes?\b"
        )
        for line in front.blocks if word[:1].isupper() else ():
            # «Vekst i Vinddal» begins with a word that «styret i Vekst i Vinddal» makes no place.
            is_first = name.startswith(word)
            if inside.search(line.text.replace(name, "") if is_first else line.text):
                return found(word, line)
    return None


def _place_name(text: str) -> str:
    text = re.sub(r"\s+(?:kommune|municipality|region|AS)\b.*$", "", text)
    return re.sub(r"^the ", "", text).strip()


_REGIONAL = re.compile(
    r"\b(?:er|var|av|is|was) (?:et|eit|a) (?:\w+ )?regionalt? (?:\w+ )?(?:omstillings)?program|"
    r"\b[Ee]t regionalt (?:\w+ )?omstillingsprogram|"
    r"\b(?:eid|eies|eigd|eigde?s|owned) (?:av|by) [^.]*\bregionråd|"
    r"\b[Tt]ype: [Rr]egional|\b(?:to|tre|fire|fem|seks|sju|åtte|two|three|four|five|six) "
    r"(?:kommuner|kommunar|municipalities) (?:gikk|gjekk|søkte|joined|har|om)\b|"
    rf"\b[Kk]ommun[ea]ne {NAME}(?:, {NAME})* og {NAME}|"
    rf"\b(?:municipalities of|Municipalities:) {NAME}[^.]{{0,30}} and {NAME}"
)


def _programme_type(front: Front, place: Found | None, client: Found | None) -> Found | None:
    lines = [*front.named, *front.cover, *front.lines]
    for line in lines:
        if _REGIONAL.search(line.text):
            return found(ProgrammeType.REGIONALT, line)
    if place is None:
        return None
    single = re.compile(
        rf"\b{re.escape(place.value)} kommunes?\b|[Mm]unicipality of {re.escape(place.value)}\b"
    )
    for line in ([Place(client.page, client.evidence)] if client else []) + lines:
        if single.search(line.text):
            return found(ProgrammeType.ENKELTKOMMUNE, line)
    return None
