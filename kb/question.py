"""What a question may hold besides words: exact phrases, what must not be there, and fields.

    "SMB-utvikling" -havn program:hallingdal år:2015-2020 hvordan begynte de?

Reading never fails: what is no syntax is words. What a field's value means is for those to say who
know the base (:mod:`kb.narrow`).
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from kb.text import normalise, words


class Field(StrEnum):
    """What a field asks about. The values are those of the facets, and ``utforer``."""

    THEME = "tema"
    PROGRAMME = "program"
    PHASE = "fase"
    KIND = "type"
    PROGRAMME_TYPE = "programtype"
    REPORT_TYPE = "rapporttype"
    YEAR = "ar"
    CONTRACTOR = "utforer"


_NAMES = {
    "tema": Field.THEME,
    "theme": Field.THEME,
    "program": Field.PROGRAMME,
    "programme": Field.PROGRAMME,
    "fase": Field.PHASE,
    "phase": Field.PHASE,
    "type": Field.KIND,
    "kind": Field.KIND,
    "programtype": Field.PROGRAMME_TYPE,
    "rapporttype": Field.REPORT_TYPE,
    "reporttype": Field.REPORT_TYPE,
    "år": Field.YEAR,
    "ar": Field.YEAR,
    "year": Field.YEAR,
    "utfører": Field.CONTRACTOR,
    "utførar": Field.CONTRACTOR,
    "utforer": Field.CONTRACTOR,
    "contractor": Field.CONTRACTOR,
}

_QUOTES = str.maketrans(dict.fromkeys("“”„‟«»″＂", '"'))
_TOKEN = re.compile(
    r"(?P<minus>[-−–](?=[^\s]))?(?:(?P<name>[^\W\d_]+):(?=[\w\"−–-]))?"
    r"(?:\"(?P<quoted>[^\"]*)\"|(?P<bare>[^\s\"]+))"
)
_BARE = re.compile(r"[\w−–-]+")
_EDGES = ",.;:!?()[]{}"


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldTerm:
    """A field as it was written: ``program:hallingdal``, or with a minus before it."""

    field: Field
    value: str
    is_excluded: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ParsedQuestion:
    """A question taken apart. Nothing in it holds a quotation mark or a newline.

    ``words`` is what remains as ordinary text. ``unknown_fields`` are names before a colon that are
    no field's; they stand in ``words`` too.
    """

    words: str = ""
    phrases: tuple[str, ...] = ()
    excluded_words: tuple[str, ...] = ()
    excluded_phrases: tuple[str, ...] = ()
    fields: tuple[FieldTerm, ...] = ()
    unknown_fields: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """What is searched for by words and meaning: the words, and those of the phrases."""
        return " ".join(part for part in (self.words, *self.phrases) if part)

    @property
    def is_plain(self) -> bool:
        """Whether there is nothing but words."""
        return not (self.phrases or self.excluded_words or self.excluded_phrases or self.fields)


def parse(text: str) -> ParsedQuestion:
    """Take a question apart; whatever cannot be read as syntax is words."""
    text = normalise(text.translate(_QUOTES).replace("\n", " "))
    if text.count('"') % 2:  # the last one opens nothing
        head, _, tail = text.rpartition('"')
        text = f"{head} {tail}"
    plain: list[str] = []
    phrases: list[str] = []
    excluded_words: list[str] = []
    excluded_phrases: list[str] = []
    fields: list[FieldTerm] = []
    for token in _TOKEN.finditer(text):
        minus, quoted = bool(token["minus"]), token["quoted"]
        value = normalise(token["bare"] if quoted is None else quoted)
        field = _NAMES.get((token["name"] or "").lower())
        content = value if quoted is not None else value.strip(_EDGES)
        if field is not None and words(content):
            fields.append(FieldTerm(field=field, value=content, is_excluded=minus))
        elif token["name"] is not None and quoted is not None and words(value):
            plain.append(f"{token['name']}:")
            phrases.append(value)
        elif token["name"] is not None:
            plain += _plain(token.group())
        elif minus and any(map(str.isalpha, value)) and words(value):
            if quoted is None and len(words(value)) == 1:
                excluded_words.append(words(value)[0])
            else:
                excluded_phrases.append(value)
        elif quoted is not None and words(value):
            phrases.append(value)
        else:
            plain += _plain(token.group())
    return ParsedQuestion(
        words=" ".join(plain),
        phrases=_once(phrases),
        excluded_words=_once(excluded_words),
        excluded_phrases=_once(excluded_phrases),
        fields=tuple(dict.fromkeys(fields)),
        unknown_fields=_once(list(_unknown(plain))),
    )


def write(parsed: ParsedQuestion) -> str:
    """Return a question that :func:`parse` takes apart in the same way."""
    parts = [parsed.words] if parsed.words else []
    parts += [f'"{phrase}"' for phrase in parsed.phrases]
    parts += [f"-{word}" for word in parsed.excluded_words]
    parts += [f'-"{phrase}"' for phrase in parsed.excluded_phrases]
    for term in parsed.fields:
        value = term.value if _BARE.fullmatch(term.value) else f'"{term.value}"'
        parts.append(f"{'-' if term.is_excluded else ''}{term.field}:{value}")
    return " ".join(parts)


def _plain(token: str) -> Iterator[str]:
    """Yield the words of what looked like syntax, so that they do not look so again."""
    for piece in token.replace('"', " ").split():
        yield piece.lstrip("-−–") if any(map(str.isalpha, piece)) else piece


def _unknown(plain: list[str]) -> Iterator[str]:
    for word in plain:
        token = _TOKEN.fullmatch(word)
        if token is not None and token["name"] is not None and len(token["name"]) > 1:
            yield token["name"].lower()


def _once(values: list[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(values))
