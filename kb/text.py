"""Text in bokmål, nynorsk and English: one way to normalise, cut into words and into sentences.

Pure functions. Everything stored, embedded or compared has passed through ``normalise``.
"""

import re
import unicodedata
from collections.abc import Iterator

MAX_QUERY_CHARS = 512
"""A longer question is cut: the encoder's cost grows with length (0.2 CPU-s per 500 characters)."""

_SPACES = re.compile(r"[^\S\n]+")
_WORD = re.compile(r"[^\W\d_]+(?:[-–][^\W\d_]+)*|\d+(?:[.,]\d+)*", re.UNICODE)
_INVISIBLE = dict.fromkeys(map(ord, "\u00ad\u200b\u200c\u200d\ufeff\u0000"))

STOP_WORDS = frozenset(
    # bokmål and nynorsk
    """
    og i jeg det at en et den til er som på de med han av ikke der så var meg seg men ett har om vi
    min mitt ha hadde hun nå over da ved fra du ut sin dem oss opp man kan hans hvor eller hva skal
    selv sjøl her alle vil bli ble blitt kunne inn når være kom noen noe ville dere deres kun ja
    etter ned skulle denne for deg si sine sitt mot å meget hvorfor dette disse uten hvordan ingen
    din ditt blir samme hvilken hvilke sånn inni mellom vår hver hvem vors hvis både bare enn fordi
    før mange også slik vært båe begge siden dykk dykkar dei deira deires di då eg ei ein eit eitt
    elles honom hjå ho hoe henne hennar hennes hoss hossen ikkje ingi inkje korleis korso kva kvar
    kvarhelst kven kvi kvifor me medan mi mine mykje no nokon noka nokor noko nokre sia sidan so
    somt somme um upp vere vore verte vort varte vart få får fikk fekk bør må gjør gjøre gjer gjere
    går gå mer meir mest mye mindre slike annet andre anna bruke bruker
    """.split()
    # English
    + """
    a an and are as at be been but by can could did do does for from had has have how i if in into
    is it its may might must no not of on or our out should so some than that the their them then
    there these they this those to up us was we were what when where which who why will with would
    you your about after all also any
    """.split()
)

_ABBREVIATIONS = frozenset(
    """
    f.eks bl.a ca dvs osv mv m.v m.m jf jfr nr kl pga p.g.a ift mht evt inkl ekskl mill mrd kr pr
    pst st vs hhv eks tlf o.l m.fl mfl t.d t.o.m f.o.m dr prof kap avd red o.a m.a e.g i.e etc
    approx no fig tab ev cirka bl pkt s
    """.split()
)
_MONTHS = re.compile(
    r"(jan|feb|mars|april|mai|juni|juli|aug|sept|okt|nov|des|march|may|june|july|oct|dec)", re.I
)
_SENTENCE_END = re.compile(r"[.!?…][\"»”')\]]*\s+(?=[«\"“'(\[]?[A-ZÆØÅÄÖÉ0-9–])")
_LETTERS = {ord("æ"): "ae", ord("ø"): "oe", ord("å"): "aa"}
_LAST_WORD = re.compile(r"([\w.]+)\.$")


def normalise(text: str) -> str:
    """Return NFC text without invisible characters, runs of blanks folded, ends trimmed.

    Newlines are kept. Idempotent.
    """
    text = unicodedata.normalize("NFC", text.translate(_INVISIBLE))
    return _SPACES.sub(" ", text).strip()


def key(text: str) -> str:
    """Return letters and digits only, folded: what stays when layout, hyphens and case differ.

    Decomposes accents away but keeps æ, ø and å apart from a and o.
    """
    text = unicodedata.normalize("NFKC", text).lower()
    return "".join(char for char in text if char.isalnum())


def words(text: str) -> list[str]:
    """Return the words and numbers of ``text`` in order, lower case."""
    return [match.group().lower() for match in _WORD.finditer(unicodedata.normalize("NFC", text))]


def word_spans(text: str) -> Iterator[tuple[int, int, str]]:
    """Yield (start, end, lower-case word) of each word in ``text``; offsets are into ``text``."""
    for match in _WORD.finditer(text):
        yield match.start(), match.end(), match.group().lower()


def content_words(text: str) -> list[str]:
    """Return the words that carry meaning: not a stop word, at least two characters."""
    return [word for word in words(text) if word not in STOP_WORDS and len(word) > 1]


def sentence_spans(text: str) -> list[tuple[int, int]]:
    """Return (start, end) of each sentence in ``text``, without the blanks between them.

    Knows Norwegian abbreviations, ordinals («3. mars», «1. kvartal») and closing quotation marks.
    """
    bounds: list[tuple[int, int]] = []
    start = 0
    for match in _SENTENCE_END.finditer(text):
        if _is_false_end(text, start, match):
            continue
        bounds.append((start, match.end()))
        start = match.end()
    bounds.append((start, len(text)))
    spans = []
    for begin, end in bounds:
        piece = text[begin:end]
        lead = len(piece) - len(piece.lstrip())
        if piece.strip():
            spans.append((begin + lead, begin + len(piece.rstrip())))
    return spans


def _is_false_end(text: str, start: int, match: re.Match[str]) -> bool:
    if text[match.start()] != ".":
        return False
    last = _LAST_WORD.search(text[start : match.start() + 1])
    if last is None:
        return False
    word = last.group(1).lower().rstrip(".")
    if word in _ABBREVIATIONS or (len(word) == 1 and word.isalpha()):
        return True
    is_ordinal = word.isdigit() and len(word) <= 2  # noqa: PLR2004  # a day or a chapter
    return is_ordinal and bool(_MONTHS.match(text, match.end()) or start == last.start(1) + start)


def sentences(text: str) -> list[str]:
    """Return the sentences of ``text`` in order."""
    return [text[start:end] for start, end in sentence_spans(text)]


# «for», «at», «to», «be» and «do» are words in Norwegian too, and tell nothing; neither do «og»,
# «vi», «når» and «etter», which both written forms of Norwegian have. The lists were made from
# words that one language has in more than 19 of 20 places in the training passages.
_TELLING = {
    "en": frozenset(
        """the and of is are was were how what when who why should does can with after before
        our we from it that this on not they their your you a an or have has had been its
        which each than would could these those there them about between more other only one two
        """.split()
    ),
    "nn": frozenset(
        """ikkje kva korleis kven kvifor eit ein ei eitt frå vert vart blei dei deira noko nokon
        nokre vere vore berre mykje meir sidan fyrste kor kvar kvart òg eg medan gjere gjer
        gjekk         fekk då utan saman att fleire sjølv sjølve gong gonger kjem seier eigne
        eige eigen ho vidare         korkje anten likevel tilsette verksemder verksemdene
        kommunane programleiar programleiaren gjorde         arbeidsplassar trudde sjeldan høgt
        heile difor tidlegare seinare
        """.split()
    ),
    "nb": frozenset(
        """ikke hva hvordan hvem hvorfor et en fra ble blir de deres noe noen være vært bare
        mye mer siden første hvor hver hvert også jeg mens gjøre gjør gikk fikk da uten sammen igjen
        flere selv samme gang ganger kommer sier egne eget egen hun dem disse verken enten ansatte
        bedrifter kommunene programleder programlederen arbeidsplasser prosjekter prosjektene hele
        ga sjelden derfor tidligere senere annet
        """.split()
    ),
}


def language_of(text: str) -> str:
    """Return ``nb``, ``nn`` or ``en`` by the function words; ``nb`` when nothing tells."""
    found = words(text)
    score = {tongue: sum(word in telling for word in found) for tongue, telling in _TELLING.items()}
    return max(("nb", "nn", "en"), key=lambda tongue: score[tongue])


def occurrences(text: str, wanted: str) -> list[int]:
    """Return where ``wanted`` begins in ``text``, overlapping places too; nothing for ""."""
    found, at = [], text.find(wanted) if wanted else -1
    while at >= 0:
        found.append(at)
        at = text.find(wanted, at + 1)
    return found


def slugify(text: str) -> str:
    """Return a stable ASCII address for ``text``: ``Nye Ålvik-året`` → ``nye-aalvik-aaret``."""
    text = text.lower().translate(_LETTERS)
    text = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "-", text).strip("-") or "ukjent"
