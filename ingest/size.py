"""How large a programme is: its municipalities, their inhabitants, its money. Never guessed.

A report tells of many places, amounts and headcounts. A value is taken where a label names it, or
where one sentence alone speaks of the programme's own; where several differ, they are offered to
the person who checks. Numbers are not added up: what several municipalities have together counts
only if the report says it.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from ingest.front import UP, Front, Place
from ingest.names import MOST_OFFERED, found, is_about_several, labelled
from kb.domain import Found, ProgrammeType

_COUNTS = {
    word: str(count)
    for count, words in enumerate(
        "to two|tre three|fire four|fem five|seks six|sju syv seven|åtte eight|ni nine|ti ten"
        "|elleve eleven|tolv twelve".split("|"),
        start=2,
    )
    for word in words.split()
}
_COUNT = rf"(?P<count>{'|'.join(_COUNTS)}|[1-9]\d?)"
_NUMBER = r"(?P<number>\d{1,3}(?:[ \u00a0.,]\d{3})+|\d{3,6})"
_ABOUT = r"(?:(?:om lag|ca\.?|rundt|omtrent|knapt|vel|nær|nesten|about|some|around|nearly) )?"

_MUNICIPALITIES = re.compile(
    rf"(?i:\b{_COUNT}) (?:(?:små|store|deltakende|deltakande|small|coastal|neighbouring|other) )?"
    r"(?i:kommun(?:er|ar|ene|ane)|municipalities)\b(?! (?:søkte ikke|trakk|i (?:landet|Norge)))"
)
_PART_OF = re.compile(r"\b(?:av|of|another|andre|hver|kvar|every|i de andre)(?: \w+)? $", re.I)
_TOGETHER = re.compile(
    r"program|samarbeid|sammen|saman|regional|regionråd|felles|together|shared|region\b|\btype\b",
    re.I,
)
_LISTED = re.compile(
    rf"\b(?:[Kk]ommun[ea]ne|[Mm]unicipalities of) (?P<names>[{UP}][\w-]+(?: [{UP}][\w-]+)*"
    rf"(?:, [{UP}][\w-]+(?: [{UP}][\w-]+)*)* (?:og|and) [{UP}][\w-]+)"
)

_PEOPLE = re.compile(
    rf"{_ABOUT}{_NUMBER} (?i:innbyggere|innbyggjarar|inhabitants|residents|fastboende)\b"
)
_PEOPLE_LABEL = r"innbyggere|innbyggertall|innbyggjar(?:ar|tal)|folketall?|inhabitants|population"
_CHANGED = re.compile(
    r"\b(?:færre|flere|fleire|mist(?:et|a)|tapt|vokst|vakse|sunket|sokke|gått ned|gått opp|mål|per"
    r"|nedgang|vekst|økning|fewer|more|lost|grown|decline|increase|target)\b",
    re.I,
)
_NOT_NOW = re.compile(r"\b(?:bygda|bygden|tettstedet|tettstaden|sentrum|village|town of)\b", re.I)
_ALL_OF_THEM = re.compile(
    r"til sammen|tilsammen|til saman|totalt|i alt|samlet|samla|together|in total"
    r"|regionen (?:har|hadde)",
    re.I,
)

_MONEY = re.compile(
    r"(?:(?:NOK|kr\.?) \d+(?:[.,]\d+)? (?:million|millioner|millionar|mill\.?)"
    r"|\d+(?:[.,]\d+)? (?:millioner|millionar|mill\.?|million) (?:kroner|kr\b\.?|NOK))"
    r"(?: (?:per|i|pr\.?|a) (?:året|år|year)| årlig| årleg| annually)?",
    re.I,
)
_FRAME = r"(?:ramme|budsjett|budget)(?:n|a|et)?"
_WHOLE_WORD = r"(?:samle[dt]e?|samla|total[te]?|økonomiske?|årlige?|årleg|overall)"
_MONEY_LABEL = re.compile(
    rf"^(?:{_WHOLE_WORD} |programmets )?(?:budsjett|økonomi)?{_FRAME}\b[^:.]{{0,20}}: ?{_ABOUT}",
    re.I,
)
_WHOLE = re.compile(
    rf"\b(?:{_WHOLE_WORD} {_FRAME}|(?:programmet|programme|[A-ZÆØÅ][\w-]+) (?:hadde|har|had|has)"
    rf"(?: hatt)? (?:en |ei |et |eit |a )?(?:{_WHOLE_WORD} )?{_FRAME}|til rådighet|til rådvelde"
    r"|(?:programme|program\w*) was granted)\b",
    re.I,
)
_A_PART = re.compile(
    r"\b(?:prosjekt\w*|tiltak\w*|bedrift\w*|\w*fond\w*|søknad\w*|selskapet|(?:innsats)?området?"
    r"|projects?|firms?|companies|area)\b",
    re.I,
)
_SHARES = re.compile(r",? (?:hvorav|av dette|av dei|korav|herav|of which|including)\b.*$", re.I)
"""Who paid what of it stands behind the whole."""


@dataclass(frozen=True, slots=True)
class Told:
    """One value for a field, or None, and what a person may choose from instead."""

    value: Found | None
    offered: tuple[Found, ...]


def size_of(front: Front, place: Found | None, kind: Found | None) -> dict[str, Told]:
    """Return how large the programme is, by field; of several programmes nothing is said.

    Args:
        front: of the report.
        place: where the programme is.
        kind: its type.
    """
    if is_about_several(front):
        return dict.fromkeys(("municipalities", "inhabitants", "budget"), Told(None, ()))
    return {
        "municipalities": municipalities(front, kind),
        "inhabitants": inhabitants(front, place, kind),
        "budget": budget(front),
    }


def municipalities(front: Front, kind: Found | None) -> Told:
    """Return how many municipalities the programme is of; ``kind`` is its type."""
    if kind is not None and kind.value == ProgrammeType.ENKELTKOMMUNE:
        return Told(Found(value="1", page=kind.page, evidence=kind.evidence), ())
    counted = list(_counted(front))
    return _agreed(counted or _listed(front))


def _counted(front: Front) -> Iterator[Found]:
    for line in _texts(front):
        if not _TOGETHER.search(line.text):
            continue
        for match in _MUNICIPALITIES.finditer(line.text):
            if not _PART_OF.search(line.text[: match.start()]):
                count = match["count"].lower()
                yield found(_COUNTS.get(count, count), line)


def _listed(front: Front) -> Iterator[Found]:
    for line in front.sentences:
        for match in _LISTED.finditer(line.text):
            names = re.split(r", | og | and ", match["names"])
            yield found(str(len(names)), line)


def inhabitants(front: Front, place: Found | None, kind: Found | None) -> Told:
    """Return how many people live where the programme is, in its one municipality or in all."""
    is_one = kind is not None and kind.value == ProgrammeType.ENKELTKOMMUNE
    for value, line in labelled(front.lines, _PEOPLE_LABEL):
        if is_one and (number := re.match(rf"{_ABOUT}{_NUMBER}\b", value, re.I)):
            return Told(found(_digits(number["number"]), line), ())
    every = [
        found(_digits(match["number"]), line)
        for line in _texts(front)
        if not _CHANGED.search(line.text) and not _NOT_NOW.search(line.text)
        for match in _PEOPLE.finditer(line.text)
    ]
    if is_one and place is not None:
        own = [one for one in every if place.value in one.evidence]
        return _agreed(own or every)
    told = _agreed(one for one in every if _ALL_OF_THEM.search(one.evidence))
    return Told(told.value, told.offered or _distinct(every))


def budget(front: Front) -> Told:
    """Return what the programme had to spend, in the words of the report."""
    for line in [*front.cover, *front.lines, *front.as_set]:
        label = _MONEY_LABEL.match(line.text)
        if label and (match := _MONEY.match(line.text, label.end())):
            return Told(found(match[0], line), ())
    return _agreed(
        found(amounts[0], line)
        for line in front.sentences
        if _WHOLE.search(line.text) and not _A_PART.search(line.text)
        if len(amounts := _MONEY.findall(_SHARES.sub("", line.text))) == 1
    )


def _texts(front: Front) -> list[Place]:
    """Return what may tell it: fact boxes on the cover first, then the first pages' sentences."""
    return [*front.cover, *front.sentences]


def _agreed(every: Iterable[Found]) -> Told:
    """Return the first where all say the same; else nothing, and what they say."""
    distinct = _distinct(every)
    return Told(distinct[0], ()) if len(distinct) == 1 else Told(None, distinct)


def _distinct(every: Iterable[Found]) -> tuple[Found, ...]:
    by_value: dict[str, Found] = {}
    for one in every:
        by_value.setdefault(one.value, one)
    return tuple(by_value.values())[:MOST_OFFERED]


def _digits(number: str) -> str:
    return re.sub(r"\D", "", number)
