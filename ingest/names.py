"""Who made a report and what its programme is called: candidates from everywhere, then a choice.

Both are told in a dozen ways and often only by the way. Each place that speaks for a name adds to
its weight; the heaviest is taken when it is heavy enough and clearly ahead of the next. Else
nothing is: the form then offers the candidates to a person. No names of people are taken.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import zip_longest

from ingest.front import TYPES, UP, Front, Place
from kb.domain import Found
from kb.text import STOP_WORDS, key

NAME = rf"[{UP}][\w-]*(?: [{UP}][\w-]*)*"
_EVIDENCE_CHARS = 240
MOST_OFFERED = 3
_ENOUGH, _AHEAD = 2.0, 0.7
_MOST_OF_IT, _SHORTENED = 0.8, 0.4

CLIENT_LABEL = (
    r"oppdragsgiver|oppdragsgjevar|client|commissioned by|prepared for|bestiller|bestillar"
    r"|utarbeidet for|utarbeidd for"
)
CONTRACTOR_LABEL = (
    r"utarbeid(?:et|d|a)? av|utført av|gjennomført av|prepared by|evaluert av|leverandør|utfører"
    r"|utførar|utgiver|utgjevar|published by|konsulent|prosessleder|prosessleiar|skrevet av"
    r"|skriven av|produsert av|evaluator|ansvarlig institusjon|institusjon"
    r"|prosjektansvarlig|prosjektansvarleg"
)
_PROGRAMME_LABEL = r"program|programnavn|programnamn|navn|namn|programme|navn på programmet"
_OTHER_LABEL = (
    r"prosjektperiode|prosjektteam|periode|dato|date|tittel|title|forfatter(?:\(?e\)?|ar)?|authors?"
    r"|antall sider|talet på sider|isbn|issn|sted|stad|område|kommuner?|kommunar"
)
_ANY_LABEL = re.compile(
    rf"^(?:{CLIENT_LABEL}|{CONTRACTOR_LABEL}|{_PROGRAMME_LABEL}|{_OTHER_LABEL})\s*:?$", re.I
)
_LABELLED = re.compile(
    rf"^(?:{CLIENT_LABEL}|{CONTRACTOR_LABEL}|{_PROGRAMME_LABEL}|{_OTHER_LABEL})\s*(?::|$)", re.I
)
_ORGANISATION = re.compile(
    r"\b(as|asa|ba|sa|ks|iks|kf|ltd|inc|llp|group|gruppen|norge|noreg|norway|nord|sør|vest|øst|midt)\b"
    r"|analyse|analysis|rådgiv|rådgjev|innsikt|insight|research|institut|forsk|consult|konsul"
    r"|kommune|program|prosjekt|prosess|regionråd|utvikling|senter|center|centre|universit|høgskul"
    r"|høyskole|høgskole|partner|advis|authority|council|fylke|direktorat|departement|verksted"
    r"|kompani|selskap|nettverk|næringshage|revisjon|economics|management|strateg|evaluering"
    r"|studi|plan\b|econ|\bunit\b|bureau|byrå|høgskol",
    re.I,
)
_SMALL = {"og", "&", "and", "for", "i", "of", "in"}
_OWN_WORD = re.compile(
    r"(?:forsk(?:n)?ing|analyse|rådgiv(?:n)?ing|rådgjeving|konsulent\w*|utvikling|revisjon|research)$"
)
_WHEN = re.compile(
    r"våren|sommeren|høsten|vinteren|sumaren|hausten|spring|summer|autumn|winter|januar|februar|mars|april"
    r"|mai|juni|juli|august|september|oktober|november|desember"
)
_OF_PROGRAMME = r"(?i)(?:\w*programmet|program(?:kontoret|styret|ledelsen|leiinga))$"
_FORMAL = re.compile(r"\b(?:AS|ASA|SA|KF|IKS|BA|Ltd)\b")
_NO_MAKER = re.compile(
    r"^(?:innovasjon nor|innovation nor|distriktssenter|siva|nav\b|omstilling|program|prosjekt"
    r"|evaluering|sluttevaluering|midtve|sluttrapport|forvaltningsrevisjon$|rapport|notat|forenkl)|kommunestyre",
    re.I,
)


@dataclass(slots=True)
class _Tally:
    """The names that something speaks for, each with its weight and its best place."""

    weights: dict[str, float] = field(default_factory=dict)
    best: dict[str, tuple[float, str, Place]] = field(default_factory=dict)

    def add(self, name: str | None, weight: float, place: Place) -> None:
        name = (name or "").strip(' .,:;–-|«»"“”')
        letters = key(name)
        if len(letters) < 3:  # noqa: PLR2004
            return
        self.weights[letters] = self.weights.get(letters, 0.0) + weight
        if letters not in self.best or self.best[letters][0] < weight:
            self.best[letters] = (weight, name, place)

    def ranked(self) -> list[tuple[float, Found]]:
        """Return the names, heaviest first; one that begins a longer one counts for that one."""
        total = dict(self.weights)
        for short in sorted(total, key=len):
            longer = [one for one in total if short != one and one.startswith(short)]
            if longer:
                heaviest = max(longer, key=lambda one: total[one])
                if total[heaviest] >= _SHORTENED * total[short]:
                    total[heaviest] += total.pop(short)
        order = sorted(total, key=lambda one: (-total[one], one))
        return [(total[one], found(self.best[one][1], self.best[one][2])) for one in order]


def found(value: str, place: Place) -> Found:
    """Return ``value`` with the text it was read from."""
    return Found(value=value.strip(), page=place.page, evidence=place.text[:_EVIDENCE_CHARS])


def choose(ranked: list[tuple[float, Found]]) -> tuple[Found | None, tuple[Found, ...]]:
    """Return the first if it is heavy enough and clearly ahead, and up to three to offer."""
    offered = tuple(one for _, one in ranked[:MOST_OFFERED])
    if not ranked or ranked[0][0] < _ENOUGH:
        return None, offered
    if len(ranked) > 1 and ranked[0][0] - ranked[1][0] < _AHEAD:
        return None, offered
    return ranked[0][1], offered


_CONTENTS = re.compile(r"(?:\. ?){4,}|…{2,}")
"""The dots between a heading and its page number."""


def labelled(lines: list[Place], label: str) -> Iterator[tuple[str, Place]]:
    """Yield what stands behind a label: on its line, on the next one, or in a list of its own.

    Some fact boxes give all labels first and then all values, in the same order.
    """
    lines = [part for line in lines for part in _parts(line)]
    pattern = re.compile(rf"(?:{label})\s*(?::\s*|\s+(?=[{UP}]))(?P<value>\S.*)$", re.I)
    alone = re.compile(rf"(?:{label})\s*:?$", re.I)
    for at, (line, following) in enumerate(zip_longest(lines, lines[1:])):
        match = pattern.match(line.text)
        if match and match["value"][0].isupper():
            yield match["value"], line
        elif alone.match(line.text) and following is not None:
            first = at
            while first and _ANY_LABEL.match(lines[first - 1].text):
                first -= 1
            last = at
            while last < len(lines) and _ANY_LABEL.match(lines[last].text):
                last += 1
            value = last + at - first
            is_value = value < len(lines) and not _LABELLED.match(lines[value].text)
            is_near = is_value and lines[value].page == line.page
            if is_near and not _CONTENTS.search(lines[value].text):
                yield lines[value].text, Place(line.page, f"{line.text} {lines[value].text}")


def _with_colon(lines: list[Place]) -> list[Place]:
    """Leave out lines where «skrevet av» may be the middle of a sentence about something else."""
    return [line for line in lines if ":" in line.text or _ANY_LABEL.match(line.text)]


_BEFORE_LABEL = re.compile(
    rf"(?<=\S)\s+(?=(?i:{CLIENT_LABEL}|{CONTRACTOR_LABEL}|{_OTHER_LABEL})\s*:)"
    rf"|(?<=\S)\s+(?=[{UP}][\wæøå]+(?: [\wæøå]+)?:\s)"
)


def _parts(line: Place) -> list[Place]:
    """Cut a fact box that was read as one paragraph at its labels."""
    return [Place(line.page, part) for part in _BEFORE_LABEL.split(line.text)]


def is_organisation(name: str) -> bool:
    """Two or three capitalised words without a word for an organisation may be a person."""
    parts = name.split()
    if _ORGANISATION.search(name):
        return True
    return len(parts) == 1 and len(name) > 2 and name[:1].isupper() and key(name) not in STOP_WORDS  # noqa: PLR2004


def organisation_at(text: str) -> str | None:
    """Return the name of an organisation that ``text`` begins with, or None."""
    tokens = text.split()
    if not tokens or not re.match(rf"[{UP}]", tokens[0]):
        return None
    taken: list[str] = []
    is_institute = (
        re.match(r"(?i)(?:institu|senter|cent|høgskul|høgskol|høyskol|universit)", tokens[0])
        is not None
    )
    is_programme = re.match(_OF_PROGRAMME, tokens[0]) is not None
    formal = next((at for at, token in enumerate(tokens[:5]) if _FORMAL.match(token)), 0)
    for at, token in enumerate(tokens):
        word = token.rstrip(".,;:()|")
        following = tokens[at + 1] if at + 1 < len(tokens) else ""
        is_institute = is_institute or re.match(r"(?i)institut|cent(?:er|re)", word) is not None
        joins = word in {"og", "&", "and"} and bool(re.match(rf"[{UP}]", following))
        joins = joins or (at == 1 and is_programme and word in _SMALL)
        if is_institute and not _WHEN.fullmatch(word):
            joins = joins or word in _SMALL or (word.islower() and word not in STOP_WORDS)
        joins = joins or (at < formal and word.islower() and word not in STOP_WORDS)
        if not (re.match(rf"[{UP}&]", word) or joins or (at and _OWN_WORD.fullmatch(word))):
            break
        taken.append(word)
        if word != token:
            break
    while taken and taken[-1] in _SMALL:
        taken.pop()
    name = " ".join(taken)
    return name if name and is_organisation(name) else None


# ---------------------------------------------------------------------------------------------
# The contractor
# ---------------------------------------------------------------------------------------------

_REPORT = (
    r"(?:rapport|evaluering|slutt\w*|midtve\w*|vurdering|syntese|analys|undersøk|report|evaluation"
    r"|review|study)\w*"
)
_DONE = (
    r"(?:skrevet|skriven|utarbeidet|utarbeidd|laget|laga|gjennomført|utført|gjort|gjord|written"
    r"|prepared|carried out|conducted|produced|undertaken)"
)
_MADE_BY = re.compile(
    rf"(?i:\b{_REPORT}(?: [^.]{{0,80}})? (?:er|ble|vart|blei|was|is|has been|and|og) (?:\w+ )?"
    rf"{_DONE} (?:av|ved|by|at) )(?=[{UP}])"
)
_MADE = re.compile(
    r"(?i: (?:har|has|fikk|fekk) (?:på oppdrag|on behalf|i oppdrag)[^.]{0,120}"
    rf"| (?:har|has) {_DONE} (?:denne |dette |this |the |ein |en |ei |et |eit |a )?{_REPORT})"
)
_RESEARCHERS = re.compile(rf"\b[Ff]ors[kf]\w+ (?:ved|at) (?=[{UP}])")
_ON_COVER = re.compile(rf"(?i:(?:^|\b)(?:{CONTRACTOR_LABEL})\b:? |^(?:av|by) )(?=[{UP}])")
_DOMAIN = re.compile(r"(?:www\.|@|https?://(?:www\.)?)([\w-]+)\.(?:no|com|org|net|eu)\b")
_DATE_BEHIND = re.compile(
    r",.*$|\s+(?:\d{1,2}\. )?(?:januar|februar|mars|april|mai|juni|juli|august|september|oktober"
    r"|november|desember)\b.*$",
    re.I,
)


_SAID_PLAINLY = 3.0
"""What a label or a plain sentence is worth: then even a programme is believed to be the maker."""
_PROGRAMME_OF = re.compile(rf"{_OF_PROGRAMME[:-1]} (?:i|for) ")


def contractor(front: Front, not_these: Iterable[str]) -> list[tuple[float, Found]]:
    """Return who may have made the report; ``not_these`` are its client, programme and places."""
    tally = _Tally()
    for name, weight, line in [*_makers_named(front), *_makers_told(front), *_makers_shown(front)]:
        if not NOTE.search(line.text):
            tally.add(name, weight, line)
    _say_domains(tally, front)
    shut_out = {key(one) for one in not_these}
    return [
        (weight, one)
        for weight, one in tally.ranked()
        if key(one.value) not in shut_out and _may_make(one.value, weight)
    ]


def _may_make(name: str, weight: float) -> bool:
    """Programmes and municipalities are named everywhere; they made the report if that is said."""
    if _PROGRAMME_OF.match(name):
        return weight >= _SAID_PLAINLY
    if _NO_MAKER.search(name) or "program" in name:
        return False
    return not name.endswith(" kommune") or weight >= _ENOUGH + 1


_Said = Iterator[tuple[str | None, float, Place]]
"""A name, or None where nothing there is one; what it is worth; where it stands."""


def _makers_named(front: Front) -> _Said:
    """Yield what stands behind a label: «Utarbeidet av …», on the cover also within a line."""
    as_set = _with_colon(front.as_set)
    places = [*front.cover_as_set, *front.lines, *as_set, *front.last]
    for value, line in labelled(places, CONTRACTOR_LABEL):
        is_own = _PROGRAMME_OF.match(value)  # then all of it is its name: «… for Vekst i Vinddal»
        yield re.split(r"[.,;:(|]", value)[0] if is_own else organisation_at(value), 3.0, line
    for line in front.cover_as_set:
        if match := _ON_COVER.search(line.text):
            yield organisation_at(line.text[match.end() :]), 2.5, line


def _makers_told(front: Front) -> _Said:
    """Yield what a sentence about the report says."""
    for one in front.sentences:
        for pattern in (_MADE_BY, _RESEARCHERS):
            for match in pattern.finditer(one.text):
                yield organisation_at(one.text[match.end() :]), 3.0, one
        if made := _MADE.search(one.text):
            name = organisation_at(one.text[: made.start()])
            is_subject = name is not None and len(name) >= made.start() - 2
            yield name if is_subject else None, 3.0, one


def _makers_shown(front: Front) -> _Said:
    """Yield the organisations that stand alone on the cover, in head and foot, or behind a ©."""
    for line in front.cover_as_set:
        if line not in (front.title, front.subtitle) and _ORGANISATION.search(line.text):
            bare = _DATE_BEHIND.sub("", line.text)
            name = organisation_at(bare)
            if name and len(name) >= _MOST_OF_IT * len(bare):
                yield name, 2.0 if _FORMAL.search(name) else 1.8, line
    for line in front.edges:
        for part in re.split(r"\s*[|•·–]\s*|\s{2,}", line.text):
            name = organisation_at(part)
            yield name if name and _ORGANISATION.search(name) else None, 1.5, line
    for line in [*front.lines, *front.last]:
        if match := re.match(r"(?:©|\(c\)|Copyright)\s*(?:\d{4}\s*)?", line.text):
            yield organisation_at(line.text[match.end() :]), 1.5, line


def _say_domains(tally: _Tally, front: Front) -> None:
    places = [*front.cover, *front.edges, *front.lines, *front.last]
    for line in places:
        for match in _DOMAIN.finditer(line.text):
            stem = key(match[1])
            for letters in list(tally.weights):
                plain = re.sub(r"(?:as|asa|kf|iks)$", "", letters)
                if len(stem) > 3 and (plain.startswith(stem) or stem.startswith(plain)):  # noqa: PLR2004
                    tally.add(tally.best[letters][1], 0.7, line)


NOTE = re.compile(r"\b(oppdikt(?:et|a)|gjenfort(?:elling|eljing|alt)|fictional|retold)\b", re.I)


# ---------------------------------------------------------------------------------------------
# The programme
# ---------------------------------------------------------------------------------------------

_START = rf"[«\"“]?(?P<name>[{UP}][^.,;:()«»\"”\n]*)"
_TITLING = (
    r"(?:evaluering|evaluation|rapport|report|vurdering|studie|syntese)\w* "
    rf"(?:av|fra|frå|for|of|from|om) {_START}"
)
_PROGRAM = r"(?:omstillings|utviklings)?(?:program(?:met)?|(?:restructuring )?programme)"
_SIGNS: tuple[tuple[str, float, int], ...] = (
    (
        (
            rf"(?:[Nn]avnet|[Nn]amnet|[Tt]he name|heter|heiter|kalt|kalla|(?:is|was) called"
            rf"|programme, (?:named|called),?) {_START}"
        ),
        3.0,
        1,
    ),
    (rf"^Programmet {_START}", 2.5, 1),
    (rf"\b{_PROGRAM} [«\"“](?P<name>[{UP}][^»\"”\n]{{2,50}})[»\"”]", 3.0, 1),
    (
        rf"^{_START} (?:er|var|is|was) (?:et|eit|a) (?:\w+ )?(?:omstillingsprogram|restructuring)",
        3.0,
        1,
    ),
    (
        rf"^{_START} (?:er|var|is|was) (?:[\w]+ )?(?:omstillingsprogrammet|navnet på|namnet på)",
        2.5,
        2,
    ),
    (rf"(?:omstillings|utviklings)?(?:programmet|restructuring programme) {_START}", 2.0, 2),
    (rf"(?:omstillingsplanen|programmet) (?:til|for|i) {NAME} [–-] {_START}", 2.0, 2),
    (rf"[Ss]tyret i {_START}", 1.0, 3),
)
"""How a sentence names the programme, what that is worth, and how often the name must be used."""
_YEARS = re.compile(r"\b(?:19|20)\d\d\s*(?:[-–/]|til|to)\s*(?:\d{4}|\d{2})\b")
_QUOTED = re.compile(
    r"(?:navnet|namnet|heter|heiter|kalt|kalla|called) [«\"“](?P<name>[^»\"”\n]{3,50})[»\"”]"
)
_SEVERAL = re.compile(
    r"\b(?:omstillingsprogramm(?:ene|a)|omstillingsprogrammer|restructuring programmes)\b", re.I
)
_OFTEN, _MANY, _PER_USE = 3, 10, 0.08
_MAY_BE = 1.5
"""Not enough by itself to be taken, but to be offered."""
_HEAD_PARTS = re.compile(r"\s+[–—|-]\s+|\s{2,}")


def is_about_several(front: Front) -> bool:
    """Whether the report says on its cover that it compares programmes."""
    return any(_SEVERAL.search(line.text) for line in [*front.named, *front.cover])


def programme(front: Front) -> list[tuple[float, Found]]:
    """Return what the programme may be called; nothing where the report is about several."""
    if is_about_several(front):
        return []
    tally = _Tally()
    for name, weight, line in [*_programmes_named(front), *_programmes_in_titles(front)]:
        tally.add(name, weight, line)
    return [
        (weight + min(front.count(one.value), _MANY) * _PER_USE, one)
        for weight, one in tally.ranked()
    ]


def _programmes_named(front: Front) -> _Said:
    """Yield what a label or a sentence says that the programme is called."""
    for value, line in labelled(front.lines, _PROGRAMME_LABEL):
        yield name_in_use(value, front, at_least=2), 3.0, line
    for line in [*front.named, *front.sentences]:
        for match in _QUOTED.finditer(line.text):
            yield match["name"], 3.0, line
        for pattern, weight, at_least in _SIGNS:
            for match in re.finditer(pattern, line.text):
                yield name_in_use(match["name"], front, at_least=at_least), weight, line


def _programmes_in_titles(front: Front) -> _Said:
    """Yield the parts of titles and running heads that the report goes on using as a name."""
    for line in front.named:
        for match in re.finditer(_TITLING, line.text):
            yield name_in_use(match["name"], front, at_least=_OFTEN), 2.2, line
    for title, at_least in ((front.title, _OFTEN), (front.subtitle, 2)):
        bare = "" if title is None else _YEARS.sub("", title.text).strip()
        is_acronym = bare.isupper() and " " not in bare
        is_name = is_acronym or name_in_use(bare, front, at_least=2) == bare
        if title is not None and is_name and front.count(bare) >= at_least:
            yield bare, 1.0, title
    for line in front.named[:2]:
        parts = _HEAD_PARTS.split(line.text)
        if len(parts) == 2 and any(kind.search(parts[0]) for _, kind in TYPES):  # noqa: PLR2004
            yield None if _is_description(parts[1]) else parts[1], _MAY_BE, line
    for line in [*front.named[:2], *front.edges]:
        for part in _HEAD_PARTS.split(line.text):
            yield name_in_use(part, front, at_least=_OFTEN), 1.2, line


def name_in_use(text: str, front: Front, *, at_least: int) -> str | None:
    """Return the longest beginning of ``text`` that the report uses so often as a name, or None.

    With ``at_least=1`` the text need not use it again: its first words with capitals are taken.
    """
    text = _YEARS.split(re.split(r"[.,;:()«»\"”]", text)[0])[0].strip()
    if not re.match(rf"[{UP}]", text):
        return None
    tokens = text.split()[:6]
    if len(tokens) == len(text.split()) > 1 and front.count(text) > 1 and not _is_description(text):
        return text
    best: str | None = None
    often = 0
    for length in range(1, len(tokens) + 1):
        name, last = " ".join(tokens[:length]), tokens[length - 1]
        if last.lower() in STOP_WORDS or last in {"AS", "–", "-"}:
            continue
        if length == 1 and (not _is_brand(name, front) or front.count(name) < 3):  # noqa: PLR2004
            continue
        if front.count(name) < max(2, at_least, 0.3 * often):
            break
        best, often = name, front.count(name)
    if best is None and at_least == 1:
        capitals = re.match(rf"[{UP}]\w+(?: (?:[{UP}]\w+|\d{{4}}))+", text)
        best = capitals[0] if capitals else None
    return None if best is None or _is_description(best) else best


def _is_brand(word: str, front: Front) -> bool:
    """One word may be a place, a firm or a person; a programme's name is used as its subject."""
    if word.isupper() or word.endswith(("-programmet", "programmet")):
        return len(word) > 2 and not re.fullmatch(r"PSV|SMB|NAV|SIVA|AS|KF|IN", word)  # noqa: PLR2004
    acts = rf"\b{re.escape(word)} (?:er navnet|startet|starta|hadde|har|skal|ble|vart|was|has)\b"
    is_place = (
        rf"\b(?:i|til|fra|frå|in|from) {re.escape(word)}\b|\b{re.escape(word)} (?:kommune|og omegn)"
    )
    return bool(re.search(acts, front.all_text)) and not re.search(is_place, front.all_text)


def _is_description(name: str) -> bool:
    """«Omstillingsprogrammet i Hallingdal» tells what it is; it is not a name."""
    return bool(
        re.match(
            r"(?i)(omstillings|program(?:met|me|status|leder|leiar)?\b|programstatus|sluttevaluering"
            r"|midtve|evaluering|final|mid-?term|denne|dette|this|rapport|årsrapport|styret|restructuring)",
            name,
        )
        or re.search(r"(?i)\b(fylkes)?kommune$|^innovasjon nor|^regionråd|^innovation nor", name)
    )
