"""What may be wrong with a proposed lesson, for the person who decides. Rules only, no model.

A finding is a hint, not a verdict: nothing is hidden or rejected because of one. Each names the
words it is about; the sentence staff read hangs on the code, in :mod:`kb.messages`.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib import resources

from kb.domain import Kind, Lesson, Report
from kb.text import key, sentences, words


class LintCode(StrEnum):
    """What may be wrong. The values are stable: translations rely on them."""

    NO_CONTEXT = "no-context"
    NOT_TRANSFERABLE = "not-transferable"
    NO_ADVICE = "no-advice"
    PLATITUDE = "platitude"
    PERSON_NAME = "person-name"
    TOO_LONG = "too-long"
    TOO_SHORT = "too-short"
    FRAGMENT = "statement-is-fragment"


class Severity(StrEnum):
    """How much it weighs: ``WARNING`` is to be mended or answered, ``HINT`` to be looked at."""

    WARNING = "warning"
    HINT = "hint"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that may be wrong; ``words`` are those of the lesson that it is about."""

    code: LintCode
    severity: Severity
    words: str


_SHORT_WORDS, _LONG_WORDS, _LONG_CHARS = 6, 45, 320
_PLATITUDE_WORDS = 22
_MANY_NUMBERS, _MANY_NAMES = 3, 2


def _words(patterns: str) -> re.Pattern[str]:
    """Return what finds any of the patterns, whole words only; a new line parts them like «|»."""
    lines = (line.strip() for line in patterns.strip().splitlines())
    return re.compile(rf"\b(?:{'|'.join(lines)})\b", re.I)


_POINTS_BACK = re.compile(
    r"(?:dette|disse|desse|slik|slikt|slike|derfor|difor|dermed|her|der|begge|hun|han|ho|de|dei|den"
    r"|det|denne|this|these|such|it|they|he|she|both|therefore|thus|here|there|that|those)\b",
    re.I,
)
_SAID_OF_IT = _words(
    r"""
    vi|ein|en|man|\d+|er|var|ble|blei|blir|vart|vert|bør|må|kan|kunne|har|hadde|tok|tek|tar|gikk
    gjekk|går|burde|skal|vil|ville|finnes|fins|som|viste|viser|lønte|lønner|krever|krev|gjelder
    gjeld|handler|ga|gav|gir|gjev|holder|nytter|is|was|takes|took|would|should|must|who|which
    has|had|were|are|can|may|paid|pays|helped|med|første|fyrste|største|beste|enkelte|fleste
    andre|nye|aller|to|tre|fire|the
    """
)
_POINTS_AHEAD = re.compile(
    r"(?:de|dei|den|det) \w+e\b|(?:det|den|de|dei|der|her|it|there|that|this|both|begge|such) "
    rf"{_SAID_OF_IT.pattern}",
    re.I,
)
"""«Det tok et år» and «den som …» begin with a pronoun without pointing back."""
_SAYS_SOMETHING = _words(
    r"""
    bør|burde|må|måtte|skal|viktig\w*|avgjør\w*|nøkkel\w*|kritisk\w*|fordi|derfor|difor|slik at
    sånn at|så at|gjorde at|gjorde det|gjer det|gjør at|gjør det|gjer at|førte? til|fører til
    bidro\w*|bidr[ae]\w*|medfør\w*|slapp|sparte|hjelp\w*|hjalp|ga|gav|gir|gjev|skap\w*|styrk\w*
    svekk\w*|hindr\w*|hemm\w*|forebygg\w*|løs\w*|utløs\w*|lykk\w*|lukk\w*|mislykk\w*|virk\w*
    verk\w*|fung\w*|lønte|lønner|krev\w*|vansk\w*|krevende|utfordr\w*|problem\w*|konflikt\w*
    strid\w*|uro|usikker\w*|mangl\w*|savn\w*|uten|utan|aldri|ikke|ikkje|ingen|ingenting|verken
    korkje|for (sent|seint|lite|få|mange|mye|mykje|små|store|tidlig|kort)|først (da|etter|i|når)
    fyrst|bedre|betre|lett\w*|tung\w*|raskere|raskare|mer|meir|mindre|færre|flere enn|lærd\w*
    lærte|lærer|læring\w*|erfar\w*|røynsl\w*|anbefal\w*|tilrå\w*|foreslå\w*|råd|forutset\w*
    vilkår|suksess\w*|styrke|fordel\w*|ulempe\w*|fall\w*|pris\w*|mist\w*|tap\w*|glapp|stopp\w*
    stans\w*|gikk (ut|tapt|i)|tok (tid|lang|et|ett|eit|nesten|halvannet)|kostet|kosta
    brukte (mye|mykje|et|år)|når|hvis|dersom|så lenge|enn|ellers|elles|likevel|men|selv om
    sjølv om|til tross|trass|heller|snarere|i stedet|i staden|ble det (lettere|enklere)|tillit
    forankr\w*|hadde (vi|det|dei|de|styret|noen|nokon)\b.{0,60}\b(ville|kunne|hadde)|should|must
    ought|because|therefore|so that|led to|made it|made the|helped|hindered|prevented|important
    essential|crucial|decisive|lesson\w*|without|lack\w*|never|not|no|too (late|little|few|many)
    only (when|after)|better|easier|harder|difficult|rather|unless|if|when|than|but|worked
    failed|recommend\w*|need\w*|depend\w*|gave|gives|cost|allowed|enabled|kept|meant
    """
)
_IMPERATIVE = _words(
    r"""
    ta|la|gi|sett|bruk|lag|velg|vel|begynn|byrj?a?|start|avklar|sørg|hold|unngå|ikke|ikkje|be
    spør|inviter|skriv|del|vær|ver|møt|finn|legg|vent|planlegg|involver|prioriter|bygg|bygd?
    krev|still|definer|bestem|avtal|gjør|gjer|få|forankre|sjekk|registrer|dropp|utvid|behold
    fortsett|gjenta|ansett|tilsett|knytt|test|use|set|take|make|give|keep|begin|define|agree
    avoid|ask|invite|write|let|plan|build|put|spread|hire|involve|visit|eat|advertise|do|don't
    """
)
"""At the beginning of a statement."""
_PRAISE = _words(
    r"""
    godt|god|gode|bra|svært bra|positiv\w*|vellyk\w*|vellukk\w*|fornøyd\w*|nøgd\w*|tilfreds
    imponer\w*|dyktig\w*|hyggelig\w*|takk\w*|stolt\w*|flott\w*|verdifull\w*|betydelig|solid\w*
    good|well|success\w*|satisfied|pleased|impress\w*|grateful|serious|proud
    """
)
_WHY = _words(
    r"""
    fordi|siden|sidan|ettersom|når|da|då|ved å|slik at|så|gjennom|som følge|på grunn|takket være
    takk vere|uten|utan|gjorde|gir|ga|gav|enn|ikke|ikkje|men|bør|må|burde|because|since|when|by
    so|through|without|made|than|not|but|should|must
    """
)
_VERB = _words(
    r"""
    er|var|ble|blei|blir|vart|vert|har|hadde|kan|kunne|bør|burde|må|måtte|skal|skulle|vil|ville
    får|fikk|fekk|går|gikk|gjekk|gjør|gjorde|gjer|gir|ga|gav|gjev|tar|tok|tek|står|sto|stod|sa
    sier|seier|ser|så|kom|kjem|kommer|satt|sitt|sitter|is|was|were|are|has|had|have|can|could
    should|must|will|would|did|does|made|gave|took|went|came|kept|led|lost|meant|spent|built
    found|got|let|set|put|brought|paid|left|felt|knew|began|\w{3,}(?:te|de|et|er|ar|as|ed|es)
    \w{2,}(?:ast|est)
    """
)
_NAME = re.compile(r"(?<![.!?:»«\"“] )(?<!^)\b[A-ZÆØÅ][a-zæøå]{2,}(?:-?[A-ZÆØÅ]?[a-zæøå]+)*")
_KNOWN = re.compile(
    r"(?i)innovasjon|norge|noreg|norway|norwegian|innovation|fylkeskommune|siva|nav|januar|februar"
    r"|mars|april|mai|juni|juli|august|september|oktober|november|desember|january|february|march"
    r"|may|june|july|october|december|kommunal|stortinget|regjeringen"
)
_NUMBER = re.compile(r"\b\d[\d ]*(?:[.,]\d+)?\b")
_SURNAME = r"(?: [A-ZÆØÅ][a-zæøå]+(?:-[A-ZÆØÅ][a-zæøå]+)?)"


def lint(lesson: Lesson, report: Report) -> tuple[Finding, ...]:
    """Return what may be wrong with ``lesson``, of ``report``; warnings first, then by code."""
    found = [*_of_length(lesson), *_of_form(lesson), *_of_content(lesson, report)]
    found.extend(_names_of_people(lesson))
    return tuple(sorted(found, key=lambda one: (one.severity is Severity.HINT, one.code)))


def _of_length(lesson: Lesson) -> Iterator[Finding]:
    length = len(words(lesson.statement))
    if length < _SHORT_WORDS:
        yield Finding(LintCode.TOO_SHORT, Severity.WARNING, lesson.statement)
    if length > _LONG_WORDS or len(lesson.statement) > _LONG_CHARS:
        yield Finding(LintCode.TOO_LONG, Severity.HINT, lesson.statement[-60:])


def _of_form(lesson: Lesson) -> Iterator[Finding]:
    statement = lesson.statement.strip()
    is_open = statement.endswith((":", ",", ";")) or statement[:1].islower()
    if is_open or not (_VERB.search(statement) or _IMPERATIVE.match(statement)):
        yield Finding(LintCode.FRAGMENT, Severity.WARNING, statement[:60])
    opening = _POINTS_BACK.match(statement)
    if opening and not _POINTS_AHEAD.match(statement) and not _has_words_before(lesson):
        yield Finding(LintCode.NO_CONTEXT, Severity.WARNING, opening.group())


def _has_words_before(lesson: Lesson) -> bool:
    """Return whether the quote, or the line above its list, says what the statement points to."""
    for evidence in lesson.evidence:
        if lesson.statement in evidence.quote:
            is_first = key(sentences(evidence.quote)[0]).startswith(key(lesson.statement)[:40])
            if not is_first or evidence.lead_in:
                return True
    return False


def _of_content(lesson: Lesson, report: Report) -> Iterator[Finding]:
    statement = lesson.statement
    quotes = " ".join(dict.fromkeys(one.quote for one in lesson.evidence))
    says = _SAYS_SOMETHING.search(f"{statement} {quotes}") or _IMPERATIVE.match(statement)
    praise = _PRAISE.search(statement)
    is_plain = not _WHY.search(statement) and ":" not in statement
    if praise and is_plain and len(words(statement)) <= _PLATITUDE_WORDS:
        yield Finding(LintCode.PLATITUDE, Severity.WARNING, praise.group())
    elif not says and lesson.kind is not Kind.RECOMMENDATION:
        yield Finding(LintCode.NO_ADVICE, Severity.HINT, statement[:60])
    numbers = _NUMBER.findall(statement)
    local = _local_names(statement, report)
    if not says and (len(numbers) >= _MANY_NUMBERS or len(local) >= _MANY_NAMES):
        shown = local if len(local) >= _MANY_NAMES else numbers
        yield Finding(LintCode.NOT_TRANSFERABLE, Severity.HINT, ", ".join(shown))


def _local_names(statement: str, report: Report) -> list[str]:
    """Return the names in a statement that mean nothing elsewhere."""
    own = {key(word) for word in (report.programme_name or "").split()}
    names = dict.fromkeys(_NAME.findall(statement))
    return [name for name in names if not _KNOWN.search(name) and key(name) not in own]


def _names_of_people(lesson: Lesson) -> Iterator[Finding]:
    for text in dict.fromkeys([lesson.statement, *(one.quote for one in lesson.evidence)]):
        if match := _person().search(text):
            yield Finding(LintCode.PERSON_NAME, Severity.WARNING, match.group())
            return


@cache
def _person() -> re.Pattern[str]:
    """Return what finds a first name with a surname, or an initial, behind it."""
    listed = resources.files("kb").joinpath("data", "first-names.txt").read_text(encoding="utf-8")
    first = "|".join(map(re.escape, listed.split()))
    not_firm = r"(?! (?:AS|ASA|Norge|kommune))"
    middle = r"(?: (?:[A-ZÆØÅ]\.|" + first + r"))?"
    return re.compile(rf"\b(?:{first})(?:-(?:{first}))?{middle}{_SURNAME}\b{not_firm}")
